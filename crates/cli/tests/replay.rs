//! `deploy-hooks replay` as people call it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::Value;
use test_support::gates::SUITE;
use test_support::gates::aws::FakeAws;
use test_support::gates::service::{Behaviour, Service};

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn program(args: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.current_dir(events()).arg("replay").args(args);
    for name in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ] {
        program.env_remove(name);
    }
    program.env("AWS_EC2_METADATA_DISABLED", "true");
    program
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}{}(ends with {})",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

fn replay(args: &[&str]) -> String {
    told(&program(args).output().unwrap())
}

#[test]
fn an_event_is_described_without_a_call() {
    assert_snapshot!(replay(&["ecs-post-test-traffic-shift.json"]), @"
    A call of ECS
      answered by        the value that the function returns
      deployment or job  Ab3dEf6hIj9lMn2pQr5tU
      call               b0a5d2f3-8a6f-4f52-9d53-0d4f3f3f7a11
      for                the pre-traffic gate
      suite              the function's own (SUITE)
      application        web
      cluster            shop
      deployment_group   shop
      deployment_id      Ab3dEf6hIj9lMn2pQr5tU
      lifecycle_event    POST_TEST_TRAFFIC_SHIFT
      platform           ECS
      revision           4980306466373577095
      service            web
    (ends with 0)
    ");
    assert_snapshot!(replay(&["codepipeline-job.json"]), @"
    A call of CodePipeline
      answered by        PutJobSuccessResult or PutJobFailureResult
      deployment or job  11111111-abcd-1111-abcd-111111abcdef
      call               11111111-abcd-1111-abcd-111111abcdef
      for                either gate: the event does not say
      suite              shop.yaml
      application        shop
      deployment_id      11111111-abcd-1111-abcd-111111abcdef
      url                https://shop.example.com
      version            1.2.0
    (ends with 0)
    ");
    assert_snapshot!(replay(&["codedeploy-ecs.json", "--json"]), @r#"
    {
      "event": {
        "caller": "CodeDeploy",
        "answered_by": "PutLifecycleEventHookExecutionStatus",
        "id": "d-ABCDEF123",
        "execution": "eyJlbmNyeXB0ZWREYXRhIjoiSUhQejhqcHlxdVNyWFBjb0RJbWxxZz09IiwiaXZQYXJhbWV0ZXJTcGVjIjoiVGVzdCIsIm1hdGVyaWFsU2V0U2VyaWFsIjoxfQ==",
        "facts": {
          "deployment_id": "d-ABCDEF123"
        },
        "stage": null,
        "suite": null,
        "goes_on": false,
        "problems": []
      }
    }
    (ends with 0)
    "#);
}

#[test]
fn every_event_of_a_gate_is_known_and_no_other() {
    let mut known = 0;
    for entry in std::fs::read_dir(events()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name).extension().is_none_or(|end| end != "json") {
            continue;
        }
        let is_of_gates = name.starts_with("ecs-") || name.starts_with("code");
        let said = replay(&[&name]);
        assert_eq!(
            said.starts_with("A call of "),
            is_of_gates,
            "{name}: {said}"
        );
        known += usize::from(is_of_gates);
    }
    assert!(known >= 12, "{known}");
}

#[test]
fn what_is_wrong_with_an_event_is_said() {
    assert_snapshot!(replay(&["ecs-reconcile-service.json"]), @"
    A call of ECS
      answered by        the value that the function returns
      deployment or job  Ab3dEf6hIj9lMn2pQr5tU
      call               b0a5d2f3-8a6f-4f52-9d53-0d4f3f3f7a11
      for                no gate
      suite              the function's own (SUITE)
      application        web
      cluster            shop
      deployment_group   shop
      deployment_id      Ab3dEf6hIj9lMn2pQr5tU
      lifecycle_event    RECONCILE_SERVICE
      platform           ECS
      revision           4980306466373577095
      service            web
      wrong: no gate can stand at RECONCILE_SERVICE, where nothing reaches the new revision yet; hook the pre-traffic gate to POST_TEST_TRAFFIC_SHIFT
    (ends with 3)
    ");
    assert_snapshot!(replay(&["env-tick.json"]), @"
    env-tick.json: this is an event of env-scheduler, which is no gate
    (ends with 3)
    ");
    assert_snapshot!(replay(&["nowhere.json"]), @"
    nowhere.json could not be read: No such file or directory (os error 2)
    (ends with 3)
    ");
    assert_snapshot!(replay(&["README"]), @"
    README could not be read: No such file or directory (os error 2)
    (ends with 3)
    ");
    assert_snapshot!(replay(&["codedeploy-ecs.json", "--suite", "shop.yaml"]), @"
    A call of CodeDeploy
      answered by        PutLifecycleEventHookExecutionStatus
      deployment or job  d-ABCDEF123
      call               eyJlbmNyeXB0ZWREYXRhIjoiSUhQejhqcHlxdVNyWFBjb0RJbWxxZz09IiwiaXZQYXJhbWV0ZXJTcGVjIjoiVGVzdCIsIm1hdGV…
      for                either gate: the event does not say
      suite              shop.yaml
      deployment_id      d-ABCDEF123

    the event does not say which gate it is for; give --stage pre-traffic or --stage post-traffic
    (ends with 3)
    ");
}

/// An event of ECS, changed, as a file.
fn changed(name: &str, change: impl Fn(&mut Value)) -> String {
    let event = std::fs::read(events().join("ecs-post-test-traffic-shift.json")).unwrap();
    let mut event: Value = serde_json::from_slice(&event).unwrap();
    change(&mut event);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("replay-{name}.json"));
    std::fs::write(&path, event.to_string()).unwrap();
    path.display().to_string()
}

#[test]
fn what_the_function_would_refuse_of_an_event_is_said() {
    let problems = |path: &str, args: &[&str]| {
        let said = replay(&[&[path], args].concat());
        let mut lines = said.lines().filter(|line| !line.contains("  "));
        let wrong = said.lines().filter(|line| line.contains("wrong: "));
        wrong
            .chain(lines.next_back())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let event = changed("arns", |event| {
        event["resourceArn"] = "arn:x".into();
        event["hookDetails"] = serde_json::json!({"suite": "../x.yaml"});
        event.as_object_mut().unwrap().remove("executionDetails");
    });
    assert_snapshot!(problems(&event, &[]), @r#"
      wrong: resourceArn is "arn:x", which is no service deployment of ECS; expected arn:aws:ecs:REGION:ACCOUNT:service-deployment/CLUSTER/SERVICE/ID
      wrong: executionDetails.targetServiceRevisionArn is missing, so nobody knows which revision is deployed
      wrong: hookDetails.suite is "../x.yaml": expected a name beside SUITE, or s3:// and a key in its bucket
    (ends with 3)
    "#);
    assert_snapshot!(problems(&event, &["--suite", "shop.yaml"]), @r#"
      wrong: resourceArn is "arn:x", which is no service deployment of ECS; expected arn:aws:ecs:REGION:ACCOUNT:service-deployment/CLUSTER/SERVICE/ID
      wrong: executionDetails.targetServiceRevisionArn is missing, so nobody knows which revision is deployed
      wrong: hookDetails.suite is "../x.yaml": expected a name beside SUITE, or s3:// and a key in its bucket
    (ends with 3)
    "#);
    let event = changed("bucket", |event| {
        event["executionDetails"]["targetServiceRevisionArn"] = "web".into();
        event["hookDetails"] = serde_json::json!({"suite": "s3://suites"});
    });
    assert_snapshot!(problems(&event, &[]), @r#"
      wrong: executionDetails.targetServiceRevisionArn is "web", which is no service revision of ECS; expected arn:aws:ecs:REGION:ACCOUNT:service-revision/CLUSTER/SERVICE/ID
      wrong: hookDetails.suite is "s3://suites": expected s3://BUCKET/KEY or file:PATH; in both, {application} and {deployment_group} are filled in
    (ends with 3)
    "#);
}

#[test]
fn events_of_other_functions_are_named() {
    let mut named = 0;
    for entry in std::fs::read_dir(events()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let function = match name.split('-').next().unwrap() {
            "approval" => "approval-notifier",
            "env" => "env-scheduler",
            _ => continue,
        };
        assert_eq!(
            replay(&[&name]),
            format!("{name}: this is an event of {function}, which is no gate\n(ends with 3)")
        );
        named += 1;
    }
    assert!(named >= 20, "{named}");
    assert_snapshot!(replay(&["codepipeline-deploy-action.json"]), @r#"
    A call of CodePipeline
      answered by        PutJobSuccessResult or PutJobFailureResult
      deployment or job  11111111-abcd-1111-abcd-111111abcdef
      call               11111111-abcd-1111-abcd-111111abcdef
      for                no gate
      suite              the function's own (SUITE)
      deployment_id      11111111-abcd-1111-abcd-111111abcdef
      wrong: this is an event of deploy-hooks-deploy-action, which is no gate
    (ends with 3)
    "#);
    let other = changed("other", |event| *event = serde_json::json!({"x": 1}));
    let other = replay(&[&other]);
    assert_snapshot!(other.split_once(".json: ").unwrap().1, @r#"
    this is no event that a gate answers (missing field `DeploymentId`); expected one of CodeDeploy {"DeploymentId":"d-…","LifecycleEventHookExecutionId":"…"}, of ECS {"executionId":"…","lifecycleStage":"…","resourceArn":"…","executionDetails":{…}}, or of CodePipeline {"CodePipeline.job":{"id":"…"}}
    (ends with 3)
    "#);
}

fn at(aws: &FakeAws, args: &[&str]) -> Command {
    let mut program = program(args);
    program
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", aws.url());
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_runs_read_only_and_its_answer_is_shown() {
    let service = Service::start(Behaviour::Broken).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let report = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("replayed.json");
    let report_arg = format!("json={}", report.display());
    let args = [
        "codedeploy-ecs.json",
        "--suite",
        "s3://suites/shop/production.yaml",
        "--stage",
        "pre-traffic",
        "--report",
        &report_arg,
    ];
    let mut program = at(&aws, &args);
    let output = tokio::task::spawn_blocking(move || program.output().unwrap());
    assert_snapshot!(told(&output.await.unwrap()), @r#"
    A call of CodeDeploy
      answered by        PutLifecycleEventHookExecutionStatus
      deployment or job  d-ABCDEF123
      call               eyJlbmNyeXB0ZWREYXRhIjoiSUhQejhqcHlxdVNyWFBjb0RJbWxxZz09IiwiaXZQYXJhbWV0ZXJTcGVjIjoiVGVzdCIsIm1hdGV…
      for                either gate: the event does not say
      suite              s3://suites/shop/production.yaml
      deployment_id      d-ABCDEF123

    The pre-traffic gate would stop the release: failed
      check "a reader buys a book" failed: expected status 201, got 503
    Its answer, which nobody was given:
      {"call":"PutLifecycleEventHookExecutionStatus","deploymentId":"d-ABCDEF123","lifecycleEventHookExecutionId":"eyJlbmNyeXB0ZWREYXRhIjoiSUhQejhqcHlxdVNyWFBjb0RJbWxxZz09IiwiaXZQYXJhbWV0ZXJTcGVjIjoiVGVzdCIsIm1hdGVyaWFsU2V0U2VyaWFsIjoxfQ==","status":"Failed"}
    (ends with 1)
    "#);
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["verdict"]["conclusion"], "failed");
    assert!(aws.answers().is_empty() && aws.published().is_empty() && aws.events().is_empty());
    assert!(
        !aws.calls().iter().any(|call| call.starts_with("Put")),
        "{:?}",
        aws.calls()
    );
}
