//! Hook functions: how they are called, and which of their answers count.
//!
//! A function is called once, asynchronously, as AWS does: what it returns is ignored, only
//! `PutLifecycleEventHookExecutionStatus` counts. Nothing here waits for an answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ids;
use super::lifecycle::LifecycleEvent;
use crate::error::AwsError;
use crate::upstream::Upstream;

/// How long CodeDeploy waits for a hook function's answer, in virtual time.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html>
pub const HOOK_TIMEOUT: Duration = Duration::from_hours(1);

/// Who calls hook functions.
#[derive(Clone)]
pub enum HookCaller {
    /// Lambda's Invoke API, `InvocationType=Event`.
    LambdaApi(LambdaApi),
    /// A receiver in this process. A closed one stands for functions that do not exist.
    InProcess(mpsc::UnboundedSender<HookCall>),
}

/// Lambda, as the emulator has it.
#[derive(Debug, Clone)]
pub struct LambdaApi(Upstream);

/// A call of a hook function.
#[derive(Debug, Clone)]
pub struct HookCall {
    /// The name or ARN in the AppSpec.
    pub function: String,
    /// `{"DeploymentId", "LifecycleEventHookExecutionId"}`.
    pub payload: Value,
}

/// Why a function could not be called.
#[derive(Debug)]
pub(super) struct NotInvoked {
    pub(super) error: String,
    /// There is no such function.
    pub(super) missing: bool,
}

impl HookCaller {
    /// Calls functions through the Invoke API of the emulator.
    pub(crate) fn lambda_api(upstream: Upstream) -> Self {
        Self::LambdaApi(LambdaApi(upstream))
    }

    /// Calls a function and returns once the call is accepted.
    pub(super) async fn invoke(&self, call: HookCall) -> Result<(), NotInvoked> {
        match self {
            Self::LambdaApi(LambdaApi(upstream)) => {
                let payload = call.payload.to_string();
                let sent = upstream.invoke(&call.function, &payload).await;
                sent.map_err(|error| NotInvoked {
                    missing: error.code == "ResourceNotFoundException",
                    error: error.to_string(),
                })
            }
            Self::InProcess(receiver) => receiver.send(call).map_err(|_| NotInvoked {
                error: "ResourceNotFoundException: nobody receives calls".to_owned(),
                missing: true,
            }),
        }
    }
}

/// What a hook function answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Succeeded,
    Failed,
}

/// How far a hook's execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookState {
    Waiting,
    Answered(Answer),
    /// Too late: it timed out, or the deployment ended.
    Over,
}

/// One execution of a hook function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HookExecution {
    pub(super) id: String,
    pub(super) event: LifecycleEvent,
    pub(super) function: String,
    pub(super) state: HookState,
}

impl HookExecution {
    pub(super) fn new(event: LifecycleEvent, function: String) -> Self {
        Self {
            id: ids::hook_execution(),
            event,
            function,
            state: HookState::Waiting,
        }
    }

    /// The call that starts it.
    pub(super) fn call(&self, deployment_id: &str) -> HookCall {
        let payload =
            json!({ "DeploymentId": deployment_id, "LifecycleEventHookExecutionId": self.id });
        HookCall {
            function: self.function.clone(),
            payload,
        }
    }
}

