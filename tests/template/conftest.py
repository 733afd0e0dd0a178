"""What the tests of the templates share."""

import pytest
from rendering import Rendered
from world import templates
from world.templates import Json

# All parameters that switch something on.
EVERYTHING = {
    "SuiteLocation": "s3://suites/{application}/{deployment_group}.yaml",
    "AppSpecBucket": "appspecs",
    "SsmParameterArns": "arn:aws:ssm:eu-central-1:111122223333:parameter/suites/*",
    "SecretArns": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:suites/*",
    "FunctionsUnderTest": "checkout-*",
    "LogGroupsUnderTest": "/ecs/shop*",
    "TestTasks": "shop-tests*",
    "TestTaskRoles": "arn:aws:iam::111122223333:role/tests-task,arn:aws:iam::111122223333:role/tests-execution",
    "AgentCoreBrowser": "browser_in_the_subnets_of_the_shop_for_its_gates-AbCdEf1234",
    "BrowserTask": "chromium",
    "AgentModelArns": "arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
    "EcsServices": "production/*",
    "PipelineGates": "on",
    "DeployServices": "production/*",
    "DeployRoles": "arn:aws:iam::111122223333:role/shop-task,arn:aws:iam::111122223333:role/shop-execution",
    "OutcomeEmail": "outcomes@example.com",
    "GateEventBus": "default",
    "ApprovalsConfig": "s3://configs/approvals.yaml",
    "SlackSigningSecret": "secretsmanager:approvals/slack#signing_secret",
    "ChannelSecretArns": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:channels/*",
    "ChannelParameterArns": "arn:aws:ssm:eu-central-1:111122223333:parameter/channels/*",
    "ChannelTopicArns": "arn:aws:sns:eu-central-1:111122223333:channel",
    "SesIdentityArns": "arn:aws:ses:eu-central-1:111122223333:identity/example.com",
    "Environments": "on",
    "EnvironmentsConfig": "s3://configs/environments.yaml",
    "EnvironmentsClusters": "dev-*,staging",
    "EnvironmentsDatabases": "dev-*",
    "EnvironmentsGroups": "dev-*",
    "EnvironmentsLinks": "true",
    "EnvironmentsSlackSigningSecret": "secretsmanager:environments/slack#signing_secret",
    "EnvironmentsFanOut": "s3://configs/targets.json",
    "EnvironmentsTargetRoles": "arn:aws:iam::444455556666:role/deploy-hooks-environments",
    "LogsKmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/5678",
    "Monitoring": "dashboard",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1234",
}


@pytest.fixture(scope="session")
def template() -> Json:
    """template.yaml"""
    return templates.load(templates.TEMPLATE)


@pytest.fixture(scope="session")
def resources(template: Json) -> Json:
    """Its resources."""
    return dict(template["Resources"])


@pytest.fixture(scope="session")
def everything(template: Json) -> Rendered:
    """template.yaml with everything that can be switched on."""
    return Rendered(template, EVERYTHING)
