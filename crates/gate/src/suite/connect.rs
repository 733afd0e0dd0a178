//! The keys of a request that say how its connection is made.

use strict_yaml::{Node, Object, Value, scalar};

use super::context::Context;
use super::keys;
use crate::probe::connect_options::{HttpVersion, IpVersion};
use crate::probe::http::Connect;
use crate::probe::trust;
use crate::template::Template;

/// `http_version`, `ip_version` and `client_certificate` of a request.
pub(super) fn options(object: &Object<'_>, context: &Context) -> Connect {
    Connect {
        http_version: object
            .get("http_version")
            .and_then(|node| http_version(node, context))
            .unwrap_or_default(),
        ip_version: object
            .get("ip_version")
            .and_then(|node| ip_version(node, context)),
        client_certificate: object
            .get("client_certificate")
            .and_then(|node| client_certificate(node, context)),
    }
}

fn http_version(node: &Node, context: &Context) -> Option<HttpVersion> {
    let written = scalar::loose_text(node, "http_version", &context.problems)?;
    match written {
        "1.1" => Some(HttpVersion::Http1),
        "2" => Some(HttpVersion::Http2),
        other => {
            let message = format!("http_version: {other:?} is not spoken here");
            let remedy = "write 1.1 or 2; without the key TLS agrees on one";
            context.problems.add(node.at, message, remedy);
            None
        }
    }
}

fn ip_version(node: &Node, context: &Context) -> Option<IpVersion> {
    let written = scalar::loose_text(node, "ip_version", &context.problems)?;
    match written {
        "4" => Some(IpVersion::V4),
        "6" => Some(IpVersion::V6),
        other => {
            let message = format!("ip_version: {other:?} is no version of IP");
            let remedy = "write 4 or 6";
            context.problems.add(node.at, message, remedy);
            None
        }
    }
}

/// Certificate and key, as PEM.
fn client_certificate(node: &Node, context: &Context) -> Option<(Template, Template)> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::CLIENT_CERTIFICATE, problems)?;
    let part = |key: &str| {
        let node = object.require(key, problems)?;
        let written = scalar::text(node, key, problems)?;
        let in_suite = || {
            let message = "the key of `client_certificate` stands in the suite";
            let remedy = "declare it under `secrets`, and refer to it: \"{{ client_key }}\"";
            problems.add(node.at, message, remedy);
            None
        };
        if key == "key" && !written.contains("{{") {
            return in_suite();
        }
        let template = context.template(node, written)?;
        if key == "key" && !context.has_secret(&template) {
            return in_suite();
        }
        if let (true, Err(why)) = (template.is_literal(), trust::certificates(written)) {
            let remedy =
                "write a certificate as PEM (-----BEGIN CERTIFICATE-----), its chain after it";
            problems.add(node.at, format!("client_certificate: {why}"), remedy);
            return None;
        }
        Some(template)
    };
    let (certificate, key) = (part("certificate"), part("key"));
    Some((certificate?, key?))
}

/// A client's certificate is only shown over TLS.
pub(super) fn at_odds(object: &Object<'_>, context: &Context) {
    let url = object.get("url").map(|node| &node.value);
    let plain = matches!(url, Some(Value::Text(written)) if written.starts_with("http://"));
    if let (Some(node), true) = (object.get("client_certificate"), plain) {
        let message = "client_certificate: is shown over TLS only, and the URL is http";
        context.problems.add(node.at, message, "write an https URL");
    }
}
