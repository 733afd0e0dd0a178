//! YAML text into a tree in which every key and value knows its place.
//!
//! Built from the parser's events rather than from a ready tree, because a ready tree has already
//! lost duplicate keys, and because an alias must be counted before it is copied: a few lines of
//! YAML can stand for gigabytes.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use serde_json::Value as Json;

use crate::number::{self, Number, Reading};
use crate::{Problem, words};

/// What people write by hand is a page or two; this is far beyond.
const MAX_TEXT: usize = 1024 * 1024;
/// Nodes, with every copy that an anchor or an alias makes.
const MAX_NODES: usize = 50_000;
/// Bytes of keys and values, with every copy that an anchor or an alias makes.
const MAX_EXPANDED: usize = 4 * 1024 * 1024;
const MAX_DEPTH: usize = 64;
/// Characters of what a problem says. It repeats what was written, which may be long.
const MAX_MESSAGE: usize = 1_000;

/// Line and column, both from 1, and in which file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of the file, where one is made of several: 0 is the one that was read first.
    pub file: u16,
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub value: Value,
}

/// Scalars keep the text that was written: `1.10` as text is not `1.1`.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, and as it was written.
    Bool(bool, String),
    /// A number, exact, and as it was written.
    Number(Number, String),
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
    pub at: Position,
    /// The key as it was written.
    pub text: String,
}

impl Position {
    /// Where a file begins.
    pub const START: Self = Self::new(1, 1);

    /// In no file: it was given beside one.
    pub const NOWHERE: Self = Self::new(0, 0);

    /// A place of the file that was read first.
    pub const fn new(line: usize, column: usize) -> Self {
        Self {
            file: 0,
            line,
            column,
        }
    }

    /// A problem at this place.
    pub fn problem(self, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem {
            file: self.file,
            line: self.line,
            column: self.column,
            message: words::middle_out(message.into(), MAX_MESSAGE),
            remedy: words::middle_out(remedy.into(), MAX_MESSAGE),
        }
    }
}

impl From<Marker> for Position {
    fn from(marker: Marker) -> Self {
        Self::new(marker.line().max(1), marker.col() + 1)
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
    fn put_into(&mut self, file: u16) {
        self.at.file = file;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.put_into(file)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    key.at.file = file;
                    node.put_into(file);
                }
            }
            _ => {}
        }
    }

    /// The plain JSON that this stands for, to hold a file against its schema. Numbers beyond a float become
    /// null and others may be rounded: nothing else may use this.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value, _) => Json::Bool(*value),
            Value::Number(value, _) => serde_json::from_str(value.as_str()).unwrap_or(Json::Null),
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
    read_as(text, document, 0)
}

/// The same of a file that another one is made of: its places have this number.
pub fn read_as(text: &str, document: Document, file: u16) -> Result<Node, Problem> {
    match parse(text, document) {
        Ok(mut root) => {
            root.put_into(file);
            Ok(root)
        }
        Err(problem) => Err(Problem { file, ..problem }),
    }
}

