//! What a service's schedule wants of it at an instant, with the edges on both sides.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schedule::{Calendar, Edge, Overrides, Schedule, State, StateReason, desired_state, next_edge};

/// How far back the last edge is looked for, in days: first where it mostly is.
const LOOKBACK_DAYS: [i64; 3] = [2, 8, 60];

/// What is wanted, by which rule, since when and until when.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleState {
    /// What is wanted.
    pub state: State,
    /// The rule, in words.
    pub rule: Arc<str>,
    /// Whether somebody has asked for it to be down: then a manual start does not stick.
    pub forced: bool,
    /// Whether it is on only because somebody asked for that: the schedule itself says off.
    pub asked: bool,
    /// When this began; none if it did so long ago, or at no instant that can be known.
    pub last_edge: Option<Timestamp>,
    /// The last edge of the schedule itself, whatever people asked for.
    pub own_edge: Option<Timestamp>,
    /// When it ends.
    pub next_edge: Option<Edge>,
}

impl ScheduleState {
    /// Evaluates a schedule.
    pub fn of(
        schedule: &Schedule,
        calendar: &Calendar,
        overrides: &Overrides,
        now: Timestamp,
    ) -> Self {
        let decision = desired_state(schedule, calendar, overrides, now);
        let last = last_edge(schedule, calendar, overrides, now);
        let none = Overrides::default();
        let (own, own_edge) = if *overrides == none {
            (decision.state, last)
        } else {
            (
                desired_state(schedule, calendar, &none, now).state,
                last_edge(schedule, calendar, &none, now),
            )
        };
        Self {
            state: decision.state,
            rule: decision.why.to_string().into(),
            forced: matches!(decision.why, StateReason::ForcedDown(_)),
            asked: decision.state == State::On && own == State::Off,
            last_edge: last,
            own_edge,
            next_edge: next_edge(schedule, calendar, overrides, now),
        }
    }

    /// What is wanted of a service that we put to sleep and that no longer has a schedule: what it had.
    pub(crate) fn released(why: &str) -> Self {
        Self {
            state: State::On,
            rule: format!("{why}, so what it had is restored").into(),
            forced: false,
            asked: false,
            last_edge: None,
            own_edge: None,
            next_edge: None,
        }
    }

    /// Whether an edge has passed since then.
    pub fn has_changed_since(&self, at: Timestamp) -> bool {
        self.last_edge.is_some_and(|edge| edge > at)
    }
}

fn last_edge(
    schedule: &Schedule,
    calendar: &Calendar,
    overrides: &Overrides,
    now: Timestamp,
) -> Option<Timestamp> {
    LOOKBACK_DAYS.into_iter().find_map(|days| {
        let mut at = now
            .checked_sub(SignedDuration::from_hours(24 * days))
            .ok()?;
        let mut last = None;
        while let Some(edge) = next_edge(schedule, calendar, overrides, at)
            && edge.at <= now
        {
            at = edge.at;
            last = Some(edge.at);
        }
        last
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(text: &str, now: &str, overrides: &Overrides) -> ScheduleState {
        let schedule = Schedule::parse(text, Some("UTC")).unwrap();
        ScheduleState::of(&schedule, &Calendar::none(), overrides, at(now))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_edges_on_both_sides() {
        let office = "Mon-Fri 09:00-22:00 UTC";
        // A Saturday.
        let night = state_of(office, "2026-11-21T12:00:00Z", &Overrides::default());
        assert_eq!(night.state, State::Off);
        assert_eq!(night.last_edge, Some(at("2026-11-20T22:00:00Z")));
        assert_eq!(night.next_edge.unwrap().at, at("2026-11-23T09:00:00Z"));
        assert!(night.has_changed_since(at("2026-11-20T21:59:59Z")));
        assert!(!night.has_changed_since(at("2026-11-20T22:00:00Z")));
        let always = state_of("always", "2026-11-21T12:00:00Z", &Overrides::default());
        assert_eq!((always.last_edge, always.next_edge), (None, None));
    }

    #[test]
    fn an_override_that_has_ended_is_an_edge() {
        let overrides = Overrides {
            keep_up_until: Some(at("2026-11-21T02:00:00Z")),
            ..Overrides::default()
        };
        let later = state_of(
            "Mon-Fri 09:00-22:00 UTC",
            "2026-11-21T02:05:00Z",
            &overrides,
        );
        assert_eq!(later.last_edge, Some(at("2026-11-21T02:00:00Z")));
        let forced = Overrides {
            force_down_until: Some(at("2026-11-23T18:00:00Z")),
            ..Overrides::default()
        };
        let now = state_of("Mon-Fri 09:00-22:00 UTC", "2026-11-23T12:00:00Z", &forced);
        assert_eq!(
            (now.state, now.forced, now.last_edge),
            (State::Off, true, None)
        );
    }
}
