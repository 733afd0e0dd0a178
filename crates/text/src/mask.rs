//! No approval token leaves: whoever has one can approve. It is known by its form, as it may be another
//! approval's, and by its value where that is known; in any case of letters, under any encoding that a
//! reader or their program undoes, and whatever stands invisibly between its characters.

use std::borrow::Cow;
use std::ops::Range;

use crate::view::{self, View};

/// What stands where a token was.
pub const MASK: &str = "***";

/// A shorter value is masked only as it is written: it would be found in words.
const MIN_TOKEN_BYTES: usize = 8;
/// A longer word is no token.
const MAX_TOKEN_BYTES: usize = 256;
/// How many words of one text are asked about.
const MAX_WORDS: usize = 4_000;
/// The digits between the hyphens of a token's form, that of a UUID.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
/// Digits at the end of a cut text that are enough to be masked.
const MIN_DIGITS_OF_CUT_TOKEN: usize = 12;
/// Characters at the end of a text that was cut, in which the beginning of a token may stand.
const CUT_TAIL_CHARS: usize = 640;
/// What the review link has before the token.
const REVIEW_PATH: &[u8] = b"/approve/";

/// Whether a word is a token.
type IsToken<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Knows what must not be shown, and what has a token's form and is none.
#[derive(Clone, Default)]
pub struct Masker<'a> {
    values: Vec<Vec<u8>>,
    short: Vec<String>,
    kept: Vec<String>,
    links_only: bool,
    is_token: Option<IsToken<'a>>,
}

impl std::fmt::Debug for Masker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker")
    }
}

impl<'a> Masker<'a> {
    /// Masks what has the form of a token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks only what the link to an approval carries, whatever else has a token's form.
    #[must_use]
    pub fn review_links() -> Self {
        Self {
            links_only: true,
            ..Self::default()
        }
    }

    /// And this token, whatever its form.
    #[must_use]
    pub fn value(mut self, token: &str) -> Self {
        let token = token.trim();
        if token.len() >= MIN_TOKEN_BYTES {
            let lower = token.to_ascii_lowercase();
            let bare: Vec<u8> = lower.bytes().filter(|c| *c != b'-').collect();
            if bare.len() >= MIN_TOKEN_BYTES {
                self.values.push(bare);
            }
        } else if !token.is_empty() {
            self.short.push(token.to_owned());
        }
        self
    }

    /// But not this: it has a token's form and is known to be something else, such as an execution's id.
    #[must_use]
    pub fn keep(mut self, known: &str) -> Self {
        if !known.is_empty() {
            self.kept.push(known.to_owned());
        }
        self
    }

    /// And each word of which `is_token` says that it is one.
    #[must_use]
    pub fn asking(self, is_token: IsToken<'a>) -> Self {
        Self {
            is_token: Some(is_token),
            ..self
        }
    }

    /// The text without tokens.
    #[must_use]
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, self.found(text))
    }

    /// The same of a text that was cut, whose end may be half a token.
    #[must_use]
    pub fn mask_cut(&self, text: &str) -> String {
        let mut found = self.found(text);
        let tail = text
            .char_indices()
            .rev()
            .nth(CUT_TAIL_CHARS)
            .map_or(0, |(at, _)| at);
        found.push(tail..text.len());
        replaced(text, found).into_owned()
    }

    /// Whether there is a token in it.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        !self.found(text).is_empty()
    }

    fn found(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        // Most texts of a message are words and names.
        if text.len() < MIN_TOKEN_BYTES {
            let is_short = |word: &String| text.contains(word.as_str());
            if !self.short.iter().any(is_short) {
                return found;
            }
        }
        for word in &self.short {
            let places = text.match_indices(word.as_str());
            found.extend(places.map(|(at, word)| at..at + word.len()));
        }
        for view in view::of(text) {
            let dense = Dense::of(&view);
            let ranges = dense.found(self);
            found.extend(ranges.into_iter().map(|range| view.range(&range)));
        }
        for kept in &self.kept {
            let places: Vec<Range<usize>> = text
                .match_indices(kept.as_str())
                .map(|(at, kept)| at..at + kept.len())
                .collect();
            found.retain(|range| {
                let inside =
                    |place: &Range<usize>| place.start <= range.start && range.end <= place.end;
                !places.iter().any(inside)
            });
        }
        found
    }
}

fn replaced(text: &str, mut ranges: Vec<Range<usize>>) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_by_key(|range| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    let mut first = true;
    for range in ranges {
        // Ranges that overlap or touch become one mask.
        if first || range.start > end {
            masked.push_str(&text[end..range.start]);
            masked.push_str(MASK);
        }
        first = false;
        end = end.max(range.end);
    }
    masked.push_str(&text[end..]);
    Cow::Owned(masked)
}

