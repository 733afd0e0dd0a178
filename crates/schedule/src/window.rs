//! Weekly windows and absolute ranges: the parts of a schedule in our own grammar.

use jiff::civil::{Date, DateTime, Time};

use crate::Calendar;
use crate::zone::Zone;

/// Seconds of a day on which the clocks aren't changed.
pub(crate) const DAY_SECONDS: i64 = 86_400;
/// 1970-01-01 was a Thursday.
const EPOCH_WEEKDAY: i64 = 3;
/// Farther than this from a change of the offset, a window that could matter lies wholly within one
/// offset: a window is at most a day long and belongs to yesterday, today or tomorrow.
const OFFSET_CHANGE_MARGIN_SECONDS: i64 = 3 * DAY_SECONDS;

/// A set of weekdays: bit 0 is Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weekdays(u8);

impl Weekdays {
    /// From one weekday to another, both included, over the end of the week if need be; 0 is Monday.
    pub(crate) fn between(first: u8, last: u8) -> Self {
        let days = (last + 7 - first) % 7;
        Self((0..=days).fold(0, |set, step| set | 1 << ((first + step) % 7)))
    }

    fn has(self, date: Date) -> bool {
        self.has_number(i64::from(date.weekday().to_monday_zero_offset()))
    }

    /// `day`: days since 1970-01-01.
    fn has_day(self, day: i64) -> bool {
        self.has_number((day + EPOCH_WEEKDAY).rem_euclid(7))
    }

    fn has_number(self, number: i64) -> bool {
        self.0 >> number & 1 == 1
    }
}

/// `Mon-Fri 09:00-22:00 Europe/London`: half-open, and over midnight if it ends before it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) days: Weekdays,
    /// Minute of the day.
    pub(crate) start: u16,
    /// Minute of the day; 1440 is midnight at the end of it. Never equal to `start`.
    pub(crate) end: u16,
    pub(crate) zone: Zone,
}

/// What a window says about an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowState {
    On,
    /// It would have begun on this date, but that is a holiday.
    Holiday(Date),
    Nothing,
}

impl Window {
    /// `at`: seconds since 1970.
    pub(crate) fn says(&self, at: i64, calendar: &Calendar) -> WindowState {
        let era = self.zone.era(at);
        let clear = era.from.saturating_add(OFFSET_CHANGE_MARGIN_SECONDS) <= at
            && at <= era.until.saturating_sub(OFFSET_CHANGE_MARGIN_SECONDS);
        if !clear {
            return self.says_exactly(at, calendar);
        }
        let Some(day) = self.begun_on(at + era.offset) else {
            return WindowState::Nothing;
        };
        if calendar.is_empty() {
            return WindowState::On;
        }
        let today = self.zone.date(at);
        let begun = if day == (at + era.offset).div_euclid(DAY_SECONDS) {
            Some(today)
        } else {
            today.yesterday().ok()
        };
        match begun {
            Some(date) if calendar.is_holiday(date) => WindowState::Holiday(date),
            _ => WindowState::On,
        }
    }

    /// By the wall clock: the day (since 1970-01-01) on which the window began that holds a local time.
    /// Right only where the offset doesn't change nearby.
    fn begun_on(&self, local: i64) -> Option<i64> {
        let (day, second) = (local.div_euclid(DAY_SECONDS), local.rem_euclid(DAY_SECONDS));
        let (start, end) = (i64::from(self.start) * 60, i64::from(self.end) * 60);
        let over_midnight = end < start;
        if second >= start && (over_midnight || second < end) && self.days.has_day(day) {
            Some(day)
        } else if over_midnight && second < end && self.days.has_day(day - 1) {
            Some(day - 1)
        } else {
            None
        }
    }

