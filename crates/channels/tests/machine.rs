//! The machine format is what its schema says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use approvals::{ActionState, ExecutionOutcome, ExecutionStatus, Status};
use channels::{ForwardedMessage, Message, NoticeReason, Payload, Subject, Surface, render};
use serde_json::{Value, json};
use support::{Topic, big_case, case, english, message};

fn schema() -> jsonschema::Validator {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/approvals-webhook.schema.json"
    );
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn event(message: &Message<'_>) -> Value {
    let Payload::Webhook(event) = render(message, Surface::Webhook, &english()) else {
        panic!()
    };
    event
}

#[test]
fn every_occasion_is_what_the_schema_says() {
    let schema = schema();
    let (case, big) = (case(), big_case());
    let action_state = ActionState {
        status: Status::Expired,
        by: None,
        summary: None,
        at: None,
    };
    let outcome = ExecutionOutcome {
        status: ExecutionStatus::InProgress,
        deployments: Vec::new(),
        failed_action: None,
        gaps: Vec::new(),
    };
    let plain = ForwardedMessage {
        title: "a".into(),
        text: "b\nc".into(),
        link: Some("ftp://x".into()),
    };
    for case in [&case, &big] {
        for subject in [
            NoticeReason::Ask.subject(case),
            NoticeReason::Reminder { number: 2 }.subject(case),
            NoticeReason::Escalation.subject(case),
            NoticeReason::Decided {
                action_state: &action_state,
                who: None,
                comment: Some("late"),
            }
            .subject(case),
            NoticeReason::Outcome(&outcome).subject(case),
            Subject::Forwarded(&plain),
            Subject::Test,
        ] {
            let message = message(case, subject);
            let event = event(&message);
            let problems: Vec<String> = schema
                .iter_errors(&event)
                .map(|error| error.to_string())
                .collect();
            assert!(problems.is_empty(), "{}: {problems:?}", message.name());
        }
    }
    assert!(!schema.is_valid(&json!({"type": "approval.asked", "timestamp": "", "data": {}})));
}

#[test]
fn texts_are_clean_and_links_are_https() {
    let mut case = case();
    case.comment = Some("turn\u{202e}ed \u{0}".into());
    case.external_link = Some("http://plain.example.com".into());
    case.briefing.revisions[0].url = Some("javascript:alert(1)".into());
    let event = event(&message(&case, NoticeReason::Ask));
    let data = &event["data"];
    assert_eq!(data["comment"], "turn\u{fffd}ed \u{fffd}");
    assert_eq!(data["external_link"], Value::Null);
    assert_eq!(data["briefing"]["revisions"][0]["url"], Value::Null);
    assert!(
        data["console_link"]
            .as_str()
            .unwrap()
            .starts_with("https://console.aws.amazon.com/")
    );
}
