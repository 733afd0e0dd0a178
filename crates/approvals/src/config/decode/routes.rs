//! `routes:`

use std::collections::{BTreeMap, BTreeSet};

use strict_yaml::{Node, Object, Position, Value, entries, items, scalar};

use contacts::ChannelKind;
use contacts::decode::{formed, label, language, words};

use super::{Context, policy, texts};
use crate::config::{
    Escalate, FollowUp, Fraction, Glob, Globs, Matching, Policy, Route, forms, keys,
};

const ROUTE_LIMIT: usize = 100;
const REMINDER_LIMIT: usize = 10;
const VARIABLE_LIMIT: usize = 20;
const MENTION_LIMIT: usize = 20;

/// A route and where it stands.
pub(super) struct LocatedRoute {
    pub(super) at: Position,
    pub(super) route: Route,
}

pub(super) fn all(node: &Node, context: &Context<'_>) -> Option<Vec<LocatedRoute>> {
    let problems = context.problems;
    let nodes = items(node, "routes", problems)?;
    if nodes.is_empty() {
        let remedy = "write at least one route, or nobody is notified of an approval";
        problems.add(node.at, "there are no routes", remedy);
        return None;
    }
    if nodes.len() > ROUTE_LIMIT {
        let message = format!("there are more than {ROUTE_LIMIT} routes");
        problems.add(node.at, message, "use globs: `pipeline: \"shop-*\"`");
        return None;
    }
    let mut found: Vec<LocatedRoute> = Vec::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        let Some(object) = Object::read(node, &keys::ROUTE, problems) else {
            continue;
        };
        let name = name(&object, context);
        if let Some((name, at)) = name
            && let Some(earlier) = names.insert(name, at.line)
        {
            let remedy =
                format!("the other one is in line {earlier}; waiting cases remember names");
            problems.add(at, format!("two routes have the name {name:?}"), remedy);
        }
        let route = route(name.map_or("", |(name, _)| name), &object, context);
        if let Some(route) = route {
            same_match(&route, &found, context);
            found.push(route);
        }
    }
    Some(found)
}

/// A route that matches the very same as an earlier one was meant to be something else.
fn same_match(new: &LocatedRoute, earlier: &[LocatedRoute], context: &Context<'_>) {
    let same = |other: &&LocatedRoute| other.route.matching == new.route.matching;
    if let Some(other) = earlier.iter().find(same) {
        let message = format!("the route matches the same as {:?}", other.route.name);
        let remedy = format!(
            "that one, in line {}, always comes first: change `match:`, or make one of the two",
            other.at.line
        );
        context.problems.add(new.at, message, remedy);
    }
}

fn name<'n>(object: &Object<'n>, context: &Context<'_>) -> Option<(&'n str, Position)> {
    let node = object.require("name", context.problems)?;
    let name = scalar::text(node, "name", context.problems)?;
    label(name, node.at, "a route", context.problems).then_some((name, node.at))
}

fn route(name: &str, object: &Object<'_>, context: &Context<'_>) -> Option<LocatedRoute> {
    let problems = context.problems;
    let matching = match object.get("match") {
        None => Some(Matching::Anything),
        Some(node) => matching(node, context),
    };
    let tell = object
        .require("tell", problems)
        .and_then(|node| context.directory.named(node, "tell", problems));
    let escalate = object
        .get("escalate")
        .map(|node| self::escalate(node, context));
    let policy = if is_for_decisions(object) {
        nothing_is_asked(object, context);
        Some(Policy::nobody())
    } else {
        object
            .require("policy", problems)
            .and_then(|node| policy::read(node, context))
    };
    let mention = object.get("mention").map(|node| mention(node, context));
    let reminders = object.get("reminders").map(|node| reminders(node, context));
    let follow_up = object.get("follow_up").map(|node| follow_up(node, context));
    let variables = object
        .get("version_variables")
        .map(|node| variables(node, context));
    let texts = object.get("texts").map(|node| texts(node, problems));
    let language = language(object, problems);
    // Everything was read, so that everything that is wrong is told.
    let route = Route {
        name: name.to_owned(),
        matching: matching?,
        tell: tell?,
        mention: mention.unwrap_or_default(),
        language,
        policy: policy?,
        reminders: reminders.unwrap_or_default(),
        escalate: match escalate {
            None => None,
            Some(read) => Some(read?),
        },
        follow_up: follow_up.unwrap_or(FollowUp {
            decision: true,
            outcome: true,
        }),
        version_variables: variables.unwrap_or_default(),
        texts: texts.unwrap_or_default(),
    };
    mentions_are_told(&route, object, context);
    Some(LocatedRoute {
        at: object.at,
        route,
    })
}

