//! Holidays: dates with names. On a holiday nothing starts; which zone's date it is, the window says.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;

use crate::calendar_problem::{CALENDAR_YEARS, CalendarProblem, MAX_LINES, quoted, too_many_lines};
use crate::{encoding, icalendar};

/// More holidays than anybody has: 365 a year for as long as yearly ones are expanded.
const MAX_HOLIDAYS: usize = 16_000;
/// Problems reported at once; nobody wants to read more.
const MAX_PROBLEMS: usize = 50;

/// A set of holidays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    days: BTreeMap<Date, String>,
}

/// A calendar that can't be read: all its problems, one a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct CalendarError {
    /// In the order of the lines; never empty.
    pub problems: Vec<CalendarProblem>,
}

impl Calendar {
    /// No holidays at all.
    pub const fn none() -> Self {
        Self {
            days: BTreeMap::new(),
        }
    }

    /// Reads a file: a list of dates ([`Calendar::from_dates`]) or an iCalendar file ([`Calendar::from_icalendar`]),
    /// in UTF-8 or UTF-16.
    pub fn from_bytes(bytes: &[u8], years: RangeInclusive<i16>) -> Result<Self, CalendarError> {
        let text = encoding::text(bytes).map_err(|problem| CalendarError {
            problems: vec![problem],
        })?;
        let begin = text.trim_start();
        if begin.starts_with(|c: char| c.is_ascii_digit() || c == '#') {
            Self::from_dates(&text)
        } else {
            Self::from_icalendar(&text, years)
        }
    }

    /// Reads one date a line, with a name if you like: `2026-12-25 Christmas Day`. Empty lines and
    /// lines that begin with `#` are nothing.
    pub fn from_dates(text: &str) -> Result<Self, CalendarError> {
        let mut calendar = Self::none();
        let mut problems = Vec::new();
        for (line, written) in (1..).zip(text.lines()) {
            if line > MAX_LINES {
                problems.push(too_many_lines());
                break;
            }
            let written = written.trim();
            if written.is_empty() || written.starts_with('#') {
                continue;
            }
            let (date, name) = written
                .split_once(char::is_whitespace)
                .unwrap_or((written, ""));
            match date.parse::<Date>() {
                Ok(day) if date.len() == 10 && CALENDAR_YEARS.contains(&day.year()) => {
                    calendar.insert(day, name.trim());
                }
                _ => problems.push(CalendarProblem {
                    line,
                    problem: format!("{} is not a date", quoted(date)),
                    remedy: "write year, month and day: 2026-12-25".to_owned(),
                }),
            }
        }
        checked(calendar, problems)
    }

    /// Reads the all-day events of an iCalendar file (RFC 5545). Events that repeat every year are
    /// expanded within `years`, both included; those that don't are taken whatever their year.
    ///
    /// What can't be taken as it stands (an event with a time of day, another repetition) is a problem, so
    /// that no holiday is lost silently.
    pub fn from_icalendar(text: &str, years: RangeInclusive<i16>) -> Result<Self, CalendarError> {
        let mut calendar = Self::none();
        let (days, problems) = icalendar::holidays(text, &years);
        for (date, name) in days {
            calendar.insert(date, &name);
        }
        checked(calendar, problems)
    }

    /// Adds a holiday; the first name of a date stays, unless it is empty.
    pub fn insert(&mut self, date: Date, name: &str) {
        let known = self.days.entry(date).or_default();
        if known.is_empty() {
            name.clone_into(known);
        }
    }

    /// Adds another calendar's holidays.
    pub fn extend(&mut self, other: &Self) {
        for (date, name) in &other.days {
            self.insert(*date, name);
        }
    }

    /// The holidays in order, with their names.
    pub fn days(&self) -> impl Iterator<Item = (Date, &str)> {
        self.days.iter().map(|(date, name)| (*date, name.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Whether a date is one.
    pub fn is_holiday(&self, date: Date) -> bool {
        self.days.contains_key(&date)
    }

    /// A holiday's name, empty if it has none; `None` if the date isn't one.
    pub fn name(&self, date: Date) -> Option<&str> {
        self.days.get(&date).map(String::as_str)
    }

    pub(crate) fn last(&self) -> Option<Date> {
        self.days.last_key_value().map(|(date, _)| *date)
    }
}

fn checked(
    calendar: Calendar,
    mut problems: Vec<CalendarProblem>,
) -> Result<Calendar, CalendarError> {
    if calendar.days.len() > MAX_HOLIDAYS {
        problems.push(CalendarProblem {
            line: 1,
            problem: format!("the file has more than {MAX_HOLIDAYS} holidays"),
            remedy: "keep only those that matter".to_owned(),
        });
    }
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    if more > 0 {
        problems.truncate(MAX_PROBLEMS);
        problems.push(CalendarProblem {
            line: problems[MAX_PROBLEMS - 1].line,
            problem: format!("{more} more problems"),
            remedy: "correct those above first".to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(calendar)
    } else {
        Err(CalendarError { problems })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_dates() {
        let text = "# 2026\n2026-12-25 Christmas Day\n\n  2026-12-26\n2026-12-25 again\n";
        let calendar = Calendar::from_dates(text).expect("a calendar");
        let days: Vec<String> = calendar
            .days()
            .map(|(date, name)| format!("{date} {name}"))
            .collect();
        assert_eq!(days, ["2026-12-25 Christmas Day", "2026-12-26 "]);
        assert!(!calendar.is_holiday(jiff::civil::date(2025, 12, 25)));
    }

    #[test]
    fn all_problems_of_a_list_are_told() {
        let error = Calendar::from_dates("2026-02-30\n2026-12-25\n25.12.2026 Christmas\n20261225")
            .expect_err("problems");
        insta::assert_snapshot!(error, @r#"
        line 1: "2026-02-30" is not a date; write year, month and day: 2026-12-25
        line 3: "25.12.2026" is not a date; write year, month and day: 2026-12-25
        line 4: "20261225" is not a date; write year, month and day: 2026-12-25
        "#);
    }
}
