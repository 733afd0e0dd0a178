//! `json:` of an expectation, and JSON with templates wherever a suite has it.

use strict_yaml::{Node, Object, Value, entries, scalar};

use super::comparison::{count, length};
use super::context::Context;
use super::expect::demanded;
use super::keys;
use super::patterns::pattern;
use crate::expect::{Expectation, JsonCondition, JsonType, PathTemplate, contradiction};
use crate::json_template::{JsonTemplate, json_number};
use crate::words;

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

pub(super) fn path(node: &Node, context: &Context) -> Option<PathTemplate> {
    let problems = &context.problems;
    let written = scalar::text(node, "path", problems)?;
    let template = context.template(node, written)?;
    let used = &context.path_patterns;
    if used.get() > MAX_PATH_PATTERNS && (written.contains('(') || !template.is_literal()) {
        // The bound is a problem already.
        return None;
    }
    match PathTemplate::new(template, |reference| context.known(reference)) {
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
                format!(", filled as {},", words::quote(&bad.filled))
            };
            let (message, character) = (bad.error.message, bad.error.character);
            let message =
                format!("{written:?}{filled} is not a JSONPath: {message} (character {character})");
            problems.add(node.at, message, bad.error.remedy);
            None
        }
    }
}

fn test(key: &str, node: &Node, context: &Context) -> Option<JsonCondition> {
    let problems = &context.problems;
    match key {
        "equals" => json_template(node, context).map(JsonCondition::Equals),
        "not_equals" => json_template(node, context).map(JsonCondition::NotEquals),
        "contains" => json_template(node, context).map(JsonCondition::Contains),
        "not_contains" => json_template(node, context).map(JsonCondition::NotContains),
        "matches" => pattern(key, node, context).map(JsonCondition::Matches),
        "not_matches" => pattern(key, node, context).map(JsonCondition::NotMatches),
        "count" => count(key, node, context).map(JsonCondition::Count),
        "exists" => scalar::boolean(node, key, problems).map(JsonCondition::Exists),
        "length" => length(node, context).map(JsonCondition::Length),
        "greater_than" => limit(key, node, context).map(JsonCondition::GreaterThan),
        "less_than" => limit(key, node, context).map(JsonCondition::LessThan),
        "at_least" => limit(key, node, context).map(JsonCondition::AtLeast),
        "at_most" => limit(key, node, context).map(JsonCondition::AtMost),
        _ => types(node, context).map(JsonCondition::Type),
    }
}

/// A type, or several of which a value may have any.
fn types(node: &Node, context: &Context) -> Option<Vec<JsonType>> {
    let problems = &context.problems;
    let nodes = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() {
        problems.add(node.at, "`type` names no type", "write `type: object`");
    }
    let types: Vec<Option<JsonType>> = nodes
        .iter()
        .map(|node| scalar::choice(node, "type", &JsonType::ALL, problems))
        .collect();
    let types = types.into_iter().collect::<Option<Vec<_>>>()?;
    (!types.is_empty()).then_some(types)
}

/// A number, or a text with references that can be one.
fn limit(key: &str, node: &Node, context: &Context) -> Option<JsonTemplate> {
    let template = json_template(node, context)?;
    let message = match (&node.value, &template) {
        (Value::Number(..), _) => return Some(template),
        (Value::Text(_), JsonTemplate::Text(text)) => {
            let fill =
                |reference: &_| Ok(context.known(reference).unwrap_or_else(|| "1".to_owned()));
            let filled = text.render_with(fill).unwrap_or_default();
            if filled.trim().parse::<exact_json::Number>().is_ok() {
                return Some(template);
            }
            format!("{key} is a number, not {}", words::quote(&filled))
        }
        _ => format!("{key} is a number, not {}", node.value.kind()),
    };
    let remedy = "write a number without quotes, or a reference to one";
    context.problems.add(node.at, message, remedy);
    None
}

/// JSON with templates in its strings.
pub(super) fn json_template(node: &Node, context: &Context) -> Option<JsonTemplate> {
    Some(match &node.value {
        Value::Null => JsonTemplate::Fixed(exact_json::Value::Null),
        Value::Bool(value, _) => JsonTemplate::Fixed((*value).into()),
        Value::Number(number, written) => {
            if !context.is_json(node, number, written) {
                return None;
            }
            JsonTemplate::Fixed(json_number(number))
        }
        Value::Text(written) => {
            let template = context.template(node, written)?;
            if !context.is_json_template(node, &template) {
                return None;
            }
            if template.is_literal() {
                JsonTemplate::Fixed(written.clone().into())
            } else {
                JsonTemplate::Text(template)
            }
        }
        Value::List(items) => {
            let templates: Vec<Option<JsonTemplate>> = items
                .iter()
                .map(|item| json_template(item, context))
                .collect();
            JsonTemplate::List(templates.into_iter().collect::<Option<_>>()?)
        }
        Value::Map(_) => {
            let entries = entries(node, "the object", &context.problems)?;
            let templates: Vec<Option<(String, JsonTemplate)>> = entries
                .into_iter()
                .map(|(key, value)| {
                    let plain = context.is_plain(key);
                    let template = json_template(value, context)?;
                    plain.then(|| (key.text.clone(), template))
                })
                .collect();
            JsonTemplate::Map(templates.into_iter().collect::<Option<_>>()?)
        }
    })
}
