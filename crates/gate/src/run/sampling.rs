//! Asking where two revisions answer: at a partial step of a canary the production rule serves both.
//!
//! A check there must never fail by the old revision's answer, nor pass by it. So an answer counts only if it says that
//! the new revision gave it, in the way that the suite names (`revision`). It is asked for as often as the traffic
//! weights make reasonable; then nothing is known.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::Method;
use tokio::time::{Instant, timeout_at};

use super::attempt::{self, RunContext};
use crate::evidence::Evidence;
use crate::expect::evaluate;
use crate::measurement::Measurement;
use crate::probe::{Probe, ProbeError, Trace};

/// The chance that a revision with its share of traffic gives none of the answers.
const MAX_CHANCE: f64 = 0.001;
/// No step asks more often: a share of 2 % takes 342.
const MAX_REQUESTS: u32 = 350;

/// Asks, and asks again while the old revision answers.
pub(super) async fn execute(
    run: &Arc<RunContext>,
    index: usize,
    limit: Instant,
    trace: &mut Trace,
) -> Result<Evidence, ProbeError> {
    let check = &run.checks[index];
    let Some(percent) = run.sampled_percent else {
        return attempt::execute(run, check, limit, trace).await;
    };
    let is_safe = match &check.probe {
        Probe::Http(request) => {
            matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS)
        }
        #[cfg(test)]
        Probe::Misbehave(_) => false,
    };
    let most = if is_safe { max_requests(percent) } else { 1 };
    let mut asked = 0;
    while asked < most && Instant::now() < limit {
        asked += 1;
        let evidence = attempt::execute(run, check, limit, trace).await?;
        if !evidence.of_release {
            return Ok(evidence);
        }
        let (evidence, is_new) = is_of_new_revision(run, evidence, limit).await?;
        if is_new {
            if asked > 1 {
                trace.notes.push(format!(
                    "answer {asked} was the first one of the new revision, which has {percent} % of the traffic"
                ));
            }
            return Ok(evidence);
        }
    }
    let answers = if asked == 1 {
        "the answer did not come"
    } else {
        "no answer came"
    };
    let mut message = format!(
        "{answers} from the new revision, which has {percent} % of the traffic, by what `revision` of the suite says \
         ({asked} asked)"
    );
    if !is_safe {
        message.push_str("; a request that may change something is not repeated to find it");
    }
    Err(ProbeError {
        measurement: Measurement::Inconclusive,
        message,
    })
}

/// Judged off the runtime's threads, as a path over a large body may be slow.
async fn is_of_new_revision(
    run: &Arc<RunContext>,
    evidence: Evidence,
    limit: Instant,
) -> Result<(Evidence, bool), ProbeError> {
    let room = run.memory.room(&run.revision, evidence.body.most()).await;
    let shared = Arc::clone(run);
    let judging = tokio::task::spawn_blocking(move || {
        let stop = Arc::new(AtomicBool::new(false));
        let findings = evaluate(&shared.revision, &evidence, &shared.probe.values, &stop);
        drop(room);
        let is_new = findings
            .iter()
            .all(|finding| finding.measurement == Measurement::Passed);
        (evidence, is_new)
    });
    match timeout_at(limit, judging).await {
        Ok(Ok(judged)) => Ok(judged),
        Ok(Err(_)) | Err(_) => Err(ProbeError::errored(
            "which revision gave the answer could not be found out in time; make `revision` simpler",
        )),
    }
}

/// How often to ask until it would be strange that the new revision never answered.
fn max_requests(percent: u32) -> u32 {
    let share = f64::from(percent.clamp(1, 99)) / 100.0;
    let needed = MAX_CHANCE.ln() / (1.0 - share).ln();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 2 and some hundred"
    )]
    (needed.ceil() as u32).clamp(1, MAX_REQUESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_the_share_the_more_is_asked() {
        let asked = [1, 2, 5, 10, 50, 90, 99].map(max_requests);
        assert_eq!(asked, [350, 342, 135, 66, 10, 3, 2]);
    }
}
