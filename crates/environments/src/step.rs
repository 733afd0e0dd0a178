//! The steps that can be decided for one resource, and what kind of a step each is.

use jiff::Timestamp;
use serde::Serialize;

use crate::resource::{Capacity, Scaling};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Step {
    /// It is as it should be.
    Nothing,
    /// It is not ours to change.
    Skip,
    /// Save what it has, then stop it.
    Sleep {
        /// What is saved.
        was: Capacity,
    },
    /// Stop the rest: it was saved before.
    FinishSleep {
        /// What was saved.
        was: Capacity,
    },
    /// Restore what it had.
    Wake {
        /// What it had.
        was: Capacity,
    },
    /// Restore the rest.
    FinishWake {
        /// What it had.
        was: Capacity,
    },
    /// It was to sleep and never did: restore what was changed for that.
    GiveBack {
        /// What it had.
        was: Capacity,
    },
    /// Not now: a deployment is in progress.
    Defer {
        /// No longer than until then.
        until: Timestamp,
    },
    /// Somebody else has changed it while it slept: record that, and leave it alone.
    Conflict {
        /// What is there.
        found: Capacity,
        /// Bounds and suspensions that are still as we set them, and can be restored without moving
        /// the count.
        give_back: Option<Scaling>,
    },
    /// Record that it is left to people until the next edge.
    Leave {
        /// What is there.
        found: Capacity,
    },
    /// Another run holds it.
    Busy {
        /// Until then at most.
        until: Timestamp,
    },
}

impl Step {
    /// Whether anything is to be done or written.
    pub fn acts(&self) -> bool {
        !matches!(
            self,
            Self::Nothing | Self::Skip | Self::Defer { .. } | Self::Busy { .. }
        )
    }

    /// Whether a service is stopped.
    pub fn is_down(&self) -> bool {
        matches!(self, Self::Sleep { .. } | Self::FinishSleep { .. })
    }

    /// Whether a service is started.
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Wake { .. } | Self::FinishWake { .. })
    }

    /// One word for tables: `sleep`, `wake`, …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Skip => "skip",
            Self::Sleep { .. } => "sleep",
            Self::FinishSleep { .. } => "finish sleep",
            Self::Wake { .. } => "wake",
            Self::FinishWake { .. } => "finish wake",
            Self::GiveBack { .. } => "give back",
            Self::Defer { .. } => "defer",
            Self::Conflict { .. } => "conflict",
            Self::Leave { .. } => "leave",
            Self::Busy { .. } => "busy",
        }
    }
}
