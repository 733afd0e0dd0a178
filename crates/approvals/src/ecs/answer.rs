//! The one call that answers a pause.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::continue_service_deployment::ContinueServiceDeploymentError;
use aws_sdk_ecs::types::DeploymentLifecycleHookAction as HookAction;
use common::aws::{Aws, explain};

use crate::PausedDeployment;
use crate::pipeline::{is_throttling, is_transient};
use crate::records::Decision;
use crate::source::answer_error::AnswerError;

/// Lets the deployment go on past this very hook, or has it rolled back.
///
/// The SDK repeats a call whose answer was lost, so that "no longer waits" can be the echo of our own
/// answer: the hook's state says.
pub(crate) async fn answer(
    aws: &Aws,
    paused: &PausedDeployment,
    decision: Decision,
) -> Result<(), AnswerError> {
    let action = match decision {
        Decision::Approve => HookAction::Continue,
        Decision::Reject => HookAction::Rollback,
    };
    aws.ecs()
        .continue_service_deployment()
        .service_deployment_arn(&paused.deployment_arn)
        .hook_id(&paused.hook_id)
        .action(action)
        .send()
        .await
        .map(drop)
        .map_err(|error| answer_error(&error, paused))
}

/// Pure: what an error says of the answer.
fn answer_error(
    error: &SdkError<ContinueServiceDeploymentError>,
    paused: &PausedDeployment,
) -> AnswerError {
    use ContinueServiceDeploymentError as E;
    let detail = explain(error);
    let unsure = || {
        AnswerError::Unsure(format!(
            "whether ECS has taken the answer is not known: {detail}; look at the deployment before anything else"
        ))
    };
    let Some(service) = error.as_service_error() else {
        return match error {
            SdkError::ConstructionFailure(_) => AnswerError::Refused(detail),
            _ => unsure(),
        };
    };
    match service {
        // ECS says the same of a hook that was answered, has timed out or is unknown.
        E::InvalidParameterException(_) => AnswerError::Over(format!(
            "ECS does not take an answer to this pause: {detail}; look at the deployment"
        )),
        E::ServiceDeploymentNotFoundException(_) => AnswerError::Refused(format!(
            "the service deployment {} does not exist any more",
            paused.deployment_arn
        )),
        _ if is_throttling(service.code()) => AnswerError::Refused(format!(
            "ECS was too busy for the answer: {detail}; try again in a minute"
        )),
        E::ServerException(_) => unsure(),
        _ if is_transient(error) => unsure(),
        _ => AnswerError::Refused(format!(
            "ECS refused the answer: {detail}; the function's role needs ecs:ContinueServiceDeployment on the service deployment"
        )),
    }
}
