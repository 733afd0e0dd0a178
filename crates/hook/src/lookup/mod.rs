//! Finds the target: from a deployment id to what is deployed and where it answers.
//!
//! What the gate can't do without (deployment, AppSpec, deployment group, listener) is required, and
//! its absence fails the gate with the reason. The rest (images, versions, the old task set) is best
//! effort: a look-up that fails costs a fact, and only a check that uses the fact notices.

pub(crate) mod ecr;
pub(crate) mod load_balancing;
pub(crate) mod release;

use std::future::Future;
use std::time::Duration;

use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use common::aws::Aws;
use common::failure::{Cause, Failure, Hints};
use strict_yaml::words;

use crate::app_spec::AppSpecError;
use crate::budget::Budget;

/// Why the target could not be found; always fails the gate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// A call failed.
    #[error("{call} failed: {detail}")]
    Call {
        /// Operation and what it was about.
        call: String,
        /// Why, as one of a few causes.
        cause: Cause,
        /// AWS's words and the remedy that fits the cause.
        detail: String,
    },
    /// The AppSpec is unusable.
    #[error(transparent)]
    AppSpec(#[from] AppSpecError),
    /// Something is not there that the gate needs.
    #[error("{0}")]
    Missing(String),
}

impl LookupError {
    /// For `map_err`: the call that failed, with the remedy that fits why it failed.
    pub(crate) fn of<E>(
        aws: &Aws,
        call: impl Into<String>,
        permission: &str,
        absent: &str,
    ) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| {
            let failure = Failure::of(&error);
            Self::Call {
                call: call.into(),
                cause: failure.cause,
                detail: failure.sentence(aws.identity(), Hints { permission, absent }),
            }
        }
    }
}

/// How look-ups are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookupContext<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// How long a best-effort look-up may take, so that it never costs the gate its time.
    pub timeout: Duration,
}

impl LookupContext<'_> {
    /// A look-up that costs only a fact when it fails or is slow. The error is a sentence for whoever
    /// misses that fact.
    pub(crate) async fn best_effort<T, E>(
        &self,
        what: &str,
        hints: Hints<'_>,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, String>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let why = match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Failure::of(&error).sentence(self.aws.identity(), hints),
            Err(_) => format!("no answer in {}", words::duration(self.timeout)),
        };
        let sentence = format!("{what} failed: {why}");
        tracing::warn!("{sentence}");
        Err(sentence)
    }
}

/// Looks the deployment up while people decide: none, where that fails or is slow.
pub(crate) async fn while_people_decide<T>(
    read: impl Future<Output = Result<T, LookupError>>,
    budget: Budget,
) -> Option<T> {
    let limit = budget.lookup_timeout();
    let why = match tokio::time::timeout(limit, read).await {
        Ok(Ok(deployment)) => return Some(deployment),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer in {}", words::duration(limit)),
    };
    tracing::warn!("the deployment could not be read while people decide: {why}");
    None
}
