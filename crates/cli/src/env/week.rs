//! The week as it will really be: for each service the stretches in which it is on, in the zone of its
//! schedule, day by day, with days of another length marked. Pure.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use environments::config::Config;
use environments::resource::Resource;
use environments::run_report::by_note;
use environments::schedule_overrides::OverrideRequest;
use environments::select::{Selection, Selector};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use schedule::{Overrides, Schedule, State, desired_state, next_edge};
use serde::{Serialize, Serializer};

use super::times;

const DAYS_OF_WEEK: i32 = 7;

/// Which week.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeekQuery<'a> {
    /// What people asked for in the meantime.
    pub(crate) requests: &'a [OverrideRequest],
    /// The instant of the selection.
    pub(crate) at: Timestamp,
    /// Its first day; none is the day of that instant.
    pub(crate) first: Option<Date>,
    /// The zone of all rows; none is that of each schedule.
    pub(crate) zone: Option<&'a str>,
}

/// The week of all services whose schedules follow the clocks of one zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Week {
    /// Its zone.
    pub(crate) zone: String,
    /// Its days.
    pub(crate) days: Vec<Day>,
    /// A service each, in the order in which they were given.
    pub(crate) rows: Vec<WeekRow>,
}

/// A day, from midnight to midnight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Day {
    /// Its date.
    pub(crate) date: Date,
    /// Its first instant.
    pub(crate) from: Timestamp,
    /// The first instant of the next one.
    pub(crate) until: Timestamp,
    /// What the clocks do, where they are changed on that day.
    pub(crate) change: Option<String>,
}

/// The week of one service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct WeekRow {
    /// `cluster/name`.
    pub(crate) place: String,
    /// Where its schedule stands.
    pub(crate) source: String,
    /// When it is on.
    #[serde(serialize_with = "in_order")]
    pub(crate) on: Rc<Vec<Span>>,
    /// How many hours that are.
    pub(crate) hours: f64,
}

/// A stretch of time within which it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    /// Its first instant.
    pub(crate) from: Timestamp,
    /// The first instant after it; of the week, if it goes on.
    pub(crate) until: Timestamp,
}

/// The weeks of services, and what a chart can't show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weeks {
    /// One for each zone.
    pub(crate) zones: Vec<Week>,
    /// Which services have none though they should, and what is to be known of schedules: a sentence each.
    pub(crate) notes: Vec<String>,
}

/// The weeks of these services, one for each zone. A service that hasn't opted in has none; one that has, and still has
/// none, is named with the reason.
pub(crate) fn weeks<'s>(
    services: impl IntoIterator<Item = &'s Resource>,
    config: &Config,
    asked: WeekQuery<'_>,
) -> Result<Weeks, String> {
    let mut selector = Selector::new(config, asked.requests, asked.at);
    let mut weeks: BTreeMap<String, Week> = BTreeMap::new();
    let mut known = Known::new();
    // Their addresses are their names, so they must live on.
    let mut alive: Vec<Arc<Schedule>> = Vec::new();
    let mut notes: Vec<(String, String)> = Vec::new();
    for service in services {
        let selected = match selector.choose(service) {
            Selection::Selected(selected) => selected,
            choice => {
                let why = without_week(choice).map(|why| format!("no week is shown: {why}"));
                notes.extend(why.map(|why| (why, service.place())));
                continue;
            }
        };
        let of_it = selected.notes.iter();
        notes.extend(of_it.map(|note| (note.clone(), service.place())));
        // What is unclear is told in the plan; a tag of one service takes nobody's picture away.
        let overrides = &selected.overrides;
        let schedule = &selected.schedule;
        let zone = zone_of(schedule, config, asked.zone);
        if !weeks.contains_key(zone) {
            weeks.insert(zone.to_owned(), empty(zone, asked)?);
        }
        let week = weeks.get_mut(zone).expect("it was put in");
        let address = Arc::as_ptr(schedule) as usize;
        let key = (address, zone.to_owned(), untils(overrides));
        let on = known.entry(key).or_insert_with(|| {
            alive.push(schedule.clone());
            Rc::new(spans((schedule, config, overrides), week))
        });
        week.rows.push(WeekRow {
            place: service.place(),
            source: selected.source.to_string(),
            on: on.clone(),
            hours: on.iter().map(Span::hours).sum(),
        });
    }
    let notes = notes
        .iter()
        .map(|(note, place)| (note.as_str(), place.clone()));
    Ok(Weeks {
        zones: weeks.into_values().collect(),
        notes: by_note(notes).into_iter().map(sentence).collect(),
    })
}

