//! What actions do, and what they tell of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::CodePipeline;
use super::driver::Key;
use super::model::{Artifact, Override, Revision, Told};
use super::providers::Kind;
use crate::error::AwsError;

/// An action that has begun.
pub(super) struct Begun {
    /// The id of its run.
    pub(super) run: String,
    pub(super) kind: Kind,
    pub(super) stage: String,
    pub(super) name: String,
    /// When it has taken too long.
    pub(super) deadline: Timestamp,
    /// With its variables resolved, or why they cannot be.
    pub(super) configuration: Result<BTreeMap<String, String>, String>,
    pub(super) inputs: Vec<(String, Artifact)>,
    /// Where its output artifacts are to go.
    pub(super) outputs: Vec<(String, Artifact)>,
    pub(super) overridden: Option<Override>,
    pub(super) token: Option<String>,
}

/// An action that succeeded.
#[derive(Default)]
pub(super) struct Done {
    pub(super) told: Told,
    pub(super) output_variables: BTreeMap<String, String>,
    /// What a source action found.
    pub(super) revision: Option<Revision>,
}

/// An action that failed.
#[derive(Default)]
pub(super) struct Failure {
    pub(super) told: Box<Told>,
    /// Code and message; none where a person said no, or nobody said anything.
    pub(super) error: Option<(String, String)>,
}

impl Failure {
    /// With one of the codes of `FailureType`.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            told: Box::default(),
            error: Some((code.to_owned(), message.into())),
        }
    }

    pub(super) fn configuration(message: impl Into<String>) -> Self {
        Self::new("ConfigurationError", message)
    }

    pub(super) fn job(message: impl Into<String>) -> Self {
        Self::new("JobFailed", message)
    }

    /// What another service said.
    pub(super) fn of(error: &AwsError) -> Self {
        Self::job(error.to_string())
    }

    pub(super) fn told(self, told: Told) -> Self {
        Self {
            told: Box::new(told),
            ..self
        }
    }
}

impl CodePipeline {
    /// Runs an action from its beginning to its end. Whether it succeeded.
    pub(super) async fn act(&self, key: &Key, stage: usize, action: usize) -> bool {
        let Some(begun) = self.begin(key, stage, action) else {
            return false;
        };
        let end = match &begun.configuration {
            Err(why) => Err(Failure::new("InvalidActionConfiguration", why)),
            Ok(configuration) => {
                tokio::select! {
                    end = self.perform(key, &begun, configuration) => end,
                    () = self.too_late(&begun) => Err(Failure::job(
                        "The action did not complete within the time it has",
                    )),
                }
            }
        };
        self.finish(key, &begun, end)
    }

    async fn perform(
        &self,
        key: &Key,
        begun: &Begun,
        configuration: &BTreeMap<String, String>,
    ) -> Result<Done, Failure> {
        match begun.kind {
            Kind::S3Source => self.s3_source(begun, configuration).await,
            Kind::ConnectionSource => self.connection_source(begun, configuration).await,
            Kind::Approval => self.approval(key, begun, configuration).await,
            Kind::CodeDeploy => self.code_deploy(key, begun, configuration).await,
            Kind::CodeDeployToEcs => self.code_deploy_to_ecs(key, begun, configuration).await,
            Kind::CloudFormation => self.cloudformation(key, begun, configuration).await,
            Kind::Lambda => self.lambda(key, begun, configuration).await,
        }
    }

    /// An approval tells the end of its own time.
    async fn too_late(&self, begun: &Begun) {
        match begun.kind {
            Kind::Approval => std::future::pending().await,
            _ => self.world().clock.sleep_until(begun.deadline).await,
        }
    }
}

/// A value of a configuration; empty when it is not there.
pub(super) fn set<'a>(configuration: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    configuration
        .get(name)
        .map(String::as_str)
        .unwrap_or_default()
}
