//! `browser:` of a check.

pub(super) mod agent;
pub(super) mod element;
mod step;

use std::time::Duration;

use strict_yaml::{Node, Object, Value, items, scalar};

use self::element::is_selector;
use super::comparison::operator;
use super::context::Context;
use super::expect::as_written;
use super::http;
use super::keys;
use super::place::{InvalidKey, optional, reaches_release};
use crate::expect::Operator;
use crate::probe::browser::{Action, Browser, Screen, Vital, VitalLimit};

const MAX_STEPS: usize = 50;
const MAX_SCREENS: usize = 5;
const MAX_PATTERNS: usize = 50;
const MAX_MASKS: usize = 20;
/// How much of a page may look otherwise than the old version's, in percent, unless the suite says otherwise.
const DEFAULT_TOLERANCE: f64 = 1.0;
/// How long one step may take, unless the suite says otherwise.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_STEP_TIMEOUT: Duration = Duration::from_mins(5);

/// A path, or a mapping.
pub(super) fn browser(node: &Node, context: &Context) -> Option<Browser> {
    if let Value::Text(_) = &node.value {
        let steps = vec![step::go(node, "browser", context)?];
        return Some(of(steps));
    }
    let problems = &context.problems;
    let object = Object::read(node, &keys::BROWSER, problems)?;
    let steps = object
        .require("steps", problems)
        .and_then(|node| steps(node, context));
    let screens = optional(&object, "screens", |node| screens(node, context));
    let reaches_release = reaches_release(&object, context);
    let allow_origins = object.get("allow_origins");
    let allow_origins = allow_origins.map(|node| http::allow_origins(node, context));
    let allow = optional(&object, "allow", |node| allow(node, context));
    let dialogs = optional(&object, "dialogs", |node| {
        let choices = [("accept", true), ("fail", false)];
        scalar::choice(node, "dialogs", &choices, problems)
    });
    let vitals = optional(&object, "vitals", |node| vitals(node, context));
    let mask = optional(&object, "mask", |node| mask(node, context));
    let looks = looks(&object, context);
    let step_timeout = optional(&object, "step_timeout", |node| {
        step::timeout(node, "step_timeout", context)
    });
    let browser = of(steps?);
    Some(Browser {
        screens: screens.ok()?.unwrap_or(browser.screens),
        reaches_release: reaches_release.ok()?,
        allow_origins: allow_origins.unwrap_or_default(),
        allow: allow.ok()?.unwrap_or_default(),
        accept_dialogs: dialogs.ok()?.unwrap_or_default(),
        vitals: vitals.ok()?.unwrap_or_default(),
        mask: mask.ok()?.unwrap_or_default(),
        old_looks: looks.ok()?,
        step_timeout: step_timeout.ok()?.unwrap_or(STEP_TIMEOUT),
        ..browser
    })
}

fn of(steps: Vec<crate::probe::browser::Step>) -> Browser {
    Browser {
        steps,
        screens: vec![Screen::desktop(), Screen::phone()],
        agent: None,
        reaches_release: None,
        allow_origins: Vec::new(),
        allow: Vec::new(),
        accept_dialogs: false,
        vitals: Vec::new(),
        mask: Vec::new(),
        old_looks: None,
        step_timeout: STEP_TIMEOUT,
        time: Duration::ZERO,
    }
}

fn steps(node: &Node, context: &Context) -> Option<Vec<crate::probe::browser::Step>> {
    let nodes = few(node, "steps", MAX_STEPS, context)?;
    let steps: Vec<Option<_>> = nodes.iter().map(|node| step::step(node, context)).collect();
    let first = steps.first()?.as_ref();
    if first.is_some_and(|first| !matches!(first.action, Action::Go(_))) {
        let message = "the first step does not say which page is opened";
        context
            .problems
            .add(nodes[0].at, message, "begin with `go: /`");
        return None;
    }
    steps.into_iter().collect()
}

/// A list that has something in it, and not too much.
fn few<'n>(node: &'n Node, key: &str, most: usize, context: &Context) -> Option<&'n [Node]> {
    let problems = &context.problems;
    let nodes = items(node, key, problems)?;
    if nodes.is_empty() || nodes.len() > most {
        let message = format!("{key} has {} entries", nodes.len());
        problems.add(node.at, message, format!("write 1 to {most}"));
        return None;
    }
    Some(nodes)
}

/// `[desktop, phone, { name: tablet, width: 820, height: 1180, mobile: true }]`
fn screens(node: &Node, context: &Context) -> Option<Vec<Screen>> {
    let nodes = few(node, "screens", MAX_SCREENS, context)?;
    let screens: Vec<Option<Screen>> = nodes.iter().map(|node| screen(node, context)).collect();
    let screens: Vec<Screen> = screens.into_iter().collect::<Option<_>>()?;
    for (index, one) in screens.iter().enumerate() {
        if screens[..index].iter().any(|other| other.name == one.name) {
            let message = format!("two screens have the name {:?}", one.name);
            let remedy = "reports need to tell them apart";
            context.problems.add(nodes[index].at, message, remedy);
            return None;
        }
    }
    Some(screens)
}

