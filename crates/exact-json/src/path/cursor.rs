//! The text of a path and a place in it: white space, strings, whole numbers.

use super::error::PathError;
use crate::text::hex;

/// Whole numbers beyond this are not exact everywhere, and RFC 9535 doesn't have them.
const MAX_INDEX: i64 = (1 << 53) - 1;

#[derive(Debug)]
pub(super) struct Cursor<'p> {
    pub(super) path: &'p str,
    pub(super) at: usize,
}

impl<'p> Cursor<'p> {
    pub(super) fn rest(&self) -> &'p str {
        &self.path[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub(super) fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// What stands at this place, for people.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end of the path".to_owned(),
            Some(c) if c.is_whitespace() => "white space".to_owned(),
            Some(c) if c.is_control() => format!("U+{:04X}", u32::from(c)),
            Some(c) => format!("\"{c}\""),
        }
    }

    pub(super) fn wrong(&self, message: impl Into<String>, remedy: impl Into<String>) -> PathError {
        self.wrong_at(self.at, message, remedy)
    }

    pub(super) fn wrong_at(
        &self,
        offset: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> PathError {
        let rest = &self.path[self.at.max(offset)..];
        let read = self.path.len() - rest.trim_start().len();
        PathError::new(self.path, offset, read, message, remedy)
    }

    /// The path with `range` replaced, as a remedy; only the new piece where the path is long.
    pub(super) fn instead(&self, range: std::ops::Range<usize>, piece: &str) -> String {
        let (before, after) = (&self.path[..range.start], &self.path[range.end..]);
        if before.len() + after.len() > 80 {
            return format!("write {piece}");
        }
        format!("write {before}{piece}{after}")
    }

    /// A string in single or double quotes.
    pub(super) fn string(&mut self) -> Result<String, PathError> {
        let quote = self.peek().unwrap_or('"');
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else {
                return Err(self.wrong("a string is not closed", format!("close it with {quote}")));
            };
            match c {
                c if c == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                '\\' => text.push(self.escape(quote)?),
                c if u32::from(c) < 0x20 => {
                    let escape = match c {
                        '\n' => "\\n".to_owned(),
                        '\r' => "\\r".to_owned(),
                        '\t' => "\\t".to_owned(),
                        other => format!("\\u{:04x}", u32::from(other)),
                    };
                    return Err(self.wrong(
                        "a control character within a string",
                        format!("write {escape}"),
                    ));
                }
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, PathError> {
        let start = self.at;
        let kind = self.rest()[1..].chars().next();
        let plain = match kind {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some(c) if c == quote => c,
            Some('u') => return self.unicode(),
            None => {
                self.at = self.path.len();
                return Err(self.wrong("a string is not closed", format!("close it with {quote}")));
            }
            Some(c) => {
                let message = format!("\\{c} is not an escape of a string");
                return Err(self.wrong_at(
                    start,
                    message,
                    format!("write \\\\{c} for a backslash and {c}"),
                ));
            }
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, PathError> {
        let rest = self.rest();
        let wrong = |cursor: &Self| {
            let remedy =
                "write \\u and four hexadecimal digits, and both halves of a surrogate pair";
            cursor.wrong("\\u is not followed by a character", remedy)
        };
        let high = hex(&rest[2..]).ok_or_else(|| wrong(self))?;
        if let Some(c) = char::from_u32(high) {
            self.at += 6;
            return Ok(c);
        }
        let low = rest
            .get(6..)
            .and_then(|rest| rest.strip_prefix("\\u"))
            .and_then(hex);
        let pair = low
            .filter(|low| (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(low))
            .and_then(|low| char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
        self.at += if pair.is_some() { 12 } else { 0 };
        pair.ok_or_else(|| wrong(self))
    }

    /// A whole number of an index or a slice.
    pub(super) fn integer(&mut self) -> Result<i64, PathError> {
        let start = self.at;
        let negative = self.take("-");
        let rest = self.rest();
        let digits =
            &rest[..rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len()];
        let end = self.at + digits.len();
        if digits.is_empty() {
            return Err(self.wrong_at(
                start,
                "\"-\" is not followed by a number",
                "write a whole number such as -1",
            ));
        }
        let sign = if negative { "-" } else { "" };
        let bare = digits.trim_start_matches('0');
        if digits.len() > 1 && digits.starts_with('0') || negative && digits == "0" {
            let right = match bare {
                "" => "0".to_owned(),
                bare => format!("{sign}{bare}"),
            };
            let remedy = self.instead(start..end, &right);
            return Err(self.wrong_at(
                start,
                format!("{sign}{digits} is not a number that a path has"),
                remedy,
            ));
        }
        if self.path[end..].starts_with(['.', 'e', 'E']) {
            let number = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            let rest = &self.path[end..];
            let end = self.path.len() - rest.trim_start_matches(number).len();
            return Err(self.wrong_at(
                start,
                "an index is a whole number",
                self.instead(start..end, digits),
            ));
        }
        let number = digits
            .parse::<i64>()
            .ok()
            .filter(|number| *number <= MAX_INDEX);
        self.at = end;
        number
            .map(|number| if negative { -number } else { number })
            .ok_or_else(|| {
                let remedy = format!("stay within {MAX_INDEX}");
                self.wrong_at(start, "an index beyond what arrays have", remedy)
            })
    }
}

/// How long the name is that may stand after a dot.
pub(super) fn name_length(text: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !part(c)).unwrap_or(text.len())
}
