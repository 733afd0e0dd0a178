//! `checks` of a suite: the list, and what a check has beside its probe and its expectations.

use std::collections::BTreeMap;

use strict_yaml::words::is_name;
use strict_yaml::{Findings, Node, Object, Position, Value, items, scalar};

use super::context::Context;
use super::decode::flag;
use super::{
    Check, RetryPolicy, browser, check_fingerprint, defaults, ecs_task, expect, journey, keys,
    probes,
};
use crate::Stage;
use crate::probe::Probe;
use crate::severity::Severity;

const MAX_CHECKS: usize = 1_000;
const MAX_TAGS: usize = 20;
/// Characters of a tag.
const MAX_TAG: usize = 50;

/// A list.
pub(super) fn checks(node: &Node, context: &Context) -> Option<Vec<Check>> {
    let nodes = items(node, "checks", &context.problems)?;
    if nodes.is_empty() {
        let message = "the suite has no checks, so it could never pass";
        context
            .problems
            .add(node.at, message, "write at least one check");
        return None;
    }
    if nodes.len() > MAX_CHECKS {
        let message = format!("the suite has more than {MAX_CHECKS} checks");
        context
            .problems
            .add(node.at, message, "split it into several suites");
        return None;
    }
    let mut names: BTreeMap<&str, Position> = BTreeMap::new();
    let mut checks = Vec::new();
    for node in nodes {
        let Some(object) = Object::read(node, &keys::CHECK, &context.problems) else {
            continue;
        };
        context.files.begin_check();
        if let Some((name, at)) = check_name(&object, context) {
            if let Some(earlier) = names.insert(name, at) {
                let message = format!("two checks have the name {name:?}");
                let of_file = match context.included_file(earlier) {
                    Some(file) if earlier.file != at.file => format!(" of {file}"),
                    _ => String::new(),
                };
                let remedy = format!(
                    "the other one is in line {}{of_file}; reports need to tell them apart",
                    earlier.line
                );
                context.problems.add(at, message, remedy);
            }
            checks.extend(check(name, &object, context).map(|check| {
                let var = |name: &str| context.vars.get(name);
                let shared = context
                    .shared_definition
                    .with_files(&context.files.of_check());
                let definition = check_fingerprint::of(&check, node, shared, var);
                Check {
                    definition,
                    ..check
                }
            }));
        } else {
            // For the problems of the rest.
            check("", &object, context);
        }
    }
    Some(checks)
}

fn check_name<'n>(object: &Object<'n>, context: &Context) -> Option<(&'n str, Position)> {
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
    let severity = severity(object, problems);
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
    let mut retry = RetryPolicy {
        within: defaults::duration(object, "within", problems),
        ..defaults::retry_policy(object, defaults::of_probe(key, context), context)
    };
    if let (Some(Probe::Journey(journey)), None) = (&probe, object.get("timeout")) {
        retry.timeout = journey.timeout();
    }
    if let Some(Probe::Browser(browser)) = &mut probe {
        // It ends by itself before, so that there is a picture of what went wrong.
        let within = retry.within.unwrap_or(retry.timeout);
        browser.time = retry.timeout.min(within);
    }
    let mut limits = vec!["timeout", "within"];
    if let Some(Probe::EcsTask(task)) = &mut probe {
        // Its `timeout` is the task's; what comes beside it comes on top.
        task.time = retry.timeout;
        limits.remove(0);
    }
    if let Some(time) = probe.as_ref().and_then(|probe| probe.kind().fixed_time()) {
        defaults::fit_time(object, &limits, &mut retry, time, problems);
    }
    if let (Some(Probe::Browser(browser)), Some(on)) = (&probe, &on) {
        browser::agent::fits_stages(browser, on, object, problems);
    }
    let profile = probe.as_ref().map(|probe| probe.kind().profile());
    let expect = match object.get("expect") {
        None => probe.as_ref().map(|probe| probe.kind().presumed()),
        Some(node) => expect::all(node, profile.as_ref(), context),
    };
    let expect = match (&probe, expect) {
        (Some(Probe::EcsTask(task)), Some(expect)) => {
            Some(ecs_task::judged_by(task, object, expect, context))
        }
        (_, expect) => expect,
    };
    if let (Some(node), Some(Probe::Http(request)), Some(expect)) =
        (object.get("expect"), &probe, &expect)
    {
        expect::fits_request(node, request, expect, context);
    }
    Some(Check {
        name: name.to_owned(),
        at,
        file: context.included_file(at).map(str::to_owned),
        on: on?,
        tags: tags?,
        severity: severity?,
        probe: probe?,
        retry,
        expect: expect?,
        definition: 0,
    })
}

/// `severity`, and `dry_run` beside it.
fn severity(object: &Object<'_>, problems: &Findings) -> Option<Severity> {
    let severities = [
        ("required", Severity::Required),
        ("advisory", Severity::Advisory),
    ];
    let severity = match object.get("severity") {
        None => Severity::default(),
        Some(node) => scalar::choice(node, "severity", &severities, problems)?,
    };
    match (severity, flag(object, "dry_run", problems)) {
        (Severity::Advisory, true) => {
            let remedy = "remove one: an advisory check never blocks, with or without a dry run";
            problems.add(object.at, "the check is advisory and in a dry run", remedy);
            None
        }
        (_, true) => Some(Severity::DryRun),
        (severity, false) => Some(severity),
    }
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
