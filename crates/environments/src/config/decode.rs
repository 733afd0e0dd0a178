//! The configuration's text into a [`Config`], or into every problem that it has.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use schedule::custodian::Policy;
use schedule::{Context, Schedule, ScheduleError, Syntax};
use strict_yaml::words::{list, nearest};
use strict_yaml::{Findings, Node, Object, Position, Problems, Value, entries, items, scalar};

use super::regions::{self, Region, region};
use super::values::{duration, exact, globs, names, number, share, texts};
use super::{
    Config, FILE, Files, Globs, NamedSchedule, OtherKinds, Prices, Rate, Rule, Tier, keys, people,
};

mod calendar;
mod imported;

pub(super) use calendar::calendar_files;

/// The opt-in tag where none is configured.
const DEFAULT_TAG: &str = "deploy-hooks:schedule";
/// More schedules than anybody can keep apart; each may name others.
const MAX_SCHEDULES: usize = 500;
/// Words that a tag may say instead of a schedule's name; so no schedule may have them as its name.
const RESERVED_NAMES: [&str; 4] = ["default", "always", "never", "rest"];

pub(super) fn config(source: &str, text: &str, files: &Files) -> Result<Config, Problems> {
    let root = strict_yaml::read(text, FILE).map_err(|problem| Problems::of(source, problem))?;
    let problems = Findings::default();
    let config = whole(&root, files, &problems);
    problems.conclude(source, config)
}

fn whole(root: &Node, files: &Files, problems: &Findings) -> Option<Config> {
    let object = Object::read(root, &keys::CONFIG, problems)?;
    version(&object, problems);
    let warnings = Findings::default();
    let zone = zone(&object, problems);
    let zone = zone.as_deref();
    let (schedules, texts) = schedules(&object, zone, (problems, &warnings));
    let context = Context {
        default_zone: zone,
        named: Some(&texts),
        policy: None,
    };
    let globs_of = |key| object.get(key).map(|node| globs(node, key, problems));
    let seconds = |key, range| duration(&object, key, range, problems);
    let config = Config {
        accounts: accounts(&object, problems),
        regions: regions(&object, (problems, &warnings)),
        clusters: object
            .get("clusters")
            .map(|node| names(node, "clusters", problems))
            .unwrap_or_default(),
        zone: zone.map(str::to_owned),
        default_schedule: default_schedule(&object, &schedules, problems),
        calendar: calendar::read(&object, files, problems),
        tag: tag(&object, problems),
        import_tags: imported::tags(&object, problems),
        services: rules(&object, (&schedules, &context), (problems, &warnings)),
        deny: globs_of("deny").unwrap_or_default(),
        not_production: object
            .get("not_production")
            .map(|node| exact(node, "not_production", problems))
            .unwrap_or_default(),
        tiers: tiers(&object, problems),
        healthy_within: seconds("healthy_within", (10, 3_600))
            .unwrap_or(SignedDuration::from_mins(10)),
        defer_deadline: seconds("defer_deadline", (0, 86_400))
            .unwrap_or(SignedDuration::from_hours(1)),
        notice: seconds("notice", (0, 14_400)).unwrap_or(SignedDuration::from_mins(15)),
        prices: prices(&object, problems).unwrap_or_default(),
        rate: rate(&object, problems).unwrap_or_default(),
        also: also(&object, problems).unwrap_or_default(),
        people: object
            .get("people")
            .and_then(|node| people::read(node, problems))
            .unwrap_or_default(),
        schedules,
        warnings: Vec::new(),
    };
    Some(Config {
        warnings: warnings.into_sorted(),
        ..config
    })
}

fn version(object: &Object<'_>, problems: &Findings) {
    if let Some(node) = object.require("version", problems)
        && scalar::integer(node, "version", 0..=u64::MAX, problems).is_some_and(|found| found != 1)
    {
        problems.add(node.at, "version is not 1", "write `version: 1`");
    }
}