/// A view in lower case without the signs that format a text, each with its place in the view.
struct Dense {
    /// With a space or a line end where there is a blank.
    bytes: Vec<u8>,
    /// The same as written.
    written: Vec<u8>,
    places: Vec<usize>,
}

impl Dense {
    fn of(view: &View) -> Self {
        let mut dense = Self {
            bytes: Vec::with_capacity(view.units.len()),
            written: Vec::with_capacity(view.units.len()),
            places: Vec::with_capacity(view.units.len()),
        };
        for (place, unit) in view.units.iter().enumerate() {
            // A surface may take these for its markup and show nothing.
            if !b"*_~`".contains(&unit.c) {
                dense.bytes.push(unit.c.to_ascii_lowercase());
                dense.written.push(unit.c);
                dense.places.push(place);
            }
        }
        dense
    }

    /// Places of tokens, in units of the view.
    fn found(&self, masker: &Masker<'_>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() && !masker.links_only {
            match self.form(at) {
                Some(end) => {
                    found.push(at..end);
                    at = end;
                }
                None => at += 1,
            }
        }
        self.review_links(&mut found);
        self.values(&masker.values, &mut found);
        if let Some(is_token) = masker.is_token {
            self.words(is_token, &mut found);
        }
        let in_view =
            |range: Range<usize>| self.places[range.start]..self.places[range.end - 1] + 1;
        found.into_iter().map(in_view).collect()
    }

    /// The end of a token's form that begins at `at`; blanks within it are nothing.
    fn form(&self, at: usize) -> Option<usize> {
        if !self.bytes[at].is_ascii_hexdigit() {
            return None;
        }
        let mut rest = at;
        let mut digits = 0;
        let mut next = |wanted: &dyn Fn(u8) -> bool| -> Result<(), bool> {
            while rest > at && matches!(self.bytes.get(rest), Some(b' ' | b'\n')) {
                rest += 1;
            }
            match self.bytes.get(rest) {
                Some(c) if wanted(*c) => {
                    rest += 1;
                    Ok(())
                }
                Some(_) => Err(false),
                None => Err(true),
            }
        };
        for (index, group) in GROUPS.into_iter().enumerate() {
            let hyphen = if index > 0 {
                next(&|c| c == b'-')
            } else {
                Ok(())
            };
            let group = hyphen.and_then(|()| {
                (0..group)
                    .try_for_each(|_| next(&|c| c.is_ascii_hexdigit()).inspect(|()| digits += 1))
            });
            match group {
                Ok(()) => {}
                // The text is over in the middle of a token.
                Err(true) if digits >= MIN_DIGITS_OF_CUT_TOKEN => break,
                Err(_) => return None,
            }
        }
        Some(rest)
    }

    /// What follows `/approve/`, to the end of that part of the link.
    fn review_links(&self, found: &mut Vec<Range<usize>>) {
        let mut from = 0;
        while let Some(at) = find(&self.bytes[from..], REVIEW_PATH) {
            let begin = from + at + REVIEW_PATH.len();
            // The last slash may begin the next one: an action may have that name.
            from = begin - 1;
            if self.bytes[from..].starts_with(REVIEW_PATH) {
                continue;
            }
            let of_token = |c: &u8| c.is_ascii_alphanumeric() || b"-.%".contains(c);
            let length = self.bytes[begin..]
                .iter()
                .take_while(|c| of_token(c))
                .count();
            if length > 0 {
                found.push(begin..begin + length);
            }
        }
    }

    /// Known tokens, with or without their hyphens.
    fn values(&self, values: &[Vec<u8>], found: &mut Vec<Range<usize>>) {
        if values.is_empty() {
            return;
        }
        let solid = self.bytes.iter().enumerate();
        let solid = solid.filter(|(_, c)| !matches!(c, b' ' | b'\n' | b'-'));
        let (places, bytes): (Vec<usize>, Vec<u8>) = solid.map(|(at, c)| (at, *c)).unzip();
        for value in values {
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], value) {
                let begin = from + at;
                from = begin + value.len();
                found.push(places[begin]..places[from - 1] + 1);
            }
        }
    }

    fn words(&self, is_token: IsToken<'_>, found: &mut Vec<Range<usize>>) {
        let of_token = |c: &u8| c.is_ascii_alphanumeric() || *c == b'-';
        let mut at = 0;
        let mut asked = 0;
        while at < self.bytes.len() && asked < MAX_WORDS {
            let length = self.bytes[at..].iter().take_while(|c| of_token(c)).count();
            if (MIN_TOKEN_BYTES..=MAX_TOKEN_BYTES).contains(&length) {
                asked += 1;
                let word =
                    |bytes: &[u8]| is_token(&String::from_utf8_lossy(&bytes[at..at + length]));
                if word(&self.written) || word(&self.bytes) {
                    found.push(at..at + length);
                }
            }
            at += length + 1;
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
