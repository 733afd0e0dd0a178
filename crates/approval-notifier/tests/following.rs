//! What became of a case is told to whoever was asked: once, in order, whatever order events come in.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use approval_notifier::reminder_schedule::ESCALATION_NUMBER;
use proptest::prelude::*;
use serde_json::{Value, json};

use support::Stage;
use support::events::{action_changed, approval, execution_changed, notification, reminder};
use support::server::Fault;
use support::world::{EXECUTION, Phase, SentMessage};

/// Who was told what, without what is different each time.
fn story(stage: &Stage) -> Vec<String> {
    let told = stage.world(|world| world.told.clone());
    let mut story: Vec<String> = told.iter().map(line).collect();
    story.sort();
    story
}

/// `slack chat.update was approved`
fn line(message: &SentMessage) -> String {
    let text = message.body.to_string();
    let what = [
        ("was approved", "approved"),
        ("was rejected", "rejected"),
        ("was superseded", "superseded"),
        ("the release succeeded", "succeeded"),
        ("was rolled back", "rolled back"),
        ("the release failed", "failed"),
        ("approval.decided", "decided"),
        ("approval.outcome", "outcome"),
        ("approval.ask", "asked"),
        ("Reminder:", "reminded"),
        ("Nobody has decided yet", "escalated"),
        ("waits for a decision", "asked"),
    ];
    let what = what
        .iter()
        .find(|(part, _)| text.contains(part))
        .map(|(_, name)| *name);
    let thread = if message.body["thread_ts"].is_null() {
        ""
    } else {
        " in thread"
    };
    format!(
        "{} {}{thread}: {}",
        message.channel,
        message.how.replace("POST ", ""),
        what.unwrap_or("?")
    )
}

