//! People are asked where the evidence is not enough and the suite says `inconclusive: ask`.
//!
//! The question is put on the event bus, where the approvals take it up; their answer is read from their table. The
//! caller waits meanwhile as its contract allows, and the deadline that people are told lies within that. What must
//! never happen: an answer that counts for anything but what was shown, and a wait that ends as anything but a failure
//! where nobody has answered.

mod deadline;
mod evidence;
mod invocation;
pub(crate) mod pending_question;
mod store;

use std::sync::OnceLock;
use std::time::Duration;

use common::arn::Place;
use common::aws::Aws;
use common::state::Table;
use gate::{Outcome, Stage};
use gate_question::{AskingGate, FORMAT, GateAnswer, GateEnd, GateQuestion, GateResolution};
use jiff::Timestamp;
use serde_json::json;
use signing::OpaqueId;
use tokio::time::Instant;

use self::pending_question::{PendingQuestion, PeopleAnswer, QuestionResult};
use self::store::StoredMeasurements;
use crate::caller::Caller;
use crate::facts::Facts;
use crate::publish::claims::{self, StoredFirst};
use crate::publish::{self, ReportName, console_link, gate_event};
use crate::settings::Settings;

pub(crate) use self::deadline::CallerDeadline;
pub(crate) use self::invocation::{AskError, begin_asking, end_question, wait_for_people};

/// Between two looks for an answer in one invocation.
const POLL_EVERY: Duration = Duration::from_secs(5);

/// Why nobody can be asked here.
pub(crate) const NOT_CONNECTED: &str = "the suite says `inconclusive: ask`, and this gate can ask nobody: set the \
     stack's parameters ApprovalsConfig and GateEventBus; until then it is the same as `inconclusive: fail`";

/// Who asks, and of whom.
#[derive(Debug, Clone)]
pub(crate) struct AskContext {
    pub(crate) caller: Caller,
    pub(crate) stage: Stage,
    pub(crate) execution_id: String,
    /// The run that asks.
    pub(crate) run: OpaqueId,
    pub(crate) facts: Facts,
    /// Where the function runs.
    pub(crate) place: Option<Place>,
    pub(crate) caller_deadline: CallerDeadline,
}

impl AskContext {
    fn report_name(&self) -> ReportName<'_> {
        ReportName {
            caller: self.caller,
            stage: self.stage,
            facts: &self.facts,
            execution_id: self.execution_id.as_str().into(),
        }
    }
}

/// Asks people, or waits for the answer to what another invocation of the same run has asked. An error is a sentence that
/// says why nobody could be asked; where the question may be out all the same, it is in `out`.
pub(crate) async fn begin(
    aws: &Aws,
    settings: &Settings,
    asking: &AskContext,
    outcome: &Outcome,
    out: &OnceLock<PendingQuestion>,
) -> Result<PendingQuestion, String> {
    let (Some(bus), Some(_)) = (&settings.event_bus, &settings.state_table) else {
        return Err(NOT_CONNECTED.to_owned());
    };
    let now = Timestamp::now();
    let expires = deadline::expires(outcome.report.started, now, asking.caller_deadline)?;
    let stored = StoredMeasurements::of(outcome, &asking.facts, &asking.run);
    let name = asking.report_name();
    let report = publish::put_asked(aws, settings, &name, &outcome.report);
    // People can decide without the whole report: what they are shown is in the question.
    let report = report.await.unwrap_or_else(|problem| {
        tracing::error!("{problem}");
        String::new()
    });
    let question = question(asking, outcome, &stored, (now, expires), &settings.region);
    let question = with_report(question, report, &settings.region);
    let id = question.id();
    store::put(aws, settings, &id, &stored).await?;
    let asked = PendingQuestion {
        question: id.clone(),
        expires: question.expires,
        measurements: stored.digest,
    };
    if let Some(before) = asked_before(aws, settings, &asking.run, &asked).await {
        let case = before.question.as_str();
        tracing::info!(case, "another invocation of this run has asked already");
        return Ok(before);
    }
    out.get_or_init(|| asked.clone());
    let mut detail = json!(question);
    detail["case"] = json!(id.as_str());
    gate_event::put(
        aws,
        bus,
        gate_question::QUESTION_DETAIL_TYPE,
        detail.to_string(),
    )
    .await?;
    tracing::info!(case = id.as_str(), %expires, "people are asked");
    Ok(asked)
}

