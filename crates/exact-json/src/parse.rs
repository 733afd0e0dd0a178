//! The parser: one loop over the text, with the open arrays and objects on a list of its own, so that
//! no text can use up the stack.

use crate::error::{Fault, JsonError, Place};
use crate::limits::{MAX_BYTES, MAX_DEPTH, MAX_VALUES};
use crate::number;
use crate::slot::Slot;
use crate::text::{self, Text};

/// Up to this many keys are compared each with each, more are sorted.
const MAX_KEYS_COMPARED_EACH: usize = 8;

pub(crate) fn slots(text: &str) -> Result<Vec<Slot>, JsonError> {
    within(text, MAX_VALUES)
}

fn within(text: &str, max_values: usize) -> Result<Vec<Slot>, JsonError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        max_values,
        at: 0,
        slots: Vec::new(),
        open: Vec::new(),
        keys: Vec::new(),
    };
    match parser.run() {
        Ok(()) => Ok(parser.slots),
        Err(Stop { fault, offset }) => Err(JsonError {
            fault,
            at: Place::of(text, offset),
        }),
    }
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    max_values: usize,
    at: usize,
    slots: Vec<Slot>,
    /// The arrays and objects that are not yet closed.
    open: Vec<u32>,
    /// Keys of the object that is being closed.
    keys: Vec<u32>,
}

struct Stop {
    fault: Fault,
    offset: usize,
}

