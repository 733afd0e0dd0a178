//! How a deployment ends badly, and what follows: pure decisions.
//!
//! Codes and sentences are AWS's, from
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/troubleshooting-ecs.html> and from
//! recorded answers of the service; where neither shows one, the code is the one of the model that
//! says it best.

use super::lifecycle::{Diagnostics, EventStatus, Lifecycle};
use super::settings::{AutoRollback, RollbackEvent};

/// The status of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeploymentStatus {
    Created,
    InProgress,
    /// Waits for `ContinueDeployment` before traffic shifts.
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl DeploymentStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InProgress => "InProgress",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }

    /// Whether it has ended.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// The status of the one target of an ECS deployment. It is `Succeeded` as soon as all events are,
/// while the deployment itself stays `InProgress` until the original task set is terminated
/// (<https://github.com/aws/containers-roadmap/issues/269>).
pub(super) fn target_status(deployment: DeploymentStatus, lifecycle: &Lifecycle) -> &'static str {
    let all = |wanted| {
        lifecycle
            .records()
            .iter()
            .all(|record| record.status == wanted)
    };
    match deployment {
        DeploymentStatus::Stopped if all(EventStatus::Skipped) => "Skipped",
        DeploymentStatus::Failed | DeploymentStatus::Stopped => "Failed",
        _ if all(EventStatus::Succeeded) => "Succeeded",
        DeploymentStatus::Created => "Pending",
        DeploymentStatus::Ready => "Ready",
        DeploymentStatus::InProgress | DeploymentStatus::Succeeded => "InProgress",
    }
}

/// `errorInformation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ErrorInformation {
    /// A value of AWS's `ErrorCode`.
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl ErrorInformation {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Why a deployment does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// The AppSpec cannot be deployed.
    InvalidRevision(String),
    /// The object of the revision is not there.
    RevisionMissing(String),
    /// ECS refused.
    Ecs(String),
    /// Lambda refused, or the alias is not as the AppSpec says.
    Lambda(String),
    /// The deployment group's ECS service is gone, or not one for CodeDeploy.
    InvalidService(String),
    /// The load balancer refused, or is not as the deployment group says.
    LoadBalancer(String),
    /// The replacement task set did not become healthy in time.
    InstallTimedOut,
    /// A hook function could not be called.
    HookNotInvoked {
        function: String,
        error: String,
        missing: bool,
    },
    /// A hook function answered `Failed`.
    HookFailed { function: String },
    /// A hook function did not answer within an hour.
    HookTimedOut { function: String },
    /// Nobody let the traffic shift.
    ReadyTimedOut { minutes: u32 },
    /// Somebody called `StopDeployment`; `roll_back` is what the call says about a rollback.
    Stopped { roll_back: Option<bool> },
}

impl Halt {
    /// The deployment's status then.
    pub(super) const fn status(&self) -> DeploymentStatus {
        match self {
            Self::Stopped { .. } | Self::ReadyTimedOut { .. } => DeploymentStatus::Stopped,
            _ => DeploymentStatus::Failed,
        }
    }

    /// What callers get to see.
    pub(super) fn error(&self) -> ErrorInformation {
        match self {
            Self::InvalidRevision(why) => ErrorInformation::new(
                "INVALID_REVISION",
                format!(
                    "The deployment failed because the AppSpec file that specifies the deployment \
                     configuration is missing or has an invalid configuration. {why}"
                ),
            ),
            Self::RevisionMissing(why) => ErrorInformation::new(
                "REVISION_MISSING",
                format!("The deployment failed because the revision cannot be read from {why}"),
            ),
            Self::Ecs(why) => ErrorInformation::new(
                "ECS_UPDATE_ERROR",
                format!("The ECS service cannot be updated due to an unexpected error: {why}"),
            ),
            Self::Lambda(why) => ErrorInformation::new(
                "INVALID_LAMBDA_FUNCTION",
                format!("The deployment failed because the Lambda function is not valid. {why}"),
            ),
            Self::InvalidService(why) => ErrorInformation::new(
                "INVALID_ECS_SERVICE",
                format!("The deployment failed because {why}"),
            ),
            Self::LoadBalancer(why) => ErrorInformation::new(
                "ELASTIC_LOAD_BALANCING_INVALID",
                format!("The ELB could not be updated due to the following error: {why}"),
            ),
            Self::InstallTimedOut => ErrorInformation::new(
                "TIMEOUT",
                "The deployment timed out while waiting for the replacement task set to become \
                 healthy. This time out period is 60 minutes.",
            ),
            Self::HookNotInvoked { .. } | Self::HookFailed { .. } => ErrorInformation::new(
                "HOOK_EXECUTION_FAILURE",
                "The deployment failed because one or more of the lifecycle event validation \
                 functions failed.",
            ),
            Self::HookTimedOut { .. } => ErrorInformation::new(
                "TIMEOUT",
                "The deployment timed out while waiting for a status callback. CodeDeploy expects a \
                 status callback within one hour after a deployment hook is invoked.",
            ),
            Self::ReadyTimedOut { minutes } => ErrorInformation::new(
                "TIMEOUT",
                format!(
                    "The deployment timed out while waiting for a notification to continue. This \
                     time out period is {minutes} minutes."
                ),
            ),
            Self::Stopped { .. } => ErrorInformation::new(
                "MANUAL_STOP",
                "The deployment was stopped by a StopDeployment request.",
            ),
        }
    }

