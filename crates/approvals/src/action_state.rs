//! What really became of an approval, as `CodePipeline` tells it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for an answer.
    Waiting,
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Rejected,
    /// Nobody answered in time.
    Expired,
    /// A newer execution took its place.
    Superseded,
    /// The execution was stopped, or the action abandoned.
    Stopped,
}

/// What really became of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionState {
    /// Where it stands.
    pub status: Status,
    /// Who decided, as `CodePipeline` knows it: the ARN of a user or role. For decisions given through us
    /// that is our role; the person stands in the decision record.
    pub by: Option<String>,
    /// The summary that was given with the decision.
    pub summary: Option<String>,
    /// When it changed last.
    pub at: Option<Timestamp>,
}
