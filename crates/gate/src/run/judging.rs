//! Judging, within bounds: one body is judged at a time, and nobody judges for whoever no longer waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::memory::Budget;
use crate::evidence::Evidence;
use crate::expect::{Expectation, Finding};
use crate::measurement::Measurement;
use crate::probe::ProbeError;
use crate::words::panic_message;

/// Held from before a body is parsed until it is judged and freed: one at a time in the whole process. With many
/// checks at once parsed bodies would be the memory of the function; judging is work for the processor, so that
/// nothing is lost by taking turns.
pub(super) static PARSING_TURN: Semaphore = Semaphore::const_new(1);

/// Sets its flag when nobody waits any more, also where the task that waited is cut off.
pub(super) struct StopOnDrop(pub(super) Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is judged, and until when.
pub(super) struct Judging<'a> {
    /// What it takes, as expectations.
    pub(super) needs: &'a [Expectation],
    pub(super) timeout: Duration,
    pub(super) limit: Instant,
    /// Of the run: what it cuts says nothing.
    pub(super) deadline: Instant,
}

/// Judges off the runtime's threads where that may be slow, and never longer than one try may take. Waiting for
/// memory and for the turn is no time of the target's, and of no try.
pub(super) async fn judged<T: Send + 'static>(
    memory: &Budget,
    judging: Judging<'_>,
    evidence: Evidence,
    work: impl FnOnce(&Evidence, &Arc<AtomicBool>) -> T + Send + 'static,
) -> Result<T, ProbeError> {
    let Judging {
        needs,
        timeout,
        limit,
        deadline,
    } = judging;
    let stop = Arc::new(AtomicBool::new(false));
    if !needs.iter().any(Expectation::may_be_slow) {
        return Ok(work(&evidence, &stop));
    }
    let waiting = async {
        let room = memory.room(needs, evidence.body.most()).await;
        let turn = if needs.iter().any(Expectation::parses_body) {
            PARSING_TURN.acquire().await.ok()
        } else {
            None
        };
        (room, turn)
    };
    let Ok(held) = timeout_at(limit, waiting).await else {
        let measurement = if limit == deadline {
            Measurement::NoData
        } else {
            Measurement::Errored
        };
        let message = "the time was over before the answer could be judged".to_owned();
        return Err(ProbeError {
            measurement,
            message,
        });
    };
    let until = (Instant::now() + timeout).min(limit);
    let stopped = Arc::clone(&stop);
    // What is held goes with the work: what is cut off still takes its memory, until it has seen that.
    let judging = tokio::task::spawn_blocking(move || {
        let judged = work(&evidence, &stopped);
        drop((evidence, held));
        judged
    });
    let _stop = StopOnDrop(stop);
    match timeout_at(until, judging).await {
        Ok(Ok(judged)) => Ok(judged),
        Ok(Err(fault)) => {
            let why = fault
                .try_into_panic()
                .map_or_else(|f| f.to_string(), |panic| panic_message(&*panic));
            Err(ProbeError::errored(format!(
                "judging the expectations panicked: {why}"
            )))
        }
        Err(_) => Err(ProbeError::errored(
            "the expectations could not be judged in time; make the path, the pattern or the body \
             smaller",
        )),
    }
}

/// Failed outweighs errored: what was measured and is wrong is known. Passed are only those of which all passed.
pub(super) fn worst(findings: &[Finding]) -> Measurement {
    let any = |measurement| {
        findings
            .iter()
            .any(|finding| finding.measurement == measurement)
    };
    match () {
        () if findings.is_empty() => Measurement::Errored,
        () if any(Measurement::Failed) => Measurement::Failed,
        () if any(Measurement::Errored) => Measurement::Errored,
        () if any(Measurement::NoData) => Measurement::NoData,
        () if any(Measurement::Inconclusive) => Measurement::Inconclusive,
        () => Measurement::Passed,
    }
}
