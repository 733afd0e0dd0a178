//! One check in one round: try, judge the expectations, try again.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::context::RunContext;
use super::journey;
use super::judging::{Judging, judged, worst};
use super::sampling::{self, Sample};
use crate::evidence::Evidence;
use crate::expect::{Finding, evaluate};
use crate::measurement::Measurement;
use crate::probe::{Probe, ProbeContext, ProbeError, Trace};
use crate::progress::Progress;
use crate::recorder::{Attempt, TryRecord};
use crate::report;
use crate::words::{MAX_RAW_BYTES, panic_message};

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
        not_reached: trace.not_reached,
        of_release,
    }
}

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
        deadline: run.deadline,
    };
    let (shared, values) = (Arc::clone(run), context.values.clone());
    judged(&run.memory, judging, evidence, move |evidence, stop| {
        let findings = evaluate(&shared.checks[index].expect, evidence, &values, stop);
        let body = match worst(&findings) {
            Measurement::Passed => None,
            _ => evidence.body.beginning(MAX_RAW_BYTES),
        };
        (findings, body)
    })
    .await
}
