//! Single values: text, numbers, durations, sizes, choices. Each knows its range and its remedy.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::node::{Node, Value};
use super::object::Problems;
use crate::text;

/// Text, which is not empty. A number or a boolean is refused: YAML has already changed it.
pub(super) fn text<'n>(node: &'n Node, told: &str, problems: &Problems) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text),
        Value::Text(_) | Value::Null => {
            problems.add(
                node.at,
                format!("{told} is empty"),
                "write something, or remove the key",
            );
            None
        }
        other => {
            let message = format!("{told} is text, not {}", other.kind());
            problems.add(node.at, message, "put it in quotes");
            None
        }
    }
}

/// Text as it is compared or sent: may be empty; numbers and booleans as they were written.
pub(super) fn loose_text<'n>(node: &'n Node, told: &str, problems: &Problems) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) | Value::Bool(_, text) | Value::Number(_, text) => Some(text),
        other => {
            let message = format!("{told} is text, not {}", other.kind());
            problems.add(
                node.at,
                message,
                "write one value, in quotes if it is empty",
            );
            None
        }
    }
}

pub(super) fn boolean(node: &Node, told: &str, problems: &Problems) -> Option<bool> {
    if let Value::Bool(value, _) = &node.value {
        return Some(*value);
    }
    let message = format!("{told} is true or false, not {}", node.value.kind());
    problems.add(node.at, message, "write true or false, without quotes");
    None
}

pub(super) fn integer(
    node: &Node,
    told: &str,
    range: RangeInclusive<u64>,
    problems: &Problems,
) -> Option<u64> {
    let (low, high) = (range.start(), range.end());
    let value = match &node.value {
        Value::Number(number, _) => number.as_u64(),
        other => {
            let message = format!("{told} is a whole number, not {}", other.kind());
            problems.add(
                node.at,
                message,
                format!("write a number from {low} to {high}"),
            );
            return None;
        }
    };
    let inside = value.filter(|value| range.contains(value));
    if inside.is_none() {
        let message = format!("{told} is out of range");
        problems.add(
            node.at,
            message,
            format!("write a whole number from {low} to {high}"),
        );
    }
    inside
}

pub(super) fn duration(
    node: &Node,
    told: &str,
    range: RangeInclusive<Duration>,
    problems: &Problems,
) -> Option<Duration> {
    const REMEDY: &str = "write a number and a unit: 500ms, 10s, 1m30s, 2h";
    let written = match &node.value {
        Value::Text(text) => text.as_str(),
        Value::Number(_, number) => {
            problems.add(
                node.at,
                format!("{told} has no unit"),
                format!("write {number}s or {number}ms"),
            );
            return None;
        }
        other => {
            problems.add(
                node.at,
                format!("{told} is a duration, not {}", other.kind()),
                REMEDY,
            );
            return None;
        }
    };
    let Some(parsed) = parse_duration(written) else {
        problems.add(
            node.at,
            format!("{told}: {written:?} is not a duration"),
            REMEDY,
        );
        return None;
    };
    if !range.contains(&parsed) {
        let (low, high) = (text::duration(*range.start()), text::duration(*range.end()));
        let message = format!("{told}: {written:?} is out of range");
        problems.add(node.at, message, format!("write {low} to {high}"));
        return None;
    }
    Some(parsed)
}

/// `500ms`, `10s`, `1m30s`, `2h`; whole numbers, each unit once, the larger first.
pub(super) fn parse_duration(written: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = written.trim();
    let mut total = 0_u64;
    let mut next_unit = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let unit = UNITS
            .iter()
            .position(|(name, _)| *name == &after[..letters])?;
        if unit < next_unit {
            return None;
        }
        next_unit = unit + 1;
        total = total.checked_add(number.checked_mul(UNITS[unit].1)?)?;
        rest = &after[letters..];
    }
    Some(Duration::from_millis(total))
}

/// A size in bytes: a number, `64KiB` or `2MiB`.
pub(super) fn size(
    node: &Node,
    told: &str,
    range: RangeInclusive<usize>,
    problems: &Problems,
) -> Option<usize> {
    let written = loose_text(node, told, problems)?;
    let (digits, unit) = match written.trim() {
        text if text.ends_with("KiB") => (text.trim_end_matches("KiB"), 1024),
        text if text.ends_with("MiB") => (text.trim_end_matches("MiB"), 1024 * 1024),
        text => (text, 1),
    };
    let parsed = digits
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|n| n.checked_mul(unit));
    let inside = parsed.filter(|size| range.contains(size));
    if inside.is_none() {
        let (low, high) = (text::bytes(*range.start()), text::bytes(*range.end()));
        let message = format!("{told}: {written:?} is not a size in range");
        problems.add(
            node.at,
            message,
            format!("write {low} to {high}, such as 64KiB or 2MiB"),
        );
    }
    inside
}

/// One of several words.
pub(super) fn choice<T: Copy>(
    node: &Node,
    told: &str,
    choices: &[(&str, T)],
    problems: &Problems,
) -> Option<T> {
    let written = text(node, told, problems)?;
    let found = choices
        .iter()
        .find(|(word, _)| *word == written)
        .map(|(_, value)| *value);
    if found.is_none() {
        let words = choices.iter().map(|(word, _)| *word);
        let remedy = match text::nearest(written, words.clone()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("write one of {}", text::list(words)),
        };
        problems.add(node.at, format!("{told}: unknown {written:?}"), remedy);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_in_order() {
        let millis = |text| parse_duration(text).map(|d| d.as_millis());
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("10m"), Some(600_000));
        assert_eq!(millis("1m30s"), Some(90_000));
        assert_eq!(millis("1h2m3s4ms"), Some(3_723_004));
        for bad in [
            "",
            "10",
            "s",
            "1s1m",
            "1s1s",
            "1.5s",
            "-1s",
            "1 s",
            "99999999999999999999h",
            "5M",
        ] {
            assert_eq!(millis(bad), None, "{bad:?}");
        }
    }
}
