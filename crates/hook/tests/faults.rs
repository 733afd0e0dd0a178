//! AWS fails, each call in turn and many at random: the hook still answers before its deadline, and
//! never `Succeeded` unless every required check has passed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use gate::Stage;
use support::aws::{Changes, FAULTS, FakeAws, Fault, Plan};
use support::service::{Behaviour, HOSTILE_ANSWERS, Service};
use support::storm::Contract;
use support::{SUITE, function, invoke};

/// Where the report of the usual event lies.
const REPORT: &str = "/reports/reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic";
const ANSWER: &str = "PutLifecycleEventHookExecutionStatus";
/// Short, so that hanging calls are cut by the guard and not only by the SDK's own limits.
const LEFT: Duration = Duration::from_secs(8);

/// How many invocations run side by side.
const MAX_CONCURRENT: usize = 20;

/// Calls without which nothing can be measured.
const NEEDED: [&str; 7] = [
    "GetDeployment",
    "GetApplicationRevision",
    "GetDeploymentGroup",
    "DescribeListeners",
    "DescribeLoadBalancers",
    // Another rule may lead elsewhere.
    "DescribeRules",
    "GetObject",
];

async fn calls_of_a_good_run() -> Vec<String> {
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, SUITE).await;
    invoke(&function(Stage::PreTraffic, &aws), LEFT)
        .await
        .result
        .unwrap();
    let mut calls = aws.calls();
    calls.sort();
    calls.dedup();
    calls
}

#[tokio::test(start_paused = true)]
async fn each_call_killed_in_turn_for_ever() {
    let _time = paced_time::start();
    let calls = calls_of_a_good_run().await;
    assert!(
        calls.len() >= 12,
        "a good run makes these calls only: {calls:?}"
    );
    let runs = calls
        .iter()
        .flat_map(|call| FAULTS.map(|fault| (call.clone(), fault)));
    // Side by side, as most of their time is waiting.
    let cases: Vec<()> = stream::iter(runs.map(|(call, fault)| killed(call, fault)))
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    assert!(cases.len() >= 72);
}

