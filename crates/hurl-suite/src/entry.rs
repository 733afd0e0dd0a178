//! A file as a suite with one check: a journey whose steps are the entries.

use hurl_core::ast::{Entry, HurlFile, Response, StatusValue, VersionValue};
use hurl_core::types::ToSource as _;
use strict_yaml::{Key, Node, Position, Value};

use crate::context::Context;
use crate::options::Options;
use crate::tree::{list, map, number, start, text};
use crate::{asserts, captures, options, request, uses};

/// What Hurl gives each request, unless the file says otherwise.
const REQUEST_TIMEOUT: &str = "5m";
/// Hurl asks for no coding unless the file does.
const ACCEPT_ENCODING: &str = "accept-encoding";
const IDENTITY_CODING: &str = "identity";
/// A response of any status that HTTP has.
const ANY_STATUS: &str = "100-599";
const START: Position = Position::START;
/// Steps of a journey.
const MAX_ENTRIES: usize = 50;
/// Characters of the name of a step.
const MAX_NAME: usize = 120;

/// The tree of the suite. Where there are problems it is no suite, but its decoder can find others in it.
pub(crate) fn suite(name: &str, file: &HurlFile, context: &mut Context) -> Node {
    let steps = steps(file, context);
    let check = vec![
        ("name", text(START, name)),
        ("retries", number(START, "0")),
        ("journey", list(START, steps)),
    ];
    let mut suite = vec![("version", number(START, "1")), ("name", text(START, name))];
    let vars = context.names.variables();
    if !vars.is_empty() {
        suite.push(("vars", map(START, vars)));
    }
    if !context.names.secrets.is_empty() {
        let secrets = context.names.secrets.clone();
        suite.push(("secrets", map(START, secrets)));
    }
    let headers = map(START, [(ACCEPT_ENCODING, text(START, IDENTITY_CODING))]);
    let http = map(
        START,
        [
            ("timeout", text(START, REQUEST_TIMEOUT)),
            ("headers", headers),
        ],
    );
    suite.push(("defaults", map(START, [("http", http)])));
    suite.push(("checks", list(START, vec![map(START, check)])));
    map(START, suite)
}

/// The steps of a journey in a suite that names the file: what the suite's defaults say holds for them, too, but no coding is
/// asked for that the file does not ask for.
pub(crate) fn journey(file: &HurlFile, context: &mut Context) -> Node {
    let mut steps = steps(file, context);
    steps.iter_mut().for_each(without_coding);
    list(START, steps)
}

fn without_coding(step: &mut Node) {
    let Value::Map(keys) = &mut step.value else {
        return;
    };
    let Some((_, http)) = keys.iter_mut().find(|(key, _)| key.text == "http") else {
        return;
    };
    let at = http.at;
    let Value::Map(keys) = &mut http.value else {
        return;
    };
    let none = || [(ACCEPT_ENCODING, text(at, IDENTITY_CODING))];
    match keys.iter_mut().find(|(key, _)| key.text == "headers") {
        None => {
            let key = Key {
                at,
                text: "headers".to_owned(),
            };
            keys.push((key, map(at, none())));
        }
        Some((_, headers)) => {
            if let (Value::Map(own), Value::Map(none)) = (&mut headers.value, map(at, none()).value)
            {
                let is_said =
                    |(key, _): &(Key, Node)| key.text.eq_ignore_ascii_case(ACCEPT_ENCODING);
                if !own.iter().any(is_said) {
                    own.extend(none);
                }
            }
        }
    }
}

fn steps(file: &HurlFile, context: &mut Context) -> Vec<Node> {
    if let Some(beyond) = file.entries.get(MAX_ENTRIES) {
        let at = start(beyond.request.url.source_info);
        let message = format!("the file has {} entries", file.entries.len());
        let remedy = format!("a file has up to {MAX_ENTRIES}: split it");
        context.problems.add(at, message, remedy);
    }
    let entries = file.entries.iter().take(MAX_ENTRIES).enumerate();
    let mut steps: Vec<Node> = entries
        .map(|(index, entry)| step(index, entry, context))
        .collect();
    for (origin, used) in context.names.captured() {
        if let Some(step) = steps.get_mut(origin.step) {
            uses::expect(step, origin.demands(used));
        }
    }
    steps
}

fn step(index: usize, entry: &Entry, context: &mut Context) -> Node {
    let options = options::read(entry, context);
    let http = request::http(&entry.request, &options, context);
    let begin = start(entry.request.url.source_info);
    let mut keys = vec![("name", text(begin, step_name(entry)))];
    keys.push(("http", http));
    let (mut expect, captured) = match &entry.response {
        None => (Vec::new(), Vec::new()),
        Some(response) => judged(index, response, &options, context),
    };
    if let (true, Some((at, most))) = (options.location, options.max_redirects) {
        let count = map(at, [("count", text(at, format!("<= {most}")))]);
        expect.push(map(at, [("redirects", count)]));
    }
    let at = expect.first().map_or(begin, |first: &Node| first.at);
    let expect = if expect.is_empty() {
        vec![map(begin, [("status", text(begin, ANY_STATUS))])]
    } else {
        expect
    };
    keys.push(("expect", list(at, expect)));
    if let Some((_, first)) = captured.first() {
        let at = first.at;
        keys.push(("capture", map(at, captured)));
    }
    keys.extend(options.timeout.map(|timeout| ("timeout", timeout)));
    if let Some(retries) = options.retries {
        keys.push(("retries", retries));
        keys.extend(options.retry_every.map(|every| ("retry_every", every)));
    }
    map(begin, keys)
}

/// What is expected of a response, and what is taken from it.
fn judged(
    index: usize,
    response: &Response,
    options: &Options,
    context: &mut Context,
) -> (Vec<Node>, Vec<(String, Node)>) {
    let mut expect = Vec::new();
    if response.version.value != VersionValue::VersionAny {
        let at = start(response.version.source_info);
        let message = format!(
            "{} demands a version of HTTP, which is not judged",
            response.version.value
        );
        context.problems.add(at, message, "write HTTP");
    }
    if let StatusValue::Specific(status) = &response.status.value {
        let at = start(response.status.source_info);
        expect.push(map(at, [("status", number(at, &status.to_string()))]));
    }
    let names = response.captures().iter();
    context
        .names
        .pend(names.map(|capture| capture.name.to_string()));
    expect.extend(asserts::implicit(response, context));
    expect.extend(asserts::explicit(response, options, context));
    let taken = captures::read(response.captures(), index, context);
    expect.extend(taken.demands);
    context.names.settle();
    for (own, name, kind) in taken.names {
        // As it was reserved.
        context.names.capture(&name, own, kind);
    }
    (expect, taken.captures)
}

/// What reports call a step: the line of the file, and the request with its placeholders as they are in Hurl, in single braces.
fn step_name(entry: &Entry) -> String {
    let line = entry.request.url.source_info.start.line;
    let url = entry.request.url.to_source().to_string();
    let url = url.replace("{{", "{").replace("}}", "}");
    let name = format!("line {line}: {} {url}", entry.request.method);
    let clean: String = name.chars().filter(|one| !one.is_control()).collect();
    clean.chars().take(MAX_NAME).collect()
}
