//! `cookies:` and `basic:` of a request, which are headers in the end.

use ::http::header::{AUTHORIZATION, COOKIE, HeaderName};
use strict_yaml::{Node, Object, Value, scalar};

use super::context::Context;
use super::http::pairs;
use super::keys;
use crate::probe::http::{AwsSignature, is_cookie_value};
use crate::template::Template;

/// The key of a request, and the header that it makes.
const GENERATED_HEADERS: [(&str, HeaderName); 3] = [
    ("cookies", COOKIE),
    ("basic", AUTHORIZATION),
    ("aws_sigv4", AUTHORIZATION),
];

/// Names and values.
pub(super) fn cookies(node: &Node, context: &Context) -> Vec<(String, Template)> {
    let cookies = pairs(node, "cookies", context);
    for (name, value) in &cookies {
        // The name of a cookie has the characters of the name of a header.
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            let message = format!("{name:?} can't be the name of a cookie");
            let remedy = "use letters, digits and -";
            context.problems.add(node.at, message, remedy);
        }
        let trial = value
            .render_with(|_| Ok("x".to_owned()))
            .unwrap_or_default();
        if !is_cookie_value(&trial) {
            let message =
                format!("the value of the cookie {name} has characters that no cookie may have");
            context.problems.add(node.at, message, "percent-encode it");
        }
    }
    cookies
}

/// User and password.
pub(super) fn basic(node: &Node, context: &Context) -> Option<(Template, Template)> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::BASIC, problems)?;
    let part = |key| {
        let node = object.require(key, problems)?;
        let written = scalar::loose_text(node, key, problems)?;
        if key == "user" && written.contains(':') {
            let message = "the user of `basic` has a colon, which ends it";
            problems.add(node.at, message, "write the password under `password`");
            return None;
        }
        if key == "password" && !written.contains("{{") {
            let message = "the password of `basic` stands in the suite";
            let remedy = "declare it under `secrets`, and refer to it: \"{{ password }}\"";
            problems.add(node.at, message, remedy);
            return None;
        }
        context.template(node, written)
    };
    let (user, password) = (part("user"), part("password"));
    Some((user?, password?))
}

/// The service and the region that a signature is for.
pub(super) fn aws_sigv4(node: &Node, context: &Context) -> Option<AwsSignature> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::AWS_SIGV4, problems)?;
    let name = |node: &Node, key: &str| {
        let written = scalar::text(node, key, problems)?;
        let right = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if written.is_empty() || !written.bytes().all(right) {
            let remedy = "write it as AWS does: execute-api, lambda, s3; eu-central-1";
            problems.add(
                node.at,
                format!("{key}: {written:?} is not such a name"),
                remedy,
            );
            return None;
        }
        Some(written.to_owned())
    };
    let service = object
        .require("service", problems)
        .and_then(|node| name(node, "service"));
    let region = object.get("region").map(|node| name(node, "region"));
    Some(AwsSignature {
        service: service?,
        region: match region {
            Some(region) => Some(region?),
            None => None,
        },
    })
}

/// A default header gives way to what the request says by a key.
pub(super) fn without_replaced(
    mut headers: Vec<(HeaderName, Template)>,
    object: &Object<'_>,
) -> Vec<(HeaderName, Template)> {
    for (key, name) in GENERATED_HEADERS {
        if object.get(key).is_some() {
            headers.retain(|(other, _)| *other != name);
        }
    }
    headers
}

/// A request that says one header in two ways, or is signed and then sent elsewhere.
pub(super) fn at_odds(object: &Object<'_>, context: &Context) {
    if let Some(node) = object.get("aws_sigv4") {
        if object.get("basic").is_some() {
            let message = "aws_sigv4 and basic both set the header authorization";
            context.problems.add(node.at, message, "remove one of them");
        }
        let follows = object.get("follow_redirects").map(|node| &node.value);
        if matches!(follows, Some(Value::Bool(true, _))) {
            let message =
                "aws_sigv4: a signature is good for one URL, and not for that of a redirect";
            context
                .problems
                .add(node.at, message, "remove follow_redirects");
        }
    }
    let Some(Node {
        value: Value::Map(headers),
        ..
    }) = object.get("headers")
    else {
        return;
    };
    let made = GENERATED_HEADERS
        .iter()
        .map(|(key, name)| (*key, name.as_str()));
    for (key, name) in made.chain([("multipart", "content-type")]) {
        let header = headers
            .iter()
            .find(|(header, _)| header.text.eq_ignore_ascii_case(name));
        if let (Some((header, _)), true) = (header, object.get(key).is_some()) {
            let message = format!("the header {name} is set by `{key}`");
            context
                .problems
                .add(header.at, message, "remove one of them");
        }
    }
}
