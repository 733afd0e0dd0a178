//! Why a text is not a JSONPath: where, what, and what to write instead.

use std::fmt;

/// A fault of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// How far the path had been read when the fault was found, in bytes: what follows that place has
    /// nothing to do with it.
    pub read: usize,
    /// Where the fault is, in characters from 1.
    pub character: usize,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub remedy: String,
}

impl std::error::Error for PathError {}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (character {}); {}",
            self.message, self.character, self.remedy
        )
    }
}

impl PathError {
    pub(super) fn new(
        path: &str,
        offset: usize,
        read: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            read,
            character: path[..offset].chars().count() + 1,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}
