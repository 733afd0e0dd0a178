//! Events run again by hand: what the gate would answer, and that nobody hears of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::time::Duration;

use gate::{Conclusion, Stage};
use hook::event::Payload;
use hook::{ReplayResult, describe, replay};
use insta::assert_snapshot;
use serde_json::{Value, json};
use support::aws::{Changes, FakeAws, none};
use support::service::{Behaviour, Service};
use support::{SUITE, function};

const TIME: Duration = Duration::from_secs(12);

fn payload(event: &Value) -> Payload {
    serde_json::from_str(&event.to_string()).unwrap()
}

async fn run(stage: Stage, aws: &FakeAws, event: &Value) -> ReplayResult {
    let function = Arc::into_inner(function(stage, aws)).unwrap();
    replay(function, payload(event), TIME).await.unwrap()
}

/// Whatever a gate may write to is as it was.
fn nothing_is_written(aws: &FakeAws) {
    let reads = ["Get", "List", "Describe", "BatchGet", "Head"];
    for call in aws.calls() {
        assert!(reads.iter().any(|read| call.starts_with(read)), "{call}");
    }
    assert!(aws.answers().is_empty() && aws.published().is_empty());
    assert!(aws.events().is_empty() && aws.jobs().is_empty() && aws.invoked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn codedeploy_would_hear_the_verdict_and_hears_nothing() {
    let _time = paced_time::start();
    for (mood, passed, status) in [
        (Behaviour::Well, true, "Succeeded"),
        (Behaviour::Broken, false, "Failed"),
    ] {
        let service = Service::start(mood).await;
        let aws = FakeAws::start(service.port, SUITE).await;
        let replayed = run(Stage::PreTraffic, &aws, &support::event()).await;
        assert_eq!(replayed.outcome.verdict.passed, passed);
        assert_eq!(replayed.answer["status"], status);
        assert_eq!(
            replayed.answer["call"],
            "PutLifecycleEventHookExecutionStatus"
        );
        assert_eq!(replayed.outcome.report.target["version"], "1.2.0");
        assert!(service.served() > 0);
        nothing_is_written(&aws);
    }
}

#[tokio::test(start_paused = true)]
async fn ecs_would_hear_the_verdict_and_a_bake_is_not_handed_on() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 1s, every: 500ms }}\n");
    let aws = FakeAws::start(service.port, &suite).await;
    let event = support::ecs::event("POST_PRODUCTION_TRAFFIC_SHIFT", None);
    let replayed = run(Stage::PostTraffic, &aws, &event).await;
    assert_eq!(
        replayed.answer["hookStatus"], "SUCCEEDED",
        "{:?}",
        replayed.outcome.verdict
    );
    assert_eq!(replayed.outcome.report.checks[0].strip, "PPP");
    nothing_is_written(&aws);
    let long = format!("{SUITE}traffic: {{ bake: 3h, every: 1m }}\n");
    let aws = FakeAws::start(service.port, &long).await;
    let replayed = run(Stage::PostTraffic, &aws, &event).await;
    assert_eq!(replayed.answer["hookStatus"], "FAILED");
    assert!(
        replayed.outcome.verdict.reasons[0].contains("3h"),
        "{:?}",
        replayed.outcome.verdict.reasons
    );
    nothing_is_written(&aws);
}

#[tokio::test(start_paused = true)]
async fn a_job_would_succeed_where_it_only_reports() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Broken).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let parameters = json!({ "suite": "s3://suites/shop/production.yaml", "on_failed": "continue", "target": {
        "url": format!("http://127.0.0.1:{}", service.port), "application": "shop" } });
    let job = json!({ "CodePipeline.job": { "id": "job-1", "data": { "actionConfiguration": {
        "configuration": { "FunctionName": "f", "UserParameters": parameters.to_string() } } } } });
    let replayed = run(Stage::PreTraffic, &aws, &job).await;
    assert_eq!(
        replayed.answer,
        json!({ "call": "PutJobSuccessResult", "jobId": "job-1", "passed": false })
    );
    nothing_is_written(&aws);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_and_what_rolls_back_is_said() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let with = |changes| FakeAws::with(service.port, SUITE, changes, none());
    let aws = with(Changes {
        ended: Some("Succeeded"),
        ..Changes::default()
    })
    .await;
    let over = run(Stage::PreTraffic, &aws, &support::event()).await;
    assert!(!over.outcome.verdict.passed);
    assert!(over.outcome.verdict.reasons[0].contains("is over already"));
    nothing_is_written(&aws);
    let aws = with(Changes {
        rollback_of: Some("d-OTHER0001"),
        ..Changes::default()
    })
    .await;
    let rollback = run(Stage::PreTraffic, &aws, &support::event()).await;
    assert!(rollback.outcome.verdict.passed);
    assert_eq!(service.served(), 0);
    nothing_is_written(&aws);
}

#[tokio::test(start_paused = true)]
async fn people_who_would_be_asked_are_not() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}    retries: 0\ninconclusive: ask\noverridable: true\n").replace(
        "http: POST /checkout",
        "http: POST http://nowhere.invalid/checkout",
    );
    let aws = FakeAws::start(service.port, &suite).await;
    let replayed = run(Stage::PostTraffic, &aws, &support::event()).await;
    assert_eq!(
        replayed.outcome.verdict.conclusion,
        Conclusion::Inconclusive,
        "{:?}",
        replayed.outcome.verdict
    );
    assert!(replayed.asks_people);
    assert_eq!(replayed.answer["status"], "Failed");
    nothing_is_written(&aws);
}

#[test]
fn an_event_is_described_and_its_problems_are_named() {
    let said = |event: Value| {
        let described = describe(payload(&event)).unwrap();
        serde_json::to_string_pretty(&described).unwrap()
    };
    assert_snapshot!(said(support::event()), @r#"
    {
      "caller": "CodeDeploy",
      "answered_by": "PutLifecycleEventHookExecutionStatus",
      "id": "d-ABCDEF123",
      "execution": "execution-1",
      "facts": {
        "deployment_id": "d-ABCDEF123"
      },
      "stage": null,
      "suite": null,
      "goes_on": false,
      "problems": []
    }
    "#);
    let stage = |stage| said(support::ecs::event(stage, None));
    assert_snapshot!(stage("POST_TEST_TRAFFIC_SHIFT"), @r#"
    {
      "caller": "ECS",
      "answered_by": "the value that the function returns",
      "id": "d-1",
      "execution": "execution-1",
      "facts": {
        "application": "web",
        "cluster": "shop",
        "deployment_group": "shop",
        "deployment_id": "d-1",
        "lifecycle_event": "POST_TEST_TRAFFIC_SHIFT",
        "platform": "ECS",
        "revision": "2",
        "service": "web"
      },
      "stage": "pre-traffic",
      "suite": null,
      "goes_on": false,
      "problems": []
    }
    "#);
    assert!(stage("PRE_SCALE_UP").contains("nothing reaches the new revision yet"));
    let job = json!({ "CodePipeline.job": { "id": "job-1", "data": {
        "artifactCredentials": { "secretAccessKey": "hunter2" },
        "actionConfiguration": { "configuration": { "UserParameters": "{\"stage\": \"later\"}" } } } } });
    let said = said(job);
    assert!(
        said.contains("UserParameters.stage is") && said.contains("target.url"),
        "{said}"
    );
    assert!(!said.contains("hunter2"));
    let other = describe(payload(&json!({ "Records": [] }))).unwrap_err();
    assert!(other.to_string().contains("SNS"), "{other}");
}
