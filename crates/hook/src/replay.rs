//! An event run again by hand: looked up, measured and judged as the function would, and answered to nobody.
//!
//! It never reaches what answers a caller, stores a report, publishes or hands a run on: it goes through
//! [`crate::flow`] up to the verdict, with settings in which nothing is named that could be written to. What a suite's
//! checks send to a release they send here as well.

use std::sync::Arc;
use std::time::Duration;

use gate::{Outcome, PartEnd, Stage};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::ask;
use crate::budget::Budget;
use crate::caller::{Caller, Preparation, Refusal};
use crate::event::{Call, NotACall, Payload};
use crate::facts::Facts;
use crate::gate_function::GateFunction;
use crate::guard::{self, Interruption, Progress};
use crate::measure;
use crate::settings::Settings;
use crate::suite_source::may_be_sibling;
use crate::{codepipeline, ecs};

/// What an event says by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventDescription {
    /// Who called.
    #[serde(serialize_with = "as_text")]
    pub caller: Caller,
    /// How the caller is answered.
    pub answered_by: &'static str,
    /// What people know the call by: the deployment or the job.
    pub id: String,
    /// Which call of that.
    pub execution: String,
    /// What is known of the release, by the names that suites use.
    pub facts: Facts,
    /// The gate that may stand there; none where either may, as the event does not say.
    pub stage: Option<Stage>,
    /// The suite that the caller names, beside the function's own.
    pub suite: Option<String>,
    /// It goes on with what an earlier call has begun.
    pub goes_on: bool,
    /// What is wrong with it, whatever is deployed.
    pub problems: Vec<String>,
}

/// What the function would have done.
#[derive(Debug, Clone)]
pub struct ReplayResult {
    /// What the caller would hear.
    pub answer: Value,
    /// The verdict with its reasons, and the report.
    pub outcome: Outcome,
    /// People would be asked, and what they say would be the answer.
    pub asks_people: bool,
}

/// Says what an event is.
///
/// # Errors
/// If it is no call of a gate.
pub fn describe(payload: Payload) -> Result<EventDescription, NotACall> {
    Ok(description(&payload.decode()?))
}

