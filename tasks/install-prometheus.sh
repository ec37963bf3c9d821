#!/usr/bin/env bash
#
# Installs a Prometheus for the test of the dashboard if there is none on the machine. Where
# that is not possible the test is skipped.

set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/debian-package.sh"

if [ -n "${PROMETHEUS_BIN:-}" ] || command -v prometheus > /dev/null; then
  exit
fi

install_package 'no Prometheus, the dashboard will not be tested' prometheus || true
