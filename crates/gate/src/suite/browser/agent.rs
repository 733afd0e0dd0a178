//! `agent:` of a check.

use std::time::Duration;

use agent::{Bounds, Price};
use strict_yaml::{Findings, Node, Object, Value, scalar};

use super::{Browser, Screen, few, of, optional, reaches_release, screen, step};
use crate::Stage;
use crate::probe::browser::{Action, AgentTask, Proof, Step, TaskValueTemplate};
use crate::suite::context::Context;
use crate::suite::{http, journey, keys};
use crate::template::{Reference, Template};

const MAX_GOAL: usize = 2_000;
const MAX_PROOF: usize = 50;
const MAX_DATA: usize = 30;
/// Of a check that does not say.
const DEFAULT_BOUNDS: (u32, u64, Duration) = (25, 300_000, Duration::from_mins(2));
const MAX_STEPS: u64 = 200;
const MAX_TOKENS: u64 = 20_000_000;
const MAX_TIME: Duration = Duration::from_mins(15);
/// US dollars of one run, and of a million tokens.
const MAX_USD: f64 = 100.0;
const MAX_PRICE: f64 = 1_000.0;

/// A mapping.
pub(in crate::suite) fn agent(node: &Node, context: &Context) -> Option<Browser> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::AGENT, problems)?;
    let goal = object
        .require("goal", problems)
        .and_then(|node| words("goal", node, context));
    let start = match object.get("start") {
        Some(node) => step::go(node, "start", context),
        None => start(),
    };
    let model = object
        .require("model", problems)
        .and_then(|node| model(node, context));
    let persona = optional(&object, "persona", |node| words("persona", node, context));
    let data = optional(&object, "data", |node| data(node, context));
    let price = optional(&object, "price", |node| price(node, context));
    let recorded = optional(&object, "recorded", |node| {
        let nodes = few(node, "recorded", super::MAX_STEPS, context)?;
        let steps: Vec<Option<Step>> = nodes.iter().map(|node| step::step(node, context)).collect();
        steps.into_iter().collect::<Option<Vec<Step>>>()
    });
    // After all that may not name them.
    context.forget_captures();
    for datum in data.iter().flatten().flatten() {
        context.declare_datum(&datum.name);
    }
    let proof = object
        .require("proof", problems)
        .and_then(|node| proof(node, data.as_ref().ok()?.as_deref(), context));
    let screen = optional(&object, "screen", |node| screen(node, context));
    let reaches_release = reaches_release(&object, context);
    let allow_origins = object.get("allow_origins");
    let allow_origins = allow_origins.map(|node| http::allow_origins(node, context));
    let allow = optional(&object, "allow", |node| super::allow(node, context));
    let dialogs = optional(&object, "dialogs", |node| {
        let choices = [("accept", true), ("fail", false)];
        scalar::choice(node, "dialogs", &choices, problems)
    });
    let mask = optional(&object, "mask", |node| super::mask(node, context));
    let step_timeout = optional(&object, "step_timeout", |node| {
        step::timeout(node, "step_timeout", context)
    });
    let price = price.ok()?;
    let bounds = match object.get("bounds") {
        Some(node) => bounds(node, price, context)?,
        None => usual(),
    };
    let task = AgentTask {
        goal: goal?,
        persona: persona.ok()?,
        data: data.ok()?.unwrap_or_default(),
        model: model?,
        bounds,
        price,
        proof: proof?,
        recorded: recorded.ok()?.unwrap_or_default(),
        secrets: context.secret_names.iter().cloned().collect(),
    };
    let browser = of(vec![start?]);
    Some(Browser {
        screens: vec![screen.ok()?.unwrap_or_else(Screen::desktop)],
        agent: Some(Box::new(task)),
        reaches_release: reaches_release.ok()?,
        allow_origins: allow_origins.unwrap_or_default(),
        allow: allow.ok()?.unwrap_or_default(),
        accept_dialogs: dialogs.ok()?.unwrap_or_default(),
        mask: mask.ok()?.unwrap_or_default(),
        step_timeout: step_timeout.ok()?.unwrap_or(super::STEP_TIMEOUT),
        ..browser
    })
}

/// A run of a model in every round of a bake is not what anybody means.
pub(in crate::suite) fn fits_stages(
    browser: &Browser,
    on: &[Stage],
    object: &Object<'_>,
    problems: &Findings,
) {
    let is_live = browser
        .agent
        .as_ref()
        .is_some_and(|agent| agent.recorded.is_empty());
    if is_live && on.contains(&Stage::PostTraffic) {
        let at = object.get("agent").map_or(object.at, |node| node.at);
        let message = "an agent would ask its model in every round after traffic";
        let remedy = "write `on: pre-traffic`, or record what it does (deploy-hooks agent record)";
        problems.add(at, message, remedy);
    }
}

/// What the page must show, and requests beside it.
fn proof(node: &Node, data: Option<&[TaskValueTemplate]>, context: &Context) -> Option<Proof> {
    let nodes = few(node, "proof", MAX_PROOF, context)?;
    let is_request = |node: &&Node| match &node.value {
        Value::Map(entries) => entries
            .iter()
            .any(|(key, _)| matches!(key.text.as_str(), "http" | "expect")),
        _ => false,
    };
    let (requests, conditions): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(is_request);
    let conditions: Vec<Option<_>> = conditions
        .into_iter()
        .map(|node| step::condition(node, context))
        .collect();
    let requests: Vec<Option<_>> = requests
        .into_iter()
        .map(|node| journey::step("proof", node, context))
        .collect();
    let conditions = conditions.into_iter().collect::<Option<Vec<_>>>();
    let requests = requests.into_iter().collect::<Option<Vec<_>>>();
    let conditions = conditions?;
    let page = (!conditions.is_empty()).then(|| Step {
        name: Some("what proves it".to_owned()),
        action: Action::Expect(conditions),
        timeout: None,
    });
    let proof = Proof {
        requests: requests?,
        page,
    };
    names_one_value(node, &proof, data.unwrap_or_default(), context).then_some(proof)
}

