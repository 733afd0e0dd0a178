//! The contracts of ECS and `CodePipeline`, and bakes that are longer than a function may run, over real HTTP.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use gate::Stage;
use serde_json::{Value, json};
use support::aws::{Changes, FAULTS, FakeAws, Fault, Plan, none};
use support::ecs::{EcsChanges, event};
use support::service::{Behaviour, Service};
use support::{SUITE, function, invoke_as, invoke_with, later};

const LEFT: Duration = Duration::from_secs(8);
const MAX_CONCURRENT: usize = 20;

/// A bake of three hours, a round a minute.
const BAKE: &str = "traffic: { bake: 3h, every: 1m }\n";

fn baked() -> String {
    format!("{SUITE}{BAKE}")
}

async fn ecs(stage: Stage, aws: &FakeAws, event: Value) -> String {
    let seen = invoke_with(&function(stage, aws), LEFT, event).await;
    assert!(seen.took < LEFT, "{:?}", seen.took);
    seen.result.unwrap()["hookStatus"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn with(mood: Behaviour, suite: &str, changes: EcsChanges) -> (Service, FakeAws) {
    let service = Service::start(mood).await;
    let changes = Changes {
        ecs: changes,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, suite, changes, none()).await;
    (service, aws)
}

fn report(aws: &FakeAws, name: &str) -> Value {
    let stored = aws.object_below(&format!("/reports/reports/web/d-1/{name}-"), ".json");
    serde_json::from_str(&stored).unwrap()
}

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

/// The strip of the only check.
fn strip(report: &Value) -> String {
    report["checks"][0]["strip"].as_str().unwrap().to_owned()
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

fn job(id: &str, parameters: &Value, token: Option<&str>) -> Value {
    json!({ "CodePipeline.job": { "id": id, "accountId": "111122223333", "data": {
        "actionConfiguration": { "configuration": {
            "FunctionName": "f", "UserParameters": parameters.to_string() } },
        "artifactCredentials": { "secretAccessKey": "hunter2" },
        "continuationToken": token,
    }}})
}

/// Whether what the last line of a summary leads to is stored; none where it is no link into the console.
fn linked(aws: &FakeAws, summary: &str) -> Option<bool> {
    let link = url::Url::parse(summary.lines().last()?).ok()?;
    let bucket = link.path().strip_prefix("/s3/object/")?.to_owned();
    let (_, key) = link.query_pairs().find(|(name, _)| name == "prefix")?;
    Some(aws.object(&format!("/{bucket}/{key}")).is_some())
}

fn parameters(service: &Service) -> Value {
    json!({ "suite": "s3://suites/shop/production.yaml", "target": {
        "url": format!("http://127.0.0.1:{}", service.port), "application": "shop", "version": "1.2.0" } })
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_hears_the_verdict_with_its_variables() {
    let _time = paced_time::start();
    let (service, aws) = with(Behaviour::Well, SUITE, EcsChanges::default()).await;
    let gate = function(Stage::PreTraffic, &aws);
    let asked = parameters(&service);
    invoke_with(&gate, LEFT, job("j-1", &asked, None))
        .await
        .result
        .unwrap();
    let answer = &aws.jobs()[0];
    assert_eq!(answer["outputVariables"]["verdict"], "passed");
    let link = answer["outputVariables"]["report_url"].as_str().unwrap();
    assert!(
        link.contains("reports%2Fshop%2Fj-1%2Fpre-traffic-"),
        "{link}"
    );

    let (service, aws) = with(Behaviour::Broken, SUITE, EcsChanges::default()).await;
    let gate = function(Stage::PreTraffic, &aws);
    let mut asked = parameters(&service);
    invoke_with(&gate, LEFT, job("j-2", &asked, None))
        .await
        .result
        .unwrap();
    let details = &aws.jobs()[0]["failureDetails"];
    assert_eq!(details["type"], "JobFailed");
    assert!(
        details["message"]
            .as_str()
            .unwrap()
            .contains("expected status 201")
    );
    asked["on_failed"] = json!("continue");
    invoke_with(&gate, LEFT, job("j-3", &asked, None))
        .await
        .result
        .unwrap();
    assert_eq!(aws.jobs()[1]["outputVariables"]["verdict"], "failed");
    invoke_with(&gate, LEFT, job("j-4", &json!("x"), None))
        .await
        .result
        .unwrap();
    let message = aws.jobs()[2]["failureDetails"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("UserParameters"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_calls_again_through_a_bake_of_three_hours() {
    let _time = paced_time::start();
    let (service, aws) = with(Behaviour::Well, &baked(), EcsChanges::default()).await;
    let gate = function(Stage::PostTraffic, &aws);
    let asked = parameters(&service);
    let (mut token, mut calls) = (None::<String>, 0);
    loop {
        calls += 1;
        assert!(calls < 400, "it never ends");
        let id = format!("j-{calls}");
        invoke_with(&gate, LEFT, job(&id, &asked, token.as_deref()))
            .await
            .result
            .unwrap();
        let answer = aws.jobs().last().unwrap().clone();
        if let Some(next) = answer["continuationToken"].as_str() {
            assert!(next.len() <= 2_048);
            assert_eq!(answer["outputVariables"], Value::Null, "not beside a token");
            let details = &answer["executionDetails"];
            assert_eq!(
                details["externalExecutionId"], "j-1",
                "the run, not the job"
            );
            assert!(details["percentComplete"].as_u64().unwrap() < 100);
            let summary = details["summary"].as_str().unwrap();
            assert!(summary.starts_with("the bake goes on after"), "{summary}");
            assert_eq!(linked(&aws, summary), Some(true), "{summary}");
            token = Some(later(next, Duration::from_mins(1)));
        } else {
            assert_eq!(answer["outputVariables"]["verdict"], "passed");
            let summary = answer["executionDetails"]["summary"].as_str().unwrap();
            break assert_eq!(linked(&aws, summary), Some(true), "{summary}");
        }
    }
    let stored = aws.object_below("/reports/reports/shop/j-1/post-traffic-", ".json");
    let report: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(strip(&report), "P".repeat(181));
}

#[tokio::test(start_paused = true)]
async fn each_answer_to_a_pipeline_that_fails_is_tried_again_or_reported() {
    let _time = paced_time::start();
    let cases = ["PutJobSuccessResult", "GetObject", "PutObject", "Publish"]
        .into_iter()
        .flat_map(|call| FAULTS.map(|fault| (call, fault)));
    let runs = cases.map(|(call, fault)| async move {
        let service = Service::start(Behaviour::Well).await;
        let plan: Plan = Arc::new(move |operation, _| (operation == call).then_some(fault));
        let aws = FakeAws::with(service.port, SUITE, Changes::default(), plan).await;
        let asked = parameters(&service);
        let seen = invoke_with(
            &function(Stage::PreTraffic, &aws),
            LEFT,
            job("j", &asked, None),
        )
        .await;
        assert!(seen.took < LEFT);
        let jobs = aws.jobs();
        match (call, fault) {
            ("PutJobSuccessResult", Fault::Lost) => assert_eq!(jobs.len(), 1),
            (_, Fault::Slow) => {
                assert_eq!(jobs[0]["outputVariables"]["verdict"], "passed", "{call}");
            }
            // An error would be recorded with the event, which has credentials: people hear it from the gate.
            ("PutJobSuccessResult", _) => {
                assert_eq!(seen.result.unwrap()["delivery"], "undelivered", "{fault:?}");
                assert!(
                    aws.published()[0]["Subject"].starts_with("UNANSWERED"),
                    "{fault:?}"
                );
            }
            ("GetObject", _) => assert!(jobs[0].get("failureDetails").is_some(), "{fault:?}"),
            _ => assert_eq!(
                jobs[0]["outputVariables"]["verdict"], "passed",
                "{call} {fault:?}"
            ),
        }
    });
    let done: Vec<()> = stream::iter(runs)
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    assert_eq!(done.len(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_bake_for_codedeploy_is_handed_on_within_its_hour_and_never_twice() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 45m, every: 5m }}\n");
    let aws = FakeAws::with(service.port, &suite, Changes::default(), none()).await;
    let gate = function(Stage::PostTraffic, &aws);
    let mut payload = support::event();
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
async fn a_bake_that_cannot_be_handed_on_or_never_ends_is_answered() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}traffic: {{ bake: 45m, every: 5m }}\n");
    let refuse: Plan = Arc::new(|operation, _| {
        (operation == "Invoke").then_some(Fault::Refuse("AccessDeniedException"))
    });
    let aws = FakeAws::with(service.port, &suite, Changes::default(), refuse).await;
    let gate = function(Stage::PostTraffic, &aws);
    invoke_with(&gate, LEFT, support::event())
        .await
        .result
        .unwrap();
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(aws.published()[0]["Message"].contains("lambda:InvokeFunction"));

    let aws = FakeAws::with(service.port, &suite, Changes::default(), none()).await;
    let gate = function(Stage::PostTraffic, &aws);
    let mut payload = support::event();
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
