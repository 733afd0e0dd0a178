//! One check in one round: try, judge the expectations, try again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ledger::{Ledger, TryRecord};
use super::memory::Budget;
use crate::expect::{Evidence, Expectation, Finding, evaluate};
use crate::probe::{Surroundings, Trail, Trouble};
use crate::suite::{Bake, Check};
use crate::text::{self, RAW_KEEP};
use crate::verdict::Measurement;

/// What all checks of a run share.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) around: Surroundings,
    pub(super) checks: Vec<Check>,
    pub(super) concurrency: usize,
    pub(super) memory: Budget,
    pub(super) bake: Bake,
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
    pub(super) ledger: Arc<Ledger>,
}

/// Tries the check until it passes, its retries are used up or its time is over.
pub(super) async fn check(course: &Arc<Course>, index: usize) {
    let check = &course.checks[index];
    let patience = check.patience;
    let started = Instant::now();
    let limit = patience.within.map_or(course.deadline, |within| {
        course.deadline.min(started + within)
    });
    for number in 0..=patience.retries {
        let record = attempt(course, index, limit).await;
        let measurement = record.measurement;
        course.ledger.add(index, record);
        if Instant::now() >= course.deadline && measurement != Measurement::Passed {
            // What the deadline cut says nothing about the target.
            return;
        }
        course.ledger.settle(index, measurement);
        let next = Instant::now() + patience.retry_every;
        if measurement == Measurement::Passed || number == patience.retries || next >= limit {
            return;
        }
        sleep_until(next).await;
    }
}

/// Writes down that the check could not be measured, because the gate itself broke.
pub(super) fn broken(course: &Course, index: usize, panic: &(dyn std::any::Any + Send)) {
    let why = words(panic);
    course.ledger.add(
        index,
        TryRecord {
            measurement: Measurement::Errored,
            started: course.begun.elapsed(),
            duration: Duration::ZERO,
            request: None,
            status: None,
            latency: None,
            findings: Vec::new(),
            trouble: Some(format!("the gate itself broke: {why}; this is a defect")),
            notes: Vec::new(),
            body: None,
        },
    );
    course.ledger.settle(index, Measurement::Errored);
}

/// Looks once and judges what was seen.
async fn attempt(course: &Arc<Course>, index: usize, limit: Instant) -> TryRecord {
    let check = &course.checks[index];
    let begun = Instant::now();
    let mut trail = Trail::default();
    let seen = look(course, check, limit, &mut trail).await;
    let (findings, body, latency, trouble) = match seen {
        Err(trouble) => (Vec::new(), None, None, Some(trouble)),
        Ok(evidence) => {
            let latency = evidence.latency;
            match findings(course, index, evidence, limit).await {
                Ok((findings, body)) => (findings, body, Some(latency), None),
                Err(trouble) => (Vec::new(), None, Some(latency), Some(trouble)),
            }
        }
    };
    TryRecord {
        measurement: trouble
            .as_ref()
            .map_or_else(|| worst(&findings), |trouble| trouble.measurement),
        started: begun.saturating_duration_since(course.begun),
        duration: begun.elapsed(),
        request: trail.request,
        status: trail.status,
        latency,
        findings,
        trouble: trouble.map(|trouble| trouble.message),
        notes: trail.notes,
        body,
    }
}

async fn look(
    course: &Course,
    check: &Check,
    limit: Instant,
    trail: &mut Trail,
) -> Result<Evidence, Trouble> {
    let timeout = check.patience.timeout;
    let cut = (Instant::now() + timeout).min(limit);
    let begun = Instant::now();
    let probe =
        AssertUnwindSafe(check.probe.look(&course.around, &check.expect, trail)).catch_unwind();
    match timeout_at(cut, probe).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(panic)) => Err(Trouble::errored(format!(
            "the probe panicked: {}",
            words(&*panic)
        ))),
        Err(_) if cut == course.deadline => Err(Trouble {
            measurement: Measurement::NoData,
            message: format!(
                "cut by the deadline after {}",
                text::duration(begun.elapsed())
            ),
        }),
        Err(_) if cut == limit => {
            let within = check.patience.within.unwrap_or_default();
            let limit = text::duration(within);
            Err(Trouble::failed(format!(
                "no complete answer: all tries together may take {limit}"
            )))
        }
        Err(_) => Err(Trouble::failed(format!(
            "no complete answer within {}",
            text::duration(timeout)
        ))),
    }
}

/// Judges off the runtime's threads where that may be slow, and never longer than one try may
/// take. The beginning of the body comes back if something was not met.
async fn findings(
    course: &Arc<Course>,
    index: usize,
    evidence: Evidence,
    limit: Instant,
) -> Result<(Vec<Finding>, Option<String>), Trouble> {
    let check = &course.checks[index];
    if !check.expect.iter().any(Expectation::may_be_slow) {
        return Ok(judge(course, index, &evidence));
    }
    let until = (Instant::now() + check.patience.timeout).min(limit);
    let shared = Arc::clone(course);
    let judging = async {
        let room = course
            .memory
            .room(&check.expect, evidence.body.most())
            .await;
        // The room goes with the work: what is cut off still takes its memory.
        tokio::task::spawn_blocking(move || {
            let judged = judge(&shared, index, &evidence);
            drop((evidence, room));
            judged
        })
        .await
    };
    match timeout_at(until, judging).await {
        Ok(Ok(judged)) => Ok(judged),
        Ok(Err(fault)) => {
            let why = fault
                .try_into_panic()
                .map_or_else(|f| f.to_string(), |panic| words(&*panic));
            Err(Trouble::errored(format!(
                "judging the expectations panicked: {why}"
            )))
        }
        Err(_) => Err(Trouble::errored(
            "the expectations could not be judged in time; make the path, the pattern or the body \
             smaller",
        )),
    }
}

fn judge(course: &Course, index: usize, evidence: &Evidence) -> (Vec<Finding>, Option<String>) {
    let findings = evaluate(
        &course.checks[index].expect,
        evidence,
        &course.around.values,
    );
    let body = match worst(&findings) {
        Measurement::Passed => None,
        _ => evidence.body.beginning(RAW_KEEP),
    };
    (findings, body)
}

/// Failed outweighs errored: what was measured and is wrong is known.
fn worst(findings: &[Finding]) -> Measurement {
    let any = |measurement| {
        findings
            .iter()
            .any(|finding| finding.measurement == measurement)
    };
    match () {
        () if findings.is_empty() => Measurement::Errored,
        () if any(Measurement::Failed) => Measurement::Failed,
        () if any(Measurement::Errored) => Measurement::Errored,
        () => Measurement::Passed,
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}
