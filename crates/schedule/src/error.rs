//! What is wrong with a schedule's text, where, and what would be right.

use std::fmt;

/// A schedule that can't be read. The person who wrote it reads this, so it names the place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScheduleError {
    /// The configured schedule in whose text the problem is; `None` for the text that was given.
    pub schedule: Option<String>,
    /// Where it begins: characters from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schedule) = &self.schedule {
            write!(f, "schedule {schedule:?}, ")?;
        }
        write!(
            f,
            "column {}: {}; {}",
            self.column, self.problem, self.remedy
        )
    }
}
