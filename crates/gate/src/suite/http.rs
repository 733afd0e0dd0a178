//! `http:` of a check, and the parts of it that `defaults.http` shares.

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use strict_yaml::{Node, Object, Value, entries, scalar};
use url::Url;

use super::decode::Context;
use super::keys;
use crate::expect::{Shape, json_number};
use crate::probe::http::{Body, DEFAULT_MAX_BODY, Request};
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

/// Headers that the engine sets itself.
const OWN_HEADERS: &[&str] = &["host", "content-length", "transfer-encoding", "connection"];

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
    let body = body(&object, context);
    Some(Request {
        method: method?,
        url: url?,
        headers: merged(&context.defaults.headers, own),
        query,
        body: body?,
        follow_redirects: follow.unwrap_or(false),
        max_body: max_body
            .or(context.defaults.max_body)
            .unwrap_or(DEFAULT_MAX_BODY),
    })
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
        headers: context.defaults.headers.clone(),
        query: Vec::new(),
        body: Body::None,
        follow_redirects: false,
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

/// A path on the target, or an absolute URL.
fn url(node: &Node, written: &str, context: &Context) -> Option<Template> {
    const REMEDY: &str = "write a path that begins with /, or an absolute http or https URL";
    let template = context.template(node, written)?;
    let trial = template
        .render_with(|_| Ok("x".to_owned()))
        .unwrap_or_default();
    let begins_with_reference = written.starts_with("{{");
    let wrong = if trial.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("it has a space".to_owned())
    } else if trial.starts_with("//") {
        Some("it begins with two slashes".to_owned())
    } else if trial.starts_with('/') || begins_with_reference {
        None
    } else {
        match Url::parse(&trial) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                (!url.username().is_empty() || url.password().is_some())
                    .then(|| "it has credentials; put them in a header, from a secret".to_owned())
            }
            Ok(url) => Some(format!(
                "the scheme {:?} is not http or https",
                url.scheme()
            )),
            Err(_) => Some("it is neither a path nor an absolute URL".to_owned()),
        }
    };
    if let Some(wrong) = wrong {
        // What stands before an @ may be a password.
        let told = if written.contains('@') {
            "this"
        } else {
            written
        };
        let message = format!("{told:?} can't be asked for: {wrong}");
        context.problems.add(node.at, message, REMEDY);
        return None;
    }
    Some(template)
}

/// Headers by name, with templates as values.
pub(super) fn headers(node: &Node, context: &Context) -> Vec<(HeaderName, Template)> {
    let problems = &context.problems;
    let mut headers: Vec<(HeaderName, Template)> = Vec::new();
    for (key, value) in entries(node, "headers", problems).unwrap_or_default() {
        let Ok(name) = HeaderName::from_bytes(key.text.as_bytes()) else {
            let message = format!("{:?} can't be the name of a header", key.text);
            problems.add(key.at, message, "use letters, digits and -");
            continue;
        };
        if OWN_HEADERS.contains(&name.as_str()) {
            let remedy = if name == "host" {
                "use `host:` of the suite"
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
        if headers.iter().any(|(earlier, _)| *earlier == name) {
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
    let kept = defaults
        .iter()
        .filter(|(name, _)| own.iter().all(|(other, _)| other != name));
    let mut all: Vec<(HeaderName, Template)> = kept.cloned().collect();
    all.extend(own);
    all
}

pub(super) fn max_body(node: &Node, context: &Context) -> Option<usize> {
    scalar::size(node, "max_body", 1024..=16 * 1024 * 1024, &context.problems)
}

fn pairs(node: &Node, told: &str, context: &Context) -> Vec<(String, Template)> {
    entries(node, told, &context.problems)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, value)| {
            let plain = context.is_plain(key);
            let written = scalar::loose_text(value, &key.text, &context.problems)?;
            let template = context.template(value, written)?;
            plain.then(|| (key.text.clone(), template))
        })
        .collect()
}

fn body(object: &Object<'_>, context: &Context) -> Option<Body> {
    let given: Vec<(&str, &Node)> = ["json", "body", "form"]
        .into_iter()
        .filter_map(|key| Some((key, object.get(key)?)))
        .collect();
    match given.as_slice() {
        [] => Some(Body::None),
        [("json", node)] => shape(node, context).map(Body::Json),
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

/// JSON with templates in its strings.
pub(super) fn shape(node: &Node, context: &Context) -> Option<Shape> {
    Some(match &node.value {
        Value::Null => Shape::Fixed(exact_json::Value::Null),
        Value::Bool(value, _) => Shape::Fixed((*value).into()),
        Value::Number(number, written) => {
            if !context.is_json(node, number, written) {
                return None;
            }
            Shape::Fixed(json_number(number))
        }
        Value::Text(written) => {
            let template = context.template(node, written)?;
            if !context.is_json_template(node, &template) {
                return None;
            }
            if template.is_literal() {
                Shape::Fixed(written.clone().into())
            } else {
                Shape::Text(template)
            }
        }
        Value::List(items) => {
            let shapes: Vec<Option<Shape>> =
                items.iter().map(|item| shape(item, context)).collect();
            Shape::List(shapes.into_iter().collect::<Option<_>>()?)
        }
        Value::Map(_) => {
            let entries = entries(node, "the object", &context.problems)?;
            let shapes: Vec<Option<(String, Shape)>> = entries
                .into_iter()
                .map(|(key, value)| {
                    let plain = context.is_plain(key);
                    let shape = shape(value, context)?;
                    plain.then(|| (key.text.clone(), shape))
                })
                .collect();
            Shape::Map(shapes.into_iter().collect::<Option<_>>()?)
        }
    })
}
