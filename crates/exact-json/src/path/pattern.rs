//! Regular expressions of `match()` and `search()`: I-Regexp (RFC 9485), which differs from the
//! `regex` crate in what a dot means. What `regex` has beyond it may be used too.

use regex::{Regex, RegexBuilder};

use crate::text::Text;

/// What a compiled expression may take: it counts as the smallest of these that it fits in. A document may
/// bring its own, so the largest is small.
const PATTERN_SIZES: [usize; 3] = [16 * 1024, 64 * 1024, 256 * 1024];
/// An expression of this size costs one step more for each byte of text.
const BYTES_PER_PATTERN_STEP: usize = 16 * 1024;
/// What one may take when it runs.
const MAX_RUNNING: usize = 128 * 1024;
/// The longest expression that a document may bring, in bytes.
pub(super) const MAX_SOURCE_BYTES: usize = 1024;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    size: usize,
}

/// Why an expression is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Syntax(String),
    Large,
}

impl Pattern {
    /// `whole`: the expression must match all of a text.
    pub(super) fn compile(source: &str, whole: bool) -> Result<Self, Refusal> {
        let translated = translate(source);
        // Tried alone first: a parenthesis too many must not close the group around it.
        let alone = build(&translated)?;
        if whole {
            build(&format!("\\A(?:{translated})\\z"))
        } else {
            Ok(alone)
        }
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The steps of matching a text: at worst each byte is looked at by each part of the expression.
    pub(super) fn steps(&self, text: Text<'_>) -> usize {
        1 + text
            .size()
            .saturating_mul(1 + self.size / BYTES_PER_PATTERN_STEP)
    }
}

fn build(source: &str) -> Result<Pattern, Refusal> {
    for size in PATTERN_SIZES {
        let built = RegexBuilder::new(source)
            .size_limit(size)
            .dfa_size_limit(MAX_RUNNING)
            .build();
        match built {
            Ok(regex) => return Ok(Pattern { regex, size }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(other) => {
                let words = other.to_string();
                let last = words.lines().last().unwrap_or_default();
                let why = last.trim_start_matches("error: ").to_owned();
                return Err(Refusal::Syntax(why));
            }
        }
    }
    Err(Refusal::Large)
}

/// A dot is any character but the two line ends; `&` and `~` mean nothing within brackets.
fn translate(source: &str) -> String {
    let mut translated = String::with_capacity(source.len());
    let mut in_class = false;
    let mut characters = source.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                translated.push(c);
                translated.extend(characters.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '.' if !in_class => {
                translated.push_str("[^\\n\\r]");
                continue;
            }
            '&' | '~' if in_class => translated.push('\\'),
            _ => {}
        }
        translated.push(c);
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(source: &str, text: &str) -> bool {
        Pattern::compile(source, true).unwrap().holds(text)
    }

    #[test]
    fn a_dot_is_anything_but_a_line_end() {
        assert!(matches("a.c", "a\u{2028}c") && !matches("a.c", "a\rc") && !matches("a.c", "a\nc"));
        assert!(matches(r"a\.[.]", "a..") && !matches(r"a\.", "ab"));
        assert!(matches("[a&&b]+", "a&b"));
    }

    #[test]
    fn all_of_a_text_is_matched_whatever_the_expression_holds() {
        assert!(!matches("a|b", "ab") && matches("a|b", "b"));
        assert!(matches!(
            Pattern::compile("a)|(b", true),
            Err(Refusal::Syntax(_))
        ));
        assert_eq!(
            Pattern::compile("(.{1000}){1000}", true).unwrap_err(),
            Refusal::Large
        );
    }
}
