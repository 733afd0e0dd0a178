//! The one place that answers CodeDeploy.
//!
//! An answer that is not delivered costs the team an hour of waiting and a failed deployment, so the
//! call is repeated with back-off until the time for it is over. It never decides what to say.

use std::time::Duration;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::error::SdkError;
use aws_sdk_codedeploy::operation::put_lifecycle_event_hook_execution_status::PutLifecycleEventHookExecutionStatusError as PutError;
use aws_sdk_codedeploy::types::LifecycleEventStatus;
use common::aws::Identity;
use common::backoff::Pauses;
use common::failure::{Cause, Failure, Hints};
use tokio::time::Instant;

use super::deployment;
use super::targets;
use crate::answer::{Answer, Delivery};
use crate::event::CodeDeployEvent;

/// One try of the answer call takes this long at most. Short, because a second try helps more than
/// a long wait.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
/// And no more than this part of the time that is left, so that there is a second try.
const TRY_SHARE: u32 = 3;
/// But this much, however late it is.
const MIN_TRY_TIMEOUT: Duration = Duration::from_millis(250);

/// Reading back what became of an answer takes this long at most.
const READ_BACK_TIMEOUT: Duration = Duration::from_secs(2);

/// What to do after a try that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AfterFailure {
    AlreadyCompleted,
    GiveUp,
    /// `maybe_taken`: the call may have reached CodeDeploy though its result did not reach us.
    TryAgain {
        maybe_taken: bool,
    },
}

/// An answer and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Who is answered.
    pub event: CodeDeployEvent,
    /// With what.
    pub answer: Answer,
    /// The lifecycle event, if it is known by now: its status says whether a lost answer was taken.
    pub lifecycle_event: Option<String>,
}

/// Gives the answer to CodeDeploy, trying until `until`.
pub(crate) async fn deliver(client: &Client, reply: &Reply, until: Instant) -> Delivery {
    let mut pauses = Pauses::begin();
    let mut maybe_taken = false;
    loop {
        let error = match one_try(client, reply, until).await {
            Ok(()) => return Delivery::Accepted,
            Err(error) => error,
        };
        match after(&error) {
            AfterFailure::AlreadyCompleted => {
                let reported = reported(client, reply).await;
                return match reported {
                    // By the earlier try, whose result was lost, or by somebody else.
                    Ok(answer) if maybe_taken && answer == reply.answer => Delivery::Confirmed,
                    Err(why) if maybe_taken => {
                        Delivery::Unconfirmed(format!("the call's result was lost, and {why}"))
                    }
                    reported => Delivery::AlreadyCompleted(reported),
                };
            }
            AfterFailure::GiveUp => return Delivery::Undelivered(detail(&error, reply)),
            AfterFailure::TryAgain { maybe_taken: maybe } => maybe_taken |= maybe,
        }
        let pause = pauses.next_pause();
        if Instant::now() + pause >= until {
            let detail = detail(&error, reply);
            if maybe_taken && reported(client, reply).await.as_ref() == Ok(&reply.answer) {
                return Delivery::Confirmed;
            }
            return Delivery::Undelivered(detail);
        }
        tracing::warn!(
            error = detail(&error, reply),
            "the answer was not taken yet; trying again"
        );
        tokio::time::sleep(pause).await;
    }
}

/// The answer that CodeDeploy reports for the lifecycle event, or why it is not known.
async fn reported(client: &Client, reply: &Reply) -> Result<Answer, String> {
    let Some(name) = &reply.lifecycle_event else {
        return Err("which lifecycle event called is not known".to_owned());
    };
    let read = status_of(client, &reply.event.deployment_id, name);
    let status = match tokio::time::timeout(READ_BACK_TIMEOUT, read).await {
        Ok(status) => status,
        Err(_) => Err(format!("no answer in {READ_BACK_TIMEOUT:?}")),
    };
    match status {
        Ok(status) => read_as(&status, name),
        Err(why) => Err(format!("the status of {name} could not be read ({why})")),
    }
}

/// Pure: the answer of which an event's status is the end.
fn read_as(status: &LifecycleEventStatus, name: &str) -> Result<Answer, String> {
    [Answer::Succeeded, Answer::Failed]
        .into_iter()
        .find(|answer| *status == word(*answer))
        .ok_or_else(|| format!("CodeDeploy reports {name} as {}", status.as_str()))
}

