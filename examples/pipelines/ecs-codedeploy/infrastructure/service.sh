#!/usr/bin/env bash
# Makes or updates the stack of service.yaml for an environment.
# Usage: infrastructure/service.sh ENVIRONMENT SUBNET[,SUBNET…]
# For a new service, the image of the commit that is checked out must be in the repository: the pipeline's first execution
# builds it. A stack that is there keeps its first task definition: CloudFormation can't change one under CodeDeploy.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() {
  printf 'infrastructure/service.sh: %s\n' "$*" >&2
  exit 1
}
[[ $# == 2 ]] || fail "name the environment, and the private subnets of its tasks, separated by commas"
export ENVIRONMENT=$1
subnets=$2

# An output of a stack.
output() {
  local value
  value=$(aws cloudformation describe-stacks --stack-name "$1" \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue" --output text)
  [[ $value && $value != None ]] || fail "the stack $1 has no output $2"
  printf '%s' "$value"
}

parameters=("Environment=$ENVIRONMENT" "SubnetIds=$subnets")
if ! aws cloudformation describe-stacks --stack-name "books-$ENVIRONMENT-service" >/dev/null 2>&1; then
  repository_uri=$(output books-shared RepositoryUri)
  digest=$(aws ecr describe-images --repository-name "${repository_uri#*/}" \
    --image-ids "imageTag=$(git rev-parse HEAD)" --query 'imageDetails[0].imageDigest' --output text) ||
    fail "the repository has no image of this commit; push it, and wait for the pipeline's build"
  printf '{"ImageURI": "%s@%s"}\n' "$repository_uri" "$digest" >imageDetail.json
  account=$(aws sts get-caller-identity --query Account --output text)
  partition=$(aws sts get-caller-identity --query Arn --output text | cut -d: -f2)
  role=arn:$partition:iam::$account:role/books-$ENVIRONMENT
  VERSION=$(ci/version.sh) AWS_REGION=$(cut -d. -f4 <<<"$repository_uri") LOG_GROUP=/ecs/books-$ENVIRONMENT \
    TASK_ROLE_ARN=$role-task EXECUTION_ROLE_ARN=$role-execution ci/release.sh
  sed -i.bak "s|<IMAGE1_NAME>|$repository_uri@$digest|" release/taskdef.json
  first=$(aws ecs register-task-definition --cli-input-json file://release/taskdef.json \
    --query taskDefinition.taskDefinitionArn --output text)
  parameters+=("TaskDefinition=$first")
fi

# One after the other, so that the first that is missing ends it.
for name in ServiceSecurityGroupId BlueTargetGroupArn BlueTargetGroupName GreenTargetGroupName ProductionListenerArn \
  TestListenerArn; do
  value=$(output "books-$ENVIRONMENT" "$name")
  parameters+=("$name=$value")
done
aws cloudformation deploy --stack-name "books-$ENVIRONMENT-service" --template-file infrastructure/service.yaml \
  --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --parameter-overrides "${parameters[@]}"
