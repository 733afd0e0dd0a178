//! Rolling updates: their records, their hooks, and the circuit breaker.

use serde_json::{Value, json};

use crate::bench::{Bench, HOOK_STAGES, hook};

fn service(configuration: &Value) -> Value {
    json!({
        "cluster": "dev", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1,
        "deploymentConfiguration": configuration,
    })
}

#[tokio::test]
async fn a_plain_rolling_update_has_a_record_too() {
    let bench = Bench::new().await;
    let created = bench.ok("CreateService", service(&json!(null)));
    assert_eq!(
        created["service"]["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
    let first = bench.described(&bench.newest());
    assert_eq!(first["status"], "SUCCESSFUL");
    let second = bench.described(&bench.deploy("web:2"));
    assert_eq!(second["status"], "SUCCESSFUL");
    assert_eq!(
        second["sourceServiceRevisions"][0]["arn"],
        first["targetServiceRevision"]["arn"]
    );
    let listed = bench.ok(
        "ListServiceDeployments",
        json!({ "cluster": "dev", "service": "web", "maxResults": 1 }),
    );
    assert_eq!(
        listed["serviceDeployments"][0]["serviceDeploymentArn"],
        second["serviceDeploymentArn"]
    );
    assert_eq!(listed["nextToken"], "1");
    let none = bench.ok(
        "ListServiceDeployments",
        json!({ "cluster": "dev", "service": "web", "status": ["STOPPED"] }),
    );
    assert_eq!(none["serviceDeployments"], json!([]));
    let input = json!({ "cluster": "dev", "services": ["web"] });
    let described = bench.ok("DescribeServices", input)["services"][0].clone();
    assert_eq!(
        described["currentServiceRevisions"][0]["arn"],
        second["targetServiceRevision"]["arn"]
    );
}

#[tokio::test]
async fn a_rolling_update_runs_the_hooks_that_need_no_traffic() {
    let bench = Bench::new().await;
    bench.ok("CreateService", service(&json!(null)));
    bench.ok(
        "UpdateService",
        json!({
            "cluster": "dev", "service": "web", "taskDefinition": "web:2",
            "deploymentConfiguration": { "lifecycleHooks": [hook("check", HOOK_STAGES)] },
        }),
    );
    let over = bench.until_over(&bench.newest()).await;
    assert_eq!(over["status"], "SUCCESSFUL");
    assert_eq!(bench.emulator.stages(), ["PRE_SCALE_UP", "POST_SCALE_UP"]);
    assert_eq!(
        over["targetServiceRevision"].get("requestedProductionTrafficWeight"),
        None
    );
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "FAILED" })]);
    let back = bench.until_over(&bench.deploy("web:3")).await;
    assert_eq!(back["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        bench.running(),
        ("web:2".to_owned(), vec!["web:2".to_owned()])
    );
}

#[tokio::test]
async fn a_plain_rolling_update_can_be_stopped() {
    let bench = Bench::new().await;
    bench.ok("CreateService", service(&json!(null)));
    // A task that never gets up.
    bench.register("web", "example/nowhere:4", "4");
    let deployment = bench.deploy("web:4");
    assert_eq!(bench.described(&deployment)["status"], "IN_PROGRESS");
    bench.ok(
        "StopServiceDeployment",
        json!({ "serviceDeploymentArn": deployment }),
    );
    assert_eq!(
        bench.described(&deployment)["status"],
        "ROLLBACK_SUCCESSFUL"
    );
    assert_eq!(bench.running().0, "web:1");
}

#[tokio::test]
async fn the_circuit_breaker_counts_failed_tasks_and_brings_the_old_ones_back() {
    for (rollback, status, running) in [
        (true, "ROLLBACK_SUCCESSFUL", "web:1"),
        (false, "STOPPED", "web:4"),
    ] {
        let bench = Bench::new().await;
        let breaker = json!({ "enable": true, "rollback": rollback });
        bench.ok(
            "CreateService",
            service(&json!({ "deploymentCircuitBreaker": breaker })),
        );
        bench.until_over(&bench.newest()).await;
        bench.register("web", "example/nowhere:4", "4");
        let deployment = bench.deploy("web:4");
        let over = bench.until_over(&deployment).await;
        assert_eq!(over["status"], status);
        assert_eq!(
            over["deploymentCircuitBreaker"],
            json!({ "status": "TRIGGERED", "failureCount": 3, "threshold": 3 })
        );
        assert_eq!(bench.running().0, running);
    }
}
