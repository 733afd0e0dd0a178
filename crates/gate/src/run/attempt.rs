//! One check in one round: try, judge the expectations, try again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::journey;
use super::memory::Budget;
use super::part::PausePolicy;
use super::sampling::{self, Sample};
use crate::bake::Bake;
use crate::evidence::{Evidence, Observation};
use crate::expect::{Expectation, Finding, evaluate};
use crate::measurement::Measurement;
use crate::probe::{Probe, ProbeContext, ProbeError, ProbeKind, Trace};
use crate::progress::{Progress, ProgressReporter};
use crate::recorder::{Attempt, Recorder, TryRecord};
use crate::report;
use crate::suite::Check;
use crate::template_function::Moment;
use crate::verdict::RunState;
use crate::words::{self, RAW_KEEP};

/// What all checks of a run share.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) probe: ProbeContext,
    pub(super) checks: Vec<Check>,
    pub(super) concurrency: usize,
    pub(super) memory: Budget,
    pub(super) bake: Bake,
    /// Where the run stood when this invocation took it on.
    pub(super) prior: RunState,
    /// How long the run had been going on then.
    pub(super) elapsed_before: Duration,
    /// When this invocation took it on.
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
    /// What the values of functions stand on.
    pub(super) seed: u64,
    /// The deadline of this invocation, whatever the suite's own limit is.
    pub(super) function_deadline: Instant,
    /// Whether the run may be handed on to another invocation.
    pub(super) pause: Option<PausePolicy>,
    /// What an answer of the new revision looks like.
    pub(super) revision: Vec<Expectation>,
    /// The new revision's share where two answer; none where it answers alone.
    pub(super) sampled_percent: Option<u32>,
    pub(super) recorder: Arc<Recorder>,
    /// Says what happens, where somebody waits.
    pub(super) speaker: Option<ProgressReporter>,
}

impl RunContext {
    /// Since the beginning of the run.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed_at(Instant::now())
    }

    pub(super) fn elapsed_at(&self, instant: Instant) -> Duration {
        self.elapsed_before + instant.saturating_duration_since(self.begun)
    }

    /// What functions in the texts of a try stand on.
    fn moment(&self, index: usize, number: u32) -> Moment {
        let name = &self.checks[index].name;
        let before = usize::try_from(self.prior.rounds()).unwrap_or(usize::MAX);
        let round = before.saturating_add(self.recorder.measurements(index).len());
        Moment {
            seed: self.seed,
            place: format!("{name}/{round}/{}", number + 1),
            now: self.prior.begun + self.elapsed(),
        }
    }

    /// The instant that lies so long after the beginning of the run; now if it is over.
    pub(super) fn instant_of(&self, elapsed: Duration) -> Instant {
        self.begun + elapsed.saturating_sub(self.elapsed_before)
    }
}

/// Tries the check until it passes, its retries are used up or its time is over.
pub(super) async fn check(run: &Arc<RunContext>, index: usize) {
    let check = &run.checks[index];
    let patience = check.retry;
    let started = Instant::now();
    let limit = patience
        .within
        .map_or(run.deadline, |within| run.deadline.min(started + within));
    for number in 0..=patience.retries {
        let mut context = run.probe.at(run.moment(index, number));
        context.prepare_for(&check.expect);
        let record = attempt(run, &context, index, limit).await;
        let measurement = record.attempt.measurement;
        run.recorder.add(index, record);
        if Instant::now() >= run.deadline && measurement != Measurement::Passed {
            // What the deadline cut says nothing about the target.
            return;
        }
        run.recorder.settle(index, measurement);
        let next = Instant::now() + patience.retry_every;
        // The inconclusive was asked for often enough, or may not be repeated.
        let settled = matches!(measurement, Measurement::Passed | Measurement::Inconclusive);
        if settled || number == patience.retries || next >= limit {
            return;
        }
        sleep_until(next).await;
    }
}

/// Says what the check came to in this round, where somebody waits.
pub(super) fn say(run: &RunContext, index: usize) {
    let Some(speaker) = &run.speaker else { return };
    let Some(round) = run.recorder.last_round(index) else {
        return;
    };
    let check = &run.checks[index];
    speaker.say(Progress::CheckDone {
        name: report::shown_name(&check.name, &speaker.redactor),
        severity: check.severity,
        measurement: round.measurement,
        detail: report::detail(&round, &speaker.redactor),
        duration: round.duration,
        tries: round.tries.len() + round.left_out,
    });
}

/// Writes down that the check could not be measured, because the gate itself broke.
pub(super) fn broken(run: &RunContext, index: usize, panic: &(dyn std::any::Any + Send)) {
    let why = panic_message(panic);
    run.recorder.add(
        index,
        TryRecord {
            attempt: Attempt {
                error: Some(format!("the gate itself broke: {why}; this is a defect")),
                ..Attempt::begun(run.elapsed())
            },
            steps: Vec::new(),
            not_reached: Vec::new(),
            of_release: false,
        },
    );
    run.recorder.settle(index, Measurement::Errored);
}

