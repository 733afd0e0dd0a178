//! What an approval action's owner says with it, as `CodePipeline` has it. The message that an approval
//! waits says it too, and can be written by anybody who may publish to its topic.

use std::collections::HashMap;

use aws_sdk_codepipeline::types::ActionExecutionDetail;
use common::aws::Aws;
use text::mask::Masker;

use super::calls::{self, timestamp};
use super::{PipelineError, every_action_of};
use crate::message::external_link;
use crate::{ApprovalAction, Token, redact};

/// Characters of a comment; `CodePipeline` allows 1,000.
const MAX_COMMENT_CHARS: usize = 2_000;
/// What an approval action may be configured with. One that tells a topic has at least the first.
/// <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Manual-approval.html>
const CONFIGURATION_KEYS: [&str; 3] = ["NotificationArn", "CustomData", "ExternalEntityLink"];

/// The comment and the link of an approval action, fit to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerNote {
    /// The comment.
    pub comment: Option<String>,
    /// The link, as text: it need not be one that may be opened.
    pub external_link: Option<String>,
}

/// The owner's words, variables resolved; none where `CodePipeline` shows no configuration of the action.
pub async fn owner_note(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    token: &Token,
) -> Result<Option<OwnerNote>, PipelineError> {
    let details = every_action_of(aws, &action.pipeline, execution_id).await?;
    Ok(words(&details, action, token))
}

/// Pure: those of the newest run of the action.
fn words(
    details: &[ActionExecutionDetail],
    action: &ApprovalAction,
    token: &Token,
) -> Option<OwnerNote> {
    let own = details.iter().filter(|detail| calls::is_of(detail, action));
    let newest = own.max_by_key(|detail| detail.start_time().and_then(timestamp))?;
    let input = newest.input()?;
    let written = input.configuration();
    let known = |words: &HashMap<String, String>| {
        CONFIGURATION_KEYS
            .iter()
            .any(|key| words.contains_key(*key))
    };
    let resolved = input.resolved_configuration().filter(|words| known(words));
    // Without its variables a text says something else.
    let whole = |words: &HashMap<String, String>| !words.values().any(|text| text.contains("#{"));
    let words = resolved.or(written.filter(|words| known(words) && whole(words)))?;
    let masker = Masker::new().value(token.reveal());
    let text = |key| {
        words
            .get(key)
            .filter(|text: &&String| !text.trim().is_empty())
    };
    Some(OwnerNote {
        comment: text("CustomData")
            .map(|text| redact::prose_with(&masker, text, MAX_COMMENT_CHARS)),
        external_link: text("ExternalEntityLink").map(|link| external_link(&masker, link)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_codepipeline::primitives::DateTime;
    use aws_sdk_codepipeline::types::ActionExecutionInput;

    const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    fn run(at: i64, written: &[(&str, &str)], resolved: &[(&str, &str)]) -> ActionExecutionDetail {
        let input = ActionExecutionInput::builder()
            .set_configuration(Some(map(written)))
            .set_resolved_configuration(Some(map(resolved)));
        ActionExecutionDetail::builder()
            .stage_name("Production")
            .action_name("Approve")
            .start_time(DateTime::from_secs(at))
            .input(input.build())
            .build()
    }

    fn told(details: &[ActionExecutionDetail]) -> Option<OwnerNote> {
        words(details, &ApprovalAction::sample(), &Token::new(TOKEN))
    }

    #[test]
    fn the_newest_run_counts_with_its_variables() {
        let old = run(1, &[], &[("CustomData", "old")]);
        let new = run(
            2,
            &[("CustomData", "release #{variables.X}")],
            &[
                ("CustomData", "release 2"),
                ("ExternalEntityLink", "https://x.example/"),
            ],
        );
        let words = told(&[old, new]).unwrap();
        assert_eq!(words.comment.as_deref(), Some("release 2"));
        assert_eq!(words.external_link.as_deref(), Some("https://x.example/"));
    }

    #[test]
    fn what_is_not_known_is_none_and_no_token_is_in_it() {
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[run(1, &[], &[])]), None);
        assert_eq!(
            told(&[run(1, &[("CustomData", "a #{variables.X}")], &[])]),
            None
        );
        let silent = told(&[run(1, &[("NotificationArn", "arn:x")], &[])]);
        assert_eq!(silent, Some(OwnerNote::default()));
        let link = format!("https://x.example/approve/{TOKEN}");
        let words = told(&[run(
            1,
            &[
                ("CustomData", &format!("see {TOKEN}")),
                ("ExternalEntityLink", &link),
            ],
            &[],
        )]);
        assert!(!format!("{words:?}").contains(TOKEN));
    }
}
