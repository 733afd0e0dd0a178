//! `inconclusive: ask`: people are asked, the caller waits as its contract allows, and their answer counts for what they
//! were shown.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::time::Duration;

use gate::Stage;
use gate_question::GateQuestion;
use hook::GateFunction;
use serde_json::{Value, json};
use support::aws::{Changes, FAULTS, FakeAws, Fault, Plan, none};
use support::ecs::{EcsChanges, event};
use support::service::{Behaviour, Service};
use support::{SUITE, clients, invoke_as, invoke_with, settings};

const LEFT: Duration = Duration::from_secs(20);

/// One check passes, and one can't be measured.
fn suite() -> String {
    let unknown = "  - name: the supplier answers\n    http: { url: \"http://supplier.invalid/\", reaches_release: true }\n";
    format!("inconclusive: ask\n{SUITE}{unknown}")
}

fn gate(stage: Stage, aws: &FakeAws, changes: &[(&str, &str)]) -> Arc<GateFunction> {
    let name = match stage {
        Stage::PreTraffic => "CodeDeployHook_pre-traffic",
        Stage::PostTraffic => "CodeDeployHook_post-traffic",
    };
    let mut all = vec![("AWS_LAMBDA_FUNCTION_NAME", name), ("STATE_TABLE", "state")];
    all.extend(changes);
    Arc::new(GateFunction {
        stage,
        settings: settings(&all),
        aws: clients(aws),
    })
}

async fn start(plan: Plan) -> (Service, FakeAws) {
    let service = Service::start(Behaviour::Well).await;
    let changes = Changes {
        ecs: EcsChanges::default(),
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, &suite(), changes, plan).await;
    (service, aws)
}

async fn call(gate: &Arc<GateFunction>, event: Value) -> Value {
    invoke_with(gate, LEFT, event).await.result.unwrap()
}

/// The events of this type.
fn events(aws: &FakeAws, detail_type: &str) -> Vec<Value> {
    let all = aws.events();
    all.iter()
        .filter(|entry| entry["DetailType"] == detail_type)
        .map(|entry| serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap())
        .collect()
}

fn answer(aws: &FakeAws, case: &str, approved: bool) {
    let summary = "Approved by A (slack:T/U): the supplier is down, we know";
    let body = json!({"approved": approved, "summary": summary, "at": "2026-05-04T10:00:00Z"});
    aws.put_item(&format!("gate-answer#{case}"), "answer", &body);
}

/// The next call of ECS, with what the last answer handed on.
fn called_back(event: &Value, answer: &Value) -> Value {
    let mut next = event.clone();
    next["hookDetails"] = answer["hookDetails"].clone();
    next
}

/// What was handed on, as if the time to answer were over.
fn over(mut answer: Value) -> Value {
    let run = answer["hookDetails"]["deployHooksRun"].as_str().unwrap();
    let mut parts: Vec<&str> = run.split('.').collect();
    parts[3] = "1700000000";
    answer["hookDetails"]["deployHooksRun"] = json!(parts.join("."));
    answer
}

