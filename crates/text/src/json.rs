//! JSON as others write it. JavaScript, Java and Python write half of a pair of surrogates where a text was
//! cut in two, and read it back; a reader that only knows Unicode refuses all of it.

use std::borrow::Cow;

/// The JSON with each lone surrogate that stands in an escape as the sign for what can't be shown. What
/// is no JSON stays none.
#[must_use]
pub fn mended(json: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(backslash) = json[at..].find('\\') {
        let begin = at + backslash;
        let (length, lone) = match unit(&json[begin..]) {
            Some(0xd800..=0xdbff) => match unit(&json[begin + 6..]) {
                Some(0xdc00..=0xdfff) => (12, false),
                _ => (6, true),
            },
            Some(0xdc00..=0xdfff) => (6, true),
            Some(_) => (6, false),
            // Any other escape; what comes after the backslash may be of several bytes.
            None => (
                1 + json[begin + 1..].chars().next().map_or(0, char::len_utf8),
                false,
            ),
        };
        at = begin + length;
        if lone {
            mended.push_str(&json[from..begin]);
            mended.push_str("\\ufffd");
            from = at;
        }
    }
    if from == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[from..]);
    Cow::Owned(mended)
}

/// The unit that `\uXXXX` stands for.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_a_pair_is_mended() {
        for (json, expected) in [
            (r#""a\ud83d""#, r#""a\ufffd""#),
            (r#""\ude00b\uD83Dx""#, r#""\ufffdb\ufffdx""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\u12"#, r#""\u12"#),
            ("\"\\é\\", "\"\\é\\"),
            ("\\ud83dé", "\\ufffdé"),
        ] {
            assert_eq!(mended(json), expected, "{json}");
        }
    }
}
