//! What windows mean where the clocks change: each case as the edges that it has around the change, in
//! local time with its offset.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan};
use schedule::{Calendar, Edge, Overrides, Schedule, custodian, desired_state, next_edge};

/// The edges of each window between two local midnights, and the state before the first.
fn edges(zone: &str, from: &str, until: &str, windows: &[&str]) -> String {
    let tz = TimeZoneDatabase::bundled().get(zone).expect("a zone");
    let midnight = |date: &str| {
        let date: Date = date.parse().expect("a date");
        date.to_zoned(tz.clone()).expect("an instant").timestamp()
    };
    let mut log = String::new();
    for window in windows {
        let schedule = Schedule::parse(&format!("{window} {zone}"), None).expect("a schedule");
        let (calendar, overrides) = (Calendar::none(), Overrides::default());
        let state = |at| desired_state(&schedule, &calendar, &overrides, at).state;
        let mut at = midnight(from) - 1.nanosecond();
        write!(log, "{window}: {}", state(at)).expect("a text");
        while let Some(edge) = next_edge(&schedule, &calendar, &overrides, at) {
            if edge.at > midnight(until) {
                break;
            }
            assert_eq!(state(edge.at), edge.to, "the edge is the first instant");
            assert_ne!(
                state(edge.at - 1.nanosecond()),
                edge.to,
                "and none before it"
            );
            let local = edge
                .at
                .to_zoned(tz.clone())
                .strftime("%a %H:%M %:z")
                .to_string();
            write!(log, ", {local} {}", edge.to).expect("a text");
            at = edge.at;
        }
        log.push('\n');
    }
    log
}

const AT_TWO: [&str; 8] = [
    "Sun 02:30-08:00",
    "Sun 02:00-08:00",
    "Sat 22:00-02:30",
    "Sun 00:00-02:00",
    "Sun 00:00-03:00",
    "Sun 02:15-02:45",
    "Sun 01:00-05:00",
    "Sat-Sun 00:00-24:00",
];

