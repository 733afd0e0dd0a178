//! Asking where two revisions answer: at a partial step of a canary the production rule serves both.
//!
//! A check there must never fail by the old revision's answer, nor pass by it. So an answer counts only if it says that
//! the new revision gave it, in the way that the suite names (`revision`). It is asked for as often as the traffic
//! weights make reasonable; then nothing is known.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::time::{Duration, Instant, timeout_at};

use super::context::RunContext;
use super::judging::{PARSING_TURN, StopOnDrop};
use super::probe_call;
use crate::evidence::{Evidence, Observation};
use crate::expect::{Actual, Expectation, Finding, evaluate};
use crate::measurement::Measurement;
use crate::probe::{ProbeContext, ProbeError, Sampling, Trace};

/// The chance that a revision with its share of traffic gives none of the answers.
const MAX_CHANCE: f64 = 0.001;
/// No step asks more often: a share of 2 % takes 342.
const MAX_REQUESTS: u32 = 350;

/// A try asks no longer than this; a request that is under way is waited for.
pub(super) const MAX_TIME: Duration = Duration::from_secs(20);

/// An answer that counts.
pub(super) struct Sample {
    pub(super) observation: Observation,
    /// Why a pass is none: answers of which nobody knows whose they are, and which were bad.
    pub(super) doubt: Option<String>,
}

/// Whose answer it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AnsweredBy {
    New,
    /// It says another value.
    Other,
    /// It says nothing, as error pages often do; and what it does not meet of what is expected.
    Unknown {
        unmet: Option<String>,
    },
}

