//! A shop's pipeline: two sources, a staging deployment with gates, change sets, and an approval that waits.

use serde_json::{Value, json};
pub use test_support::approvals::action;

use super::{Resource, Set, World};

pub const EXECUTION: &str = "e-2";
pub const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
pub const BUCKET: &str = "reports";

/// The whole story of one execution: 1.4.2 is in production, 2.0.0 waits.
pub fn world() -> World {
    let mut world = World::default();
    world.executions.insert(EXECUTION.into(), execution());
    world.executions.insert(
        "e-1".into(),
        json!({"pipelineExecutionId": "e-1",
        "status": "Succeeded", "variables": [{"name": "RELEASE", "resolvedValue": "v1.4.2"}]}),
    );
    world.passed = vec![EXECUTION.into(), "e-1".into(), "e-0".into()];
    world.actions.insert(EXECUTION.into(), actions());
    world.actions.insert("e-1".into(), Vec::new());
    insert(&mut world, "shop", shop_changes());
    insert(&mut world, "network", network_changes());
    for (stage, passed) in [
        ("pre-traffic-AfterAllowTestTraffic", true),
        ("post-traffic", false),
    ] {
        report(&mut world, "d-STAGING1", stage, passed);
    }
    report(&mut world, "d-STAGING1", "pre-traffic-X-unheard", false);
    world
}

/// A change set that `STACK/release` names, and its ARN.
pub fn insert(world: &mut World, stack: &str, resources: Vec<Resource>) {
    let id = arn(stack);
    let set = Set {
        id: id.clone(),
        resources,
    };
    world.sets.insert(format!("{stack}/release"), set.clone());
    world.sets.insert(id, set);
}

pub fn arn(stack: &str) -> String {
    format!("arn:aws:cloudformation:eu-central-1:111122223333:changeSet/release/{stack}")
}

fn execution() -> Value {
    json!({
        "pipelineName": "shop", "pipelineExecutionId": EXECUTION, "status": "InProgress",
        "executionMode": "SUPERSEDED",
        "trigger": {"triggerType": "StartPipelineExecution",
            "triggerDetail": "arn:aws:sts::111122223333:assumed-role/Deployer/U0123"},
        "variables": [
            {"name": "RELEASE", "resolvedValue": "v2.0.0"},
            {"name": "DB_PASSWORD", "resolvedValue": "hunter2"}],
        "artifactRevisions": [
            {"name": "Code", "revisionId": "1a2b3c4d", "created": 1_772_000_000,
             "revisionSummary": "{\"ProviderType\":\"GitHub\",\"CommitMessage\":\"Pay by invoice <!channel>\"}",
             "revisionUrl": "https://eu-central-1.console.aws.amazon.com/codesuite/settings/connections/redirect?Commit=1a2b3c4d"},
            {"name": "Image", "revisionId": "sha256:ab12", "created": 1_772_000_100,
             "revisionUrl": "http://plain.example.com/"}]
    })
}

/// An action execution; `start` is in seconds after the beginning of the execution.
pub fn run(start: u32, (stage, name): (&str, &str), kind: (&str, &str), status: &str) -> Value {
    json!({
        "pipelineExecutionId": EXECUTION, "actionExecutionId": format!("a-{start}"),
        "stageName": stage, "actionName": name, "status": status,
        "startTime": 1_772_000_000 + start, "lastUpdateTime": 1_772_000_030 + start,
        "input": {"region": "eu-central-1", "actionTypeId":
            {"category": kind.0, "owner": "AWS", "provider": kind.1, "version": "1"}},
        "output": {"executionResult": {}}
    })
}

pub fn change_set_action(start: u32, name: &str, mode: &str, stack: &str) -> Value {
    let stage = if stack == "staging" {
        "Staging"
    } else {
        "Production"
    };
    let mut action = run(
        start,
        (stage, name),
        ("Deploy", "CloudFormation"),
        "Succeeded",
    );
    action["input"]["configuration"] = json!({"ActionMode": mode, "StackName": "#{Stack.Name}"});
    action["input"]["resolvedConfiguration"] =
        json!({"ActionMode": mode, "StackName": stack, "ChangeSetName": "release"});
    action
}

/// The same, which the action makes or carries out in another account through its own role.
pub fn elsewhere(mut action: Value, account: &str) -> Value {
    action["input"]["roleArn"] = json!(format!("arn:aws:iam::{account}:role/deployer"));
    action
}

pub fn deploy_action(start: u32, stage: &str, name: &str, deployment: &str) -> Value {
    let mut action = run(
        start,
        (stage, name),
        ("Deploy", "CodeDeployToECS"),
        "Succeeded",
    );
    action["input"]["resolvedConfiguration"] =
        json!({"ApplicationName": "shop", "DeploymentGroupName": stage.to_lowercase()});
    action["output"]["executionResult"]["externalExecutionId"] = json!(deployment);
    action
}

