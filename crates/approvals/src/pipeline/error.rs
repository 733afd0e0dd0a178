//! What can go wrong while `CodePipeline` is asked, and what to do about it.

use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use common::aws::Identity;
use common::failure::{Failure, Hints};

use crate::ApprovalAction;

/// Why `CodePipeline` could not be asked, or not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// A call failed.
    #[error("{what} could not be read: {detail}")]
    Call {
        /// `the state of pipeline shop`
        what: String,
        /// The IAM action that the call needs.
        permission: &'static str,
        /// AWS's error in one line, with the remedy that fits it.
        detail: String,
        /// Whether the same call may succeed later.
        transient: bool,
    },
    /// Several executions wait at one action, and it was not said which.
    #[error(
        "{count} executions wait at {action}, as its pipeline runs them in parallel; say which execution is meant, or decide in the console"
    )]
    Ambiguous {
        /// Where they wait.
        action: String,
        /// How many.
        count: usize,
    },
    /// There is no trace of the approval in its execution.
    #[error(
        "execution {execution} of pipeline {pipeline} has no action {stage}/{action}; was the pipeline changed since? Look at the execution in the console"
    )]
    NotFound {
        /// The pipeline.
        pipeline: String,
        /// The stage.
        stage: String,
        /// The action.
        action: String,
        /// The execution.
        execution: String,
    },
    /// AWS said a word that is not known here.
    #[error(
        "{what} stands at {word:?}, which this version does not know; look at it in the console"
    )]
    UnknownWord {
        /// `the approval shop/Production/Approve`
        what: String,
        /// AWS's word.
        word: String,
    },
    /// Something that was there when people were asked is gone.
    #[error("{what} does not exist any more, or AWS does not show it; look at it in the console")]
    Absent {
        /// `the service deployment arn:…`
        what: String,
    },
    /// There were more pages than is sane.
    #[error("{what} fill more than {pages} pages; look at them in the console")]
    TooMany {
        /// What was listed.
        what: String,
        /// The limit.
        pages: usize,
    },
}

impl PipelineError {
    /// Whether the same question may be answered later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Call {
                transient: true,
                ..
            }
        )
    }

    pub(super) fn not_found(action: &ApprovalAction, execution: &str) -> Self {
        Self::NotFound {
            pipeline: action.pipeline.clone(),
            stage: action.stage.clone(),
            action: action.action.clone(),
            execution: execution.to_owned(),
        }
    }

    /// A call that failed: what was read, and the IAM action that it needs. For the other services that a
    /// briefing asks, too.
    pub fn call<E>(what: String, permission: &'static str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        Self::Call {
            what,
            permission,
            detail: Failure::of(error).sentence(
                Identity::Function,
                Hints {
                    permission,
                    absent: "check its name, and that it is of this account and region",
                },
            ),
            transient: is_transient(error),
        }
    }
}

/// Whether AWS was too busy: its words differ from service to service.
pub fn is_throttling(code: Option<&str>) -> bool {
    matches!(
        code,
        Some(
            "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "RequestThrottledException"
                | "TooManyRequestsException"
                | "RequestLimitExceeded"
                | "SlowDown"
        )
    )
}

/// Whether the same call may succeed later: no answer, a broken one, throttling, an error of AWS's own.
pub(crate) fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ServiceError(context) => {
            context.raw().status().is_server_error() || is_throttling(context.err().code())
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}
