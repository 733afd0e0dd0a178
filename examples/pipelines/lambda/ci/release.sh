#!/usr/bin/env bash
# Gathers what the pipeline deploys, in release/, and the suite of the gates, in release-suites/.
set -euo pipefail
: "${VERSION:?}" "${ENVIRONMENT:?}"
rm -rf release release-suites
mkdir release release-suites
image=$(sed -n 's/^{"ImageURI": "\(.*\)"}$/\1/p' imageDetail.json)
# A new version of the function is published when CodeSha256 changes.
cat >release/configuration.json <<JSON
{
  "Parameters": {
    "Environment": "$ENVIRONMENT",
    "Version": "$VERSION",
    "ImageUri": "$image",
    "CodeSha256": "${image##*@sha256:}"
  }
}
JSON
cp imageDetail.json infrastructure/application.yaml release/
cp suites/books.yaml release-suites/