const VALUE: &str = "a value";
const KEY: &str = "a key in double quotes";
const KEY_OR_END: &str = "a key in double quotes or \"}\"";
const VALUE_OR_END: &str = "a value or \"]\"";
const COLON: &str = "\":\"";
const IN_ARRAY: &str = "\",\" or \"]\"";
const IN_OBJECT: &str = "\",\" or \"}\"";
const QUOTE: &str = "the closing quote of a string";

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        if self.text.starts_with('\u{feff}') {
            self.at = 3;
        }
        self.space();
        match self.bytes.get(self.at) {
            None => return Err(self.stop(Fault::Empty)),
            Some(b'<') => return Err(self.stop(Fault::Markup)),
            Some(_) if self.bytes.len() > MAX_BYTES => return Err(self.stop(Fault::Large)),
            Some(_) => {}
        }
        self.slots.reserve_exact(self.count().min(self.max_values));
        loop {
            if !self.value()? && self.after_value()? {
                return Ok(());
            }
        }
    }

    /// How many values and keys a valid text has, so that the list is made in one piece. What is not
    /// valid may be counted wrong, but only after its first fault.
    fn count(&self) -> usize {
        let mut count = 0;
        let mut at = self.at;
        let mut in_word = false;
        while let Some(byte) = self.bytes.get(at) {
            let begins = match byte {
                b'"' => {
                    at = self.past_string(at);
                    count += 1;
                    in_word = false;
                    continue;
                }
                b'[' | b'{' => true,
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b']' | b'}' => false,
                _ => !in_word,
            };
            in_word = !matches!(
                byte,
                b'[' | b'{' | b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b']' | b'}'
            );
            count += usize::from(begins);
            at += 1;
        }
        count
    }

    fn past_string(&self, quote: usize) -> usize {
        let mut at = quote + 1;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'"' => return at + 1,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        at
    }

    /// Takes a value. True if it was opened and its first child is due.
    fn value(&mut self) -> Result<bool, Stop> {
        self.space();
        let start = self.at;
        match self.bytes.get(start) {
            Some(b'{') => {
                self.open(start)?;
                if self.take_if(b'}') {
                    self.close();
                    return Ok(false);
                }
                self.key(KEY_OR_END)?;
                return Ok(true);
            }
            Some(b'[') => {
                self.open(start)?;
                if self.take_if(b']') {
                    self.close();
                    return Ok(false);
                }
                return Ok(true);
            }
            Some(b'"') => {
                let escaped = self.string()?;
                self.leaf(start, escaped)?;
            }
            Some(b'-' | b'0'..=b'9') => {
                let length = number::scan(&self.bytes[start..]);
                let word = self.word(start);
                match length {
                    Some(length) if length == word.len() => self.at += length,
                    _ => return Err(self.stop(Fault::Number(shown(word)))),
                }
                self.leaf(start, 0)?;
            }
            _ => {
                let word = ["true", "false", "null"]
                    .into_iter()
                    .find(|word| self.bytes[start..].starts_with(word.as_bytes()));
                let length = word.map_or(0, str::len);
                let after = self.bytes.get(start + length);
                if length == 0
                    || after.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                {
                    let opened = self
                        .open
                        .last()
                        .is_some_and(|open| *open as usize + 1 == self.slots.len());
                    return Err(self.unexpected(if opened && !self.in_object() {
                        VALUE_OR_END
                    } else {
                        VALUE
                    }));
                }
                self.at += length;
                self.leaf(start, 0)?;
            }
        }
        Ok(false)
    }

    /// Closes what ends after a value. True at the end of the text.
    fn after_value(&mut self) -> Result<bool, Stop> {
        loop {
            self.space();
            let Some(open) = self.open.last() else {
                if self.at == self.bytes.len() {
                    return Ok(true);
                }
                let found = self.found();
                return Err(self.stop(Fault::More { found }));
            };
            let slot = &mut self.slots[*open as usize];
            slot.extra += 1;
            let object = self.bytes[slot.start as usize] == b'{';
            let end = if object { b'}' } else { b']' };
            if self.take_if(b',') {
                if object {
                    self.key(KEY)?;
                }
                return Ok(false);
            }
            if !self.take_if(end) {
                return Err(self.unexpected(if object { IN_OBJECT } else { IN_ARRAY }));
            }
            self.close();
        }
    }

    fn key(&mut self, due: &'static str) -> Result<(), Stop> {
        self.space();
        let start = self.at;
        if self.bytes.get(start) != Some(&b'"') {
            return Err(self.unexpected(due));
        }
        let escaped = self.string()?;
        self.leaf(start, escaped | Slot::KEY)?;
        if !self.take_if(b':') {
            return Err(self.unexpected(COLON));
        }
        Ok(())
    }

    /// Passes over a string; whether it has escapes, as a mark.
    fn string(&mut self) -> Result<u32, Stop> {
        let mut escaped = 0;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(self.stop(Fault::Ends { due: QUOTE })),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = Slot::ESCAPED;
                    self.at += self.escape()?;
                }
                Some(byte) if *byte < 0x20 => {
                    return Err(self.stop(Fault::Control(char::from(*byte))));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&self) -> Result<usize, Stop> {
        match self.bytes.get(self.at + 1) {
            None => Err(Stop {
                fault: Fault::Ends { due: QUOTE },
                offset: self.bytes.len(),
            }),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') if self.text.get(self.at + 2..).and_then(text::hex).is_some() => Ok(6),
            Some(_) => {
                let written: String = self.text[self.at..].chars().take(6).collect();
                let length = if written.starts_with("\\u") { 6 } else { 2 };
                let written = written.chars().take(length).collect();
                Err(self.stop(Fault::Escape(written)))
            }
        }
    }

    fn leaf(&mut self, start: usize, extra: u32) -> Result<(), Stop> {
        let next = offset(self.slots.len() + 1);
        self.push(Slot {
            start: offset(start),
            end: offset(self.at),
            next,
            extra,
        })
    }

    fn open(&mut self, start: usize) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.stop(Fault::Deep));
        }
        self.open.push(offset(self.slots.len()));
        self.at += 1;
        self.push(Slot {
            start: offset(start),
            end: 0,
            next: 0,
            extra: 0,
        })
    }

    fn push(&mut self, slot: Slot) -> Result<(), Stop> {
        if self.slots.len() >= self.max_values {
            return Err(self.stop(Fault::Many));
        }
        self.slots.push(slot);
        Ok(())
    }

    /// The innermost open array or object ends here.
    fn close(&mut self) {
        let Some(index) = self.open.pop() else { return };
        let next = offset(self.slots.len());
        let slot = &mut self.slots[index as usize];
        slot.end = offset(self.at);
        slot.next = next;
        let object = self.bytes[slot.start as usize] == b'{';
        if object && slot.extra > 1 && self.has_key_twice(index) {
            self.slots[index as usize].extra |= Slot::DUPLICATE;
        }
    }

    fn has_key_twice(&mut self, object: u32) -> bool {
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        let mut key = object + 1;
        while key < self.slots[object as usize].next {
            keys.push(key);
            let value = self.slots[key as usize].next;
            key = self.slots[value as usize].next;
        }
        let text = |key: &u32| {
            let slot = self.slots[*key as usize];
            let raw = &self.text[slot.start as usize + 1..slot.end as usize - 1];
            Text::of_json(raw, slot.extra & Slot::ESCAPED != 0)
        };
        let twice = if keys.len() <= MAX_KEYS_COMPARED_EACH {
            keys.iter().enumerate().any(|(place, key)| {
                keys[..place]
                    .iter()
                    .any(|other| text(key).same(text(other)))
            })
        } else {
            keys.sort_unstable_by(|a, b| text(a).compare(text(b)));
            keys.windows(2)
                .any(|pair| text(&pair[0]).same(text(&pair[1])))
        };
        self.keys = keys;
        twice
    }

    fn in_object(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| self.bytes[self.slots[*open as usize].start as usize] == b'{')
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn take_if(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn stop(&self, fault: Fault) -> Stop {
        Stop {
            fault,
            offset: self.at,
        }
    }

    fn unexpected(&self, due: &'static str) -> Stop {
        self.stop(match self.bytes.get(self.at) {
            None => Fault::Ends { due },
            Some(_) => Fault::Unexpected {
                found: self.found(),
                due,
            },
        })
    }

    /// The word or the character at this place, as people see it.
    fn found(&self) -> String {
        match self.text[self.at..].chars().next() {
            Some(c) if c.is_alphanumeric() => shown(self.word(self.at)),
            Some('"') => "a string".to_owned(),
            Some(c) if c.is_control() => format!("U+{:04X}", u32::from(c)),
            Some(c) => format!("\"{c}\""),
            None => "the end".to_owned(),
        }
    }

    /// Up to the next sign of JSON.
    fn word(&self, start: usize) -> &str {
        let rest = &self.text[start..];
        let signs = |c: char| c.is_whitespace() || c.is_control() || ",:[]{}\"".contains(c);
        let end = rest.find(signs).unwrap_or(rest.len());
        &rest[..end]
    }
}

