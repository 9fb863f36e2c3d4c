#!/usr/bin/env bash
# Prepare .venv in this checkout and build the front end; a second call that finds nothing changed takes no time.
#
# Usage: scripts/setup.sh [runtime|dev]
#   runtime  what Academe runs on (the default)
#   dev      the same and what the tests and checks need; once installed, later runtime calls keep it
#
# PYTHON=/path/to/python chooses the interpreter; without it the first suitable one on PATH is taken.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=${1:-runtime}
case "$wanted" in runtime | dev) ;; *) echo "usage: scripts/setup.sh [runtime|dev]" >&2; exit 2 ;; esac

venv=.venv
stamp=$venv/.academe-setup
# Packages that are compiled, CatBoost last of all, have ready builds for these and for no later Python yet.
supported='(3, 11) <= sys.version_info[:2] <= (3, 14)'

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# uv and Node bring their own certificate authorities; behind an inspecting proxy only the system's know the right ones.
trust_what_the_system_trusts() {
    local store
    for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -e "$store" ]; then
            export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}
            export REQUESTS_CA_BUNDLE=${REQUESTS_CA_BUNDLE:-$store} NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-$store}
            return
        fi
    done
}

suits() { "$1" -c "import sys; sys.exit(not ($supported))" >/dev/null 2>&1; }

find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        suits "$PYTHON" || fail "PYTHON=$PYTHON is not a working Python 3.11 to 3.14"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if suits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 to 3.14 on PATH (python3 is: $(python3 --version 2>&1 || true))" \
        "install one, or name one: make setup PYTHON=/path/to/python3.12"
}

# Some distributions ship Python without ensurepip; then uv or pip of the system can do the first step as well.
create_environment() {
    local python=$1 log
    say "creating $venv with $("$python" --version)"
    rm -rf "$venv"
    log=$(mktemp)
    if "$python" -m venv "$venv" >"$log" 2>&1; then
        rm -f "$log"
        install_tools "$venv/bin/python" -m pip
    elif rm -rf "$venv" && command -v uv >/dev/null 2>&1; then
        rm -f "$log"
        uv venv --quiet --python "$python" "$venv"
        uv pip install --quiet --python "$venv/bin/python" --require-hashes --requirement requirements-setup.lock
    elif "$python" -m pip --version >/dev/null 2>&1; then
        rm -f "$log"
        "$python" -m venv --without-pip "$venv"
        install_tools "$python" -m pip --python "$venv/bin/python"
    else
        cat "$log" >&2
        rm -rf "$log" "$venv"
        fail "this Python cannot create virtual environments; on Debian and Ubuntu: apt-get install python3-venv"
    fi
}

install_tools() {
    "$@" --quiet --disable-pip-version-check install --require-hashes --requirement requirements-setup.lock ||
        fail "could not install the tools of requirements-setup.lock; is the package index reachable?"
}

# The project itself is editable, after its dependencies: nothing is resolved, built in isolation or downloaded for it.
install_with_uv() {
    # Compiled once here, every start of a command takes a third of the time, also where Python may not keep what it
    # compiles (PYTHONDONTWRITEBYTECODE).
    local sync=(pip sync --compile-bytecode --require-hashes "$1" requirements-setup.lock) index
    # On a terminal uv shows its progress bars; in a log its list of packages would only bury what matters.
    [ -t 2 ] || sync+=(--quiet)
    # uv has settings of its own; a mirror that only pip was told about is meant for it too.
    index=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
    export VIRTUAL_ENV=$PWD/$venv
    "$venv/bin/uv" "${sync[@]}" && "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
}

install_with_pip() {
    local pip=("$venv/bin/python" -m pip --disable-pip-version-check install --quiet)
    "${pip[@]}" --require-hashes --requirement "$1" --requirement requirements-setup.lock &&
        "${pip[@]}" --no-deps --no-build-isolation --editable .
}

# --- is everything as the last call left it? ---------------------------------------------------------------------

# A virtual environment that was copied or moved with its checkout still points at the old place.
place=$PWD
installed='' installed_place='' installed_sum=''
if [ -f "$stamp" ]; then
    { read -r installed && read -r installed_place && read -r installed_sum; } <"$stamp" || true
fi
# The test tools stay once they are there, also in an environment that somebody made by hand.
if [ "$installed" = dev ] || { [ -z "$installed" ] && [ -x "$venv/bin/pytest" ]; }; then
    wanted=dev
fi
lock=requirements.lock
if [ "$wanted" = dev ]; then
    lock=requirements-dev.lock
fi
trust_what_the_system_trusts
sum=$(cat "$lock" requirements-setup.lock pyproject.toml | cksum)

if [ "$installed $installed_place $installed_sum" != "$wanted $place $sum" ] || [ ! -x "$venv/bin/python" ]; then
    if ! suits "$venv/bin/python" || { [ -n "$installed_place" ] && [ "$installed_place" != "$place" ]; }; then
        python=$(find_python)
        create_environment "$python"
    elif [ ! -x "$venv/bin/uv" ]; then
        "$venv/bin/python" -m ensurepip >/dev/null 2>&1 || true
        install_tools "$venv/bin/python" -m pip
    fi

    say "installing $lock"
    if ! install_with_uv "$lock"; then
        say "uv could not install it, for the reason above; trying pip, which may know another index and takes longer"
        install_with_pip "$lock" || fail "could not install $lock; the lines above say which package and why"
    fi
    printf '%s\n' "$wanted" "$place" "$sum" >"$stamp"
fi

# --- front end ---------------------------------------------------------------------------------------------------

"$venv/bin/python" scripts/frontend.py
