//! Links that are used again, and who may decide at all.

use super::*;

#[tokio::test]
async fn a_used_link_says_what_it_said_first() {
    let fixture = Fixture::open(TWO).await;
    let first = link("lead@example.com", Decision::Approve);
    decide(&fixture.context(), &first).await;
    let again = Click {
        comment: Some("something else".into()),
        ..first.clone()
    };
    let answer = decide(&fixture.context(), &again).await;
    assert_eq!(
        answer,
        Answer::Recorded { have: 1, need: 2 },
        "it counts once"
    );
    let votes = fixture.records().votes(&case().id).await.unwrap();
    assert_eq!(votes[0].comment, first.comment);
    assert!(!votes[0].voter.identified, "a link identifies nobody");
}

#[tokio::test]
async fn whoever_says_yes_by_a_link_once_more_has_said_so_last() {
    let fixture = Fixture::open(TWO).await;
    let sent = |form: &str, decision| Click {
        form: Some(form.into()),
        ..link("lead@example.com", decision)
    };
    let yes = sent("first", Decision::Approve);
    decide(&fixture.context(), &yes).await;
    // The no takes the yes back, and gets no further.
    let throttled = |_, call: &str| (call == "GetPipelineState").then_some(CallFault::DieBefore);
    fixture.world.plan(throttled);
    let no = sent("second", Decision::Reject);
    let died = fixture.world.live(decide(&fixture.context(), &no)).await;
    assert_eq!(died, None);
    fixture.world.no_plan();
    let votes = async || fixture.records().votes(&case().id).await.unwrap().len();
    assert_eq!(votes().await, 0);
    // The form of the first yes that comes again is the yes that was taken back.
    decide(&fixture.context(), &yes).await;
    assert_eq!(votes().await, 0);
    let answer = decide(&fixture.context(), &sent("third", Decision::Approve)).await;
    assert_eq!(votes().await, 1, "{answer:?}");
}

#[tokio::test]
async fn a_link_whose_run_died_goes_on_with_what_it_said_first() {
    let fixture = Fixture::open(ONE).await;
    let first = link("lead@example.com", Decision::Approve);
    fixture
        .world
        .plan(|_, call| (call == "GetPipelineState").then_some(CallFault::DieBefore));
    let died = fixture.world.live(decide(&fixture.context(), &first)).await;
    assert_eq!(died, None);
    fixture.world.no_plan();
    let again = Click {
        comment: Some("something else".into()),
        ..first
    };
    let answer = decide(&fixture.context(), &again).await;
    assert_eq!(
        settled(&answer).unwrap().comment.as_deref(),
        Some("as discussed")
    );
}

#[tokio::test]
async fn nobody_but_the_listed_may_decide_and_nothing_is_called_for_them() {
    let fixture = Fixture::open(ONE).await;
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
            let answer = decide(&fixture.context(), &click).await;
            assert_eq!(answer, Answer::Refused(Refusal::NotAllowed), "{stranger}");
        }
    }
    assert_eq!(taken(&fixture), 0);
    assert!(fixture.world.calls().iter().all(|call| {
        ["GetItem", "PutItem", "UpdateItem", "ExecuteStatement"].contains(&call.as_str())
    }));
    let audits = fixture.records().audits(&case().id).await.unwrap();
    assert_eq!(audits.len(), 8, "each attempt is in the audit");
    assert!(audits.iter().all(|entry| entry.kind == AuditKind::Click));
}

#[tokio::test]
async fn the_starter_is_looked_up_if_it_was_not_known_and_barred() {
    let policy = "approvals: 1, starters: {'slack:T0001/U0001': ['release-manager'], 'slack:T0001/U0002': ['another']}";
    let mut case = case();
    case.briefing.starter = None;
    let fixture = Fixture::with(config(policy), case).await;
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::StarterBarred));
    let answer = decide(&fixture.context(), &slack(3, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::MayBeStarter));
    fixture.world.plan(|_, call| {
        (call == "GetPipelineExecution").then_some(CallFault::Fail(500, "InternalFailure"))
    });
    let answer = decide(&fixture.context(), &slack(2, Decision::Approve)).await;
    assert!(matches!(answer, Answer::TryAgain { .. }), "{answer}");
    assert_eq!(taken(&fixture), 0);
    fixture.world.no_plan();
    let answer = decide(&fixture.context(), &slack(2, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
}

#[tokio::test]
async fn what_was_not_bound_when_it_was_shown_can_not_be_approved() {
    let fixture = Fixture::with(
        config(ONE),
        Case {
            shown: ShownDigest::default(),
            ..case()
        },
    )
    .await;
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::NothingShown));
    assert_eq!(taken(&fixture), 0);
}

#[tokio::test]
async fn a_lost_route_lets_nobody_decide() {
    let mut fixture = Fixture::open(ONE).await;
    fixture.config.routes[0].name = "another".into();
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::NoRoute));
}

