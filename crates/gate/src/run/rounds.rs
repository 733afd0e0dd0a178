//! Rounds: when each one starts, and when there is no further one.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::attempt;
use super::context::RunContext;
use super::rounds_end::RoundsEnd;
use super::sampling;
use crate::progress::Progress;
use crate::severity::Severity;
use crate::suite::Check;
use crate::verdict::RoundOutcome;

/// A round is given at least this long.
const MIN_ROUND_TIME: Duration = Duration::from_secs(1);

/// Kept back for handing a run on, after all that could be waited for was.
const HANDOVER_RESERVE: Duration = Duration::from_secs(2);

/// Measures every check once a round, until the run has ended or is handed on.
pub(super) async fn measure(run: Arc<RunContext>) -> RoundsEnd {
    let severities: Vec<Severity> = run.checks.iter().map(|check| check.severity).collect();
    let mut state = run.prior.clone();
    let mut has_measured = false;
    loop {
        let next_round = state.next_round;
        if hands_on(&run, next_round, has_measured) {
            sit_out(&run, next_round).await;
            return RoundsEnd::Paused { next_round };
        }
        sleep_until(run.instant_of(next_round)).await;
        let started = run.elapsed();
        if let Some(speaker) = &run.speaker {
            speaker.say(Progress::RoundBegun {
                number: state.rounds() + 1,
                elapsed: started,
            });
        }
        one_round(&run).await;
        has_measured = true;
        state.record((0..run.checks.len()).map(|index| run.recorder.last(index)));
        if let RoundOutcome::Ended(end) = state.step(&run.bake, &severities, started) {
            return RoundsEnd::Ended(end);
        }
        state.schedule_next(&run.bake, run.elapsed());
    }
}

/// Whether the next round is for another invocation. One that has not measured anything stays for a round that is
/// due, however little time is left: otherwise the run would be handed on for ever.
fn hands_on(run: &RunContext, next_round: Duration, has_measured: bool) -> bool {
    let Some(policy) = run.pause else {
        return false;
    };
    let wait = next_round.saturating_sub(run.elapsed());
    if wait.is_zero() && !has_measured {
        return false;
    }
    let time = run.function_deadline.saturating_duration_since(run.begun);
    let room =
        max_round_time(&run.checks, run.concurrency, run.sampled_percent.is_some()).min(time / 2);
    wait >= policy.min_wait || Instant::now() + wait + room > run.function_deadline
}

/// Waits until the round is due, or as long as there is time.
async fn sit_out(run: &RunContext, next_round: Duration) {
    if run.pause.is_some_and(|policy| policy.sits_out) {
        let latest = run
            .function_deadline
            .checked_sub(HANDOVER_RESERVE)
            .unwrap_or(run.begun);
        sleep_until(run.instant_of(next_round).min(latest)).await;
    }
}

/// The longest that a round of `checks` may take, by what the suite allows each of them.
fn max_round_time(checks: &[Check], concurrency: usize, sampled: bool) -> Duration {
    let longest = |check: &Check| {
        let retry = check.retry;
        let sampling = if sampled {
            sampling::MAX_TIME
        } else {
            Duration::ZERO
        };
        let one = retry.timeout + retry.retry_every + sampling;
        let tries = one.saturating_mul(retry.retries + 1);
        retry.within.map_or(tries, |within| tries.min(within))
    };
    let times = checks.iter().map(longest);
    let (sum, max) = times.fold((Duration::ZERO, Duration::ZERO), |(sum, max), time| {
        (sum.saturating_add(time), max.max(time))
    });
    let concurrency = u32::try_from(concurrency.max(1)).unwrap_or(u32::MAX);
    // Whoever waits for a slot waits while all slots are in use.
    (sum / concurrency + max).max(MIN_ROUND_TIME)
}

async fn one_round(run: &Arc<RunContext>) {
    run.probe.clients.forget_connections();
    run.recorder.open_round(run.elapsed());
    let slots = Arc::new(Semaphore::new(run.concurrency));
    let mut tasks = JoinSet::new();
    for index in 0..run.checks.len() {
        // Waited for here and not in the task: checks begin in the order of the suite.
        let slot = Arc::clone(&slots).acquire_owned().await;
        run.recorder.begin(index, run.elapsed());
        let run = Arc::clone(run);
        tasks.spawn(async move {
            let _slot = slot.expect("nobody closes the semaphore");
            let check = AssertUnwindSafe(attempt::check(&run, index)).catch_unwind();
            if let Err(panic) = check.await {
                // Otherwise the check would look like one that the deadline cut.
                attempt::broken(&run, index, &*panic);
            }
            attempt::say(&run, index);
        });
    }
    while tasks.join_next().await.is_some() {}
}
