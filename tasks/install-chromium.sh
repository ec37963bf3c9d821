#!/usr/bin/env bash
#
# Installs a Chromium for the browser tests if there is none on the machine. Where that is not
# possible it is left to Playwright to download one.

set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/debian-package.sh"

# the same places tasks/system-browser.js looks in
if [ -n "${CHROMIUM_BIN:-}" ] || [ -x /usr/lib/chromium/chromium-headless-shell ] || [ -x /usr/lib/chromium/chromium ] ||
    command -v chromium chromium-browser google-chrome-stable google-chrome > /dev/null; then
  exit
fi

# the headless shell is the smaller one, but not every release has it
install_package 'no Chromium found, leaving it to Playwright to download one' chromium-headless-shell chromium
