//! One invocation from event to answer:
//! decode → find the target → load the suite → gate → answer → report → notify.
//!
//! The answer comes before the report and the notification where it is a call: those may fail or be slow, and the
//! caller is waiting. Nothing after the answer can change it. A run that goes on in another invocation ends in no
//! verdict: what was measured is stored, and the run is handed on. So is a question to people ([`crate::ask`]).

use std::sync::Arc;

use common::arn::Place;
use common::telemetry;
use gate::PartEnd;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Instrument;

use crate::ask::pending_question::PendingQuestion;
use crate::ask::{AskError, begin_asking, wait_for_people};
use crate::budget::Budget;
use crate::caller::Refusal;
use crate::codedeploy;
use crate::conclude::{DecidedRun, conclude};
use crate::error::HandleError;
use crate::event::{Call, CodeDeployEvent, Payload};
use crate::gate_function::GateFunction;
use crate::guard::{self, Progress};
use crate::hand_over::hand_on;
use crate::measure::{MeasuredRun, WorkEnd, end_of, refused};
use crate::overrides;

/// Answers one event. ECS takes the value for its answer; `CodeDeploy` and `CodePipeline` ignore it, and it is for people
/// who invoke the function by hand.
pub async fn handle(
    function: Arc<GateFunction>,
    event: LambdaEvent<Payload>,
) -> Result<Value, HandleError> {
    let context = event.context;
    let budget = Budget::until(context.deadline());
    let span = telemetry::invocation(
        &context.request_id,
        &context.invoked_function_arn,
        context.xray_trace_id.as_deref(),
    );
    let invocation = Invocation {
        request_id: context.request_id.clone(),
        place: Place::of_function(&context.invoked_function_arn),
    };
    // On the heap: what the runtime wraps around it must stay within what the compiler looks into.
    Box::pin(answer_event(function, event.payload, budget, &invocation))
        .instrument(span)
        .await
}

/// What Lambda says of an invocation.
struct Invocation {
    request_id: String,
    place: Option<Place>,
}

async fn answer_event(
    function: Arc<GateFunction>,
    payload: Payload,
    budget: Budget,
    invocation: &Invocation,
) -> Result<Value, HandleError> {
    let call = payload
        .decode()
        .inspect_err(|other| tracing::error!("{other}"))?;
    let call = Arc::new(call);
    tracing::Span::current().record(telemetry::CORRELATION_ID, call.id());
    if let Call::CodeDeploy(event) = &*call
        && is_claimed_by_another_invocation(&function, event, &invocation.request_id, budget).await
    {
        tracing::info!("another invocation goes on with this bake");
        return Ok(json!({ "deploymentId": call.id(), "duplicate": true }));
    }
    let progress = Progress::default();
    progress.add_facts(&call.facts());
    let asked = match end_of(&function, &call, budget, &progress).await {
        WorkEnd::Question(asked) => asked,
        WorkEnd::Measured(measured) => {
            let place = invocation.place.clone();
            match after_measuring((&function, &call), *measured, place, budget, &progress).await {
                Next::Question(asked) => asked,
                Next::GoesOn(answer) => return Ok(answer),
                Next::Ended(ended) => {
                    let ended = ended.leaves_open(call.pending_question());
                    return conclude(&function, &call, ended, budget, &progress).await;
                }
            }
        }
    };
    match wait_for_people(&function, &call, asked, budget).await {
        Ok(answer) => Ok(answer),
        Err(answered) => {
            let ended = DecidedRun::by_people(*answered, &progress);
            conclude(&function, &call, ended, budget, &progress).await
        }
    }
}

/// How it goes on after measuring.
enum Next {
    /// The gate has decided.
    Ended(Box<DecidedRun>),
    /// People were asked.
    Question(PendingQuestion),
    /// Another invocation goes on; this is what the function returns.
    GoesOn(Value),
}

async fn after_measuring(
    (function, call): (&Arc<GateFunction>, &Arc<Call>),
    measured: MeasuredRun,
    place: Option<Place>,
    budget: Budget,
    progress: &Progress,
) -> Next {
    let ended = |ended| Next::Ended(Box::new(ended));
    match measured.end {
        PartEnd::Decided(outcome) => ended(DecidedRun::by_gate(*outcome)),
        PartEnd::Paused(paused) => match hand_on(function, call, *paused, budget, progress).await {
            Ok(answer) => Next::GoesOn(answer),
            Err(reason) => {
                let refusal = Refusal {
                    reasons: vec![reason],
                    dry_run: progress.is_dry_run(),
                };
                ended(DecidedRun::by_gate(refused(function, progress, refusal)))
            }
        },
        PartEnd::Overridden(outcome) => {
            match overrides::use_up(function, measured.overridden, budget).await {
                Ok((by, reason)) => ended(DecidedRun::by_override(outcome.let_pass(reason), by)),
                Err(reason) => ended(DecidedRun::by_gate(outcome.because(reason))),
            }
        }
        PartEnd::Asks(outcome) => {
            let of_run = (&*outcome, measured.waits_for, measured.waits_since);
            match begin_asking((function, call), place, of_run, budget, progress).await {
                Ok(asked) => Next::Question(asked),
                Err(AskError { reason, asked }) => {
                    ended(DecidedRun::by_gate(outcome.because(reason)).leaves_open(asked))
                }
            }
        }
    }
}

/// Whether another invocation goes on with this part of a bake; no, where that can't be found out.
async fn is_claimed_by_another_invocation(
    function: &Arc<GateFunction>,
    event: &CodeDeployEvent,
    request_id: &str,
    budget: Budget,
) -> bool {
    let (function, event) = (function.clone(), event.clone());
    let request_id = request_id.to_owned();
    let asking = async move {
        codedeploy::continuation::is_claimed_by_another_invocation(&function, &event, &request_id)
            .await
    };
    let until = Instant::now() + budget.lookup_timeout();
    let answer = guard::run(until, asking.in_current_span()).await;
    answer.unwrap_or_else(|cut| {
        tracing::error!(
            ?cut,
            "whether another invocation goes on can't be found out"
        );
        false
    })
}
