//! What actions do, and what they report.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;

use super::CodePipeline;
use super::driver::ExecutionKey;
use super::model::{ActionDetails, Artifact, Override, Revision};
use super::providers::Kind;
use super::variables::ReferenceError;
use crate::error::AwsError;

/// An action that has begun.
pub(super) struct StartedAction {
    /// The id of its run.
    pub(super) run: String,
    pub(super) kind: Kind,
    pub(super) stage: String,
    pub(super) name: String,
    /// When it has taken too long.
    pub(super) deadline: Timestamp,
    /// With its variables resolved, or why they cannot be.
    pub(super) configuration: Result<BTreeMap<String, String>, ReferenceError>,
    pub(super) inputs: Vec<(String, Artifact)>,
    /// Where its output artifacts are to go.
    pub(super) outputs: Vec<(String, Artifact)>,
    pub(super) overridden: Option<Override>,
    pub(super) token: Option<String>,
}

/// An action that succeeded.
#[derive(Default)]
pub(super) struct ActionSuccess {
    pub(super) details: ActionDetails,
    pub(super) output_variables: BTreeMap<String, String>,
    /// What a source action found.
    pub(super) revision: Option<Revision>,
}

/// An action that failed.
#[derive(Default)]
pub(super) struct ActionFailure {
    pub(super) details: Box<ActionDetails>,
    /// Code and message; none where a person rejected it, or nobody answered.
    pub(super) error: Option<(String, String)>,
}

impl ActionFailure {
    /// With one of the codes of `FailureType`.
    pub(super) fn new(code: &str, message: impl Display) -> Self {
        Self {
            details: Box::default(),
            error: Some((code.to_owned(), message.to_string())),
        }
    }

    pub(super) fn configuration(message: impl Display) -> Self {
        Self::new("ConfigurationError", message)
    }

    pub(super) fn job(message: impl Display) -> Self {
        Self::new("JobFailed", message)
    }

    /// What another service answered.
    pub(super) fn of(error: &AwsError) -> Self {
        Self::job(error.to_string())
    }

    pub(super) fn with_details(self, details: ActionDetails) -> Self {
        Self {
            details: Box::new(details),
            ..self
        }
    }
}

impl CodePipeline {
    /// Runs an action from its beginning to its end. Whether it succeeded.
    pub(super) async fn act(&self, key: &ExecutionKey, stage: usize, action: usize) -> bool {
        let Some(action_run) = self.begin(key, stage, action) else {
            return false;
        };
        let end = match &action_run.configuration {
            Err(why) => Err(ActionFailure::new("InvalidActionConfiguration", why)),
            Ok(configuration) => {
                tokio::select! {
                    end = self.perform(key, &action_run, configuration) => end,
                    () = self.too_late(&action_run) => Err(ActionFailure::job(
                        "The action did not complete within the time it has",
                    )),
                }
            }
        };
        self.finish(key, &action_run, end)
    }

    async fn perform(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        match action_run.kind {
            Kind::S3Source => self.s3_source(action_run, configuration).await,
            Kind::ConnectionSource => self.connection_source(action_run, configuration).await,
            Kind::Approval => self.approval(key, action_run, configuration).await,
            Kind::CodeDeploy => self.code_deploy(key, action_run, configuration).await,
            Kind::CodeDeployToEcs => {
                self.code_deploy_to_ecs(key, action_run, configuration)
                    .await
            }
            Kind::CloudFormation => self.cloudformation(key, action_run, configuration).await,
            Kind::Lambda => self.lambda(key, action_run, configuration).await,
        }
    }

    /// Waits until an action has taken too long. An approval ends its own wait.
    async fn too_late(&self, action_run: &StartedAction) {
        match action_run.kind {
            Kind::Approval => std::future::pending().await,
            _ => self.world().clock.sleep_until(action_run.deadline).await,
        }
    }
}

/// A value of a configuration; empty when it is not there.
pub(super) fn setting<'a>(configuration: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    configuration
        .get(name)
        .map(String::as_str)
        .unwrap_or_default()
}