/// A name that means one value under `data` and another one in the suite would prove something else than was typed.
fn names_one_value(
    node: &Node,
    proof: &Proof,
    data: &[TaskValueTemplate],
    context: &Context,
) -> bool {
    let mut named: Vec<String> = Vec::new();
    proof.templates(&mut |template| {
        named.extend(
            template
                .references()
                .filter_map(|reference| match reference {
                    Reference::Name(name) => Some(name.clone()),
                    Reference::Target(_) | Reference::Function(_) => None,
                }),
        );
    });
    let mut twofold = data.iter().filter(|datum| {
        let is_it =
            matches!(datum.value.lone(), Some(Reference::Name(name)) if *name == datum.name);
        !is_it && context.declared().contains(&datum.name) && named.contains(&datum.name)
    });
    let Some(datum) = twofold.next() else {
        return true;
    };
    let message = format!(
        "proof: {:?} has one value under `data` and another one in the suite",
        datum.name
    );
    context.problems.add(node.at, message, "rename one of them");
    false
}

fn start() -> Option<Step> {
    Some(Step {
        name: None,
        action: Action::Go(Template::parse("/").ok()?),
        timeout: None,
    })
}

/// What a model is told, so that no secret is in it.
fn words(key: &str, node: &Node, context: &Context) -> Option<Template> {
    let written = scalar::text(node, key, &context.problems)?;
    if written.trim().is_empty() || written.chars().count() > MAX_GOAL {
        let message = format!("{key} is a text of up to {MAX_GOAL} characters");
        context
            .problems
            .add(node.at, message, "say what a customer does, in words");
        return None;
    }
    let template = context.template(node, written)?;
    if context.has_secret(&template) {
        let message = format!("{key}: a model is told no secret");
        let remedy =
            "name it under `data`: the browser types it, and the model knows its name only";
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(template)
}

/// A model id, or the ARN of an inference profile.
fn model(node: &Node, context: &Context) -> Option<String> {
    let written = scalar::text(node, "model", &context.problems)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || ".:/_-".contains(c);
    if written.is_empty() || written.len() > 2_048 || !written.chars().all(legal) {
        let message = format!("model: {written:?} is no model of Amazon Bedrock");
        let remedy = "write its id or that of an inference profile: eu.anthropic.claude-haiku-4-5-20251001-v1:0";
        context.problems.add(node.at, message, remedy);
        return None;
    }
    Some(written.to_owned())
}

fn data(node: &Node, context: &Context) -> Option<Vec<TaskValueTemplate>> {
    let pairs = http::few(node, "data", MAX_DATA, context);
    let datum = |(key, node): &(&strict_yaml::Key, &Node)| {
        let written = scalar::loose_text(node, &key.text, &context.problems)?;
        let template = context.template(node, written)?;
        context.is_plain(key).then(|| TaskValueTemplate {
            name: key.text.clone(),
            is_secret: context.has_secret(&template),
            value: template,
        })
    };
    let data: Vec<Option<TaskValueTemplate>> = pairs.iter().map(datum).collect();
    data.into_iter().collect()
}

fn usual() -> Bounds {
    let (steps, tokens, time) = DEFAULT_BOUNDS;
    Bounds {
        steps,
        tokens,
        time,
        cost: None,
    }
}

fn bounds(node: &Node, price: Option<Price>, context: &Context) -> Option<Bounds> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::AGENT_BOUNDS, problems)?;
    let number = |key: &str, most| {
        optional(&object, key, |node| {
            scalar::integer(node, key, 1..=most, problems)
        })
    };
    let (steps, tokens) = (number("steps", MAX_STEPS), number("tokens", MAX_TOKENS));
    let time = optional(&object, "time", |node| {
        scalar::duration(node, "time", Duration::from_secs(1)..=MAX_TIME, problems)
    });
    let usd = optional(&object, "usd", |node| {
        decimal("usd", MAX_USD, node, context)
    });
    let usd = usd.ok()?;
    if let (Some(_), None, Some(at)) = (usd, price, object.get("usd")) {
        let message = "usd: what a run costs is not known without the model's price";
        let remedy =
            "add `price: { input: 1.00, output: 5.00 }`, in US dollars for a million tokens";
        problems.add(at.at, message, remedy);
        return None;
    }
    let usual = usual();
    Some(Bounds {
        steps: steps
            .ok()?
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or(usual.steps),
        tokens: tokens.ok()?.unwrap_or(usual.tokens),
        time: time.ok()?.unwrap_or(usual.time),
        cost: usd.zip(price),
    })
}

fn price(node: &Node, context: &Context) -> Option<Price> {
    let object = Object::read(node, &keys::AGENT_PRICE, &context.problems)?;
    let of = |key: &str| {
        let node = object.require(key, &context.problems)?;
        decimal(key, MAX_PRICE, node, context)
    };
    let (input, output) = (of("input"), of("output"));
    Some(Price {
        input: input?,
        output: output?,
    })
}

/// US dollars.
fn decimal(key: &str, most: f64, node: &Node, context: &Context) -> Option<f64> {
    let written = match &node.value {
        Value::Text(text) | Value::Number(_, text) => text.trim(),
        _ => "",
    };
    let number = written.parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number > 0.0 && *number <= most);
    if number.is_none() {
        let message = format!("{key}: {written:?} is no amount of US dollars");
        context.problems.add(
            node.at,
            message,
            format!("write a number above 0, up to {most}"),
        );
    }
    number
}
