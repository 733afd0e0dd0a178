//! `metric:` of a check.

use std::time::Duration;

use metric::{Aggregate, Comparison, Direction, Limit, Question, Tolerance};
use strict_yaml::{Key, Node, Object, Value, entries, scalar};

use super::context::Context;
use super::keys;
use crate::probe::metric::{Metric, OLD_FACTS, Query};
use crate::template::Reference;
use crate::words;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const DEFAULT_WINDOW: Duration = Duration::from_mins(5);
/// Values of one window: a page of `CloudWatch`'s answer has room for many more.
const MAX_VALUES: u128 = 1_440;
/// Metrics of one expression.
const MAX_QUERIES: usize = 20;
/// As many as `CloudWatch` takes.
const MAX_DIMENSIONS: usize = 30;
const MAX_SAMPLES: u64 = 1_000_000_000;

/// A mapping.
pub(super) fn metric(node: &Node, context: &Context) -> Option<Metric> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::METRIC, problems)?;
    let queries = object
        .require("queries", problems)
        .and_then(|node| queries(node, context));
    let expression = expression(&object, queries.as_deref(), context);
    let times = times(&object, context);
    let fail_when = object.get("fail_when").map(|node| limit(node, context));
    let compare = compare(&object, queries.as_deref(), context);
    if fail_when.is_none() && object.get("compare_to").is_none() {
        let remedy = "add `fail_when: \"> 1.0\"`, or `compare_to: old`";
        problems.add(object.at, "the metric could never fail", remedy);
        return None;
    }
    let aggregates = [
        ("mean", Aggregate::Mean),
        ("median", Aggregate::Median),
        ("min", Aggregate::Min),
        ("max", Aggregate::Max),
        ("sum", Aggregate::Sum),
        ("last", Aggregate::Last),
    ];
    let aggregate = object
        .get("aggregate")
        .and_then(|node| scalar::choice(node, "aggregate", &aggregates, problems));
    let min_samples = object
        .get("min_samples")
        .and_then(|node| scalar::integer(node, "min_samples", 1..=MAX_SAMPLES, problems));
    let unit = object
        .get("unit")
        .and_then(|node| scalar::text(node, "unit", problems));
    let count = match object.get("samples") {
        None => Some(None),
        Some(node) => counted(node, queries.as_deref(), context).map(Some),
    };
    let (period, window, delay) = times?;
    let (queries, expression) = (queries?, expression?);
    let name = match queries.as_slice() {
        [only] if only.id == expression => only.metric.clone(),
        _ => expression.clone(),
    };
    Some(Metric {
        question: Question {
            name,
            unit: unit.unwrap_or_default().to_owned(),
            aggregate: aggregate.unwrap_or_default(),
            fail_when: match fail_when {
                None => None,
                Some(limit) => Some(limit?),
            },
            compare: compare.ok()?,
            min_samples: min_samples.unwrap_or(1),
        },
        queries,
        expression,
        count: count?,
        period,
        window,
        delay,
    })
}

/// `> 1.0`
pub(super) fn limit(node: &Node, context: &Context) -> Option<Limit> {
    let written = scalar::text(node, "fail_when", &context.problems)?;
    let limit = Limit::parse(written);
    if limit.is_none() {
        let message = format!("fail_when: {written:?} is no limit");
        let remedy = "write a sign and a number: \"> 1.0\", \">= 5\", \"< 0.5\", \"<= 10\"";
        context.problems.add(node.at, message, remedy);
    }
    limit
}

fn queries(node: &Node, context: &Context) -> Option<Vec<Query>> {
    let problems = &context.problems;
    let entries = entries(node, "queries", problems)?;
    if entries.is_empty() || entries.len() > MAX_QUERIES {
        let message = format!("queries has {} entries", entries.len());
        problems.add(node.at, message, format!("write 1 to {MAX_QUERIES}"));
        return None;
    }
    let queries: Vec<Option<Query>> = entries
        .iter()
        .map(|(key, node)| query(key, node, context))
        .collect();
    queries.into_iter().collect()
}

/// `CloudWatch`'s ids begin with a small letter.
fn is_id(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(word)
}

