//! The summary that stands in `CodePipeline` beside the decision: who first, then what they said.

use text::clean;

use crate::records::Decision;
use ledger::Actor;

/// AWS's limit for a summary. It speaks of characters; bytes are never more than it means.
/// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ApprovalResult.html>
pub(super) const SUMMARY_LIMIT: usize = 512;

/// `Approved by A (slack:T/U): comment`, within AWS's limit, cut on a character boundary.
pub(super) fn summary(decision: Decision, by: &[Actor], comment: Option<&str>) -> String {
    let mut text = format!("{} by {}", decision.past(), names(by));
    if let Some(comment) = comment {
        text.push_str(": ");
        text.push_str(comment);
    }
    one_line(&text, SUMMARY_LIMIT)
}

/// Names, as a list for people.
pub(super) fn names(by: &[Actor]) -> String {
    let names: Vec<String> = by.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// `text` in one line of what can be seen, within `limit` bytes.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    const ELLIPSIS: &str = "…";
    let plain = clean::line(text);
    if plain.len() <= limit {
        return plain;
    }
    let end = plain.floor_char_boundary(limit - ELLIPSIS.len());
    format!("{}{ELLIPSIS}", plain[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voter(name: &str, identified: bool) -> Actor {
        Actor {
            approver: "slack:T0123/U0123".into(),
            name: name.into(),
            identified,
        }
    }

    #[test]
    fn who_stands_first() {
        let said = |by: &[Actor], comment| summary(Decision::Approve, by, comment);
        insta::assert_snapshot!(said(&[voter("Release manager", true)], Some("looks\ngood")), @"Approved by Release manager (slack:T0123/U0123): looks good");
        insta::assert_snapshot!(said(&[voter("a", false)], None), @"Approved by the holder of the link of slack:T0123/U0123");
        insta::assert_snapshot!(said(&[voter("", true), voter("B", true)], None), @"Approved by slack:T0123/U0123, B (slack:T0123/U0123)");
    }

    proptest::proptest! {
        #[test]
        fn a_summary_fits_and_begins_with_who(comment in "(?s).{0,900}", name in "\\PC{0,20}") {
            let text = summary(Decision::Reject, &[voter(&name, true)], Some(&comment));
            proptest::prop_assert!(text.len() <= SUMMARY_LIMIT);
            proptest::prop_assert!(text.starts_with("Rejected by "));
            proptest::prop_assert!(text.contains("slack:T0123/U0123"));
            proptest::prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
