//! One entry under `steps` of a check in a browser.

use std::time::Duration;

use browser::Key;
use strict_yaml::{Node, Object, scalar};

use super::element::{self, element};
use super::{MAX_STEP_TIMEOUT, few};
use crate::expect::TextCondition;
use crate::probe::browser::{Action, Condition, ElementCondition, Step};
use crate::suite::comparison::count;
use crate::suite::context::Context;
use crate::suite::expect::{text_or_tests, text_test};
use crate::suite::journey::step_name;
use crate::suite::{contradiction, http, keys};

/// What a step does: exactly one of these.
const ACTIONS: [&str; 7] = [
    "go", "click", "type", "select", "press", "wait_for", "expect",
];
const MAX_CONDITIONS: usize = 50;
/// Characters that are typed at once.
const MAX_TYPED: usize = 2_000;

pub(super) fn step(node: &Node, context: &Context) -> Option<Step> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::BROWSER_STEP, problems)?;
    let name = object.get("name").map(|node| step_name(node, context));
    let limit = object
        .get("timeout")
        .map(|node| timeout(node, "timeout", context));
    let given: Vec<&str> = ACTIONS
        .into_iter()
        .filter(|key| object.get(key).is_some())
        .collect();
    let action = match given.as_slice() {
        [key] => object.get(key).and_then(|node| action(key, node, context)),
        [] => {
            if !object.has_unknown_keys() {
                let remedy = "write one of `go`, `click`, `type`, `select`, `press`, `wait_for` and `expect`";
                problems.add(node.at, "the step does nothing", remedy);
            }
            None
        }
        [first, second, ..] => {
            let message = format!("a step does one thing, not both `{first}` and `{second}`");
            problems.add(node.at, message, "make a step of each");
            None
        }
    };
    Some(Step {
        name: name.map_or(Some(None), |name| name.map(Some))?,
        action: action?,
        timeout: limit.map_or(Some(None), |limit| limit.map(Some))?,
    })
}

/// A step that opens a page.
pub(super) fn go(node: &Node, key: &str, context: &Context) -> Option<Step> {
    let written = scalar::text(node, key, &context.problems)?;
    Some(Step {
        name: None,
        action: Action::Go(http::page_url(node, written, context)?),
        timeout: None,
    })
}

pub(super) fn timeout(node: &Node, key: &str, context: &Context) -> Option<Duration> {
    let range = Duration::from_millis(100)..=MAX_STEP_TIMEOUT;
    scalar::duration(node, key, range, &context.problems)
}

fn action(key: &str, node: &Node, context: &Context) -> Option<Action> {
    let problems = &context.problems;
    match key {
        "go" => go(node, "go", context).map(|step| step.action),
        "click" => element(node, context).map(Action::Click),
        "wait_for" => element(node, context).map(Action::WaitFor),
        "type" => {
            let object = Object::read(node, &keys::BROWSER_TYPE, problems)?;
            let into = object
                .require("into", problems)
                .and_then(|node| element(node, context));
            let text = object.require("text", problems).and_then(|node| {
                let written = scalar::loose_text(node, "text", problems)?;
                if written.chars().count() > MAX_TYPED {
                    let message = format!("text: more than {MAX_TYPED} characters are not typed");
                    problems.add(node.at, message, "write it shorter");
                    return None;
                }
                context.template(node, written)
            });
            let text = text?;
            Some(Action::Type {
                into: into?,
                secret: context.has_secret(&text),
                text,
            })
        }
        "select" => {
            let object = Object::read(node, &keys::BROWSER_SELECT, problems)?;
            let from = object
                .require("from", problems)
                .and_then(|node| element(node, context));
            let option = object.require("option", problems).and_then(|node| {
                let written = scalar::loose_text(node, "option", problems)?;
                context.template(node, written)
            });
            Some(Action::Select {
                from: from?,
                option: option?,
            })
        }
        "press" => {
            let written = scalar::loose_text(node, "press", problems)?;
            let key = Key::parse(written);
            if key.is_none() {
                let message = format!("press: {written:?} is no key");
                let names: Vec<&str> = Key::names().collect();
                let remedy = match problems.nearest(written, names.iter().copied()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("write a single character, or one of {}", names.join(", ")),
                };
                problems.add(node.at, message, remedy);
            }
            key.map(|key| Action::Press(written.to_owned(), key))
        }
        _ => {
            let nodes = few(node, "expect", MAX_CONDITIONS, context)?;
            let conditions: Vec<Option<Condition>> =
                nodes.iter().map(|node| condition(node, context)).collect();
            let conditions: Option<Vec<Condition>> = conditions.into_iter().collect();
            conditions.map(Action::Expect)
        }
    }
}