fn of(stage: &Stage, channel: &str) -> Vec<String> {
    stage.told(channel).iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_in_the_console_changes_the_first_message() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    stage.now(Phase::Deploying);
    stage.expect(action_changed("SUCCEEDED")).await;
    assert_eq!(
        of(&stage, "slack"),
        [
            "slack chat.postMessage: asked",
            "slack chat.update: approved"
        ]
    );
    let update = &stage.told("slack")[1].body;
    assert_eq!(
        update["ts"], "1700000000.000100",
        "the first message: {update}"
    );
    let text = update.to_string();
    let who = "Approved by release.manager, directly in CodePipeline";
    assert!(text.contains(who), "{text}");
    assert!(!text.contains("\"actions\""), "no buttons are left: {text}");
    for channel in [
        "teams",
        "machine",
        "mail:lead@example.com",
        "mail:guest@example.com",
    ] {
        assert_eq!(stage.told(channel).len(), 2, "{channel}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outcome_is_told_in_the_thread_with_what_happened() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    stage.now(Phase::RolledBack);
    stage.expect(execution_changed("FAILED")).await;
    assert_eq!(
        of(&stage, "slack"),
        [
            "slack chat.postMessage: asked",
            "slack chat.update: approved",
            "slack chat.postMessage in thread: rolled back",
        ]
    );
    let outcome = &stage.told("slack")[2].body;
    assert_eq!(outcome["thread_ts"], "1700000000.000100");
    let text = outcome.to_string();
    for part in ["d-ABCDEF123", "d-ROLLBACK1", "the gate said no"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let mail: Vec<String> = of(&stage, "mail:lead@example.com");
    assert_eq!(mail.len(), 3, "{mail:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_no_there_is_no_outcome() {
    for (phase, told) in [
        (Phase::Rejected, "rejected"),
        (Phase::Superseded, "superseded"),
    ] {
        let stage = Stage::start().await;
        stage.expect(approval()).await;
        stage.now(phase);
        stage.expect(execution_changed("FAILED")).await;
        stage.expect(action_changed("FAILED")).await;
        let slack = of(&stage, "slack");
        assert_eq!(
            slack[1..],
            [format!("slack chat.update: {told}")],
            "{phase:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_given_through_us_names_the_person() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    let summary = "Approved by Release manager (slack:T0123ABCD/U0123ABCD): looks good";
    // The run that took the click has died after its call.
    let voter = json!({"approver": "slack:T0123ABCD/U0123ABCD", "name": "Release manager", "identified": true});
    let record = json!({"intents": [{
        "click": "click-1", "decision": "approve", "by": [voter], "comment": "looks good",
        "summary": summary, "execution_id": EXECUTION, "at": "2026-05-04T10:00:00Z", "withdrawn": null,
    }], "outcome": null});
    let id = stage.case_id();
    stage.world(|world| {
        world.summary = summary.into();
        world
            .table
            .put_body("approvals", &format!("approval#{id}"), "decision", &record);
        world.phase = Phase::Deploying;
    });
    stage.expect(action_changed("SUCCEEDED")).await;
    let text = stage.told("slack")[1].body.to_string();
    assert!(text.contains("Approved by Release manager"), "{text}");
    assert!(text.contains("looks good"), "{text}");
    assert!(
        !text.contains("release.manager"),
        "not our role's session: {text}"
    );
    let dump = stage.world(|world| world.table.dump());
    assert!(
        dump.contains("\\\"click\\\":\\\"click-1\\\""),
        "the outcome is recorded: {dump}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outcome_waits_for_the_decision() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    stage.now(Phase::Live);
    stage.server.fail(|call, _| {
        (call.operation == "chat.update").then_some(Fault::SlackError("is_archived"))
    });
    let error = stage
        .invoke(execution_changed("SUCCEEDED"))
        .await
        .unwrap_err();
    assert!(error.contains("is_archived"), "{error}");
    assert_eq!(
        stage.told("slack").len(),
        1,
        "no outcome before the decision"
    );
    assert_eq!(stage.told("teams").len(), 3, "which holds up nobody else");
    stage.server.fail(|_, _| None);
    stage.expect(execution_changed("SUCCEEDED")).await;
    let slack = of(&stage, "slack");
    assert_eq!(
        slack[1..],
        [
            "slack chat.update: approved",
            "slack chat.postMessage in thread: succeeded",
        ]
    );
    assert_eq!(stage.told("teams").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_while_people_are_told_is_told_at_once() {
    let stage = Stage::start().await;
    // Its event comes before the case is there, and finds nothing.
    stage.server.slow(|call| match call.operation.as_str() {
        "chat.postMessage" => Duration::from_millis(800),
        _ => Duration::ZERO,
    });
    let meanwhile = async {
        while stage.server.calls_of("chat.postMessage").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stage.now(Phase::Deploying);
    };
    let (asked, ()) = tokio::join!(stage.invoke(approval()), meanwhile);
    asked.unwrap();
    let slack = of(&stage, "slack");
    assert_eq!(slack[1..], ["slack chat.update: approved"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_asked_hears_nothing_later() {
    let stage = Stage::start().await;
    stage
        .server
        .fail(|call, _| (call.operation == "POST /hook/teams").then_some(Fault::Status(410)));
    stage.invoke(approval()).await.unwrap_err();
    stage.server.fail(|_, _| None);
    stage.now(Phase::Live);
    stage.expect(execution_changed("SUCCEEDED")).await;
    assert_eq!(stage.told("teams").len(), 0);
    // Its question comes again too late.
    stage.expect(approval()).await;
    assert_eq!(stage.told("teams").len(), 0);
    assert_eq!(stage.told("machine").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_is_told_in_the_thread_while_it_waits() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    let id = stage.case_id();
    stage.expect(reminder(&id, 1)).await;
    stage.expect(reminder(&id, 1)).await;
    assert_eq!(
        of(&stage, "slack")[1..],
        ["slack chat.postMessage in thread: reminded"]
    );
    assert_eq!(stage.counts(), [2; 5], "each once");
    stage.expect(reminder(&id, 2)).await;
    assert_eq!(stage.counts(), [3; 5], "the second is another one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_reminded_of_what_is_decided() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    stage.now(Phase::Rejected);
    let id = stage.case_id();
    stage.expect(reminder(&id, 1)).await;
    stage.expect(reminder(&id, ESCALATION_NUMBER)).await;
    assert_eq!(
        of(&stage, "slack")[1..],
        ["slack chat.update: rejected"],
        "the truth instead"
    );
    assert_eq!(stage.told("sns").len(), 0);
    let unknown = "a".repeat(26);
    stage.expect(reminder(&unknown, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_escalation_asks_others_who_then_hear_the_end() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    let id = stage.case_id();
    stage.expect(reminder(&id, ESCALATION_NUMBER)).await;
    stage.expect(reminder(&id, ESCALATION_NUMBER)).await;
    let list = stage.told("sns");
    assert_eq!(list.len(), 1);
    assert!(
        list[0].body.to_string().contains("Nobody has decided yet"),
        "{:?}",
        list[0].body
    );
    assert_eq!(
        of(&stage, "slack")[1..],
        ["slack chat.postMessage in thread: escalated"]
    );
    assert_eq!(
        stage.told("teams").len(),
        1,
        "who was asked and is not escalated to"
    );
    stage.now(Phase::Live);
    stage.expect(execution_changed("SUCCEEDED")).await;
    assert_eq!(stage.told("sns").len(), 3, "asked, decided, outcome");
    let slack = of(&stage, "slack");
    assert_eq!(
        slack[2..],
        [
            "slack chat.update: approved",
            "slack chat.postMessage in thread: succeeded",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_got_only_a_reminder_hears_the_end() {
    let stage = Stage::start().await;
    stage.server.fail(|call, _| {
        (call.operation == "chat.postMessage").then_some(Fault::SlackError("not_in_channel"))
    });
    stage.invoke(approval()).await.unwrap_err();
    stage.server.fail(|_, _| None);
    let id = stage.case_id();
    stage.expect(reminder(&id, 1)).await;
    stage.expect(reminder(&id, 2)).await;
    stage.expect(reminder(&id, ESCALATION_NUMBER)).await;
    let buttons = |message: &SentMessage| message.body.to_string().contains(r#""type":"button""#);
    let shown: Vec<bool> = stage.told("slack").iter().map(buttons).collect();
    assert_eq!(shown, [true, false, false], "only the first has buttons");
    stage.now(Phase::Deploying);
    stage.expect(action_changed("SUCCEEDED")).await;
    assert_eq!(
        of(&stage, "slack"),
        [
            "slack chat.postMessage: reminded",
            "slack chat.postMessage in thread: reminded",
            "slack chat.postMessage in thread: escalated",
            "slack chat.update: approved",
        ]
    );
    assert_eq!(stage.told("slack")[3].body["ts"], "1700000000.000100");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_that_succeeds_when_retried_is_told_too() {
    let stage = Stage::start().await;
    stage.expect(approval()).await;
    stage.now(Phase::RolledBack);
    stage.expect(execution_changed("FAILED")).await;
    stage.now(Phase::Live);
    stage.expect(execution_changed("SUCCEEDED")).await;
    stage.expect(execution_changed("SUCCEEDED")).await;
    assert_eq!(
        of(&stage, "slack")[2..],
        [
            "slack chat.postMessage in thread: rolled back",
            "slack chat.postMessage in thread: succeeded",
        ]
    );
    assert_eq!(stage.told("teams").len(), 4);
}

/// One step of time: an event is delivered, and the pipeline has come at least this far.
fn events() -> Vec<(Phase, Value)> {
    vec![
        (Phase::Waiting, approval()),
        (Phase::Waiting, notification()),
        (Phase::Waiting, action_changed("STARTED")),
        (Phase::Deploying, action_changed("SUCCEEDED")),
        (Phase::Live, execution_changed("SUCCEEDED")),
    ]
}

/// Delivers the events in `order`, some at the same time, while time goes on as they say.
async fn played(order: &[usize], together: bool) -> Vec<String> {
    let events = events();
    let stage = Stage::start().await;
    let mut now = Phase::Waiting;
    for pair in order.chunks(if together { 2 } else { 1 }) {
        for index in pair {
            if events[*index].0 as u8 > now as u8 {
                now = events[*index].0;
            }
        }
        stage.now(now);
        let at_once = pair
            .iter()
            .map(|index| stage.invoke(events[*index].1.clone()));
        for result in futures::future::join_all(at_once).await {
            result.unwrap();
        }
    }
    // AWS delivers at least once, and this one comes last at some time.
    stage.now(Phase::Live);
    stage.expect(execution_changed("SUCCEEDED")).await;
    story(&stage)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Out of order, twice, at the same time: the story is told as in order, or not at all where
    /// the question came when nothing was left to ask.
    #[test]
    fn any_order_of_events_tells_the_same_story(
        order in Just((0..5).chain(0..5).collect::<Vec<usize>>()).prop_shuffle(),
        length in 5..=10_usize,
        together in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let in_order = runtime.block_on(played(&[0, 1, 2, 3, 4], false));
        prop_assert_eq!(in_order.len(), 15, "five are told three things: {:#?}", in_order);
        let told = runtime.block_on(played(&order[..length], together));
        prop_assert!(told.is_empty() || told == in_order, "{:#?}", told);
        let decided = order.iter().position(|index| *index >= 3).unwrap();
        if order[..decided].iter().any(|index| *index < 2) && !together {
            prop_assert!(!told.is_empty(), "it was asked in time");
        }
    }
}
