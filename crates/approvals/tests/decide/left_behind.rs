//! A decision that was written down and never carried out.

use super::*;

/// A yes of the first approver (and of the second before, if two are needed), whose run died before
/// `CodePipeline` was told, long ago.
async fn left_behind(policy: &str, people: usize) -> Fixture {
    let fixture = Fixture::open(policy).await;
    for person in (1..=people).rev() {
        fixture
            .world
            .plan(|_, call| (call == "PutApprovalResult").then_some(CallFault::DieBefore));
        let click = slack(person, Decision::Approve);
        fixture.world.live(decide(&fixture.context(), &click)).await;
    }
    fixture.world.no_plan();
    fixture.hands.pass(STALE_AFTER.as_secs());
    fixture
}

async fn stands(fixture: &Fixture) -> bool {
    let record = fixture.records().decision(&case().id).await.unwrap();
    record.is_some_and(|item| item.value.standing().is_some())
}

#[tokio::test]
async fn nobody_else_wakes_what_a_run_has_left_behind() {
    let fixture = left_behind(ONE, 1).await;
    let stranger = slack(99, Decision::Approve);
    let answer = decide(&fixture.context(), &stranger).await;
    assert_eq!(answer, Answer::Refused(Refusal::NotAllowed));
    assert_eq!(taken(&fixture), 0);
    assert!(stands(&fixture).await);
}

#[tokio::test]
async fn what_a_run_has_left_behind_is_judged_by_the_present_policy() {
    let mut fixture = left_behind(TWO, 2).await;
    assert!(stands(&fixture).await);
    let policy = &mut fixture.config.routes[0].policy;
    let gone = "slack:T0001/U0001".parse().unwrap();
    policy.approvers.retain(|approver| *approver != gone);
    let answer = decide(&fixture.context(), &slack(2, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    assert_eq!(taken(&fixture), 0);
    assert!(!stands(&fixture).await);
    // One more yes makes two of people who may decide.
    let answer = decide(&fixture.context(), &slack(3, Decision::Approve)).await;
    assert_eq!(settled(&answer).unwrap().by.len(), 2);
    holds(&fixture).await;
}

#[tokio::test]
async fn what_a_run_has_left_behind_is_not_approved_by_its_starter_or_at_night() {
    for (policy, refusal) in [
        (
            "approvals: 1, starters: {'slack:T0001/U0001': ['1']}",
            Refusal::StarterBarred,
        ),
        (
            "approvals: 1, starter_may_approve: true, office_hours: 'Sat 09:00-10:00 UTC'",
            Refusal::OutsideOfficeHours {
                next: Some("2026-03-07T09:00:00Z".parse().unwrap()),
            },
        ),
    ] {
        let mut fixture = left_behind(ONE, 1).await;
        fixture.config = config(policy);
        let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
        assert_eq!(answer, Answer::Refused(refusal));
        assert_eq!(taken(&fixture), 0);
        assert!(!stands(&fixture).await);
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_never_called_undecided() {
    // The answer is refused as if it had come already, and the history lags behind.
    for code in [
        "InvalidApprovalTokenException",
        "ApprovalAlreadyCompletedException",
        "InternalFailure",
    ] {
        let fixture = Fixture::open(ONE).await;
        fixture.world.plan(move |_, call| {
            let status = if code == "InternalFailure" { 500 } else { 400 };
            (call == "PutApprovalResult").then_some(CallFault::Fail(status, code))
        });
        let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
        let in_progress = matches!(&answer, Answer::InProgress { by } if by.len() == 1);
        assert!(in_progress, "{code}: {answer}");
        assert!(stands(&fixture).await, "{code}: it can be carried out");
    }
    // It was taken, its answer is lost, and then nothing can be read.
    let fixture = Fixture::open(ONE).await;
    let mut sent = false;
    fixture.world.plan(move |_, call| match call {
        "PutApprovalResult" => {
            sent = true;
            Some(CallFault::Lose)
        }
        "GetPipelineExecution" | "ListActionExecutions" | "GetPipelineState" if sent => {
            Some(CallFault::Fail(400, "AccessDeniedException"))
        }
        _ => None,
    });
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert!(matches!(answer, Answer::InProgress { .. }), "{answer}");
    assert_eq!(taken(&fixture), 1);
}

#[tokio::test]
async fn an_intent_whose_object_has_changed_since_is_withdrawn() {
    for next in [Next::SameClickLater, Next::AnotherYes] {
        let fixture = Fixture::open(ONE).await;
        fixture
            .world
            .plan(|_, call| (call == "PutApprovalResult").then_some(CallFault::DieBefore));
        let click = slack(1, Decision::Approve);
        assert_eq!(
            fixture.world.live(decide(&fixture.context(), &click)).await,
            None
        );
        fixture.world.no_plan();
        fixture.world.interfere(Act::Change);
        let answer = come(&fixture, next, &click).await;
        assert_eq!(answer, Some(Answer::Superseded(SupersededBy::Changed)));
        assert_eq!(taken(&fixture), 0);
        let record = fixture
            .records()
            .decision(&case().id)
            .await
            .unwrap()
            .unwrap();
        assert!(record.value.standing().is_none());
    }
}

#[tokio::test]
async fn while_a_decision_is_carried_out_others_are_told_so() {
    let fixture = Fixture::open(ONE).await;
    fixture
        .world
        .plan(|_, call| (call == "PutApprovalResult").then_some(CallFault::DieBefore));
    fixture
        .world
        .live(decide(&fixture.context(), &slack(1, Decision::Approve)))
        .await;
    fixture.world.no_plan();
    let answer = decide(&fixture.context(), &slack(2, Decision::Reject)).await;
    let Answer::InProgress { by } = answer else {
        panic!("{answer}")
    };
    assert_eq!(by[0].approver, "slack:T0001/U0001");
    fixture.hands.pass(STALE_AFTER.as_secs() - 1);
    assert!(matches!(
        recover(&fixture.context(), &case().id).await,
        Some(Answer::InProgress { .. })
    ));
    assert_eq!(taken(&fixture), 0);
}

#[tokio::test]
async fn a_no_outweighs_a_yes_that_never_took_effect() {
    let fixture = Fixture::open(ONE).await;
    fixture
        .world
        .plan(|_, call| (call == "PutApprovalResult").then_some(CallFault::DieBefore));
    fixture
        .world
        .live(decide(&fixture.context(), &slack(1, Decision::Approve)))
        .await;
    fixture.world.no_plan();
    fixture.hands.pass(STALE_AFTER.as_secs());
    let answer = decide(&fixture.context(), &slack(2, Decision::Reject)).await;
    insta::assert_snapshot!(answer, @"this decided it: rejected by Approver 2 (slack:T0001/U0002)");
    holds(&fixture).await;
}
