//! Hooks: which answers count, what is handed from call to call, and how long they may take.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Bench, MINUTE, hook};

const STAGE: &str = "POST_TEST_TRAFFIC_SHIFT";

fn configuration(hooks: &[Value]) -> Value {
    json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": hooks })
}

#[tokio::test]
async fn a_function_that_is_not_done_is_called_again_with_what_it_returned() {
    let mut check = hook("check", &[STAGE]);
    check["hookDetails"] = json!({ "suite": "shop", "round": 0 });
    let bench = Bench::with_service(configuration(&[check])).await;
    bench.emulator.returns(
        "check",
        &[
            json!({ "hookStatus": "IN_PROGRESS", "hookDetails": { "round": 1 } }),
            json!({ "hookStatus": "IN_PROGRESS", "callBackDelay": 600, "hookDetails": { "more": [1] } }),
            json!({ "hookStatus": "SUCCEEDED" }),
        ],
    );
    let deployment = bench.deploy("web:2");
    bench.until_called(1).await;
    bench.advance(Duration::from_secs(29)).await;
    assert_eq!(bench.emulator.calls().len(), 1, "thirty seconds by default");
    bench.advance(Duration::from_secs(1)).await;
    bench.until_called(2).await;
    bench.advance(Duration::from_secs(590)).await;
    assert_eq!(bench.emulator.calls().len(), 2, "as long as it said");
    bench.advance(Duration::from_secs(10)).await;
    assert_eq!(bench.until_over(&deployment).await["status"], "SUCCESSFUL");
    let calls = bench.emulator.calls();
    let details: Vec<&Value> = calls
        .iter()
        .map(|(_, event)| &event["hookDetails"])
        .collect();
    assert_eq!(*details[0], json!({ "suite": "shop", "round": 0 }));
    assert_eq!(*details[1], json!({ "suite": "shop", "round": 1 }));
    assert_eq!(
        *details[2],
        json!({ "suite": "shop", "round": 1, "more": [1] })
    );
    assert_eq!(calls[0].1["executionId"], calls[2].1["executionId"]);
}

#[tokio::test]
async fn an_advance_lets_a_function_be_called_as_often_as_it_asks_for() {
    let bench = Bench::with_service(configuration(&[hook("check", &[STAGE])])).await;
    let again = json!({ "hookStatus": "IN_PROGRESS", "callBackDelay": 60 });
    let mut answers = vec![again; 10];
    answers.push(json!({ "hookStatus": "SUCCEEDED" }));
    bench.emulator.returns("check", &answers);
    let deployment = bench.deploy("web:2");
    bench.until_called(1).await;
    bench.advance(MINUTE * 10).await;
    assert_eq!(bench.until_over(&deployment).await["status"], "SUCCESSFUL");
    assert_eq!(bench.emulator.calls().len(), 11);
}

#[tokio::test]
async fn whatever_is_no_answer_brings_the_old_revision_back_and_says_why() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function";
    for (function, answer, why) in [
        (
            "check",
            json!({ "hookStatus": "FAILED" }),
            format!("Lifecycle hook target {arn}:check returned FAILED status."),
        ),
        (
            "check",
            json!({}),
            format!(
                "ECS was unable to parse the response from {arn}:check due to HookStatus must not be null"
            ),
        ),
        (
            "check",
            json!({ "hookStatus": "Succeeded" }),
            format!(
                "ECS was unable to parse the response from {arn}:check due to HookStatus Succeeded is not valid"
            ),
        ),
        (
            "broken",
            json!(null),
            format!(
                "ECS was unable to invoke hook target {arn}:broken due to {{\"errorMessage\":\"it broke\"}}"
            ),
        ),
        (
            "missing",
            json!(null),
            format!(
                "ECS was unable to invoke hook target {arn}:missing due to ResourceNotFoundException: not there"
            ),
        ),
    ] {
        let bench = Bench::with_service(configuration(&[hook(function, &[STAGE])])).await;
        bench.emulator.returns(function, &[answer]);
        let deployment = bench.deploy("web:2");
        let over = bench.until_over(&deployment).await;
        assert_eq!(over["status"], "ROLLBACK_SUCCESSFUL", "{over:#}");
        let reason = format!(
            "Service deployment rolled back because {STAGE} lifecycle hook(s) failed. {why}"
        );
        assert_eq!(over["statusReason"], reason);
        assert_eq!(over["rollback"]["reason"], reason);
        assert_eq!(
            over["rollback"]["serviceRevisionArn"],
            over["sourceServiceRevisions"][0]["arn"]
        );
        assert_eq!(over["lifecycleHookDetails"][0]["status"], "FAILED");
        assert_eq!(
            bench.running(),
            ("web:1".to_owned(), vec!["web:1".to_owned()])
        );
    }
}

