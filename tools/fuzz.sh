#!/usr/bin/env bash
# Feeds each reader that a stranger can feed at random, for SECONDS each. Fails where one panics, takes longer than five
# seconds for an input, or more than 512 MiB; the input then lies in fuzz/artifacts.
#
# Usage: fuzz.sh [SECONDS] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-30}
shift || true
all=(suite template yaml app_spec task_definition hurl json jsonpath icalendar schedule approvals environments event notification)
targets=("${@:-${all[@]}}")
# Coverage is a matter of the compiler's own options, which the stable one takes when it is told so.
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=$PWD/target/fuzz
fuzz=$PWD/.tools/cargo-fuzz/bin/cargo-fuzz

# Beginnings of good files lead further than noise does.
seeds() {
  case $1 in
    suite | yaml) cat_files examples/suites/*.yaml examples/suites/shared/*.yaml examples/appspec/* fuzz/seeds/*.suite ;;
    app_spec) cat_files examples/appspec/* ;;
    hurl) cat_files fuzz/seeds/*.hurl ;;
    task_definition) cat_files fuzz/seeds/*.json ;;
    template) cat_files fuzz/seeds/*.txt ;;
    approvals) cat_files examples/approvals.yaml examples/approvals/*.yaml tests/e2e/approvals.yaml ;;
    environments) cat_files examples/environments.yaml examples/demo/environments.yaml tests/e2e/environments.yaml ;;
    event | notification | json) cat_files events/*.json ;;
    *) ;;
  esac
}

cat_files() {
  local file
  for file in "$@"; do [[ ! -f $file ]] || printf '%s\n' "$file"; done
}

failed=()
for target in "${targets[@]}"; do
  corpus=.local/fuzz/$target
  mkdir -p "$corpus"
  seeds "$target" | while read -r file; do cp "$file" "$corpus/$(basename "$file")"; done
  log=.local/fuzz/$target.log
  if "$fuzz" run --sanitizer none "$target" "$corpus" -- \
    -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -max_len=65536 -print_final_stats=1 >"$log" 2>&1; then
    printf '%-14s %10s runs, peak %4s MB\n' "$target" \
      "$(awk '/number_of_executed_units/ {print $2}' "$log")" "$(awk '/peak_rss_mb/ {print $2}' "$log")"
  else
    failed+=("$target")
    printf '%-14s FAILED\n' "$target"
    tail -n 25 "$log"
  fi
done
[[ ${#failed[@]} == 0 ]] || {
  printf 'failed: %s\n' "${failed[*]}"
  exit 1
}
