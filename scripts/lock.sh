#!/usr/bin/env bash
# Resolve pyproject.toml into four lock files with hashes, valid for every supported Python and platform:
#   requirements.lock        what Academe runs on
#   requirements-dev.lock    the same, with what tests, types and checks need
#   requirements-setup.lock  the installer and the build backend
#   requirements-node.lock   Node, for machines without it
#
# Usage: scripts/lock.sh [--upgrade]     without it, versions that still satisfy pyproject.toml stay as they are
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || { echo "lock: run 'make setup' first; it installs uv into .venv" >&2; exit 1; }

# No addresses: a lock names versions and hashes, and whoever installs says from where.
compile() {
    local output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command "make lock" --output-file "$output" "$@" >/dev/null
}

compile requirements.lock pyproject.toml "$@"
compile requirements-dev.lock pyproject.toml --group dev --constraints requirements.lock "$@"
compile requirements-setup.lock --group setup --constraints requirements-dev.lock "$@"
compile requirements-node.lock --group node "$@"

if grep -nE '://|--(extra-)?index|--find-links|file:' requirements*.lock; then
    echo "lock: the lines above hold an address; a lock must not" >&2
    exit 1
fi
wc -l requirements*.lock
