//! No approval token leaves in a text of others: a commit message or a variable that repeats one, by
//! mistake or to fish for it. Pure.

use approvals::Token;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const MASK: &str = "***";
/// What stands where a text was cut.
const ELLIPSIS: char = '…';
/// A shorter piece of a token at a cut is left: it is no help to anybody.
const MIN_PIECE_CHARS: usize = 4;

/// The data without any of the tokens, whole or cut in two; none if nothing would be left without one.
pub(crate) fn without_tokens<T: Serialize + DeserializeOwned>(
    data: T,
    tokens: &[Token],
) -> Option<T> {
    let tokens: Vec<&str> = tokens
        .iter()
        .map(Token::reveal)
        .filter(|token| !token.is_empty())
        .collect();
    let mut value = serde_json::to_value(&data).expect("plain data");
    if !blot(&mut value, &tokens) {
        return Some(data);
    }
    serde_json::from_value(value).ok()
}

/// Masks the tokens in every text; whether there was one.
fn blot(value: &mut Value, tokens: &[&str]) -> bool {
    match value {
        Value::String(text) => {
            let clean = tokens
                .iter()
                .fold(text.clone(), |text, token| mask(&text, token));
            let found = clean != *text;
            *text = clean;
            found
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |found, item| blot(item, tokens) | found),
        Value::Object(fields) => fields
            .iter_mut()
            .fold(false, |found, (_, field)| blot(field, tokens) | found),
        _ => false,
    }
}

fn mask(text: &str, token: &str) -> String {
    let mut text = text.replace(token, MASK);
    let pieces = || {
        (MIN_PIECE_CHARS..token.len())
            .rev()
            .filter(|at| token.is_char_boundary(*at))
    };
    if let Some(body) = text.strip_suffix(ELLIPSIS)
        && let Some(piece) = pieces().find(|at| body.ends_with(&token[..*at]))
    {
        text = format!("{}{MASK}{ELLIPSIS}", &body[..body.len() - piece]);
    }
    if let Some(body) = text.strip_prefix(ELLIPSIS)
        && let Some(piece) = pieces()
            .map(|length| token.ceil_char_boundary(token.len() - length))
            .find(|from| body.starts_with(&token[*from..]))
    {
        text = format!("{ELLIPSIS}{MASK}{}", &body[token.len() - piece..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use approvals::{Briefing, Gap, Lookup, Revision, Starter, Variable};
    use proptest::prelude::*;

    use super::*;
    use crate::text;

    #[test]
    fn a_token_that_was_cut_in_two_is_masked_too() {
        let token = "0c35520a-b7e6";
        assert_eq!(mask("see 0c35520a-b7e6.", token), "see ***.");
        assert_eq!(mask("see 0c35520a-b…", token), "see ***…");
        assert_eq!(mask("…520a-b7e6 seen", token), "…*** seen");
        assert_eq!(mask("see 0c3…", token), "see 0c3…");
    }

    fn briefing(given: &str, chars: usize) -> Briefing {
        let line = || text::line(given, chars);
        Briefing {
            starter: Some(Starter {
                trigger: line(),
                detail: line(),
                name: line(),
            }),
            variables: vec![Variable {
                name: line(),
                value: text::value("NAME", given, chars),
            }],
            revisions: vec![Revision {
                artifact: line(),
                id: line(),
                summary: text::some_prose(Some(given), chars),
                author: None,
                url: text::https(Some(&format!("https://example.com/{given}"))),
                created: None,
            }],
            gaps: vec![Gap {
                what: Lookup::Origin,
                why: text::pair("a", Some(given), Some(&given.replace('0', "1")), chars)
                    .0
                    .unwrap_or_default(),
            }],
            ..Briefing::default()
        }
    }

    proptest! {
        #[test]
        fn no_token_is_in_a_briefing(
            token in "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
            before in "[ -~]{0,60}", after in "[ -~]{0,20}", chars in 1_usize..120,
        ) {
            let given = briefing(&format!("{before}{token}{after}"), chars);
            let clean = without_tokens(given, &[Token::new(token.as_str())]).unwrap();
            let text = serde_json::to_string(&clean).unwrap();
            prop_assert!(!text.contains(&token), "{text}");
            // Nor so much of it that the rest could be guessed.
            prop_assert!(!text.contains(&token[..12]), "{text}");
            prop_assert!(!text.contains(&token[token.len() - 12..]), "{text}");
        }
    }
}
