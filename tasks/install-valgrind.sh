#!/usr/bin/env bash
#
# Installs valgrind, which counts instructions for the benchmarks, if there is none on the
# machine. Where that is not possible instructions are not compared.

set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/debian-package.sh"

if command -v valgrind > /dev/null; then
  exit
fi

install_package 'no valgrind, instructions will not be compared' valgrind || true
