//! `http:` of a check, and the parts of it that `defaults.http` shares.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use http::Method;
use http::header::{HeaderName, HeaderValue};
use strict_yaml::{Key, Node, Object, Value, entries, items, scalar};

use super::context::Context;
use super::files::MAX_FILE_BYTES;
use super::json::json_template;
use super::{connect, credentials, files, keys, multipart};
use crate::probe::http::{Body, Connect, DEFAULT_MAX_BODY, Request};
use crate::probe::request_url::{Origin, UrlError, UrlReference, split_fragment};
use crate::probe::trust;
use crate::template::Template;

const METHODS: [(&str, Method); 7] = [
    ("GET", Method::GET),
    ("HEAD", Method::HEAD),
    ("POST", Method::POST),
    ("PUT", Method::PUT),
    ("PATCH", Method::PATCH),
    ("DELETE", Method::DELETE),
    ("OPTIONS", Method::OPTIONS),
];

/// Headers that the engine sets itself, or that are about the connection, which is the engine's.
const OWN_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
];

/// How many headers, parameters or fields one request may have.
const MAX_HEADERS: usize = 100;
const MAX_PAIRS: usize = 1_000;
/// What `max_body` may be.
pub(super) const MAX_BODY: RangeInclusive<usize> = 1024..=16 * 1024 * 1024;
/// How many other origins one check may name.
const MAX_ORIGINS: usize = 20;

/// `GET /path`, or a mapping.
pub(super) fn request(node: &Node, context: &Context) -> Option<Request> {
    if let Value::Text(written) = &node.value {
        return short(node, written, context);
    }
    let problems = &context.problems;
    let object = Object::read(node, &keys::HTTP, problems)?;
    let written_method = match object.get("method") {
        None => Some("GET"),
        Some(node) => scalar::text(node, "method", problems),
    };
    let method_node = object.get("method").unwrap_or(node);
    let method = written_method.and_then(|written| method(method_node, written, context));
    let url = object.require("url", problems).and_then(|node| {
        let written = scalar::text(node, "url", problems)?;
        url(node, written, context)
    });
    let own = object
        .get("headers")
        .map(|node| headers(node, context))
        .unwrap_or_default();
    let follow = object
        .get("follow_redirects")
        .and_then(|node| scalar::boolean(node, "follow_redirects", problems));
    let max_body = object
        .get("max_body")
        .and_then(|node| self::max_body(node, context));
    let query = object
        .get("query")
        .map(|node| pairs(node, "query", context))
        .unwrap_or_default();
    let cookies = object
        .get("cookies")
        .map(|node| credentials::cookies(node, context))
        .unwrap_or_default();
    let basic = object
        .get("basic")
        .and_then(|node| credentials::basic(node, context));
    let body = body(&object, context);
    let reaches_release = object
        .get("reaches_release")
        .and_then(|node| scalar::boolean(node, "reaches_release", problems));
    let request = Request {
        method: method?,
        url: url?,
        host: object
            .get("host")
            .and_then(|node| super::decode::virtual_host(node, problems)),
        headers: credentials::without_replaced(merged(&context.defaults.headers, own), &object),
        cookies,
        basic,
        aws_sigv4: object
            .get("aws_sigv4")
            .and_then(|node| credentials::aws_sigv4(node, context)),
        connect: connect::options(&object, context),
        query,
        body: body?,
        follow_redirects: follow.unwrap_or(false),
        allow_origins: object
            .get("allow_origins")
            .map(|node| allow_origins(node, context))
            .unwrap_or_default(),
        reaches_release: reaches_release.unwrap_or(false),
        max_body: max_body
            .or(context.defaults.max_body)
            .unwrap_or(DEFAULT_MAX_BODY),
    };
    at_odds(&object, &request, context);
    credentials::at_odds(&object, context);
    connect::at_odds(&object, context);
    Some(request)
}

/// Keys that go with a path, or with an absolute URL.
fn at_odds(object: &Object<'_>, request: &Request, context: &Context) {
    let url = object.get("url").map(|node| &node.value);
    let path = matches!(url, Some(Value::Text(written)) if written.starts_with('/'));
    if let (Some(node), false) = (object.get("host"), path) {
        let message = "host: goes with a path; an absolute URL names its host itself";
        context.problems.add(node.at, message, "remove one of them");
    }
    if let (Some(node), true, true) = (object.get("reaches_release"), request.reaches_release, path)
    {
        let message = "reaches_release: says of an absolute URL that it leads to the release";
        context.problems.add(
            node.at,
            message,
            "remove it: a path always goes to the target",
        );
    }
}

