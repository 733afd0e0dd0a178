//! Messages of unknown shape, made fit to be shown. They get a closer look: an approval message that AWS
//! changes one day must not give its token away by being unknown to us.

use serde_json::Value;
use text::mask::{MASK, Masker};
use text::words::cut_bytes;

use super::{Origin, PlainMessage, TEXT_LIMIT};
use crate::redact;

/// The longest comment or reason, in characters. CodePipeline allows 1,000.
pub(super) const PROSE_LIMIT: usize = 2_000;

const SUBJECT_LIMIT: usize = 200;

/// A token shorter than this is not looked for elsewhere in the text: it would mask words.
const MIN_TOKEN_CHARS: usize = 8;

/// A message that is no JSON.
pub(super) fn of_text(subject: Option<&str>, text: &str, origin: Origin) -> PlainMessage {
    PlainMessage {
        subject: subject.map(|subject| redact::line(subject, SUBJECT_LIMIT)),
        text: bounded(&Masker::new(), text),
        origin,
    }
}

/// A message that is JSON of a shape that isn't known, one value a line.
pub(super) fn of_json(subject: Option<&str>, message: &Value, origin: Origin) -> PlainMessage {
    let mut message = message.clone();
    let mut tokens = Vec::new();
    mask_tokens(&mut message, &mut tokens);
    let known = tokens
        .iter()
        .fold(Masker::new(), |known, token| known.value(token));
    // A `Value` always prints.
    let text = serde_json::to_string_pretty(&message).unwrap_or_default();
    PlainMessage {
        subject: subject.map(|subject| redact::line_with(&known, subject, SUBJECT_LIMIT)),
        text: bounded(&known, &text),
        origin,
    }
}

/// Masks the values of keys that name a token, whatever their type, and collects those that are texts.
fn mask_tokens(value: &mut Value, tokens: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let key = key.to_ascii_lowercase();
                if (key.contains("token") || key.contains("reviewlink")) && !value.is_null() {
                    collect(value, tokens);
                    *value = MASK.into();
                } else {
                    mask_tokens(value, tokens);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_tokens(item, tokens)),
        _ => {}
    }
}

fn collect(value: &Value, tokens: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= MIN_TOKEN_CHARS && tokens.len() < 32 => {
            tokens.push(text.clone());
        }
        Value::Object(entries) => entries.values().for_each(|value| collect(value, tokens)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, tokens)),
        _ => {}
    }
}

fn bounded(masker: &Masker<'_>, text: &str) -> String {
    cut_bytes(&redact::masked_text(masker, text), TEXT_LIMIT)
}
