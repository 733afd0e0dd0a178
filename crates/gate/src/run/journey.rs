//! One try of a journey: step after step until one is not met, then the steps under `always`.
//!
//! The latter run whatever happened, also where a limit cut the former off: they take back what a journey left behind.
//! So they have a time of their own, [`Journey::reserve`], which the others leave them before the deadline. What comes
//! of them is reported, and decides nothing: a release is judged by what its visitors do.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, sleep_until};

use super::context::RunContext;
use super::judging::{Judging, judged, worst};
use super::probe_call::{ProbeCall, ask};
use super::sampling::{self, AnsweredBy, UnattributedFailures};
use crate::evidence::Evidence;
use crate::expect::{Captured, judge_step};
use crate::measurement::Measurement;
use crate::probe::cookie_jar::CookieJar;
use crate::probe::journey::{Journey, Step};
use crate::probe::{ProbeContext, ProbeKind as _, Sampling, Trace};
use crate::recorder::{Attempt, StepRecord, TryRecord, UnreachedStep};
use crate::redact::Redactor;
use crate::words::{self, MAX_RAW_BYTES};

/// Shorter values of cookies are no secrets: `dark`, `en-GB`.
const MIN_SECRET_COOKIE: usize = 12;

/// Goes through the journey once; again only where two revisions answer, none of its requests changes anything and
/// the old one answered. A bad answer that may have been the new one's makes every later pass doubtful.
pub(super) async fn attempt(
    run: &Arc<RunContext>,
    context: &ProbeContext,
    index: usize,
    journey: &Journey,
    limit: Instant,
) -> TryRecord {
    let begun = Instant::now();
    let most = match (run.sampled_percent, journey.profile().sampling) {
        (Some(percent), Sampling::Repeat) => sampling::max_requests(percent),
        _ => 1,
    };
    let until = limit.min(begun + sampling::MAX_TIME);
    let (mut asked, mut bad) = (0, UnattributedFailures::default());
    loop {
        asked += 1;
        let mut journey_try = JourneyTry::new(run, context, index);
        let end = journey_try.go(journey, limit).await;
        if let Some(unattributed) = journey_try.unattributed() {
            bad.add(&unattributed);
        }
        if end == End::OtherRevision && asked < most && Instant::now() < until {
            continue;
        }
        return journey_try.record(journey, begun, end, asked, bad.sentence());
    }
}

/// How the steps came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of them were met.
    Met,
    /// One was not.
    Unmet(Measurement),
    /// Where two revisions answer: the old one did, or nobody knows which.
    OtherRevision,
}

impl End {
    fn measurement(self) -> Measurement {
        match self {
            Self::Met => Measurement::Passed,
            Self::Unmet(measurement) => measurement,
            Self::OtherRevision => Measurement::Inconclusive,
        }
    }
}

/// One way through a journey.
struct JourneyTry<'r> {
    run: &'r Arc<RunContext>,
    index: usize,
    /// With what was captured so far, and the jar.
    context: ProbeContext,
    jar: Arc<Mutex<CookieJar>>,
    steps: Vec<StepRecord>,
    /// Values that must not be shown.
    secrets: Vec<String>,
    of_release: bool,
    /// A bad answer, or none, of which nobody knows whose it is.
    unattributed: Option<String>,
}

/// What is asked of one step.
struct StepCall<'s> {
    step: &'s Step,
    number: usize,
    always: bool,
    /// Until when, and what that limit is.
    limit: Instant,
    limit_words: String,
}

impl<'r> JourneyTry<'r> {
    fn new(run: &'r Arc<RunContext>, context: &ProbeContext, index: usize) -> Self {
        let jar = Arc::new(Mutex::new(CookieJar::default()));
        let mut context = context.clone();
        context.jar = Some(Arc::clone(&jar));
        Self {
            run,
            index,
            context,
            jar,
            steps: Vec::new(),
            secrets: Vec::new(),
            of_release: false,
            unattributed: None,
        }
    }

