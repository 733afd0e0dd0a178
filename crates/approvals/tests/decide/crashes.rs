//! A run that dies or hears nothing at any of its calls, and whoever comes next.

use super::*;

async fn next_is_told_the_truth(fixture: &Fixture, click: &Click, next: Next, call: usize) {
    let mut answer = come(fixture, next, click).await;
    if matches!(next, Next::Recovery) && matches!(answer, None | Some(Answer::InProgress { .. })) {
        assert_eq!(
            taken(fixture),
            0,
            "nothing took effect, and recovery answers nobody"
        );
        answer = come(fixture, Next::SameClickAtOnce, click).await;
    }
    let answer = answer.unwrap();
    let settled = settled(&answer).unwrap_or_else(|| panic!("{next:?} at {call}: {answer}"));
    assert_eq!(
        settled.action_state.status,
        status(fixture),
        "{next:?} at {call}"
    );
    assert_eq!(taken(fixture), 1, "{next:?} at {call}");
    assert!(
        !settled.by.is_empty(),
        "{next:?} at {call}: it was decided through us"
    );
    // The next one who looks is told the same.
    let later = decide(&fixture.context(), &slack(8, Decision::Approve)).await;
    let Answer::AlreadyDecided(later) = later else {
        panic!("{next:?} at {call}: {later}")
    };
    assert_eq!(
        (later.action_state.status, &later.by),
        (settled.action_state.status, &settled.by)
    );
}

#[tokio::test]
async fn a_run_that_dies_before_any_call_is_finished_by_whoever_comes_next() {
    at_every_call(
        CallFault::DieBefore,
        &NEXT,
        async |fixture, click, first, next, call| {
            assert_eq!(first, None);
            next_is_told_the_truth(fixture, click, next, call).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_run_that_dies_after_any_call_is_finished_by_whoever_comes_next() {
    at_every_call(
        CallFault::DieAfter,
        &NEXT,
        async |fixture, click, first, next, call| {
            assert_eq!(first, None);
            next_is_told_the_truth(fixture, click, next, call).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_lost_answer_of_any_call_is_never_taken_for_a_decision() {
    at_every_call(
        CallFault::Lose,
        &NEXT,
        async |fixture, click, first, next, call| {
            let first = first.unwrap();
            match &first {
                Answer::TryAgain { .. } | Answer::InProgress { .. } => {}
                other => {
                    let settled = settled(other).unwrap_or_else(|| panic!("{call}: {other}"));
                    assert_eq!(settled.action_state.status, status(fixture), "{call}");
                }
            }
            next_is_told_the_truth(fixture, click, next, call).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_call_that_fails_is_never_an_approval() {
    for (status_code, code) in [
        (500, "InternalFailure"),
        (400, "AccessDeniedException"),
        (400, "ThrottlingException"),
    ] {
        at_every_call(
            CallFault::Fail(status_code, code),
            &NEXT[..1],
            async |fixture, _, first, _, call| {
                let failed = fixture.world.calls()[call].clone();
                match first.unwrap() {
                    Answer::TryAgain { why } => {
                        assert!(!why.to_string().is_empty());
                        assert_eq!(taken(fixture), 0, "{call} {failed}");
                        let record = fixture.records().decision(&case().id).await.unwrap();
                        let stands = record.is_some_and(|item| item.value.standing().is_some());
                        assert!(!stands, "{call} {failed}: it may still be carried out");
                    }
                    Answer::InProgress { by } => {
                        assert_eq!(failed, "PutApprovalResult", "{call}");
                        assert!(!by.is_empty());
                    }
                    answer => {
                        // Only what comes after the decision may fail without harm.
                        let settled = settled(&answer).unwrap();
                        assert_eq!(
                            settled.action_state.status,
                            status(fixture),
                            "{call} {failed}"
                        );
                        let put = fixture
                            .world
                            .calls()
                            .iter()
                            .position(|c| c == "PutApprovalResult");
                        assert!(put.unwrap() < call, "{call} {failed}: {answer}");
                    }
                }
            },
        )
        .await;
    }
}
