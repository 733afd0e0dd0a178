//! A parsed text: one flat list of values over it, 16 bytes each.
//!
//! A value knows where it stands in the text and where the next one after its children is, so that
//! the values inside of one are a range of the list and nothing is ever copied out. What takes two
//! bytes at least (`0,`) takes 16 here: eight times the text is the worst there is.

use std::borrow::Cow;

use crate::budget::Undecided;
use crate::error::{JsonError, Place};
use crate::parse;
use crate::slot::Slot;
use crate::text::Text;

/// A JSON text and its values.
#[derive(Debug)]
pub struct Document<'t> {
    text: Cow<'t, str>,
    slots: Vec<Slot>,
}

/// One value of a document.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d> {
    slots: &'d [Slot],
    text: &'d str,
    pub(crate) index: u32,
}

/// A value by its kind.
#[derive(Clone, Debug)]
pub enum View<'d> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The text of a number.
    Number(&'d str),
    /// A string.
    String(Text<'d>),
    /// An array.
    Array(Elements<'d>),
    /// An object.
    Object(Members<'d>),
}

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'d> {
    within: Node<'d>,
    at: u32,
}

/// The members of an object, in the order of the text.
#[derive(Clone, Debug)]
pub struct Members<'d> {
    within: Node<'d>,
    at: u32,
}

impl<'t> Document<'t> {
    /// Parses a text. A byte order mark at its beginning is passed over.
    pub fn parse(text: impl Into<Cow<'t, str>>) -> Result<Self, JsonError> {
        let text = text.into();
        let slots = parse::slots(&text)?;
        Ok(Self { text, slots })
    }

    /// The whole value.
    pub fn root(&self) -> Node<'_> {
        self.node(0)
    }

    /// What the list of values takes, in bytes.
    pub fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    pub(crate) fn node(&self, index: u32) -> Node<'_> {
        Node {
            slots: &self.slots,
            text: &self.text,
            index,
        }
    }
}

impl<'d> Node<'d> {
    fn slot(self) -> Slot {
        self.slots[self.index as usize]
    }

    pub(crate) fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// The first slot that is no longer in this value.
    pub(crate) fn next(self) -> u32 {
        self.slot().next
    }

    pub(crate) fn is_key(self) -> bool {
        self.first() == b'"' && self.slot().extra & Slot::KEY != 0
    }

    fn first(self) -> u8 {
        self.text.as_bytes()[self.slot().start as usize]
    }

    /// The value as it stands in the text, white space inside included.
    pub fn source(self) -> &'d str {
        let slot = self.slot();
        &self.text[slot.start as usize..slot.end as usize]
    }

    /// The value by its kind.
    pub fn view(self) -> View<'d> {
        match self.first() {
            b'{' => View::Object(Members {
                within: self,
                at: self.index + 1,
            }),
            b'[' => View::Array(Elements {
                within: self,
                at: self.index + 1,
            }),
            b'"' => View::String(self.string()),
            b't' => View::Bool(true),
            b'f' => View::Bool(false),
            b'n' => View::Null,
            _ => View::Number(self.source()),
        }
    }

    /// Of a string or a key.
    pub(crate) fn string(self) -> Text<'d> {
        let quoted = self.source();
        let escaped = self.slot().extra & Slot::ESCAPED != 0;
        Text::of_json(&quoted[1..quoted.len() - 1], escaped)
    }

    /// Elements or members.
    fn count(self) -> usize {
        (self.slot().extra & !Slot::DUPLICATE) as usize
    }

    /// Compact JSON with numbers as they came, at least `bytes` of it and little more.
    pub fn compact(self, bytes: usize) -> String {
        let mut out = String::new();
        let mut open: Vec<(Node<'d>, u32)> = Vec::new();
        let mut at = self;
        loop {
            match at.first() {
                sign @ (b'{' | b'[') if at.count() > 0 => {
                    out.push(char::from(sign));
                    open.push((at, at.index + 1));
                }
                b'{' => out.push_str("{}"),
                b'[' => out.push_str("[]"),
                _ => out.push_str(crate::text::head(at.source(), bytes)),
            }
            loop {
                let Some((within, next)) = open.last_mut() else {
                    return out;
                };
                if out.len() >= bytes {
                    return out;
                }
                let object = within.first() == b'{';
                if *next >= within.next() {
                    out.push(if object { '}' } else { ']' });
                    open.pop();
                    continue;
                }
                if *next > within.index + 1 {
                    out.push(',');
                }
                at = within.at(*next);
                if object {
                    out.push_str(crate::text::head(at.source(), bytes));
                    out.push(':');
                    at = at.at(at.next());
                }
                *next = at.next();
                break;
            }
        }
    }
}

