//! `tls:` of a check.

use strict_yaml::{Node, Object, Value, items, scalar};

use super::comparison::operator;
use super::context::Context;
use super::expect::as_written;
use super::keys;
use super::place::{optional, place};
use crate::expect::Operator;
use crate::probe::place::host_name;
use crate::probe::tls::{MinAge, Tls, TlsVersion};
use crate::template::Template;

/// Names that one certificate is asked for.
const MAX_NAMES: usize = 100;
/// Longer than any certificate is valid.
const MAX_DAYS: u64 = 100_000;

pub(super) fn tls(node: &Node, context: &Context) -> Option<Tls> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::TLS, problems)?;
    let place = place(&object, context);
    let expires_in = optional(&object, "expires_in", |node| expires_in(node, context));
    let names = match object.get("names") {
        None => Some(Vec::new()),
        Some(node) => names(node, context),
    };
    let min_version = optional(&object, "min_version", |node| {
        let versions = [TlsVersion::V1_2, TlsVersion::V1_3];
        let written = scalar::loose_text(node, "min_version", problems)?;
        let found = versions.into_iter().find(|one| one.as_str() == written);
        if found.is_none() {
            let message = format!("min_version: {written:?} is not a version of TLS");
            let remedy = "write 1.2 or 1.3; the gate speaks no older one";
            problems.add(node.at, message, remedy);
        }
        found
    });
    Some(Tls {
        place: place?,
        expires_in: expires_in.ok()?,
        names: names?,
        min_version: min_version.ok()?,
    })
}

/// `> 14d`
fn expires_in(node: &Node, context: &Context) -> Option<MinAge> {
    let written = match &node.value {
        Value::Text(text) | Value::Number(_, text) => text.trim(),
        _ => "",
    };
    let (operator, rest) = operator(written);
    let days = rest.strip_suffix('d').map(str::trim_end);
    let days = days.and_then(|days| days.parse().ok());
    let is_minimum = matches!(operator, Operator::Greater | Operator::AtLeast);
    let limit = days.filter(|days| is_minimum && *days <= MAX_DAYS);
    if limit.is_none() {
        let message = format!("expires_in: {} is not a limit", as_written(node));
        let remedy = "write whole days, as in \"> 14d\" or \">= 30d\"";
        context.problems.add(node.at, message, remedy);
    }
    Some(MinAge {
        days: limit?,
        inclusive: operator == Operator::AtLeast,
    })
}

fn names(node: &Node, context: &Context) -> Option<Vec<Template>> {
    let problems = &context.problems;
    let nodes = items(node, "names", problems)?;
    if nodes.is_empty() || nodes.len() > MAX_NAMES {
        let message = format!("names has {} entries", nodes.len());
        problems.add(node.at, message, format!("write 1 to {MAX_NAMES} names"));
        return None;
    }
    let name = |node: &Node| {
        let written = scalar::text(node, "a name", problems)?;
        let template = context.template(node, written)?;
        if template.is_literal() && host_name(written).is_none() {
            let message = format!("{written:?} is not a host name");
            let remedy = "write a name that must be on the certificate, such as www.example.com";
            problems.add(node.at, message, remedy);
            return None;
        }
        Some(template)
    };
    let names: Vec<Option<Template>> = nodes.iter().map(name).collect();
    names.into_iter().collect()
}
