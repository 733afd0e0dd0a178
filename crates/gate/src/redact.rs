//! Takes secrets out of everything that people will read. Applied once, when the report is built.
//!
//! Two nets: the values of the suite's secrets, in every form in which they travel (as they are,
//! percent-encoded, JSON-escaped, base64), and what looks like a secret by its name or shape.
//! Must never be applied to a text that was cut before: a secret cut in two is not found.

mod forms;
mod patterns;
mod views;

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use text::clean;

pub(crate) use self::patterns::{is_secret_header, is_secret_path, warm_up};
use crate::words::{self, MAX_RAW_BYTES};

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
const MIN_INNER_BYTES: usize = 4;

/// Bytes that one byte of a secret may be escaped to: `\u0022`.
const MAX_ESCAPED_BYTES: usize = 6;

/// Needles up to this length, in bytes, are looked for all at once. For longer ones, of which there are few, that
/// would take too much memory and time.
const MAX_SHORT_NEEDLE_BYTES: usize = 512;

/// Knows what must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Every form of every secret; first those that `short` finds, in its order.
    needles: Vec<Needle>,
    /// Finds all needles up to [`MAX_SHORT_NEEDLE_BYTES`] in one pass; a bundle of certificates has thousands of lines.
    short: Option<AhoCorasick>,
    longest: usize,
}

#[derive(Clone)]
struct Needle {
    text: String,
    whole_word: bool,
}

impl Needle {
    fn is_short(&self) -> bool {
        self.text.len() <= MAX_SHORT_NEEDLE_BYTES
    }
}

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<Needle> = secrets
            .into_iter()
            .filter(|secret| !secret.trim().is_empty())
            .flat_map(|secret| {
                let whole_word = secret.chars().count() < MIN_INNER_BYTES;
                forms::of(secret)
                    .into_iter()
                    .filter(|text| !text.is_empty())
                    .map(move |text| Needle { text, whole_word })
            })
            .collect();
        needles.sort_by(|a, b| {
            let order = |needle: &Needle| (!needle.is_short(), needle.whole_word);
            order(a).cmp(&order(b)).then_with(|| a.text.cmp(&b.text))
        });
        needles.dedup_by(|a, b| a.text == b.text && a.whole_word == b.whole_word);
        let longest = needles
            .iter()
            .map(|needle| needle.text.len())
            .max()
            .unwrap_or_default();
        let short = needles.iter().take_while(|needle| needle.is_short());
        let short = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(short.map(|needle| &needle.text))
            .expect("secrets are far below the two billion bytes that it takes");
        Self {
            needles,
            short: Some(short),
            longest,
        }
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
        let Some(short) = self.short.as_ref().filter(|_| !self.needles.is_empty()) else {
            return raw.to_owned();
        };
        let long = &self.needles[short.patterns_len()..];
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for view in views::of(raw) {
            let places = view.find_all(short);
            ranges.extend(
                places
                    .filter(|(index, place)| {
                        !self.needles[*index].whole_word || is_word(raw, place)
                    })
                    .map(|(_, place)| place),
            );
            for needle in long {
                let places = view.find(needle.text.as_bytes());
                ranges.extend(places.filter(|place| !needle.whole_word || is_word(raw, place)));
            }
        }
        // A text of this length may have been cut, and a secret with it.
        if raw.len() > MAX_RAW_BYTES - 4 {
            let tail = raw.len().saturating_sub(self.longest * MAX_ESCAPED_BYTES);
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
