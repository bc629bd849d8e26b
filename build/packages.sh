#!/usr/bin/env bash
# Installs the Debian packages whose commands are missing: packages.sh WHY COMMAND:PACKAGE …
# Where it may not, it names them and goes on: what needs them will say so by failing.
set -uo pipefail
why=$1
shift
packages=()
for pair in "$@"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || packages+=("${pair#*:}")
done
[ ${#packages[@]} -gt 0 ] || exit 0

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$sudo" ] || sudo -n true 2>/dev/null; }; then
  echo "installing what $why (once): ${packages[*]}"
  $sudo apt-get update -qq >/dev/null &&
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null && exit 0
fi
echo "missing for what $why: apt-get install ${packages[*]}" >&2
