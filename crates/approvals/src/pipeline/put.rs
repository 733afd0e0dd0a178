//! The one call that answers an approval.

use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codepipeline::operation::put_approval_result::PutApprovalResultError;
use aws_sdk_codepipeline::types::{ApprovalResult, ApprovalStatus};
use common::aws::{Aws, explain};
use jiff::Timestamp;

use super::calls::timestamp;
use super::error::{is_throttling, is_transient};
use crate::{ApprovalAction, Token};

/// The longest summary, in characters.
/// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ApprovalResult.html>
const MAX_SUMMARY_CHARS: usize = 512;
/// What stands where a token was.
const MASK: &str = "***";

/// A yes or a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Yes or no.
    pub answer: Answer,
    /// Who and why, the person first.
    pub summary: &'a str,
}

/// Why an answer was not taken, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// Answered already, expired, or asked anew since.
    #[error(
        "CodePipeline no longer takes this answer: the approval was answered, has expired or was asked anew; read its state"
    )]
    InvalidToken,
    /// Answered already.
    #[error("the approval was answered already; read its state")]
    AlreadyCompleted,
    /// The pipeline, the stage or the action is gone.
    #[error("{0} does not exist any more; was the pipeline changed since?")]
    NotFound(String),
    /// AWS refused the call; nothing was recorded.
    #[error(
        "CodePipeline refused the answer: {0}; the function's role needs codepipeline:PutApprovalResult on PIPELINE_ARN/STAGE/ACTION"
    )]
    Refused(String),
    /// AWS was too busy; nothing was recorded.
    #[error("CodePipeline was too busy for the answer: {0}; try again in a minute")]
    Throttled(String),
    /// Nobody knows whether the answer was recorded.
    #[error(
        "whether CodePipeline has taken the answer is not known: {0}; read the approval's state before anything else"
    )]
    Unsure(String),
}

/// Answers the approval that waits with `token`. The summary is cut to 512 characters; an empty one is
/// sent as the bare word of the answer, as AWS requires a text.
///
/// The SDK repeats a call whose answer was lost, so that `InvalidToken` and `AlreadyCompleted` can be
/// the echo of our own answer: the state tells.
pub async fn put_result(
    aws: &Aws,
    action: &ApprovalAction,
    token: &Token,
    reply: Reply<'_>,
) -> Result<Option<Timestamp>, PutError> {
    let (status, word) = match reply.answer {
        Answer::Approve => (ApprovalStatus::Approved, "Approved"),
        Answer::Reject => (ApprovalStatus::Rejected, "Rejected"),
    };
    let summary: String = reply.summary.chars().take(MAX_SUMMARY_CHARS).collect();
    let summary = if summary.trim().is_empty() {
        word.to_owned()
    } else {
        summary
    };
    let result = ApprovalResult::builder()
        .status(status)
        .summary(summary)
        .build()
        .expect("status and summary are set");
    aws.codepipeline()
        .put_approval_result()
        .pipeline_name(&action.pipeline)
        .stage_name(&action.stage)
        .action_name(&action.action)
        .token(token.reveal())
        .result(result)
        .send()
        .await
        .map(|done| done.approved_at().and_then(timestamp))
        .map_err(|error| answer_error(&error, action, token))
}

/// Pure: the error for people. AWS repeats a token that it finds ill-formed; ours does not.
fn answer_error(
    error: &SdkError<PutApprovalResultError>,
    action: &ApprovalAction,
    token: &Token,
) -> PutError {
    use PutApprovalResultError as E;
    let mut detail = explain(error);
    if !token.reveal().is_empty() {
        detail = detail.replace(token.reveal(), MASK);
    }
    let Some(service) = error.as_service_error() else {
        return match error {
            SdkError::ConstructionFailure(_) => PutError::Refused(detail),
            _ => PutError::Unsure(detail),
        };
    };
    match service {
        E::InvalidApprovalTokenException(_) => PutError::InvalidToken,
        E::ApprovalAlreadyCompletedException(_) => PutError::AlreadyCompleted,
        E::PipelineNotFoundException(_) => {
            PutError::NotFound(format!("pipeline {}", action.pipeline))
        }
        E::StageNotFoundException(_) => PutError::NotFound(format!(
            "stage {} of pipeline {}",
            action.stage, action.pipeline
        )),
        E::ActionNotFoundException(_) => PutError::NotFound(format!("action {action}")),
        _ if is_throttling(service.code()) => PutError::Throttled(detail),
        _ if is_transient(error) => PutError::Unsure(detail),
        _ => PutError::Refused(detail),
    }
}
