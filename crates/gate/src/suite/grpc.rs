//! `grpc:` of a check.

use strict_yaml::{Node, Object, Value, scalar};

use super::context::Context;
use super::place::optional;
use super::web_place::{root, web_place};
use super::{http, keys};
use crate::probe::grpc::Grpc;
use crate::probe::web_place::WebPlace;
use crate::template::Template;

/// The name of a service, or a mapping.
pub(super) fn grpc(node: &Node, context: &Context) -> Option<Grpc> {
    if let Value::Text(_) = &node.value {
        return Some(Grpc {
            place: WebPlace {
                url: root(),
                reaches_release: None,
            },
            service: Some(service(node, context)?),
            headers: Vec::new(),
        });
    }
    let object = Object::read(node, &keys::GRPC, &context.problems)?;
    let place = web_place(&object, "url", context);
    let service = optional(&object, "service", |node| service(node, context));
    let headers = object
        .get("headers")
        .map(|node| http::headers(node, context));
    Some(Grpc {
        place: place?,
        service: service.ok()?,
        headers: headers.unwrap_or_default(),
    })
}

fn service(node: &Node, context: &Context) -> Option<Template> {
    let written = scalar::text(node, "service", &context.problems)?;
    context.template(node, written)
}
