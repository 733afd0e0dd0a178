//! The schedule: what was written, and what it was read as.

use std::fmt;

use crate::events::Events;
use crate::window::{Range, Window};

/// When something is on. Read once, asked often.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub(crate) text: String,
    pub(crate) rules: Rules,
    pub(crate) remarks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rules {
    /// On while any of these says so.
    Parts(Vec<Part>),
    /// On or off as the last event said.
    Events(Events),
}

/// One part of a schedule: a window, an absolute range, `always` or `never`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub(crate) text: String,
    pub(crate) schedule: Option<String>,
    pub(crate) rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Always,
    Never,
    Window(Window),
    Range(Range),
}

impl Part {
    /// The part as it was written, with its zone.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The configured schedule that it comes from, if it was named.
    pub fn schedule(&self) -> Option<&str> {
        self.schedule.as_deref()
    }
}

/// `"Mon-Fri 09:00-22:00 Europe/London" (office)`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.text)?;
        match &self.schedule {
            Some(schedule) => write!(f, " ({schedule})"),
            None => Ok(()),
        }
    }
}

impl Schedule {
    /// What is legal but probably not what was meant, in whole sentences. Whoever shows what a schedule
    /// means shows these beside it.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The zones whose clocks it follows, each once, in the order of the text; none for `always`, `never`
    /// and absolute ranges.
    pub fn zones(&self) -> Vec<&str> {
        let mut zones = Vec::new();
        let mut add = |name| {
            if !zones.contains(&name) {
                zones.push(name);
            }
        };
        match &self.rules {
            Rules::Parts(parts) => {
                for part in parts {
                    if let Rule::Window(window) = &part.rule {
                        add(window.zone.name());
                    }
                }
            }
            Rules::Events(events) => add(events.zone.name()),
        }
        zones
    }
}

/// The text as it was written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
