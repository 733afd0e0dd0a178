//! Whole invocations, from event to answer, over real HTTP: what people and CodeDeploy see.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::time::Duration;

use gate::Stage;
use serde_json::json;
use support::aws::{Changes, FakeAws};
use support::service::{Behaviour, Service};
use support::{SUITE, Seen, function, invoke, invoke_with};

const LEFT: Duration = Duration::from_secs(12);

/// The one reason of a refusal, or all joined.
fn reasons(seen: &Seen) -> String {
    let value = seen.result.as_ref().unwrap();
    let reasons = value["reasons"].as_array().unwrap();
    reasons
        .iter()
        .map(|reason| reason.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_good_release_passes_and_everyone_is_told() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
    let value = seen.result.unwrap();
    let report = "/reports/reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic";
    assert_eq!(value["report"], format!("s3:/{report}.html"));
    assert!(
        aws.object(&format!("{report}.html"))
            .unwrap()
            .contains("a reader buys a book")
    );
    let json: serde_json::Value =
        serde_json::from_str(&aws.object(&format!("{report}.json")).unwrap()).unwrap();
    assert!(
        json.to_string().contains("1.2.0"),
        "the version is in the report: {json}"
    );
    let published = aws.published();
    assert_eq!(published.len(), 1);
    assert_eq!(
        published[0]["Subject"],
        "Passed pre-traffic: shop 1.2.0 (d-ABCDEF123)"
    );
    assert!(
        published[0]["Message"].contains("1.1.0 → 1.2.0"),
        "{}",
        published[0]["Message"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_an_event_whose_loss_changes_nothing() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Broken).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    let events = aws.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["EventBusName"], "default");
    assert_eq!(events[0]["Source"], "deploy-hooks");
    assert_eq!(events[0]["DetailType"], "Gate Decision");
    let detail: serde_json::Value =
        serde_json::from_str(events[0]["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail["verdict"], "failed");
    assert_eq!(detail["deployment_id"], "d-ABCDEF123");
    assert!(detail["reasons"][0].as_str().unwrap().contains("got 503"));

    let refused: support::aws::Plan = std::sync::Arc::new(|operation, _| {
        (operation == "PutEvents").then_some(support::aws::Fault::Refuse("AccessDeniedException"))
    });
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::with(service.port, SUITE, Changes::default(), refused).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
    assert!(seen.result.is_ok());
    assert_eq!(aws.published().len(), 1, "people hear of it all the same");
}

#[tokio::test(start_paused = true)]
async fn a_broken_release_is_stopped_with_the_reason() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Broken).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(
        reasons(&seen).contains("expected status 201, got 503"),
        "{}",
        reasons(&seen)
    );
    assert!(aws.published()[0]["Message"].contains("got 503"));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_breaks_during_the_bake_window_fails_post_traffic() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::WellFor(3)).await;
    let suite = format!("{SUITE}traffic: {{ bake: 3s, every: 250ms }}\n");
    let aws = FakeAws::start(service.port, &suite).await;
    let seen = invoke(&function(Stage::PostTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(reasons(&seen).contains("got 503"), "{}", reasons(&seen));
    assert!(
        seen.took < Duration::from_secs(3),
        "it stops at the limit, not at the window's end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_suite_fails_with_its_place() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, "").await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    insta::assert_snapshot!(reasons(&seen), @"the suite s3://suites/shop/production.yaml could not be read: NoSuchKey: injected; upload the suite to this key, or change SUITE");
    assert_eq!(service.served(), 0, "nothing was measured");
}

#[tokio::test(start_paused = true)]
async fn an_invalid_suite_fails_with_line_and_column_of_every_problem() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = "version: 1\nname: shop\nchecks:\n  - name: a\n    htp: GET /\n  - name: a\n    http: FETCH /\n";
    let aws = FakeAws::start(service.port, suite).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    let reasons = reasons(&seen);
    assert!(reasons.contains("production.yaml:5:5"), "{reasons}");
    assert!(reasons.contains("production.yaml:7:"), "{reasons}");
}

#[tokio::test(start_paused = true)]
async fn a_group_without_test_listener_fails_with_the_remedy() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let changes = Changes {
        no_test_listener: true,
        ..Changes::default()
    };
    let aws = FakeAws::with(
        service.port,
        SUITE,
        changes,
        std::sync::Arc::new(|_, _| None),
    )
    .await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    insta::assert_snapshot!(reasons(&seen), @"the deployment group production has no test listener; set testTrafficRoute in its loadBalancerInfo.targetGroupPairInfoList; so the pre-traffic gate can't reach the new version");
    // The production listener is enough for the other gate.
    let changes = Changes {
        no_test_listener: true,
        ..Changes::default()
    };
    let aws = FakeAws::with(
        service.port,
        SUITE,
        changes,
        std::sync::Arc::new(|_, _| None),
    )
    .await;
    invoke(&function(Stage::PostTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_selects_nothing_for_the_stage_fails() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = SUITE.replace("    http:", "    on: [post-traffic]\n    http:");
    let aws = FakeAws::start(service.port, &suite).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(reasons(&seen).contains("pre-traffic"), "{}", reasons(&seen));
    assert_eq!(service.served(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_fails_in_time() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Hanging).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(seen.took < LEFT);
    assert!(
        reasons(&seen).contains("1s"),
        "the limit is named: {}",
        reasons(&seen)
    );
}

#[tokio::test(start_paused = true)]
async fn near_its_time_limit_a_function_answers_failed() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Hanging).await;
    let suite = SUITE.replace("timeout: 1s", "timeout: 30s");
    let aws = FakeAws::start(service.port, &suite).await;
    for left in [3000, 1500] {
        let left = Duration::from_millis(left);
        let fresh = FakeAws::start(service.port, &suite).await;
        let seen = invoke(&function(Stage::PreTraffic, &fresh), left).await;
        assert_eq!(fresh.answers(), ["Failed"], "with {left:?}");
        assert!(
            seen.took < left,
            "answered after {:?} of {left:?}",
            seen.took
        );
    }
    assert!(aws.answers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_function_whose_time_is_over_still_answers() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    for left in [Duration::ZERO, Duration::from_millis(5)] {
        let aws = FakeAws::start(service.port, SUITE).await;
        invoke(&function(Stage::PreTraffic, &aws), left).await;
        assert_eq!(aws.answers(), ["Failed"], "with {left:?}");
    }
    // A first try that is throttled is not the last one.
    let plan: support::aws::Plan = std::sync::Arc::new(|operation, n| {
        let throttled = operation == "PutLifecycleEventHookExecutionStatus" && n == 0;
        throttled.then_some(support::aws::Fault::Throttle)
    });
    let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
    invoke(&function(Stage::PreTraffic, &aws), Duration::ZERO).await;
    assert_eq!(aws.answers(), ["Failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_delivery_does_no_harm() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let function = function(Stage::PreTraffic, &aws);
    let (first, second) = tokio::join!(invoke(&function, LEFT), invoke(&function, LEFT));
    assert_eq!(aws.answers(), ["Succeeded"], "one answer was accepted");
    let duplicates = [first, second]
        .iter()
        .filter(|seen| seen.result.as_ref().unwrap()["alreadyCompleted"] == true)
        .count();
    assert_eq!(duplicates, 1, "the other run is no error");
    assert_eq!(aws.published().len(), 1, "people are told once");
}

#[tokio::test(start_paused = true)]
async fn an_event_with_unknown_fields_is_served_and_a_foreign_one_is_an_error() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    let function = function(Stage::PreTraffic, &aws);
    let mut event = support::event();
    event["AddedLater"] = json!({"x": [1]});
    invoke_with(&function, LEFT, event).await.result.unwrap();
    assert_eq!(aws.answers(), ["Succeeded"]);
    let error = invoke_with(&function, LEFT, json!({"Records": []}))
        .await
        .result
        .unwrap_err();
    assert!(
        error.starts_with("this is no event that a gate answers"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_never_hindered() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Broken).await;
    let changes = Changes {
        rollback_of: Some("d-BROKEN001"),
        ..Changes::default()
    };
    let aws = FakeAws::with(
        service.port,
        SUITE,
        changes,
        std::sync::Arc::new(|_, _| None),
    )
    .await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
    insta::assert_snapshot!(reasons(&seen), @"this deployment rolls back d-BROKEN001; a rollback is never hindered by a gate");
    assert_eq!(service.served(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_a_stack_is_never_hindered_either() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Broken).await;
    for bare in [false, true] {
        let changes = Changes {
            creator: Some("CloudFormationRollback"),
            bare,
            ..Changes::default()
        };
        let aws = FakeAws::with(service.port, SUITE, changes, support::aws::none()).await;
        let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
        assert_eq!(aws.answers(), ["Succeeded"], "{}", reasons(&seen));
    }
    assert_eq!(service.served(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_blue_green_deployment_of_cloudformation_is_refused_by_name() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let changes = |bare| Changes {
        creator: Some("CloudFormation"),
        bare,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, SUITE, changes(true), support::aws::none()).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    insta::assert_snapshot!(reasons(&seen), @"this is a blue/green deployment of CloudFormation (AWS::CodeDeploy::BlueGreen), which is not supported: it has no AppSpec that a gate could read. Let CodeDeploy deploy the service by an AppSpec instead");
    // What SAM's deployment preference starts is served.
    let aws = FakeAws::with(service.port, SUITE, changes(false), support::aws::none()).await;
    invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn a_sample_event_says_what_to_put_into_it() {
    let _time = paced_time::start();
    let plan: support::aws::Plan = std::sync::Arc::new(|operation, _| match operation {
        "GetDeployment" | "PutLifecycleEventHookExecutionStatus" => Some(
            support::aws::Fault::Refuse("DeploymentDoesNotExistException"),
        ),
        _ => None,
    });
    let aws = FakeAws::with(1, SUITE, Changes::default(), plan).await;
    let error = invoke(&function(Stage::PreTraffic, &aws), LEFT)
        .await
        .result
        .unwrap_err();
    insta::assert_snapshot!(error, @"CodeDeploy did not take the answer Failed for d-ABCDEF123: DeploymentDoesNotExistException: injected; this is a sample event: put the DeploymentId of a deployment of yours that is in progress into it, and the LifecycleEventHookExecutionId that CodeDeploy sent for it");
}

#[tokio::test(start_paused = true)]
async fn wrong_settings_answer_failed_with_every_problem() {
    let _time = paced_time::start();
    let aws = FakeAws::start(1, SUITE).await;
    let function = std::sync::Arc::new(hook::GateFunction {
        stage: Stage::PreTraffic,
        settings: support::settings(&[("SUITE", ""), ("REPORT_BUCKET", "")]),
        aws: support::clients(&aws),
    });
    let seen = invoke(&function, LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(
        reasons(&seen).contains("SUITE is not set"),
        "{}",
        reasons(&seen)
    );
    assert!(
        reasons(&seen).contains("REPORT_BUCKET is not set"),
        "{}",
        reasons(&seen)
    );
}

#[tokio::test(start_paused = true)]
async fn a_lambda_deployment_is_described_and_needs_absolute_urls() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let app_spec = "version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {Name: checkout, Alias: live, CurrentVersion: '7', TargetVersion: '8'}\nHooks:\n  - BeforeAllowTraffic: CodeDeployHook_pre-traffic\n";
    let changes = || Changes {
        app_spec: Some(app_spec),
        ..Changes::default()
    };
    let none: support::aws::Plan = std::sync::Arc::new(|_, _| None);
    let aws = FakeAws::with(service.port, SUITE, changes(), none.clone()).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(
        aws.answers(),
        ["Failed"],
        "a path alone leads nowhere: {}",
        reasons(&seen)
    );
    let with = |statement: &str| {
        let request = format!(
            "{{ method: POST, url: 'http://127.0.0.1:{}/checkout?version={{{{ target.target_version }}}}'{statement} }}",
            service.port
        );
        SUITE.replace("POST /checkout", &request)
    };
    let aws = FakeAws::with(service.port, &with(""), changes(), none.clone()).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(
        aws.answers(),
        ["Failed"],
        "nothing ties the URL to version 8: {}",
        reasons(&seen)
    );
    let suite = with(", reaches_release: true");
    let aws = FakeAws::with(service.port, &suite, changes(), none).await;
    invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
    let message = &aws.published()[0]["Message"];
    assert!(
        message.contains("7 → 8") && message.contains("checkout"),
        "{message}"
    );
}
