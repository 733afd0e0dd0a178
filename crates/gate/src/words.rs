//! How values are written for people: durations, quotes, cuts. In one place, so that a reason, a
//! report and a problem say the same thing in the same way.

pub(crate) use text::words::{bytes, count, duration, list};

/// A number of milliseconds as [`duration`] writes it.
pub(crate) fn millis(value: u64) -> String {
    duration(std::time::Duration::from_millis(value))
}

/// What is kept of a foreign text before redaction, in bytes. Longer than anything shown, so that
/// a secret is never cut in two before it is looked for.
pub(crate) const MAX_RAW_BYTES: usize = 8 * 1024;

/// The text as a JSON string, cut to [`MAX_RAW_BYTES`].
pub(crate) fn quote(value: &str) -> String {
    // A `Value` that is a string always prints.
    let mut quoted = serde_json::Value::from(head(value, MAX_RAW_BYTES)).to_string();
    quoted.truncate(quoted.floor_char_boundary(MAX_RAW_BYTES));
    quoted
}

/// At most `bytes` bytes of `value`, cut between two characters.
pub(crate) fn head(value: &str, bytes: usize) -> &str {
    &value[..value.floor_char_boundary(bytes)]
}

/// At most `chars` characters of `value`, with an ellipsis where something was cut.
pub(crate) fn shorten(value: &str, chars: usize) -> String {
    match value.char_indices().nth(chars) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(head("aé", 2), "a");
        assert_eq!(shorten("héllo", 2), "hé…");
        assert_eq!(shorten("hé", 2), "hé");
    }
}