fn shown(word: &str) -> String {
    match word.char_indices().nth(40) {
        None => format!("\"{word}\""),
        Some((end, _)) => format!("\"{}…\"", &word[..end]),
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("MAX_BYTES is below 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        slots(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_json_is_named() {
        insta::assert_snapshot!(fault(" \n"), @"it is empty");
        insta::assert_snapshot!(fault("<!doctype html>"), @"it begins like HTML or XML");
        insta::assert_snapshot!(fault("Internal Server Error"), @r#""Internal" at line 1, column 1, where a value is due"#);
        insta::assert_snapshot!(fault("{\n  \"é\": [1, 2"), @r#"it ends at line 2, column 13, where "," or "]" is due"#);
        insta::assert_snapshot!(fault("{\"a\": \"b"), @"it ends at line 1, column 9, where the closing quote of a string is due");
        insta::assert_snapshot!(fault("{\"a\": }"), @r#""}" at line 1, column 7, where a value is due"#);
        insta::assert_snapshot!(fault("[1,]"), @r#""]" at line 1, column 4, where a value is due"#);
        insta::assert_snapshot!(fault("[,1]"), @r#""," at line 1, column 2, where a value or "]" is due"#);
        insta::assert_snapshot!(fault("{\"a\":1,}"), @r#""}" at line 1, column 8, where a key in double quotes is due"#);
        insta::assert_snapshot!(fault("{'a':1}"), @r#""'" at line 1, column 2, where a key in double quotes or "}" is due"#);
        insta::assert_snapshot!(fault("{\"a\" 1}"), @r#""1" at line 1, column 6, where ":" is due"#);
        insta::assert_snapshot!(fault("[1 2]"), @r#""2" at line 1, column 4, where "," or "]" is due"#);
        insta::assert_snapshot!(fault("{\"a\": NaN}"), @r#""NaN" at line 1, column 7, where a value is due"#);
        insta::assert_snapshot!(fault("{\"a\": nullx}"), @r#""nullx" at line 1, column 7, where a value is due"#);
        insta::assert_snapshot!(fault("{} {}"), @r#""{" at line 1, column 4, after the end of the value"#);
        insta::assert_snapshot!(fault("[01]"), @r#""01" at line 1, column 2 is not a number as JSON writes it"#);
        insta::assert_snapshot!(fault("[-]"), @r#""-" at line 1, column 2 is not a number as JSON writes it"#);
        insta::assert_snapshot!(fault("[1.e5]"), @r#""1.e5" at line 1, column 2 is not a number as JSON writes it"#);
        insta::assert_snapshot!(fault(r#"["\x41"]"#), @r"the escape \x at line 1, column 3 is not one of JSON's");
        insta::assert_snapshot!(fault(r#"["\u12G4"]"#), @r"the escape \u12G4 at line 1, column 3 is not one of JSON's");
        insta::assert_snapshot!(fault("[\"a\nb\"]"), @"the control character U+000A within a string at line 1, column 4");
        assert!(slots("\"").is_err() && slots("\"\\").is_err() && slots("\"\\u00").is_err());
    }

    #[test]
    fn depth_is_bounded_and_takes_no_stack() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(slots(&nested(MAX_DEPTH)).is_ok());
        insta::assert_snapshot!(fault(&nested(MAX_DEPTH + 1)), @"it is nested deeper than 128 levels (line 1, column 129)");
        assert!(slots(&"[".repeat(1_000_000)).unwrap_err().is_limit());
        assert!(slots(&"{\"a\":".repeat(1_000_000)).unwrap_err().is_limit());
    }

    #[test]
    fn the_list_is_made_in_one_piece_of_at_most_eight_times_the_text() {
        assert_eq!(size_of::<Slot>(), 16);
        let lists = format!("[{}[0]]", "[0],".repeat(100_000));
        let bare = format!("[{}0]", "0,".repeat(100_000));
        let empty = format!("[{}[]]", "[],".repeat(100_000));
        let keys = format!("[{}0]", "{\"\":0},".repeat(100_000));
        let words = format!("[{}true]", "null, -1e5 ,\"[,,\\\"]\",".repeat(10_000));
        for text in [lists, bare, empty, keys, words] {
            let slots = slots(&text).unwrap();
            assert_eq!(slots.capacity(), slots.len(), "{}", &text[..30]);
            assert!(
                slots.len() * size_of::<Slot>() <= 8 * text.len() + 16,
                "{}",
                &text[..30]
            );
        }
    }

    #[test]
    fn values_are_counted_up_to_the_bound() {
        assert!(within("[0,0]", 3).is_ok());
        assert_eq!(within("[0,0,0]", 3).unwrap_err().fault, Fault::Many);
    }

    #[test]
    fn every_short_text_is_read_as_others_read_it() {
        const SIGNS: &[u8] = b"{}[]\",:0-e.1tn\\u ";
        let mut text = Vec::new();
        for number in 0..SIGNS.len().pow(4) {
            text.clear();
            let mut rest = number;
            for _ in 0..4 {
                text.push(SIGNS[rest % SIGNS.len()]);
                rest /= SIGNS.len();
            }
            let text = std::str::from_utf8(&text).unwrap();
            let ours = slots(text).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(ours, theirs, "{text:?}");
        }
    }
}
