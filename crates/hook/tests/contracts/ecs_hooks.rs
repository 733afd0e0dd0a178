//! Lifecycle hooks of ECS's own deployments.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use gate::Stage;
use serde_json::{Value, json};
use test_support::gates::aws::{Changes, FAULTS, FakeAws, Fault, Plan};
use test_support::gates::ecs::{EcsChanges, event};
use test_support::gates::service::{Behaviour, Service};
use test_support::gates::{SUITE, function, invoke_with, later};
use test_support::paced_time;

use super::{LEFT, MAX_CONCURRENT, baked, ecs, report, strip, with};

#[tokio::test(start_paused = true)]
async fn ecs_hears_of_a_good_and_of_a_bad_revision() {
    let _time = paced_time::start();
    let (_service, aws) = with(Behaviour::Well, SUITE, EcsChanges::default()).await;
    let pre = event("POST_TEST_TRAFFIC_SHIFT", None);
    assert_eq!(ecs(Stage::PreTraffic, &aws, pre.clone()).await, "SUCCEEDED");
    let good = report(&aws, "pre-traffic-POST_TEST_TRAFFIC_SHIFT");
    assert_eq!(good["target"]["version"], "1.2.0");
    assert_eq!(good["target"]["old_version"], "1.1.0");
    assert_eq!(good["target"]["revision"], "2");
    assert_eq!(good["target"]["host"], "shop.example.com", "from the rule");
    let rule = good["target"]["listener_rule"].as_str().unwrap();
    assert!(rule.ends_with("/test/1"), "{rule}");
    let digest = |number: &str| json!(format!("sha256:{}", number.repeat(64)));
    assert_eq!(good["target"]["image_digest"], digest("2"));
    assert_eq!(good["target"]["old_image_digest"], digest("1"));
    assert_eq!(
        aws.published()[0]["Subject"],
        "Passed pre-traffic: web 1.2.0 (d-1)"
    );
    let (_service, aws) = with(Behaviour::Broken, SUITE, EcsChanges::default()).await;
    assert_eq!(ecs(Stage::PreTraffic, &aws, pre).await, "FAILED");
    let message = &aws.published()[0]["Message"];
    assert!(message.contains("expected status 201"), "{message}");
    let post = event("POST_PRODUCTION_TRAFFIC_SHIFT", None);
    assert_eq!(ecs(Stage::PostTraffic, &aws, post).await, "FAILED");
    assert!(aws.published()[1]["Message"].contains("ECS rolls the service back"));
}

