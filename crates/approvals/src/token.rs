//! The approval token: whoever has it can approve. It comes from `CodePipeline` and goes back there;
//! nothing in between may keep it.

use std::fmt;

/// An approval token. Not serialisable, and printed as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token as `CodePipeline` gave it.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The token itself: for `PutApprovalResult` and for a keyed hash, and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
