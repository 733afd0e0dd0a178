//! What became of a case, sent to those who were asked. Level-triggered: an event only says that it is
//! worth looking; what is told follows from how things stand. So events may come early, late, twice
//! or in any order, and each thing is told once.

use std::sync::Arc;

use approvals::config::{Config, FollowUp, Route};
use approvals::decide::DecisionOutcome;
use approvals::pipeline;
use approvals::source::wait;
use approvals::telemetry;
use approvals::{Case, ExecutionOutcome, ExecutionStatus, Source};
use channels::{DeliveryMode, NoticeReason, Recipient};
use futures::future::join_all;
use ledger::{Actor, Delivery};
use serde_json::Value;
use signing::Keys;

use crate::case_status::{self, CaseStatus};
use crate::context::EventContext;
use crate::delivery::{self, CaseMessage};
use crate::due::{CaseProgress, DueStep, steps};
use crate::error::{NotifierError, all};
use crate::findings;
use crate::question::asking_messages;

/// The name of what was decided in the records.
const DECISION_NAME: &str = "decided";

/// The name of what became of the release: a stage that failed may be retried and then succeed, which is
/// told as well.
fn outcome_name(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Succeeded => "outcome-succeeded",
        ExecutionStatus::Failed => "outcome-failed",
        ExecutionStatus::Stopped => "outcome-stopped",
        ExecutionStatus::Superseded => "outcome-superseded",
        ExecutionStatus::InProgress => "outcome-in-progress",
    }
}

/// Follows up all cases of a pipeline execution or a service deployment.
pub async fn execution(
    context: &EventContext<'_>,
    index: &str,
    execution_id: &str,
) -> Result<(), NotifierError> {
    let ids = context
        .records
        .cases_of_execution(index, execution_id)
        .await?;
    let following = ids
        .iter()
        .map(async |id| match context.records.case(id).await? {
            Some(case) => Box::pin(settle(context, &case)).await.map(drop),
            // Its question is being written down at this moment, and looks by itself afterwards.
            None => Ok(()),
        });
    all(join_all(following).await)
}

/// Tells what is to be told about a case by now, and says how it stands.
pub async fn settle(context: &EventContext<'_>, case: &Case) -> Result<CaseStatus, NotifierError> {
    telemetry::note(case);
    let stand = Box::pin(case_status::of(context, case)).await?;
    let CaseStatus::Settled(settled) = &stand else {
        return Ok(stand);
    };
    let (deliveries, config) = tokio::join!(
        context.records.ledger.deliveries(&case.id),
        context.config()
    );
    let config = config?;
    let asked = asked(config, deliveries?);
    if asked.is_empty() {
        return Ok(stand);
    }
    let route = config.route_named(&case.route);
    let facts = Box::pin(facts(context, case, route, settled)).await?;
    let telling = asked
        .iter()
        .map(|asked| Box::pin(tell(context, config, &facts, asked)));
    all(join_all(telling).await)?;
    Ok(stand)
}

/// What is known of a settled case.
struct FollowUpFacts<'a> {
    case: &'a Case,
    route: Option<&'a Route>,
    settled: &'a DecisionOutcome,
    who: Option<String>,
    comment: Option<String>,
    /// What became of the release; none while the execution goes on, or if there is none to tell of.
    outcome: Option<ExecutionOutcome>,
    /// For links to the page of the case.
    keys: Arc<Keys>,
}

async fn facts<'a>(
    context: &EventContext<'_>,
    case: &'a Case,
    route: Option<&'a Route>,
    settled: &'a DecisionOutcome,
) -> Result<FollowUpFacts<'a>, NotifierError> {
    let (outcome, keys) = tokio::join!(outcome(context, case, route, settled), context.keys());
    let keys = keys?;
    // People paste what the console shows them, and its review link carries the token.
    let mask = |text: &str| wait::mask(&keys, case, text);
    let comment = if settled.by.is_empty() {
        settled.action_state.summary.as_deref()
    } else {
        settled.comment.as_deref()
    };
    Ok(FollowUpFacts {
        case,
        route,
        settled,
        who: who(&settled.by),
        comment: comment.map(mask),
        outcome: outcome?,
        keys,
    })
}