fn zone(object: &Object<'_>, problems: &Findings) -> Option<String> {
    let node = object.get("zone")?;
    let zone = scalar::text(node, "zone", problems)?;
    // A window is the one thing that knows all zones.
    match Schedule::parse("Mon 00:00-24:00", Some(zone)) {
        Ok(_) => Some(zone.to_owned()),
        Err(error) => {
            problems.add(node.at, format!("zone: {}", error.problem), error.remedy);
            None
        }
    }
}

fn accounts(object: &Object<'_>, problems: &Findings) -> Vec<String> {
    let Some(node) = object.require("accounts", problems) else {
        return Vec::new();
    };
    // Digits without quotes are a number, and one with a leading zero has lost it.
    let nodes = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() {
        problems.add(
            node.at,
            "accounts is empty",
            "write the accounts that may be touched",
        );
    }
    let mut accounts = Vec::new();
    for node in nodes {
        let Some(account) = scalar::loose_text(node, "accounts", problems) else {
            continue;
        };
        if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) {
            accounts.push(account.to_owned());
        } else {
            problems.add(
                node.at,
                format!("accounts: {account:?} is no account"),
                "write its twelve digits, in quotes; patterns are not allowed here",
            );
        }
    }
    accounts
}

fn regions(object: &Object<'_>, (problems, warnings): (&Findings, &Findings)) -> Vec<String> {
    let Some(node) = object.get("regions") else {
        return Vec::new();
    };
    let mut regions = Vec::new();
    for (node, name) in texts(node, "regions", problems).unwrap_or_default() {
        match region(name) {
            Region::Known => {}
            Region::New => {
                let message = format!("regions: {name:?} was no region when this version was made");
                let remedy = format!(
                    "leave it if AWS has it by now; else {}",
                    regions::remedy(name)
                );
                warnings.add(node.at, message, remedy);
            }
            Region::No => {
                let message = format!("regions: {name:?} is no region");
                problems.add(node.at, message, regions::remedy(name));
                continue;
            }
        }
        regions.push(name.to_owned());
    }
    regions
}

type Schedules = (BTreeMap<String, NamedSchedule>, BTreeMap<String, String>);

fn schedules(
    object: &Object<'_>,
    zone: Option<&str>,
    (problems, warnings): (&Findings, &Findings),
) -> Schedules {
    let (mut schedules, mut texts) = (BTreeMap::new(), BTreeMap::new());
    let entries = object
        .get("schedules")
        .and_then(|node| entries(node, "schedules", problems))
        .unwrap_or_default();
    let mut written = Vec::new();
    if entries.len() > MAX_SCHEDULES {
        let at = entries[MAX_SCHEDULES].0.at;
        let message = format!("schedules has {} entries", entries.len());
        problems.add(at, message, format!("write {MAX_SCHEDULES} at most"));
    }
    for (key, node) in entries.into_iter().take(MAX_SCHEDULES) {
        let name = &key.text;
        if !strict_yaml::words::is_name(name) || name.len() > 40 {
            let remedy = "write up to 40 letters, digits, _ and -, a letter first";
            problems.add(
                key.at,
                format!("{name:?} can't be a schedule's name"),
                remedy,
            );
        } else if RESERVED_NAMES.contains(&name.as_str()) {
            problems.add(
                key.at,
                format!("{name:?} has a meaning already"),
                "choose another name",
            );
        } else if let Some(schedule) = schedule_text(node, problems) {
            if schedule.syntax == Syntax::Windows {
                texts.insert(name.clone(), schedule.text.to_owned());
            }
            written.push((name, schedule));
        }
    }
    let context = Context {
        default_zone: zone,
        named: Some(&texts),
        policy: None,
    };
    let (mut wrong, mut within) = (Vec::new(), Vec::new());
    for (name, written) in written {
        let (syntax, node) = (written.syntax, written.node);
        let context = Context {
            policy: written.policy.as_ref(),
            ..context
        };
        match Schedule::parse_as(syntax, written.text, &context) {
            Ok(schedule) => {
                remark(&schedule, node.at, warnings);
                schedules.insert(name.clone(), NamedSchedule { syntax, schedule });
            }
            Err(error) if error.schedule.is_none() => {
                wrong_schedule(&format!("schedule {name:?}"), node, &error, problems);
                wrong.push(name.as_str());
            }
            Err(error) => within.push((name, node, error)),
        }
    }
    // What is wrong in a schedule that this one names is reported there; but a circle is wrong nowhere else.
    for (name, node, error) in within {
        let told_there = error
            .schedule
            .as_deref()
            .is_some_and(|other| wrong.contains(&other));
        if !told_there {
            wrong_schedule(&format!("schedule {name:?}"), node, &error, problems);
        }
    }
    (schedules, texts)
}

