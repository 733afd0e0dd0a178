//! Yearly repetition of an iCalendar event: the `RRULE`s that holidays have.
//!
//! `FREQ=YEARLY` with `INTERVAL`, `COUNT`, `UNTIL`, `BYMONTH`, `BYMONTHDAY`, `BYDAY` (`4TH` included) and
//! `BYSETPOS`. Anything else is refused.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Weekday};

use crate::calendar_problem::quoted;

/// What is wrong with a rule, and the remedy.
pub(crate) struct RecurrenceError {
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

/// Dates that come again every so many years.
#[derive(Clone, Debug)]
pub(crate) struct YearlyDates {
    first: Date,
    interval: i16,
    count: Option<usize>,
    until: Option<Date>,
    /// Each of these lets everything through while it is empty.
    months: Vec<i8>,
    month_days: Vec<i8>,
    weekdays: Vec<(i8, Weekday)>,
    positions: Vec<i16>,
}

/// Reads the value of an `RRULE` of an event that begins on `first`.
pub(crate) fn yearly(rule: &str, first: Date) -> Result<YearlyDates, RecurrenceError> {
    let mut yearly = YearlyDates {
        first,
        interval: 1,
        count: None,
        until: None,
        months: Vec::new(),
        month_days: Vec::new(),
        weekdays: Vec::new(),
        positions: Vec::new(),
    };
    let mut frequency = None;
    for part in rule.trim().split(';').filter(|part| !part.is_empty()) {
        let part = part.to_ascii_uppercase();
        let (key, value) = part.split_once('=').ok_or_else(|| unreadable(&part))?;
        let read = match key {
            "FREQ" => {
                frequency = Some(value.to_owned());
                Some(())
            }
            "INTERVAL" => number(value, 1..=999).map(|years| yearly.interval = years),
            "COUNT" => {
                number(value, 1..=9_999).map(|count| yearly.count = usize::try_from(count).ok())
            }
            "UNTIL" => until(value).map(|date| yearly.until = Some(date)),
            "BYMONTH" => distinct(numbers(value, 1..=12)).map(|months| yearly.months = months),
            "BYMONTHDAY" => distinct(signed(value, 31)).map(|days| yearly.month_days = days),
            "BYDAY" => distinct(list(value, weekday)).map(|days| {
                yearly.weekdays = days
                    .into_iter()
                    .map(|(day, ordinal)| {
                        (
                            ordinal,
                            Weekday::from_monday_zero_offset(day).unwrap_or(Weekday::Monday),
                        )
                    })
                    .collect();
            }),
            "BYSETPOS" => {
                distinct(signed(value, 366)).map(|positions| yearly.positions = positions)
            }
            // Which day a week begins with matters to weeks only.
            "WKST" => Some(()),
            _ => return Err(unknown(key)),
        };
        read.ok_or_else(|| unreadable(&part))?;
    }
    match frequency.as_deref() {
        Some("YEARLY") => Ok(yearly.with_dates_of_first()),
        other => Err(RecurrenceError {
            problem: format!(
                "FREQ={} is not supported for holidays",
                other
                    .unwrap_or_default()
                    .chars()
                    .take(40)
                    .collect::<String>()
            ),
            remedy: "write FREQ=YEARLY, or one event for each date".to_owned(),
        }),
    }
}

fn unreadable(part: &str) -> RecurrenceError {
    RecurrenceError {
        problem: format!("{} in the RRULE can't be read", quoted(part)),
        remedy: "write it as RFC 5545 says, or write one event for each date".to_owned(),
    }
}

fn unknown(key: &str) -> RecurrenceError {
    RecurrenceError {
        problem: format!("{} in the RRULE is not supported", quoted(key)),
        remedy: "use BYMONTH, BYMONTHDAY, BYDAY and BYSETPOS, or write one event for each date"
            .to_owned(),
    }
}

/// A rule names each of its days once: more in one list are a mistake, and each costs time on every day.
const MAX_ITEMS: usize = 400;

fn list<T>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let items = value.split(',').take(MAX_ITEMS + 1);
    let items: Vec<T> = items.map(|item| read(item.trim())).collect::<Option<_>>()?;
    (items.len() <= MAX_ITEMS).then_some(items)
}

/// The same, each once.
fn distinct<T: Ord>(items: Option<Vec<T>>) -> Option<Vec<T>> {
    items.map(|mut items| {
        items.sort();
        items.dedup();
        items
    })
}

fn number(value: &str, legal: RangeInclusive<i16>) -> Option<i16> {
    value.parse().ok().filter(|number| legal.contains(number))
}

fn numbers(value: &str, legal: RangeInclusive<i16>) -> Option<Vec<i8>> {
    list(value, |item| number(item, legal.clone())?.try_into().ok())
}

