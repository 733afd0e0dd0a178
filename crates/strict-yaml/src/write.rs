//! A tree as YAML text that is read as the same tree: for files that a program writes and people go on with.
//!
//! Text stands in quotes unless it is a plain word, so that nothing of it can be taken for anything else.

use std::fmt::Write as _;

use crate::node::{Node, Position, Value, plain};

/// Characters of a line up to which a mapping or a list of scalars stands in it.
const MAX_LINE_CHARS: usize = 100;

/// The text, with a line break at its end.
pub fn write(node: &Node) -> String {
    let mut text = String::new();
    match &node.value {
        Value::Map(_) | Value::List(_) => block(node, 0, &mut text),
        _ => text.push_str(&flow(node)),
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A mapping or a list over several lines; the first line is indented already.
fn block(node: &Node, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    let each: Vec<(String, &Node)> = match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (format!("{}:", word(&key.text)), value))
                .collect()
        }
        Value::List(items) if !items.is_empty() => {
            items.iter().map(|item| ("-".to_owned(), item)).collect()
        }
        _ => {
            text.push_str(&flow(node));
            text.push('\n');
            return;
        }
    };
    for (index, (lead, value)) in each.into_iter().enumerate() {
        if index > 0 {
            text.push_str(&margin);
        }
        text.push_str(&lead);
        // What has no parts stands in its line, however long.
        let fits =
            |short: &String| indent + lead.len() + 1 + short.chars().count() <= MAX_LINE_CHARS;
        let short = is_shallow(value).then(|| flow(value));
        if let Some(short) = short.filter(|short| !has_parts(value) || fits(short)) {
            let _ = writeln!(text, " {short}");
        } else if lead == "-" {
            text.push(' ');
            block(value, indent + 2, text);
        } else {
            let _ = write!(text, "\n{}", " ".repeat(indent + 2));
            block(value, indent + 2, text);
        }
    }
}

fn has_parts(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => !entries.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => false,
    }
}

/// Whether a value reads well in one line: a scalar, or a mapping or list of scalars or of one such.
fn is_shallow(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [(_, only)] if has_parts(only) => {
                matches!(&only.value, Value::Map(inner) if inner.iter().all(|(_, one)| !has_parts(one)))
            }
            entries => entries.iter().all(|(_, one)| !has_parts(one)),
        },
        Value::List(items) => items.iter().all(|one| !has_parts(one)),
        _ => true,
    }
}

/// A value in one line.
fn flow(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(_, written) | Value::Number(_, written) => written.clone(),
        Value::Text(text) => word(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}: {}", word(&key.text), flow(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// Text as it is where it is a plain word, in quotes otherwise.
fn word(text: &str) -> String {
    let is_word = |text: &str| {
        let mut characters = text.chars();
        let first = characters.next();
        first.is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '/' | '$' | '_'))
            && characters.all(|one| one.is_ascii_alphanumeric() || "-_./$".contains(one))
    };
    let is_text = || {
        let read = plain(text, Position::default());
        matches!(read.map(|node| node.value), Ok(Value::Text(_)))
    };
    if is_word(text) && is_text() {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(character),
            // Others may break a line or be none that YAML has.
            other if other.is_alphanumeric() => quoted.push(other),
            other if u32::from(other) <= 0xFF => {
                let _ = write!(quoted, "\\x{:02X}", u32::from(other));
            }
            other if u32::from(other) <= 0xFFFF => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(other));
            }
            other => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(other));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Document, Key, read};

    const FILE: Document = Document {
        noun: "file",
        begin: "write one",
        split: "split it",
    };

    fn node(value: Value) -> Node {
        let at = Position::default();
        Node { at, value }
    }

    /// What a tree is, without places.
    fn bare(node: &Node) -> String {
        match &node.value {
            Value::List(items) => format!("{:?}", items.iter().map(bare).collect::<Vec<_>>()),
            Value::Map(entries) => {
                let entries = entries.iter();
                let entries: Vec<_> = entries.map(|(key, one)| (&key.text, bare(one))).collect();
                format!("{entries:?}")
            }
            other => format!("{other:?}"),
        }
    }

    fn trees() -> impl Strategy<Value = Node> {
        let scalar = prop_oneof![
            "(?s).{0,12}".prop_map(|text| node(Value::Text(text))),
            "[a-z~ .:#0-9{}\\[\\]\\-]{0,8}".prop_map(|text| node(Value::Text(text))),
            "-?[1-9][0-9]{0,3}(\\.[0-9]{1,2})?"
                .prop_map(|text| plain(&text, Position::default()).expect("a number")),
            Just(node(Value::Null)),
            Just(node(Value::Bool(true, "true".to_owned()))),
        ];
        scalar.prop_recursive(4, 24, 5, |inner| {
            let keys = prop_oneof!["[a-z]{1,6}", "(?s).{0,6}", "[~0-9]{1,3}"];
            let key = keys.prop_filter("a merge key", |text| text != "<<");
            let entry = (key, inner.clone()).prop_map(|(text, node)| {
                let at = Position::default();
                (Key { at, text }, node)
            });
            prop_oneof![
                proptest::collection::vec(inner, 0..5).prop_map(|items| node(Value::List(items))),
                proptest::collection::vec(entry, 0..5).prop_map(|all| node(Value::Map(all))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(tree in trees()) {
            let text = write(&tree);
            let again = read(&text, FILE);
            let again = again.unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            prop_assert_eq!(bare(&again), bare(&tree), "{}", text);
        }
    }
}