/// A schedule as it was written.
struct WrittenSchedule<'n> {
    syntax: Syntax,
    node: &'n Node,
    text: &'n str,
    policy: Option<Policy>,
}

/// A text in our own grammar, or `{syntax, text}` with what a Custodian policy says.
fn schedule_text<'n>(node: &'n Node, problems: &Findings) -> Option<WrittenSchedule<'n>> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(WrittenSchedule {
            syntax: Syntax::Windows,
            node,
            text: scalar::text(node, "a schedule", problems)?,
            policy: None,
        });
    }
    let object = Object::read(node, &keys::SCHEDULE, problems)?;
    let syntax = object.require("syntax", problems);
    let text = object.require("text", problems);
    let syntax = scalar::choice(syntax?, "syntax", &imported::SYNTAXES, problems);
    let read = scalar::text(text?, "text", problems);
    let policy = imported::policy(&object, syntax?, problems);
    Some(WrittenSchedule {
        syntax: syntax?,
        node: text?,
        text: read?,
        policy,
    })
}

fn wrong_schedule(label: &str, node: &Node, error: &ScheduleError, problems: &Findings) {
    let place = match &error.schedule {
        Some(schedule) => format!("in schedule {schedule:?}, character {}", error.column),
        None => format!("character {}", error.column),
    };
    let message = format!("{label}, {place}: {}", error.problem);
    problems.add(node.at, message, error.remedy.clone());
}

fn remark(schedule: &Schedule, at: Position, warnings: &Findings) {
    for remark in schedule.remarks() {
        warnings.add(at, remark.clone(), "change it if that isn't meant");
    }
}

fn default_schedule(
    object: &Object<'_>,
    schedules: &BTreeMap<String, NamedSchedule>,
    problems: &Findings,
) -> Option<String> {
    let node = object.get("default_schedule")?;
    let name = scalar::text(node, "default_schedule", problems)?;
    // Where a schedule is wrong the name may be right.
    let written = object.get("schedules").is_some_and(
        |node| matches!(&node.value, Value::Map(entries) if entries.iter().any(|(key, _)| key.text == name)),
    );
    if !written {
        let names = || schedules.keys().map(String::as_str);
        let remedy = match nearest(name, names()) {
            Some(near) => format!("did you mean {near:?}?"),
            None if schedules.is_empty() => "add it under `schedules:`".to_owned(),
            None => format!("write one of {}", list(names())),
        };
        problems.add(node.at, format!("there is no schedule {name:?}"), remedy);
    }
    Some(name.to_owned())
}

fn tag(object: &Object<'_>, problems: &Findings) -> String {
    let read = object
        .get("tag")
        .and_then(|node| tag_key(node, "tag", problems));
    read.unwrap_or_else(|| DEFAULT_TAG.to_owned())
}

fn tag_key(node: &Node, label: &str, problems: &Findings) -> Option<String> {
    let key = scalar::text(node, label, problems)?;
    if key.chars().count() <= 128 && crate::backup_tag::is_legal(key) && !key.starts_with("aws:") {
        return Some(key.to_owned());
    }
    let remedy = "write up to 128 letters, digits, spaces and _.:/=+-@; it can't begin with aws:";
    problems.add(
        node.at,
        format!("{label}: {key:?} can't be a tag's key"),
        remedy,
    );
    None
}

