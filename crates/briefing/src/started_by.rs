//! Who or what started an execution. Pure.

use ::text::clean;
use approvals::Starter;
use aws_sdk_codepipeline::types::ExecutionTrigger;
use common::arn::Arn;

use crate::text;

/// The longest ARN of IAM, with room; a policy compares it, so that it isn't cut in practice.
const MAX_DETAIL_CHARS: usize = 1_024;
const MAX_NAME_CHARS: usize = 128;

/// The starter of an execution; none if AWS does not say.
pub(crate) fn of(trigger: &ExecutionTrigger) -> Option<Starter> {
    let kind = trigger.trigger_type().map_or("", |kind| kind.as_str());
    let detail = trigger.trigger_detail().unwrap_or_default();
    if kind.is_empty() && detail.is_empty() {
        return None;
    }
    Some(Starter {
        trigger: text::line(kind, MAX_NAME_CHARS),
        // A policy compares it: whoever shows it masks it.
        detail: clean::short(detail, MAX_DETAIL_CHARS),
        name: text::line(name(detail), MAX_NAME_CHARS),
    })
}

/// The readable end of an ARN: a user's, session's, rule's or webhook's name; other text as it is.
fn name(detail: &str) -> &str {
    let detail = detail.trim();
    let resource = Arn::parse(detail).map_or("", |arn| arn.resource);
    let end = resource.rsplit(['/', ':']).next().unwrap_or_default();
    if end.is_empty() { detail } else { end }
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::types::TriggerType;

    use super::*;

    #[test]
    fn an_arn_has_a_readable_end() {
        for (arn, expected) in [
            (
                "arn:aws:iam::111122223333:user/teams/shop/release-manager",
                "release-manager",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/Deployer/U0123",
                "U0123",
            ),
            ("arn:aws:iam::111122223333:root", "root"),
            (
                "arn:aws:events:eu-central-1:111122223333:rule/on-push",
                "on-push",
            ),
            (
                "arn:aws:codepipeline:eu-central-1:111122223333:webhook:on-push",
                "on-push",
            ),
            (
                "arn:aws-cn:iam::111122223333:user/",
                "arn:aws-cn:iam::111122223333:user/",
            ),
            ("arn:aws", "arn:aws"),
            ("PollForSourceChanges", "PollForSourceChanges"),
            ("", ""),
        ] {
            assert_eq!(name(arn), expected, "{arn}");
        }
    }

    #[test]
    fn a_trigger_that_says_nothing_is_none() {
        assert_eq!(of(&ExecutionTrigger::builder().build()), None);
        let trigger = ExecutionTrigger::builder()
            .trigger_type(TriggerType::from("NewKind"))
            .build();
        assert_eq!(of(&trigger).unwrap().trigger, "NewKind");
    }
}
