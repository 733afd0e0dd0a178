//! Values of a configuration that are more than text: lists of words, patterns, prices, parts.

use std::time::Duration;

use jiff::SignedDuration;
use strict_yaml::{Findings, Node, Object, Value, items, scalar};

use super::{Glob, Globs};

/// More entries in one list are a mistake.
const MAX_ENTRIES: usize = 1_000;

/// The entries of a list of texts, or the one text that stands for a list of one.
pub(super) fn texts<'n>(
    node: &'n Node,
    label: &str,
    problems: &Findings,
) -> Option<Vec<(&'n Node, &'n str)>> {
    let nodes = match &node.value {
        Value::List(_) => items(node, label, problems)?,
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() || nodes.len() > MAX_ENTRIES {
        let message = format!("{label} has {} entries", nodes.len());
        problems.add(
            node.at,
            message,
            format!("write 1 to {MAX_ENTRIES}, or remove the key"),
        );
        return None;
    }
    let mut texts = Vec::new();
    for node in nodes {
        let word = scalar::text(node, label, problems)?;
        if texts.iter().any(|(_, earlier)| *earlier == word) {
            problems.add(node.at, format!("{label} has {word:?} twice"), "remove one");
        }
        texts.push((node, word));
    }
    Some(texts)
}

/// Patterns over `cluster/service`.
pub(super) fn globs(node: &Node, label: &str, problems: &Findings) -> Globs {
    const REMEDY: &str = "write a service's name or cluster/service: letters, digits, -, _ and ., \
                          with * for any text and ? for one character";
    let mut globs = Vec::new();
    for (node, written) in texts(node, label, problems).unwrap_or_default() {
        match Glob::parse(written) {
            Some(glob) => globs.push(glob),
            None => problems.add(
                node.at,
                format!("{label}: {written:?} can't match any name"),
                REMEDY,
            ),
        }
    }
    Globs::new(globs)
}

/// Patterns over single names: of clusters, of databases.
pub(super) fn names(node: &Node, label: &str, problems: &Findings) -> Globs {
    let slashed = words_with(node, '/');
    for at in &slashed {
        problems.add(
            *at,
            format!("{label}: a name has no \"/\""),
            "write the name alone, with * and ? if you like",
        );
    }
    if slashed.is_empty() {
        globs(node, label, problems)
    } else {
        Globs::default()
    }
}

fn words_with(node: &Node, letter: char) -> Vec<strict_yaml::Position> {
    let nodes = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let has = |node: &&Node| matches!(&node.value, Value::Text(text) if text.contains(letter));
    nodes.iter().filter(has).map(|node| node.at).collect()
}

/// Names without patterns, as `cluster/service` or as a service's or cluster's name.
pub(super) fn exact(node: &Node, label: &str, problems: &Findings) -> Globs {
    for (node, written) in texts(node, label, problems).unwrap_or_default() {
        if Glob::parse(written).is_some_and(|glob| !glob.is_exact()) {
            problems.add(
                node.at,
                format!("{label}: {written:?} is a pattern"),
                "write each name out: this guard is only lifted for what you have looked at",
            );
        }
    }
    globs(node, label, problems)
}

/// A duration of an object's key.
pub(super) fn duration(
    object: &Object<'_>,
    key: &str,
    (least, most): (u64, u64),
    problems: &Findings,
) -> Option<SignedDuration> {
    let node = object.get(key)?;
    let range = Duration::from_secs(least)..=Duration::from_secs(most);
    let read = scalar::duration(node, key, range, problems)?;
    SignedDuration::try_from(read).ok()
}

/// A number from `least` to `most`, with or without a fraction.
pub(super) fn number(
    node: &Node,
    label: &str,
    (least, most): (f64, f64),
    problems: &Findings,
) -> Option<f64> {
    let value = match &node.value {
        Value::Number(number, _) => number.as_f64(),
        _ => None,
    };
    let inside = value.filter(|value| (least..=most).contains(value));
    if inside.is_none() {
        let message = format!("{label} is not a number in range");
        problems.add(
            node.at,
            message,
            format!("write a number from {least} to {most}"),
        );
    }
    inside
}

/// `80%`
pub(super) fn share(node: &Node, label: &str, problems: &Findings) -> Option<f64> {
    let written = match &node.value {
        Value::Text(text) => text.trim(),
        _ => "",
    };
    let digits = written.strip_suffix('%').map(str::trim_end);
    let percent = digits
        .and_then(|digits| digits.parse::<u8>().ok())
        .filter(|percent| (1..=100).contains(percent));
    if percent.is_none() {
        problems.add(
            node.at,
            format!("{label} is not a part"),
            "write 1% to 100%, in whole percent",
        );
    }
    percent.map(|percent| f64::from(percent) / 100.0)
}
