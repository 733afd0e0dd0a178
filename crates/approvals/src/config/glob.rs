//! Globs over names of pipelines, stages and actions: `*` is any text, `?` is one character.

use std::fmt;

use text::glob;

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
        glob::matches(&self.0, name)
    }

    /// Whether whatever `other` matches is matched by this, too. Never says so wrongly.
    pub(super) fn covers(&self, other: &Self) -> bool {
        glob::covers(&self.0, &other.0)
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
