//! JSONPath by RFC 9535.
//!
//! Parsed in one pass without going back, so that time grows with the length of the text only, and
//! with a limit of nesting, so that no text can use up the stack. A fault says where it is and what
//! to write: the dialects that people know differ, and the usual slips are known.

mod cursor;
mod error;
mod evaluate;
mod evaluate_filter;
mod mistakes;
mod parse_filter;
mod parser;
mod pattern;
mod syntax;
#[cfg(test)]
mod tests;

pub use self::error::PathError;
use self::evaluate::Evaluation;
use self::syntax::{Query, Segment, Selector};
use crate::budget::{Budget, Undecided};
use crate::document::{Document, Node};

/// The longest path, in bytes.
pub const MAX_PATH: usize = 8 * 1024;
/// How deep filters, parentheses and functions may be nested.
pub const MAX_NESTING: usize = 32;
/// How many segments a path may have, those of its filters included.
pub const MAX_SEGMENTS: usize = 256;
/// How many regular expressions a path may have.
const MAX_PATTERNS: usize = 16;

/// A parsed path.
#[derive(Clone, Debug)]
pub struct Path {
    query: Query,
    patterns: usize,
}

impl Path {
    /// Parses a path.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let (query, patterns) = parser::path(path)?;
        Ok(Self { query, patterns })
    }

    /// How many regular expressions the path has, which were compiled when it was parsed.
    pub fn patterns(&self) -> usize {
        self.patterns
    }

    /// Whether following it takes time that only grows with the length of the document: no filter asks something of
    /// all values for each, `..` goes down once, and no segment selects a value twice.
    pub fn is_linear(&self) -> bool {
        let segments = &self.query.segments;
        let descents = segments.iter().filter(|segment| segment.descend).count();
        let plain = |segment: &Segment| matches!(segment.selectors[..], [ref one] if !matches!(one, Selector::Filter(_)));
        descents <= 1 && segments.iter().all(plain)
    }

    /// The values that the path selects, in order.
    pub fn select<'d>(
        &self,
        document: &'d Document<'_>,
        budget: &mut Budget,
    ) -> Result<Selection<'d>, Undecided> {
        let root = document.root();
        let indexes = Evaluation::new(root, budget).all(&self.query)?;
        Ok(Selection { root, indexes })
    }
}

/// Values of a document that a path selected: four bytes each.
#[derive(Clone, Debug)]
pub struct Selection<'d> {
    root: Node<'d>,
    indexes: Vec<u32>,
}

impl<'d> Selection<'d> {
    /// How many there are. One that is selected twice counts twice.
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    /// Whether nothing was selected.
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    /// The values in order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'d>> {
        let root = self.root;
        self.indexes.iter().map(move |index| root.at(*index))
    }
}
