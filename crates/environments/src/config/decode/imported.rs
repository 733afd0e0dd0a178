//! Other tools' grammars in a configuration: the tags that are imported, and what a Cloud Custodian policy says
//! about values that leave something out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schedule::Syntax;
use schedule::custodian::{DefaultDays, Policy, is_zone};
use strict_yaml::{Findings, Node, Object, Value, entries, scalar};

use super::super::imported::{ImportedSyntax, same_in_any_case};
use super::super::keys;
use super::super::values::texts;
use super::tag_key;

pub(super) const SYNTAXES: [(&str, Syntax); 5] = [
    ("windows", Syntax::Windows),
    ("custodian", Syntax::Custodian),
    ("kube-downscaler", Syntax::KubeDownscaler),
    ("py-kube-downscaler", Syntax::PyKubeDownscaler),
    ("go-kube-downscaler", Syntax::GoKubeDownscaler),
];

/// The keys that only a Custodian policy has.
const POLICY_KEYS: [&str; 6] = [
    "default_tz",
    "on_hour",
    "off_hour",
    "weekends",
    "weekends_only",
    "skip_days",
];

/// `import_tags`.
pub(super) fn tags(object: &Object<'_>, problems: &Findings) -> BTreeMap<String, ImportedSyntax> {
    let mut tags: BTreeMap<String, ImportedSyntax> = BTreeMap::new();
    let entries = object
        .get("import_tags")
        .and_then(|node| entries(node, "import_tags", problems));
    for (key, node) in entries.unwrap_or_default() {
        let place = Node {
            at: key.at,
            value: Value::Text(key.text.clone()),
        };
        let name = tag_key(&place, "import_tags", problems);
        let imported = imported(&format!("import_tags.{}", key.text), node, problems);
        let Some((name, imported)) = name.zip(imported) else {
            continue;
        };
        let is_custodian = |imported: &ImportedSyntax| imported.syntax == Syntax::Custodian;
        let twin = tags.iter().find(|(known, other)| {
            same_in_any_case(known, &name) && is_custodian(other) && is_custodian(&imported)
        });
        if let Some((twin, _)) = twin {
            problems.add(
                key.at,
                format!("import_tags has {name:?} and {twin:?}, which are one to Cloud Custodian"),
                "remove one: it compares keys in any case",
            );
        }
        tags.insert(name, imported);
    }
    tags
}

/// `custodian`, or `{syntax: custodian, off_hour: 20}`.
fn imported(label: &str, node: &Node, problems: &Findings) -> Option<ImportedSyntax> {
    if !matches!(node.value, Value::Map(_)) {
        let syntax = scalar::choice(node, label, &SYNTAXES, problems)?;
        return Some(ImportedSyntax {
            syntax,
            policy: None,
        });
    }
    let object = Object::read(node, &keys::IMPORT_TAG, problems)?;
    let syntax = object.require("syntax", problems);
    let syntax = scalar::choice(syntax?, "syntax", &SYNTAXES, problems)?;
    Some(ImportedSyntax {
        syntax,
        policy: policy(&object, syntax, problems),
    })
}

/// What a policy says, where anything is said of one.
pub(super) fn policy(object: &Object<'_>, syntax: Syntax, problems: &Findings) -> Option<Policy> {
    let given: Vec<(&str, &Node)> = POLICY_KEYS
        .iter()
        .filter_map(|key| Some((*key, object.get(key)?)))
        .collect();
    if given.is_empty() {
        return None;
    }
    if syntax != Syntax::Custodian {
        for (key, node) in given {
            let message =
                format!("{key} belongs to Cloud Custodian's policies, and this is {syntax}");
            problems.add(node.at, message, "remove it, or write `syntax: custodian`");
        }
        return None;
    }
    let default = Policy::default();
    let hour = |key| {
        let read = object
            .get(key)
            .map(|node| scalar::integer(node, key, 0..=23, problems));
        read.flatten().and_then(|hour| u8::try_from(hour).ok())
    };
    let flag = |key| {
        object
            .get(key)
            .and_then(|node| scalar::boolean(node, key, problems))
    };
    let zone = object
        .get("default_tz")
        .and_then(|node| zone(node, problems));
    let skip_days = object.get("skip_days").map(|node| days(node, problems));
    // As c7n decides it: only weekends comes before no weekends.
    let days = match (flag("weekends_only"), flag("weekends")) {
        (Some(true), _) => DefaultDays::WeekendsOnly,
        (_, Some(false)) => DefaultDays::EveryDay,
        _ => DefaultDays::Workdays,
    };
    Some(Policy {
        zone,
        on_hour: hour("on_hour").unwrap_or(default.on_hour),
        off_hour: hour("off_hour").unwrap_or(default.off_hour),
        days,
        skip_days: skip_days.unwrap_or_default(),
    })
}

fn zone(node: &Node, problems: &Findings) -> Option<String> {
    let zone = scalar::text(node, "default_tz", problems)?;
    if is_zone(zone) {
        return Some(zone.to_owned());
    }
    let remedy =
        "write et, ct, mt, pt, gmt, bst or a name of the IANA database, such as Europe/Berlin";
    problems.add(
        node.at,
        format!("default_tz: unknown time zone {zone:?}"),
        remedy,
    );
    None
}

fn days(node: &Node, problems: &Findings) -> BTreeSet<Date> {
    let mut days = BTreeSet::new();
    for (node, written) in texts(node, "skip_days", problems).unwrap_or_default() {
        match written.parse::<Date>() {
            Ok(day) if written.len() == 10 => {
                days.insert(day);
            }
            _ => problems.add(
                node.at,
                format!("skip_days: {written:?} is not a date"),
                "write year, month and day: 2026-12-25",
            ),
        }
    }
    days
}
