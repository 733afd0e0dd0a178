//! `redirects:` of an expectation.

use strict_yaml::{Node, Object, items, scalar};

use super::comparison::count;
use super::context::Context;
use super::expect::{demanded, text_or_tests};
use super::keys;
use crate::expect::{Expectation, RedirectCondition, TextCondition};
use crate::probe::request_url::UrlReference;
use crate::template::Template;

pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    let object = Object::read(node, &keys::REDIRECTS, &context.problems)?;
    let tests = object
        .keys()
        .map(|key| {
            let node = object.get(&key.text)?;
            match key.text.as_str() {
                "count" => count("count", node, context).map(RedirectCondition::Count),
                "through" => through(node, context).map(RedirectCondition::Through),
                _ => url(node, context).map(RedirectCondition::Url),
            }
        })
        .collect();
    demanded(node, &object, tests, context).map(Expectation::Redirects)
}

/// The final URL: text that it equals, or a mapping of conditions.
fn url(node: &Node, context: &Context) -> Option<Vec<TextCondition>> {
    text_or_tests(node, "equals", &keys::REDIRECTS_URL, context)
}

fn through(node: &Node, context: &Context) -> Option<Vec<Template>> {
    let problems = &context.problems;
    let nodes = items(node, "through", problems)?;
    if nodes.is_empty() {
        let remedy = "name each place that a redirect led to, or write `count: 0`";
        problems.add(node.at, "through names no place", remedy);
        return None;
    }
    let places: Vec<Option<Template>> = nodes
        .iter()
        .map(|node| {
            let written = scalar::text(node, "through", problems)?;
            let template = context.template(node, written)?;
            if template.is_literal() && UrlReference::parse(written).is_err() {
                let message = format!("through: {written:?} is neither a path nor a URL");
                problems.add(
                    node.at,
                    message,
                    "write /path or https://shop.example.com/path",
                );
                return None;
            }
            Some(template)
        })
        .collect();
    places.into_iter().collect()
}
