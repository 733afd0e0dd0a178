//! `journey:` and `always:` of a check: steps with their expectations and captures.

use ::http::header::HeaderName;
use strict_yaml::words::is_name;
use strict_yaml::{Key, Node, Object, entries, items, scalar};

use super::context::Context;
use super::{RetryPolicy, css, defaults, expect, http, json, keys, patterns};
use crate::expect::{Capture, CaptureSource};
use crate::probe::ProbeKind;
use crate::probe::http::Request;
use crate::probe::journey::{Journey, Step};
use crate::template::{Reference, Template};

/// Steps of one journey, and captures of all of them.
const MAX_STEPS: usize = 50;
const MAX_CAPTURES: usize = 50;

const SOURCES: [&str; 5] = ["json", "header", "cookie", "regex", "css"];

/// The steps under `journey`; those under `always` are read by [`always`], which may use what these capture.
pub(super) fn journey(node: &Node, context: &Context) -> Option<Journey> {
    context.forget_captures();
    let steps = steps("journey", node, context);
    let count = context.captures();
    if count > MAX_CAPTURES {
        let message = format!("the journey captures {count} values");
        let remedy = format!("capture at most {MAX_CAPTURES}");
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(Journey {
        steps: steps?,
        always: Vec::new(),
    })
}

/// The steps under `always`.
pub(super) fn always(node: &Node, context: &Context) -> Vec<Step> {
    steps("always", node, context).unwrap_or_default()
}

fn steps(key: &str, node: &Node, context: &Context) -> Option<Vec<Step>> {
    let problems = &context.problems;
    let nodes = items(node, key, problems)?;
    if nodes.is_empty() || nodes.len() > MAX_STEPS {
        let message = format!("{key} has {} steps", nodes.len());
        problems.add(node.at, message, format!("write 1 to {MAX_STEPS} steps"));
        return None;
    }
    let steps: Vec<Option<Step>> = nodes.iter().map(|node| step(key, node, context)).collect();
    steps.into_iter().collect()
}

/// One step of a list; only under `journey` it captures.
pub(super) fn step(list: &str, node: &Node, context: &Context) -> Option<Step> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::STEP, problems)?;
    let name = match object.get("name") {
        None => Some(None),
        Some(node) => step_name(node, context).map(Some),
    };
    let request = object
        .require("http", problems)
        .and_then(|node| http::request(node, context));
    if let Some(request) = &request {
        names_no_place(node, request, context);
    }
    // One try of a step, unless it says otherwise: the check tries the whole journey again.
    let once = RetryPolicy {
        retries: 0,
        ..context.defaults.retry
    };
    let patience = defaults::retry_policy(&object, once, context);
    let profile = request.as_ref().map(ProbeKind::profile);
    let expect = match object.get("expect") {
        None => request.as_ref().map(ProbeKind::presumed),
        Some(node) => expect::all(node, profile.as_ref(), context),
    };
    if let (Some(node), Some(request), Some(expect)) = (object.get("expect"), &request, &expect) {
        expect::fits_request(node, request, expect, context);
    }
    let captures = match object.get("capture") {
        None => Some(Vec::new()),
        Some(node) if list != "journey" => {
            let message = format!("a step under `{list}` captures nothing");
            problems.add(node.at, message, "remove it");
            None
        }
        Some(node) => captures(node, context),
    };
    Some(Step {
        name: name?,
        request: request?,
        expect: expect?,
        captures: captures?,
        timeout: patience.timeout,
        retries: patience.retries,
        retry_every: patience.retry_every,
    })
}

/// An answer must not say what counts as the release, nor whom to ask besides.
fn names_no_place(node: &Node, request: &Request, context: &Context) {
    let is_led = |template: &Template| {
        template.references().any(
            |reference| matches!(reference, Reference::Name(name) if context.is_captured(name)),
        )
    };
    let remedy = "write it out, or use a variable";
    if request.allow_origins.iter().any(is_led) {
        let message = "allow_origins can't have a captured value";
        context.problems.add(node.at, message, remedy);
    }
    if request.reaches_release && is_led(&request.url) {
        let message = "a URL with a captured value can't be said to reach the release";
        context.problems.add(node.at, message, remedy);
    }
}

/// The name of a step, of a journey or a browser.
pub(super) fn step_name(node: &Node, context: &Context) -> Option<String> {
    let problems = &context.problems;
    let name = scalar::text(node, "name", problems)?;
    if name.contains("{{") || name.contains('\n') || name.chars().count() > 200 {
        let message = "the name of a step is one line of up to 200 characters, without references";
        problems.add(node.at, message, "write a short, fixed name");
        return None;
    }
    Some(name.to_owned())
}

/// Names, and where each value is taken from. Later steps may use them, and this step's expectations may not.
fn captures(node: &Node, context: &Context) -> Option<Vec<Capture>> {
    let entries = entries(node, "capture", &context.problems)?;
    let captures: Vec<Option<Capture>> = entries
        .into_iter()
        .map(|(key, node)| {
            let capture = capture(key, node, context);
            // Also where it has problems: what uses it has none of its own.
            context.declare_capture(key).then_some(())?;
            capture
        })
        .collect();
    captures.into_iter().collect()
}

fn capture(key: &Key, node: &Node, context: &Context) -> Option<Capture> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::CAPTURE, problems)?;
    let given: Vec<&str> = SOURCES
        .into_iter()
        .filter(|key| object.get(key).is_some())
        .collect();
    let [source] = given.as_slice() else {
        if given.is_empty() && object.has_unknown_keys() {
            return None;
        }
        let message = match given.as_slice() {
            [first, second, ..] => {
                format!("a capture has one source, not both `{first}` and `{second}`")
            }
            _ => format!("the capture {:?} does not say where its value is", key.text),
        };
        let remedy = "write one of `json: $.path`, `header: name`, `cookie: name`, `regex: '…'` or `css: selector`";
        problems.add(node.at, message, remedy);
        return None;
    };
    let value = object.get(source)?;
    if let (Some(node), true) = (object.get("attribute"), *source != "css") {
        problems.add(node.at, "`attribute` goes with `css`", "remove it");
    }
    let source = match *source {
        "json" => CaptureSource::Json(json::path(value, context)?),
        "header" => {
            let name = scalar::text(value, "header", problems)?;
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                let message = format!("{name:?} can't be the name of a header");
                problems.add(value.at, message, "use letters, digits and -");
                return None;
            };
            CaptureSource::Header(name)
        }
        "cookie" => CaptureSource::Cookie(scalar::text(value, "cookie", problems)?.to_owned()),
        "regex" => CaptureSource::Regex(patterns::pattern("regex", value, context)?),
        _ => CaptureSource::Css(css::found(value, object.get("attribute"), context)?),
    };
    let secret = match object.get("secret") {
        None => false,
        Some(node) => scalar::boolean(node, "secret", problems)?,
    };
    is_name(&key.text).then(|| Capture {
        name: key.text.clone(),
        source,
        secret,
    })
}
