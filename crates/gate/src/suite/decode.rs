//! The suite's text into a [`Suite`], or into every problem that it has.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use strict_yaml::words::is_name;
use strict_yaml::{At, Findings, Key, Node, Number, Object, Value, entries, items, scalar};
use url::Host;

use super::patterns::Patterns;
use super::{Check, Limits, RetryPolicy, SecretRef, Severity, Suite, SuiteProblems};
use super::{FILE, expect, http, journey, keys, probes, traffic};
use crate::probe::Probe;
use crate::template::{Reference, Template, TemplateError, Var};
use crate::verdict::InconclusivePolicy;
use crate::{Stage, TARGET_KEYS, words};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const CHECK_LIMIT: usize = 1_000;
/// Tags of one check, and characters of one.
const MAX_TAGS: usize = 20;
const MAX_TAG: usize = 50;

/// What the decoder knows while it reads: where problems go, and which names are alive.
pub(super) struct Context {
    pub(super) problems: Findings,
    /// Variables and secrets.
    names: BTreeSet<String>,
    vars: BTreeMap<String, Var>,
    pub(super) defaults: Defaults,
    pub(super) patterns: Patterns,
    /// Regular expressions in the paths of `json`, so far.
    pub(super) path_patterns: Cell<usize>,
    /// What earlier steps of the journey that is read capture.
    captured: RefCell<BTreeSet<String>>,
    /// Whether a text has a function so far.
    uses_functions: Cell<bool>,
}

/// `defaults.http`.
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) retry: RetryPolicy,
    pub(super) headers: Vec<(::http::header::HeaderName, Template)>,
    pub(super) max_body: Option<usize>,
}

pub(super) fn suite(source: &str, text: &str) -> Result<Suite, SuiteProblems> {
    let root = strict_yaml::read(text, FILE).map_err(|problem| SuiteProblems {
        source: source.to_owned(),
        problems: vec![problem],
    })?;
    let mut context = Context {
        problems: Findings::default(),
        names: BTreeSet::new(),
        vars: BTreeMap::new(),
        defaults: Defaults::default(),
        patterns: Patterns::default(),
        path_patterns: Cell::new(0),
        captured: RefCell::default(),
        uses_functions: Cell::new(false),
    };
    let suite = whole(&root, &mut context).map(|suite| Suite {
        fingerprint: fingerprint(text),
        ..suite
    });
    context.problems.conclude(source, suite)
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
        defaults(node, context);
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
    let seed = object
        .get("seed")
        .and_then(|node| seed(node, &context.problems));
    let checks = object
        .require("checks", &context.problems)
        .and_then(|node| checks(node, context));
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
        seed,
        uses_functions: context.uses_functions.get(),
        fingerprint: 0,
    })
}

/// FNV-1a: enough to notice a change, and nothing that anybody has to trust.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
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

fn flag(object: &Object<'_>, key: &str, problems: &Findings) -> bool {
    let flag = object
        .get(key)
        .and_then(|node| scalar::boolean(node, key, problems));
    flag.unwrap_or_default()
}

