//! `host`, `port` and `reaches_release`: where a probe goes that has no URL.

use strict_yaml::{Node, Object, scalar};

use super::context::Context;
use crate::probe::place::{Place, host_name, port_number};

/// A key that is there and wrong; its problem is reported.
pub(super) struct InvalidKey;

/// What a key holds, if it is there.
pub(super) fn optional<'n, T>(
    object: &Object<'n>,
    key: &str,
    read: impl FnOnce(&'n Node) -> Option<T>,
) -> Result<Option<T>, InvalidKey> {
    match object.get(key) {
        None => Ok(None),
        Some(node) => read(node).map(Some).ok_or(InvalidKey),
    }
}

pub(super) fn place(object: &Object<'_>, context: &Context) -> Option<Place> {
    let problems = &context.problems;
    let template = |key: &str, valid: fn(&str) -> bool, what: &str, remedy: &str| {
        optional(object, key, |node| {
            let written = scalar::loose_text(node, key, problems)?;
            let template = context.template(node, written)?;
            if template.is_literal() && !valid(written) {
                let message = format!("{key}: {written:?} is not {what}");
                problems.add(node.at, message, remedy);
                return None;
            }
            Some(template)
        })
    };
    let host = template(
        "host",
        |written| host_name(written).is_some(),
        "a host name",
        "write a name such as db.example.com or an address, without scheme, port or path",
    );
    let port = template(
        "port",
        |written| port_number(written).is_some(),
        "a port",
        "write a number from 1 to 65535",
    );
    let reaches_release = reaches_release(object, context);
    Some(Place {
        host: host.ok()?,
        port: port.ok()?,
        reaches_release: reaches_release.ok()?,
    })
}

pub(super) fn reaches_release(
    object: &Object<'_>,
    context: &Context,
) -> Result<Option<bool>, InvalidKey> {
    optional(object, "reaches_release", |node| {
        scalar::boolean(node, "reaches_release", &context.problems)
    })
}
