//! Windows that start, end or lie where the clocks change, as instants in UTC. Each was worked out by hand from
//! the offsets of the place; none comes from the code that is tested.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use jiff::{SignedDuration, Timestamp};
use schedule::{Calendar, Overrides, Schedule, State, desired_state, next_edge};

/// A window, and the one stretch in which it is on around the change.
struct Case {
    zone: &'static str,
    window: &'static str,
    on: &'static str,
    off: &'static str,
}

const fn case(
    zone: &'static str,
    window: &'static str,
    on: &'static str,
    off: &'static str,
) -> Case {
    Case {
        zone,
        window,
        on,
        off,
    }
}

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";
const LORD_HOWE: &str = "Australia/Lord_Howe";
const KATHMANDU: &str = "Asia/Kathmandu";
const SAO_PAULO: &str = "America/Sao_Paulo";

/// First what starts there, then what ends there, then what lies inside; a window within a gap is below.
#[rustfmt::skip]
const CASES: [Case; 24] = [
    // 2026-03-29 01:00Z: 02:00 +01:00 becomes 03:00 +02:00.
    case(BERLIN, "Sun 02:30-08:00", "2026-03-29T01:00:00Z", "2026-03-29T06:00:00Z"),
    case(BERLIN, "Sat 22:00-02:30", "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z"),
    // 2026-10-25 01:00Z: 03:00 +02:00 becomes 02:00 +01:00.
    case(BERLIN, "Sun 02:30-08:00", "2026-10-25T00:30:00Z", "2026-10-25T07:00:00Z"),
    case(BERLIN, "Sat 22:00-02:30", "2026-10-24T20:00:00Z", "2026-10-25T01:30:00Z"),
    case(BERLIN, "Sun 02:15-02:45", "2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z"),
    // 2026-03-08 07:00Z: 02:00 -05:00 becomes 03:00 -04:00.
    case(NEW_YORK, "Sun 02:30-08:00", "2026-03-08T07:00:00Z", "2026-03-08T12:00:00Z"),
    case(NEW_YORK, "Sat 22:00-02:30", "2026-03-08T03:00:00Z", "2026-03-08T07:00:00Z"),
    // 2026-11-01 06:00Z: 02:00 -04:00 becomes 01:00 -05:00.
    case(NEW_YORK, "Sun 01:30-08:00", "2026-11-01T05:30:00Z", "2026-11-01T13:00:00Z"),
    case(NEW_YORK, "Sat 22:00-01:30", "2026-11-01T02:00:00Z", "2026-11-01T06:30:00Z"),
    case(NEW_YORK, "Sun 01:15-01:45", "2026-11-01T05:15:00Z", "2026-11-01T06:45:00Z"),
    // 2026-10-03 15:30Z: 02:00 +10:30 becomes 02:30 +11:00, half an hour only.
    case(LORD_HOWE, "Sun 02:15-08:00", "2026-10-03T15:30:00Z", "2026-10-03T21:00:00Z"),
    case(LORD_HOWE, "Sat 22:00-02:15", "2026-10-03T11:30:00Z", "2026-10-03T15:30:00Z"),
    // 2026-04-04 15:00Z: 02:00 +11:00 becomes 01:30 +10:30.
    case(LORD_HOWE, "Sun 01:45-08:00", "2026-04-04T14:45:00Z", "2026-04-04T21:30:00Z"),
    case(LORD_HOWE, "Sat 22:00-01:45", "2026-04-04T11:00:00Z", "2026-04-04T15:15:00Z"),
    case(LORD_HOWE, "Sun 01:35-01:55", "2026-04-04T14:35:00Z", "2026-04-04T15:25:00Z"),
    // 2018-11-04 03:00Z: 00:00 -03:00 becomes 01:00 -02:00.
    case(SAO_PAULO, "Sun 00:30-06:00", "2018-11-04T03:00:00Z", "2018-11-04T08:00:00Z"),
    case(SAO_PAULO, "Sat 20:00-00:30", "2018-11-03T23:00:00Z", "2018-11-04T03:00:00Z"),
    // 2018-02-18 02:00Z: 00:00 -02:00 becomes 23:00 -03:00 on Saturday again.
    case(SAO_PAULO, "Sat 23:30-04:00", "2018-02-18T01:30:00Z", "2018-02-18T07:00:00Z"),
    case(SAO_PAULO, "Sat 20:00-23:30", "2018-02-17T22:00:00Z", "2018-02-18T02:30:00Z"),
    case(SAO_PAULO, "Sat 23:15-23:45", "2018-02-18T01:15:00Z", "2018-02-18T02:45:00Z"),
    // Abolished in 2019: -03:00 in the weeks in which the clocks would have changed.
    case(SAO_PAULO, "Sun 00:30-06:00", "2026-11-01T03:30:00Z", "2026-11-01T09:00:00Z"),
    case(SAO_PAULO, "Sat 23:15-23:45", "2026-02-22T02:15:00Z", "2026-02-22T02:45:00Z"),
    // Never changes: +05:45.
    case(KATHMANDU, "Sun 02:30-08:00", "2026-03-28T20:45:00Z", "2026-03-29T02:15:00Z"),
    case(KATHMANDU, "Sat 22:00-02:30", "2026-10-24T16:15:00Z", "2026-10-24T20:45:00Z"),
];