/// From the start (1) or from the end (-1); never 0.
fn signed<T: TryFrom<i16>>(value: &str, most: i16) -> Option<Vec<T>> {
    list(value, |item| {
        let number = number(item, -most..=most).filter(|number| *number != 0)?;
        number.try_into().ok()
    })
}

/// `20301231`, or with a time of day, of which the date counts.
fn until(value: &str) -> Option<Date> {
    let (date, _) = value.split_once('T').unwrap_or((value, ""));
    let digits = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| date.parse().ok()).flatten()
}

/// `TH`, `4TH`, `-1MO`: the day of the week from Monday, and which of them; 0 means every one.
fn weekday(item: &str) -> Option<(i8, i8)> {
    let (ordinal, name) = item.split_at_checked(item.len().checked_sub(2)?)?;
    let weekday = match name {
        "MO" => 0,
        "TU" => 1,
        "WE" => 2,
        "TH" => 3,
        "FR" => 4,
        "SA" => 5,
        "SU" => 6,
        _ => return None,
    };
    let ordinal = match ordinal {
        "" => 0,
        _ => number(ordinal, -53..=53).filter(|ordinal| *ordinal != 0)?,
    };
    Some((weekday, i8::try_from(ordinal).ok()?))
}

impl YearlyDates {
    /// What a rule leaves open, the first date says.
    fn with_dates_of_first(mut self) -> Self {
        if self.weekdays.is_empty() && self.month_days.is_empty() {
            self.month_days = vec![self.first.day()];
            if self.months.is_empty() {
                self.months = vec![self.first.month()];
            }
        }
        self
    }

    /// The dates within these years, both included.
    pub(crate) fn dates(&self, years: &RangeInclusive<i16>) -> Vec<Date> {
        let mut dates = Vec::new();
        let mut left = self.count.unwrap_or(usize::MAX);
        let step = usize::try_from(self.interval).unwrap_or(1);
        let begin = self.first.year();
        // Who counts must begin at the beginning.
        let skipped = if self.count.is_none() && begin < *years.start() {
            (years.start() - begin) / self.interval * self.interval
        } else {
            0
        };
        for year in (begin + skipped..=*years.end()).step_by(step) {
            if left == 0 {
                break;
            }
            let mut of_year = self.of_year(year);
            of_year.truncate(left);
            left -= of_year.len();
            if years.contains(&year) {
                dates.extend(of_year);
            }
        }
        dates
    }

    fn of_year(&self, year: i16) -> Vec<Date> {
        let all: Vec<i8> = (1..=12).collect();
        let months = if self.months.is_empty() {
            &all
        } else {
            &self.months
        };
        let mut dates: Vec<Date> = months
            .iter()
            .flat_map(|month| self.of_month(year, *month))
            .collect();
        if !self.positions.is_empty() {
            let count = i16::try_from(dates.len()).unwrap_or(i16::MAX);
            let mut position = 0;
            dates.retain(|_| {
                position += 1;
                self.positions.contains(&position)
                    || self.positions.contains(&(position - count - 1))
            });
        }
        dates.retain(|date| *date >= self.first && self.until.is_none_or(|until| *date <= until));
        dates
    }

    /// The days of a month that the rule means, in order: only these are looked at, as most rules name one.
    fn of_month(&self, year: i16, month: i8) -> Vec<Date> {
        let Ok(first) = Date::new(year, month, 1) else {
            return Vec::new();
        };
        let last = first.days_in_month();
        let mut days: Vec<i8> = if self.month_days.is_empty() {
            (1..=last).collect()
        } else {
            let from_either_end = |day: &i8| if *day > 0 { *day } else { last + 1 + *day };
            self.month_days.iter().map(from_either_end).collect()
        };
        days.sort_unstable();
        days.dedup();
        let named = |date: &Date| {
            self.weekdays.is_empty() || self.weekdays.iter().any(|day| self.is_weekday(*date, *day))
        };
        days.into_iter()
            .filter_map(|day| Date::new(year, month, day).ok())
            .filter(named)
            .collect()
    }

    /// Whether it is, say, the fourth Thursday: of its month where the rule names months, else of the year.
    fn is_weekday(&self, date: Date, (ordinal, weekday): (i8, Weekday)) -> bool {
        if date.weekday() != weekday {
            return false;
        }
        let (day, days) = if self.months.is_empty() {
            (date.day_of_year(), date.days_in_year())
        } else {
            (i16::from(date.day()), i16::from(date.days_in_month()))
        };
        let from_start = (day - 1) / 7 + 1;
        let from_end = -((days - day) / 7 + 1);
        ordinal == 0 || [from_start, from_end].contains(&i16::from(ordinal))
    }
}

/// From one date to another; negative if that is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}