async fn killed(call: String, fault: Fault) {
    let service = Service::start(Behaviour::Well).await;
    let killed = call.clone();
    let plan: Plan = Arc::new(move |operation, _| (operation == killed).then_some(fault));
    let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    let case = format!(
        "{fault:?} at every {call}: {:?}, answers {:?}",
        seen.result,
        aws.answers()
    );
    assert!(seen.took < LEFT, "{case} took {:?}", seen.took);
    if call == ANSWER && fault != Fault::Slow {
        if fault == Fault::Lost {
            // It was taken though its result was lost, and CodeDeploy says so when it is asked.
            assert_eq!(seen.result.unwrap()["delivery"], "confirmed");
        } else {
            // Nobody can be told; Lambda must hear it, so that it tries again.
            assert!(seen.result.is_err(), "{case}");
        }
        return;
    }
    let lost = NEEDED.contains(&call.as_str()) && fault != Fault::Slow;
    let expected = if lost { "Failed" } else { "Succeeded" };
    assert_eq!(aws.answers(), [expected], "{case}");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_answer_is_repeated_until_it_is_taken() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let plan: Plan =
        Arc::new(|operation, n| (operation == ANSWER && n < 3).then_some(Fault::Throttle));
    let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
    invoke(&function(Stage::PreTraffic, &aws), LEFT)
        .await
        .result
        .unwrap();
    assert_eq!(aws.answers(), ["Succeeded"]);
    assert_eq!(aws.calls().iter().filter(|call| *call == ANSWER).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_result_was_lost_counts_as_given() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let plan: Plan =
        Arc::new(|operation, n| (operation == ANSWER && n == 0).then_some(Fault::Lost));
    let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
    let value = seen.result.unwrap();
    assert_eq!(value["alreadyCompleted"], false);
    assert_eq!(value["delivery"], "confirmed");
    assert_eq!(aws.published().len(), 1, "people are told");
    assert!(aws.published()[0]["Subject"].starts_with("Passed"));
}

/// Another run has stored its report and told people.
fn tell(aws: &FakeAws) {
    aws.put(&format!("{REPORT}.json"), "{}");
    aws.put(&format!("{REPORT}-published"), "");
}

/// The first answer call gets no result, the next one hears that the event is over; CodeDeploy says of
/// the event what `status` says. `told` when another run has told people.
async fn lost_then_over(status: Option<&'static str>, told: bool) -> (FakeAws, serde_json::Value) {
    let service = Service::start(Behaviour::Well).await;
    let plan: Plan = Arc::new(move |operation, n| match (operation, n) {
        (ANSWER, 0) => Some(Fault::Hang),
        (ANSWER, _) => Some(Fault::Refuse("LifecycleEventAlreadyCompletedException")),
        // The second one reads back.
        ("BatchGetDeploymentTargets", 1..) if status.is_none() => Some(Fault::Error),
        _ => None,
    });
    let changes = Changes {
        event_status: status,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, SUITE, changes, plan).await;
    if told {
        tell(&aws);
    }
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    (aws, seen.result.unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_fate_is_unknown_is_reported_as_such() {
    let _time = paced_time::start();
    let statuses = [None, Some("InProgress"), Some("Skipped")];
    let cases = join_all(statuses.map(|status| lost_then_over(status, false))).await;
    for (status, (aws, value)) in statuses.into_iter().zip(cases) {
        assert_eq!(value["delivery"], "unconfirmed", "{status:?}");
        assert_eq!(value["alreadyCompleted"], false);
        let published = aws.published();
        assert_eq!(published.len(), 1);
        assert_eq!(
            published[0]["Subject"],
            "UNCONFIRMED pre-traffic: shop 1.2.0 (d-ABCDEF123)"
        );
        let message = &published[0]["Message"];
        assert!(
            message.contains("It is not known whether CodeDeploy heard this answer"),
            "{message}"
        );
        let report =
            aws.object("/reports/reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic.json");
        assert!(
            report
                .unwrap()
                .contains("it is not known whether CodeDeploy heard this answer")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_read_back_where_codedeploy_says_what_it_heard() {
    let _time = paced_time::start();
    let (confirmed, contradicted, alone) = tokio::join!(
        lost_then_over(Some("Succeeded"), false),
        lost_then_over(Some("Failed"), true),
        lost_then_over(Some("Failed"), false),
    );
    let (aws, value) = confirmed;
    assert_eq!(value["delivery"], "confirmed");
    assert_eq!(aws.published().len(), 1);
    let (aws, value) = contradicted;
    assert_eq!(
        value["delivery"], "already-completed",
        "another answer counted"
    );
    assert!(
        aws.published().is_empty(),
        "whoever gave it has told people"
    );
    let (aws, value) = alone;
    assert_eq!(value["delivery"], "already-completed");
    assert_eq!(
        aws.published()[0]["Subject"],
        "OVER pre-traffic: shop 1.2.0 (d-ABCDEF123)",
        "nobody has told people"
    );
}

/// The gate is hooked to both events before traffic, of which the second one runs.
fn at_the_second_hook() -> Changes {
    Changes {
        app_spec: Some(
            "version: 0.0\nResources:\n  - shop:\n      Type: AWS::ECS::Service\n      Properties: { TaskDefinition: \"arn:aws:ecs:us-east-1:111122223333:task-definition/shop:2\" }\nHooks:\n  - AfterAllowTestTraffic: CodeDeployHook_pre-traffic\n  - BeforeAllowTraffic: CodeDeployHook_pre-traffic\n",
        ),
        events: &[
            ("AfterAllowTestTraffic", "Succeeded"),
            ("BeforeAllowTraffic", "InProgress"),
        ],
        ..Changes::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_never_confirmed_by_another_events_status() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let plan: Plan = Arc::new(|operation, n| match (operation, n) {
        ("ListDeploymentTargets", 0) => Some(Fault::Refuse("InvalidDeploymentIdException")),
        (ANSWER, _) => Some(Fault::Hang),
        _ => None,
    });
    let aws = FakeAws::with(service.port, SUITE, at_the_second_hook(), plan).await;
    let first = format!("{REPORT}.json");
    aws.put(&first, "the report of the first event");
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert!(seen.result.is_err(), "{:?}", seen.result);
    let published = aws.published();
    assert!(published[0]["Subject"].starts_with("UNANSWERED"));
    assert!(published[0]["Message"].contains("s3://reports/"));
    assert!(!published[0]["Message"].contains("AfterAllowTestTraffic"));
    assert_eq!(aws.object(&first).unwrap(), "the report of the first event");
}

#[tokio::test(start_paused = true)]
async fn the_report_of_an_event_that_is_not_known_overwrites_no_other() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let blind: Plan = Arc::new(|operation, _| {
        let listed = operation == "ListDeploymentTargets";
        listed.then_some(Fault::Refuse("InvalidDeploymentIdException"))
    });
    let aws = FakeAws::with(service.port, SUITE, at_the_second_hook(), blind).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(
        aws.answers(),
        ["Succeeded"],
        "it is of no importance for the verdict"
    );
    let report = seen.result.unwrap()["report"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(report, @"s3://reports/reports/shop/d-ABCDEF123/pre-traffic-execution-4f7c9c16029ac860.html");
    let known = FakeAws::with(
        service.port,
        SUITE,
        at_the_second_hook(),
        support::aws::none(),
    )
    .await;
    let seen = invoke(&function(Stage::PreTraffic, &known), LEFT).await;
    let report = seen.result.unwrap()["report"].as_str().unwrap().to_owned();
    assert!(
        report.ends_with("pre-traffic-BeforeAllowTraffic.html"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_false_alarm_the_all_clear_is_given_once() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let healed = Arc::new(AtomicBool::new(false));
    let better = healed.clone();
    // CodeDeploy takes the first answer; nothing comes back, and the status can't be read.
    let plan: Plan = Arc::new(move |operation, n| match (operation, n) {
        _ if better.load(Ordering::Relaxed) => None,
        (ANSWER, 0) => Some(Fault::Lost),
        (ANSWER, _) => Some(Fault::Hang),
        ("BatchGetDeploymentTargets", 1..) => Some(Fault::Refuse("InvalidDeploymentIdException")),
        _ => None,
    });
    let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
    let function = function(Stage::PreTraffic, &aws);
    let first = invoke(&function, LEFT).await;
    assert!(first.result.is_err(), "{:?}", first.result);
    assert!(aws.published()[0]["Subject"].starts_with("UNANSWERED"));
    // Lambda runs it again.
    healed.store(true, Ordering::Relaxed);
    let second = invoke(&function, LEFT).await.result.unwrap();
    assert_eq!(aws.answers(), ["Succeeded"]);
    assert_eq!(second["delivery"], "already-completed");
    let published = aws.published();
    assert_eq!(published.len(), 2, "the all-clear");
    assert_eq!(
        published[1]["Subject"],
        "Passed pre-traffic: shop 1.2.0 (d-ABCDEF123)"
    );
    assert!(
        published[1]["Message"].contains("UNANSWERED"),
        "{}",
        published[1]["Message"]
    );
    assert_eq!(second["report"], format!("s3:/{REPORT}.html"));
    // A duplicate changes nothing.
    let third = invoke(&function, LEFT).await.result.unwrap();
    assert_eq!(third["alreadyCompleted"], true);
    assert_eq!(aws.published().len(), 2);
    assert_eq!(third["report"], format!("s3:/{REPORT}-unheard.html"));
}

#[tokio::test(start_paused = true)]
async fn a_report_that_can_not_be_read_is_not_replaced_and_people_are_told() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let plan: Plan = Arc::new(|operation, _| {
        (operation == ANSWER).then_some(Fault::Refuse("LifecycleEventAlreadyCompletedException"))
    });
    let changes = Changes {
        event_status: Some("Failed"),
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, SUITE, changes, plan).await;
    // Another run has stored it, and nobody knows whether people were told.
    aws.put(&format!("{REPORT}.json"), "no report");
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    let value = seen.result.unwrap();
    assert_eq!(
        aws.object(&format!("{REPORT}.json")).as_deref(),
        Some("no report")
    );
    assert_eq!(value["report"], format!("s3:/{REPORT}-unheard.html"));
    assert_eq!(aws.published().len(), 1);
    assert!(aws.object(&format!("{REPORT}-published")).is_none());
}

/// A run that hears at once that the event is over; `told` when another run has told people.
async fn over(changes: Changes, told: bool) -> (FakeAws, serde_json::Value) {
    let service = Service::start(Behaviour::Well).await;
    let unread = changes.event_status.is_none();
    let plan: Plan = Arc::new(move |operation, n| match (operation, n) {
        (ANSWER, _) => Some(Fault::Refuse("LifecycleEventAlreadyCompletedException")),
        ("BatchGetDeploymentTargets", 1..) if unread => Some(Fault::Error),
        _ => None,
    });
    let aws = FakeAws::with(service.port, SUITE, changes, plan).await;
    if told {
        tell(&aws);
    }
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    (aws, seen.result.unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_over_is_reported_unless_somebody_has() {
    let _time = paced_time::start();
    let changes = |event_status, ended| Changes {
        event_status,
        ended,
        ..Changes::default()
    };
    for (changes, subject, answer) in [
        (
            changes(Some("Succeeded"), None),
            "Passed pre-traffic: shop 1.2.0",
            "Succeeded",
        ),
        (
            changes(Some("Failed"), None),
            "OVER pre-traffic: shop 1.2.0",
            "Failed",
        ),
        (
            changes(None, None),
            "UNCONFIRMED pre-traffic: shop 1.2.0",
            "Unconfirmed",
        ),
        // The deployment went on to its end before Lambda's second run.
        (
            changes(Some("Succeeded"), Some("Succeeded")),
            "OVER pre-traffic: shop",
            "Succeeded",
        ),
    ] {
        let (first, later) = tokio::join!(over(changes.clone(), false), over(changes, true));
        let (aws, value) = first;
        assert_eq!(value["delivery"], "already-completed", "{subject}");
        let published = aws.published();
        assert_eq!(published[0]["Subject"], format!("{subject} (d-ABCDEF123)"));
        let attributes: Vec<&String> = published[0].values().collect();
        assert!(attributes.contains(&&answer.to_owned()), "{attributes:?}");
        let (aws, value) = later;
        assert_eq!(value["alreadyCompleted"], true);
        assert!(aws.published().is_empty(), "{subject}: people were told");
        assert_eq!(aws.object(&format!("{REPORT}.json")).unwrap(), "{}");
    }
}

/// Runs of each contract: some hundred invocations.
const RUNS: u64 = 40;
const SEED: u64 = 7;
/// In which something must have passed, or the storms test nothing.
const MAX_STORMS: u64 = 4;

/// Plays storms until something passes in one. How busy the machine is decides which try meets which fault, so one
/// storm alone may let nothing pass.
async fn storm(contract: Contract) {
    let _time = paced_time::start();
    for seed in SEED..SEED + MAX_STORMS {
        if one_storm(contract, seed).await.passes > 0 {
            return;
        }
    }
    panic!("{contract:?}: nothing passed in {MAX_STORMS} storms");
}

async fn one_storm(contract: Contract, seed: u64) -> support::storm::Tally {
    let tally = support::storm::run(contract, RUNS, seed).await;
    assert!(tally.wrong.is_empty(), "{contract:?}: {tally:#?}");
    assert_eq!(tally.false_passes, 0, "{contract:?}: {tally:#?}");
    let runs = usize::try_from(RUNS).unwrap();
    assert!(
        tally.unheard * 20 <= runs && tally.answered + tally.unheard == runs,
        "{contract:?}: {tally:#?}"
    );
    assert!(tally.faults > runs, "{contract:?}: {tally:#?}");
    tally
}

#[tokio::test(start_paused = true)]
async fn random_faults_never_give_codedeploy_a_false_pass_nor_silence() {
    storm(Contract::CodeDeploy).await;
}

#[tokio::test(start_paused = true)]
async fn random_faults_never_give_codedeploy_a_false_pass_nor_silence_through_a_bake() {
    storm(Contract::CodeDeployBake).await;
}

#[tokio::test(start_paused = true)]
async fn random_faults_never_give_ecs_a_false_pass_nor_silence_through_a_canary() {
    storm(Contract::Ecs).await;
}

#[tokio::test(start_paused = true)]
async fn random_faults_never_give_codepipeline_a_false_pass_nor_silence_through_its_tokens() {
    storm(Contract::CodePipeline).await;
}

#[tokio::test(start_paused = true)]
async fn random_faults_never_give_a_pass_that_nobody_was_asked_about() {
    storm(Contract::Question).await;
}

#[tokio::test(start_paused = true)]
async fn no_hostile_answer_is_a_pass() {
    let _time = paced_time::start();
    let suite = SUITE.replace(
        "{ status: 201 }",
        "{ status: 201 }, { json: { path: $.ok, equals: true } }, { header: { name: x-1, exists: false } }",
    );
    for attack in HOSTILE_ANSWERS {
        let service = Service::start(Behaviour::Hostile(attack)).await;
        let aws = FakeAws::start(service.port, &suite).await;
        let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
        assert_eq!(aws.answers(), ["Failed"], "{attack:?}: {:?}", seen.result);
        assert!(seen.took < LEFT, "{attack:?} took {:?}", seen.took);
    }
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, &suite).await;
    invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"], "the good one passes");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_work_is_answered_failed() {
    use aws_smithy_http_client::test_util::infallible_client_fn;

    let _time = paced_time::start();
    let client = infallible_client_fn(|request| {
        let target = request.headers()["x-amz-target"].to_str().unwrap();
        assert!(!target.ends_with("GetDeployment"), "the SDK met its match");
        http::Response::builder().status(200).body("{}").unwrap()
    });
    let config = aws_types::SdkConfig::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(
            aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test"),
        ))
        .http_client(client)
        .build();
    let function = Arc::new(hook::GateFunction {
        stage: Stage::PreTraffic,
        settings: support::settings(&[]),
        aws: common::aws::Aws::from_config(config),
    });
    let seen = invoke(&function, Duration::from_secs(3)).await;
    let value = seen.result.unwrap();
    assert_eq!(value["answer"], "Failed");
    insta::assert_snapshot!(value["reasons"][0].as_str().unwrap(), @"the function panicked while it was looking up the deployment: the SDK met its match; this is a defect in it");
}