/// Windows within a gap, and the instant of the gap.
const NEVER_ON: [(&str, &str, &str); 5] = [
    (BERLIN, "Sun 02:15-02:45", "2026-03-29T01:00:00Z"),
    (BERLIN, "Sun 02:00-03:00", "2026-03-29T01:00:00Z"),
    (NEW_YORK, "Sun 02:15-02:45", "2026-03-08T07:00:00Z"),
    (LORD_HOWE, "Sun 02:05-02:25", "2026-10-03T15:30:00Z"),
    (SAO_PAULO, "Sun 00:15-00:45", "2018-11-04T03:00:00Z"),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(zone: &str, window: &str) -> Schedule {
    Schedule::parse(&format!("{window} {zone}"), None).unwrap()
}

fn state(schedule: &Schedule, at: Timestamp) -> State {
    desired_state(schedule, &Calendar::none(), &Overrides::default(), at).state
}

fn edge(schedule: &Schedule, at: Timestamp) -> (Timestamp, State) {
    let edge = next_edge(schedule, &Calendar::none(), &Overrides::default(), at).unwrap();
    (edge.at, edge.to)
}

#[test]
fn each_window_is_on_exactly_then() {
    let (second, minute) = (SignedDuration::from_secs(1), SignedDuration::from_mins(1));
    for Case {
        zone,
        window,
        on,
        off,
    } in CASES
    {
        let (one, on, off) = (schedule(zone, window), at(on), at(off));
        let label = format!("{window} {zone}");
        assert_eq!(state(&one, on - second), State::Off, "{label} before {on}");
        assert_eq!(state(&one, off), State::Off, "{label} at {off}");
        assert_eq!(edge(&one, on - second), (on, State::On), "{label}");
        assert_eq!(edge(&one, on), (off, State::Off), "{label}");
        let mut instant = on;
        while instant < off {
            assert_eq!(state(&one, instant), State::On, "{label} at {instant}");
            instant += minute;
        }
        assert_eq!(state(&one, off - second), State::On, "{label} before {off}");
    }
}

#[test]
fn a_window_within_a_gap_does_not_begin() {
    for (zone, window, gap) in NEVER_ON {
        let (one, gap) = (schedule(zone, window), at(gap));
        for minutes in -120..120 {
            let instant = gap + SignedDuration::from_mins(minutes);
            assert_eq!(
                state(&one, instant),
                State::Off,
                "{window} {zone} at {instant}"
            );
        }
        // It begins a week later, on that day's own clock.
        let (next, to) = edge(&one, gap - SignedDuration::from_hours(2));
        assert_eq!(to, State::On);
        assert_eq!(
            next.duration_since(gap).as_hours() / 24,
            6,
            "{window} {zone}: {next}"
        );
    }
}
