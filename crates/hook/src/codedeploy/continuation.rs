//! A bake, or a wait for people, that is longer than the function may run: the function hands it to itself, within `CodeDeploy`'s hour.
//!
//! A chain must end and must not fork. It ends because its parts are counted and the hour is. It does not fork because
//! each part is claimed in the report bucket by the id of its invocation: Lambda's retry of the same event has the same
//! id and goes on, a duplicate has another one and ends.

use std::time::Duration;

use common::failure::{Failure, Hints};
use common::lambda_invoke;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::budget::Budget;
use crate::carried_state::{CarriedState, Handover};
use crate::event::{CodeDeployEvent, RUN_KEY};
use crate::gate_function::GateFunction;
use crate::publish::claims::{self, Claim};

/// `CodeDeploy` waits for an hour, and the look-ups before and the answer after take their time.
pub(crate) const MAX_BAKE: Duration = Duration::from_mins(50);
/// The hour, less what passes before the function is called and after it has answered.
pub(crate) const MAX_WAIT: Duration = Duration::from_mins(58);
/// The state of so many checks fits into what is read of an event.
pub(crate) const MAX_CHECKS: usize = 200;
/// Lambda takes a longer chain for a runaway loop.
pub(crate) const MAX_PARTS: u32 = 12;

/// A run that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// From 1; `CodeDeploy`'s own call is 0.
    pub(crate) part: u32,
    pub(crate) carried: CarriedState,
}

impl Continuation {
    fn encode(&self) -> String {
        format!("{}~{}", self.part, self.carried.encode())
    }

    /// What [`Continuation::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (part, carried) = text.split_once('~')?;
        Some(Self {
            part: part.parse().ok().filter(|part| *part <= MAX_PARTS)?,
            carried: CarriedState::decode(carried)?,
        })
    }
}

/// Which part of its chain an invocation is, from 0. A chain that can't be read is at its end.
pub(crate) fn part_of(event: &CodeDeployEvent) -> u32 {
    match event.run.as_deref() {
        None => 0,
        Some(run) => Continuation::decode(run).map_or(MAX_PARTS, |run| run.part),
    }
}

/// How long the rest of the chain may take: what is left of this invocation, and as many more as may follow.
pub(crate) fn time_left(event: &CodeDeployEvent, budget: Budget) -> Duration {
    let parts = MAX_PARTS.saturating_sub(part_of(event));
    let left = budget.work_until.saturating_duration_since(Instant::now());
    left + budget.work_time * parts
}

/// Whether another invocation goes on with this part. Where that can't be found out, this one does: measuring twice
/// costs less than an hour of waiting.
pub(crate) async fn is_claimed_by_another_invocation(
    function: &GateFunction,
    event: &CodeDeployEvent,
    request_id: &str,
) -> bool {
    let (Some(run), Ok(settings)) = (
        event.run.as_deref().and_then(Continuation::decode),
        &function.settings,
    ) else {
        return false;
    };
    let name = format!("{}-part-{}", event.execution_id, run.part);
    match claims::claim(&function.aws, settings, &name, request_id).await {
        Claim::Ours | Claim::Unknown => false,
        Claim::Theirs => true,
    }
}

/// Invokes this function again with what was counted so far.
pub(crate) async fn goes_on(
    function: &GateFunction,
    event: &CodeDeployEvent,
    handover: &Handover,
) -> Result<Value, String> {
    let part = part_of(event) + 1;
    if part > MAX_PARTS {
        return Err(format!(
            "the gate was handed on {MAX_PARTS} times, and it is still not at its end; raise the function's Timeout"
        ));
    }
    let settings = function.settings.as_ref();
    let name = settings.map(|settings| settings.function_name.as_str());
    let name = name.map_err(ToString::to_string)?;
    let run = Continuation {
        part,
        carried: handover.carried.clone(),
    };
    let payload = json!({
        "DeploymentId": event.deployment_id,
        "LifecycleEventHookExecutionId": event.execution_id,
        RUN_KEY: run.encode(),
    });
    let call = lambda_invoke::invoke_event(&function.aws, name, payload.to_string());
    let hints = Hints {
        permission: "lambda:InvokeFunction on this function itself",
        absent: "the function is gone",
    };
    match call.await {
        Ok(()) => Ok(json!({
            "deploymentId": event.deployment_id,
            "stage": function.stage.as_str(),
            "continues": handover.summary,
            "part": part,
        })),
        Err(error) => Err(format!(
            "the gate could not be handed to another invocation: {}",
            Failure::of(&error).sentence(function.aws.identity(), hints)
        )),
    }
}
