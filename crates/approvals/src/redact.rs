//! Texts of others, made fit to be kept and shown: cleaned, then secrets masked by their names and
//! approval tokens by their form, then cut. In this order: what an invisible character splits is not
//! found before it is cleaned, and what was cut in two is not found at all.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use text::clean;
use text::mask::Masker;

use crate::Case;

/// What is read of one text, in bytes: more than anything that is shown.
pub const READ_LIMIT: usize = 64 * 1024;

/// One line of at most `chars` characters.
#[must_use]
pub fn line(text: &str, chars: usize) -> String {
    line_with(&Masker::new(), text, chars)
}

/// Several lines, at most `chars` characters.
#[must_use]
pub fn prose(text: &str, chars: usize) -> String {
    prose_with(&Masker::new(), text, chars)
}

/// A [`line()`] without what `masker` knows.
#[must_use]
pub fn line_with(masker: &Masker<'_>, text: &str, chars: usize) -> String {
    let harmless = masked_text(masker, text);
    let words: Vec<&str> = harmless.split_whitespace().collect();
    clean::cut(&words.join(" "), chars)
}

/// [`prose`] without what `masker` knows.
#[must_use]
pub fn prose_with(masker: &Masker<'_>, text: &str, chars: usize) -> String {
    clean::cut(&masked_text(masker, text), chars)
}

/// The text cleaned and masked, of any length that is read.
#[must_use]
pub fn masked_text(masker: &Masker<'_>, text: &str) -> String {
    let (clean, cut) = clean::block(text, READ_LIMIT);
    let harmless = without_secrets(&clean);
    if cut {
        masker.mask_cut(&harmless)
    } else {
        masker.mask(&harmless).into_owned()
    }
}

/// Without what looks like a secret, also where a sign stands within its name for a character that was
/// no text.
fn without_secrets(clean: &str) -> String {
    if clean.contains(char::REPLACEMENT_CHARACTER) {
        let bare = clean.replace(char::REPLACEMENT_CHARACTER, "");
        let masked = gate::mask(&bare);
        if masked != bare {
            return masked;
        }
    }
    gate::mask(clean)
}

/// The data with every text masked; as it is where it could not be read back.
#[must_use]
pub fn masked<T: Serialize + DeserializeOwned>(masker: &Masker<'_>, data: T) -> T {
    let Ok(mut value) = serde_json::to_value(&data) else {
        return data;
    };
    if !mask_value(masker, &mut value) {
        return data;
    }
    serde_json::from_value(value).unwrap_or(data)
}

/// Masks every text of a value; whether there was anything to mask.
pub fn mask_value(masker: &Masker<'_>, value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let harmless = masker.mask(text);
            let found = harmless != *text;
            if found {
                *text = harmless.into_owned();
            }
            found
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |found, item| mask_value(masker, item) | found),
        Value::Object(fields) => fields
            .iter_mut()
            .fold(false, |found, (_, field)| mask_value(masker, field) | found),
        _ => false,
    }
}

impl Case {
    /// What masks the texts of this case: its own ids and names have a token's form at times, and are none.
    #[must_use]
    pub fn masker(&self) -> Masker<'static> {
        let names = [
            self.source.name(),
            self.source.stage(),
            self.source.detail(),
        ];
        let hook = self.source.paused().map(|paused| paused.hook_id.as_str());
        let gate = self.source.gate().into_iter();
        let gate = gate.flat_map(|gate| [&gate.deployment_id, &gate.revision, &gate.run]);
        let hook = hook.into_iter().chain(gate.map(String::as_str));
        let sets = self.briefing.change_sets.iter().map(|set| &set.id);
        // A policy compares who started it.
        let starter = self.briefing.starter.iter();
        let starter = starter.flat_map(|starter| [&starter.detail, &starter.name]);
        let ids = starter
            .chain(&self.execution_id)
            .chain(&self.shown.change_sets)
            .chain(sets);
        let known = names.into_iter().chain(hook).chain(ids.map(String::as_str));
        known.fold(Masker::new(), Masker::keep)
    }

    /// The case as it may be kept and shown.
    #[must_use]
    pub fn masked(self) -> Self {
        let masker = self.masker();
        masked(&masker, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";

    #[test]
    fn a_secret_is_found_whatever_splits_it() {
        for split in [
            "", "\u{200b}", "\u{200e}", "\u{61c}", "\u{ad}", "\u{2066}", "\u{0}", "\u{fe0f}",
        ] {
            let text = format!(
                "login pass{split}word=hunter2 {}",
                TOKEN.replace('b', &format!("b{split}"))
            );
            let shown = prose(&text, 200);
            assert!(!shown.contains("hunter2"), "{split:?}: {shown}");
            assert!(!shown.contains("0c35520a"), "{split:?}: {shown}");
        }
    }

    #[test]
    fn what_is_cut_was_masked_before() {
        assert_eq!(line(&format!("a\r\n b {TOKEN}"), 12), "a b ***");
        assert_eq!(line(&format!("see {TOKEN}"), 6), "see *…");
        let endless = format!("{}{TOKEN}", "a\n".repeat(READ_LIMIT / 2 - 10));
        assert!(!prose(&endless, usize::MAX).contains("0c35"));
    }
}
