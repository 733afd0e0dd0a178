//! The manual approval action of a pipeline, and the id of a case.

use std::fmt;

use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use crate::Token;

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

impl ApprovalAction {
    /// All that names the action, with a token of it: what its digests are made of.
    pub(crate) fn with_token<'a>(&'a self, token: &'a Token) -> [&'a str; 6] {
        [
            &self.account,
            &self.region,
            &self.pipeline,
            &self.stage,
            &self.action,
            token.reveal(),
        ]
    }
}

#[cfg(test)]
impl ApprovalAction {
    /// An action for tests.
    pub(crate) fn sample() -> Self {
        Self {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            pipeline: "shop".into(),
            stage: "Production".into(),
            action: "Approve".into(),
        }
    }
}

impl fmt::Display for ApprovalAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.pipeline, self.stage, self.action)
    }
}

/// Names a case. It is made from the token or the hook, so that every message about one wait leads to one
/// case; a token is random (a UUID), so that nobody comes back from the id to the token.
pub type CaseId = OpaqueId;