#[tokio::test(start_paused = true)]
async fn each_step_of_a_canary_is_measured_by_the_test_rule_and_reported_apart() {
    let _time = paced_time::start();
    let (service, aws) = with(Behaviour::Well, SUITE, EcsChanges::default()).await;
    for percent in [10, 50, 100] {
        let shift = event("PRODUCTION_TRAFFIC_SHIFT", Some(percent));
        assert_eq!(ecs(Stage::PostTraffic, &aws, shift).await, "SUCCEEDED");
        let report = report(
            &aws,
            &format!("post-traffic-PRODUCTION_TRAFFIC_SHIFT-{percent}"),
        );
        let route = if percent == 100 { "production" } else { "test" };
        assert_eq!(report["target"]["route"], route);
        assert_eq!(report["target"]["traffic_percent"], percent.to_string());
    }
    assert_eq!(
        service.header("x-test"),
        [true, true, false],
        "what the rule demands is sent"
    );
    let changes = EcsChanges {
        no_test_rule: true,
        ..EcsChanges::default()
    };
    let (_service, aws) = with(Behaviour::Well, SUITE, changes).await;
    let shift = event("PRODUCTION_TRAFFIC_SHIFT", Some(10));
    assert_eq!(ecs(Stage::PostTraffic, &aws, shift).await, "FAILED");
    assert!(aws.published()[0]["Message"].contains("serves both revisions"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_a_revision_to_which_nothing_leads() {
    let _time = paced_time::start();
    let (service, aws) = with(Behaviour::Well, SUITE, EcsChanges::default()).await;
    let scaled_up = event("POST_SCALE_UP", None);
    assert_eq!(ecs(Stage::PreTraffic, &aws, scaled_up).await, "FAILED");
    let message = &aws.published()[0]["Message"];
    assert!(
        message.contains("every check of the suite needs requests"),
        "{message}"
    );
    assert_eq!(service.served(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_ecs_is_never_held_up_and_a_first_step_is_measured() {
    let _time = paced_time::start();
    let rolling = EcsChanges {
        status: Some("ROLLBACK_IN_PROGRESS"),
        ..EcsChanges::default()
    };
    let (_service, aws) = with(Behaviour::Broken, "", rolling).await;
    for stage in ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"] {
        let back = event(stage, Some(0));
        assert_eq!(
            ecs(Stage::PostTraffic, &aws, back.clone()).await,
            "SUCCEEDED"
        );
        assert_eq!(ecs(Stage::PreTraffic, &aws, back).await, "SUCCEEDED");
    }
    // The same weights, going forward.
    let (_service, aws) = with(Behaviour::Broken, SUITE, EcsChanges::default()).await;
    let first = event("PRE_PRODUCTION_TRAFFIC_SHIFT", Some(0));
    assert_eq!(ecs(Stage::PreTraffic, &aws, first).await, "FAILED");
}

#[tokio::test(start_paused = true)]
async fn a_services_first_deployment_is_measured_like_any_other() {
    let _time = paced_time::start();
    let first = EcsChanges {
        is_first: true,
        ..EcsChanges::default()
    };
    let (_service, aws) = with(Behaviour::Well, SUITE, first).await;
    let pre = event("POST_TEST_TRAFFIC_SHIFT", None);
    assert_eq!(ecs(Stage::PreTraffic, &aws, pre).await, "SUCCEEDED");
    let report = report(&aws, "pre-traffic-POST_TEST_TRAFFIC_SHIFT");
    assert_eq!(report["target"]["old_version"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_event_names_its_suite_and_nothing_outside_of_the_teams() {
    let _time = paced_time::start();
    let (_service, aws) = with(Behaviour::Well, "", EcsChanges::default()).await;
    aws.put("/suites/teams/web.yaml", SUITE);
    let of = |suite: &str| {
        let mut event = event("POST_TEST_TRAFFIC_SHIFT", None);
        event["hookDetails"] = json!({ "suite": suite });
        event
    };
    let good = of("s3://suites/teams/web.yaml");
    assert_eq!(ecs(Stage::PreTraffic, &aws, good).await, "SUCCEEDED");
    for foreign in [
        "s3://reports/x.yaml",
        "file:/etc/passwd",
        "../x.yaml",
        "ssm:/x",
    ] {
        assert_eq!(
            ecs(Stage::PreTraffic, &aws, of(foreign)).await,
            "FAILED",
            "{foreign}"
        );
    }
    assert!(aws.published().last().unwrap()["Message"].contains("hookDetails.suite"));
}

#[tokio::test(start_paused = true)]
async fn a_hook_chooses_options_beside_its_suite_and_an_unknown_one_is_refused() {
    let _time = paced_time::start();
    let (_service, aws) = with(Behaviour::Broken, &baked(), EcsChanges::default()).await;
    let of = |details: Value| {
        let mut event = event("POST_PRODUCTION_TRAFFIC_SHIFT", None);
        event["hookDetails"] = details;
        event
    };
    let post = Stage::PostTraffic;
    // Broken, and only reported.
    let dry_run = json!({ "dry_run": "true", "stage": "post-traffic" });
    assert_eq!(ecs(post, &aws, of(dry_run)).await, "SUCCEEDED");
    assert!(aws.published()[0]["Subject"].contains("dry run"));
    let (service, aws) = with(Behaviour::Well, &baked(), EcsChanges::default()).await;
    let gate = function(post, &aws);
    let short = json!({ "bake": "1m" });
    let first = invoke_with(&gate, LEFT, of(short.clone())).await;
    let first = first.result.unwrap();
    assert_eq!(first["hookStatus"], "IN_PROGRESS");
    let run = first["hookDetails"]["deployHooksRun"].as_str().unwrap();
    let mut next = short;
    next["deployHooksRun"] = json!(later(run, Duration::from_mins(1)));
    // The same bake by the suite's own length is another one: nothing of it counts.
    let mut other = next.clone();
    other["bake"] = json!("2h");
    assert_eq!(ecs(post, &aws, of(other)).await, "FAILED");
    assert_eq!(ecs(post, &aws, of(next)).await, "SUCCEEDED");
    let measured = service.served();
    let typo = json!({ "bak": "1m", "suite": "s3://suites/web/shop.yaml" });
    assert_eq!(ecs(post, &aws, of(typo.clone())).await, "FAILED");
    let message = &aws.published().last().unwrap()["Message"].clone();
    assert!(
        message.contains("unknown key \"bak\"; known: suite, stage, bake, dry_run"),
        "{message}"
    );
    assert_eq!(service.served(), measured);
    // A rollback is never hindered by it.
    let rolling = EcsChanges {
        status: Some("ROLLBACK_IN_PROGRESS"),
        ..EcsChanges::default()
    };
    let (_service, aws) = with(Behaviour::Broken, "", rolling).await;
    let mut back = event("PRODUCTION_TRAFFIC_SHIFT", Some(0));
    back["hookDetails"] = typo;
    assert_eq!(ecs(post, &aws, back).await, "SUCCEEDED");
}

#[tokio::test(start_paused = true)]
async fn ecs_calls_back_through_a_bake_of_three_hours() {
    let _time = paced_time::start();
    let (_service, aws) = with(Behaviour::Well, &baked(), EcsChanges::default()).await;
    let function = function(Stage::PostTraffic, &aws);
    let mut event = event("POST_PRODUCTION_TRAFFIC_SHIFT", None);
    let mut calls = 0;
    let last = loop {
        calls += 1;
        assert!(calls < 400, "it never ends");
        let seen = invoke_with(&function, LEFT, event.clone()).await;
        let value = seen.result.unwrap();
        if value["hookStatus"] != "IN_PROGRESS" {
            break value;
        }
        let delay = Duration::from_secs(value["callBackDelay"].as_u64().unwrap());
        assert!((30..=60).contains(&delay.as_secs()), "{delay:?}");
        let run = value["hookDetails"]["deployHooksRun"].as_str().unwrap();
        event["hookDetails"] = json!({ "deployHooksRun": later(run, delay) });
    };
    assert_eq!(last["hookStatus"], "SUCCEEDED");
    assert_eq!(
        last["hookDetails"]["deployHooksRun"], "",
        "the next step begins anew"
    );
    let report = report(&aws, "post-traffic-POST_PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(
        strip(&report),
        "P".repeat(181),
        "none is lost and none is doubled"
    );
    assert_eq!(report["bake"]["rounds"], 181);
    assert_eq!(aws.published().len(), 1, "people hear of the end alone");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_step_handed_on_does_not_count_for_the_next() {
    let _time = paced_time::start();
    let (_service, aws) = with(Behaviour::Well, &baked(), EcsChanges::default()).await;
    let function = function(Stage::PostTraffic, &aws);
    let at = |percent| event("PRODUCTION_TRAFFIC_SHIFT", Some(percent));
    let seen = invoke_with(&function, LEFT, at(10)).await;
    let run = seen.result.unwrap()["hookDetails"]["deployHooksRun"].clone();
    let stale = later(run.as_str().unwrap(), Duration::from_hours(4));
    let mut next = at(50);
    next["hookDetails"] = json!({ "deployHooksRun": stale });
    let value = invoke_with(&function, LEFT, next).await.result.unwrap();
    assert_eq!(
        value["hookStatus"], "IN_PROGRESS",
        "a bake of its own begins"
    );
}

#[tokio::test(start_paused = true)]
async fn each_call_of_the_ecs_contract_killed_in_turn_for_ever() {
    let _time = paced_time::start();
    let (_service, aws) = with(Behaviour::Well, SUITE, EcsChanges::default()).await;
    ecs(
        Stage::PreTraffic,
        &aws,
        event("POST_TEST_TRAFFIC_SHIFT", None),
    )
    .await;
    let mut calls = aws.calls();
    calls.sort();
    calls.dedup();
    assert!(calls.len() >= 8, "{calls:?}");
    let cases = calls
        .iter()
        .flat_map(|call| FAULTS.map(|fault| (call.clone(), fault)));
    let runs = cases.map(|(call, fault)| async move {
        let service = Service::start(Behaviour::Well).await;
        let killed = call.clone();
        let plan: Plan = Arc::new(move |operation, _| (operation == killed).then_some(fault));
        let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
        let heard = ecs(
            Stage::PreTraffic,
            &aws,
            event("POST_TEST_TRAFFIC_SHIFT", None),
        )
        .await;
        let needed = [
            "DescribeServiceDeployments",
            "DescribeServiceRevisions",
            "DescribeRules",
            "DescribeListeners",
            "DescribeLoadBalancers",
            "GetObject",
        ];
        let lost = needed.contains(&call.as_str()) && fault != Fault::Slow;
        let expected = if lost { "FAILED" } else { "SUCCEEDED" };
        assert_eq!(heard, expected, "{fault:?} at {call}");
    });
    let done: Vec<()> = stream::iter(runs)
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    assert!(done.len() >= 40);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_ecs_does_not_know_is_not_asked_for_until_the_time_is_over() {
    let _time = paced_time::start();
    let changes = EcsChanges {
        is_absent: true,
        ..EcsChanges::default()
    };
    let (_service, aws) = with(Behaviour::Well, SUITE, changes).await;
    let shift = event("PRODUCTION_TRAFFIC_SHIFT", Some(10));
    assert_eq!(ecs(Stage::PostTraffic, &aws, shift).await, "FAILED");
    let calls = aws.calls();
    let asked = calls
        .iter()
        .filter(|call| *call == "DescribeServiceDeployments");
    assert_eq!(asked.count(), 5, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_lets_everything_pass_and_says_what_it_would_have_done() {
    let _time = paced_time::start();
    let suite = format!("dry_run: true\n{SUITE}");
    let (_service, aws) = with(Behaviour::Broken, &suite, EcsChanges::default()).await;
    let pre = event("POST_TEST_TRAFFIC_SHIFT", None);
    assert_eq!(ecs(Stage::PreTraffic, &aws, pre.clone()).await, "SUCCEEDED");
    assert_eq!(
        aws.published()[0]["Subject"],
        "Passed pre-traffic (dry run, would have been STOPPED): web 1.2.0 (d-1)"
    );
    assert!(aws.published()[0]["Message"].contains("expected status 201"));
    // What it needs of AWS may be missing; a suite that can't be read has not said that it is in a dry run.
    let changes = EcsChanges {
        no_test_rule: true,
        ..EcsChanges::default()
    };
    let (_service, aws) = with(Behaviour::Well, "dry_run: perhaps", changes).await;
    assert_eq!(ecs(Stage::PreTraffic, &aws, pre).await, "FAILED");
}
