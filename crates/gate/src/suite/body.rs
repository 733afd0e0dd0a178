//! `body:` of an expectation.

use strict_yaml::{Node, Object, scalar};

use super::comparison::size;
use super::context::Context;
use super::expect::{demanded, text_test};
use super::http::MAX_BODY;
use super::{contradiction, keys};
use crate::body::charset_name;
use crate::expect::{BodyCondition, Expectation, TextCondition, sha256};

enum Condition {
    Text(TextCondition),
    Bytes(BodyCondition),
}

pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    let object = Object::read(node, &keys::BODY, &context.problems)?;
    let tests = object
        .keys()
        .map(|key| condition(&key.text, object.get(&key.text)?, context))
        .collect();
    let (mut text, mut bytes) = (Vec::new(), Vec::new());
    for condition in demanded(node, &object, tests, context)? {
        match condition {
            Condition::Text(condition) => text.push(condition),
            Condition::Bytes(condition) => bytes.push(condition),
        }
    }
    contradiction::together(node, &text, &context.problems)
        .then_some(Expectation::Body { text, bytes })
}

fn condition(key: &str, node: &Node, context: &Context) -> Option<Condition> {
    let most = u64::try_from(*MAX_BODY.end()).unwrap_or(u64::MAX);
    let bytes = match key {
        "size" => size(key, node, most, context).map(BodyCondition::Size),
        "sha256" => named(key, node, context, |written| sha256(written).is_some())
            .map(BodyCondition::Sha256),
        "charset" => named(key, node, context, |written| {
            charset_name(written).is_some()
        })
        .map(BodyCondition::Charset),
        _ => return text_test(key, node, context).map(Condition::Text),
    };
    bytes.map(Condition::Bytes)
}

/// A text that must be of a kind, as far as it is known when the suite is loaded.
fn named(
    key: &str,
    node: &Node,
    context: &Context,
    is_valid: impl Fn(&str) -> bool,
) -> Option<crate::template::Template> {
    let written = scalar::text(node, key, &context.problems)?;
    let template = context.template(node, written)?;
    if template.is_literal() && !is_valid(written) {
        let (noun, remedy) = if key == "sha256" {
            ("a SHA-256", "write its 64 hexadecimal digits")
        } else {
            (
                "a charset",
                "write a name of the Encoding Standard, such as utf-8 or iso-8859-1",
            )
        };
        let message = format!("{key}: {written:?} is not {noun}");
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(template)
}
