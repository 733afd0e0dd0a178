//! The manual approval action of a pipeline, and the id of a case.

use std::fmt;

use serde::{Deserialize, Serialize};
use signing::OpaqueId;

/// The manual approval action, by AWS's names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApprovalAction {
    /// The AWS account, twelve digits; empty where a message does not say.
    pub account: String,
    /// The region, `eu-central-1`.
    pub region: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The stage's name.
    pub stage: String,
    /// The action's name.
    pub action: String,
}

impl fmt::Display for ApprovalAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.pipeline, self.stage, self.action)
    }
}

/// Names a case. It is made from the token or the hook, so that every message about one wait leads to one
/// case; a token is random (a UUID), so that nobody comes back from the id to the token.
pub type CaseId = OpaqueId;
