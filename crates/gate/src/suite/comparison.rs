//! Comparisons with a whole number, as a suite writes them: `3`, `"> 0"`, `"<= 64KiB"`.

use strict_yaml::{Node, Value};

use super::context::Context;
use super::expect::as_written;
use crate::expect::{Comparison, Operator};

/// A comparison and what it compares with: equality, if no sign is written.
pub(super) fn operator(written: &str) -> (Operator, &str) {
    let signs = [
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("==", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    signs
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, written.strip_prefix(sign)?.trim())))
        .unwrap_or((Operator::Equal, written))
}

/// A demand on how many there are: `3`, or a comparison.
pub(super) fn count(key: &str, node: &Node, context: &Context) -> Option<Comparison> {
    comparison(key, node, exact_json::MAX_SELECTED as u64, context, digits)
}

/// A demand on the length of something in JSON.
pub(super) fn length(node: &Node, context: &Context) -> Option<Comparison> {
    comparison(
        "length",
        node,
        exact_json::MAX_BYTES as u64,
        context,
        digits,
    )
}

/// A demand on a number of bytes; units may be written.
pub(super) fn size(key: &str, node: &Node, most: u64, context: &Context) -> Option<Comparison> {
    comparison(key, node, most, context, |written| {
        let (number, unit) = match written {
            text if text.ends_with("KiB") => (text.trim_end_matches("KiB"), 1024),
            text if text.ends_with("MiB") => (text.trim_end_matches("MiB"), 1024 * 1024),
            text => (text, 1),
        };
        digits(number.trim()).map(|number| number.saturating_mul(unit))
    })
}

/// More digits than a number of 64 bits has are more than anything has, too.
fn digits(written: &str) -> Option<u64> {
    let is_number = !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| written.parse().unwrap_or(u64::MAX))
}

fn comparison(
    key: &str,
    node: &Node,
    most: u64,
    context: &Context,
    number: impl Fn(&str) -> Option<u64>,
) -> Option<Comparison> {
    let written = match &node.value {
        Value::Number(_, text) | Value::Text(text) => text.trim(),
        _ => "",
    };
    let (remedy, noun) = match key {
        "length" => (NUMBER_REMEDY, "a length"),
        "size" => (
            "write \"< 64KiB\", \"<= 2MiB\", \"> 0\" or a number of bytes",
            "a size",
        ),
        _ => (NUMBER_REMEDY, "a count"),
    };
    let (operator, rest) = operator(written);
    let Some(number) = number(rest) else {
        let written = as_written(node);
        let message = format!("{key}: {written} is not {noun}");
        context.problems.add(node.at, message, remedy);
        return None;
    };
    let comparison = Comparison { operator, number };
    if comparison.is_impossible(most) {
        let message = format!("{key}: {written:?} can't hold for anything");
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(comparison)
}

const NUMBER_REMEDY: &str = "write 3, \"> 0\", \">= 1\", \"< 10\" or \"<= 10\"";
