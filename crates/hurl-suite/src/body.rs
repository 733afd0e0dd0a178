//! The body of a request, and the text that a body of a response is compared with.

use hurl_core::ast::{
    Body, Bytes, GraphQl, JsonValue, MultilineString, MultilineStringKind, Template,
};
use hurl_core::types::ToSource as _;
use strict_yaml::{Node, Position};

use crate::context::Context;
use crate::names::Kind;
use crate::tree::{at, boolean, list, map, number, start, text};

/// What a request carries.
pub(crate) struct Sent {
    /// Its key in `http`; none if it has problems.
    pub(crate) key: Option<(&'static str, Node)>,
    /// The type that Hurl sends with it, where the key does not imply it.
    pub(crate) content_type: Option<&'static str>,
}

/// The body of a request.
pub(crate) fn sent(body: &Body, context: &Context) -> Sent {
    let place = at(body.space0.source_info.end);
    let content_type = match &body.value {
        Bytes::Xml(_) => Some("application/xml"),
        Bytes::MultilineString(multiline) => match &multiline.kind {
            MultilineStringKind::Json(_) => Some("application/json"),
            MultilineStringKind::Xml(_) => Some("application/xml"),
            _ => None,
        },
        _ => None,
    };
    let key = match &body.value {
        Bytes::Json(value) => json(value, place, context).map(|node| ("json", node)),
        Bytes::MultilineString(MultilineString {
            kind: MultilineStringKind::GraphQl(query),
            ..
        }) => graphql(query, place, context).map(|node| ("json", node)),
        other => written(other, place, context).map(|body| ("body", text(place, body))),
    };
    Sent { key, content_type }
}

/// The text that the body of a response must be.
pub(crate) fn expected(body: &Body, context: &Context) -> Option<Node> {
    let place = at(body.space0.source_info.end);
    let whole = match &body.value {
        Bytes::Json(value) => json_source(value, place, context)?,
        other => written(other, place, context)?,
    };
    let equals = map(place, [("equals", text(place, whole))]);
    Some(map(place, [("body", equals)]))
}

fn written(bytes: &Bytes, place: Position, context: &Context) -> Option<String> {
    match bytes {
        Bytes::Xml(xml) => context.fixed(place, xml),
        Bytes::OnelineString(template) => context.text(template),
        Bytes::MultilineString(multiline) => multiline_text(multiline, place, context),
        Bytes::Base64(base64) => of_bytes(&base64.value, place, context),
        Bytes::Hex(hex) => of_bytes(&hex.value, place, context),
        Bytes::File(_) => {
            let message = "a body from a file: files are not read";
            context.refuse(place, message, "write it out, between ``` and ```")
        }
        Bytes::Json(_) => None,
    }
}

/// The text of lines between ``` and ```.
pub(crate) fn multiline_text(
    multiline: &MultilineString,
    place: Position,
    context: &Context,
) -> Option<String> {
    match &multiline.kind {
        MultilineStringKind::Text(template)
        | MultilineStringKind::Json(template)
        | MultilineStringKind::Xml(template) => context.text(template),
        MultilineStringKind::Raw(template) => context.fixed(place, template.to_source().as_str()),
        MultilineStringKind::GraphQl(_) => {
            let message = "GraphQL is what is sent, and not what is compared";
            context.refuse(place, message, "compare with jsonpath")
        }
    }
}

fn of_bytes(bytes: &[u8], place: Position, context: &Context) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let message = "bytes that are no text: a body of a suite is text";
        let remedy = "compare sha256, or send them as a file of `multipart` in a suite";
        return context.refuse(place, message, remedy);
    };
    context.fixed(place, text)
}

/// JSON with references. Text is text: a reference that stands alone in quotes is, too.
pub(crate) fn json(value: &JsonValue, place: Position, context: &Context) -> Option<Node> {
    Some(match value {
        JsonValue::Null => number(place, "null"),
        JsonValue::Boolean(value) => boolean(place, *value),
        JsonValue::Number(written) => number(place, written),
        JsonValue::String(template) => {
            text(start(template.source_info), context.json_text(template)?)
        }
        JsonValue::Placeholder(placeholder) => {
            let known = context.known(placeholder)?;
            if known.kind == Kind::Text {
                let at = start(placeholder.expr.source_info);
                let message = format!(
                    "{} is text here, and JSON has text in quotes",
                    placeholder.to_source()
                );
                let remedy =
                    "write it in quotes; for a number give it as one, or capture it by jsonpath";
                return context.refuse(at, message, remedy);
            }
            text(place, context.reference(placeholder)?)
        }
        JsonValue::List { elements, .. } => {
            let nodes: Vec<Option<Node>> = elements
                .iter()
                .map(|element| json(&element.value, place, context))
                .collect();
            list(place, nodes.into_iter().collect::<Option<_>>()?)
        }
        JsonValue::Object { elements, .. } => {
            let nodes: Vec<Option<(String, Node)>> = elements
                .iter()
                .map(|element| {
                    let name = context.literal(&element.name, "a key of JSON");
                    let value = json(&element.value, place, context);
                    let name = context.fixed(place, &name?)?;
                    Some((name, value?))
                })
                .collect();
            map(place, nodes.into_iter().collect::<Option<Vec<_>>>()?)
        }
    })
}

/// JSON as it is written, with its white space: what a body is compared with is text.
fn json_source(value: &JsonValue, place: Position, context: &Context) -> Option<String> {
    if has_placeholder(value) {
        let message = "the whole body as JSON with placeholders";
        let remedy =
            "write it between ``` and ```, where a value stands as it is, or compare with jsonpath";
        return context.refuse(place, message, remedy);
    }
    context.fixed(place, value.to_source().as_str())
}

fn has_placeholder(value: &JsonValue) -> bool {
    let in_text = |template: &Template| template.to_source().as_str().contains("{{");
    match value {
        JsonValue::Placeholder(_) => true,
        JsonValue::String(template) => in_text(template),
        JsonValue::List { elements, .. } => elements.iter().any(|one| has_placeholder(&one.value)),
        JsonValue::Object { elements, .. } => elements
            .iter()
            .any(|one| in_text(&one.name) || has_placeholder(&one.value)),
        JsonValue::Null | JsonValue::Boolean(_) | JsonValue::Number(_) => false,
    }
}

fn graphql(query: &GraphQl, place: Position, context: &Context) -> Option<Node> {
    let written = context.json_text(&query.value)?;
    let mut keys = vec![("query", text(place, written.trim()))];
    if let Some(variables) = &query.variables {
        keys.push(("variables", json(&variables.value, place, context)?));
    }
    Some(map(place, keys))
}
