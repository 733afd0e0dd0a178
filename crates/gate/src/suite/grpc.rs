//! `grpc:` of a check.

use strict_yaml::{Node, Object, Value, scalar};

use super::context::Context;
use super::json::json_template;
use super::place::optional;
use super::web_place::{root, web_place};
use super::{files, http, keys, multipart};
use crate::json_template::JsonTemplate;
use crate::probe::grpc::{Call, Code, Grpc, MAX_DESCRIPTOR_SET, MethodCall, MethodError, Schema};
use crate::probe::web_place::WebPlace;
use crate::template::{Template, Values};

/// Keys that go with `method`.
const METHOD_KEYS: [&str; 4] = ["message", "code", "descriptor_set", "descriptor_set_file"];

/// The name of a service, or a mapping.
pub(super) fn grpc(node: &Node, context: &Context) -> Option<Grpc> {
    if let Value::Text(_) = &node.value {
        return Some(Grpc {
            place: WebPlace {
                url: root(),
                reaches_release: None,
            },
            call: Call::Health(Some(service(node, context)?)),
            headers: Vec::new(),
        });
    }
    let problems = &context.problems;
    let object = Object::read(node, &keys::GRPC, problems)?;
    let place = web_place(&object, "url", context);
    let headers = object
        .get("headers")
        .map(|node| http::headers(node, context));
    let call = if let Some(written) = object.get("method") {
        method(written, &object, context).map(|call| Call::Method(Box::new(call)))
    } else {
        for key in METHOD_KEYS {
            if let Some(node) = object.get(key) {
                let message = format!(
                    "{key}: goes with `method`; without one the health of the server is asked for"
                );
                problems.add(node.at, message, "add `method:`, or remove it");
            }
        }
        let service = optional(&object, "service", |node| service(node, context));
        service.ok().map(Call::Health)
    };
    Some(Grpc {
        place: place?,
        call: call?,
        headers: headers.unwrap_or_default(),
    })
}

fn service(node: &Node, context: &Context) -> Option<Template> {
    let written = scalar::text(node, "service", &context.problems)?;
    context.template(node, written)
}

fn method(node: &Node, object: &Object<'_>, context: &Context) -> Option<MethodCall> {
    let problems = &context.problems;
    if let Some(service) = object.get("service") {
        let message = "service: is for the health check; `method` names its service itself";
        problems.add(service.at, message, "remove it");
    }
    let name = scalar::text(node, "method", problems).and_then(|written| {
        let names = written.strip_prefix('/').unwrap_or(written).split_once('/');
        let is_name = |name: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            !name.is_empty() && name.chars().all(legal)
        };
        let found = names.filter(|(service, method)| {
            is_name(service) && is_name(method) && !method.contains('.')
        });
        if found.is_none() {
            let message = format!("method: {written:?} is no method");
            problems.add(
                node.at,
                message,
                "write its service and its name: shop.Orders/Get",
            );
        }
        found
    });
    let message = match object.get("message") {
        None => Some(JsonTemplate::Map(Vec::new())),
        Some(node) => json_template(node, context),
    };
    let codes = match object.get("code") {
        None => Some(vec![Code::OK]),
        Some(node) => codes(node, context),
    };
    let schema = match (
        object.get("descriptor_set"),
        object.get("descriptor_set_file"),
    ) {
        (None, None) => Some(None),
        (Some(node), None) => {
            let bytes = multipart::decoded(node, "descriptor_set", context);
            bytes
                .and_then(|bytes| schema(node, "descriptor_set", &bytes, context))
                .map(Some)
        }
        (None, Some(node)) => {
            let file = files::named(node, "descriptor_set_file", MAX_DESCRIPTOR_SET, context);
            file.and_then(|(_, bytes)| schema(node, "descriptor_set_file", &bytes, context))
                .map(Some)
        }
        (Some(node), Some(_)) => {
            let message =
                "the types are given twice, by `descriptor_set` and by `descriptor_set_file`";
            problems.add(node.at, message, "remove one");
            None
        }
    };
    let (service, method) = name?;
    let call = MethodCall {
        service: service.to_owned(),
        method: method.to_owned(),
        message: message?,
        codes: codes?,
        schema: schema?,
    };
    fits(node, object, &call, context);
    Some(call)
}

/// What is known to be wrong before the server is asked, where its types are given.
fn fits(node: &Node, object: &Object<'_>, call: &MethodCall, context: &Context) {
    let problems = &context.problems;
    let Some(schema) = &call.schema else { return };
    let method = match schema.method(&call.service, &call.method) {
        Ok(method) => method,
        Err(why) => {
            let remedy = match why {
                MethodError::Streaming(_) => "call another one",
                _ => "correct it, or bring the descriptor set up to date",
            };
            return problems.add(node.at, format!("method: {why}"), remedy);
        }
    };
    let mut is_known = true;
    call.message
        .templates(&mut |template| is_known &= template.is_literal());
    let Ok(json) = call.message.render(&Values::default()) else {
        return;
    };
    if let (true, Err(why)) = (is_known, method.request(&json.to_string())) {
        let at = object.get("message").map_or(node.at, |node| node.at);
        let remedy = "write its fields as the JSON mapping of protobuf has them";
        problems.add(at, format!("message: {why}"), remedy);
    }
}

fn schema(node: &Node, key: &str, bytes: &[u8], context: &Context) -> Option<Schema> {
    let read = Schema::of_set(bytes);
    read.map_err(|why| {
        let message = format!("{key}: it is no FileDescriptorSet: {why}");
        let remedy = "make it by `protoc --include_imports --descriptor_set_out=FILE` or `buf build -o FILE`";
        context.problems.add(node.at, message, remedy);
    })
    .ok()
}

/// A name, or a list of names.
fn codes(node: &Node, context: &Context) -> Option<Vec<Code>> {
    let nodes = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() {
        context
            .problems
            .add(node.at, "no code is expected", "write a code: OK");
        return None;
    }
    let numbered = (0..)
        .zip(Code::NAMES)
        .map(|(number, name)| (name, Code(number)));
    let choices: Vec<(&'static str, Code)> = numbered.collect();
    let codes = nodes
        .iter()
        .map(|node| scalar::choice(node, "code", &choices, &context.problems));
    let codes: Vec<Option<Code>> = codes.collect();
    codes.into_iter().collect()
}
