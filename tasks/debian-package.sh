# shellcheck shell=bash
#
# For scripts that install something the machine may lack: `source` it.

# install_package WITHOUT PACKAGE...
#
# Installs the first of these packages of Debian that can be had, which needs root. A service in it is
# not started. Where nothing can be installed, it prints WITHOUT, which says what follows; only a
# failure to install is an error.
install_package () {
  local without=$1
  shift

  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    echo "$without" >&2
    return
  fi

  export DEBIAN_FRONTEND=noninteractive
  get=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  log=$(mktemp)
  policy=/usr/sbin/policy-rc.d
  trap 'rm -f "$log"; [ -z "${added_policy:-}" ] || rm -f "$policy"' EXIT

  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    added_policy=yes
  fi

  install_first "$@" || { "${get[@]}" update < /dev/null && install_first "$@"; } || { cat "$log" >&2; echo "$without" >&2; return 1; }
}

install_first () {
  local package

  for package in "$@"; do
    "${get[@]}" install -y --no-install-recommends "$package" < /dev/null > "$log" 2>&1 && return
  done

  return 1
}
