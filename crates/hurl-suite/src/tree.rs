//! The tree that the YAML of a suite would have given, made by hand, with places of the Hurl file.

use hurl_core::ast::SourceInfo;
use hurl_core::reader::Pos;
use strict_yaml::{Key, Node, Position, Value};

pub(crate) fn at(pos: Pos) -> Position {
    Position::new(pos.line.max(1), pos.column.max(1))
}

pub(crate) fn start(of: SourceInfo) -> Position {
    at(of.start)
}

pub(crate) fn text(at: Position, text: impl Into<String>) -> Node {
    let value = Value::Text(text.into());
    Node { at, value }
}

pub(crate) fn boolean(at: Position, value: bool) -> Node {
    let value = Value::Bool(value, value.to_string());
    Node { at, value }
}

/// A number as it was written; text where it is none, which the decoder then refuses.
pub(crate) fn number(at: Position, written: &str) -> Node {
    strict_yaml::plain(written, at).unwrap_or_else(|_| text(at, written))
}

pub(crate) fn list(at: Position, items: Vec<Node>) -> Node {
    let value = Value::List(items);
    Node { at, value }
}

pub(crate) fn map<K: Into<String>>(
    at: Position,
    entries: impl IntoIterator<Item = (K, Node)>,
) -> Node {
    let entries = entries.into_iter();
    let entries = entries.map(|(key, node)| {
        let text = key.into();
        (Key { at: node.at, text }, node)
    });
    let value = Value::Map(entries.collect());
    Node { at, value }
}
