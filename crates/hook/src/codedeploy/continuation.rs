//! A bake that is longer than the function may run: the function hands it to itself, within `CodeDeploy`'s hour.
//!
//! A chain must end and must not fork. It ends because its parts are counted and the hour is. It does not fork because
//! each part is claimed in the report bucket by the id of its invocation: Lambda's retry of the same event has the same
//! id and goes on, a duplicate has another one and ends.

use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use common::failure::{Failure, Hints};
use gate::{Paused, RunState};
use serde_json::{Value, json};

use crate::event::{HookEvent, RUN_KEY};
use crate::flow::GateFunction;
use crate::publish::claims::{self, Claim};

/// `CodeDeploy` waits for an hour, and the look-ups before and the answer after take their time.
pub(crate) const MAX_BAKE: Duration = Duration::from_mins(50);
/// The state of so many checks fits into what is read of an event.
pub(crate) const MAX_CHECKS: usize = 200;
/// Lambda takes a longer chain for a runaway loop.
pub(crate) const MAX_PARTS: u32 = 12;

/// A run that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandedOn {
    /// From 1; `CodeDeploy`'s own call is 0.
    pub(crate) part: u32,
    pub(crate) state: RunState,
}

impl HandedOn {
    fn encode(&self) -> String {
        format!("{}~{}", self.part, self.state.encode())
    }

    /// What [`HandedOn::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (part, state) = text.split_once('~')?;
        Some(Self {
            part: part.parse().ok().filter(|part| *part <= MAX_PARTS)?,
            state: RunState::decode(state)?,
        })
    }
}

/// Whether another invocation goes on with this part. Where that can't be found out, this one does: measuring twice
/// costs less than an hour of waiting.
pub(crate) async fn is_duplicate(
    function: &GateFunction,
    event: &HookEvent,
    request_id: &str,
) -> bool {
    let (Some(run), Ok(settings)) = (
        event.run.as_deref().and_then(HandedOn::decode),
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
    event: &HookEvent,
    paused: &Paused,
) -> Result<Value, String> {
    let part = match event.run.as_deref() {
        None => 1,
        Some(run) => HandedOn::decode(run).map_or(MAX_PARTS, |run| run.part) + 1,
    };
    if part > MAX_PARTS {
        return Err(format!(
            "the bake was handed on {MAX_PARTS} times, and it is still not at its end; raise the function's Timeout"
        ));
    }
    let settings = function.settings.as_ref();
    let name = settings.map(|settings| settings.function_name.as_str());
    let name = name.map_err(ToString::to_string)?;
    let run = HandedOn {
        part,
        state: paused.state.clone(),
    };
    let payload = json!({
        "DeploymentId": event.deployment_id,
        "LifecycleEventHookExecutionId": event.execution_id,
        RUN_KEY: run.encode(),
    });
    let call = function
        .aws
        .lambda()
        .invoke()
        .function_name(name)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(payload.to_string()))
        .send();
    let hints = Hints {
        permission: "lambda:InvokeFunction on this function itself",
        absent: "the function is gone",
    };
    match call.await {
        Ok(_) => Ok(json!({
            "deploymentId": event.deployment_id,
            "stage": function.stage.as_str(),
            "continues": paused.report.verdict.reasons,
            "part": part,
        })),
        Err(error) => Err(format!(
            "the bake could not be handed to another invocation: {}",
            Failure::of(&error).sentence(function.aws.identity(), hints)
        )),
    }
}
