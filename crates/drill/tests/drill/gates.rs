//! The gates, by each contract: the storms of `test_support::gates`.

use drill::{Row, Tally};
use test_support::gates::storm::{self, Contract};

use crate::story::paced;

/// A hook before traffic.
pub fn codedeploy(count: usize, seed: u64) -> Vec<Row> {
    row(
        "pre-traffic",
        "CodeDeploy",
        Contract::CodeDeploy,
        count,
        seed,
    )
}

/// A bake after traffic, which the function hands to itself.
pub fn bake(count: usize, seed: u64) -> Vec<Row> {
    row(
        "post-traffic",
        "CodeDeploy",
        Contract::CodeDeployBake,
        count,
        seed,
    )
}

/// A canary with both gates.
pub fn ecs(count: usize, seed: u64) -> Vec<Row> {
    row(
        "pre-, post-traffic",
        "ECS, a canary",
        Contract::Ecs,
        count,
        seed,
    )
}

/// Jobs with continuation tokens.
pub fn codepipeline(count: usize, seed: u64) -> Vec<Row> {
    row(
        "pre-, post-traffic",
        "CodePipeline",
        Contract::CodePipeline,
        count,
        seed,
    )
}

/// A run has an invocation at least.
#[allow(clippy::similar_names, reason = "short in a test")]
fn row(
    function: &'static str,
    caller: &'static str,
    contract: Contract,
    count: usize,
    seed: u64,
) -> Vec<Row> {
    let seen = paced(storm::run(contract, count as u64, seed));
    let mut tally = Tally {
        invocations: seen.invocations,
        faults: seen.faults,
        answered: seen.answered,
        unheard: seen.unheard,
        passes: seen.passes,
        false_passes: seen.false_passes,
        slowest: seen.slowest,
        wrong: seen.wrong,
    };
    if tally.answered + tally.unheard + tally.wrong.len() != count {
        tally.wrong.push("a run has no end".to_owned());
    }
    vec![Row {
        function,
        caller,
        tally,
    }]
}