/// The approval that waits; its token lies about in more places than AWS puts it.
pub fn approval(start: u32) -> Value {
    let mut action = run(
        start,
        ("Production", "Approve"),
        ("Approval", "Manual"),
        "InProgress",
    );
    action["output"]["executionResult"] = json!({
        "externalExecutionId": TOKEN,
        "externalExecutionSummary": format!("answer with {TOKEN}"),
        "externalExecutionUrl": format!("https://example.com/{TOKEN}")});
    action["input"]["resolvedConfiguration"] = json!({"CustomData": TOKEN});
    action
}

fn actions() -> Vec<Value> {
    let mut code = run(
        0,
        ("Source", "Code"),
        ("Source", "CodeStarSourceConnection"),
        "Succeeded",
    );
    code["output"]["outputArtifacts"] = json!([{"name": "Code"}]);
    code["output"]["outputVariables"] = json!({
        "AuthorDisplayName": "U0123", "CommitId": "1a2b3c4d", "ProviderType": "GitHub",
        "FullRepositoryName": "shop/shop", "BranchName": "release/2.0.0",
        "CommitMessage": format!("Pay by invoice <!channel>\n\nseen {TOKEN}, password=hunter2")});
    let mut image = run(1, ("Source", "Image"), ("Source", "ECR"), "Succeeded");
    image["output"]["outputArtifacts"] = json!([{"name": "Image"}]);
    image["output"]["outputVariables"] = json!({"ImageTag": "2.0.0", "ImageDigest": "sha256:ab12",
        "ImageURI": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop@sha256:ab12"});
    vec![
        approval(100),
        change_set_action(51, "Network", "CHANGE_SET_REPLACE", "network"),
        change_set_action(50, "Shop", "CHANGE_SET_REPLACE", "shop"),
        deploy_action(30, "Staging", "Deploy", "d-STAGING1"),
        change_set_action(21, "Carry out", "CHANGE_SET_EXECUTE", "staging"),
        change_set_action(20, "Prepare", "CHANGE_SET_REPLACE", "staging"),
        image,
        code,
    ]
}

fn shop_changes() -> Vec<Resource> {
    let containers = |tag: &str| {
        json!([{"Name": "web", "Image": format!("registry.example.com/shop:{tag}"),
            "Environment": [{"Name": "API_TOKEN", "Value": "hunter2"}]}])
        .to_string()
    };
    let [old, new] = ["1.4.2", "2.0.0"].map(containers);
    vec![
        Resource::new("Modify", "Service", "AWS::ECS::Service").with(
            "TaskDefinition",
            "Never",
            ["shop:41", "shop:42"],
        ),
        Resource::new("Add", "Topic", "AWS::SNS::Topic"),
        Resource::new("Modify", "TaskRole", "AWS::IAM::Role").with("Policies", "Never", ["a", "b"]),
        Resource::new("Modify", "Task", "AWS::ECS::TaskDefinition")
            .replaced("True")
            .with("ContainerDefinitions", "Always", [&old, &new]),
        Resource::new("Modify", "Books", "AWS::RDS::DBInstance")
            .replaced("Conditional")
            .with("MasterUserPassword", "Never", ["hunter1", "hunter2"])
            .with("Engine", "Conditionally", ["postgres", "mysql"]),
        Resource::new("Remove", "Orders", "AWS::DynamoDB::Table"),
        Resource::new("Remove", "Alarm", "AWS::CloudWatch::Alarm"),
        Resource::new("Modify", "Covers", "AWS::S3::Bucket").with("Tags", "Never", ["a", "b"]),
    ]
}

fn network_changes() -> Vec<Resource> {
    vec![
        Resource::new("Modify", "Door", "AWS::EC2::SecurityGroup").with(
            "SecurityGroupIngress",
            "Never",
            ["10.0.0.0/8", "0.0.0.0/0"],
        ),
    ]
}

/// A gate's report as crate `gate` writes it, with its HTML beside it.
pub fn report(world: &mut World, deployment: &str, name: &str, passed: bool) {
    let stage = if name.starts_with("pre") {
        "pre-traffic"
    } else {
        "post-traffic"
    };
    let reasons = if passed {
        json!(["all 4 required checks passed"])
    } else {
        json!([
            "check \"checkout\" failed 3 of 8 rounds, limit 0; last: expected status 201, got 503"
        ])
    };
    let text = json!({
        "format": 1, "suite": "shop", "stage": stage, "address": "http://shop.internal",
        "target": {"application": "shop"}, "started": "2026-03-01T10:00:00Z",
        "finished": "2026-03-01T10:00:20Z", "duration_ms": 20_000,
        "verdict": {"passed": passed, "reasons": reasons},
        "bake": null, "summary": {"passed": 4}, "checks": [], "notes": []
    });
    let stem = format!("/{BUCKET}/gates/shop/{deployment}/{name}");
    world
        .objects
        .insert(format!("{stem}.json"), text.to_string());
    world
        .objects
        .insert(format!("{stem}.html"), "<html>".into());
}