/// `[https://login.example.com]`
pub(super) fn allow_origins(node: &Node, context: &Context) -> Vec<Template> {
    const REMEDY: &str = "write scheme and host, as in https://login.example.com";
    let problems = &context.problems;
    let nodes = items(node, "allow_origins", problems).unwrap_or_default();
    if nodes.len() > MAX_ORIGINS {
        let message = format!("allow_origins has more than {MAX_ORIGINS} entries");
        problems.add(node.at, message, "name fewer");
        return Vec::new();
    }
    let origin = |node: &Node| {
        let written = scalar::text(node, "allow_origins", problems)?;
        let template = context.template(node, written)?;
        if template.is_literal() && Origin::parse(written).is_none() {
            let shown = if written.contains('@') {
                "this"
            } else {
                written
            };
            problems.add(node.at, format!("{shown:?} is not an origin"), REMEDY);
            return None;
        }
        Some(template)
    };
    nodes.iter().filter_map(origin).collect()
}

fn short(node: &Node, written: &str, context: &Context) -> Option<Request> {
    let Some((first, second)) = written.split_once(char::is_whitespace) else {
        let message = format!("{written:?} is not a request");
        context
            .problems
            .add(node.at, message, "write a method and a path: GET /path");
        return None;
    };
    let second = second.trim();
    let method = method(node, first, context);
    let url = url(node, second, context);
    Some(Request {
        method: method?,
        url: url?,
        host: None,
        headers: context.defaults.headers.clone(),
        cookies: Vec::new(),
        basic: None,
        aws_sigv4: None,
        connect: Connect::default(),
        query: Vec::new(),
        body: Body::None,
        follow_redirects: false,
        allow_origins: Vec::new(),
        reaches_release: false,
        max_body: context.defaults.max_body.unwrap_or(DEFAULT_MAX_BODY),
    })
}

fn method(node: &Node, written: &str, context: &Context) -> Option<Method> {
    let found = METHODS
        .iter()
        .find(|(name, _)| *name == written)
        .map(|(_, method)| method.clone());
    if found.is_none() {
        let names = METHODS.iter().map(|(name, _)| *name);
        let remedy = match context.problems.nearest(written, names.clone()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write one of {}", names.collect::<Vec<_>>().join(", ")),
        };
        context
            .problems
            .add(node.at, format!("unknown method {written:?}"), remedy);
    }
    found
}

/// A path on the target, or an absolute URL, for a request.
pub(super) fn url(node: &Node, written: &str, context: &Context) -> Option<Template> {
    template_of_url(node, written, context, |filled| filled)
}

/// The same for a browser, which keeps a fragment for the page.
pub(super) fn page_url(node: &Node, written: &str, context: &Context) -> Option<Template> {
    template_of_url(node, written, context, |filled| split_fragment(filled).0)
}

