//! Checking the input of a call the way AWS does: all violations of one call in one
//! `ValidationException`, each in the words of the service.

use serde_json::Value;

use crate::error::AwsError;

/// What a text member has to satisfy.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    min: usize,
    max: usize,
    pattern: Option<Pattern>,
    values: &'static [&'static str],
}

/// A regular expression as AWS words it, and what it means.
type Pattern = (&'static str, fn(&str) -> bool);

impl Rule {
    const fn lengths(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            pattern: None,
            values: &[],
        }
    }

    /// One of these.
    pub(super) const fn one_of(values: &'static [&'static str]) -> Self {
        Self {
            min: 0,
            max: usize::MAX,
            pattern: None,
            values,
        }
    }
}

/// Names of pipelines, stages and actions.
pub(super) const NAME: Rule = Rule {
    min: 1,
    max: 100,
    pattern: Some((r"[A-Za-z0-9.@\-_]+", |text| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || ".@-_".contains(c))
    })),
    values: &[],
};
/// Approval tokens, and ids of executions and jobs.
pub(super) const UUID: Rule = Rule {
    min: 0,
    max: usize::MAX,
    pattern: Some((
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        is_uuid,
    )),
    values: &[],
};
/// The reviewer's comment.
pub(super) const SUMMARY: Rule = Rule::lengths(0, 512);
/// Why an execution is stopped.
pub(super) const STOP_REASON: Rule = Rule::lengths(0, 200);
/// Why a transition is closed.
pub(super) const DISABLED_REASON: Rule = Rule::lengths(1, 300);
/// Anything that has to be there.
pub(super) const ANY: Rule = Rule::lengths(1, 5000);

/// The problems of one call's input.
pub(super) struct Check<'a> {
    input: &'a Value,
    problems: Vec<String>,
}

impl<'a> Check<'a> {
    pub(super) fn of(input: &'a Value) -> Self {
        Self {
            input,
            problems: Vec::new(),
        }
    }

    /// A text that has to be there. Empty when it is not; `done` then refuses the call.
    pub(super) fn text(&mut self, path: &str, rule: Rule) -> &'a str {
        let found = self.optional(path, rule);
        if found.is_none() {
            self.missing(path);
        }
        found.unwrap_or_default()
    }

    /// A text that may be left out.
    pub(super) fn optional(&mut self, path: &str, rule: Rule) -> Option<&'a str> {
        let text = at(self.input, path)?.as_str()?;
        for constraint in broken(text, rule) {
            self.problem(text, path, &constraint);
        }
        Some(text)
    }

    /// A number between 1 and 100 that may be left out: how many a page holds.
    pub(super) fn page(&mut self, path: &str) -> usize {
        let Some(given) = at(self.input, path).and_then(Value::as_i64) else {
            return 100;
        };
        if given < 1 {
            self.problem(
                &given.to_string(),
                path,
                "Member must have value greater than or equal to 1",
            );
        } else if given > 100 {
            self.problem(
                &given.to_string(),
                path,
                "Member must have value less than or equal to 100",
            );
        }
        usize::try_from(given).unwrap_or(1)
    }

    /// A violation in the words of the service.
    pub(super) fn problem(&mut self, value: &str, path: &str, constraint: &str) {
        self.problems.push(format!(
            "Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        ));
    }

    fn missing(&mut self, path: &str) {
        self.problems.push(format!(
            "Value null at '{path}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// Refuses the call when anything was wrong.
    pub(super) fn done(self) -> Result<(), AwsError> {
        match self.problems.len() {
            0 => Ok(()),
            1 => Err(validation(format!(
                "1 validation error detected: {}",
                self.problems[0]
            ))),
            n => Err(validation(format!(
                "{n} validation errors detected: {}",
                self.problems.join("; ")
            ))),
        }
    }
}

/// A `ValidationException` with these words.
pub(super) fn validation(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

/// The member at a dotted path, when it is there and not null.
fn at<'a>(input: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(input, |value, name| value.get(name))
        .filter(|value| !value.is_null())
}

fn broken(text: &str, rule: Rule) -> Vec<String> {
    let mut broken = Vec::new();
    let length = text.chars().count();
    if length < rule.min {
        broken.push(format!(
            "Member must have length greater than or equal to {}",
            rule.min
        ));
    }
    if length > rule.max {
        broken.push(format!(
            "Member must have length less than or equal to {}",
            rule.max
        ));
    }
    if let Some((pattern, _)) = rule.pattern.filter(|(_, holds)| !holds(text)) {
        broken.push(format!(
            "Member must satisfy regular expression pattern: {pattern}"
        ));
    }
    if !rule.values.is_empty() && !rule.values.contains(&text) {
        broken.push(format!(
            "Member must satisfy enum value set: [{}]",
            rule.values.join(", ")
        ));
    }
    broken
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = |group: &str| {
        group
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| hex(group))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_violations_of_a_call_are_told_at_once() {
        let input = json!({
            "pipelineName": "a b", "result": { "summary": "x".repeat(513), "status": "Perhaps" },
        });
        let mut check = Check::of(&input);
        check.text("pipelineName", NAME);
        check.text("token", UUID);
        check.text("result.status", Rule::one_of(&["Approved", "Rejected"]));
        check.text("result.summary", SUMMARY);
        let error = check.done().unwrap_err();
        assert_eq!(error.code, "ValidationException");
        let message = error.message.replace(&"x".repeat(513), "xxx");
        assert_eq!(
            message,
            "4 validation errors detected: Value 'a b' at 'pipelineName' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+; Value \
             null at 'token' failed to satisfy constraint: Member must not be null; Value 'Perhaps' \
             at 'result.status' failed to satisfy constraint: Member must satisfy enum value set: \
             [Approved, Rejected]; Value 'xxx' at 'result.summary' failed to satisfy constraint: \
             Member must have length less than or equal to 512"
        );
    }

    #[test]
    fn a_summary_counts_characters_and_may_be_empty() {
        for (summary, fine) in [
            ("", true),
            (&"ä".repeat(512), true),
            (&"ä".repeat(513), false),
        ] {
            let input = json!({ "summary": summary });
            let mut check = Check::of(&input);
            check.text("summary", SUMMARY);
            assert_eq!(check.done().is_ok(), fine, "{}", summary.len());
        }
    }

    #[test]
    fn a_uuid_is_lower_case() {
        assert!(is_uuid("0c35520a-b7e6-403d-ba3f-e02120b524c3"));
        assert!(!is_uuid("0C35520A-b7e6-403d-ba3f-e02120b524c3"));
        assert!(!is_uuid("0c35520ab7e6403dba3fe02120b524c3"));
    }
}
