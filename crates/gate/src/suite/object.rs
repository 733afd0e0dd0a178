//! Reading objects by their key tables, collecting problems instead of stopping at the first.

use std::cell::RefCell;

use super::keys::Table;
use super::node::{At, Key, Node, Value};
use super::problem::Problem;
use crate::text;

/// More problems than this help nobody.
const PROBLEM_LIMIT: usize = 100;

/// Keys that other versions of the suite know. Refused with a word of their own, because a
/// similar known key would be a misleading remedy.
const NOT_HERE: &[&str] = &[
    "journey",
    "always",
    "capture",
    "tcp",
    "dns",
    "tls",
    "grpc",
    "websocket",
    "lambda",
    "ecs_task",
    "alarms",
    "metric",
    "metrics",
    "targets",
    "wiring",
    "crawl",
    "css",
    "that",
    "verdict",
];

/// Where problems are collected.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(&self, at: At, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(at.problem(message, remedy));
    }

    pub(super) fn push(&self, problem: Problem) {
        let mut problems = self.0.borrow_mut();
        if problems.len() < PROBLEM_LIMIT && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// In the order of the file.
    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }
}

/// A mapping whose keys are known to be right.
pub(super) struct Object<'n> {
    pub(super) at: At,
    table: &'static Table,
    entries: Vec<(&'n Key, &'n Node)>,
    /// What the unknown keys were probably meant to be.
    meant: Vec<Option<&'static str>>,
}

impl<'n> Object<'n> {
    /// Reads `node` as an object of `table`; unknown and duplicate keys become problems.
    pub(super) fn read(node: &'n Node, table: &'static Table, problems: &Problems) -> Option<Self> {
        let entries = entries(node, table.told, problems)?;
        let (mut known, mut meant) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            if table.keys.contains(&key.text.as_str()) {
                known.push((key, value));
            } else {
                meant.push(text::nearest(&key.text, table.keys.iter().copied()));
                problems.push(unknown(key, table));
            }
        }
        Some(Self {
            at: node.at,
            table,
            entries: known,
            meant,
        })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        // A key outside of the table would never be found: a defect of the decoder.
        debug_assert!(
            self.table.keys.contains(&key),
            "{key:?} is not in the table"
        );
        self.entries
            .iter()
            .find(|(found, _)| found.text == key)
            .map(|(_, node)| *node)
    }

    pub(super) fn require(&self, key: &str, problems: &Problems) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() && !self.meant.contains(&Some(key)) {
            let message = format!("{} has no {key:?}", self.table.told);
            problems.add(self.at, message, format!("add `{key}:`"));
        }
        found
    }

    /// Whether something was written here that is a problem already.
    pub(super) fn has_unknown_keys(&self) -> bool {
        !self.meant.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'n Key> {
        self.entries.iter().map(|(key, _)| *key)
    }
}

/// The entries of a mapping with free keys; duplicates become problems.
pub(super) fn entries<'n>(
    node: &'n Node,
    told: &str,
    problems: &Problems,
) -> Option<Vec<(&'n Key, &'n Node)>> {
    let Value::Map(entries) = &node.value else {
        problems.add(
            node.at,
            format!(
                "{told} is a mapping (`key: value`), not {}",
                node.value.kind()
            ),
            "write its keys below it, indented",
        );
        return None;
    };
    let mut seen: Vec<(&Key, &Node)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match seen.iter().find(|(earlier, _)| earlier.text == key.text) {
            Some((earlier, _)) => problems.add(
                key.at,
                format!("the key {:?} is there twice", key.text),
                format!("it is also in line {}; remove one", earlier.at.line),
            ),
            None => seen.push((key, value)),
        }
    }
    Some(seen)
}

/// The items of a list.
pub(super) fn items<'n>(node: &'n Node, told: &str, problems: &Problems) -> Option<&'n [Node]> {
    if let Value::List(items) = &node.value {
        return Some(items);
    }
    let message = format!("{told} is a list, not {}", node.value.kind());
    problems.add(
        node.at,
        message,
        "write each item in a line of its own, after `- `",
    );
    None
}

fn unknown(key: &Key, table: &Table) -> Problem {
    let known = || {
        format!(
            "{} knows {}",
            table.told,
            text::list(table.keys.iter().copied())
        )
    };
    if NOT_HERE.contains(&key.text.as_str()) {
        let message = format!("the key {:?} is not part of this version", key.text);
        return key.at.problem(message, known());
    }
    let remedy = match text::nearest(&key.text, table.keys.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => known(),
    };
    key.at
        .problem(format!("unknown key {:?}", key.text), remedy)
}