#[tokio::test]
async fn a_pipeline_that_runs_in_parallel_is_answered_too() {
    let fixture = Fixture::open(ONE).await;
    fixture.world.with(|state| state.pipeline.parallel = true);
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    holds(&fixture).await;
}

#[tokio::test]
async fn a_pasted_token_is_kept_nowhere() {
    let fixture = Fixture::open(ONE).await;
    let click = Click {
        comment: Some(format!(
            "see https://console/#/Approve/approve/{TOKEN}\u{202e}\u{7}"
        )),
        name: format!("I am {TOKEN}"),
        ..slack(1, Decision::Approve)
    };
    let answer = decide(&fixture.context(), &click).await;
    assert!(!format!("{answer:?}").contains(TOKEN));
    let summary = fixture
        .world
        .with(|state| state.pipeline.taken[0].2.clone());
    insta::assert_snapshot!(summary, @"Approved by I am *** (slack:T0001/U0001): see https://console/#/Approve/approve/***��");
    holds(&fixture).await;
}

#[tokio::test]
async fn a_yes_does_not_count_after_the_same_person_has_said_no() {
    for failing in ["PutApprovalResult", "GetPipelineState"] {
        let fixture = Fixture::open(TWO).await;
        decide(&fixture.context(), &slack(1, Decision::Approve)).await;
        let throttled = CallFault::Fail(400, "ThrottlingException");
        fixture
            .world
            .plan(move |_, call| (call == failing).then_some(throttled));
        let answer = decide(&fixture.context(), &slack(1, Decision::Reject)).await;
        assert!(
            matches!(answer, Answer::TryAgain { .. }),
            "{failing}: {answer}"
        );
        fixture.world.no_plan();
        let answer = decide(&fixture.context(), &slack(2, Decision::Approve)).await;
        assert_eq!(answer, Answer::Recorded { have: 1, need: 2 }, "{failing}");
        assert_eq!(taken(&fixture), 0, "{failing}");
        // A run of the first click that comes once more says nothing new.
        let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
        assert_eq!(answer, Answer::Recorded { have: 1, need: 2 }, "{failing}");
        // Whoever says yes once more has said so last.
        let again = Click {
            id: "again".into(),
            ..slack(1, Decision::Approve)
        };
        let answer = decide(&fixture.context(), &again).await;
        assert_eq!(settled(&answer).unwrap().by.len(), 2, "{failing}: {answer}");
        holds(&fixture).await;
    }
}

#[tokio::test]
async fn a_push_needs_two_people_though_the_route_asks_for_one() {
    let policy = "approvals: 1, starters: {'slack:T0001/U0001': [alex], 'slack:T0001/U0002': [sam], \
                  'email:lead@example.com': [alex]}";
    let mut case = case();
    let starter = case.briefing.starter.as_mut().unwrap();
    starter.trigger = "WebhookV2".into();
    let fixture = Fixture::with(config(policy), case).await;
    let first = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert_eq!(first, Answer::Recorded { have: 1, need: 2 });
    // The same person by another id is not another person.
    let same = link("lead@example.com", Decision::Approve);
    let answer = decide(&fixture.context(), &same).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    let stranger = decide(&fixture.context(), &slack(3, Decision::Approve)).await;
    assert_eq!(stranger, Answer::Refused(Refusal::MayBeStarter));
    assert_eq!(taken(&fixture), 0);
    let second = decide(&fixture.context(), &slack(2, Decision::Approve)).await;
    assert_eq!(settled(&second).unwrap().by.len(), 2);
}

#[tokio::test]
async fn attempts_without_end_are_counted_and_not_listed_one_by_one() {
    let fixture = Fixture::open(ONE).await;
    let stranger = |n: u32, who: &str| Click {
        id: format!("click-{n}"),
        approver: who.parse().unwrap(),
        ..slack(1, Decision::Approve)
    };
    for n in 0..30 {
        decide(&fixture.context(), &stranger(n, "slack:T0009/U0009")).await;
    }
    decide(&fixture.context(), &stranger(99, "slack:T0009/U0008")).await;
    let audits = fixture.records().audits(&case().id).await.unwrap();
    assert_eq!(audits.len(), 22);
    let counted: Vec<&str> = audits.iter().map(|audit| audit.result.as_str()).collect();
    let more: Vec<&&str> = counted
        .iter()
        .filter(|result| result.starts_with("10 more attempts"))
        .collect();
    assert_eq!(more.len(), 1, "{counted:?}");
    // What decides is always listed.
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert!(settled(&answer).is_some(), "{answer}");
    let audits = fixture.records().audits(&case().id).await.unwrap();
    assert!(
        audits
            .iter()
            .any(|audit| audit.result.starts_with("this decided it"))
    );
}
