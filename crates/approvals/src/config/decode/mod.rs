//! The configuration's text into a [`Config`], or into every problem that it has.

mod channels;
mod policy;
mod routes;
pub mod shared;
mod warnings;

use std::collections::BTreeMap;

use strict_yaml::words::list;
use strict_yaml::{Findings, Node, Object, Problems, Value, entries, items, scalar};

use super::{Channel, Config, FILE, Language, forms, keys};

/// The longest text that replaces one of a catalogue, in characters.
const TEXT_LIMIT: usize = 2_000;

/// Texts by their keys in the catalogues.
type Texts = BTreeMap<String, String>;

/// What the decoder knows while it reads routes.
struct Context<'a> {
    problems: &'a Findings,
    /// The channels that could be read, and the names of those that could not: a channel that is
    /// wrong is not unknown as well.
    channels: &'a BTreeMap<String, Channel>,
    names: &'a [String],
}

pub(super) fn config(source: &str, text: &str) -> Result<Config, Problems> {
    let root = strict_yaml::read(text, FILE).map_err(|problem| Problems {
        source: source.to_owned(),
        problems: vec![problem],
    })?;
    let problems = Findings::default();
    let config = whole(&root, &problems);
    problems.conclude(source, config)
}

fn whole(root: &Node, problems: &Findings) -> Option<Config> {
    let object = Object::read(root, &keys::CONFIG, problems)?;
    version(&object, problems);
    let language = language(&object, problems);
    let texts = object.get("texts").map(|node| all_texts(node, problems));
    let (channels, names) = object
        .require("channels", problems)
        .map(|node| channels::all(node, problems))
        .unwrap_or_default();
    let context = Context {
        problems,
        channels: &channels,
        names: &names,
    };
    let routes = object
        .require("routes", problems)
        .and_then(|node| routes::all(node, &context));
    let warnings = Findings::default();
    let other_messages = object
        .get("other_messages")
        .and_then(|node| other_messages(node, &context));
    let routes = routes?;
    warnings::of(&routes, &channels, &warnings);
    let first = routes.first().map(|found| found.route.tell.clone());
    Some(Config {
        language: language.unwrap_or_default(),
        other_messages: other_messages.or(first).unwrap_or_default(),
        routes: routes.into_iter().map(|found| found.route).collect(),
        texts: texts.unwrap_or_default(),
        warnings: warnings.into_sorted(),
        channels,
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

/// The key `language` of an object that has one.
fn language(object: &Object<'_>, problems: &Findings) -> Option<Language> {
    let node = object.get("language")?;
    scalar::choice(node, "language", &Language::ALL, problems)
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
    context.tell(tell, "other_messages.tell")
}

impl Context<'_> {
    /// Names of channels: at least one, each known, none twice.
    fn tell(&self, node: &Node, told: &str) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for (at, name) in words(node, told, self.problems)? {
            if self.known(at, name) && !names.iter().any(|earlier| earlier == name) {
                names.push(name.to_owned());
            }
        }
        Some(names)
    }

    /// Whether the channel is there; otherwise a problem says so.
    fn known(&self, node: &Node, name: &str) -> bool {
        let known = self.names.iter().any(|known| known == name);
        if !known {
            let names = || self.names.iter().map(String::as_str);
            let remedy = match self.problems.nearest(name, names()) {
                Some(near) => format!("did you mean {near:?}?"),
                None if self.names.is_empty() => "add it under `channels:`".to_owned(),
                None => format!("add it under `channels:`; known are {}", list(names())),
            };
            self.problems
                .add(node.at, format!("there is no channel {name:?}"), remedy);
        }
        known
    }
}

/// One text, or a list of texts with at least one; a text that is there twice is a problem.
fn words<'n>(node: &'n Node, told: &str, problems: &Findings) -> Option<Vec<(&'n Node, &'n str)>> {
    if matches!(node.value, Value::Text(_)) {
        return Some(vec![(node, scalar::text(node, told, problems)?)]);
    }
    let nodes = items(node, told, problems)?;
    if nodes.is_empty() {
        problems.add(node.at, format!("{told} is empty"), "name at least one");
        return None;
    }
    let mut words: Vec<(&Node, &str)> = Vec::new();
    for node in nodes {
        let Some(word) = scalar::text(node, told, problems) else {
            continue;
        };
        if words.iter().any(|(_, earlier)| *earlier == word) {
            problems.add(node.at, format!("{told} has {word:?} twice"), "remove one");
        } else {
            words.push((node, word));
        }
    }
    Some(words)
}

/// A text of a certain form.
fn formed(
    node: &Node,
    told: &str,
    (right, remedy): (impl Fn(&str) -> bool, &str),
    problems: &Findings,
) -> Option<String> {
    let written = scalar::text(node, told, problems)?;
    if right(written) {
        return Some(written.to_owned());
    }
    // A URL or a token in the wrong place is not repeated: it may be a secret.
    let secret = written.contains("://") || written.starts_with("xox") || written.len() > 100;
    let message = if secret {
        format!("{told} is not of the right form")
    } else {
        format!("{told}: {written:?} is not of the right form")
    };
    problems.add(node.at, message, remedy);
    None
}

/// A name that the team gives: to a channel or a route.
fn label(written: &str, node_at: strict_yaml::At, told: &str, problems: &Findings) -> bool {
    let right = forms::is_label(written);
    if !right {
        let message = format!("{written:?} can't be the name of {told}");
        let remedy = "use up to 40 letters, digits, _ and -, not beginning with a digit";
        problems.add(node_at, message, remedy);
    }
    right
}