fn query(key: &Key, node: &Node, context: &Context) -> Option<Query> {
    let problems = &context.problems;
    if !is_id(&key.text) {
        let message = format!("{:?} can't be the name of a query", key.text);
        let remedy = "begin with a small letter, and use letters, digits and _";
        problems.add(key.at, message, remedy);
    }
    let object = Object::read(node, &keys::METRIC_QUERY, problems)?;
    let text = |key: &str| {
        let node = object.require(key, problems)?;
        scalar::text(node, key, problems).map(str::to_owned)
    };
    let (namespace, metric, statistic) = (text("namespace"), text("metric"), text("statistic"));
    let dimensions = match object.get("dimensions") {
        None => Some(Vec::new()),
        Some(node) => dimensions(node, context),
    };
    is_id(&key.text).then_some(())?;
    Some(Query {
        id: key.text.clone(),
        namespace: namespace?,
        metric: metric?,
        dimensions: dimensions?,
        statistic: statistic?,
    })
}

fn dimensions(node: &Node, context: &Context) -> Option<Vec<(String, crate::template::Template)>> {
    let problems = &context.problems;
    let entries = entries(node, "dimensions", problems)?;
    if entries.len() > MAX_DIMENSIONS {
        let message = format!("dimensions has {} entries", entries.len());
        problems.add(node.at, message, format!("write up to {MAX_DIMENSIONS}"));
        return None;
    }
    let dimension = |(key, node): &(&Key, &Node)| {
        let written = scalar::loose_text(node, &key.text, problems)?;
        let value = context.template(node, written)?;
        context.is_plain(key).then(|| (key.text.clone(), value))
    };
    let all: Vec<Option<_>> = entries.iter().map(dimension).collect();
    all.into_iter().collect()
}

fn expression(object: &Object<'_>, queries: Option<&[Query]>, context: &Context) -> Option<String> {
    let problems = &context.problems;
    if let Some(node) = object.get("expression") {
        return scalar::text(node, "expression", problems).map(str::to_owned);
    }
    match queries? {
        [only] => Some(only.id.clone()),
        several => {
            let ids = several.iter().map(|query| query.id.as_str());
            let message = "several queries need an expression that makes one value of them";
            let remedy = format!("add `expression`, metric math over {}", words::list(ids));
            problems.add(object.at, message, remedy);
            None
        }
    }
}

/// Period, window and delay.
fn times(object: &Object<'_>, context: &Context) -> Option<(Duration, Duration, Duration)> {
    let problems = &context.problems;
    let period = match object.get("period") {
        None => Some(MINUTE),
        Some(node) => scalar::duration(node, "period", SECOND..=HOUR, problems).filter(|period| {
            let seconds = period.as_secs();
            let fits = period.subsec_millis() == 0
                && (matches!(seconds, 1 | 5 | 10 | 20 | 30) || seconds.is_multiple_of(60));
            if !fits {
                let message = "CloudWatch has no such period";
                problems.add(
                    node.at,
                    message,
                    "write whole minutes, or 1s, 5s, 10s, 20s or 30s",
                );
            }
            fits
        }),
    };
    let window = match object.get("window") {
        None => Some(DEFAULT_WINDOW),
        Some(node) => scalar::duration(node, "window", SECOND..=DAY, problems),
    };
    let delay = match object.get("delay") {
        None => Some(MINUTE),
        Some(node) => scalar::duration(node, "delay", Duration::ZERO..=HOUR, problems),
    };
    let (period, window, delay) = (period?, window?, delay?);
    let values = window.as_millis() / period.as_millis().max(1);
    if values == 0 || values > MAX_VALUES {
        let at = object.get("window").map_or(object.at, |node| node.at);
        let message = format!("a window has {values} values of its period");
        problems.add(at, message, format!("let it have 1 to {MAX_VALUES}"));
        return None;
    }
    Some((period, window, delay))
}

fn counted(node: &Node, queries: Option<&[Query]>, context: &Context) -> Option<String> {
    let ids: Vec<(&str, usize)> = queries?
        .iter()
        .enumerate()
        .map(|(index, query)| (query.id.as_str(), index))
        .collect();
    let index = scalar::choice(node, "samples", &ids, &context.problems)?;
    ids.get(index).map(|(id, _)| (*id).to_owned())
}

