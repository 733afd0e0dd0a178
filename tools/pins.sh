#!/usr/bin/env bash
# Writes tools/*.txt anew from tools/*.in: every package with its version and hashes, no index address.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -m venv .tools/pins
.tools/pins/bin/pip install --quiet pip-tools==7.6.2
trap 'rm -rf "$OLDPWD/.tools/pins"' EXIT
cd tools
for input in *.in; do
  ../.tools/pins/bin/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras \
    --no-emit-find-links --no-emit-index-url --no-emit-options --no-emit-trusted-host --no-header \
    --output-file="${input%.in}.txt" "$input"
  echo "tools/${input%.in}.txt written"
done
