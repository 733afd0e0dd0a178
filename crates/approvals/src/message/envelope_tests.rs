//! Envelopes of any kind around a message: what counts in each, and what never does.

use serde_json::{Value, json};

use super::tests::{TOKEN, TOPIC, approval_of, asks, event, one, plain};
use super::*;

fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let keys = "(Records|Sns|Message|approval|token|detail|detailType|type|source|reminder|case|[a-z]{1,3})";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~\u{0}-\u{1f}é]{0,12}".prop_map(Value::from),
        Just(json!("aws.codepipeline")),
        Just(json!("CodePipeline Action Execution State Change")),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn no_event_makes_the_reader_panic(event in any_json()) {
        let _ = incoming(&event);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,300}") {
        let told = plain(&event(&text)).text;
        proptest::prop_assert!(told.len() <= TEXT_LIMIT);
    }

    #[test]
    fn a_broken_approval_never_shows_its_token(cut in 0_usize..700, put in "[ -~]{0,6}") {
        let whole = asks().to_string();
        let cut = whole.floor_char_boundary(cut.min(whole.len()));
        let (start, end) = whole.split_at(cut);
        // What stands inside the token itself is no longer the token.
        let told = format!("{:?}", incoming(&event(&format!("{start}{put}{end}"))));
        proptest::prop_assert!(!told.contains(TOKEN), "{}", told);
    }
}

/// By whichever way an approval comes, it is one.
#[test]
fn an_approval_in_any_envelope_is_an_approval() {
    let message = asks().to_string();
    let sns = json!({"Type": "Notification", "MessageId": "m-2", "TopicArn": TOPIC, "Message": message,
        "Timestamp": "2026-03-02T09:00:04.512Z"});
    let sqs = |body: &Value| {
        json!({"messageId": "q-1", "receiptHandle": "x", "body": body, "eventSource": "aws:sqs",
        "attributes": {"SentTimestamp": "1772442004512"}})
    };
    let text = |value: &Value| Value::from(value.to_string());
    let records = |record: &Value| json!({"Records": [record]});
    for event in [
        records(&sqs(&text(&sns))),
        records(&sqs(&json!(message))),
        records(&sqs(&sns)),
        json!([sqs(&text(&sns))]),
        sqs(&json!(message)),
        sns.clone(),
        asks(),
        json!({"body": message, "isBase64Encoded": false}),
        json!({"version": "0", "id": "e-1", "source": "custom", "detail-type": "x", "detail": asks()}),
        json!({"version": "1.0", "requestPayload": records(&json!({"Sns": sns}))}),
        records(&sqs(&text(
            &json!({"Type": "Notification", "TopicArn": TOPIC, "Message": sns.to_string()}),
        ))),
    ] {
        let Incoming::Approval(read) = one(&event) else {
            panic!("not an approval: {event}");
        };
        assert_eq!(read.token.reveal(), TOKEN, "{event}");
        let found = format!("{read:?}");
        assert!(!found.contains(TOKEN), "{found}");
    }
    let Incoming::Approval(read) = one(&records(&sqs(&text(&sns)))) else {
        panic!()
    };
    assert_eq!(read.origin.topic_arn.as_deref(), Some(TOPIC));
    assert_eq!(read.origin.message_id.as_deref(), Some("m-2"));
    assert_eq!(read.origin.sent, "2026-03-02T09:00:04.512Z".parse().ok());
    let Incoming::Approval(read) = one(&records(&sqs(&json!(message)))) else {
        panic!()
    };
    assert_eq!(read.origin.sent, "2026-03-02T09:00:04.512Z".parse().ok());
}

#[test]
fn what_is_unknown_in_an_envelope_is_text_without_tokens() {
    for body in [
        format!("approve {TOKEN}"),
        json!({"note": {"see": TOKEN}}).to_string(),
        json!({"Message": "x", "Type": "SubscriptionConfirmation", "Token": TOKEN}).to_string(),
        json!({"body": {"body": {"body": {"body": {"body": {"body": {"body": asks()}}}}}}})
            .to_string(),
    ] {
        let event =
            json!({"Records": [{"messageId": "q-1", "eventSource": "aws:sqs", "body": body}]});
        let told = plain(&event);
        assert!(!told.text.contains(TOKEN), "{}", told.text);
        assert!(told.text.contains("***"), "{}", told.text);
        assert_eq!(told.origin.message_id.as_deref(), Some("q-1"));
    }
}

#[test]
fn only_what_approvals_told_is_our_own() {
    let own = |event: &Value| one(event).origin().is_some_and(|origin| origin.own);
    let sns = |event: Value| {
        json!({"Records": [{"Sns": {"Message": "x", "MessageAttributes":
        {"event": {"Type": "String", "Value": event}}}}]})
    };
    let raw = |event: &str| {
        json!({"Records": [{"eventSource": "aws:sqs", "body": "x", "messageAttributes":
        {"event": {"stringValue": event, "dataType": "String"}}}]})
    };
    assert!(own(&sns(json!("approval.plain"))));
    assert!(own(&raw("approval.ask")));
    for other in [json!("environment.notice"), json!("approvals"), json!(7)] {
        assert!(!own(&sns(other)));
    }
    assert!(!own(&raw("environment.notice")));
}

#[test]
fn half_a_pair_of_surrogates_hides_no_approval() {
    let spoiled = asks()
        .to_string()
        .replace("new checkout", "new \\ud83d checkout");
    let Incoming::Approval(read) = one(&event(&spoiled)) else {
        panic!("not an approval");
    };
    assert!(read.comment.unwrap().contains("new \u{fffd} checkout"));
}

#[test]
fn the_links_and_comments_of_an_approval_carry_no_token() {
    let other = "11111111-2222-4333-8444-555555555555";
    for (token, split) in [
        (TOKEN, ""),
        (TOKEN, "\u{200b}"),
        (other, ""),
        (other, "\u{ad}"),
    ] {
        let hidden = token.replace('-', &format!("-{split}"));
        let mut message = asks();
        message["consoleLink"] = json!(format!(
            "https://console.aws.amazon.com/x#/approve/{hidden}"
        ));
        message["approval"]["externalEntityLink"] =
            json!(format!("https://x.example/approve/{hidden}"));
        message["approval"]["customData"] =
            json!(format!("see {hidden} or pass{split}word=hunter2"));
        let read = approval_of(&message);
        assert_eq!(read.console_link, None);
        assert_eq!(
            read.external_link.as_deref(),
            Some("https://x.example/approve/***")
        );
        assert_eq!(read.comment.as_deref(), Some("see *** or password=***"));
    }
    let mut named = asks();
    named["approval"]["pipelineName"] = json!(TOKEN);
    assert!(!plain(&event(&named.to_string())).text.contains(TOKEN));
}

#[test]
fn a_reminder_comes_from_no_topic() {
    let reminder = r#"{"reminder": {"case": "abcdefghijklmnopqrstuvwxyz", "number": 100}}"#;
    let is_reminder = |event: &Value| matches!(&incoming(event)[..], [Incoming::Reminder { .. }]);
    assert!(is_reminder(&serde_json::from_str(reminder).unwrap()));
    assert!(!is_reminder(&event(reminder)));
    let queued =
        json!({"Records": [{"eventSource": "aws:sqs", "body": event(reminder).to_string()}]});
    assert!(!is_reminder(&queued));
    let again = json!({"Records": [{"eventSource": "aws:sqs", "body": reminder}]});
    assert!(is_reminder(&again), "from the queue of what failed");
}
