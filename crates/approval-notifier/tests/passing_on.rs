//! What is no approval is passed on once, whatever it holds.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::{Value, json};

use support::Stage;
use support::events::sns;

async fn told(message: &str) -> String {
    let stage = Stage::start().await;
    stage.expect(sns(&[message.to_owned()])).await;
    stage.expect(sns(&[message.to_owned()])).await;
    let slack = stage.told("slack");
    assert_eq!(slack.len(), 1, "once");
    slack[0].body.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_not_json_is_passed_on() {
    assert!(told("disk almost full").await.contains("disk almost full"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarter_of_a_megabyte_is_cut() {
    let text = told(&"äöü 256 KB ".repeat(20_000)).await;
    assert!(text.len() < 20_000, "{} bytes", text.len());
    assert!(text.contains("256 KB"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_and_calls_do_nothing() {
    let text = told("a\u{0}b\u{1b}[31mc\u{202e}d <!channel> <@U0123ABCD> & more").await;
    for bad in [
        "\\u0000",
        "\\u001b",
        "\u{202e}",
        "<!channel>",
        "<@U0123ABCD>",
    ] {
        assert!(!text.contains(bad), "{bad:?} in {text}");
    }
    assert!(text.contains("&amp; more"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_and_triggers_are_told_for_people() {
    let alarm = json!({
        "AlarmName": "shop-errors", "AlarmDescription": "Too many errors", "AWSAccountId": "111122223333",
        "NewStateValue": "ALARM", "NewStateReason": "Threshold crossed: 7 > 5", "OldStateValue": "OK",
        "StateChangeTime": "2026-05-04T10:00:00.000+0000", "Region": "EU (Frankfurt)",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop-errors",
        "Trigger": {"MetricName": "Errors", "Namespace": "AWS/Lambda"},
    });
    let text = told(&alarm.to_string()).await;
    assert!(
        text.contains("ALARM: shop-errors") && text.contains("Threshold crossed"),
        "{text}"
    );
    let trigger = json!({
        "region": "eu-central-1", "accountId": "111122223333", "eventTriggerName": "to-approvals",
        "applicationName": "shop", "deploymentId": "d-ABCDEF123", "deploymentGroupName": "production",
        "createTime": "Mon May 04 10:00:00 UTC 2026", "completeTime": null, "status": "FAILED",
        "errorInformation": "{\"ErrorCode\":\"HEALTH_CONSTRAINTS\",\"ErrorMessage\":\"too many failed\"}",
    });
    let text = told(&trigger.to_string()).await;
    assert!(
        text.contains("d-ABCDEF123") && text.contains("FAILED"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_message_without_its_token_is_passed_on_as_text() {
    for spoil in ["token", "pipelineName", "stageName", "actionName"] {
        let mut message = support::events::approval_message();
        message["approval"][spoil] = json!(17);
        let text = told(&message.to_string()).await;
        assert!(!text.contains(support::world::TOKEN), "{spoil}: {text}");
        assert!(
            text.contains("Please look at the change set"),
            "{spoil}: {text}"
        );
    }
}

/// A topic hands the notifier back what it has published there.
fn comes_back(published: &Value, id: usize) -> Value {
    let mut event = sns(&[published["Message"].as_str().unwrap().to_owned()]);
    let record = &mut event["Records"][0]["Sns"];
    record["MessageId"] = json!(format!("echo-{id}"));
    record["TopicArn"] = published["TopicArn"].clone();
    for n in 1.. {
        let of = |what: &str| &published[format!("MessageAttributes.entry.{n}.{what}")];
        let Some(name) = of("Name").as_str() else {
            break;
        };
        record["MessageAttributes"][name] =
            json!({"Type": of("Value.DataType"), "Value": of("Value.StringValue")});
    }
    event
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_notifier_said_itself_is_not_passed_on() {
    let topic = |name: &str| format!("arn:aws:sns:eu-central-1:111122223333:{name}");
    let (asks, more) = (topic("approvals"), topic("approvals-2"));
    let config = format!(
        "version: 1\nchannels:\n  list: {{sns: {{topic_arn: '{asks}'}}}}\n  \
         chat: {{amazon_q: {{topic_arn: '{more}'}}}}\nroutes:\n  - name: all\n    \
         tell: [list, chat]\n    policy: {{decide: false}}\n"
    );
    for event in [
        sns(&["disk almost full".to_owned()]),
        support::events::approval(),
    ] {
        let stage = Stage::with(&config).await;
        stage.expect(event).await;
        let published = stage.told("sns");
        assert_eq!(published.len(), 2);
        for (id, told) in published.iter().enumerate() {
            stage.expect(comes_back(&told.body, id)).await;
        }
        assert_eq!(stage.told("sns").len(), 2, "it would never end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_any_shape_are_no_crash() {
    for event in [
        json!(null),
        json!([]),
        json!("text"),
        json!({"Records": null}),
        json!({"Records": [null, 7, {"Sns": null}, {"Sns": {"Message": {"deep": [1]}}}]}),
        json!({"reminder": {"case": "../../etc", "number": -1}}),
        json!({"detail-type": 7, "detail": []}),
    ] {
        let stage = Stage::start().await;
        stage
            .invoke(event.clone())
            .await
            .unwrap_or_else(|e| panic!("{event}: {e}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_event_is_handled() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("approval-") {
            continue;
        }
        let event: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let stage = Stage::start().await;
        let result = stage.invoke(event).await;
        // The samples' executions are none of this world's: a notification of one can't be handled,
        // and says why.
        if let Err(error) = result {
            assert!(name.contains("notification"), "{name}: {error}");
            assert!(error.contains("has no action"), "{name}: {error}");
        }
        read += 1;
    }
    assert!(read >= 6, "only {read} sample events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_notification_rule_tells_of_a_pipeline_is_passed_on() {
    let mut failed = support::events::notification_message();
    failed["detailType"] = json!("CodePipeline Pipeline Execution State Change");
    failed["detail"]["state"] = json!("FAILED");
    let text = told(&failed.to_string()).await;
    assert!(text.contains("an execution FAILED"), "{text}");
    let mut action = support::events::notification_message();
    action["detail"]["type"] =
        json!({"owner": "AWS", "provider": "CodeBuild", "category": "Build", "version": "1"});
    action["detail"]["action"] = json!("Build");
    let text = told(&action.to_string()).await;
    assert!(
        text.contains("Build in the stage") && text.contains("started"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_something_invisible_splits_is_not_passed_on() {
    let token = support::world::TOKEN;
    for hidden in [
        token.replace('-', "-\u{200b}"),
        token.replace('-', "\u{2060}-"),
        token.to_uppercase(),
        token.replace('-', "%2D"),
    ] {
        for message in [
            format!("look: {hidden}"),
            json!({"note": hidden, "deep": [{"x": hidden}]}).to_string(),
        ] {
            let text = told(&message).await.to_lowercase();
            let seen: String = text.chars().filter(char::is_ascii_graphic).collect();
            assert!(!seen.contains(token), "{text}");
            // Slack's own sign is shown as one that does nothing there.
            assert!(text.contains("∗∗∗"), "{text}");
        }
    }
}