/// The weeks of the schedules that a configuration names, one for each zone: before there are services, or without asking
/// for them.
pub(crate) fn schedules(config: &Config, asked: WeekQuery<'_>) -> Result<Weeks, String> {
    let named = config.schedules.iter().map(|(name, named)| {
        let is_default = config.default_schedule.as_ref() == Some(name);
        let source = if is_default {
            "the default schedule"
        } else {
            "a schedule"
        };
        (name.clone(), source, &named.schedule)
    });
    // Those that are named are shown already.
    let of_rules = config.services.iter().enumerate();
    let own = of_rules.filter(|(_, rule)| {
        let mut schedules = config.schedules.values();
        !schedules.any(|named| named.schedule == rule.schedule)
    });
    let own = own.map(|(index, rule)| (format!("services[{index}]"), "a rule", &rule.schedule));
    let mut weeks: BTreeMap<String, Week> = BTreeMap::new();
    for (place, source, schedule) in named.chain(own) {
        let zone = zone_of(schedule, config, asked.zone);
        if !weeks.contains_key(zone) {
            weeks.insert(zone.to_owned(), empty(zone, asked)?);
        }
        let week = weeks.get_mut(zone).expect("it was put in");
        let on = Rc::new(spans((schedule, config, &Overrides::default()), week));
        week.rows.push(WeekRow {
            place,
            source: source.to_owned(),
            hours: on.iter().map(Span::hours).sum(),
            on,
        });
    }
    if weeks.is_empty() {
        return Err("the configuration names no schedule; name one under schedules".to_owned());
    }
    Ok(Weeks {
        zones: weeks.into_values().collect(),
        notes: Vec::new(),
    })
}

fn sentence(note: String) -> String {
    if note.ends_with('?') {
        note
    } else {
        note + "."
    }
}

/// Why this service is missing from the week.
fn without_week(choice: Selection) -> Option<String> {
    match choice {
        Selection::Selected(_) => None,
        Selection::UnclearOverride { why, .. }
        | Selection::UnreadableSchedule { why }
        | Selection::Unstoppable { why, .. } => Some(why),
        Selection::Unselected { why, attention, .. }
        | Selection::Skipped { why, attention, .. } => attention.then_some(why),
    }
}

/// Stretches by schedule, zone and overrides.
type Known = HashMap<(usize, String, [Option<Timestamp>; 3]), Rc<Vec<Span>>>;

fn untils(overrides: &Overrides) -> [Option<Timestamp>; 3] {
    [
        overrides.force_down_until,
        overrides.keep_up_until,
        overrides.snoozed_until,
    ]
}

fn in_order<S: Serializer>(spans: &Rc<Vec<Span>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(spans.iter())
}

/// The zone that is asked for, or the only one of the schedule, or that of the configuration.
fn zone_of<'a>(schedule: &'a Schedule, config: &'a Config, asked: Option<&'a str>) -> &'a str {
    let own = match schedule.zones().as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    asked.or(own).or(config.zone.as_deref()).unwrap_or("UTC")
}

fn empty(zone: &str, asked: WeekQuery<'_>) -> Result<Week, String> {
    let clocks = times::zone(zone)?;
    let first = asked
        .first
        .unwrap_or_else(|| clocks.to_datetime(asked.at).date());
    let days: Option<Vec<Day>> = (0..DAYS_OF_WEEK)
        .map(|number| day(first, number, &clocks))
        .collect();
    Ok(Week {
        zone: zone.to_owned(),
        days: days.ok_or_else(|| format!("no week begins on {first}"))?,
        rows: Vec::new(),
    })
}

fn day(first: Date, number: i32, clocks: &TimeZone) -> Option<Day> {
    let date = first.checked_add(jiff::Span::new().days(number)).ok()?;
    let midnight = |date: Date| date.to_zoned(clocks.clone()).ok();
    let (from, next) = (midnight(date)?, midnight(date.tomorrow().ok()?)?);
    let change = clocks
        .following(just_before(from.timestamp()))
        .next()
        .map(|change| change.timestamp())
        .filter(|change| *change < next.timestamp())
        .and_then(|change| told_change(change, clocks));
    Some(Day {
        date,
        from: from.timestamp(),
        until: next.timestamp(),
        change,
    })
}

/// A change at midnight itself belongs to the day.
fn just_before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at)
}

/// `at 02:00 the clocks go forward to 03:00`
fn told_change(at: Timestamp, clocks: &TimeZone) -> Option<String> {
    let before = clocks.to_offset(just_before(at));
    let after = clocks.to_offset(at);
    let word = match after.seconds() - before.seconds() {
        0 => return None,
        later if later > 0 => "forward",
        _ => "back",
    };
    let told = |offset: jiff::tz::Offset| offset.to_datetime(at).strftime("%H:%M").to_string();
    Some(format!(
        "at {} the clocks go {word} to {}",
        told(before),
        told(after)
    ))
}

