//! Several waits of one action in one execution: which of them an answer was given to.

use approvals::pipeline::{Wait, state_of_wait};

use super::*;

#[tokio::test]
async fn a_retried_stage_has_a_truth_for_each_wait() {
    let first = answered(approval("e-1", OLD, "Failed", 1_000), "arn:user", "no");
    let fake = Fake::start(World {
        actions: vec![approval("e-1", TOKEN, "InProgress", 5_000), first],
        execution: "InProgress",
        page: 1,
        ..World::default()
    })
    .await;
    let at = |second: i64| jiff::Timestamp::new(second, 0).ok();
    for (asked_at, expected) in [
        (None, Status::Waiting),
        (at(1_002), Status::Rejected),
        (at(4_990), Status::Rejected),
        (at(4_998), Status::Waiting),
        (at(5_001), Status::Waiting),
        (at(10), Status::Rejected),
    ] {
        // No token of it is known: its time alone says which one it is.
        let owns = &|_: &Token| false;
        let wait = Wait { owns, asked_at };
        let found = state_of_wait(&fake.aws, &action(), "e-1", wait).await;
        assert_eq!(found.unwrap().status, expected, "{asked_at:?}");
    }
}

/// What is said of the wait with [`TOKEN`], told after everything that is listed had begun.
async fn status_of_second(world: World) -> Status {
    let fake = Fake::start(world).await;
    let wait = Wait {
        owns: &|token| *token == Token::new(TOKEN),
        asked_at: jiff::Timestamp::new(9_000, 0).ok(),
    };
    let found = state_of_wait(&fake.aws, &action(), "e-1", wait).await;
    found.unwrap().status
}

#[tokio::test]
async fn a_wait_that_is_open_and_not_listed_yet_waits() {
    let first = || answered(approval("e-1", OLD, "Failed", 1_000), "arn:user", "no");
    let world = |execution, state: Value| World {
        stages: stages("e-1", &state),
        actions: vec![first()],
        execution,
        ..World::default()
    };
    let open = world("InProgress", waiting_state(TOKEN));
    assert_eq!(status_of_second(open).await, Status::Waiting);
    let another = world("InProgress", waiting_state("a third token"));
    assert_eq!(status_of_second(another).await, Status::Rejected);
    let stopped = world("Stopped", waiting_state(TOKEN));
    assert_eq!(status_of_second(stopped).await, Status::Stopped);
    let elsewhere = World {
        stages: stages("e-2", &waiting_state(TOKEN)),
        ..world("InProgress", json!({}))
    };
    assert_eq!(status_of_second(elsewhere).await, Status::Rejected);
}

#[tokio::test]
async fn a_wait_that_is_listed_is_known_by_its_token() {
    // Whatever its time says, and however far the state lags behind.
    let own = answered(
        approval("e-1", TOKEN, "Succeeded", 1_000),
        "arn:user",
        "yes",
    );
    let other = answered(approval("e-1", OLD, "Failed", 5_000), "arn:user", "no");
    let world = World {
        stages: stages("e-1", &waiting_state(TOKEN)),
        actions: vec![other, own],
        execution: "InProgress",
        ..World::default()
    };
    assert_eq!(status_of_second(world).await, Status::Approved);
}