fn parse(text: &str, document: Document) -> Result<Node, Problem> {
    let start = Position::START;
    if text.len() > MAX_TEXT {
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
    let at = Position::from(*error.marker());
    // The parser looks ahead and has a bound of its own.
    if error.info().contains("recursion limit") {
        return too_deep(at);
    }
    at.problem(
        format!("not valid YAML: {}", error.info()),
        "check the indentation, quotes and brackets here and in the line above",
    )
}

fn too_deep(at: Position) -> Problem {
    at.problem(
        format!("nested deeper than {MAX_DEPTH} levels"),
        "write it flatter",
    )
}

struct Tree {
    kind: Document,
    open: Vec<Open>,
    /// Finished nodes with an anchor.
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    documents: usize,
    size: Size,
}

struct Anchored {
    node: Node,
    size: Size,
    height: usize,
}

/// What a node weighs, with everything below it.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

struct Open {
    at: Position,
    anchor: usize,
    before: Size,
    /// The levels below this one.
    height: usize,
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
            size: Size::default(),
        }
    }

    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Problem> {
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
                let size = Size::scalar(&text);
                self.count(size, at)?;
                let value = scalar(text.into_owned(), style, at)?;
                self.finish(Node { at, value }, anchor, size, 0)?;
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
                let size = self.size.since(open.before);
                let node = Node { at: open.at, value };
                self.finish(node, open.anchor, size, open.height + 1)?;
            }
            Event::Alias(anchor) => {
                let Some(Anchored { size, height, .. }) = self.anchors.get(&anchor) else {
                    return Err(at.problem(
                        "this alias stands inside of its own anchor",
                        "write the value out",
                    ));
                };
                let (size, height) = (*size, *height);
                // Aliases of aliases nest, too.
                if self.open.len() + height > MAX_DEPTH {
                    return Err(too_deep(at));
                }
                // Counted before it is copied.
                self.count(size, at)?;
                let node = self.anchors[&anchor].node.clone();
                self.finish(node, 0, size, height)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, at: Position, anchor: usize, content: Content) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        let before = self.size;
        self.count(Size::EMPTY, at)?;
        self.open.push(Open {
            at,
            anchor,
            before,
            height: 0,
            content,
        });
        Ok(())
    }

    /// Puts a finished node, which is counted already, where it belongs.
    fn finish(
        &mut self,
        node: Node,
        anchor: usize,
        size: Size,
        height: usize,
    ) -> Result<(), Problem> {
        if anchor > 0 {
            self.count(size, node.at)?;
            let node = node.clone();
            let anchored = Anchored { node, size, height };
            self.anchors.insert(anchor, anchored);
        }
        if let Some(open) = self.open.last_mut() {
            open.height = open.height.max(height);
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
    fn refuse_tag(&self, tagged: bool, at: Position) -> Result<(), Problem> {
        if tagged {
            let noun = self.kind.noun;
            let article = if noun.starts_with(['A', 'a', 'E', 'e', 'I', 'i', 'O', 'o']) {
                "an"
            } else {
                "a"
            };
            return Err(at.problem(
                format!("tags (`!…`) have no meaning in {article} {noun}"),
                "remove the tag; quote text",
            ));
        }
        Ok(())
    }

    fn count(&mut self, size: Size, at: Position) -> Result<(), Problem> {
        self.size.nodes = self.size.nodes.saturating_add(size.nodes);
        self.size.bytes = self.size.bytes.saturating_add(size.bytes);
        let bound = if self.size.nodes > MAX_NODES {
            format!("{MAX_NODES} values")
        } else if self.size.bytes > MAX_EXPANDED {
            words::bytes(MAX_EXPANDED)
        } else {
            return Ok(());
        };
        let message = format!("more than {bound}, with aliases written out");
        let remedy = format!("split the {}, or use fewer aliases", self.kind.noun);
        Err(at.problem(message, remedy))
    }
}

impl Size {
    /// A list or a mapping without what is in it.
    const EMPTY: Self = Self { nodes: 1, bytes: 0 };

    fn scalar(text: &str) -> Self {
        Self {
            nodes: 1,
            bytes: text.len(),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            nodes: self.nodes - before.nodes,
            bytes: self.bytes - before.bytes,
        }
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

/// What a word is that stands in a file without quotes: a number, true, false, nothing, or text.
pub fn plain(text: &str, at: Position) -> Result<Node, Problem> {
    let value = scalar(text.to_owned(), ScalarStyle::Plain, at)?;
    Ok(Node { at, value })
}

/// The core schema of YAML 1.2: only plain scalars can be anything but text.
fn scalar(text: String, style: ScalarStyle, at: Position) -> Result<Value, Problem> {
    if style != ScalarStyle::Plain {
        return Ok(Value::Text(text));
    }
    Ok(match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true, text),
        "false" | "False" | "FALSE" => Value::Bool(false, text),
        _ => match number::read(&text) {
            None => Value::Text(text),
            Some(Reading::Number(number)) => Value::Number(number, text),
            Some(Reading::NotFinite) => {
                let message = format!("{text} is not a number that JSON has");
                return Err(at.problem(message, "write a number, or put it in quotes"));
            }
            Some(Reading::TooLong) => {
                let message =
                    "a number that is longer than 1000 digits, or 128 bits in hexadecimal";
                return Err(at.problem(message, "put it in quotes if it is text"));
            }
        },
    })
}
