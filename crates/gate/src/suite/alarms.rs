//! `alarms:` of a check: names of alarms.

use strict_yaml::{Node, items, scalar};

use super::context::Context;
use crate::probe::alarms::Alarms;
use crate::template::Template;

/// `CloudWatch` answers for so many in one call.
const MAX_ALARMS: usize = 100;

/// `[shop-5xx, shop-latency]`
pub(super) fn alarms(node: &Node, context: &Context) -> Option<Alarms> {
    let problems = &context.problems;
    let nodes = items(node, "alarms", problems)?;
    if nodes.is_empty() || nodes.len() > MAX_ALARMS {
        let message = format!("alarms has {} entries", nodes.len());
        let remedy = format!("name 1 to {MAX_ALARMS} alarms");
        problems.add(node.at, message, remedy);
        return None;
    }
    let name = |node: &Node| -> Option<Template> {
        let written = scalar::loose_text(node, "the name of an alarm", problems)?;
        if written.trim().is_empty() {
            problems.add(node.at, "the name of an alarm is empty", "write its name");
            return None;
        }
        context.template(node, written)
    };
    let names: Vec<Option<Template>> = nodes.iter().map(name).collect();
    Some(Alarms {
        names: names.into_iter().collect::<Option<_>>()?,
    })
}
