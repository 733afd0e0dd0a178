//! The way back: what starts it, where the traffic is, which hooks run again, and what is left.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Bench, HOOK_STAGES, MINUTE, hook};

fn canary(more: &Value) -> Value {
    let mut configuration = json!({
        "strategy": "CANARY",
        "canaryConfiguration": { "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10 },
    });
    for (name, value) in more.as_object().unwrap() {
        configuration[name] = value.clone();
    }
    configuration
}

/// Waits until the canary has its share.
async fn until_canary(bench: &Bench, deployment: &str) {
    bench
        .until(deployment, |seen| {
            seen["targetServiceRevision"]["requestedProductionTrafficWeight"] == 10.0
        })
        .await;
}

#[tokio::test]
async fn the_two_shifts_run_again_with_their_weights_reversed() {
    let bench = Bench::with_service(canary(
        &json!({ "lifecycleHooks": [hook("check", HOOK_STAGES)] }),
    ))
    .await;
    let fine = json!({ "hookStatus": "SUCCEEDED" });
    let mut answers = vec![fine.clone(); 5];
    answers.extend([json!({ "hookStatus": "FAILED" }), fine]);
    bench.emulator.returns("check", &answers);
    let deployment = bench.deploy("web:2");
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "ROLLBACK_SUCCESSFUL");
    let calls = bench.emulator.calls();
    let stages = bench.emulator.stages();
    assert_eq!(
        stages[5..],
        [
            "PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "TEST_TRAFFIC_SHIFT"
        ]
    );
    let (old, new) = (
        over["sourceServiceRevisions"][0]["arn"].as_str().unwrap(),
        over["targetServiceRevision"]["arn"].as_str().unwrap(),
    );
    let details = |place: usize| &calls[place].1["executionDetails"];
    assert_eq!(
        details(5)["productionTrafficWeights"],
        json!({ old: 90, new: 10 })
    );
    assert_eq!(
        details(6)["productionTrafficWeights"],
        json!({ old: 100, new: 0 })
    );
    assert_eq!(
        details(7)["testTrafficWeights"],
        json!({ old: 100, new: 0 })
    );
    assert_eq!(details(7)["targetServiceRevisionArn"], new);
    assert_eq!(bench.weights(&bench.production), (100, 0));
    assert_eq!(bench.weights(&bench.test), (100, 0));
    assert_eq!(
        bench.running(),
        ("web:1".to_owned(), vec!["web:1".to_owned()])
    );

    // What comes next begins as if nothing had been.
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "SUCCEEDED" })]);
    let next = bench.deploy("web:3");
    until_canary(&bench, &next).await;
    bench.advance(MINUTE * 10).await;
    assert_eq!(bench.until_over(&next).await["status"], "SUCCESSFUL");
}

#[tokio::test]
async fn while_it_goes_back_the_deployment_says_so() {
    let hooks = [
        hook("check", &["PRE_PRODUCTION_TRAFFIC_SHIFT"]),
        hook("back", &["TEST_TRAFFIC_SHIFT"]),
    ];
    let bench = Bench::with_service(canary(&json!({ "lifecycleHooks": hooks }))).await;
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "FAILED" })]);
    let fine = json!({ "hookStatus": "SUCCEEDED" });
    bench.emulator.returns(
        "back",
        &[fine.clone(), json!({ "hookStatus": "IN_PROGRESS" }), fine],
    );
    let deployment = bench.deploy("web:2");
    bench.until_called(3).await;
    let seen = bench.described(&deployment);
    assert_eq!(seen["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(seen["lifecycleStage"], "TEST_TRAFFIC_SHIFT");
    assert!(seen["rollback"]["startedAt"].is_number());
    bench.advance(Duration::from_secs(30)).await;
    assert_eq!(
        bench.until_over(&deployment).await["status"],
        "ROLLBACK_SUCCESSFUL"
    );
}

#[tokio::test]
async fn a_hook_that_fails_on_the_way_back_changes_no_traffic_but_the_status() {
    let bench = Bench::with_service(canary(&json!({
        "lifecycleHooks": [hook("check", &["PRODUCTION_TRAFFIC_SHIFT"])],
    })))
    .await;
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "FAILED" })]);
    let deployment = bench.deploy("web:2");
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "ROLLBACK_FAILED");
    assert_eq!(bench.weights(&bench.production), (100, 0));
    assert_eq!(bench.running().0, "web:1");
}

#[tokio::test]
async fn somebody_stops_it_and_it_goes_back_or_stays_as_it_is() {
    for (kind, status, weights) in [
        (None, "ROLLBACK_SUCCESSFUL", (100, 0)),
        (Some("ROLLBACK"), "ROLLBACK_SUCCESSFUL", (100, 0)),
        (Some("ABORT"), "STOPPED", (90, 10)),
    ] {
        let bench = Bench::with_service(canary(&json!({}))).await;
        let deployment = bench.deploy("web:2");
        until_canary(&bench, &deployment).await;
        let mut stop = json!({ "serviceDeploymentArn": deployment });
        if let Some(kind) = kind {
            stop["stopType"] = json!(kind);
        }
        bench.ok("StopServiceDeployment", stop.clone());
        let over = bench.until_over(&deployment).await;
        assert_eq!(over["status"], status);
        assert_eq!(bench.weights(&bench.production), weights);
        let again = bench.refused("StopServiceDeployment", stop);
        assert!(again.starts_with("ConflictException: "), "{again}");
    }
}

