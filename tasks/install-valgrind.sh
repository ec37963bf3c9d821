#!/usr/bin/env bash
#
# Installs valgrind, which counts instructions for the benchmarks, if there is none on
# the machine: the package of Debian, which needs root. Where that is not possible
# instructions are not compared.

set -euo pipefail

if command -v valgrind > /dev/null; then
  exit
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo 'no valgrind found, skipped: instructions will not be compared'
  exit
fi

export DEBIAN_FRONTEND=noninteractive
get=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

install () {
  "${get[@]}" install -y --no-install-recommends valgrind < /dev/null > "$log" 2>&1
}

install || { "${get[@]}" update < /dev/null && install; } || { cat "$log" >&2; echo 'no valgrind, instructions will not be compared'; }