impl Elements<'_> {
    /// How many elements are in the array.
    pub fn total(&self) -> usize {
        self.within.count()
    }
}

impl<'d> Iterator for Elements<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        if self.at >= self.within.next() {
            return None;
        }
        let element = self.within.at(self.at);
        self.at = element.next();
        Some(element)
    }
}

impl<'d> Members<'d> {
    /// How many members are in the object.
    pub fn total(&self) -> usize {
        self.within.count()
    }

    /// Refuses an object that has a key twice: which of both counts is anybody's guess, and readers
    /// differ.
    pub fn unique(self) -> Result<Self, Undecided> {
        if self.within.slot().extra & Slot::DUPLICATE == 0 {
            return Ok(self);
        }
        let mut keys: Vec<Node<'d>> = self.clone().map(|(key, _)| key).collect();
        keys.sort_by(|a, b| a.string().compare(b.string()));
        let twice = keys
            .windows(2)
            .find(|pair| pair[0].string().same(pair[1].string()));
        Err(self.twice(twice.map_or(self.within, |pair| pair[1])))
    }

    /// The member of this name. Refused if there are two of it.
    pub fn get(&self, name: Text<'_>) -> Result<Option<Node<'d>>, Undecided> {
        let doubtful = self.within.slot().extra & Slot::DUPLICATE != 0;
        let mut found = None;
        for (key, value) in self.clone() {
            if key.string().same(name) {
                if found.is_some() {
                    return Err(self.twice(key));
                }
                found = Some(value);
                if !doubtful {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn twice(&self, key: Node<'d>) -> Undecided {
        Undecided::DuplicateKey {
            key: crate::text::head(&key.string().shown(), 100).to_owned(),
            at: Place::of(self.within.text, key.slot().start as usize),
        }
    }
}

impl<'d> Iterator for Members<'d> {
    /// The key, as a node of its own, and the value.
    type Item = (Node<'d>, Node<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.within.next() {
            return None;
        }
        let key = self.within.at(self.at);
        let value = key.at(key.next());
        self.at = value.next();
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_compactly_and_as_they_came() {
        let text = "{ \"a\" : [ 1.10 , 18446744073709551615, {} ,[ ] ],\n \"b\\u0061\": \"x\\ny\", \"c\":null }";
        let document = Document::parse(text).unwrap();
        insta::assert_snapshot!(
            document.root().compact(1_000),
            @r#"{"a":[1.10,18446744073709551615,{},[]],"b\u0061":"x\ny","c":null}"#
        );
        assert_eq!(document.root().compact(8).len(), 10);
    }

    #[test]
    fn a_key_that_comes_twice_is_no_one_value() {
        let text = r#"{ "id": 1, "other": 3, "\u0069d": 2 }"#;
        let document = Document::parse(text).unwrap();
        let View::Object(members) = document.root().view() else {
            panic!("an object")
        };
        insta::assert_snapshot!(
            members.get(Text::plain("id")).unwrap_err(),
            @r#"the key "id" comes twice in one object (the second at line 1, column 24), and readers differ in which one counts"#
        );
        assert!(members.clone().unique().is_err());
        assert_eq!(
            members.get(Text::plain("other")).unwrap().unwrap().source(),
            "3"
        );
    }
}
