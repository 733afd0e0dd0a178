//! What proves that an agent has reached its goal: what the last page shows, and what the release answers to requests that
//! no model has a part in.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::demands::Findings;
use super::page_session::PageSession;
use super::step::Step;
use super::unmeasured;
use crate::evidence::Observation;
use crate::expect::memory_to_judge;
use crate::measurement::Measurement;
use crate::probe::journey;
use crate::probe::{ProbeContext, ProbeError, ProbeKind, Subject, Trace};
use crate::recorder::Attempt;
use crate::template::Template;
use crate::words;

/// `proof:` of an agent. At least one of both is there.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    /// Asked before the page is judged, one after the other.
    pub(crate) requests: Vec<journey::Step>,
    /// What the page must be like.
    pub(crate) page: Option<Step>,
}

impl Proof {
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        for step in &self.requests {
            step.request.templates(see);
            for expectation in &step.expect {
                expectation.templates(see);
            }
        }
        if let Some(page) = &self.page {
            page.templates(see);
        }
    }

    /// What is asked and expected, in a few words.
    pub(super) fn written(&self) -> Vec<String> {
        let requests = self.requests.iter().map(said);
        let page = self.page.iter().map(Step::written);
        requests.chain(page).collect()
    }

    /// What reports call its steps.
    pub(super) fn said(&self) -> impl Iterator<Item = String> {
        let requests = self.requests.iter().map(said);
        requests.chain(self.page.iter().map(Step::said))
    }

    pub(super) fn conditions(&self) -> usize {
        let requests: usize = self.requests.iter().map(|step| step.expect.len()).sum();
        requests + self.page.as_ref().map_or(0, Step::conditions)
    }

    /// Bytes that are held of an answer, and that judging it takes.
    pub(super) fn memory(&self) -> (usize, usize) {
        let received = |step: &journey::Step| step.request.profile().received;
        let judged = |step: &journey::Step| memory_to_judge(&step.expect, step.request.max_body);
        let most = |of: &dyn Fn(&journey::Step) -> usize| self.requests.iter().map(of).max();
        (
            most(&received).unwrap_or_default(),
            most(&judged).unwrap_or_default(),
        )
    }

    /// Why one of the requests asks a place that is not the release.
    pub(super) fn refused(&self, context: &ProbeContext) -> Option<String> {
        self.requests
            .iter()
            .find_map(|step| match step.request.subject(context) {
                Subject::Refused(why) => Some(why),
                Subject::Release | Subject::Other => None,
            })
    }
}

/// What a request is called.
fn said(step: &journey::Step) -> String {
    let asked = || step.request.asks().into_iter().next();
    step.name.clone().or_else(asked).unwrap_or_default()
}

impl PageSession<'_> {
    /// Asks the requests once the page is at rest, and then judges the page; false where something is not met.
    pub(super) async fn prove(
        &mut self,
        proof: &Proof,
        trace: &mut Trace,
        findings: &mut Findings<'_>,
    ) -> Result<bool, ProbeError> {
        for (index, step) in proof.requests.iter().enumerate() {
            let attempt = async {
                if index == 0 {
                    self.come_to_rest().await?;
                }
                self.request(step, trace).await
            };
            let (met, left) = match attempt.await {
                Ok(attempt) => (self.took(&said(step), attempt, trace), index + 1),
                Err(error) => (Err(unmeasured(error)), index),
            };
            if !matches!(met, Ok(true)) {
                self.leave(proof.said().skip(left), trace);
                return met;
            }
        }
        match &proof.page {
            Some(page) => {
                self.steps(std::slice::from_ref(page), trace, findings)
                    .await
            }
            None => Ok(true),
        }
    }

    /// Asks until it is met, or its tries are used up. The last of them is what is shown.
    async fn request(
        &mut self,
        step: &journey::Step,
        trace: &Trace,
    ) -> Result<Attempt, browser::Error> {
        let mut asked = 1;
        loop {
            let from = Instant::now();
            let started = trace.started + from.saturating_duration_since(self.begun);
            let asking = once(self.context, self.end, step, started);
            let mut attempt = self.page.wait_for(asking).await?;
            attempt.duration = from.elapsed();
            let again = Instant::now() + step.retry_every;
            let is_met = attempt.measurement == Measurement::Passed;
            if !is_met && asked <= step.retries && again < self.end {
                asked += 1;
                self.page.wait_for(sleep_until(again)).await?;
                continue;
            }
            if asked > 1 {
                let note = format!("the request was sent {asked} times; this is the last");
                attempt.notes.push(note);
            }
            return Ok(attempt);
        }
    }
}

async fn once(
    context: &ProbeContext,
    end: Instant,
    step: &journey::Step,
    started: Duration,
) -> Attempt {
    let mut own = Trace::default();
    let mut attempt = Attempt::begun(started);
    let judged = ask(context, end, step, &mut own, &mut attempt).await;
    attempt.request = own.request;
    attempt.status = own.status;
    attempt.notes = own.notes;
    attempt.measurement = match judged {
        Ok(measurement) => measurement,
        Err(error) => {
            attempt.error = Some(error.message);
            error.measurement
        }
    };
    attempt
}

async fn ask(
    context: &ProbeContext,
    end: Instant,
    step: &journey::Step,
    own: &mut Trace,
    attempt: &mut Attempt,
) -> Result<Measurement, ProbeError> {
    let mut context = context.clone();
    context.prepare_for(&step.expect);
    let until = Instant::now() + step.timeout;
    let asking = timeout_at(until.min(end), step.request.execute(&context, own));
    let Observation { answer, .. } = asking.await.map_err(|_| {
        if until <= end {
            let within = words::duration(step.timeout);
            ProbeError::failed(format!("no complete answer within {within}"))
        } else {
            ProbeError::errored("the time of the check was over before the answer came")
        }
    })??;
    let none = || ProbeError::errored("there is no answer to judge; this is a defect");
    let answer = answer.ok_or_else(none)?;
    attempt.latency = Some(answer.latency);
    let judge = context.judge.as_ref().ok_or_else(none)?;
    let judging = judge.judge(step, answer, &context.values, end);
    let judged = judging.await?;
    let measurement = super::page_session::worst(&judged.findings);
    attempt.findings = judged.findings;
    if measurement != Measurement::Passed {
        attempt.body = judged.body;
    }
    Ok(measurement)
}
