//! The one place that answers CodeDeploy.
//!
//! An answer that is not delivered costs the team an hour of waiting and a failed deployment, so the
//! call is repeated with back-off until the time for it is over. It never decides what to say.

use std::time::Duration;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::error::SdkError;
use aws_sdk_codedeploy::operation::put_lifecycle_event_hook_execution_status::PutLifecycleEventHookExecutionStatusError as PutError;
use aws_sdk_codedeploy::types::LifecycleEventStatus;
use backon::{BackoffBuilder, ExponentialBuilder};
use common::aws::Identity;
use common::failure::{Failure, Hints};
use tokio::time::Instant;

use crate::event::HookEvent;

/// One try of the answer call takes this long at most. Short, because a second try helps more than
/// a long wait.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
/// And no more than this part of the time that is left, so that there is a second try.
const TRY_SHARE: u32 = 3;
/// But this much, however late it is.
const SHORTEST_TRY: Duration = Duration::from_millis(250);
/// The first pause between two tries; doubled each time, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What CodeDeploy is told. Its enumeration has six values; it accepts these two.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The deployment goes on.
    Succeeded,
    /// The deployment fails and, where the group says so, is rolled back.
    Failed,
}

impl Answer {
    /// AWS's own word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    fn status(self) -> LifecycleEventStatus {
        match self {
            Self::Succeeded => LifecycleEventStatus::Succeeded,
            Self::Failed => LifecycleEventStatus::Failed,
        }
    }
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// CodeDeploy has taken it.
    Accepted,
    /// The lifecycle event was over before: answered by a duplicate of this invocation, timed out,
    /// or the deployment was stopped. Nothing is left to do.
    AlreadyCompleted,
    /// It could not be given, and why. The invocation must fail, so that Lambda runs it again.
    Undelivered(String),
}

/// What to do after a try that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    AlreadyCompleted,
    GiveUp,
    /// `maybe_taken`: the call may have reached CodeDeploy though its result did not reach us.
    TryAgain {
        maybe_taken: bool,
    },
}

/// Gives `answer` to CodeDeploy, trying until `until`.
pub async fn deliver(
    client: &Client,
    event: &HookEvent,
    answer: Answer,
    until: Instant,
) -> Delivery {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build();
    let mut maybe_taken = false;
    loop {
        let error = match one_try(client, event, answer, until).await {
            Ok(()) => return Delivery::Accepted,
            Err(error) => error,
        };
        match next(&error) {
            // The earlier try, whose result was lost, was most likely the one that completed it.
            Next::AlreadyCompleted if maybe_taken => return Delivery::Accepted,
            Next::AlreadyCompleted => return Delivery::AlreadyCompleted,
            Next::GiveUp => return Delivery::Undelivered(detail(&error)),
            Next::TryAgain { maybe_taken: maybe } => maybe_taken |= maybe,
        }
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        if Instant::now() + pause >= until {
            return Delivery::Undelivered(detail(&error));
        }
        tracing::warn!(
            error = detail(&error),
            "the answer was not taken yet; trying again"
        );
        tokio::time::sleep(pause).await;
    }
}

type TryError = SdkError<PutError>;

async fn one_try(
    client: &Client,
    event: &HookEvent,
    answer: Answer,
    until: Instant,
) -> Result<(), TryError> {
    let call = client
        .put_lifecycle_event_hook_execution_status()
        .deployment_id(&event.deployment_id)
        .lifecycle_event_hook_execution_id(&event.execution_id)
        .status(answer.status())
        .customize()
        .config_override(
            aws_sdk_codedeploy::config::Config::builder()
                .retry_config(aws_sdk_codedeploy::config::retry::RetryConfig::disabled()),
        )
        .send();
    let left = until.saturating_duration_since(Instant::now());
    let limit = TRY_TIMEOUT.min(left / TRY_SHARE).max(SHORTEST_TRY);
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map(|_| ()),
        Err(elapsed) => Err(SdkError::timeout_error(elapsed)),
    }
}

/// Pure: what an error of the answer call means.
fn next(error: &TryError) -> Next {
    let Some(service) = error.as_service_error() else {
        // No answer, or none that could be read: it may have been taken.
        return match error {
            SdkError::ConstructionFailure(_) => Next::GiveUp,
            _ => Next::TryAgain { maybe_taken: true },
        };
    };
    match service {
        PutError::LifecycleEventAlreadyCompletedException(_) => Next::AlreadyCompleted,
        PutError::DeploymentDoesNotExistException(_)
        | PutError::DeploymentIdRequiredException(_)
        | PutError::InvalidDeploymentIdException(_)
        | PutError::InvalidLifecycleEventHookExecutionIdException(_)
        | PutError::InvalidLifecycleEventHookExecutionStatusException(_)
        | PutError::UnsupportedActionForDeploymentTypeException(_) => Next::GiveUp,
        other => match other.code() {
            Some("AccessDeniedException" | "UnrecognizedClientException") => Next::GiveUp,
            _ => Next::TryAgain {
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

fn detail(error: &TryError) -> String {
    let hints = Hints {
        permission: "codedeploy:PutLifecycleEventHookExecutionStatus on the deployment group",
        absent: "check the ids of the event, and that this function runs in the deployment's account and region",
    };
    Failure::of(error).sentence(Identity::Function, hints)
}
