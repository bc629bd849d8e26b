#!/usr/bin/env bash
# Freezes the program: freeze.sh file|dir makes dist/notifier or dist/notifier-dir, in an environment of its own (.work).
# FREEZE_PYTHON chooses another Python than the system's, which is preferred because distributions build theirs optimised.
set -euo pipefail
cd "$(dirname "$0")/.."
form=$1
python=${FREEZE_PYTHON:-/usr/bin/python3}
venv=.work/venv
locks=(build/requirements.txt build/requirements-build.txt)

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_headers() { "$1" -c 'import os, sysconfig; open(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null; }
has_library() { "$python" -c 'import ctypes, sysconfig; ctypes.CDLL(sysconfig.get_config_var("INSTSONAME"))' 2>/dev/null; }

is_new_enough "$python" || python=$(command -v python3)
is_new_enough "$python" || { echo "Python 3.11 or newer is needed: apt-get install python3" >&2; exit 1; }

packages=()
has_library || packages+=("lib$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')")
has_headers "$python" || packages+=("lib$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')-dev")
command -v cc >/dev/null || packages+=(gcc libc6-dev)
command -v strip >/dev/null || packages+=(binutils)
command -v tmux >/dev/null || packages+=(tmux) # the test looks at the dashboard in it
[ -x /usr/bin/redis-server ] || packages+=(redis-server)
if [ ${#packages[@]} -gt 0 ]; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  if command -v apt-get >/dev/null && { [ -z "$sudo" ] || sudo -n true 2>/dev/null; }; then
    echo "installing what the build lacks (once): ${packages[*]}"
    $sudo apt-get update -qq >/dev/null
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  else
    echo "the build lacks: apt-get install ${packages[*]}, then run make again" >&2
    exit 1
  fi
fi
has_headers "$python" || { echo "$python has no headers (Python.h); name another by FREEZE_PYTHON" >&2; exit 1; }
has_library || { echo "$python has no shared library (libpython); name another by FREEZE_PYTHON" >&2; exit 1; }

mkdir -p .work
exec 9>.work/lock
flock 9 # one build at a time
wanted=$("$python" -VV; cat "${locks[@]}")
if [ "$(cat $venv/.installed 2>/dev/null)" != "$wanted" ]; then
  echo "installing what the executable is frozen from (once)"
  bash build/venv.sh "$python" $venv
  $venv/bin/python -m pip --quiet --disable-pip-version-check install --use-pep517 --no-deps "${locks[@]/#/-r}"
  echo "$wanted" > $venv/.installed
fi

echo "compiling the hot path"
$venv/bin/python build/compiled.py .work/sources

name=notifier
[ "$form" = file ] || name=notifier-dir
echo "freezing dist/$name"
# Without columns in the code: they point into lines of source, which the executable does not have.
NOTIFIER_BUNDLE=$form PYINSTALLER_ZLIB_COMPRESSION_LEVEL=9 $venv/bin/python -X no_debug_ranges -m PyInstaller \
  --noconfirm --log-level ERROR \
  --distpath .work/dist --workpath ".work/$form" notifier.spec
mkdir -p dist
rm -rf "dist/$name"
mv ".work/dist/$name" "dist/$name" # in one step: what is in dist/ is whole