/// Measures once and judges what was seen.
async fn attempt(
    run: &Arc<RunContext>,
    context: &ProbeContext,
    index: usize,
    limit: Instant,
) -> TryRecord {
    if let Probe::Journey(journey) = &run.checks[index].probe {
        return journey::attempt(run, context, index, journey, limit).await;
    }
    let begun = Instant::now();
    let mut trace = Trace {
        started: run.elapsed_at(begun),
        ..Trace::default()
    };
    let seen = sampling::execute(run, context, index, limit, &mut trace).await;
    let (mut of_release, mut in_doubt) = (false, None);
    let (mut findings, mut body, mut latency, mut error) = (Vec::new(), None, None, None);
    match seen {
        Err(unseen) => error = Some(unseen),
        Ok(Sample { observation, doubt }) => {
            of_release = observation.of_release;
            in_doubt = doubt;
            findings = observation.findings;
            if let Some(answer) = observation.answer {
                latency = Some(answer.latency);
                match judged_by_check(run, context, index, answer, limit).await {
                    Ok((more, beginning)) => {
                        findings.extend(more);
                        body = beginning;
                    }
                    Err(unjudged) => error = Some(unjudged),
                }
            }
        }
    }
    let mut measurement = match &error {
        None => worst(&findings),
        // What the probe itself found is known, whatever could not be judged.
        Some(_) if worst(&findings) == Measurement::Failed => Measurement::Failed,
        Some(error) => error.measurement,
    };
    if let (Some(doubt), Measurement::Passed) = (&in_doubt, measurement) {
        trace.notes.push(doubt.clone());
        measurement = Measurement::Inconclusive;
    }
    TryRecord {
        attempt: Attempt {
            measurement,
            started: run.elapsed_at(begun),
            duration: begun.elapsed(),
            request: trace.request,
            status: trace.status,
            latency,
            findings,
            error: match measurement {
                Measurement::Inconclusive => in_doubt.or(error.map(|error| error.message)),
                _ => error.map(|error| error.message),
            },
            notes: trace.notes,
            body: body.filter(|_| measurement != Measurement::Passed),
            pages: trace.pages,
            recording: trace.recording,
        },
        steps: trace.steps,
        not_reached: Vec::new(),
        of_release,
    }
}

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

/// Held from before a body is parsed until it is judged and freed: one at a time in the whole process. With many
/// checks at once parsed bodies would be the memory of the function; judging is work for the processor, so that
/// nothing is lost by taking turns.
pub(super) static PARSING: Semaphore = Semaphore::const_new(1);

/// What came of the expectations of a check. The beginning of the body comes back if something was not met.
async fn judged_by_check(
    run: &Arc<RunContext>,
    context: &ProbeContext,
    index: usize,
    evidence: Evidence,
    limit: Instant,
) -> Result<(Vec<Finding>, Option<String>), ProbeError> {
    let check = &run.checks[index];
    let judging = Judging {
        needs: &check.expect,
        timeout: check.retry.timeout,
        limit,
    };
    let (shared, values) = (Arc::clone(run), context.values.clone());
    judged(run, judging, evidence, move |evidence, stop| {
        let findings = evaluate(&shared.checks[index].expect, evidence, &values, stop);
        let body = match worst(&findings) {
            Measurement::Passed => None,
            _ => evidence.body.beginning(RAW_KEEP),
        };
        (findings, body)
    })
    .await
}

/// What is judged, and until when.
pub(super) struct Judging<'a> {
    /// What it takes, as expectations.
    pub(super) needs: &'a [Expectation],
    pub(super) timeout: Duration,
    pub(super) limit: Instant,
}

/// Judges off the runtime's threads where that may be slow, and never longer than one try may take. Waiting for
/// memory and for the turn is no time of the target's, and of no try.
pub(super) async fn judged<T: Send + 'static>(
    run: &Arc<RunContext>,
    judging: Judging<'_>,
    evidence: Evidence,
    work: impl FnOnce(&Evidence, &Arc<AtomicBool>) -> T + Send + 'static,
) -> Result<T, ProbeError> {
    let Judging {
        needs,
        timeout,
        limit,
    } = judging;
    let stop = Arc::new(AtomicBool::new(false));
    if !needs.iter().any(Expectation::may_be_slow) {
        return Ok(work(&evidence, &stop));
    }
    let waiting = async {
        let room = run.memory.room(needs, evidence.body.most()).await;
        let turn = if needs.iter().any(Expectation::parses_body) {
            PARSING.acquire().await.ok()
        } else {
            None
        };
        (room, turn)
    };
    let Ok(held) = timeout_at(limit, waiting).await else {
        let measurement = if limit == run.deadline {
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

/// Sets its flag when nobody waits any more, also where the task that waited is cut off.
pub(super) struct StopOnDrop(pub(super) Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
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

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}
