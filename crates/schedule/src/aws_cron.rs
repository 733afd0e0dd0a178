//! `cron(…)` as AWS reads it (EventBridge Scheduler, Application Auto Scaling): six fields, days of the week from 1 (Sunday), exactly one
//! `?`, and `L`, `W` and `#` for days that depend on the month.
//!
//! Hand-made because the crates for cron run a time that the clocks skip right after the gap, and
//! EventBridge Scheduler skips it. It must never guess: what AWS does not document is refused.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Names of months, from 1.
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
/// Names of days, from 1.
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A cron expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// The field of the two that is not `?`.
#[derive(Debug, Clone, PartialEq)]
enum Days {
    OfMonth(Vec<DayOfMonth>),
    OfWeek(Vec<DayOfWeek>),
}

#[derive(Debug, Clone, PartialEq)]
enum DayOfMonth {
    Any(BTreeSet<i16>),
    Last,
    /// `LW`
    LastWorkday,
    /// `3W`: the workday nearest to that day, in the same month.
    NearestWorkday(i16),
}

#[derive(Debug, Clone, PartialEq)]
enum DayOfWeek {
    Any(BTreeSet<i16>),
    /// `6L`: the last Friday of the month.
    Last(i16),
    /// `3#2`: the second Tuesday of the month.
    Nth(i16, i16),
}

/// One of the fields of plain numbers.
struct Field {
    name: &'static str,
    first: i16,
    last: i16,
    names: &'static [&'static str],
}

const MINUTE: Field = Field::new("minutes", 0, 59, &[]);
const HOUR: Field = Field::new("hours", 0, 23, &[]);
const DAY_OF_MONTH: Field = Field::new("day-of-month", 1, 31, &[]);
const MONTH: Field = Field::new("month", 1, 12, &MONTHS);
const DAY_OF_WEEK: Field = Field::new("day-of-week", 1, 7, &DAYS);
const YEAR: Field = Field::new("year", 1970, 2199, &[]);

impl Field {
    const fn new(
        name: &'static str,
        first: i16,
        last: i16,
        names: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            first,
            last,
            names,
        }
    }

    /// A whole field: values, ranges, steps, `*`, joined by commas.
    fn set(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let mut set = BTreeSet::new();
        for item in text.split(',') {
            set.extend(self.item(item)?);
        }
        Ok(set)
    }

    fn item(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => {
                let step: Option<usize> = step.parse().ok().filter(|step| *step > 0);
                let step = step.ok_or_else(|| self.wrong(text))?;
                (range, Some(step))
            }
        };
        let (first, last) = if range == "*" {
            (self.first, self.last)
        } else if let Some((first, last)) = range.split_once('-') {
            (self.value(first)?, self.value(last)?)
        } else {
            let only = self.value(range)?;
            // `1/10` counts from 1 to the end.
            (only, if step.is_some() { self.last } else { only })
        };
        if first > last {
            return Err(self.wrong(text));
        }
        Ok((first..=last).step_by(step.unwrap_or(1)).collect())
    }

    fn value(&self, text: &str) -> Result<i16, String> {
        let named = self
            .names
            .iter()
            .zip(self.first..)
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some((_, value)) => Some(value),
            None => text.parse().ok(),
        };
        value
            .filter(|value| (self.first..=self.last).contains(value))
            .ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, text: &str) -> String {
        let Self {
            name, first, last, ..
        } = self;
        format!("'{text}' is no {name}: these are {first} to {last}")
    }
}

impl Cron {
    /// Reads what stands between `cron(` and `)`; or says in a sentence what is wrong with it.
    ///
    /// # Errors
    /// What AWS does not document is refused.
    pub fn read(fields: &str) -> Result<Self, String> {
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let [minutes, hours, day_of_month, months, day_of_week, years] = fields[..] else {
            return Err(format!(
                "cron has six fields (minutes hours day-of-month month day-of-week year), not {}",
                fields.len()
            ));
        };
        let days = match (day_of_month, day_of_week) {
            (of_month, "?") if of_month != "?" => {
                let items = of_month.split(',').map(DayOfMonth::read);
                Days::OfMonth(items.collect::<Result<_, _>>()?)
            }
            ("?", of_week) if of_week != "?" => {
                let items = of_week.split(',').map(DayOfWeek::read);
                Days::OfWeek(items.collect::<Result<_, _>>()?)
            }
            _ => {
                return Err("exactly one of day-of-month and day-of-week is to be ?".to_owned());
            }
        };
        Ok(Self {
            minutes: MINUTE.set(minutes)?,
            hours: HOUR.set(hours)?,
            days,
            months: MONTH.set(months)?,
            years: YEAR.set(years)?,
        })
    }

