//! `deploy-hooks replay` as people call it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::Value;
use test_support::gates::SUITE;
use test_support::gates::aws::FakeAws;
use test_support::gates::service::{Mood, Service};

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
    assert_snapshot!(replay(&["env-tick.json"]), @r#"
    env-tick.json: this is no event that a gate answers (missing field `DeploymentId`); expected one of CodeDeploy {"DeploymentId":"d-…","LifecycleEventHookExecutionId":"…"}, of ECS {"executionId":"…","lifecycleStage":"…","resourceArn":"…","executionDetails":{…}}, or of CodePipeline {"CodePipeline.job":{"id":"…"}}. Nobody can be answered: check what invokes this function
    (ends with 3)
    "#);
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
      suite              the function's own (SUITE)
      deployment_id      d-ABCDEF123

    the event does not say which gate it is for; give --stage pre-traffic or --stage post-traffic
    (ends with 3)
    ");
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
    let service = Service::start(Mood::Broken).await;
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
      suite              the function's own (SUITE)
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
