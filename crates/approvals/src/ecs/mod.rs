//! What ECS knows of a paused deployment: whether its hook still waits, what became of it, and the one
//! call that answers it.
//!
//! Which hook waits is only ever known by its id: each pause, and each step of a canary, has one of its
//! own. ECS keeps neither who answered a hook nor what they said.

mod answer;

use aws_sdk_ecs::types::{
    DeploymentLifecycleHookAction as HookAction, DeploymentLifecycleHookDetail as Hook,
    DeploymentLifecycleHookStatus as HookStatus, DeploymentLifecycleHookTargetType as HookKind,
    ServiceDeployment, ServiceDeploymentStatus as DeploymentStatus,
};
use common::aws::Aws;
use jiff::Timestamp;

use crate::pipeline::{PipelineError, timestamp};
use crate::{ActionState, ExecutionStatus, PausedDeployment, Status, TimeoutAction};

pub(crate) use self::answer::answer;

/// The service deployment as ECS describes it.
pub async fn read(aws: &Aws, arn: &str) -> Result<ServiceDeployment, PipelineError> {
    let what = || format!("the service deployment {arn}");
    let described = common::ecs::service_deployment(aws, arn).await;
    described
        .map_err(|error| PipelineError::call(what(), "ecs:DescribeServiceDeployments", &error))?
        .filter(|deployment| deployment.service_deployment_arn() == Some(arn))
        .ok_or_else(|| PipelineError::Absent { what: what() })
}

/// Pure: the hook of this pause.
pub fn hook<'d>(deployment: &'d ServiceDeployment, paused: &PausedDeployment) -> Option<&'d Hook> {
    let mut hooks = deployment.lifecycle_hook_details().iter();
    hooks.find(|hook| hook.hook_id() == Some(&paused.hook_id))
}

/// Pure: whether this very hook may be answered: it is a pause, it waits, and its deployment goes on.
pub fn is_open(deployment: &ServiceDeployment, paused: &PausedDeployment) -> bool {
    let waits = |hook: &Hook| {
        hook.status() == Some(&HookStatus::AwaitingAction)
            && hook
                .target_type()
                .is_none_or(|kind| *kind == HookKind::Pause)
    };
    deployment.status() == Some(&DeploymentStatus::InProgress)
        && hook(deployment, paused).is_some_and(waits)
}

/// Pure: what became of a pause. A word that is not known is never an answer.
pub fn state(
    deployment: &ServiceDeployment,
    paused: &PausedDeployment,
) -> Result<ActionState, PipelineError> {
    let ended = match deployment.status() {
        Some(DeploymentStatus::InProgress | DeploymentStatus::Pending) => None,
        Some(
            DeploymentStatus::Successful
            | DeploymentStatus::Stopped
            | DeploymentStatus::StopRequested
            | DeploymentStatus::RollbackRequested
            | DeploymentStatus::RollbackInProgress
            | DeploymentStatus::RollbackSuccessful
            | DeploymentStatus::RollbackFailed,
        ) => Some(Status::Stopped),
        other => return Err(unknown(paused, other.map_or("", DeploymentStatus::as_str))),
    };
    let hook = hook(deployment, paused).ok_or_else(|| PipelineError::Absent {
        what: format!("the hook {} of {paused}", paused.hook_id),
    })?;
    let status = match hook.status() {
        Some(HookStatus::Succeeded) => Status::Approved,
        Some(HookStatus::Failed) => Status::Rejected,
        Some(HookStatus::TimedOut) => Status::Expired,
        Some(HookStatus::AwaitingAction | HookStatus::InProgress) => {
            ended.unwrap_or(Status::Waiting)
        }
        other => return Err(unknown(paused, other.map_or("", HookStatus::as_str))),
    };
    Ok(ActionState {
        status,
        by: None,
        summary: None,
        at: None,
    })
}

fn unknown(paused: &PausedDeployment, word: &str) -> PipelineError {
    PipelineError::UnknownWord {
        what: format!("the pause {paused}"),
        word: word.to_owned(),
    }
}

/// Pure: until when a hook waits.
pub fn expires(hook: &Hook) -> Option<Timestamp> {
    hook.expires_at().and_then(timestamp)
}

/// Pure: what ECS does when nobody decides; none where it does not say, or says a word that is not known.
pub fn timeout_action(hook: &Hook) -> Option<TimeoutAction> {
    match hook.timeout_action()? {
        HookAction::Continue => Some(TimeoutAction::Continue),
        HookAction::Rollback => Some(TimeoutAction::Rollback),
        _ => None,
    }
}

/// Pure: where the deployment stands as a whole. A rollback under way goes on until it is over.
pub fn outcome(deployment: &ServiceDeployment) -> ExecutionStatus {
    match deployment.status() {
        Some(DeploymentStatus::Successful) => ExecutionStatus::Succeeded,
        Some(DeploymentStatus::RollbackSuccessful | DeploymentStatus::RollbackFailed) => {
            ExecutionStatus::Failed
        }
        Some(DeploymentStatus::Stopped) => ExecutionStatus::Stopped,
        _ => ExecutionStatus::InProgress,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
