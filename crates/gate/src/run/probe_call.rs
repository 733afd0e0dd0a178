//! One probe, asked once: back by its limits, whatever it does.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, timeout_at};

use super::context::RunContext;
use crate::evidence::Observation;
use crate::measurement::Measurement;
use crate::probe::{ProbeContext, ProbeError, ProbeKind, Trace};
use crate::suite::Check;
use crate::words::{self, panic_message};

pub(super) async fn execute(
    run: &RunContext,
    context: &ProbeContext,
    check: &Check,
    limit: Instant,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let within = words::duration(check.retry.within.unwrap_or_default());
    let asked = ProbeCall {
        kind: check.probe.kind(),
        timeout: check.retry.timeout,
        limit_words: &format!("all tries together may take {within}"),
    };
    ask(run, context, asked, limit, trace).await
}

/// Where a limit is that of all tries together, the last try meets it hardly before its own, which is the one to name.
const SAME_LIMIT: Duration = Duration::from_millis(20);

/// What is asked once, of a check or of a step.
pub(super) struct ProbeCall<'a> {
    pub(super) kind: &'a dyn ProbeKind,
    pub(super) timeout: Duration,
    /// What the limit beyond its own is.
    pub(super) limit_words: &'a str,
}

/// Asks, and is back by the limits, whatever the probe does.
pub(super) async fn ask(
    run: &RunContext,
    context: &ProbeContext,
    asked: ProbeCall<'_>,
    limit: Instant,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let ProbeCall { kind, timeout, .. } = asked;
    let begun = Instant::now();
    let own_limit = begun + timeout;
    let cut = own_limit.min(limit);
    // Whoever was silent: the target, or somebody who says nothing about it.
    let silent = |message| ProbeError {
        measurement: kind.profile().silence,
        message,
    };
    let probe = AssertUnwindSafe(kind.execute(context, trace)).catch_unwind();
    match timeout_at(cut, probe).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(panic)) => Err(ProbeError::errored(format!(
            "the probe panicked: {}",
            panic_message(&*panic)
        ))),
        Err(_) if cut == run.deadline => Err(ProbeError {
            measurement: Measurement::NoData,
            message: format!(
                "cut by the deadline after {}",
                words::duration(begun.elapsed())
            ),
        }),
        Err(_) if own_limit.saturating_duration_since(limit) > SAME_LIMIT => {
            Err(silent(format!("no complete answer: {}", asked.limit_words)))
        }
        Err(_) => Err(silent(format!(
            "no complete answer within {}",
            words::duration(timeout)
        ))),
    }
}