/// Takes an answer to one of a deployment's hook executions, by AWS's rules: only `Succeeded` and
/// `Failed`, only for an execution there is, and only once. Returns the execution.
pub(super) fn accept<'a>(
    executions: &'a mut [HookExecution],
    id: Option<&str>,
    status: Option<&str>,
) -> Result<&'a HookExecution, AwsError> {
    let answer = match status {
        Some("Succeeded") => Answer::Succeeded,
        Some("Failed") => Answer::Failed,
        other => {
            return Err(AwsError::client(
                "InvalidLifecycleEventHookExecutionStatusException",
                format!(
                    "The lifecycle event hook execution status {} is not valid; it has to be \
                     Succeeded or Failed",
                    other.unwrap_or("(none)")
                ),
            ));
        }
    };
    let execution = executions
        .iter_mut()
        .find(|execution| Some(execution.id.as_str()) == id)
        .ok_or_else(|| {
            AwsError::client(
                "InvalidLifecycleEventHookExecutionIdException",
                "The lifecycle event hook execution ID is not one of this deployment",
            )
        })?;
    if execution.state != HookState::Waiting {
        return Err(AwsError::client(
            "LifecycleEventAlreadyCompletedException",
            format!(
                "The lifecycle event {} is already completed",
                execution.event
            ),
        ));
    }
    execution.state = HookState::Answered(answer);
    Ok(execution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executions() -> Vec<HookExecution> {
        vec![
            HookExecution::new(LifecycleEvent::BeforeInstall, "first".to_owned()),
            HookExecution::new(LifecycleEvent::AfterInstall, "second".to_owned()),
        ]
    }

    fn code(answer: Result<&HookExecution, AwsError>) -> String {
        answer.unwrap_err().code
    }

    #[test]
    fn an_answer_is_taken_once() {
        let mut all = executions();
        let id = all[1].id.clone();
        accept(&mut all, Some(&id), Some("Failed")).unwrap();
        assert_eq!(all[1].state, HookState::Answered(Answer::Failed));
        assert_eq!(all[0].state, HookState::Waiting);
        let repeated = code(accept(&mut all, Some(&id), Some("Succeeded")));
        assert_eq!(repeated, "LifecycleEventAlreadyCompletedException");
        assert_eq!(
            all[1].state,
            HookState::Answered(Answer::Failed),
            "the first answer stands"
        );
    }

    #[test]
    fn an_answer_that_comes_too_late_is_refused() {
        let mut all = executions();
        all[0].state = HookState::Over;
        let id = all[0].id.clone();
        let late = code(accept(&mut all, Some(&id), Some("Succeeded")));
        assert_eq!(late, "LifecycleEventAlreadyCompletedException");
    }

    #[test]
    fn only_two_of_the_six_statuses_are_answers() {
        let mut all = executions();
        let id = all[0].id.clone();
        for status in [
            Some("Pending"),
            Some("InProgress"),
            Some("Skipped"),
            Some("Unknown"),
            Some("succeeded"),
            Some(""),
            None,
        ] {
            let refused = code(accept(&mut all, Some(&id), status));
            assert_eq!(
                refused, "InvalidLifecycleEventHookExecutionStatusException",
                "{status:?}"
            );
        }
        assert_eq!(all[0].state, HookState::Waiting);
    }

    #[test]
    fn an_unknown_execution_is_refused() {
        let mut all = executions();
        for id in [Some("e30="), Some(""), None] {
            let refused = code(accept(&mut all, id, Some("Succeeded")));
            assert_eq!(refused, "InvalidLifecycleEventHookExecutionIdException");
        }
    }

    #[tokio::test]
    async fn the_in_process_receiver_gets_the_payload_aws_sends() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let execution = HookExecution::new(LifecycleEvent::BeforeInstall, "check".to_owned());
        HookCaller::InProcess(sender)
            .invoke(execution.call("d-ABCDEFGHI"))
            .await
            .unwrap();
        let call = receiver.recv().await.unwrap();
        assert_eq!(call.function, "check");
        assert_eq!(
            call.payload,
            json!({
                "DeploymentId": "d-ABCDEFGHI", "LifecycleEventHookExecutionId": execution.id,
            })
        );
    }

    #[tokio::test]
    async fn a_closed_receiver_is_a_function_that_does_not_exist() {
        let (sender, receiver) = mpsc::unbounded_channel();
        drop(receiver);
        let execution = HookExecution::new(LifecycleEvent::BeforeInstall, "check".to_owned());
        let refused = HookCaller::InProcess(sender)
            .invoke(execution.call("d-ABCDEFGHI"))
            .await;
        assert!(refused.unwrap_err().missing);
    }
}
