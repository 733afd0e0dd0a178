//! `expect:` of a check.

use ::http::header::HeaderName;
use strict_yaml::{KeyTable, Node, Object, Value, items, scalar};

use super::comparison::count;
use super::context::Context;
use super::patterns::pattern;
use super::{body, contradiction, css, json, json_schema, keys, latency, redirects, that};
use crate::evidence::Facet;
use crate::expect::{Expectation, StatusRange, TextCondition};
use crate::probe::Profile;
use crate::probe::http::Request;

/// `of` says what the probe's answer has; none if the probe has problems itself.
pub(super) fn all(
    node: &Node,
    of: Option<&Profile>,
    context: &Context,
) -> Option<Vec<Expectation>> {
    let nodes = items(node, "expect", &context.problems)?;
    if nodes.is_empty() {
        let remedy = "write what must hold, or remove `expect` for any status of 2xx";
        context.problems.add(node.at, "nothing is expected", remedy);
        return None;
    }
    let read = |node| {
        let read = one(node, context)?;
        of.is_none_or(|of| can_be_judged(node, &read, of, context))
            .then_some(read)
    };
    let read: Vec<Option<Expectation>> = nodes.iter().map(read).collect();
    read.into_iter().collect()
}

/// Reports what no answer to this request can meet.
pub(super) fn fits_request(
    node: &Node,
    request: &Request,
    expect: &[Expectation],
    context: &Context,
) {
    let problems = &context.problems;
    contradiction::without_body(node, &request.method, expect, problems);
    contradiction::without_redirects(node, request.follow_redirects, expect, problems);
}

/// Whether the answer of this probe has what the expectation is about.
fn can_be_judged(node: &Node, read: &Expectation, of: &Profile, context: &Context) -> bool {
    let mut needed = read.needs().iter();
    let Some(missing) = needed.find(|facet| !of.answer.contains(facet)) else {
        return true;
    };
    let (key, subject) = (of.key, read.subject());
    let message = match missing.as_str() {
        missing if missing == subject => format!("what `{key}` measures has no {missing}"),
        missing => format!("`{subject}` needs {missing}, and what `{key}` measures has none"),
    };
    let known = of.answer.iter().map(|facet| facet.as_str());
    let known: Vec<&str> = known.collect();
    let remedy = if key == "journey" {
        "write it in the step whose answer it is about".to_owned()
    } else if known.is_empty() {
        format!("remove it: `{key}` has conditions of its own")
    } else {
        let known = known.join(" and ");
        format!("`{key}` has {known}, and conditions of its own among its keys")
    };
    context.problems.add(node.at, message, remedy);
    false
}

/// `revision:` of a suite: one expectation that only an answer of the new revision meets.
pub(super) fn revision(node: &Node, context: &Context) -> Option<Expectation> {
    let read = one(node, context)?;
    let shows = |facet: &Facet| matches!(facet, Facet::Headers | Facet::Body);
    if !read.needs().iter().any(shows) {
        let remedy = "name a header, a field of JSON or something in the body that says which revision answers";
        context.problems.add(
            node.at,
            "status, latency and redirects don't show which revision answered",
            remedy,
        );
        return None;
    }
    Some(read)
}

fn one(node: &Node, context: &Context) -> Option<Expectation> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::EXPECT, problems)?;
    let found: Vec<&str> = object.keys().map(|key| key.text.as_str()).collect();
    let [key] = found.as_slice() else {
        if found.len() > 1 {
            let remedy = "begin a new line with `- ` for each";
            problems.add(node.at, "an expectation has one key", remedy);
        } else if !object.has_unknown_keys() {
            problems.add(
                node.at,
                "the expectation is empty",
                "write `status: 200`, or remove it",
            );
        }
        return None;
    };
    let value = object.get(key)?;
    match *key {
        "status" => status(value, context),
        "header" => header(value, context),
        "body" => body::expectation(value, context),
        "css" => css::expectation(value, context),
        "redirects" => redirects::expectation(value, context),
        "json" => json::expectation(value, context),
        "json_schema" => json_schema::expectation(value, context),
        "that" => that::expectation(value, context),
        _ => latency::expectation(value, context),
    }
}

fn status(node: &Node, context: &Context) -> Option<Expectation> {
    let nodes = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let ranges: Option<Vec<StatusRange>> = nodes
        .iter()
        .map(|node| status_range(node, context))
        .collect();
    if nodes.is_empty() {
        context
            .problems
            .add(node.at, "no status is expected", "write a status: 200");
        return None;
    }
    ranges.map(Expectation::Status)
}

