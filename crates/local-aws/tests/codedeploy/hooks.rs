//! Hook functions: which answers count, and what silence costs.

use serde_json::json;

use crate::bench::{Bench, MINUTE, Setup, answer};

const HOOKED: &[(&str, &str)] = &[("AfterAllowTestTraffic", "check")];

#[tokio::test]
async fn the_answer_rules_are_those_of_aws() {
    let mut bench = Bench::new(Setup::default()).await;
    bench.deploy(HOOKED).await;
    let call = bench.next_call().await;
    let good = answer(&call, "Succeeded");
    let mut message = Vec::new();
    for (member, value) in [
        ("deploymentId", json!("d-AAAAAAAAA")),
        ("deploymentId", json!("nonsense")),
        ("deploymentId", json!(null)),
        ("lifecycleEventHookExecutionId", json!("nonsense")),
        ("lifecycleEventHookExecutionId", json!(null)),
        ("status", json!("Skipped")),
        ("status", json!(null)),
    ] {
        let mut wrong = good.clone();
        wrong[member] = value.clone();
        let code = bench
            .code("PutLifecycleEventHookExecutionStatus", wrong)
            .await;
        message.push(format!("{member} {value}: {code}"));
    }
    insta::assert_snapshot!(message.join("\n"), @r#"
    deploymentId "d-AAAAAAAAA": DeploymentDoesNotExistException
    deploymentId "nonsense": InvalidDeploymentIdException
    deploymentId null: DeploymentIdRequiredException
    lifecycleEventHookExecutionId "nonsense": InvalidLifecycleEventHookExecutionIdException
    lifecycleEventHookExecutionId null: InvalidLifecycleEventHookExecutionIdException
    status "Skipped": InvalidLifecycleEventHookExecutionStatusException
    status null: InvalidLifecycleEventHookExecutionStatusException
    "#);
    let answered = bench
        .ok("PutLifecycleEventHookExecutionStatus", good.clone())
        .await;
    let id = &call.payload["LifecycleEventHookExecutionId"];
    assert_eq!(answered, json!({ "lifecycleEventHookExecutionId": id }));
    assert_eq!(
        bench
            .code("PutLifecycleEventHookExecutionStatus", good)
            .await,
        "LifecycleEventAlreadyCompletedException"
    );
}

#[tokio::test]
async fn a_function_that_says_nothing_for_an_hour_fails_the_deployment() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(HOOKED).await;
    let call = bench.next_call().await;
    bench.world.clock.advance(59 * MINUTE);
    assert_eq!(bench.info(&id).await["status"], "InProgress");
    bench.world.clock.advance(MINUTE);
    let info = bench.until(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "TIMEOUT");
    let target = bench.target(&id).await;
    let event = &target["lifecycleEvents"][4];
    assert_eq!(event["lifecycleEventName"], "AfterAllowTestTraffic");
    assert_eq!(
        event["diagnostics"],
        json!({
            "errorCode": "ScriptTimedOut", "scriptName": "check", "logTail": "",
            "message": "The function reported no status within one hour.",
        })
    );
    let took = event["endTime"].as_f64().unwrap() - event["startTime"].as_f64().unwrap();
    assert!((3600.0..3630.0).contains(&took), "it took {took} s");
    assert_eq!(
        bench
            .code(
                "PutLifecycleEventHookExecutionStatus",
                answer(&call, "Succeeded")
            )
            .await,
        "LifecycleEventAlreadyCompletedException",
        "an answer that comes after the hour is too late"
    );
}

#[tokio::test]
async fn an_answer_within_the_hour_counts() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench.deploy(HOOKED).await;
    let call = bench.next_call().await;
    bench.world.clock.advance(59 * MINUTE);
    bench
        .ok(
            "PutLifecycleEventHookExecutionStatus",
            answer(&call, "Succeeded"),
        )
        .await;
    bench.until(&id, "Succeeded").await;
}

#[tokio::test]
async fn a_function_that_does_not_exist_fails_the_event() {
    let mut bench = Bench::new(Setup::default()).await;
    bench.calls.close();
    let id = bench.deploy(HOOKED).await;
    let info = bench.until(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "HOOK_EXECUTION_FAILURE");
    let diagnostics = bench.target(&id).await["lifecycleEvents"][4]["diagnostics"].clone();
    assert_eq!(diagnostics["errorCode"], "ScriptMissing");
    assert_eq!(diagnostics["scriptName"], "check");
    assert!(
        diagnostics["message"]
            .as_str()
            .unwrap()
            .contains("ResourceNotFoundException")
    );
}

#[tokio::test]
async fn every_hook_is_called_once_and_in_order() {
    let mut bench = Bench::new(Setup::default()).await;
    let id = bench
        .deploy(&[
            ("AfterAllowTraffic", "five"),
            ("BeforeInstall", "one"),
            ("BeforeAllowTraffic", "four"),
            ("AfterInstall", "two"),
            ("AfterAllowTestTraffic", "three"),
        ])
        .await;
    for function in ["one", "two", "three", "four", "five"] {
        assert_eq!(bench.answer_next("Succeeded").await, function);
    }
    bench.until(&id, "Succeeded").await;
    assert!(
        bench.calls.try_recv().is_err(),
        "no function is called twice"
    );
}
