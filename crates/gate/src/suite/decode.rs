//! The suite's text into a [`Suite`], or into every problem that it has.

use std::collections::BTreeMap;
use std::time::Duration;

use strict_yaml::{Findings, Node, Object, Value, entries, scalar};
use url::Host;

use super::check_fingerprint::{self, Fingerprint};
use super::context::Context;
use super::files::{Files, SuiteFile, folder};
use super::{FILE, Limits, SecretRef, Suite, SuiteProblems};
use super::{check, defaults, expect, http, hurl, include, keys, traffic};
use crate::template::Var;
use crate::verdict::InconclusivePolicy;

const DAY: Duration = Duration::from_hours(24);

/// The suite, as far as the files that it names are there; they come back with what is missing of them.
pub(super) fn suite(
    source: &str,
    text: &str,
    files: Files,
) -> (Result<Suite, SuiteProblems>, Files) {
    let mut context = Context::with(files);
    match strict_yaml::read(text, FILE) {
        Ok(root) => {
            let root = include::merged(root, &mut context);
            let root = hurl::expanded(root, context.files.hurl, &mut context);
            finished(source, &root, text, context)
        }
        Err(problem) => {
            context.problems.push(problem);
            (context.problems.conclude(source, None), context.files)
        }
    }
}

/// A suite that somebody has made of another file, whose `text` and places these are.
pub(super) fn tree(source: &str, root: &Node, text: &str) -> Result<Suite, SuiteProblems> {
    finished(source, root, text, Context::default()).0
}

fn finished(
    source: &str,
    root: &Node,
    text: &str,
    mut context: Context,
) -> (Result<Suite, SuiteProblems>, Files) {
    let suite = whole(root, &mut context);
    let files = context.files;
    let beside = |path: &String| format!("{}{path}", folder(source));
    let included: Vec<String> = context.included.iter().map(beside).collect();
    let suite = suite.map(|suite| {
        let mut all = vec![SuiteFile::new(source.to_owned(), text.as_bytes())];
        let used = files.used().into_iter();
        all.extend(used.map(|(path, bytes)| SuiteFile::new(beside(&path), &bytes)));
        Suite {
            fingerprint: fingerprint(text, &all[1..]),
            files: all,
            held: files.total(),
            included: included.clone(),
            ..suite
        }
    });
    let read = context.problems.conclude(source, suite);
    let read = read.map_err(|problems| SuiteProblems {
        others: included,
        ..problems
    });
    (read, files)
}

fn whole(root: &Node, context: &mut Context) -> Option<Suite> {
    let object = Object::read(root, &keys::SUITE, &context.problems)?;
    version(&object, &context.problems);
    let name = object
        .require("name", &context.problems)
        .and_then(|node| scalar::text(node, "name", &context.problems));
    let host = object
        .get("host")
        .and_then(|node| virtual_host(node, &context.problems));
    if let Some(node) = object.get("vars") {
        context.vars = vars(node, context);
    }
    let secrets = object
        .get("secrets")
        .map(|node| secrets(node, context))
        .unwrap_or_default();
    let limits = object
        .get("limits")
        .map(|node| limits(node, context))
        .unwrap_or_default();
    if let Some(node) = object.get("defaults") {
        context.defaults = defaults::defaults(node, context).unwrap_or_default();
    }
    let ca_certificates = object
        .get("ca_certificates")
        .map(|node| http::certificates(node, context))
        .unwrap_or_default();
    let traffic = object
        .get("traffic")
        .and_then(|node| traffic::traffic(node, limits.overall, &context.problems));
    let revision = object
        .get("revision")
        .and_then(|node| expect::revision(node, context))
        .into_iter()
        .collect();
    let policies = [
        ("fail", InconclusivePolicy::Fail),
        ("pass", InconclusivePolicy::Pass),
        ("ask", InconclusivePolicy::Ask),
    ];
    let inconclusive = object
        .get("inconclusive")
        .and_then(|node| scalar::choice(node, "inconclusive", &policies, &context.problems));
    let dry_run = flag(&object, "dry_run", &context.problems);
    let overridable = flag(&object, "overridable", &context.problems);
    let seed = object
        .get("seed")
        .and_then(|node| seed(node, &context.problems));
    context.shared_definition = check_fingerprint::shared(root);
    let checks = match object.get("checks") {
        // They may stand in what could not be included.
        None if context.lacks_files => None,
        _ => object.require("checks", &context.problems),
    };
    let checks = checks.and_then(|node| check::checks(node, context));
    Some(Suite {
        name: name?.to_owned(),
        host,
        ca_certificates,
        vars: std::mem::take(&mut context.vars),
        secrets,
        limits,
        checks: checks?,
        traffic,
        revision,
        inconclusive: inconclusive.unwrap_or_default(),
        dry_run,
        overridable,
        seed,
        uses_functions: context.uses_functions.get(),
        fingerprint: 0,
        files: Vec::new(),
        held: 0,
        included: Vec::new(),
    })
}

