//! A decision under everything that can go wrong between two calls: the caller dies, answers are lost,
//! somebody else is faster. One answer takes effect at most, and whoever asks is told the truth.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use approvals::config::Approver;
use approvals::decide::{
    Answer, Click, Desk, PATIENCE, REVISIONS, Settled, Superseding, decide, recover,
};
use approvals::policy::Refusal;
use approvals::records::{AuditKind, Decision, Via};
use approvals::{Case, Shown, Status};
use support::pipeline::CONSOLE;
use support::{Fate, Office, TOKEN, case, config};

const ONE: &str = "approvals: 1, starter_may_approve: true";
const TWO: &str = "approvals: 2, starter_may_approve: true";

/// More calls than any decision makes.
const CALLS: usize = 30;

fn slack(n: usize, decision: Decision) -> Click {
    Click {
        id: format!("click-{n}-{decision}"),
        case: case().id,
        approver: format!("slack:T0001/U{n:04}").parse().unwrap(),
        name: format!("Approver {n}"),
        decision,
        comment: Some("as discussed".into()),
        via: Via::Slack,
        from: None,
    }
}

fn link(address: &str, decision: Decision) -> Click {
    Click {
        id: format!("link-{address}-{decision}"),
        approver: Approver::Email(address.into()),
        name: String::new(),
        via: Via::Link,
        from: Some("192.0.2.7".into()),
        ..slack(0, decision)
    }
}

fn settled(answer: &Answer) -> Option<&Settled> {
    match answer {
        Answer::Decided(settled) | Answer::AlreadyDecided(settled) => Some(settled),
        _ => None,
    }
}

/// What the world says, to compare with what people are told.
fn status(office: &Office) -> Status {
    // The wait that the case is about; later ones have cases of their own.
    office.world.with(
        |state| match (state.pipeline.waits[0].status, state.pipeline.execution) {
            ("InProgress", _) => Status::Waiting,
            ("Succeeded", _) => Status::Approved,
            ("Failed", _) if state.pipeline.waits[0].by.is_some() => Status::Rejected,
            ("Failed", _) => Status::Expired,
            (_, "Superseded") => Status::Superseded,
            _ => Status::Stopped,
        },
    )
}

fn taken(office: &Office) -> usize {
    office.world.with(|state| state.pipeline.taken.len())
}

/// At most one answer took effect, what is recorded is true, and the token is nowhere.
async fn holds(office: &Office) {
    office.world.no_plan();
    assert!(taken(office) <= 1);
    let record = office.records().decision(&case().id).await.unwrap();
    if let Some(outcome) = record.and_then(|item| item.value.outcome) {
        assert_eq!(outcome.truth.status, status(office));
        let by_us = taken(office) == 1;
        assert_eq!(outcome.click.is_some(), by_us, "whose decision it was");
    }
    assert!(!office.world.items().contains(TOKEN));
}

