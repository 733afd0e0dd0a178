//! `dns:` of a check.

use strict_yaml::{Node, Object, Value, items, scalar};

use super::comparison::operator;
use super::context::Context;
use super::expect::as_written;
use super::keys;
use super::place::optional;
use crate::expect::Comparison;
use crate::probe::dns::{Dns, RecordType, is_name};
use crate::template::Template;

/// Records that are named one by one.
const MAX_RECORDS: usize = 100;

pub(super) fn dns(node: &Node, context: &Context) -> Option<Dns> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::DNS, problems)?;
    let name = object.require("name", problems).and_then(|node| {
        let written = scalar::text(node, "name", problems)?;
        let template = context.template(node, written)?;
        if template.is_literal() && !is_name(written) {
            let message = format!("name: {written:?} is not a name that can be looked up");
            let remedy = "write a name such as shop.example.com, without scheme, port or path";
            problems.add(node.at, message, remedy);
            return None;
        }
        Some(template)
    });
    let types = RecordType::ALL.map(|one| (one.as_str(), one));
    let record_type = match object.get("type") {
        None => Some(RecordType::A),
        Some(node) => scalar::choice(node, "type", &types, problems),
    };
    let contains = optional(&object, "contains", |node| {
        records(node, "contains", context)
    });
    let equals = optional(&object, "equals", |node| records(node, "equals", context));
    let count = optional(&object, "count", |node| count(node, context));
    Some(Dns {
        name: name?,
        record_type: record_type?,
        contains: contains.ok()?.unwrap_or_default(),
        equals: equals.ok()?,
        count: count.ok()?,
    })
}

/// One or a list.
fn records(node: &Node, key: &str, context: &Context) -> Option<Vec<Template>> {
    let problems = &context.problems;
    let nodes = match &node.value {
        Value::List(_) => items(node, key, problems)?,
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() || nodes.len() > MAX_RECORDS {
        let message = format!("{key} has {} entries", nodes.len());
        let remedy = format!("write 1 to {MAX_RECORDS} records; for none, `count: 0`");
        problems.add(node.at, message, remedy);
        return None;
    }
    let record = |node: &Node| {
        let written = scalar::loose_text(node, key, problems)?;
        context.template(node, written)
    };
    let records: Vec<Option<Template>> = nodes.iter().map(record).collect();
    records.into_iter().collect()
}

/// `3` or `"> 0"`
fn count(node: &Node, context: &Context) -> Option<Comparison> {
    let written = match &node.value {
        Value::Text(text) | Value::Number(_, text) => text.trim(),
        _ => "",
    };
    let (operator, rest) = operator(written);
    let Ok(number) = rest.parse() else {
        let message = format!("count: {} is not a number of records", as_written(node));
        let remedy = "write 3, \"> 0\", \">= 1\", \"< 10\" or \"<= 10\"";
        context.problems.add(node.at, message, remedy);
        return None;
    };
    Some(Comparison { operator, number })
}
