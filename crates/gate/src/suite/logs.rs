//! `logs:` of a check.

use std::time::Duration;

use metric::Limit;
use strict_yaml::{Node, Object, scalar};

use super::context::Context;
use super::keys;
use super::metric::limit;
use crate::probe::logs::Logs;
use crate::template::Template;

const DEFAULT_WINDOW: Duration = Duration::from_mins(5);
const MIN_WINDOW: Duration = Duration::from_secs(10);
const MAX_WINDOW: Duration = Duration::from_hours(1);

/// A mapping with the filter.
pub(super) fn logs(node: &Node, context: &Context) -> Option<Logs> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::LOGS, problems)?;
    let text = |node: &Node, label: &str| -> Option<Template> {
        let written = scalar::text(node, label, problems)?;
        context.template(node, written)
    };
    let optional = |key: &str| match object.get(key) {
        None => Some(None),
        Some(node) => text(node, key).map(Some),
    };
    let filter = object
        .require("filter", problems)
        .and_then(|node| text(node, "filter"));
    let (group, streams) = (optional("group"), optional("streams"));
    if let (Some(node), None) = (object.get("streams"), object.get("group")) {
        let message = "streams: goes with group; without both, the streams of the release are read";
        problems.add(node.at, message, "add group, or remove streams");
    }
    let window = match object.get("window") {
        None => Some(DEFAULT_WINDOW),
        Some(node) => scalar::duration(node, "window", MIN_WINDOW..=MAX_WINDOW, problems),
    };
    let fail_when = match object.get("fail_when") {
        None => Limit::parse("> 0"),
        Some(node) => limit(node, context).filter(|limit| {
            let sensible = limit.value >= 0.0;
            if !sensible {
                problems.add(
                    node.at,
                    "fail_when: a number of lines is never negative",
                    "write \"> 0\"",
                );
            }
            sensible
        }),
    };
    Some(Logs {
        group: group?,
        streams: streams?,
        filter: filter?,
        window: window?,
        fail_when: fail_when?,
    })
}
