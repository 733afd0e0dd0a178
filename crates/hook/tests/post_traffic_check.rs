//! The pre-traffic gate stops what the post-traffic gate could only stop in front of customers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::gates as support;

use std::sync::Arc;
use std::time::Duration;

use gate::Stage;
use support::aws::{Changes, FakeAws, none};
use support::service::{Behaviour, Service};
use support::{SUITE, clients, invoke, settings};

const LEFT: Duration = Duration::from_secs(12);
const POST: (&str, &str) = ("POST_TRAFFIC_FUNCTION", "CodeDeployHook_post-traffic");
const FIVE_MINUTES: (&str, &str) = ("POST_TRAFFIC_TIMEOUT", "300");
const WITHOUT_POST: &str = "version: 0.0\nResources:\n  - s:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/shop:2\n        LoadBalancerInfo: { ContainerName: shop, ContainerPort: 8080 }\nHooks:\n  - AfterAllowTestTraffic: CodeDeployHook_pre-traffic\n";

/// The answer of the pre-traffic gate and its reasons.
async fn run(suite: &str, changes: Changes, more: &[(&str, &str)]) -> (Vec<String>, String) {
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::with(service.port, suite, changes, none()).await;
    let function = Arc::new(hook::GateFunction {
        stage: Stage::PreTraffic,
        settings: settings(more),
        aws: clients(&aws),
    });
    let seen = invoke(&function, LEFT).await;
    let value = seen.result.unwrap();
    let reasons = value["reasons"].as_array().unwrap().iter();
    let reasons: Vec<&str> = reasons.map(|reason| reason.as_str().unwrap()).collect();
    if aws.answers() == ["Failed"] {
        assert_eq!(service.served(), 0, "nothing was measured in vain");
    }
    (aws.answers(), reasons.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bake_that_the_post_traffic_function_has_no_time_for_stops_before_traffic() {
    let too_long = format!("{SUITE}traffic: {{ bake: 55m, every: 1m }}\n");
    let (answers, reasons) = run(&too_long, Changes::default(), &[POST, FIVE_MINUTES]).await;
    assert_eq!(answers, ["Failed"]);
    insta::assert_snapshot!(reasons, @"the post-traffic gate (CodeDeployHook_post-traffic) would fail once customers are served: the bake of 55m does not fit into CodeDeploy's hour: 50m at most; shorten traffic.bake");
    let too_seldom = format!("{SUITE}traffic: {{ bake: 10m, every: 5m }}\n");
    let (answers, reasons) = run(&too_seldom, Changes::default(), &[POST, FIVE_MINUTES]).await;
    assert_eq!(answers, ["Failed"]);
    insta::assert_snapshot!(reasons, @"the post-traffic gate (CodeDeployHook_post-traffic) would fail once customers are served: the bake of 10m can't be handed on often enough by a function with a time-out of 5m, which has time for 4m29s; raise PostTrafficTimeout, shorten traffic.bake or measure more often");
    // Longer than the function's time: it is handed on.
    let suite = format!("{SUITE}traffic: {{ bake: 10m, every: 1m }}\n");
    for enough in [
        vec![POST, ("POST_TRAFFIC_TIMEOUT", "900")],
        vec![POST],
        vec![FIVE_MINUTES],
        vec![POST, FIVE_MINUTES],
    ] {
        let (answers, reasons) = run(&suite, Changes::default(), &enough).await;
        assert_eq!(answers, ["Succeeded"], "{enough:?}: {reasons}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suite_without_a_required_post_traffic_check_stops_before_traffic() {
    let only_before = SUITE.replace("    http:", "    on: [pre-traffic]\n    http:");
    let advisory = format!(
        "{only_before}  - name: nice\n    on: [post-traffic]\n    severity: advisory\n    http: GET /\n"
    );
    for suite in [&only_before, &advisory] {
        let (answers, reasons) = run(suite, Changes::default(), &[POST]).await;
        assert_eq!(answers, ["Failed"]);
        assert!(
            reasons.contains("no required check for post-traffic"),
            "{reasons}"
        );
        // Where the AppSpec does not hook it, nothing is asked of it.
        let changes = Changes {
            app_spec: Some(WITHOUT_POST),
            ..Changes::default()
        };
        let (answers, reasons) = run(suite, changes, &[POST]).await;
        assert_eq!(answers, ["Succeeded"], "{reasons}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_production_listener_and_missing_secrets_stop_before_traffic() {
    let suite = SUITE
        .replace(
            "name: shop\n",
            "name: shop\nsecrets: { token: 'env:NOT_THERE_AT_ALL' }\n",
        )
        .replace("    expect:", "    retries: 0\n    expect:");
    let suite = format!(
        "{suite}  - name: after\n    on: [post-traffic]\n    http: {{ url: /, headers: {{ x-token: \"{{{{ token }}}}\" }} }}\n"
    );
    let changes = Changes {
        no_production_listener: true,
        ..Changes::default()
    };
    let (answers, reasons) = run(&suite, changes, &[POST]).await;
    assert_eq!(answers, ["Failed"]);
    assert!(reasons.contains("NOT_THERE_AT_ALL"), "{reasons}");
    assert!(reasons.contains("has no production listener"), "{reasons}");
}