fn version(object: &Object<'_>, problems: &Findings) {
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
        context.declare(key, "secret");
        let told = format!("the secret {:?}", key.text);
        if let Some(reference) = SecretRef::read(value, &told, FILE.noun, &context.problems) {
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

fn defaults(node: &Node, context: &mut Context) {
    let Some(object) = Object::read(node, &keys::DEFAULTS, &context.problems) else {
        return;
    };
    let Some(node) = object.get("http") else {
        return;
    };
    let Some(object) = Object::read(node, &keys::DEFAULTS_HTTP, &context.problems) else {
        return;
    };
    let defaults = Defaults {
        retry: retry_policy(&object, RetryPolicy::default(), context),
        headers: object
            .get("headers")
            .map(|n| http::headers(n, context))
            .unwrap_or_default(),
        max_body: object
            .get("max_body")
            .and_then(|n| http::max_body(n, context)),
    };
    context.defaults = defaults;
}

/// The keys that checks and defaults have in common.
fn retry_policy(object: &Object<'_>, otherwise: RetryPolicy, context: &Context) -> RetryPolicy {
    let problems = &context.problems;
    let duration = |key| {
        object
            .get(key)
            .and_then(|node| scalar::duration(node, key, MILLISECOND..=HOUR, problems))
    };
    let retries = object
        .get("retries")
        .and_then(|node| scalar::integer(node, "retries", 0..=100, problems))
        .and_then(|number| u32::try_from(number).ok());
    RetryPolicy {
        timeout: duration("timeout").unwrap_or(otherwise.timeout),
        retries: retries.unwrap_or(otherwise.retries),
        retry_every: duration("retry_every").unwrap_or(otherwise.retry_every),
        within: otherwise.within,
    }
}

fn checks(node: &Node, context: &Context) -> Option<Vec<Check>> {
    let nodes = items(node, "checks", &context.problems)?;
    if nodes.is_empty() {
        let message = "the suite has no checks, so it could never pass";
        context
            .problems
            .add(node.at, message, "write at least one check");
        return None;
    }
    if nodes.len() > CHECK_LIMIT {
        let message = format!("the suite has more than {CHECK_LIMIT} checks");
        context
            .problems
            .add(node.at, message, "split it into several suites");
        return None;
    }
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut checks = Vec::new();
    for node in nodes {
        let Some(object) = Object::read(node, &keys::CHECK, &context.problems) else {
            continue;
        };
        if let Some((name, at)) = check_name(&object, context) {
            if let Some(earlier) = names.insert(name, at.line) {
                let message = format!("two checks have the name {name:?}");
                let remedy =
                    format!("the other one is in line {earlier}; reports need to tell them apart");
                context.problems.add(at, message, remedy);
            }
            checks.extend(check(name, &object, context));
        } else {
            // For the problems of the rest.
            check("", &object, context);
        }
    }
    Some(checks)
}

fn check_name<'n>(object: &Object<'n>, context: &Context) -> Option<(&'n str, At)> {
    let problems = &context.problems;
    let node = object.require("name", problems)?;
    let name = scalar::text(node, "name", problems)?;
    if name.contains("{{") {
        problems.add(
            node.at,
            "a check's name can't have references",
            "write a fixed name",
        );
        return None;
    }
    if name.chars().count() > 200 || name.contains('\n') {
        problems.add(
            node.at,
            "the name is too long",
            "write one line of up to 200 characters",
        );
        return None;
    }
    Some((name, node.at))
}

fn check(name: &str, object: &Object<'_>, context: &Context) -> Option<Check> {
    let problems = &context.problems;
    let on = match object.get("on") {
        None => Some(Stage::ALL.to_vec()),
        Some(node) => stages(node, problems),
    };
    let tags = match object.get("tags") {
        None => Some(Vec::new()),
        Some(node) => tags(node, problems),
    };
    let severities = [
        ("required", Severity::Required),
        ("advisory", Severity::Advisory),
    ];
    let severity = match object.get("severity") {
        None => Some(Severity::default()),
        Some(node) => scalar::choice(node, "severity", &severities, problems),
    };
    let severity = match (severity, flag(object, "dry_run", problems)) {
        (Some(Severity::Advisory), true) => {
            let remedy = "remove one: an advisory check never blocks, with or without a dry run";
            problems.add(object.at, "the check is advisory and in a dry run", remedy);
            None
        }
        (severity, true) => severity.map(|_| Severity::DryRun),
        (severity, false) => severity,
    };
    let read = probes::probe(object, context);
    let key = read.as_ref().map_or("http", |read| read.key);
    let at = read.as_ref().map_or(object.at, |read| read.at);
    let mut probe = read.and_then(|read| read.probe);
    if let Some(node) = object.get("always") {
        let always = journey::always(node, context);
        match &mut probe {
            Some(Probe::Journey(journey)) => journey.always = always,
            _ if key == "journey" => {}
            _ => {
                let message = "`always` goes with `journey`";
                let remedy = "write the request under `journey`, or remove it";
                problems.add(node.at, message, remedy);
            }
        }
    }
    context.forget_captures();
    let within = object
        .get("within")
        .and_then(|node| scalar::duration(node, "within", MILLISECOND..=HOUR, problems));
    let mut retry = RetryPolicy {
        within,
        ..retry_policy(object, probes::retry_defaults(key, context), context)
    };
    if let (Some(Probe::Journey(journey)), None) = (&probe, object.get("timeout")) {
        retry.timeout = journey.timeout();
    }
    let profile = probe.as_ref().map(|probe| probe.kind().profile());
    let expect = match object.get("expect") {
        None => probe.as_ref().map(|probe| probe.kind().presumed()),
        Some(node) => expect::all(node, profile.as_ref(), context),
    };
    if let (Some(node), Some(Probe::Http(request)), Some(expect)) =
        (object.get("expect"), &probe, &expect)
    {
        expect::fits_request(node, request, expect, context);
    }
    Some(Check {
        name: name.to_owned(),
        line: at.line,
        column: at.column,
        on: on?,
        tags: tags?,
        severity: severity?,
        probe: probe?,
        retry,
        expect: expect?,
    })
}

/// Words that group checks in reports.
fn tags(node: &Node, problems: &Findings) -> Option<Vec<String>> {
    let nodes = items(node, "tags", problems)?;
    if nodes.len() > MAX_TAGS {
        let message = format!("tags has more than {MAX_TAGS} entries");
        problems.add(node.at, message, "name fewer");
        return None;
    }
    let mut tags: Vec<String> = Vec::new();
    for node in nodes {
        let tag = scalar::text(node, "tags", problems)?;
        let fits = tag.len() <= MAX_TAG && is_name(tag);
        if !fits || tags.iter().any(|other| other == tag) {
            let (message, remedy) = if fits {
                (format!("the tag {tag:?} is there twice"), "remove one")
            } else {
                (
                    format!("{tag:?} can't be a tag"),
                    "use up to 50 letters, digits, _ and -, not beginning with a digit",
                )
            };
            problems.add(node.at, message, remedy);
            return None;
        }
        tags.push(tag.to_owned());
    }
    Some(tags)
}

fn stages(node: &Node, problems: &Findings) -> Option<Vec<Stage>> {
    let choices = Stage::ALL.map(|stage| (stage.as_str(), stage));
    if matches!(node.value, Value::Text(_)) {
        return scalar::choice(node, "on", &choices, problems).map(|stage| vec![stage]);
    }
    let nodes = items(node, "on", problems)?;
    if nodes.is_empty() {
        problems.add(
            node.at,
            "the check would never run",
            "name a stage, or remove `on`",
        );
    }
    let stages: Vec<Stage> = nodes
        .iter()
        .filter_map(|node| scalar::choice(node, "on", &choices, problems))
        .collect();
    (!stages.is_empty()).then_some(stages)
}

impl Context {
    /// Takes up a name that templates may use.
    fn declare(&mut self, key: &Key, told: &str) {
        if !is_name(&key.text) || key.text == "target" {
            let message = format!("{:?} can't be the name of a {told}", key.text);
            let remedy = "use letters, digits, _ and -, not beginning with a digit; \
                          `target` is taken by the deployment";
            self.problems.add(key.at, message, remedy);
        } else if !self.names.insert(key.text.clone()) {
            let message = format!("{:?} is both a variable and a secret", key.text);
            self.problems.add(key.at, message, "rename one of them");
        }
    }

    /// Takes up the name of a capture, which later steps may use.
    pub(super) fn declare_capture(&self, key: &Key) -> bool {
        if !is_name(&key.text) || key.text == "target" {
            let message = format!("{:?} can't be the name of a capture", key.text);
            let remedy = "use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment";
            self.problems.add(key.at, message, remedy);
            return false;
        }
        let taken = if self.names.contains(&key.text) {
            Some("is a variable or a secret already")
        } else if self.captured.borrow_mut().insert(key.text.clone()) {
            None
        } else {
            Some("is captured twice")
        };
        if let Some(taken) = taken {
            let message = format!("{:?} {taken}", key.text);
            self.problems.add(key.at, message, "rename one of them");
        }
        taken.is_none()
    }

    pub(super) fn is_captured(&self, name: &str) -> bool {
        self.captured.borrow().contains(name)
    }

    /// How many values the journey captures so far.
    pub(super) fn captures(&self) -> usize {
        self.captured.borrow().len()
    }

    /// Another journey, or none, begins: it has no captures.
    pub(super) fn forget_captures(&self) {
        self.captured.borrow_mut().clear();
    }

    /// A template all of whose references are alive.
    pub(super) fn template(&self, node: &Node, written: &str) -> Option<Template> {
        let template = match Template::parse(written) {
            Ok(template) => template,
            Err(error) => {
                let remedy = match &error {
                    TemplateError::Function(_) => {
                        "there are uuid(), random(8), now(), now('+1d') and now('%Y-%m-%d')"
                    }
                    _ => {
                        "references look like {{ name }} or {{ target.version }}; \
                         for braces as they are, put them in a variable"
                    }
                };
                self.problems.add(node.at, error.to_string(), remedy);
                return None;
            }
        };
        let mut alive = true;
        for reference in template.references() {
            alive &= self.is_alive(node, reference);
        }
        alive.then_some(template)
    }

    /// Whether a number can stand in JSON as it was written; if not, what to do is a problem.
    pub(super) fn is_json(&self, node: &Node, number: &Number, written: &str) -> bool {
        let number = number.as_str();
        if number != written {
            let message = format!("JSON has no number that is written as {written}");
            let remedy = format!("put it in quotes if it is text, or write {number}");
            self.problems.add(node.at, message, remedy);
        }
        number == written
    }

    /// Whether a template can stand in JSON: one that is a number's variable and nothing else must be a
    /// number that JSON has.
    pub(super) fn is_json_template(&self, node: &Node, template: &Template) -> bool {
        let Some(Reference::Name(name)) = template.lone() else {
            return true;
        };
        let Some(var) = self.vars.get(name) else {
            return true;
        };
        let Some(number) = var.rewritten() else {
            return true;
        };
        let message = format!(
            "{{{{ {name} }}}} is {}, and JSON has no number that is written so",
            var.written()
        );
        let remedy = format!("in vars, put it in quotes if it is text, or write {number}");
        self.problems.add(node.at, message, remedy);
        false
    }

    /// Whether a name that is sent as it is written has no reference, which would be sent, too.
    pub(super) fn is_plain(&self, key: &Key) -> bool {
        let plain = !key.text.contains("{{");
        if !plain {
            let message = format!("the name {:?} can't have references", key.text);
            let remedy =
                "references stand in values; for braces in a name write the text under `body`";
            self.problems.add(key.at, message, remedy);
        }
        plain
    }

    /// What stands for a reference in a text, if that is known before a run.
    pub(super) fn known(&self, reference: &Reference) -> Option<String> {
        match reference {
            Reference::Name(name) => self.vars.get(name).map(|var| var.written().to_owned()),
            Reference::Target(_) | Reference::Function(_) => None,
        }
    }

    fn is_alive(&self, node: &Node, reference: &Reference) -> bool {
        let captured = self.captured.borrow().clone();
        let (name, known): (String, Vec<&str>) = match reference {
            Reference::Function(_) => {
                self.uses_functions.set(true);
                return true;
            }
            Reference::Name(name) if self.names.contains(name) || self.is_captured(name) => {
                return true;
            }
            Reference::Target(key) if TARGET_KEYS.contains(&key.as_str()) => return true,
            _ if self.problems.is_full() => return false,
            Reference::Name(name) => (
                name.clone(),
                self.names
                    .iter()
                    .chain(captured.iter())
                    .map(String::as_str)
                    .collect(),
            ),
            Reference::Target(key) => (format!("target.{key}"), TARGET_KEYS.to_vec()),
        };
        let wrong = name.strip_prefix("target.").unwrap_or(&name);
        let prefix = &name[..name.len() - wrong.len()];
        let remedy = match self.problems.nearest(wrong, known.iter().copied()) {
            Some(near) => format!("did you mean {{{{ {prefix}{near} }}}}?"),
            None if known.is_empty() => "declare it under vars or secrets".to_owned(),
            None => format!("known here: {}", words::list(known)),
        };
        self.problems.add(
            node.at,
            format!("{{{{ {name} }}}} refers to nothing"),
            remedy,
        );
        false
    }
}
