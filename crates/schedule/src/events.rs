//! Weekly on and off events at full hours: what a Cloud Custodian off-hours value means.
//!
//! Custodian holds no state: once an hour it asks whether the local weekday is in the set and the local
//! hour is equal. So an hour that the clocks skip fires nothing, and one that they show twice fires at its
//! first occurrence (and, to no effect, once more). The state at an instant is what the last event said.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::zone::{Era, Zone};
use crate::{Calendar, State};

const HOUR_SECONDS: i64 = 3_600;
/// How many days are looked through for the last event, besides those that are skipped: both sets hold
/// something in every week, but an hour in a gap fires nothing.
const LOOKBACK_DAYS: usize = 30;

/// Hours of the week: for each weekday from Monday, a bit for each hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hours(pub(crate) [u32; 7]);

impl Hours {
    pub(crate) fn add(&mut self, weekday: usize, hour: u8) {
        self.0[weekday] |= 1 << hour;
    }
}

/// When to switch on and off. Where both fire in the same hour, on wins: Custodian doesn't say which
/// policy runs first, and a running environment cuts off nobody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Events {
    pub(crate) on: Hours,
    pub(crate) off: Hours,
    /// Local dates on which neither fires.
    pub(crate) skip: BTreeSet<Date>,
    pub(crate) zone: Zone,
}

/// The last event before or at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastEvent {
    pub(crate) to: State,
    /// Seconds since 1970.
    pub(crate) at: i64,
}

impl Events {
    /// What the last event at or before `at` (seconds since 1970) said. On a holiday nothing is
    /// switched on; `None` if there is no event in a month.
    pub(crate) fn last(&self, at: i64, calendar: &Calendar) -> Option<LastEvent> {
        let mut era = self.zone.era(at);
        let mut hour = (at + era.offset).div_euclid(HOUR_SECONDS);
        for _ in 0..LOOKBACK_DAYS + self.skip.len() {
            let day = hour.div_euclid(24);
            // The hour in which this stretch begins counts: some of it was on the clocks.
            let first = era.from.saturating_add(era.offset).div_euclid(HOUR_SECONDS);
            let fired = self.on_day(day, calendar)
                & up_to(hour.rem_euclid(24))
                & !up_to((first - day * 24 - 1).clamp(-1, 23));
            if fired != 0 {
                let fired = i64::from(fired.ilog2());
                return Some(self.event(day, fired, &era, calendar));
            }
            if day * 24 > first {
                hour = day * 24 - 1;
            } else {
                let before = era.from - 1;
                era = self.zone.era(before);
                hour = (before + era.offset).div_euclid(HOUR_SECONDS);
            }
        }
        None
    }

    fn event(&self, day: i64, hour: i64, era: &Era, calendar: &Calendar) -> LastEvent {
        let on = self.switched_on(day, calendar) >> hour & 1 == 1;
        LastEvent {
            to: if on { State::On } else { State::Off },
            at: ((day * 24 + hour) * HOUR_SECONDS - era.offset).max(era.from),
        }
    }

    /// An instant after `at` at which to look again; no event lies between.
    pub(crate) fn recheck_at(&self, at: i64) -> i64 {
        let era = self.zone.era(at);
        let mut hour = (at + era.offset).div_euclid(HOUR_SECONDS) + 1;
        for _ in 0..8 {
            let day = hour.div_euclid(24);
            let fires = (self.on.0[weekday(day)] | self.off.0[weekday(day)])
                & !up_to(hour.rem_euclid(24) - 1);
            if fires != 0 {
                hour = day * 24 + i64::from(fires.trailing_zeros());
                break;
            }
            hour = (day + 1) * 24;
        }
        (hour * HOUR_SECONDS - era.offset).min(era.until)
    }

    /// The hours of a day that switch something, in either direction.
    fn on_day(&self, day: i64, calendar: &Calendar) -> u32 {
        self.switched_on(day, calendar)
            | if self.skips(day) {
                0
            } else {
                self.off.0[weekday(day)]
            }
    }

    fn skips(&self, day: i64) -> bool {
        !self.skip.is_empty() && date(day).is_some_and(|date| self.skip.contains(&date))
    }

    fn switched_on(&self, day: i64, calendar: &Calendar) -> u32 {
        let holiday =
            !calendar.is_empty() && date(day).is_some_and(|date| calendar.is_holiday(date));
        if holiday || self.skips(day) {
            0
        } else {
            self.on.0[weekday(day)]
        }
    }
}

/// The hours 0 to `hour`, as bits; none for -1.
fn up_to(hour: i64) -> u32 {
    (1_u32 << (hour + 1)) - 1
}

/// `day`: days since 1970-01-01, a Thursday.
fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).expect("below 7")
}

fn date(day: i64) -> Option<Date> {
    let epoch = Date::constant(1970, 1, 1);
    epoch
        .checked_add(jiff::Span::new().try_days(day).ok()?)
        .ok()
}