/// Differs between two suites of different texts, or with other files beside them.
fn fingerprint(text: &str, beside: &[SuiteFile]) -> u64 {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(text);
    for file in beside {
        fingerprint.add(&format!("/{}={}", file.name, file.sha256));
    }
    fingerprint.0
}

/// What the values of functions stand on: a number, or the text that an earlier report shows.
fn seed(node: &Node, problems: &Findings) -> Option<u64> {
    let seed = match &node.value {
        Value::Number(number, _) => number.as_u64(),
        Value::Text(text) => u64::from_str_radix(text.trim(), 16).ok(),
        _ => None,
    };
    if seed.is_none() {
        let remedy = "write a whole number, or the 16 hexadecimal digits of a report in quotes";
        problems.add(node.at, "seed is not a seed", remedy);
    }
    seed
}

pub(super) fn flag(object: &Object<'_>, key: &str, problems: &Findings) -> bool {
    let flag = object
        .get(key)
        .and_then(|node| scalar::boolean(node, key, problems));
    flag.unwrap_or_default()
}

pub(super) fn version(object: &Object<'_>, problems: &Findings) {
    if let Some(node) = object.require("version", problems) {
        let one = matches!(&node.value, Value::Number(number, _) if number.as_u64() == Some(1));
        if !one {
            problems.add(
                node.at,
                "unknown version",
                "this is version 1: write `version: 1`",
            );
        }
    }
}

pub(super) fn virtual_host(node: &Node, problems: &Findings) -> Option<String> {
    let written = scalar::text(node, "host", problems)?;
    if let Ok(Host::Domain(host)) = Host::parse(written) {
        return Some(host);
    }
    let remedy = "write a name such as shop.example.com, without scheme, port or path";
    problems.add(
        node.at,
        format!("host: {written:?} is not a host name"),
        remedy,
    );
    None
}

fn vars(node: &Node, context: &mut Context) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    for (key, value) in entries(node, "vars", &context.problems).unwrap_or_default() {
        context.declare(key, "variable");
        let var = var(&value.value);
        if var.is_none() {
            let message = format!("the variable {:?} is {}", key.text, value.value.kind());
            let remedy = "write text, a number, true or false";
            context.problems.add(value.at, message, remedy);
        }
        vars.extend(var.map(|var| (key.text.clone(), var)));
    }
    vars
}

/// The value of a variable, if it can be one.
pub(super) fn var(value: &Value) -> Option<Var> {
    match value {
        Value::Text(text) => Some(Var::Text(text.clone())),
        Value::Bool(value, written) => Some(Var::Bool {
            value: *value,
            written: written.clone(),
        }),
        Value::Number(value, written) => Some(Var::Number {
            value: value.clone(),
            written: written.clone(),
        }),
        _ => None,
    }
}

fn secrets(node: &Node, context: &mut Context) -> BTreeMap<String, SecretRef> {
    let mut secrets = BTreeMap::new();
    for (key, value) in entries(node, "secrets", &context.problems).unwrap_or_default() {
        context.declare_secret(key);
        let noun = format!("the secret {:?}", key.text);
        if let Some(reference) = SecretRef::read(value, &noun, FILE.noun, &context.problems) {
            secrets.insert(key.text.clone(), reference);
        }
    }
    secrets
}

fn limits(node: &Node, context: &Context) -> Limits {
    let problems = &context.problems;
    let mut limits = Limits::default();
    let Some(object) = Object::read(node, &keys::LIMITS, problems) else {
        return limits;
    };
    let concurrency = object
        .get("concurrency")
        .and_then(|node| scalar::integer(node, "concurrency", 1..=200, problems))
        .and_then(|number| usize::try_from(number).ok());
    limits.concurrency = concurrency.unwrap_or(limits.concurrency);
    limits.overall = object
        .get("overall")
        .and_then(|node| scalar::duration(node, "overall", Duration::from_secs(1)..=DAY, problems));
    limits
}
