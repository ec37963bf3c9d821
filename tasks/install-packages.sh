#!/usr/bin/env bash
#
# Installs the packages of the lock file where there are none yet, with a dot every three
# seconds, so that nobody takes it for something that hangs. Exits with what npm exits with.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# there once npm is done: the version of node that everything runs with
if [ -x node_modules/.bin/node ]; then
  exit 0
fi

dots () {
  while sleep 3 > /dev/null 2>&1; do
    printf .
  done
}

printf 'installing packages, once: this takes a minute or two '

# npm in the foreground, as Ctrl-C has to end it
dots &
dots=$!
npm ci --loglevel=error --no-progress --no-audit --no-fund < /dev/null
status=$?
kill "$dots" 2> /dev/null
echo

exit "$status"