#[tokio::test(start_paused = true)]
async fn ecs_waits_while_people_are_asked_and_hears_their_yes() {
    let _time = paced_time::start();
    let (service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let first = call(&gate, hook.clone()).await;
    assert_eq!(first["hookStatus"], "IN_PROGRESS");
    let questions = events(&aws, "Gate Question");
    assert_eq!(questions.len(), 1);
    let question: GateQuestion = serde_json::from_value(questions[0].clone()).unwrap();
    let case = questions[0]["case"].as_str().unwrap();
    assert_eq!(question.id().as_str(), case, "made from all that is shown");
    assert_eq!(question.asking.service, "web");
    assert_eq!(question.asking.gate, "pre-traffic");
    assert_eq!(question.evidence.checks[0].name, "the supplier answers");
    assert_eq!(question.evidence.checks[0].measurement, "errored");
    assert!(question.evidence.reasons[0].contains("supplier"));
    let shown = question.evidence.report.replace("s3:/", "");
    assert!(aws.object(&shown).unwrap().contains("a reader buys a book"));
    assert!(aws.published().is_empty(), "nothing is decided yet");
    assert!(events(&aws, "Gate Decision").is_empty());

    let measured = service.served();
    let second = call(&gate, called_back(&hook, &first)).await;
    assert_eq!(second["hookStatus"], "IN_PROGRESS", "nobody has answered");
    answer(&aws, case, true);
    let third = call(&gate, called_back(&hook, &second)).await;
    assert_eq!(third["hookStatus"], "SUCCEEDED");
    assert_eq!(service.served(), measured, "nothing is measured again");
    assert_eq!(
        events(&aws, "Gate Question").len(),
        1,
        "people are asked once"
    );
    assert_eq!(
        aws.published()[0]["Subject"],
        "Passed pre-traffic (inconclusive, let pass by people): web 1.2.0 (d-1)"
    );
    assert!(aws.published()[0]["Message"].contains("slack:T/U"));
    let decision = &events(&aws, "Gate Decision")[0];
    assert_eq!(
        decision["verdict"], "inconclusive",
        "the evidence is what it was"
    );
    assert_eq!(decision["passed"], true);
    assert_eq!(decision["people"], "approved");
    assert_eq!(decision["case"], case);
    let report = aws.object_below("/reports/reports/web/d-1/pre-traffic-", ".json");
    assert!(report.contains("people let the release go on"), "{report}");
    assert!(report.contains("the supplier answers"));
}

#[tokio::test(start_paused = true)]
async fn a_no_stops_the_release_and_so_does_no_answer() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let first = call(&gate, hook.clone()).await;
    let late = call(&gate, called_back(&hook, &over(first.clone()))).await;
    assert_eq!(late["hookStatus"], "FAILED");
    assert!(aws.published()[0]["Message"].contains("nobody answered by"));
    assert_eq!(events(&aws, "Gate Decision")[0]["people"], "unanswered");
    let case = events(&aws, "Gate Question")[0]["case"].clone();
    answer(&aws, case.as_str().unwrap(), false);
    let no = call(&gate, called_back(&hook, &first)).await;
    assert_eq!(no["hookStatus"], "FAILED");
    assert_eq!(events(&aws, "Gate Decision")[1]["people"], "rejected");
}

