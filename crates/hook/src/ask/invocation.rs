//! What one invocation does of a question: it asks, or looks for the answer and hands the wait on. Under guards of its
//! own, so that neither can keep the caller from being answered.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use common::arn::Place;
use gate::Outcome;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use super::pending_question::{PendingQuestion, QuestionResult};
use super::{AskContext, CallerDeadline, WaitingRun, begin, end, wait};
use crate::budget::Budget;
use crate::carried_state::Handover;
use crate::codedeploy;
use crate::event::Call;
use crate::gate_function::GateFunction;
use crate::guard::{self, Progress};
use crate::hand_over::hand_over;

/// Nobody could be asked, as far as is known.
#[derive(Debug)]
pub(crate) struct AskError {
    /// Why, a sentence.
    pub(crate) reason: String,
    /// The question, where it may be out all the same.
    pub(crate) asked: Option<PendingQuestion>,
}

/// Asks people, or says why nobody could be asked.
pub(crate) async fn begin_asking(
    (function, call): (&Arc<GateFunction>, &Arc<Call>),
    place: Option<Place>,
    (outcome, waits_for, waits_since): (&Outcome, Duration, Option<Timestamp>),
    budget: Budget,
    progress: &Progress,
) -> Result<PendingQuestion, AskError> {
    let asking = AskContext {
        caller: call.caller(),
        stage: function.stage,
        execution_id: call.execution_id().into_owned(),
        run: call.run_key(function.stage),
        facts: progress.facts(),
        place,
        caller_deadline: CallerDeadline {
            limit: waits_for,
            since: waits_since,
            invocations: match &**call {
                Call::CodeDeploy(event) => Some(codedeploy::continuation::time_left(event, budget)),
                Call::Ecs(_) | Call::CodePipeline(_) => None,
            },
        },
    };
    let (function, outcome) = (function.clone(), outcome.clone());
    let out = Arc::new(OnceLock::new());
    let put = out.clone();
    let work = async move {
        let settings = function.settings.as_ref().map_err(ToString::to_string)?;
        begin(&function.aws, settings, &asking, &outcome, &put).await
    };
    let asked = guard::run(budget.before_answer(), work.in_current_span()).await;
    let asked =
        asked.unwrap_or_else(|cut| Err(format!("people could not be asked in time: {cut:?}")));
    asked.map_err(|reason| AskError {
        reason,
        asked: out.get().cloned(),
    })
}

/// Writes down that a question takes no answers since `at`, as the gate has ended without one.
pub(crate) async fn end_question(
    function: &Arc<GateFunction>,
    call: &Call,
    (asked, at): (PendingQuestion, Timestamp),
    outcome: &Outcome,
    budget: Budget,
) {
    let run = call.run_key(function.stage);
    let (function, reasons) = (function.clone(), outcome.verdict.reasons.clone());
    let work = async move {
        let settings = function.settings.as_ref().map_err(ToString::to_string)?;
        end(&function.aws, settings, (&asked, &run), at, &reasons).await
    };
    let left = budget
        .publish_until
        .saturating_duration_since(Instant::now());
    let ended = guard::run(Instant::now() + left / 3, work.in_current_span()).await;
    let ended = ended.unwrap_or_else(|cut| Err(format!("it could not be done in time: {cut:?}")));
    if let Err(why) = ended {
        tracing::error!("people's question could not be closed: {why}");
    }
}

/// Looks for people's answer as long as this invocation may, and hands the wait on. An error is the end of the wait.
pub(crate) async fn wait_for_people(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    asked: PendingQuestion,
    budget: Budget,
) -> Result<Value, Box<QuestionResult>> {
    // Where the caller calls back by itself, nothing is gained by staying.
    let until = match &**call {
        Call::CodeDeploy(_) => budget.work_until,
        Call::Ecs(_) | Call::CodePipeline(_) => Instant::now(),
    };
    let ended = |reason: String| Box::new(asked.ended(function.stage, reason));
    let waiting = WaitingRun {
        stage: function.stage,
        run: call.run_key(function.stage),
        asked: asked.clone(),
    };
    let looking = function.clone();
    let look = async move {
        let settings = looking.settings.as_ref().map_err(ToString::to_string)?;
        Ok(wait(&looking.aws, settings, &waiting, until).await)
    };
    // Before the look: an answer that comes later has come too late.
    let over = Timestamp::now() >= asked.closes();
    let last = until.max(Instant::now() + budget.lookup_timeout());
    match guard::run(last, look.in_current_span()).await {
        Ok(Ok(Some(answered))) => return Err(Box::new(answered)),
        Ok(Ok(None)) => {}
        Ok(Err(wrong_settings)) => return Err(ended(wrong_settings)),
        Err(cut) => {
            tracing::error!(?cut, "people's answer could not be looked for");
            if over {
                let why = "people's answer could not be looked for in time".to_owned();
                return Err(ended(why));
            }
        }
    }
    let handover = Handover::of_question(&asked, Timestamp::now());
    hand_over(function, call, handover, budget)
        .await
        .map_err(ended)
}
