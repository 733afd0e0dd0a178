//! A gate that asks: people are shown what was measured and what no answer means, and are told what became of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use approvals::GateQuestion;
use serde_json::{Value, json};
use support::Stage;
use test_support::approvals::gate_question;

const ROUTES: &str = r#"
  - name: services
    match: {cluster: shop, service: web}
    tell: [list]
    policy: {decide: false}
  - name: gates
    match: {gate: "post-*", application: shop}
    tell: [room, mail]
    policy: {approvers: ["slack:T0123ABCD/U0123ABCD", "email:lead@example.com"], starter_may_approve: true}
    reminders: [50%]
  - name: stopped
    match: {gate: "*", application: "shop*", passed: false}
    tell: [room, list]
"#;

/// Far ahead, as the function looks at the real clock.
fn question() -> GateQuestion {
    GateQuestion {
        expires: "2099-08-30T11:09:00Z".parse().unwrap(),
        ..gate_question()
    }
}

fn event(detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "event-1", "source": "deploy-hooks", "detail-type": detail_type,
        "account": "111122223333", "region": "eu-central-1", "time": "2026-05-04T10:00:00Z", "detail": detail,
    })
}

fn asks(question: &GateQuestion) -> Value {
    let mut detail = json!(question);
    detail["case"] = json!(question.id());
    event("Gate Question", &detail)
}

fn decided(question: &GateQuestion) -> Value {
    event(
        "Gate Decision",
        &json!({"case": question.id(), "people": "approved"}),
    )
}

fn answer(stage: &Stage, question: &GateQuestion, approved: bool) {
    let body = json!({"approved": approved, "summary": "Approved by A (slack:T/U)", "at": "2026-05-04T10:00:00Z"});
    let partition = format!("gate-answer#{}", question.id());
    stage.world(|world| {
        world
            .table
            .put_body("approvals", &partition, "answer", &body);
    });
}

