//! `deploy-hooks ecs` against replayed answers of ECS: what is called, what people read, and the exit code.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod fake;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fake::{ACCOUNT, REGION, World, code, err, out};
use insta::assert_snapshot;
use serde_json::{Value, json};
use test_support::{Reply, error};

const IMAGE: &str = "registry.example/shop:2.0.0";

fn arn(resource: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{resource}")
}

fn deployment_arn() -> String {
    arn("service-deployment/production/shop/abc")
}

/// What ECS says of the deployment.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a reply")]
fn described(status: &str, more: Value) -> Reply {
    let mut deployment = json!({
        "serviceDeploymentArn": deployment_arn(),
        "status": status,
        "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5},
    });
    let Value::Object(more) = more else { panic!() };
    deployment.as_object_mut().unwrap().extend(more);
    Ok(json!({"serviceDeployments": [deployment]}))
}

fn world(name: &str, course: Vec<Reply>) -> World {
    let world = World::new(name, "");
    let brief = |id: &str, revision: &str| {
        json!({
            "serviceDeploymentArn": arn(&format!("service-deployment/production/shop/{id}")),
            "targetServiceRevisionArn": arn(&format!("service-revision/production/shop/{revision}")),
            "createdAt": 1.0, "status": "IN_PROGRESS",
        })
    };
    let revision = |id: &str, task_definition: u32| {
        json!({
            "serviceRevisionArn": arn(&format!("service-revision/production/shop/{id}")),
            "taskDefinition": arn(&format!("task-definition/shop:{task_definition}")),
        })
    };
    let replayed = vec![
        ("DescribeServices", vec![Ok(service("ECS"))]),
        (
            "DescribeTaskDefinition",
            vec![Ok(json!({"taskDefinition": {
                "cpu": "256",
                "containerDefinitions": [{"name": "shop", "image": "registry.example/shop:1.0.0",
                    "environment": [{"name": "TOKEN", "value": "hunter2"}]}],
            }}))],
        ),
        (
            "RegisterTaskDefinition",
            vec![Ok(
                json!({"taskDefinition": {"taskDefinitionArn": arn("task-definition/shop:2")}}),
            )],
        ),
        ("UpdateService", vec![Ok(json!({"service": {}}))]),
        (
            "ListServiceDeployments",
            // First the one of somebody else, or none.
            vec![
                Ok(json!({"serviceDeployments": []})),
                Ok(json!({"serviceDeployments": [brief("old", "one")]})),
                Ok(json!({"serviceDeployments": [brief("old", "one"), brief("abc", "two")]})),
            ],
        ),
        (
            "DescribeServiceRevisions",
            vec![Ok(
                json!({"serviceRevisions": [revision("one", 1), revision("two", 2)]}),
            )],
        ),
        ("DescribeServiceDeployments", course),
    ];
    world.with(|state| state.replayed = replayed);
    world
}

fn service(controller: &str) -> Value {
    json!({"services": [{
        "serviceArn": arn("service/production/shop"), "clusterArn": arn("cluster/production"),
        "serviceName": "shop", "status": "ACTIVE", "taskDefinition": arn("task-definition/shop:1"),
        "deploymentController": {"type": controller},
    }]})
}

fn file(name: &str, text: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ecs-{name}.json"));
    std::fs::write(&file, text).unwrap();
    file
}

fn taskdef(image: &str) -> Value {
    json!({
        "family": "shop", "revision": 7, "cpu": "512",
        "containerDefinitions": [{"name": "shop", "image": image, "memory": 64, "versionConsistency": "disabled",
            "environment": [{"name": "TOKEN", "value": "hunter3"}]}],
    })
}

fn command(world: &World, name: &str) -> Command {
    let (file, detail) = (
        file(name, &taskdef("<IMAGE1_NAME>").to_string()),
        file(
            &format!("{name}-detail"),
            &json!({"ImageURI": IMAGE}).to_string(),
        ),
    );
    let mut command = world.program();
    command
        .args([
            "ecs",
            "deploy",
            "--cluster",
            "production",
            "--service",
            "shop",
        ])
        .arg("--task-definition")
        .arg(file)
        .arg("--image-detail")
        .arg(detail)
        .args(["--interval", "10ms"]);
    command
}

fn deploy(world: &World, name: &str, args: &[&str]) -> Output {
    command(world, name).args(args).output().unwrap()
}

