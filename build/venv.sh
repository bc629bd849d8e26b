#!/usr/bin/env bash
# Makes a virtual environment with pip: venv.sh PYTHON FOLDER.
# Debian splits ensurepip off into python3-venv; where that is missing and may be installed, it is.
set -euo pipefail
python=$1 folder=$2

make_venv() { "$python" -m venv --clear "$folder" >/dev/null 2>&1 && "$folder/bin/python" -m pip --version >/dev/null 2>&1; }

make_venv && exit 0

version=$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
package="python$version-venv"
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$sudo" ] || sudo -n true 2>/dev/null; }; then
  echo "installing $package, which this Python lacks (once)"
  $sudo apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$package" >/dev/null
  make_venv && exit 0
fi
rm -rf "$folder"
echo "this Python cannot make virtual environments: apt-get install $package, then run make again" >&2
exit 1
