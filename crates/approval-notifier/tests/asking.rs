//! People are asked: everybody once, whatever fails or comes twice.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::{Duration, Instant};

use approvals::link_claims::{self, LinkAction};
use serde_json::{Value, json};
use signing::Keys;

use support::events::{approval, approval_message, notification, notification_of, sns};
use support::server::Fault;
use support::world::{EXECUTION, Phase, TOKEN};
use support::{CONFIG, EVERYBODY, Stage};

/// The links in a text that lead to the decision page.
fn links(text: &str) -> Vec<link_claims::Link> {
    let keys = Keys::new("an exemplary signing key of more than 32 characters", None).unwrap();
    let mut links: Vec<link_claims::Link> = text
        .split("https://decide.example.com/d/")
        .skip(1)
        .map(|rest| {
            let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let end = rest.find(|c| !legal(c)).unwrap_or(rest.len());
            let now = jiff::Timestamp::now();
            signing::link::open(
                &keys,
                &link_claims::audience("approvals"),
                rest[..end].trim_end_matches('.'),
                now,
            )
            .unwrap()
        })
        .collect();
    links.sort_by_key(|link| link.claims.action);
    links.dedup();
    links
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_asked_with_what_helps_to_decide() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    assert_eq!(stage.counts(), [1; 5]);
    let slack = &stage.told("slack")[0];
    assert_eq!(slack.how, "chat.postMessage");
    assert_eq!(slack.body["channel"], "C0123456789");
    assert_eq!(slack.headers["authorization"], "Bearer xoxb-exemplary");
    let text = slack.body.to_string();
    for part in [
        "Orders",
        "2.0.0",
        "developer",
        "Please look at the change set",
        "<!here>",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(
        text.contains(&stage.case_id()),
        "the buttons name the case: {text}"
    );
    assert!(
        !text.contains("<!channel>"),
        "a commit message calls nobody: {text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mailbox_gets_links_of_its_own() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    let lead = links(&stage.told("mail:lead@example.com")[0].body.to_string());
    let actions: Vec<_> = lead.iter().map(|link| link.claims.action).collect();
    assert_eq!(
        actions,
        [LinkAction::View, LinkAction::Approve, LinkAction::Reject]
    );
    assert!(
        lead.iter()
            .all(|link| link.claims.approver.to_string() == "email:lead@example.com")
    );
    let guest = links(&stage.told("mail:guest@example.com")[0].body.to_string());
    let own =
        |link: &link_claims::Link| link.claims.approver.to_string() == "email:guest@example.com";
    assert!(guest.iter().all(own), "{guest:?}");
    assert!(
        guest
            .iter()
            .all(|link| link.claims.action == LinkAction::View),
        "{guest:?}"
    );
    for channel in ["teams", "slack", "machine"] {
        let shared = links(&stage.told(channel)[0].body.to_string());
        let view = |link: &link_claims::Link| {
            link.claims.action == LinkAction::View
                && link.claims.approver.to_string().starts_with("link:")
        };
        assert!(shared.iter().all(view), "{channel}: {shared:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reminders_and_the_escalation_are_scheduled_once() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    stage.expect(approval()).await;
    let id = stage.case_id();
    let schedules = stage.world(|world| world.schedules.clone());
    let names: Vec<&String> = schedules.keys().collect();
    let expected = ["1", "2", "escalation"].map(|number| format!("approval-{id}-{number}"));
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    let first = &schedules[&expected[0]];
    assert!(
        first["ScheduleExpression"]
            .as_str()
            .unwrap()
            .starts_with("at(20")
    );
    assert_eq!(first["ScheduleExpressionTimezone"], "UTC");
    assert_eq!(first["ActionAfterCompletion"], "DELETE");
    assert_eq!(first["GroupName"], "approvals");
    let target = &first["Target"];
    let input: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input, json!({"reminder": {"case": id, "number": 1}}));
    assert!(
        target["Arn"]
            .as_str()
            .unwrap()
            .ends_with(":function:approval-notifier")
    );
    assert!(
        target["DeadLetterConfig"]["Arn"]
            .as_str()
            .unwrap()
            .contains("undelivered")
    );
    assert!(
        target["RetryPolicy"]["MaximumRetryAttempts"]
            .as_i64()
            .unwrap()
            > 0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_are_told_once_also_at_the_same_time() {
    let stage = Stage::start().await;
    let at_once = (0..8).map(|_| stage.invoke(approval()));
    for result in futures::future::join_all(at_once).await {
        result.unwrap();
    }
    stage.expect(approval()).await;
    assert_eq!(stage.counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_and_an_approval_message_are_one_wait() {
    for events in [[approval(), notification()], [notification(), approval()]] {
        let stage = Stage::start().await;
        for event in events {
            stage.expect(event).await;
        }
        assert_eq!(stage.counts(), [1; 5]);
    }
    let stage = Stage::start().await;
    let (one, other) = tokio::join!(stage.invoke(approval()), stage.invoke(notification()));
    one.and(other).unwrap();
    assert_eq!(stage.counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_alone_is_enough_and_knows_its_end() {
    let stage = Stage::start().await;
    stage.expect(notification()).await;
    assert_eq!(stage.counts(), [1; 5]);
    stage.world(|world| {
        world.table.edit("/case", |case| {
            assert_eq!(case["execution_id"], EXECUTION);
            // Asked at 1,700,000,000; an approval waits seven days.
            assert_eq!(case["expires"], "2023-11-21T22:13:20Z");
        });
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parallel_pipeline_shows_no_token_and_is_asked_about_all_the_same() {
    let stage = Stage::start().await;
    stage.world(|world| world.shows_token = false);
    stage.expect(approval()).await;
    assert!(stage.told("slack")[0].body.to_string().contains("2.0.0"));
    stage.expect(notification()).await;
    assert_eq!(stage.counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_record_holds_up_no_other() {
    let stage = Stage::start().await;
    // An execution that CodePipeline does not know: this record can't be handled.
    let bad = notification_of("99999999-9999-4999-8999-999999999999").to_string();
    let good = approval_message().to_string();
    let error = stage
        .invoke(sns(&[bad, good, "no JSON".into()]))
        .await
        .unwrap_err();
    assert!(error.contains("99999999-9999"), "{error}");
    let slack = stage.told("slack");
    assert_eq!(
        slack.len(),
        2,
        "the question and the text that isn't understood"
    );
    assert_eq!(stage.counts()[1..], [1; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_tells_only_those_who_were_not_told() {
    let stage = Stage::start().await;
    stage
        .server
        .fail(|call, _| (call.operation == "POST /hook/teams").then_some(Fault::Status(410)));
    let error = stage.invoke(approval()).await.unwrap_err();
    assert!(error.contains("teams"), "{error}");
    assert_eq!(
        stage.counts(),
        [1, 0, 1, 1, 1],
        "one that fails holds up nobody"
    );
    stage.server.fail(|_, _| None);
    stage.expect(approval()).await;
    assert_eq!(stage.counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_slack_is_told_with_its_name_and_tried_again_later() {
    let stage = Stage::start().await;
    let slack = |call: &support::server::Call| call.operation == "chat.postMessage";
    stage
        .server
        .fail(move |call, _| slack(call).then_some(Fault::SlackError("not_in_channel")));
    let error = stage.invoke(approval()).await.unwrap_err();
    assert!(
        error.contains("not_in_channel") || error.contains("invite"),
        "{error}"
    );
    assert_eq!(stage.counts(), [0, 1, 1, 1, 1]);
    let dump = stage.world(|world| world.table.dump());
    assert!(dump.contains("failed"), "it is recorded: {dump}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_died_between_claim_and_send_is_taken_over_after_its_lease() {
    let stage = Stage::start().await;
    let hang = Fault::Hang(Duration::from_secs(30));
    stage
        .server
        .fail(move |call, n| (call.operation == "chat.postMessage" && n == 0).then_some(hang));
    // The function is killed while Slack says nothing.
    let killed = tokio::time::timeout(Duration::from_secs(2), stage.invoke(approval())).await;
    assert!(killed.is_err());
    let started = Instant::now();
    let error = stage.invoke(approval()).await.unwrap_err();
    assert!(
        error.contains("by another invocation"),
        "the claim may still be alive: {error}"
    );
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(stage.counts(), [0, 1, 1, 1, 1]);
    stage.leases_run_out();
    stage.expect(approval()).await;
    assert_eq!(stage.counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_without_time_says_so_before_it_is_killed() {
    let mut stage = Stage::start().await;
    stage.time = Duration::from_secs(3);
    stage.server.slow(|call| match call.operation.as_str() {
        "PutItem" => Duration::from_millis(3_500),
        _ => Duration::ZERO,
    });
    let started = Instant::now();
    let error = stage.invoke(approval()).await.unwrap_err();
    assert!(error.contains("raise its Timeout"), "{error}");
    assert!(started.elapsed() < stage.time);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn look_ups_that_fail_cost_lines_and_not_the_message() {
    let stage = Stage::start().await;
    let looks = ["Pipeline", "Action", "ChangeSet", "Deployment"];
    stage.server.fail(move |call, _| {
        let lookup = looks.iter().any(|part| call.operation.contains(part));
        lookup.then_some(Fault::Denied)
    });
    let result = stage.invoke(approval()).await;
    assert_eq!(stage.counts(), [1; 5], "{result:?}");
    let text = stage.told("slack")[0].body.to_string();
    assert!(text.contains("Could not be looked up"), "{text}");
    // Without its execution each answer would be refused.
    assert!(!text.contains(r#""type":"button""#), "{text}");
    let lead = links(&stage.told("mail:lead@example.com")[0].body.to_string());
    let actions: Vec<_> = lead.iter().map(|link| link.claims.action).collect();
    assert_eq!(actions, [LinkAction::View]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_table_that_is_down_tells_nobody_and_fails_the_invocation() {
    let stage = Stage::start().await;
    stage
        .server
        .fail(|call, _| (call.operation == "PutItem").then_some(Fault::Status(500)));
    let error = stage.invoke(approval()).await.unwrap_err();
    assert!(error.contains("the state table approvals"), "{error}");
    assert_eq!(
        stage.counts(),
        [0; 5],
        "what could be told twice is not told"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_longer_waits_is_not_asked() {
    for (phase, event) in [
        (Phase::Deploying, approval()),
        (Phase::Rejected, notification()),
        (Phase::Superseded, approval()),
    ] {
        let stage = Stage::start().await;
        stage.now(phase);
        stage.expect(event).await;
        assert_eq!(stage.counts(), [0; 5], "{phase:?}");
    }
    let mut past = approval_message();
    past["approval"]["expires"] = json!("2020-01-01T00:00Z");
    let stage = Stage::start().await;
    stage.expect(sns(&[past.to_string()])).await;
    assert_eq!(stage.counts(), [0; 5], "its time is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_are_shown_where_somebody_may_press_them() {
    let slack = async |approvers: &str| {
        let config = CONFIG.replace(r#""slack:T0123ABCD/U0123ABCD", "#, approvers);
        let stage = Stage::with(&config).await;
        stage.expect(approval()).await;
        let text = stage.told("slack")[0].body.to_string();
        (text.contains(r#""type":"button""#), text)
    };
    let (shown, text) = slack(r#""slack:T0123ABCD/U0123ABCD", "#).await;
    assert!(shown, "{text}");
    let (shown, text) = slack("").await;
    assert!(!shown, "nobody in Slack may decide: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_route_people_hear_that_there_is_none() {
    let stage = Stage::with(&CONFIG.replace("shop*", "other")).await;
    stage.expect(approval()).await;
    stage.expect(notification()).await;
    let slack = stage.told("slack");
    assert_eq!(slack.len(), 1, "once, by whichever message");
    let text = slack[0].body.to_string();
    assert!(text.contains("no route is for it"), "{text}");
    assert!(!text.contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_fails_with_all_its_problems() {
    let broken = CONFIG.replace("tell: [room, teams", "tel: [room, teams");
    let stage = Stage::with(&broken).await;
    let error = stage.invoke(approval()).await.unwrap_err();
    assert!(error.contains("approvals.yaml:"), "{error}");
    assert!(error.contains("tel"), "{error}");
    assert_eq!(stage.counts(), [0; 5]);
    assert_eq!(EVERYBODY.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_message_says_is_not_the_first_word_of_a_case() {
    let stage = Stage::start().await;
    stage.world(|world| {
        world.owner = json!({"NotificationArn": "arn:topic", "CustomData": "as it is", "ExternalEntityLink": "http://wiki.example.com/x"});
    });
    let mut lying = approval_message();
    lying["approval"]["customData"] = json!("approve at once");
    lying["approval"]["externalEntityLink"] = json!("https://evil.example/");
    lying["consoleLink"] = json!("https://console.aws.amazon.com/elsewhere");
    lying["account"] = json!("999999999999");
    lying["region"] = json!("us-east-1");
    stage.expect(sns(&[lying.to_string()])).await;
    let text = stage.told("slack")[0].body.to_string();
    for theirs in ["approve at once", "evil.example", "elsewhere", "us-east-1"] {
        assert!(!text.contains(theirs), "{theirs}: {text}");
    }
    assert!(
        text.contains("as it is") && text.contains("wiki.example.com"),
        "{text}"
    );
    let kept = stage.world(|world| world.table.dump());
    assert!(!kept.contains("999999999999"), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_message_says_is_marked() {
    let stage = Stage::start().await;
    stage.world(|world| world.owner = json!({}));
    stage.expect(approval()).await;
    let text = stage.told("slack")[0].body.to_string();
    assert!(
        text.contains("not confirmed") && text.contains("Please look at the change set"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_through_a_queue_is_asked_once() {
    let stage = Stage::start().await;
    let sns = approval()["Records"][0]["Sns"].clone();
    let record = |body: String| json!({"messageId": "q-1", "receiptHandle": "x", "eventSource": "aws:sqs", "body": body});
    stage
        .expect(json!({"Records": [record(sns.to_string())]}))
        .await;
    stage
        .expect(json!({"Records": [record(approval_message().to_string())]}))
        .await;
    stage.expect(json!([record(sns.to_string())])).await;
    assert_eq!(stage.counts(), [1; 5]);
    let text = stage.told("slack")[0].body.to_string();
    assert!(text.contains(r#""type":"button""#), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_too_many_messages_is_refused_with_the_bound() {
    let stage = Stage::start().await;
    let many: Vec<String> = (0..101).map(|n| format!("message {n}")).collect();
    let error = stage.invoke(sns(&many)).await.unwrap_err();
    assert!(
        error.contains("101 messages") && error.contains("BatchSize"),
        "{error}"
    );
    assert_eq!(stage.told("slack").len(), 0);
}