/// Without the times before the lines of progress.
fn untimed(text: &str) -> String {
    let line = |line: &str| {
        let is_timed = line.as_bytes().get(8) == Some(&b'Z') && line.as_bytes()[2] == b':';
        if is_timed {
            line[10..].to_owned()
        } else {
            line.to_owned()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn calls(world: &World) -> Vec<String> {
    world.with(|state| state.calls.clone())
}

fn never() -> Vec<Reply> {
    vec![Err(error("ClientException", "nobody asks"))]
}

#[test]
fn a_deployment_is_begun_as_the_file_says_and_followed_to_its_end() {
    let share = |test: f64, production: f64| {
        json!({
            "requestedTaskCount": 3, "runningTaskCount": 3,
            "requestedTestTrafficWeight": test, "requestedProductionTrafficWeight": production,
        })
    };
    let hook = json!([{"hookId": "1", "targetType": "AWS_LAMBDA", "status": "IN_PROGRESS", "expiresAt": 1_795_962_000.0,
        "timeoutAction": "ROLLBACK", "targetArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:pre-traffic:live")}]);
    let course = vec![
        described("PENDING", json!({})),
        Err(error("ThrottlingException", "Rate exceeded")),
        described(
            "IN_PROGRESS",
            json!({"lifecycleStage": "POST_TEST_TRAFFIC_SHIFT", "lifecycleHookDetails": hook,
                "targetServiceRevision": share(100.0, 0.0)}),
        ),
        described(
            "IN_PROGRESS",
            json!({"lifecycleStage": "BAKE_TIME", "targetServiceRevision": share(100.0, 100.0)}),
        ),
        described("SUCCESSFUL", json!({"finishedAt": 1.0})),
    ];
    let world = world("ecs-success", course);
    let told = deploy(&world, "success", &[]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(untimed(&out(&told)), @"
    registered shop:2
    production/shop: service deployment abc, BLUE_GREEN; bake time 5 min
    waiting for ECS to begin
    POST_TEST_TRAFFIC_SHIFT: 0 % of production traffic, 100 % of test traffic
    3 of 3 new tasks running
    hook pre-traffic is running
      without a result by 2026-11-29 14:20Z, ECS rolls back (ROLLBACK)
    BAKE_TIME: 100 % of production traffic, 100 % of test traffic
    production/shop: the deployment succeeded.
    ");
    let asked = world.with(|state| state.asked.clone());
    let of = |operation: &str| {
        let (_, call) = asked.iter().find(|(name, _)| name == operation).unwrap();
        call.clone()
    };
    let mut registered = taskdef(IMAGE);
    registered.as_object_mut().unwrap().remove("revision");
    assert_eq!(of("RegisterTaskDefinition"), registered);
    assert_eq!(
        of("UpdateService"),
        json!({"cluster": arn("cluster/production"), "service": arn("service/production/shop"),
            "taskDefinition": arn("task-definition/shop:2")})
    );
    assert_eq!(
        of("DescribeServiceDeployments")["serviceDeploymentArns"][0],
        deployment_arn()
    );
}

#[test]
fn a_rollback_fails_with_its_reasons() {
    let hook = json!([{"hookId": "1", "targetType": "AWS_LAMBDA", "status": "FAILED",
        "targetArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:post-traffic")}]);
    let why = json!({"finishedAt": 1.0, "statusReason": "Service deployment rolled back because of hook execution failure(s).",
        "rollback": {"reason": "hook execution failure(s)"}});
    let course = || {
        vec![
            described("IN_PROGRESS", json!({"lifecycleHookDetails": hook})),
            described("ROLLBACK_SUCCESSFUL", why.clone()),
        ]
    };
    let told = deploy(&world("ecs-rollback", course()), "rollback", &["--quiet"]);
    assert_eq!((code(&told), out(&told).as_str()), (1, ""));
    assert_snapshot!(err(&told), @"production/shop: the deployment was rolled back: hook post-traffic failed; Service deployment rolled back because of hook execution failure(s).");
    let told = deploy(&world("ecs-json", course()), "json", &["--json"]);
    assert_eq!(code(&told), 1);
    let value: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(value["outcome"], "rolled_back");
    assert_eq!(value["failed_hooks"][0], "hook post-traffic failed");
}

#[test]
fn what_can_not_be_known_is_no_success() {
    let course = || {
        vec![described(
            "IN_PROGRESS",
            json!({"lifecycleStage": "SCALE_UP"}),
        )]
    };
    let told = deploy(
        &world("ecs-late", course()),
        "late",
        &["--quiet", "--timeout", "30ms"],
    );
    assert_eq!(code(&told), 2);
    assert_snapshot!(err(&told), @"
    How the deployment ends is not known: after 30ms it is not over. It goes on without this command.
      to follow it: deploy-hooks ecs follow --deployment arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc
      to stop it:   aws ecs stop-service-deployment --stop-type ROLLBACK --service-deployment-arn arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc --region eu-central-1
    ");
    let denied = deploy(
        &world(
            "ecs-denied",
            vec![Err(error("AccessDeniedException", "not authorized"))],
        ),
        "denied",
        &["--quiet"],
    );
    assert_eq!(code(&denied), 2);
    assert!(err(&denied).contains("needs ecs:DescribeServiceDeployments"));
    let json = deploy(
        &world("ecs-late-json", course()),
        "late-json",
        &["--json", "--timeout", "30ms"],
    );
    let value: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["outcome"], "unknown");
    let reached = deploy(
        &world("ecs-until", course()),
        "until",
        &["--until", "SCALE_UP", "--quiet"],
    );
    assert_eq!(code(&reached), 0, "{}", err(&reached));
}

#[test]
fn wrong_input_changes_nothing() {
    let world = world("ecs-wrong", never());
    let wrong = file("wrong", &taskdef("<IMAGE1_NAME>").to_string());
    let base = [
        "ecs",
        "deploy",
        "--cluster",
        "production",
        "--service",
        "shop",
    ];
    let mut command = world.program();
    let told = command
        .args(base)
        .arg("--task-definition")
        .arg(&wrong)
        .output()
        .unwrap();
    assert_eq!(code(&told), 3);
    assert!(
        err(&told).contains("line 1: <IMAGE1_NAME> has no value"),
        "{}",
        err(&told)
    );
    for args in [&base[..], &["ecs", "follow", "--deployment", "abc"]] {
        let told = world.program().args(args).output().unwrap();
        assert_eq!(code(&told), 3, "{}", err(&told));
    }
    assert!(calls(&world).is_empty());
    world.with(|state| state.replayed[0].1 = vec![Ok(service("CODE_DEPLOY"))]);
    let told = deploy(&world, "controller", &[]);
    assert_eq!(code(&told), 3);
    assert_snapshot!(err(&told), @"production/shop has the deployment controller CODE_DEPLOY: ECS does not deploy it itself");
    world.with(|state| state.replayed[0].1 = vec![Ok(json!({"services": []}))]);
    assert_eq!(code(&deploy(&world, "absent", &[])), 3);
    world.with(|state| state.refused.push("DescribeServices"));
    assert_eq!(code(&deploy(&world, "refused", &[])), 2);
    assert!(!calls(&world).contains(&"RegisterTaskDefinition".to_owned()));
}

#[test]
fn a_service_that_can_not_be_updated_says_what_stays() {
    let world = world("ecs-update", never());
    let refusal = error(
        "InvalidParameterException",
        "The service has no such container",
    );
    world.with(|state| state.replayed[3].1 = vec![Err(refusal)]);
    let told = deploy(&world, "update", &["--quiet"]);
    assert_eq!(code(&told), 3);
    assert_snapshot!(err(&told), @"
    UpdateService arn:aws:ecs:eu-central-1:111122223333:service/production/shop failed: InvalidParameterException: The service has no such container
    Nothing was deployed.
    shop:2 stays registered.
    ");
}

#[test]
fn a_dry_run_shows_the_difference_and_no_values() {
    let world = world("ecs-dry", never());
    let told = deploy(&world, "dry", &["--dry-run"]);
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert_snapshot!(out(&told), @"
    A new revision of shop would go to production/shop, which runs shop:1:
      ~ task: cpu 256 → 512
      ~ shop: image registry.example/shop:1.0.0 → registry.example/shop:2.0.0
      + shop: memory 64
      ~ shop: environment TOKEN has another value
    Only images, cpu, memory, environment and secrets are compared.
    Dry run: nothing was changed.
    ");
    assert!(!out(&told).contains("hunter"));
    let json = deploy(&world, "dry-json", &["--dry-run", "--json"]);
    let value: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["dry_run"], true);
    assert!(
        calls(&world)
            .iter()
            .all(|call| call.starts_with("Describe"))
    );
}

#[test]
fn a_running_deployment_is_followed() {
    let world = world("ecs-follow", vec![described("SUCCESSFUL", json!({}))]);
    let mut command = world.program();
    // The ARN says where it is.
    command.env_remove("AWS_REGION");
    let told = command
        .args(["ecs", "follow", "--deployment", &deployment_arn()])
        .output()
        .unwrap();
    assert_eq!(code(&told), 0, "{}", err(&told));
    assert!(out(&told).ends_with("production/shop: the deployment succeeded.\n"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_what_goes_on() {
    use std::io::Read as _;

    let world = world("ecs-interrupt", vec![described("PENDING", json!({}))]);
    let mut command = command(&world, "interrupt");
    let mut child = command
        .arg("--quiet")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !calls(&world).contains(&"DescribeServiceDeployments".to_owned()) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert!(
        told.starts_with("Interrupted; the deployment goes on"),
        "{told}"
    );
    assert!(told.contains("aws ecs stop-service-deployment"), "{told}");
}
