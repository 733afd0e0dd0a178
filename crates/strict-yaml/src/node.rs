//! YAML text into a tree in which every key and value knows its place.
//!
//! Built from the parser's events rather than from a ready tree, because a ready tree has already
//! lost duplicate keys, and because an alias must be counted before it is copied: a few lines of
//! YAML can stand for gigabytes.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use serde_json::Value as Json;

use crate::Problem;

/// What people write by hand is a page or two; this is far beyond.
const TEXT_LIMIT: usize = 1024 * 1024;
/// Nodes, with every copy that an anchor or an alias makes.
const NODE_LIMIT: usize = 50_000;
const DEPTH_LIMIT: usize = 64;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub at: At,
    /// What it is.
    pub value: Value,
}

/// Scalars keep the text that was written: `1.10` as text is not `1.1`.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool, String),
    /// A number that JSON has.
    Number(serde_json::Number, String),
    /// Anything else that is one word or line, and all that is in quotes.
    Text(String),
    /// Items after `- ` or between brackets.
    List(Vec<Node>),
    /// Entries in the order of the file, duplicates included.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping and its place.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where it begins.
    pub at: At,
    /// The key as it was written.
    pub text: String,
}

impl At {
    /// A problem at this place.
    pub fn problem(self, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem {
            line: self.line,
            column: self.column,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl From<Marker> for At {
    fn from(marker: Marker) -> Self {
        Self {
            line: marker.line().max(1),
            column: marker.col() + 1,
        }
    }
}

impl Value {
    /// `text`, `a number`, …: what a problem calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(..) => "true or false",
            Self::Number(..) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl Node {
    /// The plain JSON that this stands for.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value, _) => Json::Bool(*value),
            Value::Number(value, _) => Json::Number(value.clone()),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }
}

/// What a file is, for the problems of the file as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// One word: `suite`.
    pub noun: &'static str,
    /// What to do about an empty file: `write a suite: version, name, checks`.
    pub begin: &'static str,
    /// What to do about one that is too large: `split it into several suites`.
    pub split: &'static str,
}

/// The one document of a file.
pub fn read(text: &str, document: Document) -> Result<Node, Problem> {
    let start = At { line: 1, column: 1 };
    if text.len() > TEXT_LIMIT {
        return Err(start.problem("the file is larger than 1 MiB", document.split));
    }
    let mut tree = Tree::new(document);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        tree.take(event, span.start.into())?;
    }
    tree.root
        .ok_or_else(|| start.problem("the file is empty", document.begin))
}

fn syntax(error: &ScanError) -> Problem {
    let at = At::from(*error.marker());
    at.problem(
        format!("not valid YAML: {}", error.info()),
        "check the indentation, quotes and brackets here and in the line above",
    )
}

struct Tree {
    kind: Document,
    open: Vec<Open>,
    /// Finished nodes with an anchor, and how many nodes each is.
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

struct Open {
    at: At,
    anchor: usize,
    nodes_before: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        key: Option<Key>,
    },
}

impl Tree {
    fn new(kind: Document) -> Self {
        Self {
            kind,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            documents: 0,
            nodes: 0,
        }
    }

    fn take(&mut self, event: Event<'_>, at: At) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(at.problem(
                        "a second document begins",
                        format!(
                            "a file holds one {}: remove the `---` or make a file of its own",
                            self.kind.noun
                        ),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), at)?;
                let value = scalar(text.into_owned(), style, at)?;
                self.finish(Node { at, value }, anchor, 1)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), at)?;
                self.begin(at, anchor, Content::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), at)?;
                self.begin(
                    at,
                    anchor,
                    Content::Map {
                        entries: Vec::new(),
                        key: None,
                    },
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("the parser closes what it opened");
                let value = match open.content {
                    Content::List(items) => Value::List(items),
                    Content::Map { entries, .. } => Value::Map(entries),
                };
                let size = self.nodes - open.nodes_before + 1;
                self.finish(Node { at: open.at, value }, open.anchor, size)?;
            }
            Event::Alias(anchor) => {
                let Some((_, size)) = self.anchors.get(&anchor) else {
                    return Err(at.problem(
                        "this alias stands inside of its own anchor",
                        "write the value out",
                    ));
                };
                // Counted before it is copied.
                self.count(size - 1, at)?;
                let node = self.anchors[&anchor].0.clone();
                self.finish(node, 0, 1)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, at: At, anchor: usize, content: Content) -> Result<(), Problem> {
        if self.open.len() >= DEPTH_LIMIT {
            let remedy = "write it flatter";
            return Err(at.problem(format!("nested deeper than {DEPTH_LIMIT} levels"), remedy));
        }
        self.open.push(Open {
            at,
            anchor,
            nodes_before: self.nodes,
            content,
        });
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Problem> {
        self.count(1, node.at)?;
        if anchor > 0 {
            self.count(size, node.at)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key }) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(key_of(node)?),
            },
        }
        Ok(())
    }
}

impl Tree {
    fn refuse_tag(&self, tagged: bool, at: At) -> Result<(), Problem> {
        if tagged {
            return Err(at.problem(
                format!("tags (`!…`) have no meaning in a {}", self.kind.noun),
                "remove the tag; quote text",
            ));
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, at: At) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes > NODE_LIMIT {
            let message = format!("more than {NODE_LIMIT} values, with aliases written out");
            let remedy = format!("split the {}, or use fewer aliases", self.kind.noun);
            return Err(at.problem(message, remedy));
        }
        Ok(())
    }
}

fn key_of(node: Node) -> Result<Key, Problem> {
    let text = match node.value {
        Value::Text(text) | Value::Bool(_, text) | Value::Number(_, text) => text,
        other => {
            let message = format!("{} can't be a key", other.kind());
            return Err(node.at.problem(
                message,
                "keys are words; put a template in quotes: \"{{ name }}\"",
            ));
        }
    };
    if text == "<<" {
        return Err(node.at.problem(
            "merge keys (`<<`) are not part of YAML 1.2",
            "write the keys out",
        ));
    }
    Ok(Key { at: node.at, text })
}

/// The core schema of YAML 1.2: only plain scalars can be anything but text.
fn scalar(text: String, style: ScalarStyle, at: At) -> Result<Value, Problem> {
    if style != ScalarStyle::Plain {
        return Ok(Value::Text(text));
    }
    Ok(match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true, text),
        "false" | "False" | "FALSE" => Value::Bool(false, text),
        ".inf" | "-.inf" | "+.inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => {
            return Err(at.problem(
                format!("{text} is not a number that JSON has"),
                "write a number",
            ));
        }
        _ => match number(&text) {
            Some(number) => Value::Number(number, text),
            None => Value::Text(text),
        },
    })
}

fn number(text: &str) -> Option<serde_json::Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Into::into);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Into::into);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if !numeric {
        return None;
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    if let Ok(integer) = plain.parse::<i64>() {
        return Some(integer.into());
    }
    plain
        .parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64)
}
