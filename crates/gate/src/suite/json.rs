//! `json:` of an expectation.

use strict_yaml::{Node, Object, Value, scalar};

use super::decode::Context;
use super::expect::{demanded, operator, pattern};
use super::{http, keys};
use crate::expect::{Comparison, Expectation, JsonTest, JsonType, Path, Shape, contradiction};
use crate::text;

/// Regular expressions in the paths of one suite. Each takes milliseconds to compile.
const MAX_PATH_PATTERNS: usize = 32;

pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::JSON, problems)?;
    let path = object
        .require("path", problems)
        .and_then(|node| path(node, context));
    let mut tests = Vec::new();
    for key in object.keys().filter(|key| key.text != "path") {
        let value = object.get(&key.text)?;
        tests.push(test(&key.text, value, context));
    }
    let tests = demanded(node, &object, tests, context);
    if let Some((one, other)) = tests.as_deref().and_then(contradiction) {
        let (one, other) = (one.name(), other.name());
        let message =
            format!("`{one}` and `{other}` contradict each other, so this can never hold");
        let remedy = "remove one, or make two expectations if two values are meant";
        problems.add(node.at, message, remedy);
        return None;
    }
    Some(Expectation::Json {
        path: path?,
        tests: tests?,
    })
}

fn path(node: &Node, context: &Context) -> Option<Path> {
    let problems = &context.problems;
    let written = scalar::text(node, "path", problems)?;
    let template = context.template(node, written)?;
    let used = &context.path_patterns;
    if used.get() > MAX_PATH_PATTERNS && (written.contains('(') || !template.is_literal()) {
        // The bound is a problem already.
        return None;
    }
    match Path::new(template, |reference| context.known(reference)) {
        Ok(path) => {
            used.set(used.get() + path.patterns());
            if used.get() > MAX_PATH_PATTERNS {
                let message = format!(
                    "the paths of the suite, up to this one, have more than {MAX_PATH_PATTERNS} \
                     regular expressions"
                );
                problems.add(node.at, message, "use fewer, or the condition `matches`");
                return None;
            }
            Some(path)
        }
        Err(bad) => {
            let filled = if bad.filled == written {
                String::new()
            } else {
                format!(", filled as {},", text::quote(&bad.filled))
            };
            let (message, character) = (bad.error.message, bad.error.character);
            let message =
                format!("{written:?}{filled} is not a JSONPath: {message} (character {character})");
            problems.add(node.at, message, bad.error.remedy);
            None
        }
    }
}

fn test(key: &str, node: &Node, context: &Context) -> Option<JsonTest> {
    let problems = &context.problems;
    match key {
        "equals" => http::shape(node, context).map(JsonTest::Equals),
        "not_equals" => http::shape(node, context).map(JsonTest::NotEquals),
        "contains" => http::shape(node, context).map(JsonTest::Contains),
        "matches" => pattern(node, context).map(JsonTest::Matches),
        "exists" => scalar::boolean(node, key, problems).map(JsonTest::Exists),
        "length" => length(node, context).map(JsonTest::Length),
        "greater_than" => limit(key, node, context).map(JsonTest::GreaterThan),
        "less_than" => limit(key, node, context).map(JsonTest::LessThan),
        _ => scalar::choice(node, key, &JsonType::ALL, problems).map(JsonTest::Type),
    }
}

/// A number, or a text with references that can be one.
fn limit(key: &str, node: &Node, context: &Context) -> Option<Shape> {
    let shape = http::shape(node, context)?;
    let message = match (&node.value, &shape) {
        (Value::Number(..), _) => return Some(shape),
        (Value::Text(_), Shape::Text(template)) => {
            let fill =
                |reference: &_| Ok(context.known(reference).unwrap_or_else(|| "1".to_owned()));
            let filled = template.render_with(fill).unwrap_or_default();
            if filled.trim().parse::<exact_json::Number>().is_ok() {
                return Some(shape);
            }
            format!("{key} is a number, not {}", text::quote(&filled))
        }
        _ => format!("{key} is a number, not {}", node.value.kind()),
    };
    let remedy = "write a number without quotes, or a reference to one";
    context.problems.add(node.at, message, remedy);
    None
}

/// `3`, or a comparison: `"> 0"`, `">= 1"`, `"<= 10"`.
fn length(node: &Node, context: &Context) -> Option<Comparison> {
    const REMEDY: &str = "write 3, \"> 0\", \">= 1\", \"< 10\" or \"<= 10\"";
    let written = match &node.value {
        Value::Number(_, text) | Value::Text(text) => text.trim(),
        _ => "",
    };
    let (operator, digits) = operator(written);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let written = super::expect::as_written(node);
        let message = format!("length: {written} is not a length");
        context.problems.add(node.at, message, REMEDY);
        return None;
    }
    // More digits than a number of 64 bits has are more than anything has, too.
    let number = digits.parse().unwrap_or(u64::MAX);
    let comparison = Comparison { operator, number };
    if comparison.is_impossible() {
        let message = format!("length: {written:?} can't hold for anything");
        context.problems.add(node.at, message, REMEDY);
        return None;
    }
    Some(comparison)
}
