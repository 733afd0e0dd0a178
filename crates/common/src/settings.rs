//! Settings come through a lookup function, so that reading them is tested without touching the
//! environment, and every problem is told in one go: nobody should fix a stack one variable at a
//! time.

use std::fmt;

/// Finds the raw value of a setting by its name. In a function it is [`environment`].
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process environment as a lookup. The only place that reads it.
#[allow(
    clippy::disallowed_methods,
    reason = "the one door to the environment; everything else takes a lookup"
)]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All that is wrong with the settings, one sentence a problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// Each names the setting, what is wrong with it, and what would be right.
    pub problems: Vec<String>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the function's settings can't be used: {}",
            self.problems.join("; ")
        )
    }
}

/// Reads settings one by one and remembers every problem until [`Reader::finish`].
pub struct Reader<'a> {
    lookup: Lookup<'a>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader over `lookup`; an empty value counts as absent, as CloudFormation passes an unset
    /// parameter on as an empty string.
    pub fn new(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    /// A setting that may be absent.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// A setting that must be there; `what` says what it is for. Absent: noted, and empty here.
    pub fn required(&mut self, name: &str, what: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems
                .push(format!("{name} is not set; it gives {what}"));
            String::new()
        })
    }

    /// A setting that is read by `read`, whose error becomes a problem that names the setting.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.optional(name)?;
        match read(&value) {
            Ok(parsed) => Some(parsed),
            Err(problem) => {
                self.problems
                    .push(format!("{name} is {value:?}: {problem}"));
                None
            }
        }
    }

    /// A problem that is about more than one setting.
    pub fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    /// The settings, built by `build`, or all the problems at once.
    pub fn finish<T>(self, build: impl FnOnce() -> T) -> Result<T, SettingsError> {
        if self.problems.is_empty() {
            Ok(build())
        } else {
            Err(SettingsError {
                problems: self.problems,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "BUCKET" => Some(" reports ".into()),
            "EMPTY" => Some("  ".into()),
            "ROUNDS" => Some("many".into()),
            _ => None,
        }
    }

    #[test]
    fn values_are_trimmed_and_empty_ones_are_absent() {
        let mut reader = Reader::new(&lookup);
        assert_eq!(reader.required("BUCKET", "the report bucket"), "reports");
        assert_eq!(reader.optional("EMPTY"), None);
        assert_eq!(reader.finish(|| 1), Ok(1));
    }

    #[test]
    fn all_problems_are_told_together() {
        let mut reader = Reader::new(&lookup);
        reader.required("TOPIC", "where outcomes are published");
        let rounds: Option<u32> = reader.parsed("ROUNDS", |text| {
            text.parse()
                .map_err(|_| "expected a whole number, for example 3")
        });
        assert_eq!(rounds, None);
        let error = reader.finish(|| ()).unwrap_err();
        insta::assert_snapshot!(error, @r#"the function's settings can't be used: TOPIC is not set; it gives where outcomes are published; ROUNDS is "many": expected a whole number, for example 3"#);
    }
}
