//! Who did something, by whichever way it came.

use std::fmt;

use contacts::Approver;
use serde::{Deserialize, Serialize};

/// How somebody's wish came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A button in Slack: Slack vouches for the person.
    Slack,
    /// A signed link: whoever holds it.
    Link,
}

/// Who did something: said yes or no, or asked for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The immutable id.
    pub approver: String,
    /// The name people know; never used to decide anything.
    pub name: String,
    /// Whether it is known that it was this person. False for a link: it can be forwarded.
    pub identified: bool,
}

impl Actor {
    /// Whoever has this id, as far as the way that they came proves it: a link can be forwarded.
    pub fn new(approver: &Approver, name: &str, via: Via) -> Self {
        Self {
            approver: approver.to_string(),
            name: name.to_owned(),
            identified: via == Via::Slack && approver.identifies(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { approver, name, .. } = self;
        if !self.identified {
            write!(f, "the holder of the link of {approver}")
        } else if name.is_empty() {
            f.write_str(approver)
        } else {
            write!(f, "{name} ({approver})")
        }
    }
}
