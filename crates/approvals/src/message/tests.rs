//! Bad input of every kind: nothing panics, nothing is dropped, no token gets out.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::sample_tests::sample;
use super::*;

pub(super) const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";
pub(super) const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:release-approvals";

/// An SNS event with this text as its message.
pub(super) fn event(message: &str) -> Value {
    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": {
        "MessageId": "m-1", "TopicArn": TOPIC, "Subject": null, "Message": message } }] })
}

pub(super) fn one(event: &Value) -> Incoming {
    let mut found = incoming(event);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub(super) fn plain(event: &Value) -> PlainMessage {
    match one(event) {
        Incoming::Other(message) => message,
        other => panic!("understood as {other:?}"),
    }
}

pub(super) fn approval_of(message: &Value) -> ApprovalMessage {
    match one(&event(&message.to_string())) {
        Incoming::Approval(message) => message,
        other => panic!("not an approval: {other:?}"),
    }
}

/// The message of the sample.
pub(super) fn asks() -> Value {
    let event = sample("approval-asks.json");
    let text = event["Records"][0]["Sns"]["Message"].as_str().unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn optional_fields_may_be_missing_null_or_ill_typed() {
    for wrong in [
        None,
        Some(Value::Null),
        Some(json!(7)),
        Some(json!({"a": [1]})),
        Some(json!(" ")),
    ] {
        let mut message = asks();
        for key in [
            "expires",
            "externalEntityLink",
            "customData",
            "approvalReviewLink",
        ] {
            let approval = message["approval"].as_object_mut().unwrap();
            approval.remove(key);
            if let Some(wrong) = &wrong {
                approval.insert(key.to_owned(), wrong.clone());
            }
        }
        message["consoleLink"] = wrong.clone().unwrap_or_default();
        message["region"] = wrong.clone().unwrap_or_default();
        let read = approval_of(&message);
        assert_eq!(
            (
                read.expires,
                read.console_link,
                read.external_link,
                read.comment
            ),
            (None, None, None, None),
            "{wrong:?}"
        );
        assert_eq!(read.token.reveal(), TOKEN);
        // The topic's, as the message says none.
        assert_eq!(read.action.region, "eu-central-1");
    }
}

#[test]
fn an_approval_without_its_essentials_is_told_as_text_and_without_its_token() {
    for key in ["pipelineName", "stageName", "actionName"] {
        for wrong in [
            Value::Null,
            json!(7),
            json!([]),
            json!({}),
            json!(""),
            json!("a/b"),
            json!("x".repeat(101)),
        ] {
            let mut message = asks();
            message["approval"][key] = wrong.clone();
            let told = plain(&event(&message.to_string()));
            assert!(!told.text.contains(TOKEN), "{key} {wrong}: {}", told.text);
            assert!(
                told.text.contains("\"approvalReviewLink\": \"***\""),
                "{}",
                told.text
            );
            assert!(told.text.contains("customData"), "{}", told.text);
        }
    }
    let mut message = asks();
    message["approval"].as_object_mut().unwrap().remove("token");
    let told = plain(&event(&message.to_string()));
    assert!(!told.text.contains(TOKEN), "{}", told.text);
}

#[test]
fn a_token_is_masked_wherever_an_unknown_message_has_it() {
    let escaped = json!({ "wrapped": asks().to_string() }).to_string();
    for text in [
        format!("{{\"approval\":\"{TOKEN}\"}}"),
        format!("{{\"approval\":{{\"Token\":[\"{TOKEN}\"],\"note\":\"see {TOKEN}\"}}}}"),
        format!("{{\"approvalToken\":{{\"value\":\"{TOKEN}\"}}}}"),
        format!("{{\"approval\":{{\"token\":\"{TOKEN}"),
        format!("Please approve: https://example.com/#/a/b/approve/{TOKEN}"),
        format!("Approval needed, token={TOKEN}"),
        format!("APPROVAL {} now", TOKEN.to_uppercase()),
        escaped,
        asks().to_string().replace('{', "{{"),
    ] {
        let told = format!("{:?}", one(&event(&text))).to_ascii_lowercase();
        assert!(!told.contains(TOKEN), "{told}");
        assert!(told.contains("***"), "{told}");
    }
    let mut subject = event("hello");
    subject["Records"][0]["Sns"]["Subject"] = format!("approve {TOKEN}").into();
    assert_eq!(plain(&subject).subject.as_deref(), Some("approve ***"));
}

#[test]
fn no_single_wrong_field_lets_the_token_out_or_panics() {
    let wrongs = [
        Value::Null,
        json!(true),
        json!(5.0),
        json!("x"),
        json!([]),
        json!([[{}]]),
        json!({}),
        json!("\u{0}\u{1b}[31m"),
    ];
    for name in [
        "approval-asks.json",
        "approval-waits-notification.json",
        "approval-action-changed.json",
        "approval-codedeploy-trigger.json",
        "approval-alarm.json",
        "approval-execution-changed.json",
        "approval-reminder.json",
    ] {
        let whole = sample(name);
        let mut inner = whole["Records"][0]["Sns"]["Message"]
            .as_str()
            .map_or_else(|| whole.clone(), |text| serde_json::from_str(text).unwrap());
        for path in paths(&inner) {
            for wrong in &wrongs {
                let right = std::mem::replace(inner.pointer_mut(&path).unwrap(), wrong.clone());
                for event in [event(&inner.to_string()), inner.clone()] {
                    let told = format!("{:?}", incoming(&event));
                    assert!(!told.contains(TOKEN), "{name} {path} {wrong}: {told}");
                }
                *inner.pointer_mut(&path).unwrap() = right;
            }
        }
    }
}

/// Every place in a value.
fn paths(value: &Value) -> Vec<String> {
    let below = |step: String, inner: &Value| -> Vec<String> {
        let deeper = paths(inner)
            .into_iter()
            .map(|path| format!("/{step}{path}"));
        deeper.collect()
    };
    let mut found = vec![String::new()];
    match value {
        Value::Object(entries) => found.extend(
            entries
                .iter()
                .flat_map(|(key, inner)| below(key.clone(), inner)),
        ),
        Value::Array(items) => found.extend(
            items
                .iter()
                .enumerate()
                .flat_map(|(index, inner)| below(index.to_string(), inner)),
        ),
        _ => {}
    }
    found
}

#[test]
fn extra_fields_and_a_version_that_is_no_integer_are_nothing_to_stumble_over() {
    let mut message = asks();
    message["addedLater"] = json!({ "deep": [1, 2, 3] });
    message["approval"]["version"] = json!(5.0);
    assert_eq!(approval_of(&message).action.pipeline, "shop-release");
    // 5.0 in the sample of the notification.
    assert!(matches!(
        one(&sample("approval-waits-notification.json")),
        Incoming::Waiting(_)
    ));
}

#[test]
fn what_is_no_json_is_told_as_text() {
    assert_eq!(
        plain(&event("The cluster is back.")).text,
        "The cluster is back."
    );
    assert_eq!(plain(&event("{\"approval\": ")).text, "{\"approval\": ");
    assert_eq!(plain(&event("42")).text, "42");
    assert_eq!(plain(&event("")).text, "");
    assert_eq!(plain(&event("[1, \"a\"]")).text, "[\n  1,\n  \"a\"\n]");
    // Deeper than the parser goes.
    assert!(plain(&event(&"[".repeat(100_000))).text.starts_with("[[["));
}

#[test]
fn a_large_text_is_cut_and_its_secrets_are_not_cut_in_two() {
    let large = format!(
        "{}password=hunter2hunter2 {}",
        "é".repeat(TEXT_LIMIT / 2 - 8),
        "x".repeat(256 * 1024)
    );
    let told = plain(&event(&large));
    assert!(told.text.len() <= TEXT_LIMIT, "{}", told.text.len());
    assert!(told.text.ends_with('…'));
    assert!(
        !told.text.contains("hunter"),
        "{}",
        &told.text[TEXT_LIMIT - 60..]
    );
    let begun = std::time::Instant::now();
    for hostile in [
        "/approve/".repeat(30_000),
        "approv 0c35520a-".repeat(16_000),
        "a://".repeat(64_000),
        format!("{{\"token\":\"{}\"}}", "a".repeat(256 * 1024)),
    ] {
        assert!(plain(&event(&hostile)).text.len() <= TEXT_LIMIT);
    }
    // Generous for a build without optimisation; what is quadratic takes minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn control_characters_are_made_visible() {
    let told = plain(&event("a\u{0}b\u{1b}[31mred\r\nnext\u{202e}line"));
    assert_eq!(told.text, "a\u{fffd}b\u{fffd}[31mred\nnext\u{fffd}line");
    let mut message = asks();
    message["approval"]["customData"] = json!("go\u{7} now");
    assert_eq!(
        approval_of(&message).comment.as_deref(),
        Some("go\u{fffd} now")
    );
    let mut event = event("x");
    event["Records"][0]["Sns"]["Subject"] = json!("two\nlines");
    assert_eq!(plain(&event).subject.as_deref(), Some("two lines"));
}

#[test]
fn only_links_that_may_be_shown_are_kept() {
    let kept = |key: &str, link: &str| {
        let mut message = asks();
        if key == "consoleLink" {
            message[key] = link.into();
        } else {
            message["approval"][key] = link.into();
        }
        let read = approval_of(&message);
        if key == "consoleLink" {
            read.console_link
        } else {
            read.external_link
        }
    };
    for bad in [
        "http://shop.example.com/",
        "javascript:alert(1)",
        "https://",
        "https://user:pw@example.com/",
        "https://a b.example.com",
        "https://example.com/<!channel>",
        "//example.com",
        "https://example.com/\n",
        "https://example.com/a|b",
        &format!("https://example.com/{}", "x".repeat(2_000)),
        &format!("https://example.com/{TOKEN}"),
    ] {
        // It is shown as text, without what is secret in it.
        let shown = kept("externalEntityLink", bad).unwrap();
        assert!(
            !shown.contains(TOKEN) && !shown.contains("user:pw"),
            "{shown}"
        );
        assert_eq!(kept("consoleLink", bad), None, "{bad}");
    }
    assert!(
        kept(
            "externalEntityLink",
            "HTTPS://shop.example.com:8443/x?y=1#z"
        )
        .is_some()
    );
    assert_eq!(
        kept(
            "consoleLink",
            "https://console.aws.amazon.com.evil.example/"
        ),
        None
    );
    assert_eq!(
        kept("consoleLink", "https://evilconsole.aws.amazon.com/"),
        None
    );
    assert!(
        kept(
            "consoleLink",
            "https://eu-central-1.console.aws.amazon.com/x"
        )
        .is_some()
    );
}

#[test]
fn secrets_in_comments_are_masked() {
    let mut message = asks();
    message["approval"]["customData"] = format!("deploy with password=hunter2 and {TOKEN}").into();
    let comment = approval_of(&message).comment.unwrap();
    assert_eq!(comment, "deploy with password=*** and ***");
}

#[test]
fn one_bad_record_does_not_hinder_the_others() {
    let mut whole = sample("approval-asks.json");
    let good = whole["Records"][0].clone();
    whole["Records"] = json!([null, {"Sns": 7}, {"eventSource": "aws:s3", "s3": {}}, good, {"Sns": {"Message": {"a": 1}}}, {"Sns": {}}]);
    let kinds: Vec<bool> = incoming(&whole)
        .iter()
        .map(|one| matches!(one, Incoming::Approval(_)))
        .collect();
    assert_eq!(kinds, [false, false, false, true, false, false]);
}

#[test]
fn events_of_other_shapes_are_told_as_text() {
    for odd in [
        json!(null),
        json!([]),
        json!("text"),
        json!({"Records": "x"}),
        json!({"reminder": {"case": "../x", "number": 1}}),
        json!({"reminder": {"case": "mzxw6ytboimzxw6ytboimzxw6y", "number": 0}}),
        json!({"reminder": 1}),
    ] {
        plain(&odd);
    }
    assert_eq!(incoming(&json!({ "Records": [] })), []);
    // As a file for a preview: the bare message.
    assert!(matches!(one(&asks()), Incoming::Approval(_)));
}

#[test]
fn events_may_also_come_through_a_topic() {
    let change = sample("approval-action-changed.json");
    let Incoming::ActionChanged(read) = one(&event(&change.to_string())) else {
        panic!("not understood");
    };
    assert!(read.is_manual_approval());
    assert_eq!(read.origin.topic_arn.as_deref(), Some(TOPIC));
    let mut other = change.clone();
    other["source"] = json!("aws.codebuild");
    plain(&other);
    let mut stage = change;
    stage["detail-type"] = json!("CodePipeline Stage Execution State Change");
    plain(&stage);
}

#[test]
fn instants_are_read_in_all_the_forms_that_aws_writes() {
    let time = |text: &str| super::fields::time(&json!({ "t": text }), "t");
    let nine: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    for text in [
        "2026-03-02T09:00Z",
        "2026-03-02T09:00:00Z",
        "2026-03-02T09:00:00.000Z",
        "2026-03-02T10:00:00+01:00",
        "2026-03-02T09:00:00.000+0000",
        "Mon Mar 02 09:00:00 UTC 2026",
    ] {
        assert_eq!(time(text), Some(nine), "{text}");
    }
    for text in [
        "soon",
        "2026-03-02",
        "2026-03-02T09:00",
        "2026-02-30T09:00Z",
        "99999-01-01T00:00Z",
        "1772442000",
    ] {
        assert_eq!(time(text), None, "{text}");
    }
}

#[test]
fn a_composite_alarm_and_an_instance_trigger_are_read() {
    let alarm = json!({ "AlarmName": "shop-bad", "NewStateValue": "OK", "AlarmRule": "ALARM(a) OR ALARM(b)",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop-bad" });
    let Incoming::Alarm(read) = one(&event(&alarm.to_string())) else {
        panic!("not understood");
    };
    assert_eq!(
        (read.region.as_str(), read.account.as_str()),
        ("eu-central-1", "111122223333")
    );
    let trigger = json!({ "eventTriggerName": "t", "deploymentId": "d-1", "instanceId": "arn:aws:ec2:us-east-1:111122223333:instance/i-1",
        "instanceStatus": "FAILED", "errorInformation": "plain words" });
    let Incoming::CodeDeploy(read) = one(&event(&trigger.to_string())) else {
        panic!("not understood");
    };
    assert_eq!(
        (read.status.as_str(), read.detail.as_deref()),
        ("FAILED", Some("plain words"))
    );
}