fn screen(node: &Node, context: &Context) -> Option<Screen> {
    let problems = &context.problems;
    if !matches!(node.value, Value::Map(_)) {
        let choices = [("desktop", false), ("phone", true)];
        let is_phone = scalar::choice(node, "screens", &choices, problems)?;
        return Some(if is_phone {
            Screen::phone()
        } else {
            Screen::desktop()
        });
    }
    let object = Object::read(node, &keys::BROWSER_SCREEN, problems)?;
    let name = object.require("name", problems).and_then(|node| {
        let name = scalar::text(node, "name", problems)?;
        let fits = name.chars().count() <= 50 && !name.contains(['\n', '{']);
        if !fits {
            let message = "the name of a screen is one line of up to 50 characters";
            problems.add(node.at, message, "write a short, fixed name");
        }
        fits.then_some(name)
    });
    let pixels = |key: &str| {
        let node = object.require(key, problems)?;
        let pixels = scalar::integer(node, key, 240..=3_840, problems)?;
        u32::try_from(pixels).ok()
    };
    let (width, height) = (pixels("width"), pixels("height"));
    let mobile = optional(&object, "mobile", |node| {
        scalar::boolean(node, "mobile", problems)
    });
    let mobile = mobile.ok()?.unwrap_or_default();
    Some(Screen::of(name?, width?, height?, mobile))
}

/// Problems to ignore, by their text.
fn allow(node: &Node, context: &Context) -> Option<Vec<String>> {
    let problems = &context.problems;
    let nodes = few(node, "allow", MAX_PATTERNS, context)?;
    let pattern = |node: &Node| {
        let written = scalar::text(node, "allow", problems)?;
        let says_something = written
            .chars()
            .filter(|c| !matches!(c, '*' | '?' | ' '))
            .count()
            >= 3;
        if !says_something || written.contains("{{") || written.len() > 500 {
            let message = format!("allow: {written:?} does not say which problem is meant");
            let remedy = "write its text, with * for anything: \"GET https://ads.example.com/*\"";
            problems.add(node.at, message, remedy);
            return None;
        }
        Some(written.to_owned())
    };
    let patterns: Vec<Option<String>> = nodes.iter().map(pattern).collect();
    patterns.into_iter().collect()
}

fn mask(node: &Node, context: &Context) -> Option<Vec<String>> {
    let nodes = few(node, "mask", MAX_MASKS, context)?;
    let selector = |node: &Node| {
        let written = scalar::text(node, "mask", &context.problems)?;
        is_selector(written, node, "mask", context).then(|| written.to_owned())
    };
    let selectors: Vec<Option<String>> = nodes.iter().map(selector).collect();
    selectors.into_iter().collect()
}

/// `compare_to: old` and `tolerance: 1%`: how much of a page may look otherwise than the old version's.
fn looks(object: &Object<'_>, context: &Context) -> Result<Option<f64>, InvalidKey> {
    let problems = &context.problems;
    let compares = optional(object, "compare_to", |node| {
        scalar::choice(node, "compare_to", &[("old", ())], problems)
    });
    let tolerance = optional(object, "tolerance", |node| {
        let written = scalar::loose_text(node, "tolerance", problems)?;
        let number = written
            .trim()
            .strip_suffix('%')
            .map(|number| number.trim().parse::<f64>());
        let percent = number
            .and_then(Result::ok)
            .filter(|it| (0.0..100.0).contains(it));
        if percent.is_none() {
            let message = format!("tolerance: {written:?} is none");
            problems.add(
                node.at,
                message,
                "write how much of the picture may differ: 1%",
            );
        }
        percent
    });
    let (compares, tolerance) = (compares?, tolerance?);
    if let (None, Some(node)) = (compares, object.get("tolerance")) {
        problems.add(
            node.at,
            "tolerance: goes with compare_to",
            "add `compare_to: old`, or remove it",
        );
        return Err(InvalidKey);
    }
    Ok(compares.map(|()| tolerance.unwrap_or(DEFAULT_TOLERANCE)))
}

/// `{ lcp: "< 2.5s", cls: "< 0.1" }`
fn vitals(node: &Node, context: &Context) -> Option<Vec<VitalLimit>> {
    let object = Object::read(node, &keys::BROWSER_VITALS, &context.problems)?;
    let limits = Vital::ALL.into_iter().filter_map(|(key, vital)| {
        let node = object.get(key)?;
        Some(vital_limit(key, vital, node, context))
    });
    let limits: Vec<Option<VitalLimit>> = limits.collect();
    if limits.is_empty() && !object.has_unknown_keys() {
        let remedy = "write one of lcp, cls, ttfb and long_task, or remove it";
        context
            .problems
            .add(node.at, "vitals limits nothing", remedy);
        return None;
    }
    limits.into_iter().collect()
}

/// `2.5s`, as web vitals are spoken of, or any other time of a suite.
fn milliseconds(written: &str) -> Option<f64> {
    if let Some(limit) = scalar::parse_duration(written) {
        return Some(limit.as_secs_f64() * 1_000.0);
    }
    let number = written.strip_suffix('s')?;
    let has_digits_only = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds: f64 = number.parse().ok().filter(|_| has_digits_only)?;
    Some(seconds * 1_000.0)
}

fn vital_limit(key: &str, vital: Vital, node: &Node, context: &Context) -> Option<VitalLimit> {
    let written = match &node.value {
        Value::Text(text) | Value::Number(_, text) => text.trim(),
        _ => "",
    };
    let (operator, rest) = operator(written);
    let limit = match vital {
        Vital::Cls => rest
            .parse::<f64>()
            .ok()
            .filter(|limit| limit.is_finite() && (0.0..=10.0).contains(limit)),
        _ => milliseconds(rest),
    };
    let limit = limit.filter(|limit| *limit > 0.0);
    if let (Operator::Less | Operator::AtMost, Some(limit)) = (operator, limit) {
        return Some(VitalLimit {
            vital,
            limit,
            inclusive: operator == Operator::AtMost,
        });
    }
    let message = format!("{key}: {} is not a limit", as_written(node));
    let remedy = match vital {
        Vital::Cls => "write \"< 0.1\" or \"<= 0.25\"",
        _ => "write \"< 800ms\" or \"<= 2.5s\"",
    };
    context.problems.add(node.at, message, remedy);
    None
}
