//! `include:` of a suite: checks, defaults, variables and secrets that several suites share, from files beside it.
//!
//! All files become one tree before anything is decoded, each value with the place that it has in its own file. What a
//! suite says itself wins over what it includes, and a later file of a list over an earlier one.

use std::collections::BTreeSet;

use strict_yaml::{Document, Findings, Key, Node, Object, Value, entries, items, scalar};

use super::context::Context;
use super::files::{folder, resolved};
use super::keys;
use crate::words;

/// Files within files.
const MAX_DEPTH: usize = 4;
/// Files that one suite includes.
const MAX_INCLUDED: usize = 20;
/// Bytes of one of them.
const MAX_BYTES: usize = 1024 * 1024;
/// Bytes of all of them together.
const MAX_TOTAL_BYTES: usize = 2 * 1024 * 1024;

/// How problems speak of an included file.
const INCLUDED: Document = Document {
    noun: "included file",
    begin: "write what suites share: checks, vars, secrets, defaults",
    split: "split it into several files",
};

/// The suite with all that it includes.
pub(super) fn merged(root: Node, context: &mut Context) -> Node {
    let mut walk = Walk {
        context: &mut *context,
        open: Vec::new(),
        seen: BTreeSet::new(),
        total: 0,
        layers: Vec::new(),
    };
    walk.included_by(&root, "");
    let layers = walk.layers;
    if layers.is_empty() {
        return root;
    }
    merge(&layers, root, &context.problems)
}

struct Walk<'c> {
    context: &'c mut Context,
    /// The files that are being read, each included by the one before it.
    open: Vec<String>,
    seen: BTreeSet<String>,
    total: usize,
    /// What was read, the weakest first.
    layers: Vec<Node>,
}

impl Walk<'_> {
    fn included_by(&mut self, node: &Node, within: &str) {
        let Some(list) = values(node, "include").next() else {
            return;
        };
        let Some(written) = items(list, "include", &self.context.problems) else {
            self.context.lacks_files = true;
            return;
        };
        if written.is_empty() {
            let remedy = "name a file such as shared/login.yaml, or remove the key";
            self.lack(list, "include: it names no file".to_owned(), remedy);
        }
        let mut listed = BTreeSet::new();
        for node in written {
            let Some(path) = self.path(node, within) else {
                continue;
            };
            if listed.insert(path.clone()) {
                self.include(node, path);
            } else {
                let message = format!("include: {path} is listed twice");
                self.context.problems.add(node.at, message, "remove one");
            }
        }
    }

    fn path(&mut self, node: &Node, within: &str) -> Option<String> {
        let written = scalar::text(node, "include", &self.context.problems)?;
        match resolved(within, written) {
            Ok(path) => Some(path),
            Err(why) => {
                let message =
                    format!("include: {written:?} is no path to a file beside the suite: {why}");
                self.lack(node, message, "write one such as shared/login.yaml");
                None
            }
        }
    }

    /// A file can't be included. What it would have brought is not known, and its names are no problems of others.
    fn lack(&mut self, node: &Node, message: String, remedy: &str) {
        self.context.lacks_files = true;
        self.context.problems.add(node.at, message, remedy);
    }

    fn include(&mut self, node: &Node, path: String) {
        if let Some(first) = self.open.iter().position(|open| *open == path) {
            let mut circle: Vec<&str> = self.open[first..].iter().map(String::as_str).collect();
            circle.push(&path);
            let message = format!("include: {} goes in a circle", circle.join(" → "));
            return self.lack(node, message, "remove one of them");
        }
        if self.seen.contains(&path) {
            return;
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("include: {path} is included more than {MAX_DEPTH} levels deep");
            return self.lack(node, message, "include it from the suite itself");
        }
        if self.seen.len() >= MAX_INCLUDED {
            let message = format!(
                "include: {path} is one too many: a suite may include {MAX_INCLUDED} files"
            );
            return self.lack(node, message, "include fewer");
        }
        let bytes = match self.context.files.take(&path, MAX_BYTES) {
            // It will be brought, and all is read once more.
            Ok(None) => return,
            Ok(Some(bytes)) => bytes,
            Err(why) => {
                let message = format!("include: {path} {why}");
                return self.lack(node, message, why.remedy());
            }
        };
        self.total += bytes.len();
        if self.total > MAX_TOTAL_BYTES {
            let message = format!(
                "include: with {path} the included files have more than {} together",
                words::bytes(MAX_TOTAL_BYTES)
            );
            return self.lack(node, message, "include fewer");
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            let message = format!("include: {path} is not UTF-8");
            return self.lack(node, message, "save it as UTF-8");
        };
        self.seen.insert(path.clone());
        let file = self.context.begin_file(&path);
        let tree = match strict_yaml::read_as(text, INCLUDED, file) {
            Ok(tree) => tree,
            Err(why) => {
                self.context.lacks_files = true;
                return self.context.problems.push(why);
            }
        };
        let problems = &self.context.problems;
        let Some(object) = Object::read(&tree, &keys::INCLUDED, problems) else {
            self.context.lacks_files = true;
            return;
        };
        if object.get("version").is_some() {
            super::decode::version(&object, problems);
        }
        let within = folder(&path).to_owned();
        self.open.push(path);
        self.included_by(&tree, &within);
        self.open.pop();
        self.layers.push(tree);
    }
}