/// The problem is noted.
pub(super) struct Invalid;

/// What `compare_to` and its companions say.
fn compare(
    object: &Object<'_>,
    queries: Option<&[Query]>,
    context: &Context,
) -> Result<Option<Comparison>, Invalid> {
    let problems = &context.problems;
    let comparison = comparison(object, &["direction", "tolerance", "significance"], context)?;
    if let (Some(node), Some(queries)) = (object.get("compare_to"), queries)
        && !tells_versions_apart(queries)
    {
        let names: Vec<String> = OLD_FACTS
            .iter()
            .map(|(key, _)| format!("target.{key}"))
            .collect();
        let message = "compare_to: no dimension differs between the old version and the new one";
        let remedy = format!(
            "use one of {} in a dimension",
            words::list(names.iter().map(String::as_str))
        );
        problems.add(node.at, message, remedy);
        return Err(Invalid);
    }
    Ok(comparison)
}

/// What `compare_to` and those of its companions that the object knows say.
pub(super) fn comparison(
    object: &Object<'_>,
    companions: &[&'static str],
    context: &Context,
) -> Result<Option<Comparison>, Invalid> {
    let problems = &context.problems;
    let companion = |key: &str| {
        let key = companions.iter().find(|known| **known == key)?;
        object.get(key)
    };
    let Some(node) = object.get("compare_to") else {
        for key in companions {
            if let Some(node) = object.get(key) {
                let message = format!("{key}: goes with compare_to");
                problems.add(node.at, message, "add `compare_to: old`, or remove it");
            }
        }
        return Ok(None);
    };
    scalar::choice(node, "compare_to", &[("old", ())], problems).ok_or(Invalid)?;
    let directions = [
        ("increase", Direction::Increase),
        ("decrease", Direction::Decrease),
        ("either", Direction::Either),
    ];
    let default = Comparison::default();
    let direction = companion("direction")
        .and_then(|node| scalar::choice(node, "direction", &directions, problems));
    let tolerance = companion("tolerance").and_then(|node| tolerance(node, context));
    let significance =
        companion("significance").and_then(|node| fraction(node, "significance", context));
    Ok(Some(Comparison {
        direction: direction.unwrap_or(default.direction),
        tolerance: tolerance.unwrap_or(default.tolerance),
        significance: significance.unwrap_or(default.significance),
    }))
}

fn tells_versions_apart(queries: &[Query]) -> bool {
    let dimensions = queries.iter().flat_map(|query| &query.dimensions);
    dimensions
        .flat_map(|(_, value)| value.references())
        .any(|reference| match reference {
            Reference::Target(key) => OLD_FACTS.iter().any(|(new, _)| new == key),
            Reference::Name(_) | Reference::Function(_) => false,
        })
}

/// `0.33`, an effect, or `10%`, of the medians.
fn tolerance(node: &Node, context: &Context) -> Option<Tolerance> {
    if let Value::Text(text) = &node.value {
        let percent = text.trim().strip_suffix('%');
        let percent = percent.and_then(|number| number.trim().parse::<f64>().ok());
        if let Some(percent) = percent.filter(|percent| (0.0..=10_000.0).contains(percent)) {
            return Some(Tolerance::Medians(percent / 100.0));
        }
        let message = format!("tolerance: {text:?} is none");
        let remedy =
            "write an effect from 0 to 1, such as 0.33, or a change of the median, such as \"10%\"";
        context.problems.add(node.at, message, remedy);
        return None;
    }
    fraction(node, "tolerance", context).map(Tolerance::Effect)
}

/// A number between 0 and 1.
fn fraction(node: &Node, label: &str, context: &Context) -> Option<f64> {
    let number = match &node.value {
        Value::Number(number, _) => number.as_f64(),
        _ => None,
    };
    let number = number.filter(|number| (0.0..=1.0).contains(number));
    if number.is_none() {
        let message = format!("{label} is a number between 0 and 1");
        context
            .problems
            .add(node.at, message, "write one, such as 0.05");
    }
    number
}
