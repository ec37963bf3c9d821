#!/usr/bin/env bash
#
# Installs a Chromium for the browser tests if there is none on the machine: the
# headless shell of Debian, which needs root. Where that is not possible it is
# left to Playwright to download one.

set -euo pipefail

# the same places tasks/system-browser.js looks in
if [ -n "${CHROMIUM_BIN:-}" ] || [ -x /usr/lib/chromium/chromium-headless-shell ] || [ -x /usr/lib/chromium/chromium ] ||
    command -v chromium chromium-browser google-chrome-stable google-chrome > /dev/null; then
  exit
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo 'no Chromium found, leaving it to Playwright to download one'
  exit
fi

export DEBIAN_FRONTEND=noninteractive
get=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# the headless shell is the smaller one, but not every release has it
install () {
  for package in chromium-headless-shell chromium; do
    "${get[@]}" install -y --no-install-recommends "$package" < /dev/null > "$log" 2>&1 && return
  done

  return 1
}

install || { "${get[@]}" update < /dev/null && install; } || { cat "$log" >&2; exit 1; }
