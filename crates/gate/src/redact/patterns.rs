//! What looks like a secret by its name or its shape, whoever it belongs to.

use std::sync::LazyLock;

use regex::Regex;

use super::MASK;

/// Headers whose values are never shown.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "proxy-authorization",
    "x-amz-security-token",
    "x-auth-token",
    "x-csrf-token",
];

/// Parts of names of query parameters, form fields and JSON keys whose values are never shown.
const SECRET_NAME: &str = "token|passw(?:or)?d|passphrase|pwd|secret|api[-_]?key|access[-_]?key\
    |private[-_]?key|csrf|xsrf|signature|credential|session[-_]?id|authorization|client[-_]?assertion|jwt";

/// Names of query parameters and form fields whose values are never shown, whole: as parts of names they
/// would hide too much, and in JSON they mean something else (`"code": 7`).
const SECRET_PARAMETERS: &str = "sig|sign|key|code|state|sas|auth|hmac|otp|totp|pin|nonce|ticket\
    |assertion|samlrequest|samlresponse|sid|session|cred|creds|x-amz-signature\
    |x-amz-credential|x-amz-security-token|x-goog-signature|awsaccesskeyid|code_verifier|id_token_hint";

/// Each pattern; its group `secret` is what is masked.
fn sources() -> Vec<String> {
    let key = format!(r"[A-Za-z0-9_.\-]*(?:{SECRET_NAME})[A-Za-z0-9_.\-]*");
    vec![
        // A header, as a line or in a sentence.
        r"(?im)\b(?:proxy-)?authorization\b\s*[:=]\s*(?P<secret>[^\r\n]+)".to_owned(),
        r"(?im)\b(?:set-cookie|cookie|x-api-key)\b\s*[:=]\s*(?P<secret>[^\r\n]+)".to_owned(),
        r"(?im)\bx-(?:amz-security|auth|csrf)-token\b\s*:\s*(?P<secret>[^\r\n]+)".to_owned(),
        // scheme://user:password@host
        r"(?i)\b[a-z][a-z0-9+.\-]*://(?P<secret>[^/?#@\s]+)@".to_owned(),
        // "password": "…", also cut off; and escaped, inside of a JSON string.
        format!(r#"(?is)["']{key}["']\s*:\s*["'](?P<secret>(?:[^"\\]|\\.)*)"#),
        format!(r#"(?i)\\"{key}\\"\s*:\s*\\"(?P<secret>(?:[^"\\]|\\\\\\"|\\\\\\\\|\\[^"\\])*)"#),
        format!(r#"(?i)\\*["']{key}\\*["']\s*:\s*(?P<secret>-?[0-9][0-9.eE+\-]*)"#),
        // ?token=… and a=b&password=…
        format!(r#"(?i)(?:^|[?&;#\s"'])(?:{key})=(?P<secret>[^&;\s"'<>]+)"#),
        // ?sig=… and #code=…
        format!(r#"(?i)(?:^|[?&;#])(?:{SECRET_PARAMETERS})=(?P<secret>[^&;\s"'<>#]+)"#),
        r"(?i)\b(?:bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=\-]{6,})".to_owned(),
        // A JSON Web Token, whole or cut off.
        r"(?P<secret>\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){0,2})".to_owned(),
        // An AWS access key id.
        r"\b(?P<secret>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,})".to_owned(),
        r"(?s)(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))"
            .to_owned(),
    ]
}

/// The beginning of an array or object under a secret key, with the quotes of the key: all that is in it is secret.
fn nested() -> String {
    format!(
        r#"(?is)["'][A-Za-z0-9_.\-]*(?:{SECRET_NAME})[A-Za-z0-9_.\-]*(?P<quote>\\*["'])\s*:\s*[\[{{]"#
    )
}

/// Masks each value that begins where `next` says, given where to look from: behind its bracket, and the quotes of
/// its key.
fn mask_nested<'t>(
    raw: &'t str,
    next: impl Fn(&'t str, usize) -> Option<(usize, &'t str)>,
) -> String {
    let mut masked = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some((inside, quote)) = next(raw, at) {
        masked.push_str(&raw[at..inside - 1]);
        masked.push_str(MASK);
        at = behind(raw, inside, quote);
    }
    masked.push_str(&raw[at..]);
    masked
}

/// Where the value ends whose bracket was opened just before `at`; the end of the text if it was cut off.
fn behind(raw: &str, mut at: usize, quote: &str) -> usize {
    let bytes = raw.as_bytes();
    let (mut depth, mut string) = (1, None);
    while depth > 0 && at < bytes.len() {
        match bytes[at] {
            byte @ (b'"' | b'\'') if string.is_none_or(|opened| opened == byte) => {
                let escapes = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\');
                // A text of JSON inside of JSON has its quotes escaped, and those in its strings once more.
                let own = quote.len() - 1;
                let more = escapes.count().checked_sub(own);
                if more.is_some_and(|more| (more / (own + 1)).is_multiple_of(2)) {
                    string = if string.is_some() { None } else { Some(byte) };
                }
            }
            b'[' | b'{' if string.is_none() => depth += 1,
            b']' | b'}' if string.is_none() => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    raw.ceil_char_boundary(at)
}

/// A cheap look, to leave the many texts alone in which nothing can be found.
fn maybe() -> String {
    format!(
        "(?i){SECRET_NAME}|(?:^|[?&;#])(?:{SECRET_PARAMETERS})=|cookie|://|bearer|basic|eyJ|A[KSRI][IOD]A|PRIVATE KEY"
    )
}

/// The same masking by either engine: `regex` is fast on the bodies that a gate reads, `regex-lite` a
/// tenth of its size for functions that mask short texts only.
macro_rules! masking {
    ($name:ident, $engine:ident) => {
        pub(super) fn $name(raw: &str) -> String {
            use $engine::{Captures, Regex};
            static CHEAP_PATTERN: LazyLock<Regex> = LazyLock::new(|| compiled(&maybe()));
            static SECRET_PATTERNS: LazyLock<Vec<Regex>> =
                LazyLock::new(|| sources().iter().map(|source| compiled(source)).collect());

            fn compiled(source: &str) -> Regex {
                Regex::new(source).expect("a constant pattern compiles")
            }

            fn mask_group(captures: &Captures<'_>) -> String {
                let whole = captures.get(0).expect("group 0 always takes part");
                let secret = captures
                    .name("secret")
                    .expect("every pattern has this group");
                let (start, end) = (secret.start() - whole.start(), secret.end() - whole.start());
                let text = whole.as_str();
                format!("{}{MASK}{}", &text[..start], &text[end..])
            }

            static NESTED: LazyLock<Regex> = LazyLock::new(|| compiled(&nested()));
            if !CHEAP_PATTERN.is_match(raw) {
                return raw.to_owned();
            }
            let raw = mask_nested(raw, |text, at| {
                let found = NESTED.captures_at(text, at)?;
                Some((found.get(0)?.end(), found.name("quote")?.as_str()))
            });
            SECRET_PATTERNS.iter().fold(raw, |text, pattern| {
                pattern.replace_all(&text, mask_group).into_owned()
            })
        }
    };
}

masking!(mask, regex);
masking!(mask_short, regex_lite);

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!("(?i)(?:{SECRET_NAME})")).expect("a constant pattern compiles")
});

/// Compiles every pattern, which takes some milliseconds: while a run waits for its first answers, nobody waits for it.
pub(crate) fn warm_up() {
    mask("cookie: none");
    is_secret_path("$");
}

/// Whether the header's value is never shown.
pub(crate) fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) || NAME.is_match(name)
}

/// Whether a JSONPath names something secret.
pub(crate) fn is_secret_path(path: &str) -> bool {
    NAME.is_match(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_engines_mask_the_same(
            parts in proptest::collection::vec(
                prop_oneof![
                    "[ -~]{0,12}",
                    Just("password=hunter22".to_owned()),
                    Just("?code=4/0Ab&state=xyz#sig=f".to_owned()),
                    Just("\"api_key\": \"abc\"".to_owned()),
                    Just("Authorization: Bearer abcdefgh\n".to_owned()),
                    Just("https://user:pw@host/".to_owned()),
                    Just("AKIAABCDEFGHIJKLMNOP".to_owned()),
                    Just("eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned()),
                    Just("\\\"token\\\": \\\"x\\\"".to_owned()),
                    Just("\"secrets\": [\"x]\", {\"a\": 1}], ".to_owned()),
                ],
                0..6,
            ),
        ) {
            let text = parts.concat();
            prop_assert_eq!(mask(&text), mask_short(&text));
        }
    }
}