fn rules(
    object: &Object<'_>,
    (schedules, context): (&BTreeMap<String, NamedSchedule>, &Context<'_>),
    (problems, warnings): (&Findings, &Findings),
) -> Vec<Rule> {
    let nodes = object
        .get("services")
        .and_then(|node| items(node, "services", problems))
        .unwrap_or_default();
    let rule = |node: &Node| {
        let object = Object::read(node, &keys::RULE, problems)?;
        let matching = object.require("match", problems);
        let matching = matching.map(|node| globs(node, "match", problems));
        let place = object.require("schedule", problems)?;
        let text = scalar::text(place, "schedule", problems)?;
        let read = match schedules.get(text) {
            Some(named) => Ok(named.schedule.clone()),
            None => Schedule::parse_as(Syntax::Windows, text, context),
        };
        match read {
            Ok(schedule) => {
                remark(&schedule, place.at, warnings);
                Some(Rule {
                    matching: matching?,
                    schedule,
                })
            }
            Err(error) => {
                wrong_schedule("schedule", place, &error, problems);
                None
            }
        }
    };
    nodes.iter().filter_map(rule).collect()
}

fn tiers(object: &Object<'_>, problems: &Findings) -> Vec<Tier> {
    let nodes = object
        .get("tiers")
        .and_then(|node| items(node, "tiers", problems))
        .unwrap_or_default();
    let mut tiers: Vec<Tier> = Vec::new();
    for node in nodes {
        let Some(object) = Object::read(node, &keys::TIER, problems) else {
            continue;
        };
        let name = object.require("name", problems);
        let matching = object.require("match", problems);
        let matching = matching.map(|node| globs(node, "match", problems));
        let Some((place, name)) =
            name.and_then(|node| Some((node, scalar::text(node, "name", problems)?)))
        else {
            continue;
        };
        if name == "rest" || tiers.iter().any(|tier| tier.name == name) {
            let message = format!("there is a tier {name:?} already");
            problems.add(
                place.at,
                message,
                "give it another name (what no tier names is the `rest`)",
            );
        }
        tiers.extend(matching.map(|matching| Tier {
            name: name.to_owned(),
            matching,
        }));
    }
    tiers
}

fn prices(object: &Object<'_>, problems: &Findings) -> Option<Prices> {
    let object = Object::read(object.get("prices")?, &keys::PRICES, problems)?;
    let price = |key, default| {
        let read = object
            .get(key)
            .map(|node| number(node, key, (0.0, 1_000.0), problems));
        read.flatten().unwrap_or(default)
    };
    let default = Prices::default();
    let currency = object
        .get("currency")
        .and_then(|node| scalar::text(node, "currency", problems));
    Some(Prices {
        currency: currency.map_or(default.currency, str::to_owned),
        vcpu_hour: price("vcpu_hour", default.vcpu_hour),
        gb_hour: price("gb_hour", default.gb_hour),
    })
}

fn rate(object: &Object<'_>, problems: &Findings) -> Option<Rate> {
    let object = Object::read(object.get("rate")?, &keys::RATE, problems)?;
    let default = Rate::default();
    let burst = object
        .get("burst")
        .and_then(|node| scalar::integer(node, "burst", 1..=10_000, problems))
        .and_then(|burst| u32::try_from(burst).ok());
    let per_second = object
        .get("per_second")
        .and_then(|node| number(node, "per_second", (0.1, 1_000.0), problems));
    let share = object
        .get("share")
        .and_then(|node| share(node, "share", problems));
    Some(Rate {
        burst: burst.unwrap_or(default.burst),
        per_second: per_second.unwrap_or(default.per_second),
        share: share.unwrap_or(default.share),
    })
}

fn also(object: &Object<'_>, problems: &Findings) -> Option<OtherKinds> {
    let object = Object::read(object.get("also")?, &keys::ALSO, problems)?;
    let read = |key| -> Globs {
        let node = object.get(key);
        node.map(|node| names(node, key, problems))
            .unwrap_or_default()
    };
    Some(OtherKinds {
        rds_instances: read("rds_instances"),
        rds_clusters: read("rds_clusters"),
        auto_scaling_groups: read("auto_scaling_groups"),
    })
}