#[tokio::test]
async fn a_yes_decides_and_leaves_records() {
    let office = Office::open(ONE).await;
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    insta::assert_snapshot!(answer, @"this decided it: approved by Approver 1 (slack:T0001/U0001)");
    let summary = office.world.with(|state| state.pipeline.taken[0].2.clone());
    insta::assert_snapshot!(summary, @"Approved by Approver 1 (slack:T0001/U0001): as discussed");
    let audits = office.records().audits(&case().id).await.unwrap();
    let told: Vec<String> = audits
        .iter()
        .map(|entry| {
            format!(
                "{:?} {} {}",
                entry.kind, entry.by[0].identified, entry.result
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Outcome true approved by Approver 1 (slack:T0001/U0001)
    Click true this decided it: approved by Approver 1 (slack:T0001/U0001)
    ");
    holds(&office).await;
}

#[tokio::test]
async fn the_order_of_effects_is_the_one_that_is_safe() {
    let office = Office::open(ONE).await;
    decide(&office.desk(), &link("lead@example.com", Decision::Approve)).await;
    insta::assert_snapshot!(office.world.calls().join(" "), @"GetItem GetItem PutItem PutItem GetPipelineState ShownAgain Query PutItem PutApprovalResult PutItem UpdateItem PutItem");
}

#[tokio::test]
async fn a_no_decides_at_once_even_where_many_must_say_yes() {
    let office = Office::open(TWO).await;
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    let answer = decide(&office.desk(), &slack(2, Decision::Reject)).await;
    assert_eq!(settled(&answer).unwrap().truth.status, Status::Rejected);
    holds(&office).await;
}

#[tokio::test]
async fn two_different_people_must_say_yes_where_two_are_needed() {
    let office = Office::open(TWO).await;
    for n in 0..3 {
        let again = Click {
            id: format!("again-{n}"),
            ..slack(1, Decision::Approve)
        };
        let answer = decide(&office.desk(), &again).await;
        assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    }
    office.hands.pass(60);
    let answer = decide(&office.desk(), &link("lead@example.com", Decision::Approve)).await;
    insta::assert_snapshot!(answer, @"this decided it: approved by Approver 1 (slack:T0001/U0001), the holder of the link of email:lead@example.com");
    holds(&office).await;
}

#[tokio::test]
async fn a_vote_of_somebody_taken_off_the_list_no_longer_counts() {
    let mut office = Office::open(TWO).await;
    decide(&office.desk(), &slack(1, Decision::Approve)).await;
    let policy = &mut office.config.routes[0].policy;
    policy
        .approvers
        .retain(|approver| approver.to_string() != "slack:T0001/U0001");
    let answer = decide(&office.desk(), &slack(2, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    assert_eq!(taken(&office), 0);
}

/// Who comes after a run that died.
#[derive(Debug, Clone, Copy)]
enum Next {
    SameClickAtOnce,
    SameClickLater,
    AnotherYes,
    AnotherNo,
    Recovery,
}

const NEXT: [Next; 5] = [
    Next::SameClickAtOnce,
    Next::SameClickLater,
    Next::AnotherYes,
    Next::AnotherNo,
    Next::Recovery,
];

async fn come(office: &Office, next: Next, click: &Click) -> Option<Answer> {
    if !matches!(next, Next::SameClickAtOnce) {
        office.hands.pass(PATIENCE.as_secs());
    }
    let desk = office.desk();
    match next {
        Next::SameClickAtOnce | Next::SameClickLater => Some(decide(&desk, click).await),
        Next::AnotherYes => Some(decide(&desk, &slack(9, Decision::Approve)).await),
        Next::AnotherNo => Some(decide(&desk, &slack(9, Decision::Reject)).await),
        Next::Recovery => recover(&desk, &case().id).await,
    }
}

/// The clicks that are tried: buttons and links, yes and no.
fn clicks() -> [Click; 4] {
    [
        slack(1, Decision::Approve),
        slack(1, Decision::Reject),
        link("lead@example.com", Decision::Approve),
        link("lead@example.com", Decision::Reject),
    ]
}

/// Tries `fate` at each call of each click, and whoever comes next.
async fn at_every_call(
    fate: Fate,
    nexts: &[Next],
    check: impl AsyncFn(&Office, &Click, Option<Answer>, Next, usize),
) {
    for click in clicks() {
        for next in nexts.iter().copied() {
            let mut reached = 0;
            for call in 0..CALLS {
                let office = Office::open(ONE).await;
                office.world.at(call, fate);
                let first = office.world.live(decide(&office.desk(), &click)).await;
                if office.world.calls().len() <= call {
                    break;
                }
                reached += 1;
                office.world.no_plan();
                check(&office, &click, first, next, call).await;
                holds(&office).await;
            }
            assert!(reached >= 8, "the clicks make {reached} calls");
        }
    }
}

async fn next_is_told_the_truth(office: &Office, click: &Click, next: Next, call: usize) {
    let mut answer = come(office, next, click).await;
    if matches!(next, Next::Recovery) && matches!(answer, None | Some(Answer::InProgress { .. })) {
        assert_eq!(
            taken(office),
            0,
            "nothing took effect, and recovery answers nobody"
        );
        answer = come(office, Next::SameClickAtOnce, click).await;
    }
    let answer = answer.unwrap();
    let settled = settled(&answer).unwrap_or_else(|| panic!("{next:?} at {call}: {answer}"));
    assert_eq!(settled.truth.status, status(office), "{next:?} at {call}");
    assert_eq!(taken(office), 1, "{next:?} at {call}");
    assert!(
        !settled.by.is_empty(),
        "{next:?} at {call}: it was decided through us"
    );
    // The next one who looks is told the same.
    let later = decide(&office.desk(), &slack(8, Decision::Approve)).await;
    let Answer::AlreadyDecided(later) = later else {
        panic!("{next:?} at {call}: {later}")
    };
    assert_eq!(
        (later.truth.status, &later.by),
        (settled.truth.status, &settled.by)
    );
}

#[tokio::test]
async fn a_run_that_dies_before_any_call_is_finished_by_whoever_comes_next() {
    at_every_call(
        Fate::DieBefore,
        &NEXT,
        async |office, click, first, next, call| {
            assert_eq!(first, None);
            next_is_told_the_truth(office, click, next, call).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_run_that_dies_after_any_call_is_finished_by_whoever_comes_next() {
    at_every_call(
        Fate::DieAfter,
        &NEXT,
        async |office, click, first, next, call| {
            assert_eq!(first, None);
            next_is_told_the_truth(office, click, next, call).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_lost_answer_of_any_call_is_never_taken_for_a_decision() {
    at_every_call(
        Fate::Lose,
        &NEXT,
        async |office, click, first, next, call| {
            let first = first.unwrap();
            match &first {
                Answer::TryAgain { .. } | Answer::InProgress { .. } => {}
                other => {
                    let settled = settled(other).unwrap_or_else(|| panic!("{call}: {other}"));
                    assert_eq!(settled.truth.status, status(office), "{call}");
                }
            }
            next_is_told_the_truth(office, click, next, call).await;
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
            Fate::Fail(status_code, code),
            &NEXT[..1],
            async |office, _, first, _, call| {
                let failed = office.world.calls()[call].clone();
                match first.unwrap() {
                    Answer::TryAgain { why } => {
                        assert!(!why.is_empty());
                        assert_eq!(taken(office), 0, "{call} {failed}");
                        let record = office.records().decision(&case().id).await.unwrap();
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
                        assert_eq!(settled.truth.status, status(office), "{call} {failed}");
                        let put = office
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

#[tokio::test]
async fn whatever_ends_the_wait_in_between_is_what_people_are_told() {
    for (fate, end) in [
        (Fate::ConsoleApproves, Status::Approved),
        (Fate::ConsoleRejects, Status::Rejected),
        (Fate::Supersede, Status::Superseded),
        (Fate::Stop, Status::Stopped),
        (Fate::Expire, Status::Expired),
    ] {
        at_every_call(fate, &NEXT[..1], async |office, _, first, _, call| {
            let answer = first.unwrap();
            let settled = settled(&answer).unwrap_or_else(|| panic!("{fate:?} {call}: {answer}"));
            assert_eq!(settled.truth.status, status(office), "{fate:?} {call}");
            if taken(office) == 0 {
                assert_eq!(settled.truth.status, end, "{fate:?} {call}");
                assert!(settled.by.is_empty(), "{fate:?} {call}: not through us");
                let console = matches!(fate, Fate::ConsoleApproves | Fate::ConsoleRejects);
                let by = settled.truth.by.as_deref();
                assert_eq!(by, console.then_some(CONSOLE), "{fate:?} {call}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_token_of_a_later_wait_is_never_answered() {
    at_every_call(
        Fate::AskAnew,
        &NEXT[..1],
        async |office, _, first, _, call| {
            let answer = first.unwrap();
            let on_old = office.world.with(|state| {
                state
                    .pipeline
                    .taken
                    .iter()
                    .all(|(token, ..)| token == TOKEN)
            });
            assert!(on_old, "{call}");
            if taken(office) == 0 {
                let told = match &answer {
                    Answer::Superseded(Superseding::AskedAnew) => true,
                    other => settled(other)
                        .is_some_and(|settled| settled.truth.status == Status::Rejected),
                };
                assert!(told, "{call}: {answer}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn what_was_changed_since_it_was_shown_is_never_approved() {
    let office = Office::open(ONE).await;
    office.world.interfere(Fate::Change);
    for click in clicks() {
        if click.decision == Decision::Approve {
            let answer = decide(&office.desk(), &click).await;
            assert_eq!(answer, Answer::Superseded(Superseding::Changed));
        }
    }
    assert_eq!(taken(&office), 0);
    rejects(&office).await;
}

/// A no is taken all the same.
async fn rejects(office: &Office) {
    let answer = decide(&office.desk(), &slack(5, Decision::Reject)).await;
    let settled = settled(&answer).unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(settled.truth.status, Status::Rejected);
    holds(office).await;
}

#[tokio::test]
async fn a_no_needs_nothing_to_be_looked_up() {
    let office = Office::open(ONE).await;
    office
        .world
        .plan(|_, call| (call == "ShownAgain").then_some(Fate::Fail(500, "InternalFailure")));
    rejects(&office).await;
    assert!(!office.world.calls().contains(&"ShownAgain".to_owned()));
}

#[tokio::test]
async fn gaps_are_never_approved() {
    for (unknown, approved) in [
        ("change sets", false),
        ("change set release of stack shop", false),
        ("changes of change set release of stack shop", false),
        ("execution", false),
        (REVISIONS, true),
    ] {
        let case = Case {
            shown: Shown {
                unknown: vec![unknown.to_owned()],
                ..support::shown("1.1.0")
            },
            ..case()
        };
        let office = Office::with(config(ONE), case).await;
        let desk = Desk {
            shown_again: &|_, case, _| Box::pin(async { Ok(case.shown.clone()) }),
            ..office.desk()
        };
        let answer = decide(&desk, &slack(1, Decision::Approve)).await;
        if approved {
            assert!(matches!(answer, Answer::Decided(_)), "{unknown}: {answer}");
        } else {
            let refused = Answer::Refused(Refusal::NothingShown);
            assert_eq!(answer, refused, "{unknown}");
            rejects(&office).await;
        }
    }
}

/// A yes of the first approver (and of the second before, if two are needed), whose run died before
/// `CodePipeline` was told, long ago.
async fn left_behind(policy: &str, people: usize) -> Office {
    let office = Office::open(policy).await;
    for person in (1..=people).rev() {
        office
            .world
            .plan(|_, call| (call == "PutApprovalResult").then_some(Fate::DieBefore));
        let click = slack(person, Decision::Approve);
        office.world.live(decide(&office.desk(), &click)).await;
    }
    office.world.no_plan();
    office.hands.pass(PATIENCE.as_secs());
    office
}

async fn stands(office: &Office) -> bool {
    let record = office.records().decision(&case().id).await.unwrap();
    record.is_some_and(|item| item.value.standing().is_some())
}

#[tokio::test]
async fn nobody_else_wakes_what_a_run_has_left_behind() {
    let office = left_behind(ONE, 1).await;
    let stranger = slack(99, Decision::Approve);
    let answer = decide(&office.desk(), &stranger).await;
    assert_eq!(answer, Answer::Refused(Refusal::NotAllowed));
    assert_eq!(taken(&office), 0);
    assert!(stands(&office).await);
}

#[tokio::test]
async fn what_a_run_has_left_behind_is_judged_by_the_present_policy() {
    let mut office = left_behind(TWO, 2).await;
    assert!(stands(&office).await);
    let policy = &mut office.config.routes[0].policy;
    let gone = "slack:T0001/U0001".parse().unwrap();
    policy.approvers.retain(|approver| *approver != gone);
    let answer = decide(&office.desk(), &slack(2, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    assert_eq!(taken(&office), 0);
    assert!(!stands(&office).await);
    // One more yes makes two of people who may decide.
    let answer = decide(&office.desk(), &slack(3, Decision::Approve)).await;
    assert_eq!(settled(&answer).unwrap().by.len(), 2);
    holds(&office).await;
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
        let mut office = left_behind(ONE, 1).await;
        office.config = config(policy);
        let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
        assert_eq!(answer, Answer::Refused(refusal));
        assert_eq!(taken(&office), 0);
        assert!(!stands(&office).await);
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
        let office = Office::open(ONE).await;
        office.world.plan(move |_, call| {
            let status = if code == "InternalFailure" { 500 } else { 400 };
            (call == "PutApprovalResult").then_some(Fate::Fail(status, code))
        });
        let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
        let in_progress = matches!(&answer, Answer::InProgress { by } if by.len() == 1);
        assert!(in_progress, "{code}: {answer}");
        assert!(stands(&office).await, "{code}: it can be carried out");
    }
    // It was taken, its answer is lost, and then nothing can be read.
    let office = Office::open(ONE).await;
    let mut sent = false;
    office.world.plan(move |_, call| match call {
        "PutApprovalResult" => {
            sent = true;
            Some(Fate::Lose)
        }
        "GetPipelineExecution" | "ListActionExecutions" | "GetPipelineState" if sent => {
            Some(Fate::Fail(400, "AccessDeniedException"))
        }
        _ => None,
    });
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert!(matches!(answer, Answer::InProgress { .. }), "{answer}");
    assert_eq!(taken(&office), 1);
}

#[tokio::test]
async fn an_intent_whose_object_has_changed_since_is_withdrawn() {
    for next in [Next::SameClickLater, Next::AnotherYes] {
        let office = Office::open(ONE).await;
        office
            .world
            .plan(|_, call| (call == "PutApprovalResult").then_some(Fate::DieBefore));
        let click = slack(1, Decision::Approve);
        assert_eq!(
            office.world.live(decide(&office.desk(), &click)).await,
            None
        );
        office.world.no_plan();
        office.world.interfere(Fate::Change);
        let answer = come(&office, next, &click).await;
        assert_eq!(answer, Some(Answer::Superseded(Superseding::Changed)));
        assert_eq!(taken(&office), 0);
        let record = office
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
    let office = Office::open(ONE).await;
    office
        .world
        .plan(|_, call| (call == "PutApprovalResult").then_some(Fate::DieBefore));
    office
        .world
        .live(decide(&office.desk(), &slack(1, Decision::Approve)))
        .await;
    office.world.no_plan();
    let answer = decide(&office.desk(), &slack(2, Decision::Reject)).await;
    let Answer::InProgress { by } = answer else {
        panic!("{answer}")
    };
    assert_eq!(by[0].approver, "slack:T0001/U0001");
    office.hands.pass(PATIENCE.as_secs() - 1);
    assert!(matches!(
        recover(&office.desk(), &case().id).await,
        Some(Answer::InProgress { .. })
    ));
    assert_eq!(taken(&office), 0);
}

#[tokio::test]
async fn a_no_outweighs_a_yes_that_never_took_effect() {
    let office = Office::open(ONE).await;
    office
        .world
        .plan(|_, call| (call == "PutApprovalResult").then_some(Fate::DieBefore));
    office
        .world
        .live(decide(&office.desk(), &slack(1, Decision::Approve)))
        .await;
    office.world.no_plan();
    office.hands.pass(PATIENCE.as_secs());
    let answer = decide(&office.desk(), &slack(2, Decision::Reject)).await;
    insta::assert_snapshot!(answer, @"this decided it: rejected by Approver 2 (slack:T0001/U0002)");
    holds(&office).await;
}

#[tokio::test]
async fn a_used_link_says_what_it_said_first() {
    let office = Office::open(TWO).await;
    let first = link("lead@example.com", Decision::Approve);
    decide(&office.desk(), &first).await;
    let again = Click {
        comment: Some("something else".into()),
        ..first.clone()
    };
    let answer = decide(&office.desk(), &again).await;
    assert_eq!(
        answer,
        Answer::Recorded { have: 1, need: 2 },
        "it counts once"
    );
    let votes = office.records().votes(&case().id).await.unwrap();
    assert_eq!(votes[0].comment, first.comment);
    assert!(!votes[0].voter.identified, "a link identifies nobody");
}

#[tokio::test]
async fn a_link_whose_run_died_goes_on_with_what_it_said_first() {
    let office = Office::open(ONE).await;
    let first = link("lead@example.com", Decision::Approve);
    office
        .world
        .plan(|_, call| (call == "GetPipelineState").then_some(Fate::DieBefore));
    let died = office.world.live(decide(&office.desk(), &first)).await;
    assert_eq!(died, None);
    office.world.no_plan();
    let again = Click {
        comment: Some("something else".into()),
        ..first
    };
    let answer = decide(&office.desk(), &again).await;
    assert_eq!(
        settled(&answer).unwrap().comment.as_deref(),
        Some("as discussed")
    );
}

#[tokio::test]
async fn nobody_but_the_listed_may_decide_and_nothing_is_called_for_them() {
    let office = Office::open(ONE).await;
    for stranger in [
        "slack:T0002/U0001",
        "slack:T0001/U0099",
        "link:room",
        "email:who@example.com",
    ] {
        for decision in [Decision::Approve, Decision::Reject] {
            let click = Click {
                approver: stranger.parse().unwrap(),
                ..slack(1, decision)
            };
            let answer = decide(&office.desk(), &click).await;
            assert_eq!(answer, Answer::Refused(Refusal::NotAllowed), "{stranger}");
        }
    }
    assert_eq!(taken(&office), 0);
    assert!(
        office
            .world
            .calls()
            .iter()
            .all(|call| call == "GetItem" || call == "PutItem")
    );
    let audits = office.records().audits(&case().id).await.unwrap();
    assert_eq!(audits.len(), 8, "each attempt is in the audit");
    assert!(audits.iter().all(|entry| entry.kind == AuditKind::Click));
}

#[tokio::test]
async fn the_starter_is_looked_up_if_it_was_not_known_and_barred() {
    let policy = "approvals: 1, starters: {'slack:T0001/U0001': ['release-manager'], 'slack:T0001/U0002': ['another']}";
    let mut case = case();
    case.briefing.starter = None;
    let office = Office::with(config(policy), case).await;
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::StarterBarred));
    let answer = decide(&office.desk(), &slack(3, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::MayBeStarter));
    office.world.plan(|_, call| {
        (call == "GetPipelineExecution").then_some(Fate::Fail(500, "InternalFailure"))
    });
    let answer = decide(&office.desk(), &slack(2, Decision::Approve)).await;
    assert!(matches!(answer, Answer::TryAgain { .. }), "{answer}");
    assert_eq!(taken(&office), 0);
    office.world.no_plan();
    let answer = decide(&office.desk(), &slack(2, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
}

#[tokio::test]
async fn what_was_not_bound_when_it_was_shown_can_not_be_approved() {
    let office = Office::with(
        config(ONE),
        Case {
            shown: Shown::default(),
            ..case()
        },
    )
    .await;
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::NothingShown));
    assert_eq!(taken(&office), 0);
}

#[tokio::test]
async fn a_lost_route_lets_nobody_decide() {
    let mut office = Office::open(ONE).await;
    office.config.routes[0].name = "another".into();
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::NoRoute));
}

#[tokio::test]
async fn a_pipeline_that_runs_in_parallel_is_answered_too() {
    let office = Office::open(ONE).await;
    office.world.with(|state| state.pipeline.parallel = true);
    let answer = decide(&office.desk(), &slack(1, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    holds(&office).await;
}

#[tokio::test]
async fn a_pasted_token_is_kept_nowhere() {
    let office = Office::open(ONE).await;
    let click = Click {
        comment: Some(format!(
            "see https://console/#/Approve/approve/{TOKEN}\u{202e}\u{7}"
        )),
        name: format!("I am {TOKEN}"),
        ..slack(1, Decision::Approve)
    };
    let answer = decide(&office.desk(), &click).await;
    assert!(!format!("{answer:?}").contains(TOKEN));
    let summary = office.world.with(|state| state.pipeline.taken[0].2.clone());
    insta::assert_snapshot!(summary, @"Approved by I am *** (slack:T0001/U0001): see https://console/#/Approve/approve/***");
    holds(&office).await;
}
