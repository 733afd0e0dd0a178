//! `websocket:` of a check.

use strict_yaml::{Node, Object, Value, scalar};

use super::context::Context;
use super::place::optional;
use super::tcp::receives;
use super::web_place::{url, web_place};
use super::{http, keys};
use crate::probe::web_place::WebPlace;
use crate::probe::websocket::WebSocket;

/// A path, or a mapping.
pub(super) fn websocket(node: &Node, context: &Context) -> Option<WebSocket> {
    if let Value::Text(_) = &node.value {
        return Some(WebSocket {
            place: WebPlace {
                url: url(node, "websocket", context)?,
                reaches_release: None,
            },
            headers: Vec::new(),
            send: None,
            receives: Vec::new(),
        });
    }
    let problems = &context.problems;
    let object = Object::read(node, &keys::WEBSOCKET, problems)?;
    let place = web_place(&object, "url", context);
    let headers = object
        .get("headers")
        .map(|node| http::headers(node, context));
    let send = optional(&object, "send", |node| {
        let written = scalar::loose_text(node, "send", problems)?;
        context.template(node, written)
    });
    let receives = optional(&object, "receives", |node| receives(node, context));
    Some(WebSocket {
        place: place?,
        headers: headers.unwrap_or_default(),
        send: send.ok()?,
        receives: receives.ok()?.unwrap_or_default(),
    })
}
