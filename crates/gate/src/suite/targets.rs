//! `targets:` of a check.

use strict_yaml::{Node, Object, Value, scalar};

use super::context::Context;
use super::keys;
use crate::probe::targets::Targets;

/// More tasks than a service of ECS may have.
const MAX_TASKS: u64 = 10_000;

/// `complete`, or a mapping.
pub(super) fn targets(node: &Node, context: &Context) -> Option<Targets> {
    let problems = &context.problems;
    if let Value::Text(_) = &node.value {
        let complete = [("complete", Targets { at_least: 0 })];
        return choice(node, "targets", &complete, context);
    }
    let object = Object::read(node, &keys::TARGETS, problems)?;
    let at_least = object.require("at_least", problems)?;
    let at_least = scalar::integer(at_least, "at_least", 1..=MAX_TASKS, problems)?;
    Some(Targets {
        at_least: u32::try_from(at_least).ok()?,
    })
}

/// One word, or what it stands for.
pub(super) fn choice<T: Clone>(
    node: &Node,
    label: &str,
    choices: &[(&str, T)],
    context: &Context,
) -> Option<T> {
    let words: Vec<(&str, usize)> = choices
        .iter()
        .enumerate()
        .map(|(index, (word, _))| (*word, index))
        .collect();
    let index = scalar::choice(node, label, &words, &context.problems)?;
    choices.get(index).map(|(_, value)| value.clone())
}
