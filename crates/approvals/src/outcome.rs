//! What became of an execution after the decision: the second half of the story that people are told.
//!
//! Pure data, redacted and bounded where it is read (crate `briefing`).

use serde::{Deserialize, Serialize};

use crate::{Gap, GateReport};

/// How an execution stands after the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionOutcome {
    /// Where the execution stands.
    pub status: ExecutionStatus,
    /// The deployments that started after the approval, in the order in which they started.
    #[serde(default)]
    pub deployments: Vec<CodeDeployDeployment>,
    /// The action that failed last, if one did.
    #[serde(default)]
    pub failed_action: Option<FailedAction>,
    /// What could not be looked up.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

impl ExecutionOutcome {
    /// Nothing is known but where the execution stands.
    pub fn bare(status: ExecutionStatus) -> Self {
        Self {
            status,
            deployments: Vec::new(),
            failed_action: None,
            gaps: Vec::new(),
        }
    }
}

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// All its stages succeeded.
    Succeeded,
    /// An action failed.
    Failed,
    /// Somebody stopped it, or its pipeline changed under it.
    Stopped,
    /// A newer execution took its place.
    Superseded,
    /// It still runs, or stands at a word that AWS has added since: never taken for a success.
    InProgress,
}

/// One deployment of `CodeDeploy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDeployDeployment {
    /// The application.
    pub application: String,
    /// The deployment group.
    pub group: String,
    /// The deployment, `d-…`.
    pub deployment: String,
    /// Where it stands.
    pub status: DeploymentStatus,
    /// The deployment that took it back, `d-…`, if it was rolled back; for ECS the service revision that it
    /// was rolled back to.
    pub rolled_back: Option<String>,
    /// `CodeDeploy`'s error, for people.
    pub error: Option<String>,
    /// What the gates said of it.
    pub gates: Vec<GateReport>,
}

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// The release is live.
    Succeeded,
    /// It failed.
    Failed,
    /// Somebody, or an alarm, stopped it.
    Stopped,
    /// It runs.
    InProgress,
    /// It could not be looked up, or AWS has added a word since: never taken for a success.
    Unknown,
}

/// An action that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAction {
    /// Its stage.
    pub stage: String,
    /// Its name.
    pub action: String,
    /// What it said, for people.
    pub message: Option<String>,
    /// Where to read more; https only.
    pub link: Option<String>,
}
