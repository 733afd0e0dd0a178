//! Holidays: dates that stand in the configuration, and iCalendar files that it names.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use schedule::Calendar;
use strict_yaml::{Findings, Node, Object, Value, scalar};

use super::super::{FILE, Files, keys};
use super::texts;

/// Holidays that repeat every year are known for these.
const CALENDAR_YEARS: RangeInclusive<i16> = 2020..=2060;
/// Files that a configuration may name; each may be as large as a calendar gets.
const MAX_FILES: usize = 20;

pub(super) fn read(object: &Object<'_>, files: &Files, problems: &Findings) -> Calendar {
    let mut calendar = Calendar::none();
    let object = object
        .get("calendar")
        .and_then(|node| Object::read(node, &keys::CALENDAR, problems));
    let Some(object) = object else {
        return calendar;
    };
    if let Some(node) = object.get("dates") {
        dates(node, &mut calendar, problems);
    }
    if let Some(node) = object.get("files") {
        let named = texts(node, "files", problems).unwrap_or_default();
        if named.len() > MAX_FILES {
            let message = format!("files has {} entries", named.len());
            problems.add(node.at, message, format!("name {MAX_FILES} at most"));
        }
        for (node, name) in named.into_iter().take(MAX_FILES) {
            file(node, name, files.get(name), (&mut calendar, problems));
        }
    }
    calendar
}

fn dates(node: &Node, calendar: &mut Calendar, problems: &Findings) {
    for (node, written) in texts(node, "dates", problems).unwrap_or_default() {
        let (date, name) = written
            .split_once(char::is_whitespace)
            .unwrap_or((written, ""));
        match date.parse::<Date>() {
            Ok(day) if date.len() == 10 => calendar.insert(day, name.trim()),
            _ => problems.add(
                node.at,
                format!("dates: {date:?} is not a date"),
                "write year, month and day, then a name if you like: 2026-12-25 Christmas Day",
            ),
        }
    }
}

fn file(
    node: &Node,
    name: &str,
    found: Option<&Result<Vec<u8>, String>>,
    (calendar, problems): (&mut Calendar, &Findings),
) {
    let bytes = match found {
        Some(Ok(bytes)) => bytes,
        Some(Err(why)) => {
            let message = format!("the calendar {name:?} could not be read: {why}");
            problems.add(
                node.at,
                message,
                "put it beside the configuration, and let it be read",
            );
            return;
        }
        None => {
            let message = format!("the calendar {name:?} could not be read");
            problems.add(node.at, message, "put the file beside the configuration");
            return;
        }
    };
    match Calendar::from_bytes(bytes, CALENDAR_YEARS) {
        Ok(read) => calendar.extend(&read),
        Err(error) => {
            for problem in error.problems {
                let message = format!("{name}, line {}: {}", problem.line, problem.problem);
                problems.add(node.at, message, problem.remedy);
            }
        }
    }
}

/// The files that a configuration names; what is wrong with it is reported when it is read as a whole.
pub(in crate::config) fn calendar_files(text: &str) -> Vec<String> {
    let get = |node: &Node, key: &str| match &node.value {
        Value::Map(entries) => entries
            .iter()
            .find(|(found, _)| found.text == key)
            .map(|(_, node)| node.clone()),
        _ => None,
    };
    let files = strict_yaml::read(text, FILE)
        .ok()
        .and_then(|root| get(&root, "calendar"))
        .and_then(|calendar| get(&calendar, "files"));
    let ignored = Findings::default();
    let nodes = match files.as_ref().map(|node| &node.value) {
        Some(Value::List(nodes)) => nodes.as_slice(),
        Some(_) => files.as_slice(),
        None => &[],
    };
    nodes
        .iter()
        .take(MAX_FILES)
        .filter_map(|node| scalar::text(node, "files", &ignored))
        .map(str::to_owned)
        .collect()
}