/// Who decided, if it was given through us; else the truth has who it was.
fn who(by: &[Actor]) -> Option<String> {
    let names: Vec<String> = by.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What became of the release, once the execution has ended.
async fn outcome(
    context: &EventContext<'_>,
    case: &Case,
    route: Option<&Route>,
    settled: &DecisionOutcome,
) -> Result<Option<ExecutionOutcome>, NotifierError> {
    let Some(execution) = &case.execution_id else {
        return Ok(None);
    };
    let goes_on_after_it = case.goes_on_after(settled.action_state.status);
    if !goes_on_after_it || !follow_up(route).outcome {
        return Ok(None);
    }
    let lookups = findings::lookups(context, route);
    let outcome = match &case.source {
        Source::Pipeline(action) => {
            // One cheap call, as most looks come before the end.
            let around = pipeline::execution_of(context.aws, &action.pipeline, execution).await?;
            if around.status.is_none_or(|status| goes_on(&status)) {
                return Ok(None);
            }
            Box::pin(briefing::outcome(&lookups, action, execution)).await?
        }
        Source::Ecs(paused) => Box::pin(briefing::pause_outcome(&lookups, paused)).await?,
        // The gate says itself what became of it.
        Source::Gate(_) => return Ok(None),
    };
    Ok((outcome.status != ExecutionStatus::InProgress).then_some(outcome))
}

fn goes_on(status: &aws_sdk_codepipeline::types::PipelineExecutionStatus) -> bool {
    use aws_sdk_codepipeline::types::PipelineExecutionStatus::{InProgress, Stopping};
    matches!(status, InProgress | Stopping)
}

/// What the route tells after the question; all of it where the route is gone.
fn follow_up(route: Option<&Route>) -> FollowUp {
    route.map_or(
        FollowUp {
            decision: true,
            outcome: true,
        },
        |route| route.follow_up,
    )
}

/// A recipient who was asked.
struct AskedRecipient {
    recipient: Recipient,
    /// What the channel calls the first message.
    first: Option<Value>,
}

/// Whoever was asked and is still configured: others were told nothing that needs an end.
fn asked(config: &Config, deliveries: Vec<(String, String, Delivery)>) -> Vec<AskedRecipient> {
    let all: Vec<Recipient> = config.channels.values().flat_map(Recipient::of).collect();
    let mut asked: Vec<AskedRecipient> = Vec::new();
    for (key, delivery) in asking_messages(deliveries) {
        if asked.iter().any(|asked| asked.recipient.key == key) {
            continue;
        }
        let Some(recipient) = all.iter().find(|recipient| recipient.key == key) else {
            tracing::warn!(recipient = key, "it was asked, and is no longer configured");
            continue;
        };
        asked.push(AskedRecipient {
            recipient: recipient.clone(),
            first: delivery.message_ref,
        });
    }
    asked
}

/// Tells one recipient what is due, in order: the outcome waits for the decision.
async fn tell(
    context: &EventContext<'_>,
    config: &Config,
    facts: &FollowUpFacts<'_>,
    asked: &AskedRecipient,
) -> Result<(), NotifierError> {
    let first = asked
        .first
        .as_ref()
        .filter(|_| asked.recipient.changeable());
    let progress = CaseProgress {
        status: facts.settled.action_state.status,
        goes_on: facts.case.goes_on_after(facts.settled.action_state.status),
        ended: facts.outcome.is_some(),
        follow_up: follow_up(facts.route),
        changeable: first.is_some(),
    };
    for step in steps(progress) {
        let (name, occasion) = match (step, &facts.outcome) {
            (DueStep::Decided, _) => (
                DECISION_NAME,
                NoticeReason::Decided {
                    action_state: &facts.settled.action_state,
                    who: facts.who.as_deref(),
                    comment: facts.comment.as_deref(),
                },
            ),
            (DueStep::Outcome, Some(outcome)) => {
                (outcome_name(outcome.status), NoticeReason::Outcome(outcome))
            }
            (DueStep::Outcome, None) => continue,
        };
        let message = CaseMessage {
            name,
            occasion,
            case: facts.case,
            route: facts.route,
            config,
            signer: context.signer(&facts.keys),
            buttons: false,
        };
        let mode = match (first, step) {
            (Some(first), DueStep::Decided) => DeliveryMode::Update(first),
            (Some(first), DueStep::Outcome) => DeliveryMode::Thread(first),
            (None, _) => DeliveryMode::New,
        };
        delivery::send(context, message, &asked.recipient, mode).await?;
    }
    Ok(())
}
