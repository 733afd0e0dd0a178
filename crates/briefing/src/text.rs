//! Texts of others, made fit to be shown, by [`approvals::redact`], and what else a briefing needs of
//! them: values by the names that they have, differences, links.

use std::borrow::Cow;

pub(crate) use ::text::clean::cut;
use ::text::links;
use ::text::mask::Masker;
use approvals::redact;
use serde_json::Value;

/// What stands where a secret was.
const MASK: &str = "***";
/// Longer links are left out: a cut one leads nowhere.
const MAX_LINK_BYTES: usize = 2_000;
/// Characters that are kept before a difference.
const CONTEXT_CHARS: usize = 40;
/// How deep a JSON text is looked into; what lies deeper is masked whole.
const MAX_DEPTH: usize = 32;

/// One line of at most `chars` characters.
pub(crate) fn line(text: &str, chars: usize) -> String {
    redact::line(text, chars)
}

/// Several lines, at most `chars` characters.
pub(crate) fn prose(text: &str, chars: usize) -> String {
    cut(redact::prose(text, usize::MAX).trim(), chars)
}

/// The same; none where nothing is left.
pub(crate) fn some_line(text: Option<&str>, chars: usize) -> Option<String> {
    text.map(|text| line(text, chars))
        .filter(|text| !text.is_empty())
}

/// The same of several lines.
pub(crate) fn some_prose(text: Option<&str>, chars: usize) -> Option<String> {
    text.map(|text| prose(text, chars))
        .filter(|text| !text.is_empty())
}

/// The value of something that has a name: masked if the name is that of a secret, and inside of JSON
/// wherever a name is.
pub(crate) fn value(name: &str, text: &str, chars: usize) -> String {
    if is_secret_name(name) && !text.trim().is_empty() {
        return MASK.to_owned();
    }
    line(&mask_json(text), chars)
}

/// Two values of the same thing, before and after: where both are too long, what they have in common at
/// the beginning is left out, so that the difference is seen.
pub(crate) fn pair(
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    chars: usize,
) -> (Option<String>, Option<String>) {
    let whole = |text: Option<&str>| text.map(|text| value(name, text, usize::MAX));
    let (before, after) = (whole(before), whole(after));
    let common = match (&before, &after) {
        (Some(before), Some(after)) => common(before, after),
        _ => 0,
    };
    let shown = |text: String| {
        let long = text.chars().nth(chars).is_some();
        let skipped = common.saturating_sub(CONTEXT_CHARS);
        if !long || skipped == 0 {
            return cut(&text, chars);
        }
        let rest: String = text.chars().skip(skipped).collect();
        cut(&format!("…{rest}"), chars)
    };
    (before.map(shown), after.map(shown))
}

/// How many characters two texts have in common at their beginning.
fn common(one: &str, other: &str) -> usize {
    one.chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count()
}

/// A link that people may follow: https, no user in it, no secret in it, and not the one to an approval.
pub(crate) fn https(text: Option<&str>) -> Option<String> {
    let text = String::from(links::https(text?.trim(), MAX_LINK_BYTES)?);
    let harmless = gate::mask(&text) == text && !Masker::review_links().finds(&text);
    harmless.then_some(text)
}

/// Whether `gate::mask` would mask what such a name holds.
fn is_secret_name(name: &str) -> bool {
    let key: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .collect();
    gate::mask(&format!("\"{key}\":\"plain\"")).contains(MASK)
}

/// Text that is JSON with its secrets masked; other text as it is, unless it is JSON that AWS has cut
/// and that names a secret: what belongs to the name is no longer known.
fn mask_json(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return Cow::Borrowed(text);
    }
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            mask_value(&mut value, MAX_DEPTH);
            Cow::Owned(value.to_string())
        }
        Err(_) if is_secret_name(text) => Cow::Borrowed(MASK),
        Err(_) => Cow::Borrowed(text),
    }
}

