//! Judging, within bounds: one body of some length is judged at a time, and nobody judges for whoever no longer waits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
/// nothing is lost by taking turns. What is quick takes none.
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

/// What is parsed of so short a body is no memory to wait for, and to go to another thread and back would take longer
/// than to judge it.
const SHORT_BODY: usize = 16 * 1024;

fn is_quick(needs: &[Expectation], evidence: &Evidence) -> bool {
    let is_short = evidence.body.most() <= SHORT_BODY;
    needs
        .iter()
        .all(|need| !need.may_be_slow() || is_short && need.is_linear())
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
    if is_quick(needs, &evidence) {
        let judged = catch_unwind(AssertUnwindSafe(|| work(&evidence, &stop)));
        return judged.map_err(|panic| panicked(&*panic));
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
        Ok(Err(fault)) => Err(match fault.try_into_panic() {
            Ok(panic) => panicked(&*panic),
            Err(cut_off) => {
                ProbeError::errored(format!("judging the expectations ended: {cut_off}"))
            }
        }),
        Err(_) => Err(ProbeError::errored(
            "the expectations could not be judged in time; make the path, the pattern or the body \
             smaller",
        )),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ProbeError {
    let why = panic_message(panic);
    ProbeError::errored(format!("judging the expectations panicked: {why}"))
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

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::body::Body;
    use crate::suite::Suite;

    fn needs(expect: &str) -> Vec<Expectation> {
        let text = format!(
            "version: 1\nname: shop\nchecks: [{{name: home, http: GET /, expect: [{expect}]}}]"
        );
        let suite = Suite::parse("shop", &text).unwrap();
        suite.checks[0].expect.clone()
    }

    fn evidence(length: usize) -> Evidence {
        let headers = HeaderMap::new();
        Evidence {
            status: Some(200),
            body: Body::new(vec![b' '; length], 1024 * 1024, &headers),
            headers,
            body_cut_at: None,
            latency: Duration::ZERO,
            exchange: None,
        }
    }

    fn is_quick_on(length: usize, expect: &str) -> bool {
        is_quick(&needs(expect), &evidence(length))
    }

    #[test]
    fn only_what_is_linear_on_a_short_body_is_judged_where_the_runtime_waits() {
        for quick in [
            "{status: 200}",
            "{json: {path: $..price, at_least: 1}}",
            "{body: {contains: shop}}",
        ] {
            assert!(is_quick_on(SHORT_BODY, quick), "{quick}");
        }
        let long = SHORT_BODY + 1;
        assert!(is_quick_on(long, "{status: 200}"));
        assert!(!is_quick_on(long, "{json: {path: $.price, at_least: 1}}"));
        assert!(!is_quick_on(long, "{body: {contains: shop}}"));
        for slow in [
            "{json: {path: '$[?@.price > 1]', exists: true}}",
            "{json: {path: $.name, matches: 'a+'}}",
            "{body: {matches: 'a+'}}",
            "{css: {select: h1, exists: true}}",
            "{that: 'body.size() > 1'}",
        ] {
            let both = format!("{{status: 200}}, {slow}");
            assert!(!is_quick_on(2, &both), "{slow}");
        }
    }

    #[tokio::test]
    async fn a_panic_costs_what_it_judged_and_nothing_else() {
        let memory = Budget::new(&[], &[], 1, 0, None);
        let now = Instant::now();
        for expect in ["{status: 200}", "{body: {matches: 'a+'}}"] {
            let (needs, evidence) = (needs(expect), evidence(2));
            let judging = Judging {
                needs: &needs,
                timeout: Duration::from_secs(5),
                limit: now + Duration::from_secs(5),
                deadline: now + Duration::from_secs(9),
            };
            let unjudged = judged(&memory, judging, evidence, |_, _| -> () {
                panic!("a defect")
            });
            let why = unjudged.await.unwrap_err().message;
            assert_eq!(why, "judging the expectations panicked: a defect");
        }
    }
}
