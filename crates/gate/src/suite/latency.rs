//! `latency:` of an expectation: one limit, or one for each phase.

use std::time::Duration;

use strict_yaml::{Node, Object, Value, scalar};

use super::comparison::operator;
use super::context::Context;
use super::expect::{as_written, demanded};
use super::keys;
use crate::expect::{Expectation, LatencyLimit, Operator, Phase};

/// `"< 800ms"`, or a mapping of phases.
pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    if !matches!(node.value, Value::Map(_)) {
        let limit = limit("latency", Phase::Total, node, context)?;
        return Some(Expectation::Latency(vec![limit]));
    }
    let object = Object::read(node, &keys::LATENCY, &context.problems)?;
    let limits = Phase::ALL
        .into_iter()
        .filter_map(|(key, phase)| Some((key, phase, object.get(key)?)));
    let limits: Vec<_> = limits
        .map(|(key, phase, node)| limit(key, phase, node, context))
        .collect();
    let limits = demanded(node, &object, limits, context)?;
    Some(Expectation::Latency(limits))
}

fn limit(key: &str, phase: Phase, node: &Node, context: &Context) -> Option<LatencyLimit> {
    let written = match &node.value {
        Value::Text(text) | Value::Number(_, text) => text.trim(),
        _ => "",
    };
    let (operator, rest) = operator(written);
    let limit = scalar::parse_duration(rest);
    let inclusive = operator == Operator::AtMost;
    match (operator, limit) {
        (Operator::Less | Operator::AtMost, Some(Duration::ZERO)) => {
            let message = format!("{key}: {written:?} can't hold, because every answer takes time");
            let remedy = "write \"< 800ms\" or \"<= 2s\"";
            context.problems.add(node.at, message, remedy);
            None
        }
        (Operator::Less | Operator::AtMost, Some(limit)) => Some(LatencyLimit {
            phase,
            limit,
            inclusive,
        }),
        _ => {
            let message = format!("{key}: {} is not a limit", as_written(node));
            context.problems.add(node.at, message, limit_meant(rest));
            None
        }
    }
}

/// The limit that somebody meant who wrote a duration, or a number, without the rest.
fn limit_meant(rest: &str) -> String {
    let number = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    if number {
        return format!("write \"< {rest}ms\" or \"< {rest}s\"");
    }
    match scalar::parse_duration(rest).filter(|limit| !limit.is_zero()) {
        Some(_) => format!("write \"< {rest}\" or \"<= {rest}\""),
        None => "write \"< 800ms\" or \"<= 2s\"".to_owned(),
    }
}
