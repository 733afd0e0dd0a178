//! `ecs_task:` of a check.

use std::time::Duration;

use strict_yaml::{Node, Object, items, scalar};

use super::context::Context;
use super::{http, json, keys};
use crate::cloud::{RESULTS_VARIABLE, ResultSource};
use crate::expect::{Expectation, TestResults};
use crate::probe::ecs_task::{EcsTask, Results};
use crate::template::{Reference, Template};

/// Of a check that does not say: a gate before traffic has five minutes, unless its stack says otherwise.
pub(super) const DEFAULT_TIME: Duration = Duration::from_mins(3);
const MAX_WORDS: usize = 100;
/// As many as ECS takes.
const MAX_SUBNETS: usize = 16;
const MAX_SECURITY_GROUPS: usize = 5;

/// A mapping.
pub(super) fn ecs_task(node: &Node, context: &Context) -> Option<EcsTask> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::ECS_TASK, problems)?;
    let definition = object
        .require("task_definition", problems)
        .and_then(|node| text("task_definition", node, context));
    let container = match object.get("container") {
        None => Some(None),
        Some(node) => scalar::text(node, "container", problems).map(Some),
    };
    let cluster = match object.get("cluster") {
        None => Some(None),
        Some(node) => text("cluster", node, context).map(Some),
    };
    let subnets = texts("subnets", MAX_SUBNETS, &object, context);
    let groups = texts("security_groups", MAX_SECURITY_GROUPS, &object, context);
    let public_ip = match object.get("assign_public_ip") {
        None => Some(None),
        Some(node) => scalar::boolean(node, "assign_public_ip", problems).map(Some),
    };
    for key in ["security_groups", "assign_public_ip"] {
        if let (Some(node), None) = (object.get(key), object.get("subnets")) {
            let message = format!(
                "{key}: goes with subnets; without both, the network is that of the service"
            );
            problems.add(node.at, message, "add subnets, or remove it");
        }
    }
    let command = texts("command", MAX_WORDS, &object, context);
    let environment = object.get("environment").map(|node| {
        let pairs = http::few(node, "environment", MAX_WORDS, context);
        let pairs = pairs.into_iter().filter_map(|(key, node)| {
            let plain = context.is_plain(key);
            let value = shown(&key.text, node, context)?;
            plain.then(|| (key.text.clone(), value))
        });
        pairs.collect()
    });
    let exit_code = match object.get("exit_code") {
        None => Some(0),
        Some(node) => scalar::integer(node, "exit_code", 0..=255, problems),
    };
    let results = match object.get("results") {
        None => Some(None),
        Some(node) => results(node, context).map(Some),
    };
    let environment: Vec<(String, Template)> = environment.unwrap_or_default();
    let is_taken = environment.iter().any(|(name, _)| name == RESULTS_VARIABLE);
    if let (true, Some(node), Some(_)) =
        (is_taken, object.get("environment"), object.get("results"))
    {
        let message = format!(
            "environment has {RESULTS_VARIABLE}, in which the task finds where its result belongs"
        );
        problems.add(node.at, message, "rename it");
    }
    Some(EcsTask {
        task_definition: definition?,
        container: container?.map(str::to_owned),
        cluster: cluster?,
        subnets: subnets?,
        security_groups: groups?,
        assign_public_ip: public_ip?,
        command: command?,
        environment,
        exit_code: i32::try_from(exit_code?).ok()?,
        time: DEFAULT_TIME,
        results: results?,
    })
}

/// `results:`
fn results(node: &Node, context: &Context) -> Option<Results> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::TASK_RESULTS, problems)?;
    let formats = [("junit", false), ("json", true)];
    let is_json = object
        .require("format", problems)
        .and_then(|node| scalar::choice(node, "format", &formats, problems));
    let extension = if is_json == Some(true) { "json" } else { "xml" };
    let places = [
        ("s3", ResultSource::S3 { extension }),
        ("log", ResultSource::Log),
    ];
    let source = match object.get("from") {
        None => Some(places[0].1),
        Some(node) => scalar::choice(node, "from", &places, problems),
    };
    let path = |key: &str| object.get(key).map(|node| json::path(node, context));
    let (tests, failed, skipped) = (path("tests"), path("failed"), path("skipped"));
    let form = if is_json? {
        if tests.is_none() {
            let message = "results says no path to the number of tests, and a result without tests must not pass";
            problems.add(
                node.at,
                message,
                "add `tests:`, such as $.run.stats.assertions.total",
            );
        }
        TestResults::Json {
            tests: tests??,
            failed: failed.map_or(Some(None), |path| path.map(Some))?,
            skipped: skipped.map_or(Some(None), |path| path.map(Some))?,
        }
    } else {
        for key in ["tests", "failed", "skipped"] {
            if let Some(node) = object.get(key) {
                let message = format!(
                    "{key} goes with `format: json`; a JUnit file always has its counts in the same places"
                );
                problems.add(node.at, message, "remove it");
            }
        }
        TestResults::Junit
    };
    Some(Results {
        source: source?,
        form,
    })
}

/// What a task is judged by beside its exit code: its results, then what the check expects.
pub(super) fn judged_by(
    task: &EcsTask,
    check: &Object<'_>,
    expect: Vec<Expectation>,
    context: &Context,
) -> Vec<Expectation> {
    let Some(results) = &task.results else {
        return expect;
    };
    if expect.is_empty() && !results.form.counts_failures() && check.get("expect").is_none() {
        let message = "the result is read, and nothing says when the tests have failed";
        let remedy = "add `failed:` to results, or `expect:` to the check";
        context.problems.add(check.at, message, remedy);
    }
    let mut all = vec![Expectation::TestResults(results.form.clone())];
    all.extend(expect);
    all
}

fn text(label: &str, node: &Node, context: &Context) -> Option<Template> {
    let written = scalar::text(node, label, &context.problems)?;
    context.template(node, written)
}

/// A list that is not empty; an empty one if the key is not there.
fn texts(
    key: &'static str,
    most: usize,
    object: &Object<'_>,
    context: &Context,
) -> Option<Vec<Template>> {
    let problems = &context.problems;
    let Some(node) = object.get(key) else {
        return Some(Vec::new());
    };
    let nodes = items(node, key, problems)?;
    if nodes.is_empty() || nodes.len() > most {
        let message = format!("{key} has {} entries", nodes.len());
        problems.add(
            node.at,
            message,
            format!("write 1 to {most}, or remove the key"),
        );
        return None;
    }
    let all: Vec<Option<Template>> = nodes.iter().map(|node| shown(key, node, context)).collect();
    all.into_iter().collect()
}

/// A text without secrets: whoever may describe the task can read what it was started with.
fn shown(label: &str, node: &Node, context: &Context) -> Option<Template> {
    let written = scalar::loose_text(node, label, &context.problems)?;
    let template = context.template(node, written)?;
    let is_secret = |reference: &Reference| {
        matches!(reference, Reference::Name(_)) && context.known(reference).is_none()
    };
    let secret = template.references().find(|reference| is_secret(reference));
    if let Some(secret) = secret {
        let message = format!(
            "{label}: {{{{ {secret} }}}} is a secret, and everybody who may describe the task could read it"
        );
        let remedy = "name the secret under `secrets` of the container in the task definition";
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(template)
}
