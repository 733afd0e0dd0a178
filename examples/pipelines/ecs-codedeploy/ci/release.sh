#!/usr/bin/env bash
# Gathers what the pipeline deploys, in release/, and the suites of the gates, in release-suites/.
set -euo pipefail
: "${VERSION:?}" "${ENVIRONMENT:?}" "${TASK_ROLE_ARN:?}" "${EXECUTION_ROLE_ARN:?}" "${LOG_GROUP:?}" "${AWS_REGION:?}"
rm -rf release release-suites
mkdir release release-suites
sed -e "s|<VERSION>|$VERSION|" -e "s|<ENVIRONMENT>|$ENVIRONMENT|" -e "s|<LOG_GROUP>|$LOG_GROUP|" \
  -e "s|<AWS_REGION>|$AWS_REGION|" -e "s|<TASK_ROLE_ARN>|$TASK_ROLE_ARN|" \
  -e "s|<EXECUTION_ROLE_ARN>|$EXECUTION_ROLE_ARN|" taskdef.json >release/taskdef.json
cp imageDetail.json appspec.yaml infrastructure/infrastructure.yaml release/
# The gates look for a suite by application and deployment group.
cp "suites/$ENVIRONMENT.yaml" suites/smoke.yaml release-suites/