fn template_of_url(
    node: &Node,
    written: &str,
    context: &Context,
    sent: fn(&str) -> &str,
) -> Option<Template> {
    const REMEDY: &str = "write a path that begins with /, or an absolute http or https URL";
    let template = context.template(node, written)?;
    // A reference may stand for a name or a number, or for all of the beginning.
    let trial = |word: &str| {
        let filled = template.render_with(|_| Ok(word.to_owned()));
        let filled = filled.unwrap_or_default();
        let reference_first = written.starts_with("{{");
        let begin = if reference_first { "http://" } else { "" };
        UrlReference::parse(&format!("{begin}{}", sent(&filled))).err()
    };
    if let Some(wrong) = trial("x").and_then(|wrong| trial("1").map(|_| wrong)) {
        // What stands before an @ may be a password.
        let secret = written.contains('@');
        let shown = if secret { "this" } else { written };
        let (why, remedy) = match wrong {
            UrlError::Character { character, .. } if secret || !template.is_literal() => (
                format!("{character:?} can't be sent as it is"),
                "write it percent-encoded".to_owned(),
            ),
            UrlError::Character { character, instead } => (
                format!("{character:?} can't be sent as it is"),
                format!("write {instead}"),
            ),
            UrlError::Fragment => (
                "it has a fragment, which is never sent".to_owned(),
                "remove what begins with #".to_owned(),
            ),
            other => (other.to_string(), REMEDY.to_owned()),
        };
        let message = format!("{shown:?} can't be asked for: {why}");
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(template)
}

/// PEM texts, or references to secrets that hold them; one or a list.
pub(super) fn certificates(node: &Node, context: &Context) -> Vec<Template> {
    const REMEDY: &str = "write a certificate as PEM (-----BEGIN CERTIFICATE-----), or a reference \
                          to a secret that holds it";
    let problems = &context.problems;
    let nodes = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let one = |node: &Node| {
        let written = scalar::text(node, "ca_certificates", problems)?;
        let template = context.template(node, written)?;
        if let (true, Err(why)) = (template.is_literal(), trust::certificates(written)) {
            problems.add(node.at, format!("ca_certificates: {why}"), REMEDY);
            return None;
        }
        Some(template)
    };
    nodes.iter().filter_map(one).collect()
}

/// Headers by name, with templates as values.
pub(super) fn headers(node: &Node, context: &Context) -> Vec<(HeaderName, Template)> {
    let problems = &context.problems;
    let mut headers: Vec<(HeaderName, Template)> = Vec::new();
    let mut names = HashSet::new();
    for (key, value) in few(node, "headers", MAX_HEADERS, context) {
        let Ok(name) = HeaderName::from_bytes(key.text.as_bytes()) else {
            let message = format!("{:?} can't be the name of a header", key.text);
            problems.add(key.at, message, "use letters, digits and -");
            continue;
        };
        if OWN_HEADERS.contains(&name.as_str()) {
            let remedy = if name == "host" {
                "use `host:` of the suite or of the request"
            } else {
                "remove it"
            };
            problems.add(
                key.at,
                format!("the header {name} is set by the gate"),
                remedy,
            );
            continue;
        }
        if !names.insert(name.clone()) {
            let remedy = "names of headers are the same in upper and lower case; remove one";
            problems.add(key.at, format!("the header {name} is there twice"), remedy);
            continue;
        }
        let template = scalar::loose_text(value, name.as_str(), problems)
            .and_then(|written| context.template(value, written));
        let Some(template) = template else { continue };
        let trial = template
            .render_with(|_| Ok("x".to_owned()))
            .unwrap_or_default();
        if HeaderValue::from_str(&trial).is_err() {
            let message =
                format!("the value of the header {name} has characters that no header may have");
            problems.add(value.at, message, "write printable characters in one line");
            continue;
        }
        headers.push((name, template));
    }
    headers
}

/// The check's own headers replace the default ones of the same name.
fn merged(
    defaults: &[(HeaderName, Template)],
    own: Vec<(HeaderName, Template)>,
) -> Vec<(HeaderName, Template)> {
    let replaced: HashSet<&HeaderName> = own.iter().map(|(name, _)| name).collect();
    let kept = defaults.iter().filter(|(name, _)| !replaced.contains(name));
    let mut all: Vec<(HeaderName, Template)> = kept.cloned().collect();
    all.extend(own);
    all
}

pub(super) fn max_body(node: &Node, context: &Context) -> Option<usize> {
    scalar::size(node, "max_body", MAX_BODY, &context.problems)
}

pub(super) fn pairs(node: &Node, label: &str, context: &Context) -> Vec<(String, Template)> {
    few(node, label, MAX_PAIRS, context)
        .into_iter()
        .filter_map(|(key, value)| {
            let plain = context.is_plain(key);
            let written = scalar::loose_text(value, &key.text, &context.problems)?;
            let template = context.template(value, written)?;
            plain.then(|| (key.text.clone(), template))
        })
        .collect()
}

/// The entries of a mapping, if there are not too many of them.
pub(super) fn few<'n>(
    node: &'n Node,
    label: &str,
    most: usize,
    context: &Context,
) -> Vec<(&'n Key, &'n Node)> {
    // Before anything is compared with anything.
    if let Value::Map(entries) = &node.value
        && entries.len() > most
    {
        let message = format!("{label} has {} entries", entries.len());
        let remedy = format!("send at most {most}");
        context.problems.add(node.at, message, remedy);
        return Vec::new();
    }
    entries(node, label, &context.problems).unwrap_or_default()
}

fn body(object: &Object<'_>, context: &Context) -> Option<Body> {
    let given: Vec<(&str, &Node)> = ["json", "body", "body_file", "form", "multipart"]
        .into_iter()
        .filter_map(|key| Some((key, object.get(key)?)))
        .collect();
    match given.as_slice() {
        [] => Some(Body::None),
        [("json", node)] => json_template(node, context).map(Body::Json),
        [("multipart", node)] => multipart::parts(node, context).map(Body::Multipart),
        [("body_file", node)] => files::named(node, "body_file", MAX_FILE_BYTES, context)
            .map(|(_, bytes)| Body::File(bytes)),
        [("form", node)] => Some(Body::Form(pairs(node, "form", context))),
        [(_, node)] => {
            let written = scalar::loose_text(node, "body", &context.problems)?;
            context.template(node, written).map(Body::Text)
        }
        [(first, _), (second, node), ..] => {
            let message = format!("a request has one body, not both {first:?} and {second:?}");
            context.problems.add(node.at, message, "remove one");
            None
        }
    }
}