#[test]
fn berlin_in_spring_and_autumn() {
    insta::assert_snapshot!(edges("Europe/Berlin", "2026-03-29", "2026-03-30", &AT_TWO), @r"
    Sun 02:30-08:00: off, Sun 03:00 +02:00 on, Sun 08:00 +02:00 off
    Sun 02:00-08:00: off, Sun 03:00 +02:00 on, Sun 08:00 +02:00 off
    Sat 22:00-02:30: on, Sun 03:00 +02:00 off
    Sun 00:00-02:00: off, Sun 00:00 +01:00 on, Sun 03:00 +02:00 off
    Sun 00:00-03:00: off, Sun 00:00 +01:00 on, Sun 03:00 +02:00 off
    Sun 02:15-02:45: off
    Sun 01:00-05:00: off, Sun 01:00 +01:00 on, Sun 05:00 +02:00 off
    Sat-Sun 00:00-24:00: on, Mon 00:00 +02:00 off
    ");
    insta::assert_snapshot!(edges("Europe/Berlin", "2026-10-25", "2026-10-26", &AT_TWO), @r"
    Sun 02:30-08:00: off, Sun 02:30 +02:00 on, Sun 08:00 +01:00 off
    Sun 02:00-08:00: off, Sun 02:00 +02:00 on, Sun 08:00 +01:00 off
    Sat 22:00-02:30: on, Sun 02:30 +01:00 off
    Sun 00:00-02:00: off, Sun 00:00 +02:00 on, Sun 02:00 +01:00 off
    Sun 00:00-03:00: off, Sun 00:00 +02:00 on, Sun 03:00 +01:00 off
    Sun 02:15-02:45: off, Sun 02:15 +02:00 on, Sun 02:45 +01:00 off
    Sun 01:00-05:00: off, Sun 01:00 +02:00 on, Sun 05:00 +01:00 off
    Sat-Sun 00:00-24:00: on, Mon 00:00 +01:00 off
    ");
}

#[test]
fn new_york_in_spring_and_autumn() {
    insta::assert_snapshot!(edges("America/New_York", "2026-03-08", "2026-03-09", &AT_TWO), @r"
    Sun 02:30-08:00: off, Sun 03:00 -04:00 on, Sun 08:00 -04:00 off
    Sun 02:00-08:00: off, Sun 03:00 -04:00 on, Sun 08:00 -04:00 off
    Sat 22:00-02:30: on, Sun 03:00 -04:00 off
    Sun 00:00-02:00: off, Sun 00:00 -05:00 on, Sun 03:00 -04:00 off
    Sun 00:00-03:00: off, Sun 00:00 -05:00 on, Sun 03:00 -04:00 off
    Sun 02:15-02:45: off
    Sun 01:00-05:00: off, Sun 01:00 -05:00 on, Sun 05:00 -04:00 off
    Sat-Sun 00:00-24:00: on, Mon 00:00 -04:00 off
    ");
    let at_one = [
        "Sun 01:30-08:00",
        "Sun 01:00-08:00",
        "Sat 22:00-01:30",
        "Sun 00:00-01:00",
        "Sun 00:00-02:00",
        "Sun 01:15-01:45",
    ];
    insta::assert_snapshot!(edges("America/New_York", "2026-11-01", "2026-11-02", &at_one), @r"
    Sun 01:30-08:00: off, Sun 01:30 -04:00 on, Sun 08:00 -05:00 off
    Sun 01:00-08:00: off, Sun 01:00 -04:00 on, Sun 08:00 -05:00 off
    Sat 22:00-01:30: on, Sun 01:30 -05:00 off
    Sun 00:00-01:00: off, Sun 00:00 -04:00 on, Sun 01:00 -05:00 off
    Sun 00:00-02:00: off, Sun 00:00 -04:00 on, Sun 02:00 -05:00 off
    Sun 01:15-01:45: off, Sun 01:15 -04:00 on, Sun 01:45 -05:00 off
    ");
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    let gap = [
        "Sun 02:15-08:00",
        "Sat 22:00-02:15",
        "Sun 02:05-02:25",
        "Sun 02:15-02:45",
        "Sun 01:00-03:00",
    ];
    insta::assert_snapshot!(edges("Australia/Lord_Howe", "2026-10-04", "2026-10-05", &gap), @r"
    Sun 02:15-08:00: off, Sun 02:30 +11:00 on, Sun 08:00 +11:00 off
    Sat 22:00-02:15: on, Sun 02:30 +11:00 off
    Sun 02:05-02:25: off
    Sun 02:15-02:45: off, Sun 02:30 +11:00 on, Sun 02:45 +11:00 off
    Sun 01:00-03:00: off, Sun 01:00 +10:30 on, Sun 03:00 +11:00 off
    ");
    let fold = [
        "Sun 01:45-08:00",
        "Sat 22:00-01:45",
        "Sun 01:35-01:55",
        "Sun 01:15-01:45",
        "Sun 01:00-03:00",
    ];
    insta::assert_snapshot!(edges("Australia/Lord_Howe", "2026-04-05", "2026-04-06", &fold), @r"
    Sun 01:45-08:00: off, Sun 01:45 +11:00 on, Sun 08:00 +10:30 off
    Sat 22:00-01:45: on, Sun 01:45 +10:30 off
    Sun 01:35-01:55: off, Sun 01:35 +11:00 on, Sun 01:55 +10:30 off
    Sun 01:15-01:45: off, Sun 01:15 +11:00 on, Sun 01:45 +10:30 off
    Sun 01:00-03:00: off, Sun 01:00 +11:00 on, Sun 03:00 +10:30 off
    ");
}

#[test]
fn kathmandu_never_changes() {
    let windows = ["Sun 02:30-08:00", "Sat 22:00-02:30", "Sun 00:00-24:00"];
    insta::assert_snapshot!(edges("Asia/Kathmandu", "2026-03-29", "2026-03-30", &windows), @r"
    Sun 02:30-08:00: off, Sun 02:30 +05:45 on, Sun 08:00 +05:45 off
    Sat 22:00-02:30: on, Sun 02:30 +05:45 off
    Sun 00:00-24:00: off, Sun 00:00 +05:45 on, Mon 00:00 +05:45 off
    ");
    insta::assert_snapshot!(edges("Asia/Kathmandu", "2026-10-25", "2026-10-26", &windows), @r"
    Sun 02:30-08:00: off, Sun 02:30 +05:45 on, Sun 08:00 +05:45 off
    Sat 22:00-02:30: on, Sun 02:30 +05:45 off
    Sun 00:00-24:00: off, Sun 00:00 +05:45 on, Mon 00:00 +05:45 off
    ");
}

#[test]
fn sao_paulo_changed_at_midnight_and_does_no_more() {
    let windows = [
        "Sat 20:00-24:00",
        "Sun 00:00-06:00",
        "Sun 00:30-06:00",
        "Sat 20:00-00:30",
        "Sat 23:15-23:45",
        "Sun 00:15-00:45",
    ];
    insta::assert_snapshot!(edges("America/Sao_Paulo", "2018-11-03", "2018-11-05", &windows), @r"
    Sat 20:00-24:00: off, Sat 20:00 -03:00 on, Sun 01:00 -02:00 off
    Sun 00:00-06:00: off, Sun 01:00 -02:00 on, Sun 06:00 -02:00 off
    Sun 00:30-06:00: off, Sun 01:00 -02:00 on, Sun 06:00 -02:00 off
    Sat 20:00-00:30: off, Sat 20:00 -03:00 on, Sun 01:00 -02:00 off
    Sat 23:15-23:45: off, Sat 23:15 -03:00 on, Sat 23:45 -03:00 off
    Sun 00:15-00:45: off
    ");
    insta::assert_snapshot!(edges("America/Sao_Paulo", "2018-02-17", "2018-02-19", &windows), @r"
    Sat 20:00-24:00: off, Sat 20:00 -02:00 on, Sun 00:00 -03:00 off
    Sun 00:00-06:00: off, Sun 00:00 -03:00 on, Sun 06:00 -03:00 off
    Sun 00:30-06:00: off, Sun 00:30 -03:00 on, Sun 06:00 -03:00 off
    Sat 20:00-00:30: off, Sat 20:00 -02:00 on, Sun 00:30 -03:00 off
    Sat 23:15-23:45: off, Sat 23:15 -02:00 on, Sat 23:45 -03:00 off
    Sun 00:15-00:45: off, Sun 00:15 -03:00 on, Sun 00:45 -03:00 off
    ");
    insta::assert_snapshot!(edges("America/Sao_Paulo", "2026-11-01", "2026-11-02", &windows[..3]), @r"
    Sat 20:00-24:00: on, Sun 00:00 -03:00 off
    Sun 00:00-06:00: off, Sun 00:00 -03:00 on, Sun 06:00 -03:00 off
    Sun 00:30-06:00: off, Sun 00:30 -03:00 on, Sun 06:00 -03:00 off
    ");
}

#[test]
fn the_clocks_may_go_back_over_midnight() {
    // At 00:01 on Sunday it was 23:01 on Saturday again.
    let windows = [
        "Sat 20:00-23:30",
        "Sat 20:00-24:00",
        "Sun 00:00-06:00",
        "Fri 23:45-23:30",
    ];
    insta::assert_snapshot!(edges("America/St_Johns", "2010-11-06", "2010-11-08", &windows), @r"
    Sat 20:00-23:30: off, Sat 20:00 -02:30 on, Sat 23:30 -03:30 off
    Sat 20:00-24:00: off, Sat 20:00 -02:30 on, Sun 00:00 -03:30 off
    Sun 00:00-06:00: off, Sun 00:00 -02:30 on, Sun 06:00 -03:30 off
    Fri 23:45-23:30: on, Sat 23:30 -03:30 off
    ");
}

#[test]
fn a_whole_day_may_be_skipped() {
    // There was no Friday, 30 December 2011 in Samoa.
    let windows = [
        "Thu 20:00-06:00",
        "Fri 09:00-17:00",
        "Sat 09:00-17:00",
        "Fri 20:00-06:00",
    ];
    insta::assert_snapshot!(edges("Pacific/Apia", "2011-12-29", "2012-01-01", &windows), @r"
    Thu 20:00-06:00: off, Thu 20:00 -10:00 on, Sat 00:00 +14:00 off
    Fri 09:00-17:00: off
    Sat 09:00-17:00: off, Sat 09:00 +14:00 on, Sat 17:00 +14:00 off
    Fri 20:00-06:00: off, Sat 00:00 +14:00 on, Sat 06:00 +14:00 off
    ");
}

#[test]
fn an_hour_that_custodian_never_sees_fires_nothing() {
    let tz = TimeZoneDatabase::bundled()
        .get("America/New_York")
        .expect("a zone");
    let edges = |value: &str, from: &str, number: usize| -> String {
        let schedule =
            custodian::parse(value, &custodian::Policy::default(), None).expect("a schedule");
        let at: Timestamp = from.parse().expect("an instant");
        let (calendar, overrides) = (Calendar::none(), Overrides::default());
        let next = |at| next_edge(&schedule, &calendar, &overrides, at);
        let log = |edge: Edge| {
            let local = edge.at.to_zoned(tz.clone()).strftime("%m-%d %a %H:%M %:z");
            format!("{local} {}", edge.to)
        };
        let edges = std::iter::successors(next(at), |edge| next(edge.at));
        edges.take(number).map(log).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(edges("off=(u,2);on=(u,5)", "2026-03-01T12:00:00Z", 3), @r"
    03-15 Sun 02:00 -04:00 off
    03-15 Sun 05:00 -04:00 on
    03-22 Sun 02:00 -04:00 off
    ");
    insta::assert_snapshot!(edges("off=(u,1);on=(u,5)", "2026-11-01T00:00:00Z", 2), @r"
    11-01 Sun 01:00 -04:00 off
    11-01 Sun 05:00 -05:00 on
    ");
}