fn text(stage: &Stage, channel: &str) -> String {
    let told = stage.told(channel);
    told.iter().map(|told| told.body.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_shown_what_was_measured_and_what_no_answer_means() {
    let stage = Stage::with_routes(ROUTES).await;
    stage.expect(asks(&question())).await;
    let slack = text(&stage, "slack");
    for part in [
        "shop: post-traffic waits for a decision",
        "The post-traffic gate of shop can't tell whether the release is good.",
        "No answer means that the release is stopped.",
        "AfterAllowTraffic",
        "d-ABCDEF123",
        "the supplier answers",
        "3 of 5 rounds passed",
        "https://eu-central-1.console.aws.amazon.com/s3/object/reports",
        "approve",
    ] {
        assert!(slack.contains(part), "{part} is missing in {slack}");
    }
    assert_eq!(stage.told("mail:lead@example.com").len(), 1);
    assert_eq!(stage.told("sns").len(), 0);
    assert_eq!(stage.world(|world| world.schedules.len()), 1, "a reminder");
    // The same event again.
    stage.expect(asks(&question())).await;
    assert_eq!(stage.told("slack").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_decided_is_told_once_the_gate_has_gone_by_it() {
    let stage = Stage::with_routes(ROUTES).await;
    stage.expect(asks(&question())).await;
    stage.expect(decided(&question())).await;
    assert_eq!(stage.told("slack").len(), 1, "an event alone says nothing");
    answer(&stage, &question(), true);
    stage.expect(decided(&question())).await;
    stage.expect(decided(&question())).await;
    let told = stage.told("slack");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].how, "chat.update");
    assert!(told[1].body.to_string().contains("was approved"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_has_ended_in_another_way_leaves_no_buttons_and_asks_nobody_any_more() {
    let ends = |stage: &Stage| {
        let body = json!({"reason": "the deployment d-1 is over already (Stopped)", "at": "2026-05-04T10:00:00Z"});
        let partition = format!("gate-ended#{}", question().id());
        stage.world(|world| world.table.put_body("approvals", &partition, "end", &body));
    };
    let stage = Stage::with_routes(ROUTES).await;
    stage.expect(asks(&question())).await;
    ends(&stage);
    stage.expect(decided(&question())).await;
    let told = stage.told("slack");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].how, "chat.update");
    let text = told[1].body.to_string();
    assert!(text.contains("no longer waits for an answer"), "{text}");
    assert!(text.contains("d-1 is over already"), "{text}");
    assert!(!text.contains("They said"), "{text}");
    assert!(!text.contains("approve"), "{text}");
    // The question itself arrives late.
    let stage = Stage::with_routes(ROUTES).await;
    ends(&stage);
    stage.expect(asks(&question())).await;
    assert_eq!(stage.told("slack").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_question_leads_nobody_out_of_the_console() {
    let stage = Stage::with_routes(ROUTES).await;
    let mut forged = question();
    forged.evidence.report_link = "https://console.example.com/report".into();
    stage.expect(asks(&forged)).await;
    let mail = text(&stage, "mail:lead@example.com");
    assert!(!mail.contains("console.example.com"), "{mail}");
    assert!(!text(&stage, "slack").contains("console.example.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_over_asks_nobody_and_another_content_is_another_case() {
    let stage = Stage::with_routes(ROUTES).await;
    let over = gate_question();
    stage.expect(asks(&over)).await;
    assert_eq!(stage.told("slack").len(), 0, "its time is over");
    stage.expect(asks(&question())).await;
    let mut forged = question();
    forged.evidence.reasons = vec!["all is well".into()];
    stage.expect(asks(&forged)).await;
    assert_ne!(
        forged.id(),
        question().id(),
        "no gate reads what is answered to it"
    );
    assert_eq!(stage.told("slack").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_without_a_route_is_told_all_the_same() {
    let stage = Stage::with_routes(ROUTES).await;
    let mut other = question();
    other.asking.gate = "pre-traffic".into();
    stage.expect(asks(&other)).await;
    let list = text(&stage, "sns");
    assert!(list.contains("no route is for it"), "{list}");
    assert!(list.contains("stops the release"), "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_of_a_service_takes_the_questions_of_its_gates() {
    let stage = Stage::with_routes(ROUTES).await;
    let mut of_service = question();
    of_service.asking.gate = "pre-traffic".into();
    of_service.asking.cluster = "shop".into();
    of_service.asking.service = "web".into();
    stage.expect(asks(&of_service)).await;
    let list = text(&stage, "sns");
    assert!(list.contains("The pre-traffic gate of web"), "{list}");
}

fn stopped(change: impl FnOnce(&mut Value)) -> Value {
    let mut detail = json!({
        "format": 1, "stage": "pre-traffic", "caller": "CodeDeploy", "answer": "Failed", "passed": false,
        "verdict": "failed", "dry_run": false, "suite": "shop", "application": "shop",
        "deployment_group": "production", "deployment_id": "d-ABCDEF123", "lifecycle_event": "AfterAllowTestTraffic",
        "version": "1.2.0", "reasons": ["check \"checkout\" failed: expected status 201, got 500"], "reasons_left_out": 0,
        "report": "s3://reports/shop/r.html",
        "report_link": "https://eu-central-1.console.aws.amazon.com/s3/object/reports?prefix=r.html",
    });
    change(&mut detail);
    event("Gate Decision", &detail)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_gate_has_stopped_is_told_with_its_reason_and_once() {
    let stage = Stage::with_routes(ROUTES).await;
    stage.expect(stopped(|_| {})).await;
    // Delivered again, and said again by a gate that was run again: another event.
    stage.expect(stopped(|_| {})).await;
    let mut again = stopped(|_| {});
    again["id"] = json!("event-2");
    stage.expect(again).await;
    assert_eq!(stage.told("slack").len(), 1);
    assert_eq!(stage.told("sns").len(), 1);
    assert_eq!(
        stage.told("mail:lead@example.com").len(),
        0,
        "another route"
    );
    let slack = text(&stage, "slack");
    for part in [
        "The pre-traffic gate stopped shop 1.2.0 (d-ABCDEF123)",
        "expected status 201, got 500",
        "AfterAllowTestTraffic",
        "https://eu-central-1.console.aws.amazon.com/s3/object/reports",
    ] {
        assert!(slack.contains(part), "{part} is missing in {slack}");
    }
    // The next step of the same deployment is another decision.
    stage
        .expect(stopped(|detail| {
            detail["lifecycle_event"] = json!("AfterAllowTraffic");
        }))
        .await;
    assert_eq!(stage.told("slack").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_told_only_where_a_route_takes_it_and_nothing_has_passed() {
    let stage = Stage::with_routes(ROUTES).await;
    stage
        .expect(stopped(|detail| detail["application"] = json!("billing")))
        .await;
    assert_eq!(stage.told("slack").len() + stage.told("sns").len(), 0);
    let unheard = stopped(|detail| detail["answer"] = json!("Undelivered"));
    stage.expect(unheard).await;
    let slack = text(&stage, "slack");
    assert!(slack.contains("would stop shop 1.2.0"), "{slack}");
    assert!(
        slack.contains("CodeDeploy has NOT heard this answer"),
        "{slack}"
    );
    let forged = stopped(|detail| {
        detail["deployment_id"] = json!("d-2");
        detail["report_link"] = json!("https://console.example.com/report");
    });
    stage.expect(forged).await;
    assert!(!text(&stage, "slack").contains("console.example.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_was_asked_hears_what_became_of_that_and_not_the_same_twice() {
    let stage = Stage::with_routes(ROUTES).await;
    stage.expect(asks(&question())).await;
    answer(&stage, &question(), false);
    let case = question().id();
    let rejected = stopped(|detail| {
        detail["case"] = json!(case);
        detail["people"] = json!("rejected");
    });
    stage.expect(rejected).await;
    let slack = stage.told("slack");
    assert_eq!(slack.len(), 2, "the question, and what became of it");
    assert_eq!(slack[1].how, "chat.update");
    assert_eq!(stage.told("sns").len(), 1, "a channel that was not asked");
}