    /// The instants in `(after, until]`, in their order. A local time that the clocks skip is left
    /// out; one that they show twice counts once, the first time.
    pub fn within(
        &self,
        zone: &TimeZone,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Timestamp> {
        let last = zone.to_datetime(until).date();
        let first = zone.to_datetime(after).date();
        std::iter::successors(Some(first), move |date| {
            date.checked_add(1.day()).ok().filter(|next| *next <= last)
        })
        .filter(|date| self.has_day(*date))
        .flat_map(|date| self.times().map(move |time| date.to_datetime(time)))
        .filter_map(|local| {
            let ambiguous = zone.to_ambiguous_timestamp(local);
            match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => None,
                _ => ambiguous.earlier().ok(),
            }
        })
        .filter(move |at| *at > after && *at <= until)
    }

    fn times(&self) -> impl Iterator<Item = Time> {
        let of_hour = |hour: i16| self.minutes.iter().map(move |minute| (hour, *minute));
        self.hours
            .iter()
            .flat_map(move |hour| of_hour(*hour))
            .filter_map(|(hour, minute)| {
                let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
                Time::new(hour, minute, 0, 0).ok()
            })
    }

    fn has_day(&self, date: Date) -> bool {
        self.years.contains(&date.year())
            && self.months.contains(&i16::from(date.month()))
            && match &self.days {
                Days::OfMonth(items) => items.iter().any(|item| item.has(date)),
                Days::OfWeek(items) => items.iter().any(|item| item.has(date)),
            }
    }
}

impl DayOfMonth {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "L" => Ok(Self::Last),
            "LW" => Ok(Self::LastWorkday),
            _ => match text.strip_suffix('W') {
                Some(day) => DAY_OF_MONTH.value(day).map(Self::NearestWorkday),
                None => DAY_OF_MONTH.item(text).map(Self::Any),
            },
        }
    }

    fn has(&self, date: Date) -> bool {
        let day = i16::from(date.day());
        let last = i16::from(date.days_in_month());
        match self {
            Self::Any(days) => days.contains(&day),
            Self::Last => day == last,
            Self::LastWorkday => nearest_workday(date, last) == Some(day),
            Self::NearestWorkday(to) => nearest_workday(date, *to) == Some(day),
        }
    }
}

/// The workday nearest to a day, without leaving the month of `date`.
fn nearest_workday(date: Date, to: i16) -> Option<i16> {
    let target = Date::new(date.year(), date.month(), i8::try_from(to).ok()?).ok()?;
    let last = i16::from(target.days_in_month());
    Some(match number_of(target) {
        1 if to == last => to - 2,
        1 => to + 1,
        7 if to == 1 => to + 2,
        7 => to - 1,
        _ => to,
    })
}

impl DayOfWeek {
    fn read(text: &str) -> Result<Self, String> {
        if text == "L" {
            return Ok(Self::Any(BTreeSet::from([7])));
        }
        if let Some((day, nth)) = text.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| DAY_OF_WEEK.wrong(text))?;
            return Ok(Self::Nth(DAY_OF_WEEK.value(day)?, nth));
        }
        match text.strip_suffix('L') {
            Some(day) => DAY_OF_WEEK.value(day).map(Self::Last),
            None => DAY_OF_WEEK.item(text).map(Self::Any),
        }
    }

    fn has(&self, date: Date) -> bool {
        let (number, day) = (number_of(date), i16::from(date.day()));
        match self {
            Self::Any(days) => days.contains(&number),
            Self::Last(of) => number == *of && day + 7 > i16::from(date.days_in_month()),
            Self::Nth(of, nth) => number == *of && (day - 1) / 7 + 1 == *nth,
        }
    }
}