/// What another invocation of the same run has asked. Lambda may deliver an event twice, and people are asked once. Where that
/// can't be found out, they are asked: twice costs less than never.
async fn asked_before(
    aws: &Aws,
    settings: &Settings,
    run: &OpaqueId,
    asked: &PendingQuestion,
) -> Option<PendingQuestion> {
    let name = format!("{run}-asked");
    let StoredFirst::Theirs(text) = claims::first(aws, settings, &name, &asked.encode()).await
    else {
        return None;
    };
    let before = PendingQuestion::decode(str::from_utf8(&text).ok()?);
    // A try of our own whose result was lost.
    before.filter(|before| before.question != asked.question)
}

/// Pure: what people are asked.
fn question(
    asking: &AskContext,
    outcome: &Outcome,
    stored: &StoredMeasurements,
    (now, expires): (Timestamp, Timestamp),
    region: &str,
) -> GateQuestion {
    let fact = |key: &str| evidence::name(asking.facts.get(key).map_or("", String::as_str));
    let place = asking.place.clone();
    let (account, own_region) = place.map_or_else(
        || (String::new(), region.to_owned()),
        |place| (place.account, place.region),
    );
    let mut evidence = evidence::of(&outcome.report);
    evidence.version = fact("version");
    evidence.old_version = fact("old_version");
    evidence.measurements = stored.digest.to_string();
    // To the second, as in the text that is handed on.
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    GateQuestion {
        format: FORMAT,
        asking: AskingGate {
            account,
            region: own_region,
            gate: asking.stage.as_str().to_owned(),
            caller: asking.caller.to_string(),
            application: fact("application"),
            deployment_group: fact("deployment_group"),
            cluster: fact("cluster"),
            service: fact("service"),
            deployment_id: fact("deployment_id"),
            lifecycle_event: fact("lifecycle_event"),
            revision: fact("revision"),
            run: asking.run.to_string(),
        },
        evidence,
        asked_at: whole(now),
        expires: whole(expires),
    }
}

fn with_report(mut question: GateQuestion, report: String, region: &str) -> GateQuestion {
    question.evidence.report_link = console_link(&report, region).unwrap_or_default();
    question.evidence.report = report;
    question
}

/// A run that waits for people.
#[derive(Debug, Clone)]
pub(crate) struct WaitingRun {
    pub(crate) stage: Stage,
    /// The run that looks, which must be the one that asked.
    pub(crate) run: OpaqueId,
    pub(crate) asked: PendingQuestion,
}

