//! Rounds: when each one starts, and when there is no further one.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::attempt::{self, RunContext};
use crate::suite::Severity;
use crate::verdict::past_limit;

/// Measures every check once a round, until the round at the end of the window was measured or a
/// required check is past a limit. Says whether the window was completed.
pub(super) async fn measure(run: Arc<RunContext>) -> bool {
    let end = run.begun + run.bake.window;
    loop {
        let started = Instant::now();
        one_round(&run).await;
        if stopped_by_limit(&run) {
            return false;
        }
        if started >= end {
            return true;
        }
        sleep_until(next_start(&run, Instant::now()).min(end)).await;
    }
}

/// The next multiple of `every`. A round that took longer leaves out what it overran.
fn next_start(run: &RunContext, now: Instant) -> Instant {
    let every = run.bake.every.as_nanos().max(1);
    let passed = now.saturating_duration_since(run.begun).as_nanos() / every;
    let next = u32::try_from(passed + 1).unwrap_or(u32::MAX);
    run.begun + run.bake.every.saturating_mul(next)
}

async fn one_round(run: &Arc<RunContext>) {
    run.probe.clients.forget_connections();
    run.recorder.open_round(run.begun.elapsed());
    let slots = Arc::new(Semaphore::new(run.concurrency));
    let mut tasks = JoinSet::new();
    for index in 0..run.checks.len() {
        // Waited for here and not in the task: checks begin in the order of the suite.
        let slot = Arc::clone(&slots).acquire_owned().await;
        run.recorder.begin(index, run.begun.elapsed());
        let run = Arc::clone(run);
        tasks.spawn(async move {
            let _slot = slot.expect("nobody closes the semaphore");
            let check = AssertUnwindSafe(attempt::check(&run, index)).catch_unwind();
            if let Err(panic) = check.await {
                // Otherwise the check would look like one that the deadline cut.
                attempt::broken(&run, index, &*panic);
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

fn stopped_by_limit(run: &RunContext) -> bool {
    run.checks.iter().enumerate().any(|(index, check)| {
        check.severity == Severity::Required
            && past_limit(&run.recorder.measurements(index), &run.bake)
    })
}
