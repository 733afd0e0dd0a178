//! What schedules mean, away from clock changes: windows, names, holidays, overrides, importers, reasons.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use schedule::custodian::{self, DefaultDays, Policy};
use schedule::kube_downscaler::Dialect;
use schedule::{
    Calendar, Context, Overrides, Schedule, Syntax, desired_state, kube_downscaler, next_edge,
};

fn at(instant: &str) -> Timestamp {
    instant.parse().expect("an instant")
}

fn read(text: &str) -> Schedule {
    Schedule::parse(text, None).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// State, reason and next edge at an instant.
fn answer(
    schedule: &Schedule,
    calendar: &Calendar,
    overrides: &Overrides,
    instant: &str,
) -> String {
    let decision = desired_state(schedule, calendar, overrides, at(instant));
    let edge = next_edge(schedule, calendar, overrides, at(instant));
    let edge = edge.map_or("stays so".to_owned(), |edge| {
        format!("{} at {}", edge.to, edge.at)
    });
    format!("{instant}: {}, {}; {edge}\n", decision.state, decision.why)
}

fn plainly(schedule: &Schedule, instants: &[&str]) -> String {
    let plain =
        |instant: &&str| answer(schedule, &Calendar::none(), &Overrides::default(), instant);
    instants.iter().map(plain).collect()
}

#[test]
fn a_window_is_half_open() {
    let office = read("Mon-Fri 09:00-22:00 Europe/London");
    assert_eq!(office.to_string(), "Mon-Fri 09:00-22:00 Europe/London");
    insta::assert_snapshot!(plainly(&office, &[
        "2026-01-05T08:59:59Z",
        "2026-01-05T09:00:00Z",
        "2026-01-05T21:59:59Z",
        "2026-01-05T22:00:00Z",
        "2026-01-10T12:00:00Z",
        "2026-07-06T08:30:00Z",
    ]), @r#"
    2026-01-05T08:59:59Z: off, outside all windows; on at 2026-01-05T09:00:00Z
    2026-01-05T09:00:00Z: on, by "Mon-Fri 09:00-22:00 Europe/London"; off at 2026-01-05T22:00:00Z
    2026-01-05T21:59:59Z: on, by "Mon-Fri 09:00-22:00 Europe/London"; off at 2026-01-05T22:00:00Z
    2026-01-05T22:00:00Z: off, outside all windows; on at 2026-01-06T09:00:00Z
    2026-01-10T12:00:00Z: off, outside all windows; on at 2026-01-12T09:00:00Z
    2026-07-06T08:30:00Z: on, by "Mon-Fri 09:00-22:00 Europe/London"; off at 2026-07-06T21:00:00Z
    "#);
}

#[test]
fn weekdays_wrap_and_a_window_over_midnight_belongs_to_its_first_day() {
    let late = read("sat-mon 20:00-06:00 utc");
    insta::assert_snapshot!(plainly(&late, &[
        "2026-01-10T03:00:00Z",
        "2026-01-10T23:00:00Z",
        "2026-01-13T05:00:00Z",
        "2026-01-13T20:00:00Z",
    ]), @r#"
    2026-01-10T03:00:00Z: off, outside all windows; on at 2026-01-10T20:00:00Z
    2026-01-10T23:00:00Z: on, by "sat-mon 20:00-06:00 UTC"; off at 2026-01-11T06:00:00Z
    2026-01-13T05:00:00Z: on, by "sat-mon 20:00-06:00 UTC"; off at 2026-01-13T06:00:00Z
    2026-01-13T20:00:00Z: off, outside all windows; on at 2026-01-17T20:00:00Z
    "#);
}

#[test]
fn always_never_and_whole_days() {
    let instants = ["2026-01-05T08:59:59Z"];
    insta::assert_snapshot!(plainly(&read("always"), &instants), @r#"2026-01-05T08:59:59Z: on, by "always"; stays so"#);
    insta::assert_snapshot!(plainly(&read("NEVER"), &instants), @r#"2026-01-05T08:59:59Z: off, by "NEVER"; stays so"#);
    insta::assert_snapshot!(plainly(&read("Mon-Sun 00:00-24:00 Europe/Berlin"), &instants), @r#"2026-01-05T08:59:59Z: on, by "Mon-Sun 00:00-24:00 Europe/Berlin"; stays so"#);
    insta::assert_snapshot!(plainly(&read("Mon-Mon 00:00-24:00 UTC"), &instants), @r#"2026-01-05T08:59:59Z: on, by "Mon-Mon 00:00-24:00 UTC"; off at 2026-01-06T00:00:00Z"#);
}

#[test]
fn ranges_and_windows_are_joined() {
    let text = "2026-12-24T00:00:00+01:00-2026-12-24T12:00:00Z + Mon-Fri 13:00-14:00 UTC + never";
    insta::assert_snapshot!(plainly(&read(text), &[
        "2026-12-23T22:59:59Z",
        "2026-12-23T23:00:00Z",
        "2026-12-24T12:00:00Z",
        "2026-12-24T13:30:00Z",
    ]), @r#"
    2026-12-23T22:59:59Z: off, outside all windows; on at 2026-12-23T23:00:00Z
    2026-12-23T23:00:00Z: on, by "2026-12-24T00:00:00+01:00-2026-12-24T12:00:00Z"; off at 2026-12-24T12:00:00Z
    2026-12-24T12:00:00Z: off, outside all windows; on at 2026-12-24T13:00:00Z
    2026-12-24T13:30:00Z: on, by "Mon-Fri 13:00-14:00 UTC"; off at 2026-12-24T14:00:00Z
    "#);
    let far = read("2099-01-01T00:00:00Z-2099-01-02T00:00:00Z");
    insta::assert_snapshot!(plainly(&far, &["2026-01-01T00:00:00Z", "2099-01-02T00:00:00Z"]), @r"
    2026-01-01T00:00:00Z: off, outside all windows; on at 2099-01-01T00:00:00Z
    2099-01-02T00:00:00Z: off, outside all windows; stays so
    ");
}

#[test]
fn configured_schedules_are_named_and_a_zone_may_be_the_default() {
    let named: BTreeMap<String, String> = [
        ("office", "Mon-Fri 09:00-17:00"),
        ("long", "office + Mon-Fri 17:00-22:00 + Sat 10:00-14:00 UTC"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    let context = Context {
        default_zone: Some("europe/berlin"),
        named: Some(&named),
        ..Context::default()
    };
    let schedule = Schedule::parse_as(Syntax::Windows, "long", &context).expect("a schedule");
    assert_eq!(schedule.to_string(), "long");
    insta::assert_snapshot!(plainly(&schedule, &["2026-01-05T08:00:00Z", "2026-01-05T16:00:00Z", "2026-01-10T10:00:00Z"]), @r#"
    2026-01-05T08:00:00Z: on, by "Mon-Fri 09:00-17:00 Europe/Berlin" (office); off at 2026-01-05T21:00:00Z
    2026-01-05T16:00:00Z: on, by "Mon-Fri 17:00-22:00 Europe/Berlin" (long); off at 2026-01-05T21:00:00Z
    2026-01-10T10:00:00Z: on, by "Sat 10:00-14:00 UTC" (long); off at 2026-01-10T14:00:00Z
    "#);
    let plain = Schedule::parse("Mon-Fri 09:00-17:00", Some("Europe/Berlin")).expect("a schedule");
    assert!(plain.is_on(at("2026-01-05T08:00:00Z")));
}

#[test]
fn nothing_starts_on_a_holiday() {
    let calendar = Calendar::from_dates("2026-12-25 Christmas Day\n2026-12-31").expect("two dates");
    let answer =
        |text: &str, instant: &str| answer(&read(text), &calendar, &Overrides::default(), instant);
    let office = "Mon-Fri 09:00-17:00 America/New_York";
    insta::assert_snapshot!(answer(office, "2026-12-24T22:00:00Z"), @"2026-12-24T22:00:00Z: off, outside all windows; on at 2026-12-28T14:00:00Z");
    insta::assert_snapshot!(answer(office, "2026-12-25T15:00:00Z"), @r#"2026-12-25T15:00:00Z: off, 2026-12-25 is a holiday (Christmas Day), so "Mon-Fri 09:00-17:00 America/New_York" doesn't start; on at 2026-12-28T14:00:00Z"#);
    insta::assert_snapshot!(answer(office, "2026-12-31T15:00:00Z"), @r#"2026-12-31T15:00:00Z: off, 2026-12-31 is a holiday, so "Mon-Fri 09:00-17:00 America/New_York" doesn't start; on at 2027-01-01T14:00:00Z"#);
    // What has begun the evening before ends as it would, and the night after the holiday is a night off.
    let night = "Mon-Sun 20:00-06:00 UTC";
    insta::assert_snapshot!(answer(night, "2026-12-25T05:00:00Z"), @r#"2026-12-25T05:00:00Z: on, by "Mon-Sun 20:00-06:00 UTC"; off at 2026-12-25T06:00:00Z"#);
    insta::assert_snapshot!(answer(night, "2026-12-26T05:00:00Z"), @r#"2026-12-26T05:00:00Z: off, 2026-12-25 is a holiday (Christmas Day), so "Mon-Sun 20:00-06:00 UTC" doesn't start; on at 2026-12-26T20:00:00Z"#);
    insta::assert_snapshot!(answer("always", "2026-12-25T12:00:00Z"), @r#"2026-12-25T12:00:00Z: on, by "always"; stays so"#);
    insta::assert_snapshot!(answer("2026-12-25T00:00:00Z-2026-12-26T00:00:00Z", "2026-12-25T12:00:00Z"), @r#"2026-12-25T12:00:00Z: on, by "2026-12-25T00:00:00Z-2026-12-26T00:00:00Z"; off at 2026-12-26T00:00:00Z"#);
}

#[test]
fn the_date_of_a_holiday_is_the_windows_own() {
    let calendar = Calendar::from_dates("2026-01-01").expect("a date");
    let answer =
        |text: &str, instant: &str| answer(&read(text), &calendar, &Overrides::default(), instant);
    insta::assert_snapshot!(answer("Mon-Sun 00:00-24:00 Asia/Tokyo", "2025-12-31T15:00:00Z"), @r#"2025-12-31T15:00:00Z: off, 2026-01-01 is a holiday, so "Mon-Sun 00:00-24:00 Asia/Tokyo" doesn't start; on at 2026-01-01T15:00:00Z"#);
    insta::assert_snapshot!(answer("Mon-Sun 00:00-24:00 Asia/Tokyo", "2026-01-01T15:00:00Z"), @r#"2026-01-01T15:00:00Z: on, by "Mon-Sun 00:00-24:00 Asia/Tokyo"; stays so"#);
}

#[test]
fn overrides_decide_in_their_order_and_end_by_themselves() {
    let office = read("Mon-Fri 09:00-17:00 UTC");
    let mut overrides = Overrides {
        snoozed_until: Some(at("2026-01-05T18:00:00Z")),
        ..Overrides::default()
    };
    let answer = |overrides: &Overrides, instant: &str| {
        answer(&office, &Calendar::none(), overrides, instant)
    };
    insta::assert_snapshot!(answer(&overrides, "2026-01-05T16:50:00Z"), @"2026-01-05T16:50:00Z: on, snoozed until 2026-01-05T18:00:00Z; off at 2026-01-05T18:00:00Z");
    insta::assert_snapshot!(answer(&overrides, "2026-01-05T17:30:00Z"), @"2026-01-05T17:30:00Z: on, snoozed until 2026-01-05T18:00:00Z; off at 2026-01-05T18:00:00Z");
    insta::assert_snapshot!(answer(&overrides, "2026-01-05T18:00:00Z"), @"2026-01-05T18:00:00Z: off, outside all windows; on at 2026-01-06T09:00:00Z");
    overrides.keep_up_until = Some(at("2026-01-05T20:00:00Z"));
    insta::assert_snapshot!(answer(&overrides, "2026-01-05T17:30:00Z"), @"2026-01-05T17:30:00Z: on, kept up until 2026-01-05T20:00:00Z; off at 2026-01-05T20:00:00Z");
    overrides.force_down_until = Some(at("2026-01-05T19:30:00.5Z"));
    insta::assert_snapshot!(answer(&overrides, "2026-01-05T16:30:00Z"), @"2026-01-05T16:30:00Z: off, forced down until 2026-01-05T19:30:00.5Z; on at 2026-01-05T19:30:00.5Z");
    overrides.keep_up_until = Some(at("2026-01-05T19:00:00Z"));
    insta::assert_snapshot!(answer(&overrides, "2026-01-05T16:30:00Z"), @"2026-01-05T16:30:00Z: off, forced down until 2026-01-05T19:30:00.5Z; on at 2026-01-06T09:00:00Z");
}

#[test]
fn next_on_is_now_or_later() {
    let office = read("Mon-Fri 09:00-17:00 UTC");
    let now = at("2026-01-05T10:00:00Z");
    assert_eq!(office.next_on(now), Some(now));
    assert_eq!(
        office.next_on(at("2026-01-09T17:00:00Z")),
        Some(at("2026-01-12T09:00:00Z"))
    );
    assert_eq!(read("never").next_on(now), None);
    let over = read("2025-12-24T00:00:00Z-2025-12-27T00:00:00Z");
    assert_eq!(over.next_on(now), None);
}

#[test]
fn custodian_values() {
    let schedule = custodian::parse(
        "off=[(M-F,19)];on=[(M-F,7)];tz=pt",
        &Policy::default(),
        None,
    )
    .expect("a schedule");
    insta::assert_snapshot!(plainly(&schedule, &[
        "2026-01-05T15:00:00Z",
        "2026-01-06T02:59:59Z",
        "2026-01-06T03:00:00Z",
        "2026-01-11T12:00:00Z",
    ]), @r"
    2026-01-05T15:00:00Z: on, switched on at 2026-01-05T15:00:00Z by the hour in America/Los_Angeles; off at 2026-01-06T03:00:00Z
    2026-01-06T02:59:59Z: on, switched on at 2026-01-05T15:00:00Z by the hour in America/Los_Angeles; off at 2026-01-06T03:00:00Z
    2026-01-06T03:00:00Z: off, switched off at 2026-01-06T03:00:00Z by the hour in America/Los_Angeles; on at 2026-01-06T15:00:00Z
    2026-01-11T12:00:00Z: off, switched off at 2026-01-10T03:00:00Z by the hour in America/Los_Angeles; on at 2026-01-12T15:00:00Z
    ");
    assert!(schedule.remarks().is_empty());
}

/// Values that mean the same, in one group each.
#[test]
fn custodian_values_may_be_written_in_many_ways() {
    let groups: [&[&str]; 7] = [
        &[
            "off=(m-f,19);on=(m-f,7);tz=et",
            "off=[(M-F,19)];on=[(M-F,7)];tz=EST",
            "on=M-F,7;off=M-F,19",
            "OFF=[m-f,19];ON=[m-f,07];TZ=America/New_York;;",
            "offu3du28M-Fu2c19u29U3Bonu3du5Bu28Mu2dFu2c7u29u5d",
            "'off=(M-F,19);on=(M-F,7)'",
            "",
            "on",
            "off=(m-f,19);on=(m-f,7);tz=",
            "off=(m-f,19);on=(m-f,7);tz=pt;tz=",
            "tz=et",
            "\"Offhours tz=ET\"",
            "off=(m-f,19)",
            "on=(m-f,7)",
            "off=(m,1);off=(m-f,19)",
        ],
        &[
            "tz=pt",
            "tz=America/Los_Angeles",
            "Offhours tz=PT",
            "off=(m-f,19);tz=pdt",
        ],
        &[
            "on=[(s-m,10)];off=(s-m,19)",
            "on=[(s,10),(u,10),(m,10)];off=[(u-m,19),(s,19)]",
        ],
        &[
            "off=(m-f,18);tz=Australia/Sydney",
            "offu3du28M-Fu2c18u29u3btzu3dAustraliau2fSydney",
            "off=(m-f,18);tz=aet",
        ],
        &[
            "off=[(M-F,18),(S,13)]",
            "off=u5bu28M-Fu2c18u29u2cu28Su2c13u29u5d",
        ],
        &["tz=gmt", "tz=etc/gmt"],
        &["tz=bst", "tz=EUROPE/LONDON"],
    ];
    let instants: Vec<Timestamp> = (0..24 * 14)
        .map(|hour| at("2026-03-20T00:30:00Z") + hour.hours())
        .collect();
    let states = |value: &str| -> Vec<bool> {
        let schedule = custodian::parse(value, &Policy::default(), None)
            .unwrap_or_else(|error| panic!("{value:?}: {error}"));
        instants.iter().map(|at| schedule.is_on(*at)).collect()
    };
    let meanings: Vec<Vec<bool>> = groups.iter().map(|group| states(group[0])).collect();
    for (number, group) in groups.iter().enumerate() {
        assert!(
            !meanings[..number].contains(&meanings[number]),
            "{} means something of its own",
            group[0]
        );
        for value in *group {
            assert_eq!(
                states(value),
                meanings[number],
                "{value:?} means what {:?} means",
                group[0]
            );
        }
    }
}

#[test]
fn what_a_custodian_policy_says_of_values_that_leave_it_out() {
    let answer = |days, value: &str| {
        let policy = Policy {
            zone: Some("utc".to_owned()),
            on_hour: 8,
            off_hour: 20,
            days,
            ..Policy::default()
        };
        let schedule = custodian::parse(value, &policy, Some("Asia/Tokyo")).expect("a schedule");
        let mut at = at("2026-01-09T00:00:00Z");
        let mut answer = Vec::new();
        for _ in 0..3 {
            let edge = next_edge(&schedule, &Calendar::none(), &Overrides::default(), at)
                .expect("an edge");
            answer.push(format!("{} {}", edge.to, edge.at));
            at = edge.at;
        }
        answer.join(", ")
    };
    insta::assert_snapshot!(answer(DefaultDays::Workdays, ""), @"on 2026-01-09T08:00:00Z, off 2026-01-09T20:00:00Z, on 2026-01-12T08:00:00Z");
    insta::assert_snapshot!(answer(DefaultDays::EveryDay, ""), @"on 2026-01-09T08:00:00Z, off 2026-01-09T20:00:00Z, on 2026-01-10T08:00:00Z");
    insta::assert_snapshot!(answer(DefaultDays::WeekendsOnly, "on"), @"off 2026-01-09T20:00:00Z, on 2026-01-12T08:00:00Z, off 2026-01-16T20:00:00Z");
    insta::assert_snapshot!(answer(DefaultDays::Workdays, "off=(m-f,22)"), @"on 2026-01-09T08:00:00Z, off 2026-01-09T22:00:00Z, on 2026-01-12T08:00:00Z");
}

#[test]
fn what_is_legal_but_odd_is_remarked() {
    let remarks = |value: &str| {
        let schedule = custodian::parse(value, &Policy::default(), None).expect("a schedule");
        schedule.remarks().join("\n")
    };
    insta::assert_snapshot!(remarks("OFF"), @"Cloud Custodian leaves this alone, so it is always on");
    insta::assert_snapshot!(remarks("Offhours tz=PT"), @r#""offhours" means nothing to Cloud Custodian; the policy's hours count"#);
    insta::assert_snapshot!(remarks("off=(m,1);on=(m,1);off=(m-f,19)"), @r#""off" is given twice; the last counts"#);
    insta::assert_snapshot!(remarks("off=(m,7);on=(m-f,7)"), @"on and off fall into the same hour; on wins");
    insta::assert_snapshot!(remarks("off=(m-f,19);on=(m-f,7);tz="), @"the time zone is empty, so the policy's counts: et");
    insta::assert_snapshot!(remarks("tz=pt;tz=ct"), @r#""tz" is given twice; the last counts"#);
}

#[test]
fn a_custodian_value_may_opt_out_and_where_both_fire_on_wins() {
    let states = |value: &str| {
        let schedule = custodian::parse(value, &Policy::default(), None).expect("a schedule");
        plainly(&schedule, &["2026-01-05T12:30:00Z"])
    };
    insta::assert_snapshot!(states("off"), @r#"2026-01-05T12:30:00Z: on, by "off"; stays so"#);
    insta::assert_snapshot!(states("off=(m-u,7);on=(m-u,7)"), @"2026-01-05T12:30:00Z: on, switched on at 2026-01-05T12:00:00Z by the hour in America/New_York; stays so");
}

#[test]
fn on_a_holiday_custodian_switches_off_and_not_on() {
    let schedule = custodian::parse("off=(m-f,19);on=(m-f,7);tz=utc", &Policy::default(), None)
        .expect("a schedule");
    let night = custodian::parse("off=(m-u,6);on=(m-u,20);tz=utc", &Policy::default(), None)
        .expect("a schedule");
    let calendar = Calendar::from_dates("2026-01-06 Epiphany").expect("a date");
    let answer = |schedule, instant| answer(schedule, &calendar, &Overrides::default(), instant);
    insta::assert_snapshot!(answer(&schedule, "2026-01-06T12:00:00Z"), @"2026-01-06T12:00:00Z: off, switched off at 2026-01-05T19:00:00Z by the hour in Etc/UTC; on at 2026-01-07T07:00:00Z");
    insta::assert_snapshot!(answer(&night, "2026-01-06T05:00:00Z"), @"2026-01-06T05:00:00Z: on, switched on at 2026-01-05T20:00:00Z by the hour in Etc/UTC; off at 2026-01-06T06:00:00Z");
    insta::assert_snapshot!(answer(&night, "2026-01-06T22:00:00Z"), @"2026-01-06T22:00:00Z: off, switched off at 2026-01-06T06:00:00Z by the hour in Etc/UTC; on at 2026-01-07T20:00:00Z");
}

fn uptime(text: &str, dialect: Dialect) -> Schedule {
    kube_downscaler::parse(text, dialect, None).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// When it is on from a Friday noon on, for four changes.
fn changes(schedule: &Schedule) -> String {
    let mut at = at("2026-03-06T12:00:00Z");
    let mut answer = Vec::new();
    for _ in 0..4 {
        let Some(edge) = next_edge(schedule, &Calendar::none(), &Overrides::default(), at) else {
            return "stays so".to_owned();
        };
        answer.push(format!("{} {}", edge.to, edge.at.strftime("%a %H:%M")));
        at = edge.at;
    }
    answer.join(", ")
}

#[test]
fn what_the_two_kube_downscalers_read_differently_is_refused_unless_it_is_said_whose_it_is() {
    for text in [
        "Mon-Fri 20:00-08:00 UTC",
        "Mon-Tue 20:00-00:00 Europe/Amsterdam",
        "Mon-Sun 11:36-00:00 Asia/Kolkata",
        "Mon-Fri 08:00-18:00 UTC,Sat-Sun 22:30-01:15 America/New_York",
    ] {
        let either = kube_downscaler::parse(text, Dialect::Either, None).expect_err(text);
        assert!(
            either.problem.contains("GoKubeDownscaler is on"),
            "{either}"
        );
        assert!(either.problem.contains("Python is never on"), "{either}");
        // What it says to write means in both what it means in Go.
        let remedy = either.remedy.strip_prefix("write ").expect(text);
        let written = remedy.split(" for the first").next().expect(text);
        let go = uptime(text, Dialect::Go);
        assert!(go.remarks().is_empty(), "{text}");
        if !text.contains("08:00-18:00") {
            assert_eq!(
                changes(&uptime(written, Dialect::Either)),
                changes(&go),
                "{text}"
            );
            let python = uptime(text, Dialect::Python);
            assert_eq!(changes(&python), "stays so", "{text}");
            assert_eq!(python.remarks().len(), 1, "{text}");
        }
    }
    let go = |text| changes(&uptime(text, Dialect::Go));
    insta::assert_snapshot!(go("Mon-Fri 20:00-08:00 UTC"), @"on Fri 20:00, off Sat 00:00, on Mon 00:00, off Mon 08:00");
    insta::assert_snapshot!(go("Mon-Tue 20:00-00:00 UTC"), @"on Mon 20:00, off Tue 00:00, on Tue 20:00, off Wed 00:00");
    insta::assert_snapshot!(go("Sat-Sun 00:00-24:00 UTC, Mon-Fri 20:00-08:00 UTC"), @"on Fri 20:00, off Mon 08:00, on Mon 20:00, off Tue 08:00");
    insta::assert_snapshot!(go("never, TRUE"), @"stays so");
    insta::assert_snapshot!(go("2026-03-07T08:00:00Z - 2026-03-08T09:00:00+01:00"), @"stays so");
}

#[test]
fn a_window_that_holds_nothing_is_remarked_in_each_dialect() {
    for dialect in [Dialect::Either, Dialect::Python, Dialect::Go] {
        let schedule = uptime("Mon-Sun 00:00-00:00 America/New_York", dialect);
        assert_eq!(changes(&schedule), "stays so");
        insta::allow_duplicates! {
            insta::assert_snapshot!(schedule.remarks().join("\n"), @r#""Mon-Sun 00:00-00:00 America/New_York" starts and ends at the same time, so it is never on"#);
        }
    }
}

#[test]
fn the_zone_of_the_configuration_counts_for_uptimes_that_name_none() {
    let context = Context {
        default_zone: Some("Europe/Paris"),
        ..Context::default()
    };
    for (syntax, text) in [
        (Syntax::KubeDownscaler, "Mon-Fri 08:00-20:00"),
        (
            Syntax::GoKubeDownscaler,
            "Mon-Wed 08:00-20:00,Thu-Fri 20:00-08:00",
        ),
        (Syntax::PyKubeDownscaler, "mon-fri 08:00-20:00"),
        (Syntax::Custodian, "off=(m-f,20);on=(m-f,8)"),
    ] {
        let schedule = Schedule::parse_as(syntax, text, &context).expect(text);
        assert_eq!(schedule.zones(), ["Europe/Paris"], "{text}");
    }
}

#[test]
fn nothing_is_switched_on_the_days_that_a_policy_skips() {
    let skip_days = ["2026-01-05", "2026-01-06", "2026-01-09"];
    let policy = Policy {
        skip_days: skip_days
            .iter()
            .map(|day| day.parse().expect("a date"))
            .collect(),
        ..Policy::default()
    };
    let read = |value: &str| custodian::parse(value, &policy, None).expect("a schedule");
    let answer = |schedule: &Schedule, instants: &[&str]| plainly(schedule, instants);
    // Nothing switches on on Monday, Tuesday and Friday.
    insta::assert_snapshot!(answer(&read("tz=utc"), &["2026-01-05T12:00:00Z", "2026-01-09T23:00:00Z"]), @r"
    2026-01-05T12:00:00Z: off, switched off at 2026-01-02T19:00:00Z by the hour in Etc/UTC; on at 2026-01-07T07:00:00Z
    2026-01-09T23:00:00Z: off, switched off at 2026-01-08T19:00:00Z by the hour in Etc/UTC; on at 2026-01-12T07:00:00Z
    ");
    // More of them in a row than are looked through otherwise.
    let first: jiff::civil::Date = "2026-03-02".parse().expect("a date");
    let many = Policy {
        skip_days: (0..90).map(|day| first + day.days()).collect(),
        ..Policy::default()
    };
    let schedule = custodian::parse("tz=utc", &many, None).expect("a schedule");
    insta::assert_snapshot!(answer(&schedule, &["2026-05-20T12:00:00Z"]), @"2026-05-20T12:00:00Z: off, switched off at 2026-02-27T19:00:00Z by the hour in Etc/UTC; on at 2026-06-01T07:00:00Z");
}

#[test]
fn kube_downscaler_uptimes() {
    let read = |text: &str| uptime(text, Dialect::Either);
    let uptime = read(
        "Sat-Sun 00:00-24:00 CET, fri-fri 20:00-24:00 cet,2019-01-01T00:00:00+00:00-2019-01-02T12:34:56+00:00",
    );
    insta::assert_snapshot!(plainly(&uptime, &["2019-01-01T12:00:00Z", "2026-01-09T18:59:59Z", "2026-01-09T22:30:00Z", "2026-01-11T23:00:00Z"]), @r#"
    2019-01-01T12:00:00Z: on, by "2019-01-01T00:00:00+00:00-2019-01-02T12:34:56+00:00"; off at 2019-01-02T12:34:56Z
    2026-01-09T18:59:59Z: off, outside all windows; on at 2026-01-09T19:00:00Z
    2026-01-09T22:30:00Z: on, by "fri-fri 20:00-24:00 cet"; off at 2026-01-11T23:00:00Z
    2026-01-11T23:00:00Z: off, outside all windows; on at 2026-01-16T19:00:00Z
    "#);
    insta::assert_snapshot!(plainly(&read(" Always "), &["2026-01-09T18:59:59Z"]), @r#"2026-01-09T18:59:59Z: on, by "Always"; stays so"#);
    insta::assert_snapshot!(plainly(&read("never"), &["2026-01-09T18:59:59Z"]), @r#"2026-01-09T18:59:59Z: off, by "never"; stays so"#);
}

#[test]
fn a_schedule_names_its_zones() {
    let text = "Mon 09:00-10:00 Europe/Berlin + Tue 09:00-10:00 asia/tokyo + Fri 01:00-02:00 Europe/Berlin";
    assert_eq!(read(text).zones(), ["Europe/Berlin", "Asia/Tokyo"]);
    assert!(read("always").zones().is_empty());
    let custodian = "off=[(M-F,19)];on=[(M-F,7)];tz=pt";
    let custodian = Schedule::parse_as(Syntax::Custodian, custodian, &Context::default());
    assert_eq!(
        custodian.expect("a schedule").zones(),
        ["America/Los_Angeles"]
    );
}
