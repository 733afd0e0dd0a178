//! What holds for every schedule, calendar, override and instant.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use schedule::{
    Calendar, Context, Overrides, Schedule, State, StateReason, Syntax, desired_state, next_edge,
};

const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Casablanca",
    "UTC",
];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// 2005 to 2036, in seconds: the years of the odd changes, and the next.
const YEARS: std::ops::Range<i64> = 1_104_537_600..2_082_758_400;

fn hour_and_minute() -> impl Strategy<Value = u16> {
    prop_oneof![
        0..1440_u16,
        (0..24_u16).prop_map(|hour| hour * 60),
        0..240_u16
    ]
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

prop_compose! {
    fn window()(
        days in (0..7_usize, 0..7_usize),
        start in hour_and_minute(),
        end in hour_and_minute(),
        zone in prop::sample::select(&ZONES[..]),
    ) -> String {
        let end = if end == start { 1440 } else { end };
        format!("{}-{} {}-{} {zone}", DAYS[days.0], DAYS[days.1], clock(start), clock(end))
    }
}

prop_compose! {
    fn range()(from in YEARS, length in 1..10_000_000_i64) -> String {
        let at = |second| Timestamp::from_second(second).expect("in range");
        format!("{}-{}", at(from), at(from + length))
    }
}

fn windows() -> impl Strategy<Value = (Syntax, String)> {
    let part = prop_oneof![8 => window(), 1 => range(), 1 => Just("never".to_owned()), 1 => Just("always".to_owned())];
    prop::collection::vec(part, 1..4).prop_map(|parts| (Syntax::Windows, parts.join(" + ")))
}

prop_compose! {
    fn custodian()(
        on in prop::collection::vec((0..7_usize, 0..7_usize, 0..24_u8), 1..4),
        off in prop::collection::vec((0..7_usize, 0..7_usize, 0..24_u8), 1..4),
        zone in prop::sample::select(&ZONES[..]),
    ) -> (Syntax, String) {
        let letters = ["M", "T", "W", "H", "F", "S", "U"];
        let list = |events: &[(usize, usize, u8)]| {
            let pair = |(first, last, hour): &(usize, usize, u8)| format!("({}-{},{hour})", letters[*first], letters[*last]);
            events.iter().map(pair).collect::<Vec<_>>().join(",")
        };
        (Syntax::Custodian, format!("off=[{}];on=[{}];tz={zone}", list(&off), list(&on)))
    }
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    prop_oneof![2 => windows(), 1 => custodian()].prop_map(|(syntax, text)| {
        Schedule::parse_as(syntax, &text, &Context::default())
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    })
}

/// Around a clock change of one of the zones as often as anywhere.
fn instant() -> impl Strategy<Value = Timestamp> {
    let anywhere = YEARS.prop_map(|second| Timestamp::from_second(second).expect("in range"));
    let near = (
        YEARS,
        prop::sample::select(&ZONES[..]),
        -200_000..200_000_i64,
    )
        .prop_map(|(second, zone, near)| {
            let zone = TimeZoneDatabase::bundled().get(zone).expect("a zone");
            let at = Timestamp::from_second(second).expect("in range");
            let change = zone
                .following(at)
                .next()
                .map_or(at, |change| change.timestamp());
            change.min(at + (400 * 24).hours()) + near.seconds()
        });
    prop_oneof![anywhere, near]
}

prop_compose! {
    /// Holidays and overrides near an instant.
    fn circumstances(at: Timestamp)(
        holidays in prop::collection::vec(-20..20_i64, 0..6),
        ends in prop::collection::vec(prop::option::weighted(0.2, -100..1_000_i64), 3),
    ) -> (Calendar, Overrides) {
        let mut calendar = Calendar::none();
        let date = |days: i64| Date::from(at.in_tz("UTC").expect("UTC").datetime()) + days.days();
        for days in holidays {
            calendar.insert(date(days), "holiday");
        }
        let end = |number: usize| ends[number].map(|hours| at + hours.hours() + 1.nanosecond());
        let overrides = Overrides {
            force_down_until: end(0),
            keep_up_until: end(1),
            snoozed_until: end(2),
        };
        (calendar, overrides)
    }
}

fn everything() -> impl Strategy<Value = (Schedule, Timestamp, (Calendar, Overrides))> {
    (any_schedule(), instant())
        .prop_flat_map(|(schedule, at)| (Just(schedule), Just(at), circumstances(at)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_state_is_constant_up_to_the_next_edge_and_changes_there(
        (schedule, at, (calendar, overrides)) in everything(),
        samples in prop::collection::vec(0.0..1.0_f64, 40),
    ) {
        let state = |at| desired_state(&schedule, &calendar, &overrides, at).state;
        let edge = next_edge(&schedule, &calendar, &overrides, at);
        // Where there is no edge, look over the whole of the next forty days.
        let end = edge.map_or(at + (40 * 24).hours(), |edge| edge.at);
        let nanoseconds = end.as_nanosecond() - at.as_nanosecond();
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a sample")]
        let instants = samples.iter().map(|part| (nanoseconds as f64 * part) as i128);
        // Every quarter of an hour around, where the edges of windows with round times are.
        let quarters = (0..400_i128).map(|quarter| quarter * 900_000_000_000);
        for after in instants.chain(quarters).chain([nanoseconds - 1]).filter(|after| (0..nanoseconds).contains(after)) {
            let between = Timestamp::from_nanosecond(at.as_nanosecond() + after).expect("in range");
            prop_assert_eq!(state(between), state(at), "{} at {}", &schedule, between);
        }
        if let Some(edge) = edge {
            prop_assert!(edge.at > at);
            prop_assert_eq!(state(edge.at), edge.to);
            prop_assert_ne!(edge.to, state(at));
        }
    }

    #[test]
    fn a_reason_fits_its_state((schedule, at, (calendar, overrides)) in everything()) {
        let decision = desired_state(&schedule, &calendar, &overrides, at);
        let fits = match &decision.why {
            StateReason::ForcedDown(until) => decision.state == State::Off && at < *until,
            StateReason::KeptUp(until) | StateReason::Snoozed(until) => decision.state == State::On && at < *until,
            StateReason::Part(part) => (decision.state == State::On) == (part.text() != "never"),
            StateReason::Holiday { date, .. } => decision.state == State::Off && calendar.is_holiday(*date),
            StateReason::Outside => decision.state == State::Off,
            StateReason::Event { to, at: event, .. } => decision.state == *to && *event <= at,
            StateReason::NoEvent => false,
        };
        prop_assert!(fits, "{:?}", decision);
        prop_assert!(!decision.why.to_string().is_empty());
    }

    /// Away from clock changes a window is what the wall clock says.
    #[test]
    fn a_window_is_what_the_wall_clock_says(
        (first, last) in (0..7_i64, 0..7_i64),
        start in hour_and_minute(),
        end in hour_and_minute(),
        zone in prop::sample::select(&ZONES[..]),
        at in YEARS,
    ) {
        prop_assume!(start != end);
        let (first_day, last_day) = (DAYS[usize::try_from(first).unwrap()], DAYS[usize::try_from(last).unwrap()]);
        let text = format!("{first_day}-{last_day} {}-{} {zone}", clock(start), clock(end));
        let schedule = Schedule::parse(&text, None).expect("a schedule");
        let tz = TimeZoneDatabase::bundled().get(zone).expect("a zone");
        let at = Timestamp::from_second(at).expect("in range");
        let offset = |hours: i64| tz.to_offset(at + hours.hours());
        prop_assume!((-72..72).all(|hours| offset(hours) == offset(0)));
        let local = tz.to_datetime(at);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
        let has = |weekday: Weekday| {
            let day = i64::from(weekday.to_monday_zero_offset());
            if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
        };
        let today = local.weekday();
        let on = if start < end {
            has(today) && start <= minute && minute < end
        } else {
            has(today) && minute >= start || has(today.previous()) && minute < end
        };
        prop_assert_eq!(schedule.is_on(at), on, "{} at {}", text, local);
    }

    /// Custodian's own rule, hour by hour: the last hour whose weekday is in a set and whose hour is equal.
    #[test]
    fn a_custodian_value_is_its_last_event((_, text) in custodian(), at in instant()) {
        let schedule = Schedule::parse_as(Syntax::Custodian, &text, &Context::default()).expect("a schedule");
        let zone = text.rsplit_once('=').expect("a zone").1;
        let tz = TimeZoneDatabase::bundled().get(zone).expect("a zone");
        let fires = |key: &str, at: Timestamp| {
            let local = tz.to_datetime(at);
            let list = text.split(';').find_map(|piece| piece.strip_prefix(key)).expect("a list");
            list.trim_matches(['[', ']']).split("),(").any(|pair| {
                let (days, hour) = pair.trim_matches(['(', ')']).split_once(',').expect("a pair");
                let (first, last) = days.split_once('-').expect("days");
                let number = |day: &str| "MTWHFSU".find(day).expect("a day");
                let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap();
                let (first, last) = (number(first), number(last));
                let in_days = if first <= last { first <= day && day <= last } else { day >= first || day <= last };
                in_days && hour.parse() == Ok(local.hour())
            })
        };
        // From one hour on the clocks to the one before, over changes of the offset too.
        let mut looked = at;
        let on = loop {
            if fires("on=", looked) {
                break true;
            }
            if fires("off=", looked) {
                break false;
            }
            let into = tz.to_datetime(looked);
            let seconds = i64::from(into.minute()) * 60 + i64::from(into.second());
            let hour = Timestamp::from_second(looked.as_second() - seconds).expect("in range");
            let change = tz.preceding(looked + 1.nanosecond()).next().map_or(hour, |change| change.timestamp());
            looked = hour.max(change) - 1.second();
        };
        prop_assert_eq!(schedule.is_on(at), on, "{} at {}", text, at);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in any_text()) {
        let named = BTreeMap::from([("office".to_owned(), text.clone())]);
        let context = Context { default_zone: Some("UTC"), named: Some(&named), policy: None };
        for syntax in Syntax::ALL {
            match Schedule::parse_as(syntax, &text, &context) {
                Ok(schedule) => prop_assert_eq!(schedule.to_string(), text.clone()),
                Err(error) => {
                    let within = error.schedule.as_ref().map_or(&text, |name| &named[name]);
                    prop_assert!((1..=within.chars().count() + 1).contains(&error.column), "{}", error);
                    prop_assert!(!error.problem.is_empty() && !error.remedy.is_empty());
                }
            }
        }
        let _ = Calendar::from_dates(&text);
        let _ = Calendar::from_icalendar(&format!("BEGIN:VCALENDAR\n{text}"), 2025..=2027);
    }
}

/// Anything, and what is nearly right.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "Mon",
        "-",
        "Fri",
        " ",
        "09:00",
        "22:00",
        "24:00",
        "UTC",
        "Europe/London",
        "+",
        " + ",
        "always",
        "office",
        "off=",
        "on=",
        ";",
        "tz=",
        "pt",
        "(m-f,19)",
        "[",
        "]",
        ",",
        "u28",
        "U",
        "ü",
        "'",
        "\"",
        "=",
        "(",
        "2026-12-24T00:00:00+00:00",
        "2026-12-27T00:00:00Z",
        "\n",
        "BEGIN:VEVENT",
        "END:VEVENT",
        "RRULE:FREQ=YEARLY",
        "DTSTART:20260101",
        "BYDAY=MO",
        "–",
        "\u{a0}",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
    ]
}
