//! `css:` of an expectation.

use std::sync::Arc;

use scraper::Selector;
use strict_yaml::{Node, Object, scalar};

use super::context::Context;
use super::expect::{demanded, text_test};
use super::{contradiction, keys};
use crate::expect::{CssExpectation, Expectation};
use crate::words;

/// Characters of one selector.
const MAX_SELECTOR: usize = 1024;

pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::CSS, problems)?;
    let found = object
        .require("select", problems)
        .and_then(|node| found(node, object.get("attribute"), context));
    if let (Some(node), Some(_)) = (object.get("text"), object.get("attribute")) {
        let message = "`text` is of the element, and `attribute` asks for an attribute of it";
        problems.add(node.at, message, "write `equals` for the attribute");
        return None;
    }
    let tests = object
        .keys()
        .filter(|key| !matches!(key.text.as_str(), "select" | "attribute"))
        .map(|key| {
            let name = if key.text == "text" {
                "equals"
            } else {
                &key.text
            };
            text_test(name, object.get(&key.text)?, context)
        })
        .collect();
    let tests = demanded(node, &object, tests, context)?;
    if !contradiction::together(node, &tests, problems) {
        return None;
    }
    Some(Expectation::Css(CssExpectation { tests, ..found? }))
}

/// What a selector finds, or an attribute of it; without conditions.
pub(super) fn found(
    select: &Node,
    attribute: Option<&Node>,
    context: &Context,
) -> Option<CssExpectation> {
    let selector = selector(select, context);
    let attribute = match attribute {
        None => Some(None),
        Some(node) => scalar::text(node, "attribute", &context.problems)
            .filter(|name| is_attribute(name, node, context))
            .map(|name| Some(name.to_ascii_lowercase())),
    };
    let (written, selector) = selector?;
    Some(CssExpectation {
        written,
        selector: Arc::new(selector),
        attribute: attribute?,
        tests: Vec::new(),
    })
}

fn selector(node: &Node, context: &Context) -> Option<(String, Selector)> {
    let problems = &context.problems;
    let written = scalar::text(node, "select", problems)?;
    if written.contains("{{") {
        let message = "a selector can't have references";
        problems.add(node.at, message, "write a fixed selector");
        return None;
    }
    if written.len() > MAX_SELECTOR {
        let bound = words::bytes(MAX_SELECTOR);
        let message = format!("the selector is longer than {bound}");
        problems.add(node.at, message, "write it shorter");
        return None;
    }
    let selector = Selector::parse(written).ok();
    if selector.is_none() {
        let message = format!("{written:?} is not a CSS selector that can be judged");
        let remedy = "write elements, classes, ids, attributes and combinators, such as \
                      \"main > h1\" or \"a[href^='/buy']\"; states such as :hover don't exist here";
        problems.add(node.at, message, remedy);
    }
    selector.map(|selector| (written.trim().to_owned(), selector))
}

fn is_attribute(name: &str, node: &Node, context: &Context) -> bool {
    let is_name = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'));
    if !is_name {
        let message = format!("{name:?} can't be the name of an attribute");
        let remedy = "use letters, digits and -";
        context.problems.add(node.at, message, remedy);
    }
    is_name
}
