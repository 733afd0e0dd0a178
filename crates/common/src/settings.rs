//! Settings come through a lookup function, so that reading them is tested without touching the
//! environment. All problems are reported at once: nobody should fix a stack one variable at a time.

use std::fmt;

use jiff::SignedDuration;
use strict_yaml::SecretRef;
use url::Url;

use crate::arn::Arn;
use crate::location::Location;
pub use crate::lookup::Lookup;

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

    /// A setting that says where a file is kept; relative files lie in the function's package.
    pub fn location(&mut self, name: &str) -> Option<Location> {
        let root = self.optional("LAMBDA_TASK_ROOT");
        let root = root.unwrap_or_else(|| ".".to_owned());
        self.parsed(name, |text| Location::parse(text, &root))
    }

    /// A setting that says where a secret is kept; `what` is the secret. The value is not quoted in a problem:
    /// somebody may have written the secret itself.
    pub fn secret(&mut self, name: &str, what: &str) -> Option<SecretRef> {
        let text = self.optional(name)?;
        let reference = SecretRef::parse(&text);
        if reference.is_none() {
            self.problem(format!(
                "{name} must say where {what} is kept, and not what it is: {}",
                SecretRef::SECRET_FORMS
            ));
        }
        reference
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

/// For [`Reader::parsed`]: `true` or `false`, in any case of letters.
pub fn boolean(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected true or false"),
    }
}

/// For [`Reader::parsed`]: a number of days.
pub fn days(text: &str) -> Result<SignedDuration, &'static str> {
    match text.parse::<u16>() {
        Ok(days) if days > 0 => Ok(SignedDuration::from_hours(i64::from(days) * 24)),
        _ => Err("expected a number of days, 1 to 65535"),
    }
}

/// For [`Reader::parsed`]: the ARN of an SNS topic.
pub fn topic_arn(text: &str) -> Result<String, &'static str> {
    match Arn::parse(text) {
        Some(arn) if arn.service == "sns" && !arn.resource.is_empty() => Ok(text.to_owned()),
        _ => Err("expected the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME"),
    }
}

/// For [`Reader::parsed`]: an https address without a slash at its end; http only where `private` addresses
/// are allowed, as in a local AWS.
pub fn https_address(text: &str, private: bool) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected an https address without a query, https://HOST/PATH";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let scheme = url.scheme() == "https" || private && url.scheme() == "http";
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if scheme && plain && url.host().is_some() {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(EXPECTED)
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
