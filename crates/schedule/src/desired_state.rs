//! On or off at an instant, why, and when that changes: the pure heart of the crate.
//!
//! [`next_edge`] asks [`desired_state`] itself at every instant at which anything could change, so the two
//! can't disagree.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::schedule::{Part, Rule, Rules};
use crate::window::{DAY_SECONDS, WindowState};
use crate::zone::{second, timestamp};
use crate::{Calendar, Schedule, State};

/// How far after the last holiday, range and override a change is looked for: what repeats every week
/// and hasn't changed in four of them, a clock change included, never will.
const FOUR_WEEKS_SECONDS: i64 = 28 * DAY_SECONDS;
/// How many starts and ends are checked for a change. A schedule that has so many and never changes is on for ten years of
/// consecutive days; each check takes time.
const MAX_CHECKS: usize = 4_000;

/// What people asked for in the meantime. Each ends by itself at its instant, which it doesn't include.
/// Where several hold, the first in this order decides: force down, keep up, snooze.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Off until then, whatever the schedule says.
    pub force_down_until: Option<Timestamp>,
    /// On until then, whatever the schedule says.
    pub keep_up_until: Option<Timestamp>,
    /// Somebody has put off the sleep until then.
    pub snoozed_until: Option<Timestamp>,
}

/// On or off, and the rule that decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<'a> {
    /// The state.
    pub state: State,
    /// What decided.
    pub why: StateReason<'a>,
}

/// What decided.
#[derive(Clone, Debug, PartialEq)]
pub enum StateReason<'a> {
    /// [`Overrides::force_down_until`].
    ForcedDown(Timestamp),
    /// [`Overrides::keep_up_until`].
    KeptUp(Timestamp),
    /// [`Overrides::snoozed_until`].
    Snoozed(Timestamp),
    /// On by this window, range or `always`; off by a `never` that stands alone.
    Part(&'a Part),
    /// Off: the window would have begun on a holiday.
    Holiday {
        /// The date, in the window's zone.
        date: Date,
        /// The holiday's name; may be empty.
        name: &'a str,
        /// What doesn't start.
        part: &'a Part,
    },
    /// Off: within no window and no range.
    Outside,
    /// The last event, of a Custodian value.
    Event {
        /// What it switched to.
        to: State,
        /// When.
        at: Timestamp,
        /// The zone whose hours count.
        zone: &'a str,
    },
    /// On: a Custodian value of which no event has happened yet, so that nothing was ever switched off.
    NoEvent,
}

impl fmt::Display for StateReason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForcedDown(until) => write!(f, "forced down until {until}"),
            Self::KeptUp(until) => write!(f, "kept up until {until}"),
            Self::Snoozed(until) => write!(f, "snoozed until {until}"),
            Self::Part(part) => write!(f, "by {part}"),
            Self::Holiday { date, name, part } => {
                write!(f, "{date} is a holiday")?;
                if !name.is_empty() {
                    write!(f, " ({name})")?;
                }
                write!(f, ", so {part} doesn't start")
            }
            Self::Outside => f.write_str("outside all windows"),
            Self::Event { to, at, zone } => {
                write!(f, "switched {to} at {at} by the hour in {zone}")
            }
            Self::NoEvent => f.write_str("no event has happened yet"),
        }
    }
}

/// The instant at which the state changes, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The first instant of the new state.
    pub at: Timestamp,
    /// The new state.
    pub to: State,
}

/// Whether it is to run at an instant, and by which rule.
pub fn desired_state<'a>(
    schedule: &'a Schedule,
    calendar: &'a Calendar,
    overrides: &Overrides,
    at: Timestamp,
) -> Decision<'a> {
    let holds = |until: Option<Timestamp>| until.filter(|until| at < *until);
    let (state, why) = if let Some(until) = holds(overrides.force_down_until) {
        (State::Off, StateReason::ForcedDown(until))
    } else if let Some(until) = holds(overrides.keep_up_until) {
        (State::On, StateReason::KeptUp(until))
    } else if let Some(until) = holds(overrides.snoozed_until) {
        (State::On, StateReason::Snoozed(until))
    } else {
        by_schedule(&schedule.rules, calendar, second(at))
    };
    Decision { state, why }
}

/// The first instant after `at` at which [`desired_state`] says something else; `None` if it never does, as far
/// as `MAX_CHECKS` of its starts and ends go.
pub fn next_edge(
    schedule: &Schedule,
    calendar: &Calendar,
    overrides: &Overrides,
    at: Timestamp,
) -> Option<Edge> {
    let now = desired_state(schedule, calendar, overrides, at).state;
    let end = horizon(&schedule.rules, calendar, overrides, at);
    let mut looked = at;
    for _ in 0..MAX_CHECKS {
        looked = recheck_at(&schedule.rules, overrides, looked).filter(|next| *next <= end)?;
        let to = desired_state(schedule, calendar, overrides, looked).state;
        if to != now {
            return Some(Edge { at: looked, to });
        }
    }
    None
}