/// One entry under `expect` of a step.
pub(super) fn condition(node: &Node, context: &Context) -> Option<Condition> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::BROWSER_EXPECT, problems)?;
    let keys = ["text", "title", "url", "element"];
    let given: Vec<&str> = keys
        .into_iter()
        .filter(|key| object.get(key).is_some())
        .collect();
    let [key] = given.as_slice() else {
        if !(given.is_empty() && object.has_unknown_keys()) {
            let message = "an expectation of a page has one key";
            let remedy = "write one of `text`, `title`, `url` and `element`";
            problems.add(node.at, message, remedy);
        }
        return None;
    };
    let value = object.get(key)?;
    match *key {
        // A page is long, so a bare text is a part of it.
        "text" => texts(value, "contains", context).map(Condition::Text),
        "title" => texts(value, "equals", context).map(Condition::Title),
        "url" => texts(value, "equals", context).map(Condition::Url),
        _ => element_condition(value, context).map(Condition::Element),
    }
}

fn texts(node: &Node, bare: &str, context: &Context) -> Option<Vec<TextCondition>> {
    text_or_tests(node, bare, &keys::BROWSER_TEXT, context)
}

fn element_condition(node: &Node, context: &Context) -> Option<ElementCondition> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::BROWSER_EXPECT_ELEMENT, problems)?;
    let locator = element::of(node, &object, context);
    let attribute = object.get("attribute").map(|node| {
        let name = scalar::text(node, "attribute", problems)?;
        let fits = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'));
        if !fits {
            let message = format!("{name:?} can't be the name of an attribute");
            problems.add(node.at, message, "use letters, digits and -");
        }
        fits.then(|| name.to_owned())
    });
    let number = object
        .get("count")
        .map(|node| count("count", node, context));
    let exists = object
        .get("exists")
        .map(|node| scalar::boolean(node, "exists", problems));
    let others = [
        "role",
        "name",
        "text",
        "css",
        "attribute",
        "count",
        "exists",
    ];
    let tests: Vec<Option<TextCondition>> = object
        .keys()
        .filter(|key| !others.contains(&key.text.as_str()))
        .map(|key| text_test(&key.text, object.get(&key.text)?, context))
        .collect();
    let tests: Option<Vec<TextCondition>> = tests.into_iter().collect();
    let (number, mut exists) = (
        number.map_or(Some(None), |number| number.map(Some))?,
        exists.map_or(Some(None), |exists| exists.map(Some))?,
    );
    let tests = tests?;
    if let (Some(attribute), true) = (object.get("attribute"), tests.is_empty()) {
        let message = "the expectation names an attribute, but not what must hold of it";
        let remedy = "add `equals:`, `contains:`, `matches:` or another";
        problems.add(attribute.at, message, remedy);
        return None;
    }
    let is_absent =
        exists == Some(false) || number.is_some_and(crate::expect::Comparison::demands_none);
    if is_absent && (!tests.is_empty() || (exists.is_some() && number.is_some())) {
        let message = "an element that is not there meets nothing else";
        problems.add(node.at, message, "remove the other conditions");
        return None;
    }
    if number.is_none() && exists.is_none() && tests.is_empty() {
        exists = Some(true);
    }
    if !tests.is_empty() && !contradiction::together(node, &tests, problems) {
        return None;
    }
    Some(ElementCondition {
        locator: locator?,
        count: number,
        exists,
        attribute: attribute.map_or(Some(None), |name| name.map(Some))?,
        tests,
    })
}