    /// What the lifecycle event that was running shows.
    pub(super) fn diagnostics(&self) -> Diagnostics {
        let (error_code, script_name, message) = match self {
            Self::HookNotInvoked {
                function,
                error,
                missing,
            } => {
                let code = if *missing {
                    "ScriptMissing"
                } else {
                    "UnknownError"
                };
                (
                    code,
                    function.as_str(),
                    format!("The function could not be invoked: {error}"),
                )
            }
            Self::HookFailed { function } => (
                "ScriptFailed",
                function.as_str(),
                "The function reported Failed.".to_owned(),
            ),
            Self::HookTimedOut { function } => (
                "ScriptTimedOut",
                function.as_str(),
                "The function reported no status within one hour.".to_owned(),
            ),
            other => ("UnknownError", "", other.error().message),
        };
        Diagnostics {
            error_code,
            script_name: script_name.to_owned(),
            message,
            log_tail: String::new(),
        }
    }
}

/// What a halt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consequence {
    /// Traffic and task sets stay as they are.
    LeaveAsIs,
    /// There is no replacement task set yet, so there is nothing to undo.
    NothingToUndo,
    /// Traffic back to the original task set, the replacement one deleted.
    RollBack,
}

/// Decides whether a halted deployment is rolled back. A request to stop decides for itself if it
/// says anything of a rollback; otherwise the automatic rollback does. `replaced` is whether the
/// replacement task set exists: before, "a rollback is not possible" in AWS's words.
pub(super) fn consequence(halt: &Halt, rollback: &AutoRollback, replaced: bool) -> Consequence {
    let wanted = match halt {
        Halt::Stopped {
            roll_back: Some(messages),
        } => *messages,
        Halt::Stopped { roll_back: None } => rollback.covers(RollbackEvent::StopOnRequest),
        _ => rollback.covers(RollbackEvent::Failure),
    };
    match (wanted, replaced) {
        (false, _) => Consequence::LeaveAsIs,
        (true, false) => Consequence::NothingToUndo,
        (true, true) => Consequence::RollBack,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::lifecycle::LifecycleEvent;
    use super::*;

    fn on(events: &[RollbackEvent]) -> AutoRollback {
        AutoRollback {
            enabled: true,
            events: events.to_vec(),
        }
    }

    fn failed() -> Halt {
        Halt::HookFailed {
            function: "check".to_owned(),
        }
    }

    #[test]
    fn a_failure_rolls_back_when_the_group_wants_it() {
        let wanted = on(&[RollbackEvent::Failure]);
        assert_eq!(consequence(&failed(), &wanted, true), Consequence::RollBack);
        assert_eq!(
            consequence(&failed(), &wanted, false),
            Consequence::NothingToUndo
        );
        assert_eq!(
            consequence(&failed(), &AutoRollback::default(), true),
            Consequence::LeaveAsIs
        );
        let other = on(&[RollbackEvent::StopOnRequest]);
        assert_eq!(consequence(&failed(), &other, true), Consequence::LeaveAsIs);
    }

    #[test]
    fn a_stop_request_decides_for_itself() {
        let on_failure = on(&[RollbackEvent::Failure]);
        let on_request = on(&[RollbackEvent::StopOnRequest]);
        let stop = |roll_back| Halt::Stopped { roll_back };
        assert_eq!(
            consequence(&stop(Some(true)), &AutoRollback::default(), true),
            Consequence::RollBack
        );
        assert_eq!(
            consequence(&stop(Some(false)), &on_request, true),
            Consequence::LeaveAsIs
        );
        assert_eq!(
            consequence(&stop(None), &on_request, true),
            Consequence::RollBack
        );
        assert_eq!(
            consequence(&stop(None), &on_failure, true),
            Consequence::LeaveAsIs
        );
    }

    #[test]
    fn each_halt_has_the_code_and_the_sentence_of_aws() {
        let halts = [
            Halt::InvalidRevision("ContainerName is missing.".to_owned()),
            failed(),
            Halt::HookTimedOut {
                function: "check".to_owned(),
            },
            Halt::InstallTimedOut,
            Halt::ReadyTimedOut { minutes: 5 },
            Halt::Stopped { roll_back: None },
        ];
        let messages: Vec<_> = halts
            .iter()
            .map(|halt| {
                let error = halt.error();
                format!("{} {}: {}", halt.status().name(), error.code, error.message)
            })
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        Failed INVALID_REVISION: The deployment failed because the AppSpec file that specifies the deployment configuration is missing or has an invalid configuration. ContainerName is missing.
        Failed HOOK_EXECUTION_FAILURE: The deployment failed because one or more of the lifecycle event validation functions failed.
        Failed TIMEOUT: The deployment timed out while waiting for a status callback. CodeDeploy expects a status callback within one hour after a deployment hook is invoked.
        Failed TIMEOUT: The deployment timed out while waiting for the replacement task set to become healthy. This time out period is 60 minutes.
        Stopped TIMEOUT: The deployment timed out while waiting for a notification to continue. This time out period is 5 minutes.
        Stopped MANUAL_STOP: The deployment was stopped by a StopDeployment request.
        ");
    }

    #[test]
    fn the_target_has_succeeded_while_the_deployment_waits_to_terminate() {
        let mut lifecycle = Lifecycle::of(&LifecycleEvent::ALL);
        assert_eq!(
            target_status(DeploymentStatus::Created, &lifecycle),
            "Pending"
        );
        for event in LifecycleEvent::ALL {
            assert_eq!(
                target_status(DeploymentStatus::InProgress, &lifecycle),
                "InProgress"
            );
            lifecycle.start(event, Timestamp::UNIX_EPOCH);
            lifecycle.succeed(event, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(
            target_status(DeploymentStatus::InProgress, &lifecycle),
            "Succeeded"
        );
        assert_eq!(
            target_status(DeploymentStatus::Succeeded, &lifecycle),
            "Succeeded"
        );
        assert_eq!(
            target_status(DeploymentStatus::Stopped, &lifecycle),
            "Failed"
        );
    }
}