#[tokio::test]
async fn hooks_of_a_stage_run_side_by_side_and_one_failure_is_enough() {
    let hooks = [hook("slow", &[STAGE]), hook("check", &[STAGE])];
    let bench = Bench::with_service(configuration(&hooks)).await;
    bench
        .emulator
        .returns("slow", &[json!({ "hookStatus": "IN_PROGRESS" })]);
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "FAILED" })]);
    let deployment = bench.deploy("web:2");
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(bench.emulator.calls().len(), 2);
}

#[tokio::test]
async fn a_function_that_hangs_is_given_up_when_its_time_is_over() {
    for (action, status) in [
        ("ROLLBACK", "ROLLBACK_SUCCESSFUL"),
        ("CONTINUE", "SUCCESSFUL"),
    ] {
        let mut hangs = hook("hangs", &[STAGE]);
        hangs["timeoutConfiguration"] = json!({ "timeoutInMinutes": 15, "action": action });
        let bench = Bench::with_service(configuration(&[hangs])).await;
        let deployment = bench.deploy("web:2");
        bench.until_called(1).await;
        let waiting = bench.described(&deployment);
        assert_eq!(waiting["lifecycleHookDetails"][0]["status"], "IN_PROGRESS");
        assert_eq!(waiting["lifecycleHookDetails"][0]["timeoutAction"], action);
        bench.advance(MINUTE * 15).await;
        let over = bench.until_over(&deployment).await;
        assert_eq!(over["status"], status, "{over:#}");
        assert_eq!(over["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
        if action == "ROLLBACK" {
            assert_eq!(
                over["statusReason"],
                format!("Service deployment rolled back because {STAGE} lifecycle hook timed out.")
            );
        }
    }
}

#[tokio::test]
async fn event_bridge_hears_of_the_deployment_and_of_its_hooks() {
    let bench = Bench::with_service(configuration(&[hook("check", &[STAGE])])).await;
    let deployment = bench.deploy("web:2");
    bench.until_over(&deployment).await;
    let of_this = |event: &&Value| event["detail"]["serviceDeploymentArn"] == deployment.as_str();
    let mut seen = Vec::new();
    for _ in 0..200 {
        seen = bench.emulator.events();
        let completed =
            |event: &&Value| event["detail"]["eventName"] == "SERVICE_DEPLOYMENT_COMPLETED";
        if seen.iter().filter(completed).count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let hooks: Vec<&Value> = seen.iter().filter(of_this).collect();
    let names: Vec<&Value> = hooks
        .iter()
        .map(|event| &event["detail"]["eventName"])
        .collect();
    assert_eq!(names, ["HOOK_IN_PROGRESS", "HOOK_SUCCEEDED"]);
    let event = hooks[0];
    assert_eq!(event["source"], "aws.ecs");
    assert_eq!(event["detail-type"], "ECS Hook State Change");
    assert_eq!(event["resources"], json!([deployment]));
    let detail = &event["detail"];
    assert_eq!(detail["hookType"], "AWS_LAMBDA");
    assert_eq!(detail["lifecycleStage"], STAGE);
    assert_eq!(
        detail["clusterArn"],
        "arn:aws:ecs:us-east-1:000000000000:cluster/dev"
    );
    assert_eq!(
        detail["serviceArn"],
        "arn:aws:ecs:us-east-1:000000000000:service/dev/web"
    );
    let last = seen.last().unwrap();
    assert_eq!(last["detail-type"], "ECS Deployment State Change");
    assert_eq!(last["detail"]["eventName"], "SERVICE_DEPLOYMENT_COMPLETED");
    assert_eq!(last["detail"].get("clusterArn"), None, "AWS names none");
    assert_eq!(
        last["resources"],
        json!(["arn:aws:ecs:us-east-1:000000000000:service/dev/web"])
    );
}