#[tokio::test]
async fn after_an_abort_the_next_deployment_reconciles_first() {
    let bench = Bench::with_service(canary(
        &json!({ "lifecycleHooks": [hook("check", &["RECONCILE_SERVICE"])] }),
    ))
    .await;
    let deployment = bench.deploy("web:2");
    until_canary(&bench, &deployment).await;
    assert_eq!(bench.emulator.stages(), [""; 0], "one revision was active");
    let stop = json!({ "serviceDeploymentArn": deployment, "stopType": "ABORT" });
    bench.ok("StopServiceDeployment", stop);
    bench.until_over(&deployment).await;
    let next = bench.deploy("web:3");
    until_canary(&bench, &next).await;
    assert_eq!(bench.emulator.stages(), ["RECONCILE_SERVICE"]);
    let seen = bench.described(&next);
    assert_eq!(seen["sourceServiceRevisions"].as_array().unwrap().len(), 2);
    assert_eq!(
        bench.weights(&bench.production),
        (90, 10),
        "web:1 keeps the rest"
    );
    bench.advance(MINUTE * 10).await;
    assert_eq!(bench.until_over(&next).await["status"], "SUCCESSFUL");
    assert_eq!(
        bench.running(),
        ("web:3".to_owned(), vec!["web:3".to_owned()])
    );
}

#[tokio::test]
async fn an_alarm_brings_it_back_also_at_the_very_end_of_a_wait() {
    let alarms =
        json!({ "alarms": { "alarmNames": ["errors", "slow"], "enable": true, "rollback": true } });
    let bench = Bench::with_service(canary(&alarms)).await;
    let deployment = bench.deploy("web:2");
    until_canary(&bench, &deployment).await;
    assert_eq!(
        bench.described(&deployment)["alarms"]["status"],
        "MONITORING"
    );
    bench.emulator.alarm("slow");
    bench.advance(MINUTE * 10).await;
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        over["statusReason"],
        "Service deployment rolled back because of one or more active alarms."
    );
    assert_eq!(over["alarms"]["status"], "TRIGGERED");
    assert_eq!(over["alarms"]["triggeredAlarmNames"], json!(["slow"]));
    assert_eq!(bench.weights(&bench.production), (100, 0));
}

#[tokio::test]
async fn without_the_rollback_option_an_alarm_only_stops_it() {
    let alarms =
        json!({ "alarms": { "alarmNames": ["errors"], "enable": true, "rollback": false } });
    let bench = Bench::with_service(canary(&alarms)).await;
    let deployment = bench.deploy("web:2");
    until_canary(&bench, &deployment).await;
    bench.emulator.alarm("errors");
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "STOPPED");
    assert!(over["stoppedAt"].is_number());
    assert_eq!(bench.weights(&bench.production), (90, 10));
}

#[tokio::test]
async fn an_alarm_that_was_on_before_says_nothing_of_the_deployment() {
    let alarms =
        json!({ "alarms": { "alarmNames": ["errors"], "enable": true, "rollback": true } });
    let bench = Bench::with_service(canary(&alarms)).await;
    bench.emulator.alarm("errors");
    let deployment = bench.deploy("web:2");
    until_canary(&bench, &deployment).await;
    bench.advance(MINUTE * 10).await;
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "SUCCESSFUL");
    assert_eq!(over["alarms"]["status"], "DISABLED");
}

#[tokio::test]
async fn a_first_deployment_has_nothing_to_go_back_to() {
    let bench = Bench::new().await;
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "FAILED" })]);
    let configuration =
        json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [hook("check", &["POST_SCALE_UP"])] });
    let over = bench.create(configuration, "web:1").await;
    assert_eq!(over["status"], "ROLLBACK_FAILED");
    let reason = over["statusReason"].as_str().unwrap();
    assert!(
        reason.ends_with("No rollback candidate was found to run the rollback."),
        "{reason}"
    );
    let input = json!({ "cluster": "dev", "services": ["web"] });
    let service = bench.ok("DescribeServices", input)["services"][0].clone();
    assert_eq!(service["runningCount"], 0);
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
}

#[tokio::test]
async fn another_deployment_takes_the_place_of_one_that_goes_on() {
    let bench = Bench::with_service(canary(&json!({}))).await;
    let first = bench.deploy("web:2");
    until_canary(&bench, &first).await;
    let second = bench.deploy("web:3");
    assert_eq!(bench.described(&first)["status"], "STOPPED");
    until_canary(&bench, &second).await;
    bench.advance(MINUTE * 10).await;
    assert_eq!(bench.until_over(&second).await["status"], "SUCCESSFUL");
    assert_eq!(
        bench.running(),
        ("web:3".to_owned(), vec!["web:3".to_owned()])
    );
    assert_eq!(bench.described(&first)["status"], "STOPPED");
}

#[tokio::test]
async fn a_service_that_is_deleted_takes_its_deployment_along() {
    let bench = Bench::with_service(canary(&json!({}))).await;
    let deployment = bench.deploy("web:2");
    until_canary(&bench, &deployment).await;
    bench.ok(
        "DeleteService",
        json!({ "cluster": "dev", "service": "web", "force": true }),
    );
    assert_eq!(bench.described(&deployment)["status"], "STOPPED");
    bench.advance(MINUTE * 10).await;
    assert_eq!(bench.described(&deployment)["status"], "STOPPED");
    assert_eq!(bench.weights(&bench.production), (90, 10));
}
