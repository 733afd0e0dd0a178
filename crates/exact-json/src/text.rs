//! Strings of a document, which stay in its text and are unescaped only where they are read.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    raw: &'t str,
    escaped: bool,
}

/// The string holds one half of a surrogate pair (`\ud83d` alone). JSON allows that; it is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a string with half of a surrogate pair, which is no text")]
pub struct LoneSurrogate;

impl<'t> Text<'t> {
    /// A text without escapes.
    pub fn plain(text: &'t str) -> Self {
        Self {
            raw: text,
            escaped: false,
        }
    }

    pub(crate) fn of_json(raw: &'t str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// What the string says.
    pub fn decode(self) -> Result<Cow<'t, str>, LoneSurrogate> {
        if !self.escaped {
            return Ok(Cow::Borrowed(self.raw));
        }
        self.code_points()
            .map(|code| char::from_u32(code).ok_or(LoneSurrogate))
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
    }

    /// What the string says, with U+FFFD for half pairs: for people, never for a decision.
    pub fn shown(self) -> Cow<'t, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        self.code_points()
            .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }

    /// How many characters (Unicode scalar values) it has.
    pub fn chars(self) -> Result<usize, LoneSurrogate> {
        if !self.escaped {
            return Ok(self.raw.chars().count());
        }
        self.code_points().try_fold(0, |count, code| {
            char::from_u32(code).map(|_| count + 1).ok_or(LoneSurrogate)
        })
    }

    /// Compares by code points. Half pairs are equal to themselves and to nothing else.
    pub fn compare(self, other: Text<'_>) -> Ordering {
        if !self.escaped && !other.escaped {
            // The order of UTF-8 is that of code points.
            return self.raw.cmp(other.raw);
        }
        self.code_points().cmp(other.code_points())
    }

    /// Whether both say the same.
    pub fn same(self, other: Text<'_>) -> bool {
        if !self.escaped && !other.escaped {
            return self.raw == other.raw;
        }
        self.code_points().eq(other.code_points())
    }

    /// The size of the text as it is written.
    pub fn size(self) -> usize {
        self.raw.len()
    }

    fn code_points(self) -> CodePoints<'t> {
        CodePoints {
            rest: self.raw,
            escaped: self.escaped,
        }
    }
}

/// Unescapes on the way. The parser has checked every escape.
struct CodePoints<'t> {
    rest: &'t str,
    escaped: bool,
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut characters = self.rest.chars();
        let first = characters.next()?;
        self.rest = characters.as_str();
        if first != '\\' || !self.escaped {
            return Some(u32::from(first));
        }
        let kind = characters.next()?;
        self.rest = characters.as_str();
        Some(match kind {
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'u' => self.unit(),
            other => u32::from(other),
        })
    }
}

impl CodePoints<'_> {
    /// Four digits, and the second half if they are the first of a pair.
    fn unit(&mut self) -> u32 {
        let Some(high) = hex(self.rest) else {
            return 0xfffd;
        };
        self.rest = &self.rest[4..];
        if (0xd800..0xdc00).contains(&high)
            && let Some(low) = self.rest.strip_prefix("\\u").and_then(hex)
            && (0xdc00..0xe000).contains(&low)
        {
            self.rest = &self.rest[6..];
            return 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        }
        high
    }
}

/// The number that four hexadecimal digits write.
pub(crate) fn hex(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// At most `bytes` bytes of `text`, cut between two characters.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(raw: &str) -> Text<'_> {
        Text::of_json(raw, true)
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(
            escaped(r#"a\n\"\\\/\u00e9\ud83d\ude00"#).decode().unwrap(),
            "a\n\"\\/é😀"
        );
        assert_eq!(escaped(r"\ud83d\ude00é").chars().unwrap(), 2);
        assert!(escaped(r"\u0061").same(Text::plain("a")));
        assert_eq!(
            escaped(r"\uffff").compare(Text::plain("😀")),
            Ordering::Less
        );
    }

    #[test]
    fn half_a_pair_is_no_text_and_equals_only_itself() {
        for half in [
            r"\ud83d",
            r"\ude00",
            r"\ud83d\ud83d",
            r"\ude00\ud83d",
            r"\ud83dx\ude00",
        ] {
            assert_eq!(escaped(half).decode(), Err(LoneSurrogate), "{half}");
            assert_eq!(escaped(half).chars(), Err(LoneSurrogate), "{half}");
            assert!(escaped(half).same(escaped(half)), "{half}");
            assert!(!escaped(half).same(Text::plain("\u{fffd}")), "{half}");
        }
        assert_eq!(escaped(r"a\ud83d").shown(), "a\u{fffd}");
    }
}
