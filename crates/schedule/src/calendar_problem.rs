//! What is wrong with a calendar, and how it is shown.

use std::fmt;
use std::ops::RangeInclusive;

/// Lines of a file, continued ones counted one by one.
pub(crate) const MAX_LINES: usize = 50_000;
/// Years that a calendar may speak of: a holiday in the year 9999 is a mistake, and everything until then would
/// be looked through for what comes next.
pub(crate) const CALENDAR_YEARS: RangeInclusive<i16> = 1900..=2199;

/// One thing that is wrong with a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarProblem {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for CalendarProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}; {}", self.line, self.problem, self.remedy)
    }
}

/// A piece of a file as a problem shows it.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    let short: String = text.chars().take(SHOWN).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{:?}", short + more)
}

pub(crate) fn too_many_lines() -> CalendarProblem {
    CalendarProblem {
        line: MAX_LINES + 1,
        problem: format!("the file has more than {MAX_LINES} lines"),
        remedy: "keep only the holidays that matter, or make several files of it".to_owned(),
    }
}
