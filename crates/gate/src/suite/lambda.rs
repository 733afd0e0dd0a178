//! `lambda:` of a check.

use strict_yaml::{Node, Object};

use super::context::Context;
use super::json::json_template;
use super::keys;
use crate::probe::lambda::Lambda;

/// A mapping with the payload.
pub(super) fn lambda(node: &Node, context: &Context) -> Option<Lambda> {
    let object = Object::read(node, &keys::LAMBDA, &context.problems)?;
    let payload = object.require("payload", &context.problems)?;
    Some(Lambda {
        payload: json_template(payload, context)?,
    })
}