    /// By instants: right everywhere, and slower. The days around are asked too, because the clocks may
    /// go back over midnight.
    fn says_exactly(&self, at: i64, calendar: &Calendar) -> WindowState {
        let mut says = WindowState::Nothing;
        for date in days_around(self.zone.date(at), 2, 2) {
            if !self.days.has(date) {
                continue;
            }
            let (start, end) = self.instants(date);
            if start <= at && at < end {
                if !calendar.is_holiday(date) {
                    return WindowState::On;
                }
                says = WindowState::Holiday(date);
            }
        }
        says
    }

    /// An instant after `at` at which to look again; none of the window's starts and ends lies between.
    pub(crate) fn recheck_at(&self, at: i64) -> i64 {
        // A week and a day: with one weekday in the set, the next start may be a week away.
        days_around(self.zone.date(at), 2, 9)
            .filter(|date| self.days.has(*date))
            .flat_map(|date| <[i64; 2]>::from(self.instants(date)))
            .filter(|instant| *instant > at)
            .min()
            .unwrap_or(at + 7 * DAY_SECONDS)
    }

    /// When the window of this day starts and ends. Wholly within a gap, it is empty.
    fn instants(&self, date: Date) -> (i64, i64) {
        let start = self.zone.first(at_minute(date, self.start));
        let ends_on = if self.end < self.start {
            date.tomorrow().unwrap_or(date)
        } else {
            date
        };
        (start, self.zone.last(at_minute(ends_on, self.end)))
    }
}

fn at_minute(date: Date, minute: u16) -> DateTime {
    let date = if minute < 1440 {
        date
    } else {
        date.tomorrow().unwrap_or(date)
    };
    let hour = i8::try_from(minute / 60 % 24).expect("an hour is below 24");
    let minute = i8::try_from(minute % 60).expect("a minute is below 60");
    date.to_datetime(Time::constant(hour, minute, 0, 0))
}

fn days_around(date: Date, before: u8, after: u8) -> impl Iterator<Item = Date> {
    let mut first = date;
    for _ in 0..before {
        first = first.yesterday().unwrap_or(first);
    }
    std::iter::successors(Some(first), |date| date.tomorrow().ok())
        .take(usize::from(before) + usize::from(after) + 1)
}

/// `2026-12-24T00:00:00+00:00-2026-12-27T00:00:00+00:00`: half-open, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Range {
    pub(crate) fn holds(self, at: i64) -> bool {
        self.from <= at && at < self.until
    }

    /// The next bound after `at`.
    pub(crate) fn recheck_at(self, at: i64) -> Option<i64> {
        [self.from, self.until]
            .into_iter()
            .find(|bound| *bound > at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weekdays_wrap() {
        assert_eq!(Weekdays::between(0, 4).0, 0b001_1111);
        assert_eq!(Weekdays::between(5, 0).0, 0b110_0001);
        assert_eq!(Weekdays::between(3, 3).0, 0b000_1000);
        assert_eq!(Weekdays::between(0, 6).0, 0b111_1111);
    }

    prop_compose! {
        fn any_window()(
            days in (0..7_u8, 0..7_u8),
            start in 0..1440_u16,
            length in 1..1440_u16,
            zone in prop::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
                "America/Sao_Paulo", "America/St_Johns", "Africa/Casablanca", "UTC",
            ]),
        ) -> Window {
            let end = start + length;
            Window {
                days: Weekdays::between(days.0, days.1),
                start,
                end: if end > 1440 { end - 1440 } else { end },
                zone: Zone::find(zone).expect("a zone"),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_quick_way_says_what_the_exact_way_says(window in any_window(), at in 946_684_800..2_051_222_400_i64) {
            let calendar = Calendar::default();
            prop_assert_eq!(window.says(at, &calendar), window.says_exactly(at, &calendar));
        }

        #[test]
        fn near_a_change_too(window in any_window(), years in 0..15_i64, near in -400_000..400_000_i64) {
            let somewhere = 1_577_836_800 + years * 31_557_600;
            let era = window.zone.era(somewhere);
            let at = era.until.min(somewhere + 31_557_600) + near;
            let calendar = Calendar::default();
            prop_assert_eq!(window.says(at, &calendar), window.says_exactly(at, &calendar));
        }
    }
}
