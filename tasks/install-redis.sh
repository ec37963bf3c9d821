#!/usr/bin/env bash
#
# Installs a Redis for the tests of fleets if there is none on the machine. Where that is not
# possible those tests fail, and say why.

set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/debian-package.sh"

if [ -n "${REDIS_BIN:-}" ] || command -v redis-server > /dev/null || command -v valkey-server > /dev/null; then
  exit
fi

install_package 'no Redis found: install redis-server or valkey-server, or set REDIS_BIN' redis-server valkey-server || true