/// Masks the values of secret keys, and `{"Name": "DB_PASSWORD", "Value": "…"}`, the form of container
/// definitions.
fn mask_value(value: &mut Value, depth: usize) {
    if depth == 0 {
        *value = Value::from(MASK);
        return;
    }
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| mask_value(item, depth - 1)),
        Value::Object(fields) => {
            let named = fields.iter().any(|(key, value)| {
                let names = matches!(key.to_ascii_lowercase().as_str(), "name" | "key");
                names && value.as_str().is_some_and(is_secret_name)
            });
            for (key, value) in fields {
                let its_value = named && key.eq_ignore_ascii_case("value");
                if its_value || (is_secret_name(key) && !value.is_object() && !value.is_array()) {
                    *value = Value::from(MASK);
                } else {
                    mask_value(value, depth - 1);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_go_and_cuts_say_so() {
        assert_eq!(
            line("fix\u{0}ed\r\n it\tnow\u{202e}", 40),
            "fix\u{fffd}ed it now\u{fffd}"
        );
        assert_eq!(prose("one\r\ntwo\u{1b}[31m", 40), "one\ntwo\u{fffd}[31m");
        assert_eq!(line("héllo wörld", 6), "héllo…");
        assert_eq!(line("👩‍🚀 up", 40), "👩🚀 up");
    }

    #[test]
    fn a_secret_is_masked_before_the_cut_and_in_spite_of_invisible_signs() {
        assert_eq!(
            line("login pass\u{200b}word=hunter2", 18),
            "login password=***"
        );
        assert_eq!(line("x AKIAIOSFODNN7EXAMPLE", 10), "x ***");
    }

    #[test]
    fn values_are_masked_by_their_names() {
        assert_eq!(value("MasterUserPassword", "hunter2", 40), "***");
        assert_eq!(value("DB_PASSWORD", " ", 40), "");
        assert_eq!(value("Engine", "postgres", 40), "postgres");
        let containers = r#"[{"Name":"web","Environment":[{"Name":"DB_PASSWORD","Value":"hunter2"},{"Name":"PORT","Value":"80"}],"apiKey":"k"}]"#;
        insta::assert_snapshot!(value("ContainerDefinitions", containers, 400), @r#"[{"Name":"web","Environment":[{"Name":"DB_PASSWORD","Value":"***"},{"Name":"PORT","Value":"80"}],"apiKey":"***"}]"#);
        assert_eq!(value("ContainerDefinitions", &containers[..70], 400), "***");
        assert_eq!(value("Tags", r#"[{"Key":"team"#, 400), r#"[{"Key":"team"#);
    }

    #[test]
    fn a_difference_far_down_is_seen() {
        let long = |tag: &str| format!("{}{tag}{}", "x".repeat(300), "y".repeat(300));
        let (before, after) = pair("Template", Some(&long("1.0")), Some(&long("2.0")), 60);
        let kept = |tag: &str| Some(format!("…{}{tag}{}…", "x".repeat(40), "y".repeat(15)));
        assert_eq!((before, after), (kept("1.0"), kept("2.0")));
        let (before, after) = pair("Image", Some("shop:1"), Some("shop:2"), 60);
        assert_eq!(
            (before, after),
            (Some("shop:1".into()), Some("shop:2".into()))
        );
        let (before, after) = pair("Image", None, Some(&long("1")), 10);
        assert_eq!((before, after), (None, Some("xxxxxxxxx…".into())));
    }

    #[test]
    fn only_harmless_links_stay() {
        let kept = https(Some("https://github.com/shop/shop/commit/1a2b"));
        assert_eq!(
            kept.as_deref(),
            Some("https://github.com/shop/shop/commit/1a2b")
        );
        for bad in [
            "http://example.com",
            "javascript:alert(1)",
            "https://user:pass@example.com/",
            "https://example.com/?token=abc",
            "not a link",
            "",
        ] {
            assert_eq!(https(Some(bad)), None, "{bad}");
        }
        assert_eq!(
            https(Some(&format!("https://e.com/{}", "a".repeat(3_000)))),
            None
        );
    }

    proptest! {
        #[test]
        fn any_text_stays_within_its_limit(text in any::<String>(), chars in 1_usize..50) {
            let (before, after) = pair("Engine", Some(&text), Some("{"), chars);
            for kept in [line(&text, chars), prose(&text, chars), value("Engine", &text, chars), before.unwrap(), after.unwrap()] {
                prop_assert!(kept.chars().count() <= chars);
                prop_assert!(kept.chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
    }
}
