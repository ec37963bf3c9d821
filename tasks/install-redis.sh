#!/usr/bin/env bash
#
# Installs a Redis for the tests of fleets if there is none on the machine: the package of
# Debian, which needs root. Where that is not possible those tests fail, and say why.

set -euo pipefail

if [ -n "${REDIS_BIN:-}" ] || command -v redis-server > /dev/null || command -v valkey-server > /dev/null; then
  exit
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo 'no Redis found: install redis-server or valkey-server, or set REDIS_BIN' >&2
  exit
fi

export DEBIAN_FRONTEND=noninteractive
get=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
trap 'rm -f "$log"; [ -z "${added_policy:-}" ] || rm -f "$policy"' EXIT

# the package has a service, which must not be started
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  added_policy=yes
fi

install () {
  "${get[@]}" install -y --no-install-recommends redis-server < /dev/null > "$log" 2>&1
}

install || { "${get[@]}" update < /dev/null && install; } || { cat "$log" >&2; echo 'no Redis could be installed' >&2; }
