//! The parser of segments and selectors.

use super::cursor::{Cursor, name_length};
use super::error::PathError;
use super::syntax::{Query, Segment, Selector};
use super::{MAX_NESTING, MAX_PATH, MAX_SEGMENTS, mistakes};

/// The query, and how many regular expressions it has.
pub(super) fn path(text: &str) -> Result<(Query, usize), PathError> {
    if text.len() > MAX_PATH {
        let message = format!("the path is longer than {MAX_PATH} bytes");
        return Err(PathError::new(
            text,
            0,
            text.len(),
            message,
            "write a shorter one",
        ));
    }
    let mut parser = Parser::new(text);
    if !parser.cursor.take("$") {
        return Err(mistakes::beginning(&parser.cursor));
    }
    let segments = parser.segments()?;
    if parser.cursor.at < text.len() {
        return Err(mistakes::after_segment(&parser.cursor));
    }
    Ok((Query { segments }, parser.patterns))
}

pub(super) struct Parser<'p> {
    pub(super) cursor: Cursor<'p>,
    pub(super) patterns: usize,
    nesting: usize,
    segments: usize,
}

impl<'p> Parser<'p> {
    fn new(path: &'p str) -> Self {
        let cursor = Cursor { path, at: 0 };
        Self {
            cursor,
            patterns: 0,
            nesting: 0,
            segments: 0,
        }
    }

    /// Goes one level deeper for `inner`.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, PathError>,
    ) -> Result<T, PathError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            let message = format!(
                "filters, parentheses and functions are nested deeper than {MAX_NESTING} levels"
            );
            return Err(self.cursor.wrong(message, "write the path flatter"));
        }
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// The segments after `$` or `@`, up to what can't be one.
    pub(super) fn segments(&mut self) -> Result<Vec<Segment>, PathError> {
        let mut segments = Vec::new();
        loop {
            let before = self.cursor.at;
            self.cursor.space();
            let segment = match self.cursor.peek() {
                Some('[') => Segment {
                    descend: false,
                    selectors: self.brackets()?,
                },
                Some('.') => self.dotted()?,
                _ => {
                    self.cursor.at = before;
                    return Ok(segments);
                }
            };
            self.segments += 1;
            if self.segments > MAX_SEGMENTS {
                let message = format!("the path has more than {MAX_SEGMENTS} segments");
                return Err(self.cursor.wrong(message, "write a shorter one"));
            }
            segments.push(segment);
        }
    }

    fn dotted(&mut self) -> Result<Segment, PathError> {
        let dot = self.cursor.at;
        let descend = self.cursor.take("..");
        if descend && self.cursor.peek() == Some('[') {
            return Ok(Segment {
                descend,
                selectors: self.brackets()?,
            });
        }
        self.cursor.at += usize::from(!descend);
        if self.cursor.take("*") {
            return Ok(Segment {
                descend,
                selectors: vec![Selector::Wildcard],
            });
        }
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        let name = &rest[..name_length(rest)];
        self.cursor.at += name.len();
        if name.is_empty() || mistakes::goes_on(&self.cursor) {
            self.cursor.at = start;
            return Err(mistakes::name(&self.cursor, dot, name.len()));
        }
        Ok(Segment {
            descend,
            selectors: vec![Selector::Name(name.to_owned())],
        })
    }

    fn brackets(&mut self) -> Result<Vec<Selector>, PathError> {
        let open = self.cursor.at;
        self.cursor.at += 1;
        let mut selectors = Vec::new();
        loop {
            self.cursor.space();
            let selector = self.selector(open)?;
            self.cursor.space();
            let more = self.cursor.take(",");
            if !more && !self.cursor.take("]") {
                return Err(mistakes::after_selector(&self.cursor, &selector));
            }
            selectors.push(selector);
            if !more {
                return Ok(selectors);
            }
        }
    }

    fn selector(&mut self, open: usize) -> Result<Selector, PathError> {
        match self.cursor.peek() {
            Some('\'' | '"') => self.cursor.string().map(Selector::Name),
            Some('*') => {
                self.cursor.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('?') => self.nested(|parser| {
                parser.cursor.at += 1;
                parser.cursor.space();
                parser.condition().map(Selector::Filter)
            }),
            Some('-' | ':' | '0'..='9') => self.index_or_slice(),
            _ => Err(mistakes::selector(&self.cursor, open)),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let start = self.slice_part()?;
        let after = self.cursor.at;
        self.cursor.space();
        if !self.cursor.take(":") {
            self.cursor.at = after;
            // What isn't a colon follows a number, or the selector would not have been taken for one.
            return Ok(Selector::Index(start.unwrap_or_default()));
        }
        self.cursor.space();
        let end = self.slice_part()?;
        self.cursor.space();
        let mut step = 1;
        if self.cursor.take(":") {
            self.cursor.space();
            step = self.slice_part()?.unwrap_or(1);
        }
        Ok(Selector::Slice { start, end, step })
    }

    fn slice_part(&mut self) -> Result<Option<i64>, PathError> {
        match self.cursor.peek() {
            Some('-' | '0'..='9') => self.cursor.integer().map(Some),
            _ => Ok(None),
        }
    }
}
