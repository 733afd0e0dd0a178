//! Takes secrets out of everything that people will read. Applied once, when the report is built.
//!
//! Two nets: the values of the suite's secrets, in every form in which they travel (as they are,
//! percent-encoded, JSON-escaped, base64), and what looks like a secret by its name or shape.
//! Must never be applied to a text that was cut before: a secret cut in two is not found.

mod forms;
mod patterns;
mod views;

use std::ops::Range;

use text::clean;

pub(crate) use self::patterns::{is_secret_header, is_secret_path};
use crate::words::{self, RAW_KEEP};

/// The text without what looks like a secret by its name or its shape. For texts of others that are
/// shown outside of a report: there are no known secrets to look for.
#[must_use]
pub fn mask(text: &str) -> String {
    patterns::mask_short(text)
}

/// What stands where a secret was.
pub(crate) const MASK: &str = "***";

/// Shorter secrets are masked only where they stand as whole words: masking every `1` would
/// destroy the report and would give the secret away.
const SHORT: usize = 4;

/// Bytes that one byte of a secret may be escaped to: `\u0022`.
const LONGEST_ESCAPE: usize = 6;

/// Knows what must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Every form of every secret.
    needles: Vec<Needle>,
    longest: usize,
}

#[derive(Clone)]
struct Needle {
    text: String,
    whole_word: bool,
}

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<Needle> = secrets
            .into_iter()
            .filter(|secret| !secret.trim().is_empty())
            .flat_map(|secret| {
                let whole_word = secret.chars().count() < SHORT;
                forms::of(secret)
                    .into_iter()
                    .map(move |text| Needle { text, whole_word })
            })
            .collect();
        needles.sort_by(|a, b| a.text.cmp(&b.text));
        needles.dedup_by(|a, b| a.text == b.text && a.whole_word == b.whole_word);
        let longest = needles
            .iter()
            .map(|needle| needle.text.len())
            .max()
            .unwrap_or_default();
        Self { needles, longest }
    }

    /// The text without secrets.
    pub(crate) fn text(&self, raw: &str) -> String {
        patterns::mask(&self.mask_values(raw))
    }

    /// The text without secrets, at most `chars` characters of it, nothing invisible in it.
    pub(crate) fn excerpt(&self, raw: &str, chars: usize) -> String {
        let (clean, _) = clean::block(&self.text(raw), usize::MAX);
        words::shorten(&clean, chars)
    }

    fn mask_values(&self, raw: &str) -> String {
        if self.needles.is_empty() {
            return raw.to_owned();
        }
        let views = views::of(raw);
        let found = |needle: &Needle| -> Vec<Range<usize>> {
            let places = views
                .iter()
                .flat_map(|view| view.find(needle.text.as_bytes()));
            places
                .filter(|place| !needle.whole_word || is_word(raw, place))
                .collect()
        };
        let mut ranges: Vec<Range<usize>> = self.needles.iter().flat_map(found).collect();
        // A text of this length may have been cut, and a secret with it.
        if raw.len() > RAW_KEEP - 4 {
            let tail = raw.len().saturating_sub(self.longest * LONGEST_ESCAPE);
            ranges.push(tail..raw.len());
        }
        for range in &mut ranges {
            *range = raw.floor_char_boundary(range.start)..raw.ceil_char_boundary(range.end);
        }
        ranges.sort_by_key(|range| range.start);
        let mut masked = String::with_capacity(raw.len());
        let mut end = 0;
        for range in ranges {
            // Ranges that overlap or touch become one mask.
            if range.start > end || masked.is_empty() {
                masked.push_str(&raw[end.min(range.start)..range.start]);
                masked.push_str(MASK);
            }
            end = end.max(range.end);
        }
        masked.push_str(&raw[end..]);
        masked
    }
}

fn is_word(raw: &str, range: &Range<usize>) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    !raw[..range.start].ends_with(part_of_word) && !raw[range.end..].starts_with(part_of_word)
}

#[cfg(test)]
mod tests;
