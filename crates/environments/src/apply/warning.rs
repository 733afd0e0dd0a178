//! What did not stop a run and people should know all the same.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::backup_tag::ASLEEP_TAG;
use crate::missed_actions::Note;
use crate::resource::Capacity;

/// One of them. Its sentence has no full stop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// What depends on it was woken although it was not healthy in time.
    Unhealthy {
        /// `cluster/name`.
        place: String,
    },
    /// It woke as something else than what it was.
    Woken {
        /// `cluster/name`.
        place: String,
        /// What else it is.
        note: Note,
    },
    /// Its backup tag says more than it is known to have had.
    OverstatedTag {
        /// `cluster/name`.
        place: String,
        /// What the tag says.
        tag: Capacity,
        /// What it has now.
        believed: Capacity,
    },
    /// Somebody changed its bounds while it slept.
    BoundsChanged {
        /// `cluster/name`.
        place: String,
        /// What they were set to for the sleep.
        set: Capacity,
        /// What was found.
        found: Capacity,
        /// What it has now.
        now: Capacity,
    },
    /// A backup tag could not be set or removed.
    Tag {
        /// The call and on what.
        what: String,
        /// AWS's error in one line.
        detail: String,
        /// What to do.
        remedy: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unhealthy { place } => write!(
                f,
                "{place} was not healthy in time; what depends on it was woken anyway"
            ),
            Self::Woken { place, note } => write!(f, "{place}: {note}"),
            Self::OverstatedTag {
                place,
                tag,
                believed,
            } => write!(
                f,
                "{place}: its tag {ASLEEP_TAG} says {tag}, and it is not known to have had so many: it has {believed} now"
            ),
            Self::BoundsChanged {
                place,
                set,
                found,
                now,
            } => write!(
                f,
                "{place}: somebody changed its bounds while it slept (set to {set}, found at {found}); it has {now} now"
            ),
            Self::Tag {
                what,
                detail,
                remedy,
            } => write!(
                f,
                "{what} failed, and everything else went on: {detail}; {remedy}"
            ),
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