fn spans(
    (schedule, config, overrides): (&Schedule, &Config, &Overrides),
    week: &Week,
) -> Vec<Span> {
    let (first, last) = (&week.days[0], &week.days[week.days.len() - 1]);
    let mut at = first.from;
    let mut state = desired_state(schedule, &config.calendar, overrides, at).state;
    let mut spans = Vec::new();
    loop {
        let edge = next_edge(schedule, &config.calendar, overrides, at);
        let until = edge.map_or(last.until, |edge| edge.at.min(last.until));
        if state == State::On {
            spans.push(Span { from: at, until });
        }
        match edge {
            Some(edge) if edge.at < last.until => (at, state) = (edge.at, edge.to),
            _ => return spans,
        }
    }
}

impl Span {
    fn hours(&self) -> f64 {
        self.until.duration_since(self.from).as_secs_f64() / 3_600.0
    }

    /// What of it lies within these two.
    pub(crate) fn within(&self, from: Timestamp, until: Timestamp) -> Option<Self> {
        let (from, until) = (self.from.max(from), self.until.min(until));
        (from < until).then_some(Self { from, until })
    }
}

impl Day {
    /// How long it is.
    pub(crate) fn length(&self) -> SignedDuration {
        self.until.duration_since(self.from)
    }

    /// `23 h`, where it isn't 24.
    pub(crate) fn odd_length(&self) -> Option<String> {
        let minutes = self.length().as_mins();
        (minutes != 1_440).then(|| match minutes % 60 {
            0 => format!("{} h", minutes / 60),
            rest => format!("{} h {rest} min", minutes / 60),
        })
    }

    /// `Mon 23`.
    pub(crate) fn short(&self) -> String {
        self.date.strftime("%a %d").to_string()
    }
}

impl WeekRow {
    /// What of a day is on.
    pub(crate) fn on_day(&self, day: &Day) -> impl Iterator<Item = Span> {
        let (from, until) = (day.from, day.until);
        self.on
            .iter()
            .filter_map(move |span| span.within(from, until))
    }
}

