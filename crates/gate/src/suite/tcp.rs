//! `tcp:` of a check.

use strict_yaml::{Node, Object, scalar};

use super::context::Context;
use super::place::{optional, place};
use super::{expect, keys};
use crate::expect::TextCondition;
use crate::probe::tcp::Tcp;

pub(super) fn tcp(node: &Node, context: &Context) -> Option<Tcp> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::TCP, problems)?;
    let place = place(&object, context);
    if let (Some(node), None) = (object.get("host"), object.get("port")) {
        let message = "host: a host without a port can't be connected to";
        problems.add(node.at, message, "add `port`");
    }
    let send = optional(&object, "send", |node| {
        let written = scalar::loose_text(node, "send", problems)?;
        context.template(node, written)
    });
    let receives = match object.get("receives") {
        None => Some(Vec::new()),
        Some(node) => receives(node, context),
    };
    Some(Tcp {
        place: place?,
        send: send.ok()?,
        receives: receives?,
    })
}

/// Conditions on what a probe reads until they are met.
pub(super) fn receives(node: &Node, context: &Context) -> Option<Vec<TextCondition>> {
    let object = Object::read(node, &keys::RECEIVES, &context.problems)?;
    expect::text_tests(node, &object, context)
}