/// Asks, and asks again while the old revision answers.
pub(super) async fn execute(
    run: &Arc<RunContext>,
    context: &ProbeContext,
    index: usize,
    limit: Instant,
    trace: &mut Trace,
) -> Result<Sample, ProbeError> {
    let check = &run.checks[index];
    let profile = check.probe.kind().profile();
    // Two revisions answer where the release does. Another place has one, and its answers no mark.
    let sampling = if check.probe.kind().goes_to_release(context) {
        profile.sampling
    } else {
        Sampling::Unshared
    };
    let percent = match (run.sampled_percent, sampling) {
        (Some(_), Sampling::Indistinct) => return Err(indistinct(profile.key)),
        (Some(percent), Sampling::Repeat | Sampling::Once) => percent,
        (None, _) | (_, Sampling::Unshared) => {
            let observation = probe_call::execute(run, context, check, limit, trace).await?;
            return Ok(Sample {
                observation,
                doubt: None,
            });
        }
    };
    let is_safe = profile.sampling == Sampling::Repeat;
    let most = if is_safe { max_requests(percent) } else { 1 };
    let until = limit.min(Instant::now() + MAX_TIME);
    let (mut asked, mut bad) = (0, UnattributedFailures::default());
    while asked < most && Instant::now() < until {
        asked += 1;
        let mut observation = match probe_call::execute(run, context, check, limit, trace).await {
            Ok(observation) => observation,
            // Whoever did not answer may have been either.
            Err(error) if error.measurement == Measurement::Failed => {
                bad.add(&error.message);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(answer) = observation.answer.take() else {
            return Err(indistinct(profile.key));
        };
        let (answer, by) = answered_by(run, context, &check.expect, answer, limit).await?;
        observation.answer = Some(answer);
        match by {
            AnsweredBy::New => {
                if asked > 1 {
                    trace.notes.push(format!(
                        "answer {asked} was the first one of the new revision, which has {percent} % of the traffic"
                    ));
                }
                let doubt = bad.sentence();
                return Ok(Sample { observation, doubt });
            }
            AnsweredBy::Unknown { unmet: Some(unmet) } => bad.add(&unmet),
            AnsweredBy::Unknown { unmet: None } | AnsweredBy::Other => {}
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
    if let Some(doubt) = bad.sentence() {
        message = format!("{message}; {doubt}");
    }
    Err(ProbeError {
        measurement: Measurement::Inconclusive,
        message,
    })
}

fn indistinct(key: &str) -> ProbeError {
    ProbeError {
        measurement: Measurement::Inconclusive,
        message: format!(
            "two revisions answer at this address, and what `{key}` sees does not say which one it was; measure it \
             before traffic, or when all traffic has moved"
        ),
    }
}

/// Bad answers of which nobody knows whose they are.
#[derive(Default)]
pub(super) struct UnattributedFailures {
    count: u32,
    first: String,
}

impl UnattributedFailures {
    pub(super) fn add(&mut self, what: &str) {
        if self.count == 0 {
            what.clone_into(&mut self.first);
        }
        self.count += 1;
    }

    pub(super) fn sentence(&self) -> Option<String> {
        (self.count > 0).then(|| {
            let answers = if self.count == 1 {
                "1 bad answer does".to_owned()
            } else {
                format!("{} bad answers do", self.count)
            };
            format!("{answers} not say which revision gave them: {}", self.first)
        })
    }
}

/// Which revision gave an answer, by what the suite says.
///
/// Judged off the runtime's threads, as a path over a large body may be slow.
pub(super) async fn answered_by(
    run: &Arc<RunContext>,
    context: &ProbeContext,
    expect: &[Expectation],
    evidence: Evidence,
    limit: Instant,
) -> Result<(Evidence, AnsweredBy), ProbeError> {
    // As much as either takes, as both are judged here; and one parsed body at a time, as everywhere.
    let judged: Vec<Expectation> = run.revision.iter().chain(expect).cloned().collect();
    let most = evidence.body.most();
    let waiting = async {
        (
            run.memory.room(&judged, most).await,
            PARSING_TURN.acquire().await.ok(),
        )
    };
    let held = timeout_at(limit, waiting).await.map_err(|_| too_slow())?;
    let shared = Arc::clone(run);
    let (values, expect) = (context.values.clone(), expect.to_vec());
    let stop = Arc::new(AtomicBool::new(false));
    let _stop = StopOnDrop(Arc::clone(&stop));
    let judging = tokio::task::spawn_blocking(move || {
        let judge =
            |expectations: &[Expectation]| evaluate(expectations, &evidence, &values, &stop);
        let marks = judge(&shared.revision);
        let is_text = matches!(shared.revision.as_slice(), [Expectation::Body { .. }]);
        let all_hold = marks
            .iter()
            .all(|mark| mark.measurement == Measurement::Passed);
        let unclear = marks
            .iter()
            .find(|mark| mark.measurement == Measurement::Errored);
        let by = if all_hold {
            Ok(AnsweredBy::New)
        } else if let Some(unclear) = unclear {
            Err(in_words(unclear))
        } else if marks.iter().all(is_absent) || is_text {
            // Text that is not there says nothing of whose page it is.
            let unmet = judge(&expect)
                .iter()
                .find(|finding| finding.measurement != Measurement::Passed)
                .map(in_words);
            Ok(AnsweredBy::Unknown { unmet })
        } else {
            Ok(AnsweredBy::Other)
        };
        drop(held);
        (evidence, by)
    });
    match timeout_at(limit, judging).await {
        Ok(Ok((evidence, Ok(by)))) => Ok((evidence, by)),
        Ok(Ok((_, Err(why)))) => Err(ProbeError::errored(format!(
            "which revision gave the answer is not known: {why}"
        ))),
        Ok(Err(_)) | Err(_) => Err(too_slow()),
    }
}

fn too_slow() -> ProbeError {
    ProbeError::errored(
        "which revision gave the answer could not be found out in time; make `revision` simpler",
    )
}

/// Whether the answer does not have what would say it: it has no such header or field, or is no JSON at all.
fn is_absent(mark: &Finding) -> bool {
    mark.measurement != Measurement::Passed && matches!(mark.got, Actual::Words(_))
}

fn in_words(finding: &Finding) -> String {
    let got = match &finding.got {
        Actual::Words(words) => words.clone(),
        Actual::Value(_) if finding.sensitive => "another value".to_owned(),
        Actual::Value(value) => value.clone(),
    };
    format!("{}: got {got}", finding.demand)
}

/// How often to ask until it would be strange that the new revision never answered.
pub(super) fn max_requests(percent: u32) -> u32 {
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
