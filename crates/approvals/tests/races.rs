//! Up to 50 people at once, in any order, while calls fail and runs die: one answer takes effect, it is
//! one that the policy allows, and everybody is told the truth about it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::approvals as support;

use std::collections::BTreeSet;

use approvals::decide::{Answer, Click, STALE_AFTER, decide, recover};
use approvals::records::Decision;
use futures::future::join_all;
use ledger::Via;
use proptest::prelude::*;
use support::{Act, CallFault, Fixture, TOKEN, case};

/// A race, as it is drawn.
#[derive(Debug, Clone)]
struct Race {
    /// Who clicks, and whether it is a yes.
    clicks: Vec<(usize, bool)>,
    need: u32,
    /// Of a thousand calls, so many go wrong.
    trouble: u64,
    /// Whether and at which call somebody decides in the console.
    console: Option<(usize, bool)>,
    seed: u64,
}

fn race() -> impl Strategy<Value = Race> {
    let clicks = prop::collection::vec((1_usize..20, prop::bool::weighted(0.8)), 1..=50);
    let console = prop::option::weighted(0.3, (0_usize..60, any::<bool>()));
    let trouble = prop_oneof![Just(0_u64), Just(20), Just(150)];
    (clicks, 1_u32..5, trouble, console, 1_u64..).prop_map(
        |(clicks, need, trouble, console, seed)| Race {
            clicks,
            need,
            trouble,
            console,
            seed,
        },
    )
}

/// Small and good enough to mix things up (Marsaglia's xorshift).
fn dice(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |sides| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    }
}

fn click(n: usize, person: usize, yes: bool) -> Click {
    let by_link = person == 19;
    Click {
        form: None,
        id: if by_link {
            format!("link-{yes}")
        } else {
            format!("click-{n}")
        },
        case: case().id,
        approver: if by_link {
            "email:lead@example.com".parse().unwrap()
        } else {
            format!("slack:T0001/U{person:04}").parse().unwrap()
        },
        name: format!("Approver {person}"),
        decision: if yes {
            Decision::Approve
        } else {
            Decision::Reject
        },
        comment: None,
        via: if by_link { Via::Link } else { Via::Slack },
        from: None,
    }
}

async fn run(race: &Race) {
    let policy = format!("approvals: {}, starter_may_approve: true", race.need);
    let fixture = Fixture::open(&policy).await;
    let mut order = dice(race.seed);
    fixture
        .world
        .patience(move || usize::try_from(order(7)).unwrap());
    let mut fortune = dice(race.seed.rotate_left(32) | 1);
    let (trouble, console) = (race.trouble, race.console);
    fixture.world.plan(move |n, _| {
        if let Some((at, yes)) = console
            && at == n
        {
            return Some(if yes {
                CallFault::Before(Act::ConsoleApproves)
            } else {
                CallFault::Before(Act::ConsoleRejects)
            });
        }
        (fortune(1000) < trouble).then(|| match fortune(6) {
            0 => CallFault::DieBefore,
            1 => CallFault::DieAfter,
            2 | 3 => CallFault::Lose,
            4 => CallFault::Fail(500, "InternalFailure"),
            _ => CallFault::Fail(400, "ThrottlingException"),
        })
    });
    let clicks: Vec<Click> = race
        .clicks
        .iter()
        .enumerate()
        .map(|(n, (person, yes))| click(n, *person, *yes))
        .collect();
    let context = fixture.context();
    let mut answers: Vec<Option<Answer>> = join_all(
        clicks
            .iter()
            .map(|click| fixture.world.live(decide(&context, click))),
    )
    .await;
    fixture.world.no_plan();
    fixture.hands.pass(STALE_AFTER.as_secs());
    answers.push(recover(&context, &case().id).await);
    answers.push(Some(decide(&context, &click(99, 18, true)).await));
    check(race, &fixture, &clicks, &answers).await;
}