impl Week {
    /// Its clocks.
    pub(crate) fn clocks(&self) -> TimeZone {
        times::zone(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// What stands above it: its first and last day, and its zone.
    pub(crate) fn title(&self) -> String {
        let (first, last) = (self.days[0].date, self.days[self.days.len() - 1].date);
        format!("Week of {first} to {last}, {}", self.zone)
    }

    /// The days on which the clocks are changed, a sentence each.
    pub(crate) fn changes(&self) -> Vec<String> {
        let told = |day: &Day| {
            let change = day.change.as_ref()?;
            let length = day.odd_length().unwrap_or_else(|| "24 h".to_owned());
            Some(format!(
                "{} has {length}: {change}.",
                day.date.strftime("%A, %Y-%m-%d")
            ))
        };
        self.days.iter().filter_map(told).collect()
    }

    /// `09:00–22:00`, `all day`, `off`: what is on of a day. A time that the clocks show twice says which.
    pub(crate) fn described(&self, day: &Day, spans: &[Span]) -> String {
        match spans {
            [] => return "off".to_owned(),
            [one] if (one.from, one.until) == (day.from, day.until) => return "all day".to_owned(),
            _ => {}
        }
        let clock = |at: Timestamp| {
            if at == day.until {
                return "24:00".to_owned();
            }
            let local = self.local(at);
            let twice = self
                .clocks()
                .to_ambiguous_timestamp(local.datetime())
                .is_ambiguous();
            let form = if twice { "%H:%M %Z" } else { "%H:%M" };
            local.strftime(form).to_string()
        };
        let told: Vec<String> = spans
            .iter()
            .map(|span| format!("{}–{}", clock(span.from), clock(span.until)))
            .collect();
        told.join(", ")
    }

    /// An instant on its clocks.
    pub(crate) fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.clocks())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use environments::config::Files;

    use super::*;

    pub(crate) fn config(text: &str) -> Config {
        let head = "version: 1\naccounts: ['111122223333']\n";
        Config::parse("test", &format!("{head}{text}"), &Files::new())
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub(crate) fn service(name: &str, schedule: &str) -> Resource {
        Resource {
            arn: format!("arn:aws:ecs:eu-central-1:111122223333:service/dev/{name}"),
            cluster: "dev".into(),
            name: name.into(),
            desired: 2,
            running: 2,
            tags: [("deploy-hooks:schedule".into(), schedule.into())].into(),
            ..Resource::default()
        }
    }

    pub(crate) fn of(schedules: &[&str], first: &str) -> Vec<Week> {
        let services: Vec<Resource> = (1..)
            .zip(schedules)
            .map(|(number, schedule)| service(&format!("s{number}"), schedule))
            .collect();
        let asked = WeekQuery {
            requests: &[],
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            first: Some(first.parse().unwrap()),
            zone: None,
        };
        weeks(&services, &config("zone: UTC\n"), asked)
            .unwrap()
            .zones
    }

    #[test]
    fn days_are_as_long_as_they_are() {
        let lengths = |zone: &str, first: &str| {
            let weeks = of(&[&format!("Mon-Sun 02:00-04:00 {zone}")], first);
            let week = &weeks[0];
            let days: Vec<i64> = week.days.iter().map(|day| day.length().as_mins()).collect();
            (days[6], week.changes().concat(), week.rows[0].hours)
        };
        insta::assert_debug_snapshot!(
            [
                ("Europe/Berlin", "2026-03-23"),
                ("Europe/Berlin", "2026-10-19"),
                ("Australia/Lord_Howe", "2026-03-30"),
                ("Asia/Kathmandu", "2026-03-30"),
            ]
            .map(|(zone, first)| lengths(zone, first)),
            @r#"
            [
                (
                    1380,
                    "Sunday, 2026-03-29 has 23 h: at 02:00 the clocks go forward to 03:00.",
                    13.0,
                ),
                (
                    1500,
                    "Sunday, 2026-10-25 has 25 h: at 03:00 the clocks go back to 02:00.",
                    15.0,
                ),
                (
                    1470,
                    "Sunday, 2026-04-05 has 24 h 30 min: at 02:00 the clocks go back to 01:30.",
                    14.0,
                ),
                (
                    1440,
                    "",
                    14.0,
                ),
            ]
            "#
        );
    }

    #[test]
    fn whoever_has_opted_in_and_has_no_week_is_named_with_the_reason() {
        let mut other = service("odd-key", "office");
        other.tags = [("deploy-hooks:shedule".into(), "office".into())].into();
        let mut custodian = service("opted-out", "office");
        custodian.tags = [("Maid_Offhours".into(), "off".into())].into();
        let mut nobody = service("nobody", "office");
        nobody.tags.clear();
        let services = [
            service("web", "office"),
            service("typo", "offise"),
            service("window", "Mon-Fry 09:00-10:00"),
            other,
            custodian,
            nobody,
        ];
        let config = config(
            "zone: UTC\nschedules: { office: Mon-Fri 09:00-22:00 }\nimport_tags: { maid_offhours: custodian }\n",
        );
        let asked = WeekQuery {
            requests: &[],
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            first: None,
            zone: None,
        };
        let weeks = weeks(&services, &config, asked).unwrap();
        let shown: Vec<&str> = weeks.zones[0]
            .rows
            .iter()
            .map(|row| row.place.as_str())
            .collect();
        assert_eq!(shown, ["dev/web", "dev/opted-out"]);
        insta::assert_snapshot!(weeks.notes.join("\n"), @r#"
        dev/opted-out: Cloud Custodian leaves this alone, so it is always on.
        dev/odd-key: no week is shown: not selected: no tag deploy-hooks:schedule and no rule; the tag deploy-hooks:shedule is not read; did you mean deploy-hooks:schedule?
        dev/window: no week is shown: the tag deploy-hooks:schedule says "Mon-Fry 09:00-10:00": column 5: unknown weekday "Fry"; did you mean Fri?
        dev/typo: no week is shown: the tag deploy-hooks:schedule says "offise": column 1: unknown schedule "offise"; did you mean office?
        "#);
    }

    #[test]
    fn each_zone_has_its_week_and_its_day() {
        let weeks = of(
            &[
                "Mon 09:00-10:00 Asia/Tokyo",
                "always",
                "Mon 09:00-10:00 Asia/Tokyo",
            ],
            "2026-11-23",
        );
        let told: Vec<_> = weeks
            .iter()
            .map(|week| (week.title(), week.rows.len(), week.days[0].from.to_string()))
            .collect();
        insta::assert_debug_snapshot!(told, @r#"
        [
            (
                "Week of 2026-11-23 to 2026-11-29, Asia/Tokyo",
                2,
                "2026-11-22T15:00:00Z",
            ),
            (
                "Week of 2026-11-23 to 2026-11-29, UTC",
                1,
                "2026-11-23T00:00:00Z",
            ),
        ]
        "#);
        assert!((weeks[1].rows[0].hours - 168.0).abs() < 1e-9);
    }
}