    async fn go(&mut self, journey: &Journey, limit: Instant) -> End {
        let check = &self.run.checks[self.index];
        let now = Instant::now();
        // A quarter of what is left, where that is little.
        let left = self.run.deadline.saturating_duration_since(now);
        let reserve = journey.reserve().min(left / 4);
        let deadline = self.run.deadline.checked_sub(reserve).unwrap_or(now);
        let timeout = now + check.retry.timeout;
        let steps_until = timeout.min(limit).min(deadline);
        let limit_words = if steps_until == timeout {
            format!(
                "all steps together may take {}",
                words::duration(check.retry.timeout)
            )
        } else {
            let within = check.retry.within.unwrap_or_default();
            format!("all tries together may take {}", words::duration(within))
        };
        let mut end = End::Met;
        for (index, step) in journey.steps.iter().enumerate() {
            end = self
                .step(StepCall {
                    step,
                    number: index + 1,
                    always: false,
                    limit: steps_until,
                    limit_words: limit_words.clone(),
                })
                .await;
            if end != End::Met {
                break;
            }
        }
        // The deadline says nothing about the target.
        if matches!(end, End::Unmet(_)) && steps_until == deadline && Instant::now() >= steps_until
        {
            end = End::Unmet(Measurement::NoData);
        }
        let always_until = (Instant::now() + reserve).min(self.run.deadline);
        for (index, step) in journey.always.iter().enumerate() {
            self.step(StepCall {
                step,
                number: index + 1,
                always: true,
                limit: always_until,
                limit_words: format!(
                    "the steps under `always` may take {}",
                    words::duration(reserve)
                ),
            })
            .await;
        }
        end
    }

    /// Asks a step until it is met, or its tries are used up. The last of them is what is shown.
    async fn step(&mut self, call: StepCall<'_>) -> End {
        let mut asked = 1;
        loop {
            let (end, mut record) = self.once(&call).await;
            let again = Instant::now() + call.step.retry_every;
            let unmet = matches!(end, End::Unmet(_));
            if unmet && asked <= call.step.retries && again < call.limit {
                asked += 1;
                sleep_until(again).await;
                continue;
            }
            if asked > 1 {
                let note = format!("the step was asked {asked} times; this is the last");
                record.attempt.notes.push(note);
            }
            self.steps.push(record);
            return end;
        }
    }

    async fn once(&mut self, call: &StepCall<'_>) -> (End, StepRecord) {
        let begun = Instant::now();
        let mut trace = Trace::default();
        let mut record = StepRecord {
            number: call.number,
            name: call.step.name.clone(),
            always: call.always,
            attempt: Attempt::begun(self.run.elapsed_at(begun)),
            captured: Vec::new(),
        };
        let end = self.ask(call, &mut trace, &mut record).await;
        record.attempt.measurement = end.measurement();
        record.attempt.duration = begun.elapsed();
        record.attempt.request = trace.request;
        record.attempt.status = trace.status;
        record.attempt.notes.extend(trace.notes);
        (end, record)
    }

    async fn ask(
        &mut self,
        call: &StepCall<'_>,
        trace: &mut Trace,
        record: &mut StepRecord,
    ) -> End {
        let step = call.step;
        let judged = step.judged();
        self.context.prepare_for(&judged);
        // Another place has no revisions, and its answers no mark.
        let sampled = self.run.sampled_percent.is_some()
            && step.request.goes_to_release(&self.context)
            && !call.always;
        let asked = ProbeCall {
            kind: &step.request,
            timeout: step.timeout,
            limit_words: &call.limit_words,
        };
        let seen = ask(self.run, &self.context, asked, call.limit, trace).await;
        let observation = match seen {
            Ok(observation) => observation,
            Err(error) => {
                // Whoever did not answer may have been either revision.
                let may_be_old = sampled && error.measurement == Measurement::Failed;
                if may_be_old {
                    self.unattributed = Some(error.message.clone());
                }
                record.attempt.error = Some(error.message);
                return if may_be_old {
                    End::OtherRevision
                } else {
                    End::Unmet(error.measurement)
                };
            }
        };
        let Some(mut evidence) = observation.answer else {
            return End::Unmet(Measurement::Errored);
        };
        record.attempt.latency = Some(evidence.latency);
        if sampled {
            let answered_by =
                sampling::answered_by(self.run, &self.context, &judged, evidence, call.limit).await;
            evidence = match answered_by {
                Ok((evidence, AnsweredBy::New)) => evidence,
                Ok((_, by)) => {
                    if let AnsweredBy::Unknown { unmet } = by {
                        self.unattributed = unmet;
                    }
                    record.attempt.error =
                        Some("the answer is not known to be of the new revision".to_owned());
                    return End::OtherRevision;
                }
                Err(error) => {
                    record.attempt.error = Some(error.message);
                    return End::Unmet(error.measurement);
                }
            };
        }
        if !call.always {
            self.of_release |= observation.of_release;
        }
        self.judge(call, evidence, record).await
    }

