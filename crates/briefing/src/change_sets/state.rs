//! Whether a change set can be carried out. Pure. `DescribeChangeSet` lists resources only: one without any
//! may change outputs, parameters, tags, conditions or metadata, or nothing at all.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>

use approvals::SetState;
use common::cloud_formation::ChangeSetPage;

use crate::text;

/// Characters of AWS's reason.
pub(super) const MAX_REASON_CHARS: usize = 300;

/// How `CloudFormation` says that nothing differs: there is no code for it.
const EMPTY_REASONS: [&str; 3] = [
    "didn't contain changes",
    "no updates are to be performed",
    "there are no changes",
];

/// The state, and what AWS says about it.
pub(super) fn of(answer: &ChangeSetPage) -> (SetState, Option<String>) {
    let reason = answer.status_reason.as_deref().unwrap_or_default();
    let shown = text::some_line(Some(reason), MAX_REASON_CHARS);
    let status = answer.status.as_deref();
    let execution_status = answer.execution_status.as_deref();
    let failed = status == Some("FAILED");
    // Apostrophes are typographic at times.
    let lower = reason.to_lowercase().replace('\u{2019}', "'");
    if failed && EMPTY_REASONS.iter().any(|words| lower.contains(words)) {
        return (SetState::Empty, shown);
    }
    let state = match (status, execution_status) {
        (Some("FAILED"), _) | (_, Some("UNAVAILABLE" | "OBSOLETE")) => SetState::Unavailable,
        (_, Some("AVAILABLE")) => SetState::Executable,
        _ => SetState::Unknown,
    };
    let shown = shown.or_else(|| {
        let words: Vec<&str> = status.into_iter().chain(execution_status).collect();
        (state == SetState::Unavailable).then(|| text::line(&words.join(", "), MAX_REASON_CHARS))
    });
    (state, shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(
        status: &str,
        execution: Option<&str>,
        reason: Option<&str>,
    ) -> (SetState, Option<String>) {
        of(&ChangeSetPage {
            status: Some(status.to_owned()),
            execution_status: execution.map(str::to_owned),
            status_reason: reason.map(str::to_owned),
            ..ChangeSetPage::default()
        })
    }

    #[test]
    fn what_can_be_carried_out_is_kept_apart_from_what_is_empty_or_broken() {
        let empty = "The submitted information didn't contain changes. Submit different information to create a change set.";
        for (given, state) in [
            (
                state_of("CREATE_COMPLETE", Some("AVAILABLE"), None),
                SetState::Executable,
            ),
            (
                state_of("FAILED", Some("UNAVAILABLE"), Some(empty)),
                SetState::Empty,
            ),
            (
                state_of(
                    "FAILED",
                    Some("UNAVAILABLE"),
                    Some("No updates are to be performed."),
                ),
                SetState::Empty,
            ),
            (
                state_of(
                    "FAILED",
                    Some("UNAVAILABLE"),
                    Some("The submitted information didn\u{2019}t contain changes."),
                ),
                SetState::Empty,
            ),
            (
                state_of(
                    "FAILED",
                    Some("UNAVAILABLE"),
                    Some("Requires capabilities : [CAPABILITY_IAM]"),
                ),
                SetState::Unavailable,
            ),
            (
                state_of("CREATE_COMPLETE", Some("OBSOLETE"), None),
                SetState::Unavailable,
            ),
            (
                state_of("CREATE_PENDING", Some("UNAVAILABLE"), None),
                SetState::Unavailable,
            ),
            (state_of("CREATE_COMPLETE", None, None), SetState::Unknown),
            (
                state_of("CREATE_COMPLETE", Some("A_NEW_WORD"), None),
                SetState::Unknown,
            ),
        ] {
            assert_eq!(given.0, state, "{given:?}");
        }
        assert_eq!(
            state_of("CREATE_COMPLETE", Some("OBSOLETE"), None)
                .1
                .as_deref(),
            Some("CREATE_COMPLETE, OBSOLETE")
        );
        assert_eq!(
            state_of(
                "FAILED",
                None,
                Some("a token 0c35520a-b7e6-403d-ba3f-e02120b524c3")
            )
            .1
            .as_deref(),
            Some("a token ***")
        );
    }
}
