//! Bakes for `CodeDeploy` that are longer than a function may run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gate::Stage;
use serde_json::{Value, json};
use test_support::gates::aws::{Changes, FakeAws, Fault, Plan, none};
use test_support::gates::service::{Behaviour, Service};
use test_support::gates::{SUITE, function, invoke_as, invoke_with, later};
use test_support::{gates, paced_time};

use super::{LEFT, strip};

#[tokio::test(start_paused = true)]
async fn a_bake_for_codedeploy_is_handed_on_within_its_hour_and_never_twice() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 45m, every: 5m }}\n");
    let aws = FakeAws::with(service.port, &suite, Changes::default(), none()).await;
    let gate = function(Stage::PostTraffic, &aws);
    let mut payload = gates::event();
    for part in 0..10 {
        let request = format!("request-{part}");
        let value = invoke_as(&request, &gate, LEFT, payload.clone())
            .await
            .result
            .unwrap();
        if part == 9 {
            assert_eq!(value["answer"], "Succeeded");
            break;
        }
        assert_eq!(value["part"], part + 1);
        assert!(
            aws.answers().is_empty(),
            "nothing is answered while it goes on"
        );
        if part == 3 {
            // Lambda delivered the event twice: the other invocation ends without an answer or a second chain.
            let again = invoke_as("another", &gate, LEFT, payload.clone())
                .await
                .result
                .unwrap();
            assert_eq!(again["duplicate"], true);
        }
        let invoked = aws.invoked();
        assert_eq!(invoked.len(), part + 1);
        payload = serde_json::from_str(&invoked[part]).unwrap();
        let run = payload["deployHooksRun"].as_str().unwrap().to_owned();
        payload["deployHooksRun"] = json!(later(&run, Duration::from_mins(5)));
    }
    assert_eq!(aws.answers(), ["Succeeded"]);
    let path = "/reports/reports/shop/d-ABCDEF123/post-traffic-AfterAllowTraffic.json";
    let report: Value = serde_json::from_str(&aws.object(path).unwrap()).unwrap();
    assert_eq!(strip(&report), "P".repeat(10));
    assert_eq!(aws.published().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_another_invocation_is_looked_for_ends_none() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 45m, every: 5m }}\n");
    let panics = Arc::new(AtomicBool::new(false));
    let armed = panics.clone();
    let plan: Plan = Arc::new(move |operation, _| {
        (operation == "GetObject" && armed.swap(false, Ordering::SeqCst)).then_some(Fault::Panic)
    });
    let aws = FakeAws::with(service.port, &suite, Changes::default(), plan).await;
    let gate = function(Stage::PostTraffic, &aws);
    let first = invoke_as("first", &gate, LEFT, gates::event()).await;
    first.result.unwrap();
    let payload: Value = serde_json::from_str(&aws.invoked()[0]).unwrap();
    let second = invoke_as("second", &gate, LEFT, payload.clone()).await;
    assert_eq!(second.result.unwrap()["part"], 2);
    // Delivered twice, and nobody can say by whom the part was taken: measuring twice costs less than an hour of waiting.
    panics.store(true, Ordering::SeqCst);
    let again = invoke_as("another", &gate, LEFT, payload).await;
    assert_eq!(again.result.unwrap()["part"], 2);
    assert!(!panics.load(Ordering::SeqCst), "the claim was looked at");
}

#[tokio::test(start_paused = true)]
async fn a_hand_on_that_hangs_leaves_time_for_an_answer_that_is_throttled() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 45m, every: 5m }}\n");
    let plan: Plan = Arc::new(|operation, n| match operation {
        "Invoke" => Some(Fault::Hang),
        "PutLifecycleEventHookExecutionStatus" if n < 2 => Some(Fault::Throttle),
        _ => None,
    });
    let aws = FakeAws::with(service.port, &suite, Changes::default(), plan).await;
    let seen = invoke_with(&function(Stage::PostTraffic, &aws), LEFT, gates::event()).await;
    seen.result.unwrap();
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(seen.took < LEFT, "{:?}", seen.took);
}

#[tokio::test(start_paused = true)]
async fn a_bake_that_cannot_be_handed_on_or_never_ends_is_answered() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 45m, every: 5m }}\n");
    let refuse: Plan = Arc::new(|operation, _| {
        (operation == "Invoke").then_some(Fault::Refuse("AccessDeniedException"))
    });
    let aws = FakeAws::with(service.port, &suite, Changes::default(), refuse).await;
    let gate = function(Stage::PostTraffic, &aws);
    invoke_with(&gate, LEFT, gates::event())
        .await
        .result
        .unwrap();
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(aws.published()[0]["Message"].contains("lambda:InvokeFunction"));

    let aws = FakeAws::with(service.port, &suite, Changes::default(), none()).await;
    let gate = function(Stage::PostTraffic, &aws);
    let mut payload = gates::event();
    for part in 0..20 {
        // No time passes, so that nothing is ever measured again.
        invoke_as(&format!("r-{part}"), &gate, LEFT, payload.clone())
            .await
            .result
            .unwrap();
        match aws.invoked().get(part) {
            Some(next) => payload = serde_json::from_str(next).unwrap(),
            None => break,
        }
    }
    assert_eq!(aws.answers(), ["Failed"], "the chain ends");
    assert_eq!(aws.invoked().len(), 12);
}