#[tokio::test(start_paused = true)]
async fn while_people_decide_an_outage_of_the_deployments_description_ends_nothing() {
    let _time = paced_time::start();
    // Where a rollback calls as well, the look-up is otherwise tried until the time is over.
    let hook = event("PRODUCTION_TRAFFIC_SHIFT", Some(100));
    for fault in FAULTS {
        let plan: Plan = Arc::new(move |operation, count| {
            (operation == "DescribeServiceDeployments" && count > 0).then_some(fault)
        });
        let (_service, aws) = start(plan).await;
        let gate = gate(Stage::PostTraffic, &aws, &[]);
        let first = call(&gate, hook.clone()).await;
        assert_eq!(first["hookStatus"], "IN_PROGRESS", "{fault:?}");
        let second = call(&gate, called_back(&hook, &first)).await;
        assert_eq!(second["hookStatus"], "IN_PROGRESS", "{fault:?}");
        let questions = events(&aws, "Gate Question");
        answer(&aws, questions[0]["case"].as_str().unwrap(), true);
        let third = call(&gate, called_back(&hook, &second)).await;
        assert_eq!(third["hookStatus"], "SUCCEEDED", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_people_decide_an_outage_of_codedeploy_ends_nothing() {
    let _time = paced_time::start();
    let left = Duration::from_secs(45);
    for fault in FAULTS {
        let plan: Plan = Arc::new(move |operation, count| {
            (operation == "GetDeployment" && count > 0).then_some(fault)
        });
        let (_service, aws) = start(plan).await;
        let gate = gate(Stage::PreTraffic, &aws, &[]);
        invoke_with(&gate, left, support::event()).await;
        let next: Value = serde_json::from_str(&aws.invoked()[0]).unwrap();
        let questions = events(&aws, "Gate Question");
        answer(&aws, questions[0]["case"].as_str().unwrap(), true);
        invoke_with(&gate, left, next).await;
        assert_eq!(aws.answers(), ["Succeeded"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_anything_but_what_was_shown_does_not_count() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let first = call(&gate, hook.clone()).await;
    let case = events(&aws, "Gate Question")[0]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    answer(&aws, &case, true);
    // Another step of the canary has measured nothing of this.
    let other = event("PRE_PRODUCTION_TRAFFIC_SHIFT", Some(0));
    let other = call(&gate, called_back(&other, &first)).await;
    assert_eq!(other["hookStatus"], "IN_PROGRESS");
    assert_eq!(
        events(&aws, "Gate Question").len(),
        2,
        "it is a question of its own"
    );
    // What was measured is no longer what was shown.
    let stored = format!("/reports/reports/questions/{case}-so-far.json");
    let text = aws
        .object(&stored)
        .unwrap()
        .replace("supplier.invalid", "supplier.example");
    aws.put(&stored, &text);
    let again = call(&gate, called_back(&hook, &first)).await;
    assert_eq!(
        again["hookStatus"], "IN_PROGRESS",
        "it may be read whole yet"
    );
    let ended = call(&gate, called_back(&hook, &over(first))).await;
    assert_eq!(ended["hookStatus"], "FAILED");
    assert!(aws.published()[0]["Message"].contains("not what people were shown"));
}

#[tokio::test(start_paused = true)]
async fn whoever_can_ask_nobody_says_so_and_stops_the_release() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let alone = gate(Stage::PreTraffic, &aws, &[("STATE_TABLE", "")]);
    assert_eq!(call(&alone, hook.clone()).await["hookStatus"], "FAILED");
    let message = &aws.published()[0]["Message"];
    assert!(
        message.contains("ApprovalsConfig and GateEventBus"),
        "{message}"
    );
    assert!(events(&aws, "Gate Question").is_empty());
    // The bus does not take the question, or what was measured can't be kept.
    for call_name in ["PutEvents", "PutObject"] {
        let refuse: Plan = Arc::new(move |operation, _| {
            (operation == call_name).then_some(Fault::Refuse("AccessDeniedException"))
        });
        let (_service, aws) = start(refuse).await;
        let gate = gate(Stage::PreTraffic, &aws, &[]);
        assert_eq!(
            call(&gate, hook.clone()).await["hookStatus"],
            "FAILED",
            "{call_name}"
        );
        let message = &aws.published()[0]["Message"];
        assert!(
            message.contains("AccessDenied") || message.contains("permission"),
            "{message}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_release_asks_nobody_and_says_beforehand_that_nobody_could_be() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("inconclusive: ask\n{SUITE}");
    let aws = FakeAws::start(service.port, &suite).await;
    let alone = gate(Stage::PreTraffic, &aws, &[("STATE_TABLE", "")]);
    call(&alone, support::event()).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
    let report = aws.object_below("/reports/reports/shop/d-ABCDEF123/pre-traffic-", ".json");
    assert!(
        report.contains("ApprovalsConfig and GateEventBus"),
        "{report}"
    );
    assert!(events(&aws, "Gate Question").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_is_called_again_until_people_have_answered() {
    let _time = paced_time::start();
    let (service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let url = format!("http://127.0.0.1:{}", service.port);
    let target = json!({"url": url, "application": "shop", "deployment_group": "production"});
    let parameters = json!({"target": target}).to_string();
    let job = |id: &str, token: Option<&str>| {
        let mut data =
            json!({"actionConfiguration": {"configuration": {"UserParameters": parameters}}});
        if let Some(token) = token {
            data["continuationToken"] = json!(token);
        }
        json!({"CodePipeline.job": {"id": id, "data": data}})
    };
    call(&gate, job("j-1", None)).await;
    let token = aws.jobs()[0]["continuationToken"]
        .as_str()
        .unwrap()
        .to_owned();
    call(&gate, job("j-2", Some(&token))).await;
    let asked = aws.jobs()[1]["executionDetails"].clone();
    assert_eq!(asked["externalExecutionId"], "j-1");
    let summary = asked["summary"].as_str().unwrap();
    assert!(summary.contains("people are asked until"), "{summary}");
    assert!(summary.ends_with("-asked.html"), "{summary}");
    let token = aws.jobs()[1]["continuationToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let case = events(&aws, "Gate Question")[0]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    answer(&aws, &case, true);
    call(&gate, job("j-3", Some(&token))).await;
    let variables = &aws.jobs()[2]["outputVariables"];
    assert_eq!(variables["passed"], "true");
    assert_eq!(variables["verdict"], "inconclusive");
    assert!(variables["reason"].as_str().unwrap().contains("slack:T/U"));
}

#[tokio::test(start_paused = true)]
async fn for_codedeploy_the_function_stays_and_then_hands_itself_on() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    // Twelve more runs of half a minute: enough to ask, and not for long.
    let left = Duration::from_secs(45);
    let seen = invoke_with(&gate, left, support::event()).await;
    assert_eq!(seen.result.unwrap()["part"], 1);
    assert!(
        seen.took > Duration::from_secs(10),
        "it looks for an answer"
    );
    assert!(aws.answers().is_empty());
    let next: Value = serde_json::from_str(&aws.invoked()[0]).unwrap();
    let case = events(&aws, "Gate Question")[0]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    answer(&aws, &case, true);
    let seen = invoke_with(&gate, left, next).await;
    assert!(seen.took < Duration::from_secs(5));
    assert_eq!(aws.answers(), ["Succeeded"]);
    let report = "/reports/reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic.json";
    assert!(aws.object(report).unwrap().contains("slack:T/U"));
}

#[tokio::test(start_paused = true)]
async fn people_are_told_of_no_more_time_than_codedeploy_waits_after_a_run_that_died() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let changes = Changes {
        events_began: Some(57 * 60),
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, &suite(), changes, none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    invoke_with(&gate, Duration::from_secs(45), support::event()).await;
    assert_eq!(aws.answers(), ["Failed"]);
    let message = &aws.published()[0]["Message"];
    assert!(message.contains("no time to ask people"), "{message}");
    assert!(events(&aws, "Gate Question").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_for_the_run_that_asked_and_for_no_other() {
    let _time = paced_time::start();
    let (service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let left = Duration::from_secs(45);
    let mut other = support::event();
    other["LifecycleEventHookExecutionId"] = json!("another-event");
    invoke_with(&gate, left, other).await;
    let case = events(&aws, "Gate Question")[0]["case"].clone();
    answer(&aws, case.as_str().unwrap(), true);
    let measured = service.served();
    // Whoever may invoke the function takes what was handed on to another lifecycle event, once its time is over.
    let mut forged: Value = serde_json::from_str(&aws.invoked()[0]).unwrap();
    let real = support::event();
    forged["LifecycleEventHookExecutionId"] = real["LifecycleEventHookExecutionId"].clone();
    let run = forged["deployHooksRun"].as_str().unwrap();
    let mut parts: Vec<&str> = run.split('.').collect();
    parts[3] = "1700000000";
    forged["deployHooksRun"] = json!(parts.join("."));
    invoke_with(&gate, left, forged).await;
    assert_eq!(aws.answers(), ["Failed"]);
    let message = &aws.published()[0]["Message"];
    assert!(message.contains("another run of a gate"), "{message}");
    assert_eq!(service.served(), measured);
}

#[tokio::test(start_paused = true)]
async fn a_gate_whose_settings_became_wrong_meanwhile_ends_the_wait() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let first = call(&gate(Stage::PreTraffic, &aws, &[]), hook.clone()).await;
    assert_eq!(first["hookStatus"], "IN_PROGRESS");
    let case = events(&aws, "Gate Question")[0]["case"].clone();
    answer(&aws, case.as_str().unwrap(), true);
    let wrong = gate(Stage::PreTraffic, &aws, &[("SUITE", "")]);
    let ended = call(&wrong, called_back(&hook, &first)).await;
    assert_eq!(ended["hookStatus"], "FAILED");
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_the_caller_is_answered_and_nothing_passes_without_a_yes() {
    let _time = paced_time::start();
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let left = Duration::from_secs(8);
    for operation in [
        "PutEvents",
        "PutObject",
        "GetItem",
        "GetObject",
        "DescribeServiceDeployments",
    ] {
        for fault in FAULTS {
            let plan: Plan = Arc::new(move |called, _| (called == operation).then_some(fault));
            let (_service, aws) = start(plan).await;
            let gate = gate(Stage::PreTraffic, &aws, &[]);
            let mut heard = invoke_with(&gate, left, hook.clone()).await.result.unwrap();
            if heard["hookStatus"] == "IN_PROGRESS" {
                let late = called_back(&hook, &over(heard));
                heard = invoke_with(&gate, left, late).await.result.unwrap();
            }
            assert_eq!(heard["hookStatus"], "FAILED", "{operation} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_call_that_comes_twice_asks_people_once() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let left = Duration::from_secs(45);
    for request in ["request-1", "request-2"] {
        invoke_as(request, &gate, left, support::event()).await;
    }
    let questions = events(&aws, "Gate Question");
    assert_eq!(questions.len(), 1, "{questions:?}");
    answer(&aws, questions[0]["case"].as_str().unwrap(), true);
    // Both chains wait for it.
    let handed_on = aws.invoked();
    assert_eq!(handed_on.len(), 2);
    let second: Value = serde_json::from_str(&handed_on[1]).unwrap();
    invoke_as("request-3", &gate, left, second).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_delivered_twice_asks_people_once() {
    let _time = paced_time::start();
    let (service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let url = format!("http://127.0.0.1:{}", service.port);
    let target = json!({"url": url, "application": "shop", "deployment_group": "production"});
    let parameters = json!({"target": target}).to_string();
    let data = json!({"actionConfiguration": {"configuration": {"UserParameters": parameters}}});
    let job = json!({"CodePipeline.job": {"id": "j-1", "data": data}});
    for _ in 0..2 {
        call(&gate, job.clone()).await;
    }
    assert_eq!(events(&aws, "Gate Question").len(), 1);
    assert_eq!(aws.jobs().len(), 1, "the first answer counts");
}

/// What the gate has written of its end.
fn ends(aws: &FakeAws) -> Vec<Value> {
    aws.items("gate-ended#")
}

/// A question that was asked, and closed by the gate that asked it; with the reason.
fn closed(aws: &FakeAws) -> String {
    let case = events(aws, "Gate Question")[0]["case"].clone();
    let case = case.as_str().unwrap();
    let ends = aws.items(&format!("gate-ended#{case}"));
    assert_eq!(ends.len(), 1, "{:?}", aws.calls());
    let decisions = events(aws, "Gate Decision");
    let decision = decisions.last().unwrap();
    assert_eq!(decision["case"], case);
    assert_eq!(decision["people"], "unanswered");
    ends[0]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_ends_while_people_decide_closes_the_question() {
    let _time = paced_time::start();
    for (status, answer) in [("STOPPED", "FAILED"), ("ROLLBACK_IN_PROGRESS", "SUCCEEDED")] {
        let (_service, aws) = start(none()).await;
        let hook = event("PRODUCTION_TRAFFIC_SHIFT", Some(100));
        let first = call(&gate(Stage::PostTraffic, &aws, &[]), hook.clone()).await;
        assert_eq!(first["hookStatus"], "IN_PROGRESS");
        assert_eq!(ends(&aws).len(), 0);
        aws.change_ecs(EcsChanges {
            status: Some(status),
            ..EcsChanges::default()
        });
        let gate = gate(Stage::PostTraffic, &aws, &[]);
        let ended = call(&gate, called_back(&hook, &first)).await;
        assert_eq!(ended["hookStatus"], answer, "{status}");
        let reason = closed(&aws);
        assert!(
            reason.contains("is over already (STOPPED)") || reason.contains("rolling back"),
            "{reason}"
        );
        // Another invocation that still waits for it ends as well.
        aws.change_ecs(EcsChanges::default());
        let other = call(&gate, called_back(&hook, &first)).await;
        assert_eq!(other["hookStatus"], "FAILED");
        let message = &aws.published().last().unwrap()["Message"].clone();
        assert!(
            message.contains("another invocation has ended the wait"),
            "{message}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_may_be_out_is_closed_where_its_gate_ends() {
    let _time = paced_time::start();
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    // The bus has taken it, and the answer is lost, or comes too late: all tries.
    for fault in [Fault::Lost, Fault::Hang] {
        let lost = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let is_lost = lost.clone();
        let plan: Plan = Arc::new(move |operation, _| {
            (operation == "PutEvents" && is_lost.load(std::sync::atomic::Ordering::Relaxed))
                .then_some(fault)
        });
        let (_service, aws) = start(plan).await;
        let gate = gate(Stage::PreTraffic, &aws, &[]);
        let ended = invoke_with(&gate, LEFT, hook.clone()).await.result.unwrap();
        assert_eq!(ended["hookStatus"], "FAILED", "{fault:?}");
        assert_eq!(ends(&aws).len(), 1, "{fault:?}: {:?}", aws.calls());
        lost.store(false, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_can_not_be_handed_on_closes_the_question() {
    let _time = paced_time::start();
    let plan: Plan = Arc::new(|operation, _| {
        (operation == "Invoke").then_some(Fault::Refuse("AccessDeniedException"))
    });
    let (_service, aws) = start(plan).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    invoke_with(&gate, Duration::from_secs(45), support::event()).await;
    assert_eq!(aws.answers(), ["Failed"]);
    assert!(closed(&aws).contains("could not be handed to another invocation"));
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_or_has_expired_is_not_closed_beside_that() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let gate = gate(Stage::PreTraffic, &aws, &[]);
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let first = call(&gate, hook.clone()).await;
    call(&gate, called_back(&hook, &over(first.clone()))).await;
    let case = events(&aws, "Gate Question")[0]["case"].clone();
    answer(&aws, case.as_str().unwrap(), true);
    let yes = call(&gate, called_back(&hook, &first)).await;
    assert_eq!(yes["hookStatus"], "SUCCEEDED");
    assert_eq!(ends(&aws), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn nobody_closes_the_question_of_another_run() {
    let _time = paced_time::start();
    let (_service, aws) = start(none()).await;
    let hook = event("POST_TEST_TRAFFIC_SHIFT", None);
    let first = call(&gate(Stage::PreTraffic, &aws, &[]), hook.clone()).await;
    // Whoever may invoke the function hands it on to a deployment that is over.
    aws.change_ecs(EcsChanges {
        status: Some("STOPPED"),
        ..EcsChanges::default()
    });
    let mut forged = called_back(&hook, &first);
    let arn = hook["resourceArn"].as_str().unwrap();
    forged["resourceArn"] = json!(arn.replace("d-1", "d-2"));
    let ended = call(&gate(Stage::PreTraffic, &aws, &[]), forged).await;
    assert_eq!(ended["hookStatus"], "FAILED");
    assert_eq!(ends(&aws), Vec::<Value>::new());
}
