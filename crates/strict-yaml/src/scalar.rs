//! Single values: text, numbers, durations, sizes, choices. Each knows its range and its remedy.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::findings::Findings;
use crate::node::{Node, Value};
use crate::words;

/// Text, which is not empty. A number or a boolean is refused: YAML has already changed it.
pub fn text<'n>(node: &'n Node, label: &str, problems: &Findings) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text),
        Value::Text(_) | Value::Null => {
            problems.add(
                node.at,
                format!("{label} is empty"),
                "write something, or remove the key",
            );
            None
        }
        other => {
            let message = format!("{label} is text, not {}", other.kind());
            problems.add(node.at, message, "put it in quotes");
            None
        }
    }
}

/// Text as it is compared or sent: may be empty; numbers and booleans as they were written.
pub fn loose_text<'n>(node: &'n Node, label: &str, problems: &Findings) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) | Value::Bool(_, text) | Value::Number(_, text) => Some(text),
        other => {
            let message = format!("{label} is text, not {}", other.kind());
            problems.add(
                node.at,
                message,
                "write one value, in quotes if it is empty",
            );
            None
        }
    }
}

/// `true` or `false`, not in quotes.
pub fn boolean(node: &Node, label: &str, problems: &Findings) -> Option<bool> {
    if let Value::Bool(value, _) = &node.value {
        return Some(*value);
    }
    let message = format!("{label} is true or false, not {}", node.value.kind());
    problems.add(node.at, message, "write true or false, without quotes");
    None
}

/// A whole number in a range.
pub fn integer(
    node: &Node,
    label: &str,
    range: RangeInclusive<u64>,
    problems: &Findings,
) -> Option<u64> {
    let (low, high) = (range.start(), range.end());
    let value = match &node.value {
        Value::Number(number, _) => number.as_u64(),
        other => {
            let message = format!("{label} is a whole number, not {}", other.kind());
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
        let message = format!("{label} is out of range");
        problems.add(
            node.at,
            message,
            format!("write a whole number from {low} to {high}"),
        );
    }
    inside
}

/// A duration with a unit, in a range.
pub fn duration(
    node: &Node,
    label: &str,
    range: RangeInclusive<Duration>,
    problems: &Findings,
) -> Option<Duration> {
    const REMEDY: &str = "write a number and a unit: 500ms, 10s, 1m30s, 2h";
    let written = match &node.value {
        Value::Text(text) => text.as_str(),
        Value::Number(_, number) => {
            problems.add(
                node.at,
                format!("{label} has no unit"),
                format!("write {number}s or {number}ms"),
            );
            return None;
        }
        other => {
            problems.add(
                node.at,
                format!("{label} is a duration, not {}", other.kind()),
                REMEDY,
            );
            return None;
        }
    };
    let Some(parsed) = parse_duration(written) else {
        problems.add(
            node.at,
            format!("{label}: {written:?} is not a duration"),
            REMEDY,
        );
        return None;
    };
    if !range.contains(&parsed) {
        let (low, high) = (
            words::duration(*range.start()),
            words::duration(*range.end()),
        );
        let message = format!("{label}: {written:?} is out of range");
        problems.add(node.at, message, format!("write {low} to {high}"));
        return None;
    }
    Some(parsed)
}

/// `500ms`, `10s`, `1m30s`, `2h`; whole numbers, each unit once, the larger first.
pub fn parse_duration(written: &str) -> Option<Duration> {
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
pub fn size(
    node: &Node,
    label: &str,
    range: RangeInclusive<usize>,
    problems: &Findings,
) -> Option<usize> {
    let written = loose_text(node, label, problems)?;
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
        let (low, high) = (words::bytes(*range.start()), words::bytes(*range.end()));
        let message = format!("{label}: {written:?} is not a size in range");
        problems.add(
            node.at,
            message,
            format!("write {low} to {high}, such as 64KiB or 2MiB"),
        );
    }
    inside
}

/// One of several words.
pub fn choice<T: Copy>(
    node: &Node,
    label: &str,
    choices: &[(&str, T)],
    problems: &Findings,
) -> Option<T> {
    let written = text(node, label, problems)?;
    let found = choices
        .iter()
        .find(|(word, _)| *word == written)
        .map(|(_, value)| *value);
    if found.is_none() {
        let words = choices.iter().map(|(word, _)| *word);
        let remedy = match problems.nearest(written, words.clone()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("write one of {}", words::list(words)),
        };
        problems.add(node.at, format!("{label}: unknown {written:?}"), remedy);
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
