//! Wildcards: `*` stands for any text, `?` for one character. Case counts, and a pattern spans the whole text.

/// Whether `pattern` spans all of `text`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    spans(pattern, text, |pattern, letter| {
        pattern == b'?' || pattern == letter
    })
}

/// Whether `wide` matches whatever `narrow` matches. Never says so wrongly.
#[must_use]
pub fn covers(wide: &str, narrow: &str) -> bool {
    spans(wide, narrow, |wide, narrow| {
        (wide == b'?' && narrow != b'*') || wide == narrow
    })
}

/// Whether `pattern` spans all of `text`, where `one` says what a single place spans. Greedy with one way
/// back, so its time is at most the product of the lengths, whatever the pattern.
fn spans(pattern: &str, text: &str, one: impl Fn(u8, u8) -> bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut back = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at + 1, seen));
                at += 1;
            }
            Some(letter) if one(*letter, text[seen]) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after, from)) = back else {
                    return false;
                };
                (at, seen) = (after, from + 1);
                back = Some((after, seen));
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_spans_the_whole_text() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "shop"),
            ("shop-*", "shop-live"),
            ("shop-*", "shop-"),
            ("*-live", "a-live-live"),
            ("s?op", "shop"),
            ("*a*b*c*", "xxaxxbxxcxx"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("shop", "shop2"),
            ("shop", "Shop"),
            ("shop-*", "my-shop-live"),
            ("s?op", "sop"),
            ("*-live", "a-live-x"),
            ("*a*b*c*", "abab"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        for (wide, narrow) in [
            ("*", "shop-*"),
            ("s*", "s?"),
            ("s*", "s*p"),
            ("?", "a"),
            ("a", "a"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [("shop-*", "*"), ("s?", "s*"), ("a", "?"), ("*p", "s*")] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }

    proptest::proptest! {
        #[test]
        fn covering_is_never_wrong(wide in "[ab*?]{1,5}", narrow in "[ab*?]{1,5}", text in "[ab]{0,6}") {
            if covers(&wide, &narrow) && matches(&narrow, &text) {
                proptest::prop_assert!(matches(&wide, &text));
            }
        }

        #[test]
        fn a_pattern_agrees_with_the_definition(pattern in "[ab*?]{1,6}", text in "[ab]{0,6}") {
            fn defined(pattern: &[u8], text: &[u8]) -> bool {
                match pattern {
                    [] => text.is_empty(),
                    [b'*', rest @ ..] => (0..=text.len()).any(|cut| defined(rest, &text[cut..])),
                    [b'?', rest @ ..] => !text.is_empty() && defined(rest, &text[1..]),
                    [letter, rest @ ..] => text.first() == Some(letter) && defined(rest, &text[1..]),
                }
            }
            proptest::prop_assert_eq!(matches(&pattern, &text), defined(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
