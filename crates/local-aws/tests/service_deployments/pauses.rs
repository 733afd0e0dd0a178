//! Pauses: a deployment that waits for somebody, once, and not for ever.

use serde_json::{Value, json};

use crate::bench::{Bench, MINUTE, hook};

fn paused(stages: &[&str], timeout: &Value) -> Value {
    json!({
        "strategy": "CANARY",
        "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": timeout }],
    })
}

/// Waits for the pause that comes after so many others; gives its id.
async fn pause(bench: &Bench, deployment: &str, before: usize) -> String {
    let waiting =
        |seen: &Value| seen["lifecycleHookDetails"][before]["status"] == "AWAITING_ACTION";
    let seen = bench.until(deployment, waiting).await;
    let hook = &seen["lifecycleHookDetails"][before];
    assert_eq!(hook["targetType"], "PAUSE");
    assert_eq!(hook.get("targetArn"), None);
    hook["hookId"].as_str().unwrap().to_owned()
}

fn answer(deployment: &str, id: &str, action: Option<&str>) -> Value {
    let mut input = json!({ "serviceDeploymentArn": deployment, "hookId": id });
    if let Some(action) = action {
        input["action"] = json!(action);
    }
    input
}

#[tokio::test]
async fn each_step_of_a_canary_waits_for_a_word_of_its_own() {
    let bench = Bench::with_service(paused(&["PRE_PRODUCTION_TRAFFIC_SHIFT"], &json!(null))).await;
    let deployment = bench.deploy("web:2");
    let first = pause(&bench, &deployment, 0).await;
    assert!(first.starts_with("ecs-pause-"), "{first}");
    assert_eq!(bench.weights(&bench.production), (100, 0));
    let message = bench.ok(
        "ContinueServiceDeployment",
        answer(&deployment, &first, None),
    );
    assert_eq!(message["serviceDeploymentArn"], deployment.as_str());
    bench
        .until(&deployment, |seen| {
            seen["targetServiceRevision"]["requestedProductionTrafficWeight"] == 5.0
        })
        .await;
    let again = bench.refused(
        "ContinueServiceDeployment",
        answer(&deployment, &first, None),
    );
    insta::assert_snapshot!(again, @"InvalidParameterException: Provided hookId is either completed, unavailable, or not associated with the given Resource ARN");
    bench.advance(MINUTE * 10).await;
    let second = pause(&bench, &deployment, 1).await;
    assert_ne!(first, second);
    bench.ok(
        "ContinueServiceDeployment",
        answer(&deployment, &second, Some("CONTINUE")),
    );
    assert_eq!(bench.until_over(&deployment).await["status"], "SUCCESSFUL");
    let late = bench.refused(
        "ContinueServiceDeployment",
        answer(&deployment, &second, None),
    );
    insta::assert_snapshot!(late, @"InvalidParameterException: Continuing a service deployment is not allowed for service deployment in terminal states.");
}

#[tokio::test]
async fn somebody_may_choose_the_way_back() {
    let bench = Bench::with_service(paused(&["POST_TEST_TRAFFIC_SHIFT"], &json!(null))).await;
    let deployment = bench.deploy("web:2");
    let id = pause(&bench, &deployment, 0).await;
    bench.ok(
        "ContinueServiceDeployment",
        answer(&deployment, &id, Some("ROLLBACK")),
    );
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(over["lifecycleHookDetails"][0]["status"], "FAILED");
    assert_eq!(bench.weights(&bench.test), (100, 0));
}

#[tokio::test]
async fn nobodys_word_is_the_way_back_or_on_as_configured() {
    for (action, status) in [
        ("ROLLBACK", "ROLLBACK_SUCCESSFUL"),
        ("CONTINUE", "SUCCESSFUL"),
    ] {
        let timeout = json!({ "timeoutInMinutes": 10, "action": action });
        let mut configuration = paused(&["POST_SCALE_UP"], &timeout);
        configuration["strategy"] = json!("BLUE_GREEN");
        let bench = Bench::with_service(configuration).await;
        let deployment = bench.deploy("web:2");
        pause(&bench, &deployment, 0).await;
        bench.advance(MINUTE * 10).await;
        let over = bench.until_over(&deployment).await;
        assert_eq!(over["status"], status);
        assert_eq!(over["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
        if action == "ROLLBACK" {
            let reason =
                "Service deployment rolled back because POST_SCALE_UP pause hook timed out.";
            assert_eq!(over["statusReason"], reason);
        }
    }
}

#[tokio::test]
async fn only_the_id_of_a_pause_that_waits_is_taken() {
    let mut configuration = paused(&["POST_SCALE_UP"], &json!(null));
    let hooks = configuration["lifecycleHooks"].as_array_mut().unwrap();
    hooks.push(hook("check", &["POST_SCALE_UP"]));
    let bench = Bench::with_service(configuration).await;
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "IN_PROGRESS" })]);
    let deployment = bench.deploy("web:2");
    let id = pause(&bench, &deployment, 0).await;
    bench.until_called(1).await;
    let refused = |deployment: &str, id: &str| {
        bench.refused("ContinueServiceDeployment", answer(deployment, id, None))
    };
    insta::assert_snapshot!(refused(&deployment, "4711"), @"InvalidParameterException: Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}");
    let nowhere = deployment.replace("/web/", "/other/");
    insta::assert_snapshot!(refused(&nowhere, &id), @"ServiceDeploymentNotFoundException: The service deployment does not exist.");
    let seen = bench.described(&deployment);
    let function = seen["lifecycleHookDetails"][1]["hookId"].as_str().unwrap();
    assert!(refused(&deployment, function).contains("either completed, unavailable"));
    bench.ok("ContinueServiceDeployment", answer(&deployment, &id, None));
}