fn status_range(node: &Node, context: &Context) -> Option<StatusRange> {
    const REMEDY: &str = "write 200, [200, 204], 2xx or 200-299";
    let written = match &node.value {
        Value::Number(_, text) | Value::Text(text) => text.trim(),
        _ => "",
    };
    let code = |text: &str| {
        text.trim()
            .parse::<u16>()
            .ok()
            .filter(|code| (100..=599).contains(code))
    };
    let class = written
        .strip_suffix("xx")
        .and_then(|first| first.parse::<u16>().ok());
    let range = match (class, written.split_once('-')) {
        (Some(class @ 1..=5), _) => Some(StatusRange {
            first: class * 100,
            last: class * 100 + 99,
        }),
        (_, Some((first, last))) => code(first)
            .zip(code(last))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| StatusRange { first, last }),
        _ => code(written).map(|code| StatusRange {
            first: code,
            last: code,
        }),
    };
    match range {
        None => {
            let message = format!("{} is not a status", as_written(node));
            context.problems.add(node.at, message, REMEDY);
            None
        }
        // 101 is final, where somebody asked for it.
        Some(range) if range.last < 200 && !(range.first..=range.last).contains(&101) => {
            let message = format!("{written}: what comes with 1xx is not the answer yet");
            context.problems.add(node.at, message, REMEDY);
            None
        }
        range => range,
    }
}

/// What stands there, for problems: in quotes if it is text, its kind if it is more than one value.
pub(super) fn as_written(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => format!("{text:?}"),
        Value::Bool(_, written) | Value::Number(_, written) => written.clone(),
        other => other.kind().to_owned(),
    }
}

fn header(node: &Node, context: &Context) -> Option<Expectation> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::HEADER, problems)?;
    let name = object.require("name", problems).and_then(|node| {
        let written = scalar::text(node, "name", problems)?;
        let name = HeaderName::from_bytes(written.as_bytes()).ok();
        if name.is_none() {
            let message = format!("{written:?} can't be the name of a header");
            problems.add(node.at, message, "use letters, digits and -");
        }
        name
    });
    let tests = text_tests(node, &object, context);
    Some(Expectation::Header {
        name: name?,
        tests: tests?,
    })
}

pub(super) fn text_tests(
    node: &Node,
    object: &Object<'_>,
    context: &Context,
) -> Option<Vec<TextCondition>> {
    let keys = object.keys().filter(|key| key.text != "name");
    let tests = keys
        .map(|key| text_test(&key.text, object.get(&key.text)?, context))
        .collect();
    let tests = demanded(node, object, tests, context)?;
    contradiction::together(node, &tests, &context.problems).then_some(tests)
}

/// A text that the condition `bare` is about, or a mapping of conditions.
pub(super) fn text_or_tests(
    node: &Node,
    bare: &str,
    keys: &'static KeyTable,
    context: &Context,
) -> Option<Vec<TextCondition>> {
    if !matches!(node.value, Value::Map(_)) {
        return text_test(bare, node, context).map(|test| vec![test]);
    }
    let object = Object::read(node, keys, &context.problems)?;
    text_tests(node, &object, context)
}

/// One condition on a text.
pub(super) fn text_test(key: &str, node: &Node, context: &Context) -> Option<TextCondition> {
    let problems = &context.problems;
    let template = || {
        let written = scalar::loose_text(node, key, problems)?;
        context.template(node, written)
    };
    match key {
        "equals" => template().map(TextCondition::Equals),
        "not_equals" => template().map(TextCondition::NotEquals),
        "contains" => template().map(TextCondition::Contains),
        "not_contains" => template().map(TextCondition::NotContains),
        "matches" => pattern(key, node, context).map(TextCondition::Matches),
        "not_matches" => pattern(key, node, context).map(TextCondition::NotMatches),
        "count" => count(key, node, context).map(TextCondition::Count),
        _ => scalar::boolean(node, key, problems).map(TextCondition::Exists),
    }
}

/// A demand without a single condition would be met by anything.
pub(super) fn demanded<T>(
    node: &Node,
    object: &Object<'_>,
    tests: Vec<Option<T>>,
    context: &Context,
) -> Option<Vec<T>> {
    if tests.is_empty() && object.has_unknown_keys() {
        return None;
    }
    if tests.is_empty() {
        let message = "the expectation says what to look at, but not what must hold";
        context.problems.add(
            node.at,
            message,
            "add `equals:`, `contains:`, `matches:` or another",
        );
        return None;
    }
    tests.into_iter().collect()
}
