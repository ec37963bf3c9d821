#!/usr/bin/env bash
#
# Installs the real applications of test/apps, which have a lock file of their own, and
# the package in them, built and packed as its users get it. It needs npm's registry.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash tasks/install-packages.sh
PATH=$PWD/node_modules/.bin:$PATH

packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT

# scripts are for modules that have to be compiled, and all of those are there in a compiled form
install=(--ignore-scripts --no-audit --no-fund --loglevel=error)

npm run --silent build < /dev/null > "$packed/log" 2>&1 || { cat "$packed/log" >&2; exit 1; }
npm pack --ignore-scripts --silent --pack-destination "$packed" < /dev/null > /dev/null

cd test/apps

# npm leaves a note of what it has installed
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci "${install[@]}" < /dev/null

# one of the same version would stay
rm -rf node_modules/libp2p-resource-manager
npm install --no-save --prefer-offline "${install[@]}" "$packed"/*.tgz < /dev/null
