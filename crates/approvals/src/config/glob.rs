//! Globs over names of pipelines, stages and actions: `*` is any text, `?` is one character.

use std::fmt;

/// One pattern over a whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

/// Several patterns, one of which must match. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Globs(Vec<Glob>);

impl Glob {
    /// The longest name that CodePipeline allows.
    const MAX_LENGTH: usize = 100;

    /// A pattern of what names may have: letters, digits, `.`, `@`, `-`, `_`, and `*` and `?`.
    /// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineDeclaration.html>
    pub fn parse(text: &str) -> Option<Self> {
        let known = |c: char| c.is_ascii_alphanumeric() || ".@-_*?".contains(c);
        let right = !text.is_empty() && text.len() <= Self::MAX_LENGTH && text.chars().all(known);
        right.then(|| Self(text.to_owned()))
    }

    /// Whether the whole name is matched.
    pub fn matches(&self, name: &str) -> bool {
        over(self.0.as_bytes(), name.as_bytes(), |pattern, letter| {
            pattern == b'?' || pattern == letter
        })
    }

    /// Whether whatever `other` matches is matched by this, too. Never says so wrongly.
    pub(super) fn covers(&self, other: &Self) -> bool {
        over(self.0.as_bytes(), other.0.as_bytes(), |mine, theirs| {
            (mine == b'?' && theirs != b'*') || mine == theirs
        })
    }
}

impl Globs {
    /// Matches anything.
    pub fn any() -> Self {
        Self(vec![Glob("*".to_owned())])
    }

    /// None if there is no pattern: that would match nothing.
    pub fn new(globs: Vec<Glob>) -> Option<Self> {
        (!globs.is_empty()).then_some(Self(globs))
    }

    /// Whether one of them matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(name))
    }

    /// Whether whatever `other` matches is matched by these, too. Never says so wrongly.
    pub(super) fn cover(&self, other: &Self) -> bool {
        let covered = |glob: &Glob| self.0.iter().any(|mine| mine.covers(glob));
        other.0.iter().all(covered)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, glob) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{glob}")?;
        }
        Ok(())
    }
}

/// Whether `pattern` spans all of `text`, where `*` spans any run and `one` says what a single place
/// spans. Greedy with one way back, so its time is at most the product of the lengths, whatever the
/// pattern.
fn over(pattern: &[u8], text: &[u8], one: impl Fn(u8, u8) -> bool) -> bool {
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

    fn glob(text: &str) -> Glob {
        Glob::parse(text).unwrap()
    }

    #[test]
    fn a_glob_spans_the_whole_name() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "shop"),
            ("shop-*", "shop-live"),
            ("shop-*", "shop-"),
            ("*-live", "a-live-live"),
            ("s?op", "shop"),
            ("*a*b*c*", "xxaxxbxxcxx"),
        ] {
            assert!(glob(pattern).matches(name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("shop", "shop2"),
            ("shop", "Shop"),
            ("shop-*", "my-shop-live"),
            ("s?op", "sop"),
            ("*-live", "a-live-x"),
            ("*a*b*c*", "abab"),
        ] {
            assert!(!glob(pattern).matches(name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_no_name_has_is_no_glob() {
        for text in [
            "",
            "shop live",
            "shop/*",
            "[a-z]",
            "läden",
            "a\n",
            &"x".repeat(101),
        ] {
            assert_eq!(Glob::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_wider_glob_covers_a_narrower_one() {
        for (wide, narrow) in [
            ("*", "shop-*"),
            ("s*", "s?"),
            ("s*", "s*p"),
            ("?", "a"),
            ("a", "a"),
        ] {
            assert!(glob(wide).covers(&glob(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [("shop-*", "*"), ("s?", "s*"), ("a", "?"), ("*p", "s*")] {
            assert!(!glob(wide).covers(&glob(narrow)), "{wide} {narrow}");
        }
    }

    proptest::proptest! {
        #[test]
        fn covering_is_never_wrong(wide in "[ab*?]{1,5}", narrow in "[ab*?]{1,5}", name in "[ab]{0,6}") {
            let (wide, narrow) = (glob(&wide), glob(&narrow));
            if wide.covers(&narrow) && narrow.matches(&name) {
                proptest::prop_assert!(wide.matches(&name));
            }
        }

        #[test]
        fn a_glob_agrees_with_the_definition(pattern in "[ab*?]{1,6}", name in "[ab]{0,6}") {
            fn defined(pattern: &[u8], name: &[u8]) -> bool {
                match pattern {
                    [] => name.is_empty(),
                    [b'*', rest @ ..] => (0..=name.len()).any(|cut| defined(rest, &name[cut..])),
                    [b'?', rest @ ..] => !name.is_empty() && defined(rest, &name[1..]),
                    [letter, rest @ ..] => name.first() == Some(letter) && defined(rest, &name[1..]),
                }
            }
            proptest::prop_assert_eq!(glob(&pattern).matches(&name), defined(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
