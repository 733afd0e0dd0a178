//! What `CodePipeline` does not show yet, or no longer, is looked for again, and never taken for an end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;

use serde_json::json;

use support::events::{approval, approval_message, notification, reminder, sns};
use support::server::Fault;
use support::world::{EXECUTION, SECOND_TOKEN, TOKEN, World};
use support::{Stage, invoke, notifier};

/// The token is not shown anywhere.
fn hide(world: &mut World) {
    world.shows_token = false;
    world.history_lags = true;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_execution_that_is_not_found_for_an_error_is_looked_for_again() {
    let busy = |call: &support::server::Call, _| {
        let lookup = ["GetPipelineState", "ListActionExecutions"];
        lookup
            .contains(&call.operation.as_str())
            .then_some(Fault::Status(500))
    };
    let stage = Stage::start().await;
    stage.server.fail(busy);
    let mut new = approval();
    new["Records"][0]["Sns"]["Timestamp"] = json!(jiff::Timestamp::now().to_string());
    let error = stage.invoke(new.clone()).await.unwrap_err();
    assert!(error.contains("which execution waits"), "{error}");
    assert_eq!(stage.counts(), [0; 5]);
    stage.server.fail(|_, _| None);
    stage.expect(new).await;
    assert_eq!(stage.counts(), [1; 5]);
    let text = stage.told("slack")[0].body.to_string();
    assert!(text.contains(r#""type":"button""#), "{text}");

    // The last try tells with the gap.
    let stage = Stage::start().await;
    stage.server.fail(busy);
    let result = stage.invoke(approval()).await;
    assert_eq!(stage.counts(), [1; 5], "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_shown_yet_is_looked_for_again() {
    let stage = Stage::start().await;
    stage.world(hide);
    let mut new = approval();
    new["Records"][0]["Sns"]["Timestamp"] = json!(jiff::Timestamp::now().to_string());
    let error = stage.invoke(new.clone()).await.unwrap_err();
    assert!(error.contains("does not know its token"), "{error}");
    assert_eq!(stage.counts(), [0; 5]);
    stage.world(|world| world.history_lags = false);
    stage.expect(new).await;
    assert_eq!(stage.counts(), [1; 5]);
    let text = stage.told("slack")[0].body.to_string();
    assert!(text.contains(r#""type":"button""#), "{text}");

    // The last try tells with the gap.
    let stage = Stage::start().await;
    stage.world(hide);
    stage.expect(approval()).await;
    assert_eq!(stage.counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_wait_is_asked_about_before_the_history_lists_it() {
    let second = sns(&[approval_message().to_string().replace(TOKEN, SECOND_TOKEN)]);
    for event in [second, notification()] {
        let stage = Stage::start().await;
        stage.world(|world| {
            world.retried = true;
            world.history_lags = true;
        });
        stage.expect(event).await;
        assert_eq!(stage.counts(), [1; 5], "asked, and told nothing else");
        let keys = stage.world(|world| world.table.keys());
        let decided = keys.iter().any(|key| key.ends_with("/decision"));
        assert!(!decided, "the answer to the first wait is none: {keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_an_earlier_wait_asks_nobody() {
    let stage = Stage::start().await;
    stage.world(|world| world.retried = true);
    let unknown = approval_message().to_string().replace(TOKEN, EXECUTION);
    for event in [approval(), sns(&[unknown])] {
        stage.expect(event).await;
        assert_eq!(stage.counts(), [0; 5], "its token is no longer open");
    }
    stage.expect(notification()).await;
    assert_eq!(stage.counts(), [1; 5], "the wait that is open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_reminded_of_a_case_whose_key_is_gone() {
    let stage = Stage::start().await;
    stage.world(hide);
    stage.expect(approval()).await;
    stage.world(|world| {
        world.shows_token = true;
        world.keys = "a signing key that came two rotations later".into();
    });
    // A run of its own has read no keys before.
    let later = Arc::new(notifier(&stage.server, 1));
    let remind = reminder(&stage.case_id(), 1);
    invoke(&later, remind, stage.time).await.unwrap();
    assert_eq!(stage.told("slack").len(), 2, "it still waits");
}