    /// Judges the answer, and takes what is to be captured from it, also where it is not what was expected: what is
    /// secret in it must be known to be masked.
    async fn judge(
        &mut self,
        call: &StepCall<'_>,
        evidence: Evidence,
        record: &mut StepRecord,
    ) -> End {
        let step = call.step;
        let needs = step.judged();
        let judging = Judging {
            needs: &needs,
            timeout: step.timeout,
            limit: call.limit,
            deadline: self.run.deadline,
        };
        let cookies = self.jar().clone();
        let (expect, to_take) = (step.expect.clone(), step.captures.clone());
        let values = self.context.values.clone();
        let done = judged(
            &self.run.memory,
            judging,
            evidence,
            move |evidence, stop| {
                let cookie = |name: &str| cookies.value(name).map(str::to_owned);
                let (findings, taken) =
                    judge_step(&expect, &to_take, evidence, &values, stop, cookie);
                (findings, taken, evidence.body.beginning(MAX_RAW_BYTES))
            },
        )
        .await;
        let (mut findings, taken, body) = match done {
            Ok(done) => done,
            Err(error) => {
                record.attempt.error = Some(error.message);
                return End::Unmet(error.measurement);
            }
        };
        let mut found = Vec::new();
        for one in taken {
            match one {
                Ok(one) => found.push(one),
                Err(unmet) => findings.push(unmet),
            }
        }
        self.keep_secrets(&found);
        record.captured = found
            .iter()
            .map(|one| {
                (
                    one.name.clone(),
                    (!one.secret).then(|| one.value.written().to_owned()),
                )
            })
            .collect();
        let measurement = worst(&findings);
        record.attempt.findings = findings;
        if measurement == Measurement::Passed {
            self.take(found);
            return End::Met;
        }
        if step.captures.iter().any(|capture| capture.secret) {
            let note = "the body is not shown: it has what the step captures as a secret";
            record.attempt.notes.push(note.to_owned());
        } else {
            record.attempt.body = body;
        }
        End::Unmet(measurement)
    }

    /// Later steps may use what was captured.
    fn take(&mut self, taken: Vec<Captured>) {
        let known = Arc::make_mut(&mut self.context.values.captures);
        known.extend(taken.into_iter().map(|one| (one.name, one.value)));
    }

    fn keep_secrets(&mut self, captured: &[Captured]) {
        let secret = captured.iter().filter(|one| one.secret);
        self.secrets
            .extend(secret.map(|one| one.value.written().to_owned()));
        let jar = self.jar();
        let cookies = jar
            .values()
            .filter(|value| value.len() >= MIN_SECRET_COOKIE);
        let cookies: Vec<String> = cookies.map(str::to_owned).collect();
        drop(jar);
        for cookie in cookies {
            if !self.secrets.contains(&cookie) {
                self.secrets.push(cookie);
            }
        }
    }

    /// A bad answer, or none, of which nobody knows whose it is; without what this try captured as a secret.
    fn unattributed(&mut self) -> Option<String> {
        self.keep_secrets(&[]);
        let redactor = Redactor::new(self.secrets.iter().map(String::as_str));
        self.unattributed.take().map(|what| redactor.text(&what))
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, CookieJar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The steps after the one that was not met.
    fn not_reached(&self, journey: &Journey) -> Vec<UnreachedStep> {
        let reached = self.steps.iter().filter(|step| !step.always).count();
        let steps = journey.steps.iter().enumerate().skip(reached);
        steps
            .map(|(index, step)| UnreachedStep {
                number: index + 1,
                name: step.name.clone(),
            })
            .collect()
    }

    fn record(
        mut self,
        journey: &Journey,
        begun: Instant,
        end: End,
        asked: u32,
        doubt: Option<String>,
    ) -> TryRecord {
        self.keep_secrets(&[]);
        // Here and not with the report: what a try captured is known as long as the try only.
        let redactor = Redactor::new(self.secrets.iter().map(String::as_str));
        for step in &mut self.steps {
            step.mask(&redactor);
        }
        let percent = self.run.sampled_percent.unwrap_or_default();
        let (measurement, error) = match (end, doubt) {
            (End::OtherRevision, doubt) => {
                let doubt = doubt.map_or_else(String::new, |doubt| format!("; {doubt}"));
                let message = format!(
                    "not every step of the journey was answered by the new revision, which has {percent} % of the \
                     traffic, by what `revision` of the suite says ({asked} tried){doubt}"
                );
                (Measurement::Inconclusive, Some(message))
            }
            (End::Met, Some(doubt)) => (Measurement::Inconclusive, Some(doubt)),
            (end, _) => (end.measurement(), None),
        };
        TryRecord {
            attempt: Attempt {
                measurement,
                duration: begun.elapsed(),
                error,
                ..Attempt::begun(self.run.elapsed_at(begun))
            },
            not_reached: self.not_reached(journey),
            steps: self.steps,
            of_release: self.of_release,
        }
    }
}