/// `layers` below the suite, the weakest first.
fn merge(layers: &[Node], root: Node, problems: &Findings) -> Node {
    let Node { at, value } = root;
    let mut all = match value {
        Value::Map(all) => all,
        value => return Node { at, value },
    };
    let whole = Node {
        at,
        value: Value::Map(all.clone()),
    };
    // Names of variables and secrets are one space: what is a secret here replaces a variable there.
    let mut taken = BTreeSet::new();
    take_names(&whole, &mut taken);
    let (mut vars, mut secrets) = (Vec::new(), Vec::new());
    for layer in layers.iter().rev() {
        for (key, into) in [("vars", &mut vars), ("secrets", &mut secrets)] {
            let Some(node) = values(layer, key).next() else {
                continue;
            };
            let named = entries(node, key, problems).unwrap_or_default().into_iter();
            let free = named.filter(|(key, _)| !taken.contains(&key.text));
            into.extend(free.map(|(key, node)| (key.clone(), node.clone())));
        }
        take_names(layer, &mut taken);
    }
    add_entries(&mut all, "vars", vars);
    add_entries(&mut all, "secrets", secrets);
    let of_layers = layers
        .iter()
        .flat_map(|layer| values(layer, "defaults").take(1));
    let defaults = of_layers.chain(values(&whole, "defaults").take(1)).cloned();
    if let Some(defaults) = defaults.reduce(|weak, strong| overlay(&weak, strong)) {
        put(&mut all, "defaults", defaults);
    }
    let mut checks = Vec::new();
    for layer in layers {
        let Some(node) = values(layer, "checks").next() else {
            continue;
        };
        checks.extend(
            items(node, "checks", problems)
                .unwrap_or_default()
                .iter()
                .cloned(),
        );
    }
    add_checks(&mut all, checks);
    Node {
        at,
        value: Value::Map(all),
    }
}

fn take_names(layer: &Node, taken: &mut BTreeSet<String>) {
    for node in ["vars", "secrets"]
        .iter()
        .flat_map(|key| values(layer, key))
    {
        if let Value::Map(entries) = &node.value {
            taken.extend(entries.iter().map(|(key, _)| key.text.clone()));
        }
    }
}

type Entries = Vec<(Key, Node)>;

/// What stands there that is no mapping stays, and is a problem later.
fn add_entries(all: &mut Entries, key: &str, more: Entries) {
    let Some((first, _)) = more.first() else {
        return;
    };
    let at = first.at;
    if let Some((_, node)) = all.iter_mut().find(|(known, _)| known.text == key) {
        if let Value::Map(entries) = &mut node.value {
            entries.extend(more);
        }
    } else {
        let value = Value::Map(more);
        put(all, key, Node { at, value });
    }
}

/// Before those of the suite.
fn add_checks(all: &mut Entries, mut more: Vec<Node>) {
    let Some(first) = more.first() else { return };
    let at = first.at;
    if let Some((_, node)) = all.iter_mut().find(|(known, _)| known.text == "checks") {
        if let Value::List(own) = &mut node.value {
            more.append(own);
            *own = more;
        }
    } else {
        let value = Value::List(more);
        put(all, "checks", Node { at, value });
    }
}

fn put(all: &mut Entries, key: &str, node: Node) {
    match all.iter_mut().find(|(known, _)| known.text == key) {
        Some((_, old)) => *old = node,
        None => all.push((
            Key {
                at: node.at,
                text: key.to_owned(),
            },
            node,
        )),
    }
}

/// Both, key by key; names of headers are the same in upper and lower case.
fn overlay(weak: &Node, strong: Node) -> Node {
    match (&weak.value, strong.value) {
        (Value::Map(below), Value::Map(mut above)) => {
            for (key, node) in below {
                let same = above
                    .iter_mut()
                    .find(|(known, _)| known.text.eq_ignore_ascii_case(&key.text));
                match same {
                    Some((_, value)) => {
                        if matches!(value.value, Value::Map(_)) {
                            let own = std::mem::replace(value, node.clone());
                            *value = overlay(node, own);
                        }
                    }
                    None => above.push((key.clone(), node.clone())),
                }
            }
            Node {
                at: strong.at,
                value: Value::Map(above),
            }
        }
        // A mapping is needed here: that the weak one is none must not be hidden.
        (_, Value::Map(_)) => weak.clone(),
        (_, value) => Node {
            at: strong.at,
            value,
        },
    }
}

fn values<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = &'n Node> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    let found = entries.iter().filter(move |(known, _)| known.text == key);
    found.map(|(_, value)| value)
}
