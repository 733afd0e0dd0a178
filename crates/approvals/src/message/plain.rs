//! Texts of others, made fit to be shown: secrets masked first, then control characters made visible,
//! then cut. In this order, as a secret that was cut in two would not be found.
//!
//! Messages of unknown shape get a closer look: an approval message that AWS changes one day must not
//! give its token away by being unknown to us.

use serde_json::Value;

use super::{Origin, PlainMessage, TEXT_LIMIT};

/// What stands where a secret was.
pub(super) const MASK: &str = "***";

/// The longest comment or reason, in characters. CodePipeline allows 1,000.
pub(super) const PROSE_LIMIT: usize = 2_000;

const SUBJECT_LIMIT: usize = 200;

/// A token shorter than this is not looked for elsewhere in the text: it would mask words.
const SHORTEST_TOKEN: usize = 8;

/// What is read of one message; SNS sends 256 KB at most.
const RAW_LIMIT: usize = 1024 * 1024;

/// One line.
pub(super) fn line(text: &str, chars: usize) -> String {
    prose(text, chars).replace('\n', " ")
}

/// Several lines.
pub(super) fn prose(text: &str, chars: usize) -> String {
    let shown = visible(&gate::mask(text));
    match shown.char_indices().nth(chars) {
        None => shown,
        Some((end, _)) => format!("{}…", &shown[..end]),
    }
}

/// A message that is no JSON.
pub(super) fn of_text(subject: Option<&str>, text: &str, origin: Origin) -> PlainMessage {
    PlainMessage {
        subject: subject.map(|subject| line(&without_tokens(subject, &[]), SUBJECT_LIMIT)),
        text: bounded(&without_tokens(head(text), &[])),
        origin,
    }
}

/// A message that is JSON of a shape that isn't known, one value a line.
pub(super) fn of_json(subject: Option<&str>, message: &Value, origin: Origin) -> PlainMessage {
    let mut message = message.clone();
    let mut tokens = Vec::new();
    mask_tokens(&mut message, &mut tokens);
    // A `Value` always prints.
    let text = serde_json::to_string_pretty(&message).unwrap_or_default();
    PlainMessage {
        subject: subject.map(|subject| line(&without_tokens(subject, &tokens), SUBJECT_LIMIT)),
        text: bounded(&without_tokens(head(&text), &tokens)),
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
        Value::String(text) if text.len() >= SHORTEST_TOKEN && tokens.len() < 32 => {
            tokens.push(text.clone());
        }
        Value::Object(entries) => entries.values().for_each(|value| collect(value, tokens)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, tokens)),
        _ => {}
    }
}

/// The text without the known tokens, without what follows `/approve/` in a link, and, if it speaks of
/// approvals at all, without anything that has the form of a token.
fn without_tokens(text: &str, tokens: &[String]) -> String {
    let mut text = text.to_owned();
    for token in tokens {
        text = text.replace(token.as_str(), MASK);
    }
    let lower = text.to_ascii_lowercase();
    if !lower.contains("approv") {
        return text;
    }
    without_token_shapes(&text)
}

/// The text without what follows `/approve/` in a link, and without anything that has the form of a token.
pub(crate) fn without_token_shapes(text: &str) -> String {
    without_uuids(&without_review_links(text))
}

/// `…/approve/TOKEN`, as the review link ends; also with its slashes encoded, once or twice.
fn without_review_links(text: &str) -> String {
    const WORD: &str = "approve";
    const SLASHES: [&str; 3] = ["/", "%2f", "%252f"];
    // ASCII letters only change, so that places in the one are places in the other.
    let lower = text.to_ascii_lowercase();
    let mut masked = String::with_capacity(text.len());
    let (mut from, mut search) = (0, 0);
    while let Some(at) = lower[search..].find(WORD) {
        let word = search + at;
        search = word + WORD.len();
        let after = &lower[search..];
        let slash = SLASHES.iter().find(|slash| after.starts_with(*slash));
        let in_path = SLASHES.iter().any(|slash| lower[..word].ends_with(slash));
        let Some(slash) = slash.filter(|_| in_path) else {
            continue;
        };
        let begin = search + slash.len();
        let behind = lower[begin..].strip_prefix(WORD).unwrap_or_default();
        if SLASHES.iter().any(|slash| behind.starts_with(slash)) {
            // An action of that name: the word itself is yet to come.
            continue;
        }
        let ends = |c: char| !(c.is_ascii_alphanumeric() || "-_.~%".contains(c));
        let length = text[begin..].find(ends).unwrap_or(text.len() - begin);
        masked.push_str(&text[from..begin]);
        if length > 0 {
            masked.push_str(MASK);
        }
        from = begin + length;
        search = from;
    }
    masked.push_str(&text[from..]);
    masked
}

/// Eight, four, four, four and twelve hexadecimal digits, wherever they stand; their hyphens may be encoded.
fn without_uuids(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        if let Some(length) = uuid_length(&text.as_bytes()[at..]) {
            masked.push_str(&text[from..at]);
            masked.push_str(MASK);
            at += length;
            from = at;
        } else {
            at += 1;
        }
    }
    masked.push_str(&text[from..]);
    masked
}

/// How many bytes of `bytes` are a UUID that they begin with.
fn uuid_length(bytes: &[u8]) -> Option<usize> {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    const HYPHENS: [&[u8]; 3] = [b"-", b"%2d", b"%2D"];
    let mut rest = bytes;
    for (index, digits) in GROUPS.into_iter().enumerate() {
        if index > 0 {
            rest = HYPHENS
                .iter()
                .find_map(|hyphen| rest.strip_prefix(*hyphen))?;
        }
        let (group, behind) = rest.split_at_checked(digits)?;
        if !group.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = behind;
    }
    Some(bytes.len() - rest.len())
}

fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(RAW_LIMIT)]
}

fn bounded(text: &str) -> String {
    let shown = visible(&gate::mask(text));
    if shown.len() <= TEXT_LIMIT {
        return shown;
    }
    let end = shown.floor_char_boundary(TEXT_LIMIT - "…".len());
    format!("{}…", &shown[..end])
}

fn visible(text: &str) -> String {
    gate::visible(&text.replace("\r\n", "\n"))
}