/// The number that AWS gives to a day of the week.
fn number_of(date: Date) -> i16 {
    i16::from(date.weekday().to_sunday_one_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Option<TimeZone> {
        jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
    }

    /// The local times at which an expression fires between two local dates.
    fn fires(fields: &str, zone_name: &str, from: &str, to: &str) -> Vec<String> {
        let zone = zone(zone_name).unwrap();
        let at = |text: &str| {
            let date: Date = text.parse().unwrap();
            // One second before midnight, so that midnight itself is within.
            date.to_zoned(zone.clone()).unwrap().timestamp() - 1.second()
        };
        Cron::read(fields)
            .unwrap()
            .within(&zone, at(from), at(to))
            .map(|at| {
                let local = at.to_zoned(zone.clone());
                local.strftime("%a %Y-%m-%d %H:%M %:z").to_string()
            })
            .collect()
    }

    fn days(fields: &str, from: &str, to: &str) -> Vec<String> {
        let fires = fires(fields, "UTC", from, to);
        fires.iter().map(|text| text[..14].to_owned()).collect()
    }

    #[test]
    fn the_documented_examples() {
        // 10:00 every day
        assert_eq!(days("0 10 * * ? *", "2026-11-21", "2026-11-23").len(), 2);
        // 12:15 every day
        assert_eq!(
            fires("15 12 * * ? *", "UTC", "2026-11-21", "2026-11-22"),
            ["Sat 2026-11-21 12:15 +00:00"]
        );
        // 18:00 from Monday to Friday
        assert_eq!(
            days("0 18 ? * MON-FRI *", "2026-11-20", "2026-11-25"),
            ["Fri 2026-11-20", "Mon 2026-11-23", "Tue 2026-11-24"]
        );
        // 08:00 on the first of the month
        assert_eq!(
            days("0 8 1 * ? *", "2026-11-02", "2027-02-01"),
            ["Tue 2026-12-01", "Fri 2027-01-01"]
        );
        // every 15 minutes; every 10 minutes from Monday to Friday; every 5 minutes in office hours
        assert_eq!(
            fires("0/15 * * * ? *", "UTC", "2026-11-21", "2026-11-22").len(),
            96
        );
        assert_eq!(
            fires("0/10 * ? * MON-FRI *", "UTC", "2026-11-21", "2026-11-24").len(),
            144
        );
        assert_eq!(
            fires("0/5 8-17 ? * MON-FRI *", "UTC", "2026-11-23", "2026-11-24").len(),
            120
        );
        // 10:15 on the last Friday of each month in 2022 and 2023
        let last_fridays = days("15 10 ? * 6L 2022-2023", "2022-11-01", "2024-06-01");
        assert_eq!(last_fridays.len(), 14);
        assert_eq!(last_fridays[..2], ["Fri 2022-11-25", "Fri 2022-12-30"]);
        // every tenth minute from the first
        let minutes = fires("1/10 9 * * ? *", "UTC", "2026-11-21", "2026-11-22");
        let minutes: Vec<_> = minutes.iter().map(|text| &text[15..20]).collect();
        assert_eq!(
            minutes,
            ["09:01", "09:11", "09:21", "09:31", "09:41", "09:51"]
        );
    }

    #[test]
    fn days_that_depend_on_the_month() {
        // The second Tuesday.
        assert_eq!(
            days("0 0 ? * 3#2 *", "2026-11-01", "2027-01-01"),
            ["Tue 2026-11-10", "Tue 2026-12-08"]
        );
        // A fifth Monday is not in every month.
        assert_eq!(
            days("0 0 ? * MON#5 *", "2026-10-01", "2027-01-01"),
            ["Mon 2026-11-30"]
        );
        assert_eq!(
            days("0 0 L * ? *", "2028-01-31", "2028-04-01"),
            ["Mon 2028-01-31", "Tue 2028-02-29", "Fri 2028-03-31"]
        );
        assert_eq!(
            days("0 0 ? * L *", "2026-11-16", "2026-11-23"),
            ["Sat 2026-11-21"]
        );
        // 2026-11-01 is a Sunday, 2026-08-01 a Saturday, 2026-05-31 a Sunday, 2026-11-21 a Saturday.
        assert_eq!(
            days("0 0 1W 11 ? *", "2026-01-01", "2027-01-01"),
            ["Mon 2026-11-02"]
        );
        assert_eq!(
            days("0 0 1W 8 ? *", "2026-01-01", "2027-01-01"),
            ["Mon 2026-08-03"]
        );
        assert_eq!(
            days("0 0 31W 5 ? *", "2026-01-01", "2027-01-01"),
            ["Fri 2026-05-29"]
        );
        assert_eq!(
            days("0 0 21W 11 ? *", "2026-01-01", "2027-01-01"),
            ["Fri 2026-11-20"]
        );
        assert_eq!(
            days("0 0 LW 5 ? *", "2026-01-01", "2027-01-01"),
            ["Fri 2026-05-29"]
        );
        // No 31st, no workday nearest to it.
        assert!(days("0 0 31W 4 ? *", "2026-01-01", "2027-01-01").is_empty());
        assert_eq!(
            days("0 0 1,15,L 2 ? 2026", "2025-01-01", "2028-01-01"),
            ["Sun 2026-02-01", "Sun 2026-02-15", "Sat 2026-02-28"]
        );
    }

    #[test]
    fn a_time_in_the_gap_is_skipped() {
        let night = |fields: &str, zone: &str| fires(fields, zone, "2026-03-28", "2026-03-31");
        assert_eq!(
            night("30 2 * * ? *", "Europe/Berlin"),
            ["Sat 2026-03-28 02:30 +01:00", "Mon 2026-03-30 02:30 +02:00"]
        );
        assert_eq!(
            fires(
                "30 2 * * ? *",
                "America/New_York",
                "2026-03-08",
                "2026-03-10"
            ),
            ["Mon 2026-03-09 02:30 -04:00"]
        );
        // The hour that is left out has no ticks; the others of that day have theirs.
        assert_eq!(
            fires(
                "0/15 * * * ? *",
                "Europe/Berlin",
                "2026-03-29",
                "2026-03-30"
            )
            .len(),
            23 * 4
        );
        assert_eq!(
            night("0 9 ? * MON-FRI *", "Europe/Berlin"),
            ["Mon 2026-03-30 09:00 +02:00"]
        );
    }

    #[test]
    fn a_time_in_the_fold_fires_once_the_first_time() {
        assert_eq!(
            fires("30 2 * * ? *", "Europe/Berlin", "2026-10-25", "2026-10-26"),
            ["Sun 2026-10-25 02:30 +02:00"]
        );
        assert_eq!(
            fires(
                "30 1 * * ? *",
                "America/New_York",
                "2026-11-01",
                "2026-11-02"
            ),
            ["Sun 2026-11-01 01:30 -04:00"]
        );
        assert_eq!(
            fires("0 * * * ? *", "Europe/Berlin", "2026-10-25", "2026-10-26").len(),
            24
        );
        // Looked at from within the second showing: it has been.
        let zone = zone("Europe/Berlin").unwrap();
        let between: Timestamp = "2026-10-25T01:10:00Z".parse().unwrap();
        let mut later = Cron::read("30 2 * * ? *").unwrap();
        later.years = BTreeSet::from([2026]);
        let next = later.within(&zone, between, between + 48.hours()).next();
        assert_eq!(next.unwrap().to_string(), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn the_window_is_open_at_its_start_and_closed_at_its_end() {
        let cron = Cron::read("0 22 * * ? *").unwrap();
        let at: Timestamp = "2026-11-21T22:00:00Z".parse().unwrap();
        let utc = TimeZone::UTC;
        assert_eq!(cron.within(&utc, at - 1.second(), at).count(), 1);
        assert_eq!(cron.within(&utc, at, at + 1.hour()).count(), 0);
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        for wrong in [
            "0 10 * * ?",
            "0 10 * * * *",
            "0 10 ? * ? *",
            "60 10 * * ? *",
            "0 24 * * ? *",
            "0 10 0 * ? *",
            "0 10 ? * 8 *",
            "0 10 ? * 3#6 *",
            "0 10 ? * FOO *",
            "0/0 10 * * ? *",
            "0 10 ? * FRI-MON *",
            "0 10 * * ? 1969",
        ] {
            assert!(Cron::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            Cron::read("0 25 * * ? *").unwrap_err(),
            "'25' is no hours: these are 0 to 23"
        );
    }
}
