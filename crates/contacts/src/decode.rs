//! Parts that configurations have in common, read from YAML with every problem located.

use strict_yaml::{Findings, Node, Object, Position, Value, items, scalar};

use crate::{Language, forms};

/// The key `language` of an object that has one.
pub fn language(object: &Object<'_>, problems: &Findings) -> Option<Language> {
    let node = object.get("language")?;
    scalar::choice(node, "language", &Language::ALL, problems)
}

/// One text, or a list of texts with at least one; a text that is there twice is a problem.
pub fn words<'n>(
    node: &'n Node,
    label: &str,
    problems: &Findings,
) -> Option<Vec<(&'n Node, &'n str)>> {
    if matches!(node.value, Value::Text(_)) {
        return Some(vec![(node, scalar::text(node, label, problems)?)]);
    }
    let nodes = items(node, label, problems)?;
    if nodes.is_empty() {
        problems.add(node.at, format!("{label} is empty"), "name at least one");
        return None;
    }
    let mut words: Vec<(&Node, &str)> = Vec::new();
    for node in nodes {
        let Some(word) = scalar::text(node, label, problems) else {
            continue;
        };
        if words.iter().any(|(_, earlier)| *earlier == word) {
            problems.add(node.at, format!("{label} has {word:?} twice"), "remove one");
        } else {
            words.push((node, word));
        }
    }
    Some(words)
}

/// A text of a certain form.
pub fn formed(
    node: &Node,
    label: &str,
    (right, remedy): (impl Fn(&str) -> bool, &str),
    problems: &Findings,
) -> Option<String> {
    let written = scalar::text(node, label, problems)?;
    if right(written) {
        return Some(written.to_owned());
    }
    // A URL or a token in the wrong place is not repeated: it may be a secret.
    let secret = written.contains("://") || written.starts_with("xox") || written.len() > 100;
    let message = if secret {
        format!("{label} is not of the right form")
    } else {
        format!("{label}: {written:?} is not of the right form")
    };
    problems.add(node.at, message, remedy);
    None
}

/// A name that the team gives: to a channel or a route.
pub fn label(written: &str, at: Position, label: &str, problems: &Findings) -> bool {
    let right = forms::is_label(written);
    if !right {
        let message = format!("{written:?} can't be the name of {label}");
        let remedy = "use up to 40 letters, digits, _ and -, not beginning with a digit";
        problems.add(at, message, remedy);
    }
    right
}
