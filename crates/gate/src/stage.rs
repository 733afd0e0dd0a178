//! The two gates of a deployment. Kept apart from any caller's names for them, so that a suite
//! reads the same under every deployment controller.

use std::fmt;

use serde::{Deserialize, Serialize};

/// When a check runs: before a new release may have traffic, or while it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before production traffic moves.
    PreTraffic,
    /// After production traffic moved, while the old release can still take it back.
    PostTraffic,
}

impl Stage {
    /// Both stages, in the order of a deployment.
    pub const ALL: [Self; 2] = [Self::PreTraffic, Self::PostTraffic];

    /// The name used in suites, reports and user agents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreTraffic => "pre-traffic",
            Self::PostTraffic => "post-traffic",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
