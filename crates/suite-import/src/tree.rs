//! Trees: those of files, and the one of the suite that is made.

use std::borrow::Cow;

use strict_yaml::{Document, Key, Node, Position, Problem, Value};

/// The tree of YAML or JSON, in which everything knows its place.
pub(crate) fn read(text: &str, document: Document) -> Result<Node, Problem> {
    if text.trim_start().starts_with('{') {
        return read_json(text, document);
    }
    strict_yaml::read(text, document)
}

/// The same of JSON.
pub(crate) fn read_json(text: &str, document: Document) -> Result<Node, Problem> {
    strict_yaml::read(&as_yaml(text), document)
}

/// JSON in such a way that YAML takes it: no tab stands between tokens, and no character as a pair of escapes.
fn as_yaml(json: &str) -> Cow<'_, str> {
    let json = text::json::mended(json);
    if !json.contains(['\t']) && !json.contains("\\u") {
        return json;
    }
    let mut made = String::with_capacity(json.len());
    let mut rest = &*json;
    while let Some(at) = rest.find(['\t', '\\']) {
        made.push_str(&rest[..at]);
        rest = &rest[at..];
        let (piece, taken) = match surrogates(rest) {
            Some(one) => (one.to_string(), 12),
            // Of an escape, both characters: the second one may be a backslash.
            None if rest.starts_with('\\') => {
                let second = rest[1..].chars().next().map_or(0, char::len_utf8);
                (rest[..=second].to_owned(), 1 + second)
            }
            None => (" ".to_owned(), 1),
        };
        made.push_str(&piece);
        rest = &rest[taken..];
    }
    made.push_str(rest);
    Cow::Owned(made)
}

/// The character that begins here as two escapes: `\ud83d\ude00`.
fn surrogates(text: &str) -> Option<char> {
    let unit = |at: usize| {
        let hex = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    let pair = [unit(0)?, unit(6)?];
    let mut read = char::decode_utf16(pair);
    let one = read.next()?.ok()?;
    read.next().is_none().then_some(one)
}

/// A value of a mapping.
pub(crate) fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .find(|(name, _)| name.text == key)
            .map(|(_, value)| value),
        _ => None,
    }
}

/// The same further down.
pub(crate) fn at<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Node> {
    keys.iter().try_fold(node, |node, key| get(node, key))
}

/// Entries of a mapping; none of anything else.
pub(crate) fn entries(node: Option<&Node>) -> &[(Key, Node)] {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

/// Items of a list; none of anything else.
pub(crate) fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// A scalar as it was written.
pub(crate) fn written(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) | Value::Number(_, text) | Value::Bool(_, text) => Some(text),
        _ => None,
    }
}

/// The scalar under a key.
pub(crate) fn word<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    get(node, key).and_then(written)
}

/// Whether a key says true.
pub(crate) fn is_true(node: &Node, key: &str) -> bool {
    matches!(
        get(node, key).map(|node| &node.value),
        Some(Value::Bool(true, _))
    )
}

pub(crate) fn text(text: impl Into<String>) -> Node {
    of(Value::Text(text.into()))
}

pub(crate) fn boolean(value: bool) -> Node {
    of(Value::Bool(value, value.to_string()))
}

/// A number as it was written; text where it is none, which the loader then refuses.
pub(crate) fn number(written: &str) -> Node {
    strict_yaml::plain(written, Position::default()).unwrap_or_else(|_| text(written))
}

pub(crate) fn list(items: Vec<Node>) -> Node {
    of(Value::List(items))
}

pub(crate) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, node)| {
        let key = Key {
            at: Position::default(),
            text: key.into(),
        };
        (key, node)
    });
    of(Value::Map(entries.collect()))
}

fn of(value: Value) -> Node {
    Node {
        at: Position::default(),
        value,
    }
}

/// How many values a tree has.
pub(crate) fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| 1 + size(value)).sum(),
        _ => 0,
    }
}