async fn check(race: &Race, fixture: &Fixture, clicks: &[Click], answers: &[Option<Answer>]) {
    let (status, taken) = fixture
        .world
        .with(|state| (state.pipeline.latest().status, state.pipeline.taken.clone()));
    assert!(taken.len() <= 1, "{taken:?}");
    let action_state = match status {
        "Succeeded" => Some(approvals::Status::Approved),
        "Failed" => Some(approvals::Status::Rejected),
        _ => None,
    };
    let mut deciders = 0;
    for answer in answers.iter().flatten() {
        match answer {
            Answer::Decided(settled) | Answer::AlreadyDecided(settled) => {
                assert_eq!(Some(settled.action_state.status), action_state, "{answer}");
                assert_eq!(settled.by.is_empty(), taken.is_empty(), "{answer}");
                deciders += u32::from(matches!(answer, Answer::Decided(_)));
            }
            Answer::Recorded { have, need } => assert!(have < need && *need == race.need),
            Answer::InProgress { .. } => {}
            Answer::TryAgain { .. } => {
                assert!(race.trouble > 0 || race.console.is_some(), "{answer}");
            }
            other => panic!("nothing here is a reason for: {other}"),
        }
    }
    // A link that is sent twice is one click.
    assert!(
        deciders <= 1 || clicks.iter().any(|click| click.via == Via::Link),
        "{deciders}"
    );
    let yes: BTreeSet<String> = clicks
        .iter()
        .filter(|click| click.decision == Decision::Approve)
        .map(|click| click.approver.to_string())
        .chain(["slack:T0001/U0018".to_owned()])
        .collect();
    let record = fixture.records().decision(&case().id).await.unwrap();
    if let Some((_, said, _)) = taken.first() {
        let record = record
            .expect("what took effect was written down before")
            .value;
        let decisive = record.decisive().expect("and is recognised as ours");
        assert_eq!(decisive.decision.past(), said);
        let voters: BTreeSet<&str> = decisive
            .by
            .iter()
            .map(|voter| voter.approver.as_str())
            .collect();
        if said == "Approved" {
            assert!(voters.len() >= race.need as usize, "{voters:?}");
            assert!(
                voters.iter().all(|voter| yes.contains(*voter)),
                "{voters:?}"
            );
        }
    } else if race.trouble == 0 && race.console.is_none() {
        let no = clicks
            .iter()
            .any(|click| click.decision == Decision::Reject);
        assert!(
            !no && yes.len() < race.need as usize,
            "enough have answered"
        );
    }
    assert!(!fixture.world.items().contains(TOKEN));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_one_answer_counts_and_everybody_is_told_the_truth(race in race()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&race));
    }
}

#[tokio::test]
async fn fifty_clicks_at_once_leave_exactly_one_decision() {
    for seed in 1..=4 {
        let clicks: Vec<(usize, bool)> = (0..50).map(|n| (n % 17 + 1, n % 3 != 0)).collect();
        let race = Race {
            clicks,
            need: 3,
            trouble: 0,
            console: None,
            seed,
        };
        run(&race).await;
    }
}

#[tokio::test]
async fn fifty_times_yes_by_fifty_people_is_one_yes() {
    let fixture = Fixture::open("approvals: 1, starter_may_approve: true").await;
    let mut order = dice(7);
    fixture
        .world
        .patience(move || usize::try_from(order(9)).unwrap());
    let clicks: Vec<Click> = (1..=50)
        .map(|n| Click {
            approver: format!("slack:T0001/U{n:04}").parse().unwrap(),
            ..click(n, 1, true)
        })
        .collect();
    let context = fixture.context();
    let answers = join_all(clicks.iter().map(|click| decide(&context, click))).await;
    let decided = answers
        .iter()
        .filter(|answer| matches!(answer, Answer::Decided(_)));
    assert_eq!(decided.count(), 1);
    let taken = fixture.world.with(|state| state.pipeline.taken.len());
    assert_eq!(taken, 1);
    let calls = fixture.world.calls();
    let puts = calls.iter().filter(|call| *call == "PutApprovalResult");
    assert_eq!(puts.count(), 1, "the others did not even try");
}