/// Whether the route is for what gates have decided, as far as its `match` can be read.
fn is_for_decisions(object: &Object<'_>) -> bool {
    let Some(Value::Map(matching)) = object.get("match").map(|node| &node.value) else {
        return false;
    };
    matching.iter().any(|(key, _)| key.text == "passed")
}

/// What has been decided asks nobody: a key that is about asking was meant for another route.
fn nothing_is_asked(object: &Object<'_>, context: &Context<'_>) {
    let of_questions = [
        "policy",
        "reminders",
        "escalate",
        "follow_up",
        "mention",
        "version_variables",
        "texts",
    ];
    for key in of_questions {
        if let Some(node) = object.get(key) {
            let message = format!("{key}: a route of decisions asks nobody");
            let remedy = "remove it, or write a route for questions beside this one";
            context.problems.add(node.at, message, remedy);
        }
    }
}

/// `passed: false`
fn decisions(object: &Object<'_>, context: &Context<'_>) -> bool {
    let Some(node) = object.get("passed") else {
        return false;
    };
    if scalar::boolean(node, "passed", context.problems) == Some(true) {
        context.problems.add(
            node.at,
            "passed: a route takes what did not pass",
            "write `passed: false`; a rule on the event bus takes every decision",
        );
    }
    true
}

fn matching(node: &Node, context: &Context<'_>) -> Option<Matching> {
    let object = Object::read(node, &keys::MATCH, context.problems)?;
    let of_pipelines = ["pipeline", "stage", "action"];
    let of_services = ["cluster", "service"];
    let of_gates = ["gate", "application"];
    let read = |key| match object.get(key) {
        None => Some(Globs::any()),
        Some(node) => globs(node, key, context),
    };
    let [pipeline, stage, action] = of_pipelines.map(read);
    let [cluster, service] = of_services.map(read);
    let [gate, application] = of_gates.map(read);
    let written = |keys: &[&str]| keys.iter().any(|key| object.get(key).is_some());
    let decisions = decisions(&object, context);
    let of_gate = decisions || written(&of_gates);
    match (written(&of_pipelines), of_gate || written(&of_services)) {
        (true, true) => {
            let message = "match: names of a pipeline and of a service match nothing together";
            let remedy = "write pipeline, stage and action for approvals of pipelines, cluster and \
                          service for paused deployments of ECS, or gate and application for questions of \
                          gates; two routes for both";
            context.problems.add(node.at, message, remedy);
            None
        }
        (false, true) if of_gate => Some(Matching::Gates {
            gate: gate?,
            application: application?,
            cluster: cluster?,
            service: service?,
            decisions,
        }),
        (false, true) => Some(Matching::Services {
            cluster: cluster?,
            service: service?,
        }),
        (true, false) => Some(Matching::Pipelines {
            pipeline: pipeline?,
            stage: stage?,
            action: action?,
        }),
        (false, false) => Some(Matching::Anything),
    }
}

fn globs(node: &Node, told: &str, context: &Context<'_>) -> Option<Globs> {
    let mut globs = Vec::new();
    for (node, written) in words(node, told, context.problems)? {
        if let Some(glob) = Glob::parse(written) {
            globs.push(glob);
        } else {
            let message = format!("{told}: {written:?} can't match any name");
            let remedy = "write up to 100 letters, digits, ., @, - and _, with * for any text \
                          and ? for one character";
            context.problems.add(node.at, message, remedy);
        }
    }
    Globs::new(globs)
}

fn escalate(node: &Node, context: &Context<'_>) -> Option<Escalate> {
    let object = Object::read(node, &keys::ESCALATE, context.problems)?;
    let at = object
        .require("at", context.problems)
        .and_then(|node| fraction(node, "at", context));
    let tell = object.require("tell", context.problems).and_then(|node| {
        context
            .directory
            .named(node, "escalate.tell", context.problems)
    });
    Some(Escalate {
        at: at?,
        tell: tell?,
    })
}

/// `50%`
fn fraction(node: &Node, told: &str, context: &Context<'_>) -> Option<Fraction> {
    let written = match &node.value {
        Value::Text(text) | Value::Number(_, text) => text.trim(),
        _ => "",
    };
    let digits = written.strip_suffix('%').map(str::trim_end);
    let plain = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let fraction = plain
        .and_then(|digits| digits.parse().ok())
        .and_then(Fraction::new);
    if fraction.is_none() {
        let told_value = match &node.value {
            Value::Text(text) | Value::Number(_, text) => format!("{text:?}"),
            other => other.kind().to_owned(),
        };
        let message = format!("{told}: {told_value} is not a part of the time to decide");
        context
            .problems
            .add(node.at, message, "write 1% to 99%, in whole percent");
    }
    fraction
}