impl Schedule {
    /// Whether it is on at an instant, without holidays and overrides.
    pub fn is_on(&self, at: Timestamp) -> bool {
        self.plainly(at).state == State::On
    }

    /// The first instant, `at` or later, at which it is on; `None` if it never is again.
    pub fn next_on(&self, at: Timestamp) -> Option<Timestamp> {
        first_on(self, at)
    }

    fn plainly(&self, at: Timestamp) -> Decision<'_> {
        static NO_HOLIDAYS: Calendar = Calendar::none();
        desired_state(self, &NO_HOLIDAYS, &Overrides::default(), at)
    }
}

pub(crate) fn first_on(schedule: &Schedule, at: Timestamp) -> Option<Timestamp> {
    if schedule.is_on(at) {
        return Some(at);
    }
    next_edge(schedule, &Calendar::none(), &Overrides::default(), at).map(|edge| edge.at)
}

fn by_schedule<'a>(rules: &'a Rules, calendar: &'a Calendar, at: i64) -> (State, StateReason<'a>) {
    match rules {
        Rules::Parts(parts) => by_parts(parts, calendar, at),
        Rules::Events(events) => match events.last(at, calendar) {
            Some(last) => {
                let why = StateReason::Event {
                    to: last.to,
                    at: timestamp(last.at),
                    zone: events.zone.name(),
                };
                (last.to, why)
            }
            None => (State::On, StateReason::NoEvent),
        },
    }
}

fn by_parts<'a>(parts: &'a [Part], calendar: &'a Calendar, at: i64) -> (State, StateReason<'a>) {
    let mut off = StateReason::Outside;
    for part in parts {
        let on = match &part.rule {
            Rule::Always => true,
            Rule::Never => {
                if parts.len() == 1 {
                    off = StateReason::Part(part);
                }
                false
            }
            Rule::Range(range) => range.holds(at),
            Rule::Window(window) => match window.says(at, calendar) {
                WindowState::On => true,
                WindowState::Nothing => false,
                WindowState::Holiday(date) => {
                    let name = calendar.name(date).unwrap_or_default();
                    off = StateReason::Holiday { date, name, part };
                    false
                }
            },
        };
        if on {
            return (State::On, StateReason::Part(part));
        }
    }
    (State::Off, off)
}

/// An instant after `at` at which the state may differ; it is the same at all instants between.
fn recheck_at(rules: &Rules, overrides: &Overrides, at: Timestamp) -> Option<Timestamp> {
    let now = second(at);
    let by_schedule = match rules {
        Rules::Events(events) => Some(events.recheck_at(now)),
        // On throughout: nothing that begins or ends meanwhile changes that.
        Rules::Parts(parts) if parts.iter().any(|part| part.rule == Rule::Always) => None,
        Rules::Parts(parts) if held_until(parts, now).is_some() => held_until(parts, now),
        Rules::Parts(parts) => parts
            .iter()
            .filter_map(|part| match &part.rule {
                Rule::Always | Rule::Never => None,
                Rule::Window(window) => Some(window.recheck_at(now)),
                Rule::Range(range) => range.recheck_at(now),
            })
            .min(),
    };
    let by_people = overrides.ends().filter(|until| *until > at).min();
    by_schedule
        .map(timestamp)
        .into_iter()
        .chain(by_people)
        .min()
        .filter(|next| *next > at)
}

/// The end of the longest of the ranges that hold now.
fn held_until(parts: &[Part], now: i64) -> Option<i64> {
    let ranges = parts.iter().filter_map(|part| match &part.rule {
        Rule::Range(range) if range.holds(now) => Some(range.until),
        _ => None,
    });
    ranges.max()
}

/// After this there is nothing left but what repeats every week.
fn horizon(rules: &Rules, calendar: &Calendar, overrides: &Overrides, at: Timestamp) -> Timestamp {
    let mut last = second(at);
    if let Rules::Parts(parts) = rules {
        for part in parts {
            if let Rule::Range(range) = &part.rule {
                last = last.max(range.until);
            }
        }
    }
    last = overrides.ends().map(second).fold(last, i64::max);
    // In whichever zone: a date is over two days after it began in UTC.
    let skipped = match rules {
        Rules::Events(events) => events.skip.last().copied(),
        Rules::Parts(_) => None,
    };
    let holiday = calendar.last().max(skipped).and_then(|date| {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(midnight.timestamp().as_second() + 2 * DAY_SECONDS)
    });
    let last = holiday.map_or(last, |holiday| last.max(holiday));
    timestamp(last.saturating_add(FOUR_WEEKS_SECONDS))
}

impl Overrides {
    fn ends(&self) -> impl Iterator<Item = Timestamp> {
        [
            self.force_down_until,
            self.keep_up_until,
            self.snoozed_until,
        ]
        .into_iter()
        .flatten()
    }
}
