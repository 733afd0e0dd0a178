//! The configuration's text into a [`Config`], or into every problem that it has.

mod policy;
mod routes;
mod warnings;

use std::collections::BTreeMap;

use strict_yaml::words::list;
use strict_yaml::{Findings, Node, Object, Problems, Value, entries, scalar};

use contacts::decode::language;
use contacts::{Channel, Directory, Language};

use super::{Config, FILE, keys};

/// The longest text that replaces one of a catalogue, in characters.
const TEXT_LIMIT: usize = 2_000;

/// Texts by their keys in the catalogues.
type Texts = BTreeMap<String, String>;

/// What the decoder knows while it reads routes.
struct Context<'a> {
    problems: &'a Findings,
    directory: &'a Directory,
}

impl Context<'_> {
    fn channels(&self) -> &BTreeMap<String, Channel> {
        &self.directory.channels
    }
}

pub(super) fn config(source: &str, text: &str) -> Result<Config, Problems> {
    let root = strict_yaml::read(text, FILE).map_err(|problem| Problems::of(source, problem))?;
    let problems = Findings::default();
    let config = whole(&root, &problems);
    problems.conclude(source, config)
}

fn whole(root: &Node, problems: &Findings) -> Option<Config> {
    let object = Object::read(root, &keys::CONFIG, problems)?;
    version(&object, problems);
    let language = language(&object, problems);
    let texts = object.get("texts").map(|node| all_texts(node, problems));
    let directory = object
        .require("channels", problems)
        .map(|node| Directory::read(node, problems))
        .unwrap_or_default();
    let context = Context {
        problems,
        directory: &directory,
    };
    let routes = object
        .require("routes", problems)
        .and_then(|node| routes::all(node, &context));
    let warnings = Findings::default();
    let other_messages = object
        .get("other_messages")
        .and_then(|node| other_messages(node, &context));
    let routes = routes?;
    warnings::of(&routes, &directory.channels, &warnings);
    let first = routes.first().map(|found| found.route.tell.clone());
    Some(Config {
        language: language.unwrap_or_default(),
        other_messages: other_messages.or(first).unwrap_or_default(),
        routes: routes.into_iter().map(|found| found.route).collect(),
        texts: texts.unwrap_or_default(),
        warnings: warnings.into_sorted(),
        channels: directory.channels,
    })
}

fn version(object: &Object<'_>, problems: &Findings) {
    if let Some(node) = object.require("version", problems) {
        let one = matches!(&node.value, Value::Number(number, _) if number.as_u64() == Some(1));
        if !one {
            let remedy = "this is version 1: write `version: 1`";
            problems.add(node.at, "unknown version", remedy);
        }
    }
}

/// `texts:` of the configuration: languages, then texts.
fn all_texts(node: &Node, problems: &Findings) -> BTreeMap<Language, Texts> {
    let mut all = BTreeMap::new();
    for (key, value) in entries(node, "texts", problems).unwrap_or_default() {
        let found = Language::ALL.iter().find(|(tag, _)| *tag == key.text);
        if let Some((_, language)) = found {
            all.insert(*language, texts(value, problems));
        } else {
            let remedy = format!("write one of {}", list(Language::ALL.map(|(tag, _)| tag)));
            let message = format!("texts: unknown language {:?}", key.text);
            problems.add(key.at, message, remedy);
        }
    }
    all
}

/// Texts by key. Which keys there are, and what placeholders they have, the catalogues know.
fn texts(node: &Node, problems: &Findings) -> Texts {
    let mut texts = BTreeMap::new();
    for (key, value) in entries(node, "texts", problems).unwrap_or_default() {
        let Some(text) = scalar::text(value, &key.text, problems) else {
            continue;
        };
        if text.chars().count() > TEXT_LIMIT {
            let message = format!("{} is longer than {TEXT_LIMIT} characters", key.text);
            problems.add(value.at, message, "write a shorter text");
        } else {
            texts.insert(key.text.clone(), text.to_owned());
        }
    }
    texts
}

fn other_messages(node: &Node, context: &Context<'_>) -> Option<Vec<String>> {
    let object = Object::read(node, &keys::OTHER_MESSAGES, context.problems)?;
    let tell = object.require("tell", context.problems)?;
    context
        .directory
        .named(tell, "other_messages.tell", context.problems)
}