fn description(call: &Call) -> EventDescription {
    let mut facts = call.facts();
    let mut problems = Vec::new();
    let (stage, suite, goes_on) = match call {
        Call::CodeDeploy(event) => (None, None, event.run.is_some()),
        Call::Ecs(event) => {
            problems.extend(ecs::problems_of(event));
            let stage = ecs::gate_at(&event.lifecycle_stage)
                .map_err(|problem| problems.push(problem))
                .ok();
            let goes_on = event.run.as_ref().is_some_and(|run| !run.is_empty());
            (stage, event.suite.clone(), goes_on)
        }
        Call::CodePipeline(job) => {
            let (stage, suite) = match codepipeline::described(job) {
                Ok((stage, suite, known)) => {
                    facts.extend(known);
                    if let Some(Err(why)) = suite.as_deref().map(may_be_sibling) {
                        let suite = suite.as_deref().unwrap_or_default();
                        problems.push(format!("UserParameters.suite is {suite:?}: {why}"));
                    }
                    (stage, suite)
                }
                Err(wrong) => {
                    problems.extend(wrong);
                    (None, None)
                }
            };
            (stage, suite, job.run.is_some())
        }
    };
    EventDescription {
        caller: call.caller(),
        answered_by: match call {
            Call::CodeDeploy(_) => "PutLifecycleEventHookExecutionStatus",
            Call::Ecs(_) => "the value that the function returns",
            Call::CodePipeline(_) => "PutJobSuccessResult or PutJobFailureResult",
        },
        id: call.id().to_owned(),
        execution: call.execution_id().into_owned(),
        facts,
        stage,
        suite,
        goes_on,
        problems,
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn as_text<S: serde::Serializer>(caller: &Caller, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(caller)
}

/// Does what the function would do with the event in `time`, up to its answer.
///
/// # Errors
/// If it is no call of a gate.
pub async fn replay(
    function: GateFunction,
    payload: Payload,
    time: Duration,
) -> Result<ReplayResult, NotACall> {
    let call = Arc::new(payload.decode()?);
    let function = Arc::new(GateFunction {
        settings: function.settings.map(Settings::without_places_to_write),
        ..function
    });
    let budget = Budget::divide(Instant::now(), time);
    let progress = Progress::default();
    progress.add_facts(&call.facts());
    let work = measure(function.clone(), call.clone(), budget, progress.clone());
    let refused =
        |refusal| Ending::Decided(Box::new(measure::refused(&function, &progress, refusal)));
    let ending = match guard::run(budget.work_until, work).await {
        Ok(Ok(ending)) => ending,
        Ok(Err(refusal)) => refused(refusal),
        Err(cut) => refused(Refusal::of(vec![reason(&cut, progress.step())], None)),
    };
    Ok(match ending {
        Ending::Decided(outcome) => ReplayResult {
            answer: answer(&call, &outcome),
            outcome: *outcome,
            asks_people: false,
        },
        Ending::Asks(outcome) => ReplayResult {
            answer: answer(&call, &outcome),
            outcome: *outcome,
            asks_people: true,
        },
    })
}

enum Ending {
    Decided(Box<Outcome>),
    Asks(Box<Outcome>),
}

async fn measure(
    function: Arc<GateFunction>,
    call: Arc<Call>,
    budget: Budget,
    progress: Progress,
) -> Result<Ending, Refusal> {
    let mut prepared = match measure::prepare(&function, &call, budget, &progress).await? {
        Preparation::Waived(reason) => {
            let waived = Outcome::waived(function.stage, progress.facts(), reason);
            return Ok(Ending::Decided(Box::new(waived)));
        }
        Preparation::Question(_) => {
            let reason = "people were asked about what an earlier call has measured; what they said is not read here";
            return Err(Refusal::of(vec![reason.to_owned()], None));
        }
        Preparation::Measure(prepared) => prepared,
    };
    // Nobody would go on with it.
    prepared.pause = None;
    if prepared.resume.take().is_some() {
        prepared
            .notes
            .push("the event goes on with a run; here it was begun anew".to_owned());
    }
    let dry_run = prepared.suite.dry_run;
    progress.set_dry_run(dry_run);
    let asks_people = prepared.suite.asks_people();
    let measured = measure::measure(&function, &call, *prepared, budget, &progress).await;
    match measured
        .map_err(|reasons| Refusal { reasons, dry_run })?
        .end
    {
        PartEnd::Decided(mut outcome) | PartEnd::Overridden(mut outcome) => {
            // Of the function, not of this run of it.
            let notes = &mut outcome.report.notes;
            notes.retain(|note| note != ask::NOT_CONNECTED);
            Ok(Ending::Decided(outcome))
        }
        PartEnd::Asks(outcome) if asks_people => Ok(Ending::Asks(outcome)),
        PartEnd::Asks(outcome) => Ok(Ending::Decided(outcome)),
        PartEnd::Paused(_) => {
            let reason = "the run was handed on, and nobody goes on with it; this is a defect";
            Err(Refusal::of(vec![reason.to_owned()], None))
        }
    }
}

fn reason(cut: &Interruption, doing: &str) -> String {
    match cut {
        Interruption::Deadline => {
            format!(
                "the time was over while it was still {doing}; give more time, or find out what hangs"
            )
        }
        Interruption::Panic(message) => {
            format!("it panicked while it was {doing}: {message}; this is a defect")
        }
    }
}

/// What the caller would hear.
fn answer(call: &Call, outcome: &Outcome) -> Value {
    let answer = if outcome.verdict.passed {
        Answer::Succeeded
    } else {
        Answer::Failed
    };
    match call {
        Call::CodeDeploy(event) => json!({
            "call": "PutLifecycleEventHookExecutionStatus",
            "deploymentId": event.deployment_id,
            "lifecycleEventHookExecutionId": event.execution_id,
            "status": answer.as_str(),
        }),
        Call::Ecs(_) => ecs::answer::decided(answer),
        Call::CodePipeline(job) => {
            let succeeds = codepipeline::answer::succeeds(job, answer);
            let call = if succeeds {
                "PutJobSuccessResult"
            } else {
                "PutJobFailureResult"
            };
            json!({ "call": call, "jobId": job.id, "passed": answer == Answer::Succeeded })
        }
    }
}