/// Looks for the answer until `until`, at least once. None: it is still to come.
pub(crate) async fn wait(
    aws: &Aws,
    settings: &Settings,
    waiting: &WaitingRun,
    until: Instant,
) -> Option<QuestionResult> {
    loop {
        if let Some(answered) = poll_answer(aws, settings, waiting).await {
            return Some(answered);
        }
        if Instant::now() + 2 * POLL_EVERY > until {
            return None;
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// Looks once. What can't be read is no answer, and once the time is over it is a failure with that reason.
async fn poll_answer(
    aws: &Aws,
    settings: &Settings,
    waiting: &WaitingRun,
) -> Option<QuestionResult> {
    let WaitingRun { stage, run, asked } = waiting;
    // Before the look: an answer that comes later has come too late.
    let over = Timestamp::now() >= asked.closes();
    let heard = read(aws, settings, asked).await;
    if let Err(problem) = &heard {
        tracing::error!("{problem}");
    }
    if !over && !matches!(heard, Ok(Some(_))) {
        return None;
    }
    let stored = store::get(aws, settings, &asked.question).await;
    let stored = stored.and_then(|stored| stored.if_it_is(&asked.measurements, run));
    match (stored, heard) {
        (Ok(stored), Ok(Some(GateResolution::Answer(answer)))) => {
            Some(decided(asked, stored, &answer))
        }
        (Ok(stored), Ok(Some(GateResolution::End(end)))) => {
            Some(unanswered(asked, stored, &ended_before(&end)))
        }
        (Ok(stored), Ok(None)) => Some(unanswered(asked, stored, &no_answer(asked))),
        (Ok(stored), Err(problem)) => Some(unanswered(asked, stored, &problem)),
        // What was shown can't be confirmed: there is time for another look.
        (Err(problem), _) if !over => {
            tracing::error!("{problem}");
            None
        }
        (Err(problem), _) => {
            let outcome = Outcome::refused("", *stage, Facts::new(), vec![problem]);
            let stored = StoredMeasurements::of(&outcome, &Facts::new(), run);
            let why = "people were asked, and what they were shown can't be confirmed any more";
            Some(unanswered(asked, stored, why))
        }
    }
}

async fn read(
    aws: &Aws,
    settings: &Settings,
    asked: &PendingQuestion,
) -> Result<Option<GateResolution>, String> {
    let Some(name) = &settings.state_table else {
        return Err(NOT_CONNECTED.to_owned());
    };
    let heard = gate_question::read_resolution(Table { aws, name }, &asked.question).await;
    heard.map_err(|error| format!("people were asked, and their answer can't be read: {error}"))
}

/// Writes down that a question takes no answers since `at`; only one that this run has asked.
pub(crate) async fn end(
    aws: &Aws,
    settings: &Settings,
    (asked, run): (&PendingQuestion, &OpaqueId),
    at: Timestamp,
    reasons: &[String],
) -> Result<(), String> {
    let Some(name) = &settings.state_table else {
        return Err(NOT_CONNECTED.to_owned());
    };
    // Whoever may invoke the function may hand it the question of another run.
    let stored = store::get(aws, settings, &asked.question).await?;
    stored.if_it_is(&asked.measurements, run)?;
    let end = GateEnd {
        reason: evidence::reason(&reasons.join("; ")),
        at,
    };
    let table = Table { aws, name };
    let written = gate_question::write_end(table, &asked.question, &end).await;
    written.map_err(|error| error.to_string())
}

fn ended_before(end: &GateEnd) -> String {
    format!(
        "the evidence is not enough, and another invocation has ended the wait for people's answer: {}",
        end.reason
    )
}

/// Pure: the end of a question that was answered.
fn decided(
    asked: &PendingQuestion,
    stored: StoredMeasurements,
    answer: &GateAnswer,
) -> QuestionResult {
    let said = format!("{}, at {}", gate::mask(&answer.summary), answer.at);
    let (people, outcome) = if answer.approved {
        let reason =
            format!("the evidence is not enough, and people let the release go on: {said}");
        (PeopleAnswer::Approved, stored.outcome.let_pass(reason))
    } else {
        let reason = format!("the evidence is not enough, and people stopped the release: {said}");
        (PeopleAnswer::Rejected, stored.outcome.because(reason))
    };
    QuestionResult {
        outcome,
        facts: stored.facts,
        question: asked.question.clone(),
        people,
        left_open: None,
    }
}

fn no_answer(asked: &PendingQuestion) -> String {
    format!(
        "the evidence is not enough, and nobody answered by {}, which stops the release",
        asked.expires
    )
}

/// Pure: the end of a question that nobody has answered, as far as is known.
fn unanswered(asked: &PendingQuestion, stored: StoredMeasurements, why: &str) -> QuestionResult {
    QuestionResult {
        outcome: stored.outcome.because(why.to_owned()),
        facts: stored.facts,
        question: asked.question.clone(),
        people: PeopleAnswer::Unanswered,
        left_open: None,
    }
}

#[cfg(test)]
mod tests;