fn reminders(node: &Node, context: &Context<'_>) -> Vec<Fraction> {
    let Some(nodes) = items(node, "reminders", context.problems) else {
        return Vec::new();
    };
    if nodes.len() > REMINDER_LIMIT {
        let message = format!("there are more than {REMINDER_LIMIT} reminders");
        context
            .problems
            .add(node.at, message, "people stop reading; write fewer");
        return Vec::new();
    }
    let mut fractions = BTreeSet::new();
    for node in nodes {
        if let Some(fraction) = fraction(node, "reminders", context)
            && !fractions.insert(fraction)
        {
            let message = format!("reminders has {}% twice", fraction.percent());
            context.problems.add(node.at, message, "remove one");
        }
    }
    fractions.into_iter().collect()
}

fn follow_up(node: &Node, context: &Context<'_>) -> FollowUp {
    let mut follow_up = FollowUp {
        decision: false,
        outcome: false,
    };
    let choices = [("decision", true), ("outcome", false)];
    for node in items(node, "follow_up", context.problems).unwrap_or_default() {
        match scalar::choice(node, "follow_up", &choices, context.problems) {
            Some(true) => follow_up.decision = true,
            Some(false) => follow_up.outcome = true,
            None => {}
        }
    }
    follow_up
}

fn variables(node: &Node, context: &Context<'_>) -> Vec<String> {
    let written = words(node, "version_variables", context.problems).unwrap_or_default();
    if written.len() > VARIABLE_LIMIT {
        let message = format!("version_variables has more than {VARIABLE_LIMIT} names");
        context
            .problems
            .add(node.at, message, "name those that hold a version");
        return Vec::new();
    }
    let read = written.into_iter().filter_map(|(node, _)| {
        let remedy =
            "write a pipeline variable's name, such as RELEASE: letters, digits, @, - and _";
        formed(
            node,
            "version_variables",
            (forms::is_variable, remedy),
            context.problems,
        )
    });
    read.collect()
}

fn mention(node: &Node, context: &Context<'_>) -> BTreeMap<String, Vec<String>> {
    let mut mention = BTreeMap::new();
    for (key, value) in entries(node, "mention", context.problems).unwrap_or_default() {
        if !context.directory.knows(key.at, &key.text, context.problems) {
            continue;
        }
        let slack = context.channels().get(&key.text).map(|channel| {
            matches!(
                channel.kind,
                ChannelKind::Slack { .. } | ChannelKind::SlackWebhook { .. }
            )
        });
        let Some(written) = words(value, "mention", context.problems) else {
            continue;
        };
        if written.len() > MENTION_LIMIT {
            let message = format!("there are more than {MENTION_LIMIT} mentions");
            let remedy = "mention a group: <!subteam^S0123ABCD>";
            context.problems.add(value.at, message, remedy);
            continue;
        }
        let mut texts = Vec::new();
        for (node, written) in written {
            if mention_is_right(node, written, slack, context) {
                texts.push(written.to_owned());
            }
        }
        mention.insert(key.text.clone(), texts);
    }
    mention
}

/// `slack`: whether the channel is of Slack; none if that could not be read.
fn mention_is_right(
    node: &Node,
    written: &str,
    slack: Option<bool>,
    context: &Context<'_>,
) -> bool {
    let plain = written.chars().count() <= 100
        && !written.chars().any(|c| c.is_control() || "<>".contains(c));
    let (right, remedy) = match slack {
        Some(true) => (
            forms::is_slack_mention(written),
            "write <@U0123ABCD> for a member, <!subteam^S0123ABCD> for a group, <!here>, <!channel> \
             or <!everyone>",
        ),
        Some(false) => (
            plain,
            "only Slack knows such mentions: write a name in up to 100 plain characters, without < \
             and >",
        ),
        None => (true, ""),
    };
    if !right {
        let message = format!("{written:?} mentions nobody");
        context.problems.add(node.at, message, remedy);
    }
    right
}

/// A mention in a channel that the route never tells is a mistake in one of the two.
fn mentions_are_told(route: &Route, object: &Object<'_>, context: &Context<'_>) {
    let Some(node) = object.get("mention") else {
        return;
    };
    for name in route.mention.keys() {
        if !route.channels().any(|told| told == name) {
            let message = format!("mention: the route never tells {name:?}");
            let remedy = "add the channel to `tell:`, or remove the mention";
            context.problems.add(node.at, message, remedy);
        }
    }
}