async fn status_of(client: &Client, id: &str, name: &str) -> Result<LifecycleEventStatus, String> {
    let listed = client
        .list_deployment_targets()
        .deployment_id(id)
        .send()
        .await
        .map_err(|error| Failure::of(&error).detail)?;
    let read = client
        .batch_get_deployment_targets()
        .deployment_id(id)
        .set_target_ids(listed.target_ids)
        .send()
        .await
        .map_err(|error| Failure::of(&error).detail)?;
    let targets = read.deployment_targets.unwrap_or_default();
    targets::lifecycle_events(&targets)
        .find(|event| {
            let called = event.lifecycle_event_name().unwrap_or_default();
            called.eq_ignore_ascii_case(name)
        })
        .and_then(|event| event.status().cloned())
        .ok_or_else(|| "it is not among the deployment's events".to_owned())
}

/// Only two of the enumeration's six values are accepted.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html>
fn word(answer: Answer) -> LifecycleEventStatus {
    match answer {
        Answer::Succeeded => LifecycleEventStatus::Succeeded,
        Answer::Failed => LifecycleEventStatus::Failed,
    }
}

type TryError = SdkError<PutError>;

async fn one_try(client: &Client, reply: &Reply, until: Instant) -> Result<(), TryError> {
    let Reply { event, answer, .. } = reply;
    let call = client
        .put_lifecycle_event_hook_execution_status()
        .deployment_id(&event.deployment_id)
        .lifecycle_event_hook_execution_id(&event.execution_id)
        .status(word(*answer))
        .customize()
        .config_override(
            aws_sdk_codedeploy::config::Config::builder()
                .retry_config(aws_sdk_codedeploy::config::retry::RetryConfig::disabled()),
        )
        .send();
    let left = until.saturating_duration_since(Instant::now());
    let limit = TRY_TIMEOUT.min(left / TRY_SHARE).max(MIN_TRY_TIMEOUT);
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map(|_| ()),
        Err(elapsed) => Err(SdkError::timeout_error(elapsed)),
    }
}

/// Pure: what an error of the answer call means.
fn after(error: &TryError) -> AfterFailure {
    let Some(service) = error.as_service_error() else {
        // No answer, or none that could be read: it may have been taken.
        return match error {
            SdkError::ConstructionFailure(_) => AfterFailure::GiveUp,
            _ => AfterFailure::TryAgain { maybe_taken: true },
        };
    };
    match service {
        PutError::LifecycleEventAlreadyCompletedException(_) => AfterFailure::AlreadyCompleted,
        PutError::DeploymentDoesNotExistException(_)
        | PutError::DeploymentIdRequiredException(_)
        | PutError::InvalidDeploymentIdException(_)
        | PutError::InvalidLifecycleEventHookExecutionIdException(_)
        | PutError::InvalidLifecycleEventHookExecutionStatusException(_)
        | PutError::UnsupportedActionForDeploymentTypeException(_) => AfterFailure::GiveUp,
        _ => match Failure::of(error).cause {
            Cause::Denied | Cause::Credentials => AfterFailure::GiveUp,
            _ => AfterFailure::TryAgain {
                maybe_taken: !refused_outright(error),
            },
        },
    }
}

/// A 4xx answer says that the call was not carried out; a 5xx leaves that open.
fn refused_outright(error: &TryError) -> bool {
    error
        .raw_response()
        .is_some_and(|response| response.status().is_client_error())
}

fn detail(error: &TryError, reply: &Reply) -> String {
    let hints = Hints {
        permission: "codedeploy:PutLifecycleEventHookExecutionStatus on the deployment group",
        absent: deployment::absent(&reply.event.deployment_id),
    };
    Failure::of(error).sentence(Identity::Function, hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_an_answer_or_leaves_it_open() {
        use LifecycleEventStatus as Status;
        let read = |status: Status| read_as(&status, "AfterAllowTestTraffic");
        assert_eq!(read(Status::Succeeded), Ok(Answer::Succeeded));
        assert_eq!(read(Status::Failed), Ok(Answer::Failed));
        for open in [Status::InProgress, Status::Pending, Status::Skipped] {
            assert!(read(open).unwrap_err().contains("AfterAllowTestTraffic"));
        }
    }
}
