//! Each call of AWS of each contract in turn: refused, throttled, cut off, hanging, lost and late. Whatever happens, the
//! caller is answered before the deadline, and nothing broken passes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use support::aws::{FAULTS, Fault, Plan, none};
use support::storm::{Contract, under};

/// How many runs go on side by side.
const MAX_CONCURRENT: usize = 20;

/// Calls that give the caller its answer: where they fail for good, nobody can be told.
const ANSWERS: [&str; 3] = [
    "PutLifecycleEventHookExecutionStatus",
    "PutJobSuccessResult",
    "PutJobFailureResult",
];

/// Which of the calls of an operation go wrong.
#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    /// The first one is carried out.
    AllButFirst,
}

async fn matrix(contract: Contract, least_calls: usize) {
    let _time = paced_time::start();
    let (good, calls) = under(contract, false, none()).await;
    assert_eq!((good.passes, good.answered), (1, 1), "{good:#?}");
    let (bad, calls_of_bad) = under(contract, true, none()).await;
    assert_eq!((bad.passes, bad.answered), (0, 1), "{bad:#?}");
    let calls: BTreeSet<String> = calls.into_iter().chain(calls_of_bad).collect();
    assert!(calls.len() >= least_calls, "{calls:?}");
    let kinds = [
        (false, Which::All),
        (false, Which::AllButFirst),
        (true, Which::All),
    ];
    let cases: Vec<_> = calls
        .iter()
        .flat_map(|call| FAULTS.map(|fault| (call.clone(), fault)))
        .flat_map(|(call, fault)| kinds.map(|kind| (call.clone(), fault, kind)))
        .collect();
    let count = cases.len();
    let runs = cases
        .into_iter()
        .map(|(call, fault, kind)| met(contract, call, fault, kind));
    let done: Vec<()> = stream::iter(runs)
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await;
    assert_eq!(done.len(), count);
}

async fn met(contract: Contract, call: String, fault: Fault, (broken, which): (bool, Which)) {
    let meant = call.clone();
    let plan: Plan = Arc::new(move |operation, n| {
        let hit = match which {
            Which::All => true,
            Which::AllButFirst => n > 0,
        };
        (operation == meant && hit).then_some(fault)
    });
    let (tally, _) = under(contract, broken, plan).await;
    let case = format!("{contract:?}, {fault:?} at {which:?} {call}, broken: {broken}: {tally:#?}");
    assert_eq!(tally.wrong, Vec::<String>::new(), "{case}");
    assert_eq!(
        (tally.false_passes, tally.answered + tally.unheard),
        (0, 1),
        "{case}"
    );
    let is_answer = ANSWERS.contains(&call.as_str());
    assert!(tally.unheard == 0 || is_answer, "{case}");
    // Whoever waits for people looks for their answer within a second.
    if fault == Fault::Slow && !broken && contract != Contract::Question {
        assert_eq!(tally.passes, 1, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn codedeploy_before_traffic() {
    matrix(Contract::CodeDeploy, 11).await;
}

#[tokio::test(start_paused = true)]
async fn codedeploy_through_a_bake_that_the_function_hands_to_itself() {
    matrix(Contract::CodeDeployBake, 12).await;
}

#[tokio::test(start_paused = true)]
async fn ecs_through_a_canary_with_callbacks() {
    matrix(Contract::Ecs, 8).await;
}

#[tokio::test(start_paused = true)]
async fn codepipeline_through_its_continuation_tokens() {
    matrix(Contract::CodePipeline, 4).await;
}

#[tokio::test(start_paused = true)]
async fn people_who_are_asked() {
    matrix(Contract::Question, 10).await;
}
