//! Whether a check that does not pass stops a release.

use serde::{Deserialize, Serialize};

/// Whether a check may block a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The check must pass.
    #[default]
    Required,
    /// The check is judged as if it were required, which is reported; it never blocks.
    DryRun,
    /// The check is reported and never blocks.
    Advisory,
    /// The check is required, and a named person lets it not pass in this run. No suite can say so.
    Overridden,
}

impl Severity {
    /// Whether a check that does not pass keeps a release from passing, unless a named person lets it.
    pub fn may_block(self) -> bool {
        matches!(self, Self::Required | Self::Overridden)
    }
}
