//! What a decision is bound to. Pure.
//!
//! The digest is over what AWS said: it depends neither on what there was room for, nor on the order of
//! answers. What could not be looked up when the message was sent is named, and left out then and at
//! decision time: nobody was shown it. A yes is possible without the revisions, but not without the rest;
//! a no is possible without any of it.

use approvals::{ApprovalAction, ShownDigest};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::change_sets::{ChangeSetRef, Content, FoundChangeSet};

/// The execution itself is not known.
pub(crate) const EXECUTION: &str = "execution";
/// Its revisions are not known.
pub(crate) use approvals::decide::UNKNOWN_REVISIONS;
/// Which change sets it made is not known.
pub(crate) const CHANGE_SETS: &str = "change sets";

/// The version of the digest's form.
const FORMAT: u32 = 1;

/// Nothing but that it is a change set of the execution is known of it.
pub(crate) fn whole_set(reference: &ChangeSetRef) -> String {
    reference.label()
}

/// Its ARN is known, but not all of its changes.
pub(crate) fn content_of(reference: &ChangeSetRef) -> String {
    format!("changes of {}", reference.label())
}

/// How many change sets were not read.
fn beyond(more: usize) -> String {
    format!("{more} more change sets")
}

/// Name and id of each artifact, as AWS has them.
pub(crate) type Revisions = Vec<(String, String)>;

/// What AWS said.
pub(crate) struct DigestInput<'a> {
    pub(crate) action: &'a ApprovalAction,
    pub(crate) execution_id: &'a str,
    pub(crate) revisions: Option<Revisions>,
    /// The change sets in the order of the actions.
    pub(crate) sets: Option<&'a [FoundChangeSet]>,
    /// How many more there are than are looked at.
    pub(crate) more: usize,
}

/// Where there is no execution to look at.
pub(crate) fn nothing() -> ShownDigest {
    ShownDigest {
        digest: String::new(),
        change_sets: Vec::new(),
        unknown: vec![EXECUTION.to_owned()],
    }
}

impl DigestInput<'_> {
    /// What was shown, with what is unknown left out and named.
    pub(crate) fn shown(&self) -> ShownDigest {
        let mut unknown = Vec::new();
        let revisions = self.revisions.clone().map(|mut revisions| {
            revisions.sort_unstable();
            revisions
        });
        if revisions.is_none() {
            unknown.push(UNKNOWN_REVISIONS.to_owned());
        }
        if self.sets.is_none() {
            unknown.push(CHANGE_SETS.to_owned());
        }
        let sets = self.sets.unwrap_or_default();
        let parts: Vec<Value> = sets.iter().map(|set| part(set, &mut unknown)).collect();
        if self.more > 0 {
            unknown.push(beyond(self.more));
        }
        let whole = json!({
            "format": FORMAT,
            "action": [self.action.pipeline, self.action.stage, self.action.action],
            "execution": self.execution_id,
            "revisions": revisions,
            "change_sets": self.sets.map(|_| parts),
        });
        ShownDigest {
            digest: HEXLOWER.encode(&Sha256::digest(whole.to_string().as_bytes())),
            change_sets: sets.iter().filter_map(|set| set.id.clone()).collect(),
            unknown,
        }
    }
}

fn part(set: &FoundChangeSet, unknown: &mut Vec<String>) -> Value {
    let content = match (&set.id, &set.content) {
        (None, _) => {
            unknown.push(whole_set(&set.reference));
            Value::Null
        }
        (Some(_), None) => {
            unknown.push(content_of(&set.reference));
            Value::Null
        }
        (Some(_), Some(Content::TooMany)) => Value::from("too many"),
        (Some(_), Some(Content::Changes(hashes))) => {
            let mut hash = Sha256::new();
            for one in hashes {
                hash.update(one);
            }
            Value::from(HEXLOWER.encode(&hash.finalize()))
        }
    };
    json!([set.reference.stack, set.reference.name, set.id, content])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(stack: &str, content: Option<Content>) -> FoundChangeSet {
        let reference = ChangeSetRef {
            stack: stack.into(),
            name: "release".into(),
            region: None,
            account: None,
        };
        FoundChangeSet {
            id: Some(format!("arn:{stack}")),
            content,
            ..FoundChangeSet::unread(reference)
        }
    }

    fn shown(revisions: Option<&[(&str, &str)]>, sets: Option<&[FoundChangeSet]>) -> ShownDigest {
        let action = test_support::approvals::action();
        let own = |pairs: &[(&str, &str)]| {
            let own = |(name, id): &(&str, &str)| ((*name).to_owned(), (*id).to_owned());
            pairs.iter().map(own).collect()
        };
        DigestInput {
            action: &action,
            execution_id: "e-1",
            revisions: revisions.map(own),
            sets,
            more: 0,
        }
        .shown()
    }

    const REVISION: &[(&str, &str)] = &[("Code", "1a"), ("Image", "sha256:b")];

    #[test]
    fn anything_that_changes_changes_the_digest() {
        let one = found("shop", Some(Content::Changes(vec![[1; 32]])));
        let base = shown(Some(REVISION), Some(std::slice::from_ref(&one)));
        assert!(base.unknown.is_empty());
        assert_eq!(base.digest.len(), 64);
        assert_eq!(base.change_sets, ["arn:shop"]);
        let mut other_id = one.clone();
        other_id.id = Some("arn:other".into());
        let fewer = found("shop", Some(Content::Changes(Vec::new())));
        for changed in [
            shown(Some(&REVISION[..1]), Some(std::slice::from_ref(&one))),
            shown(Some(REVISION), Some(&[])),
            shown(Some(REVISION), Some(&[other_id])),
            shown(Some(REVISION), Some(&[fewer])),
            shown(Some(REVISION), Some(&[one.clone(), one.clone()])),
            shown(
                Some(REVISION),
                Some(&[found("shop", Some(Content::TooMany))]),
            ),
            shown(Some(REVISION), Some(&[found("shop", None)])),
            shown(None, Some(&[one])),
            shown(Some(REVISION), None),
        ] {
            assert_ne!(changed.digest, base.digest, "{changed:?}");
        }
    }

    #[test]
    fn the_order_of_revisions_is_nothing() {
        let turned = [REVISION[1], REVISION[0]];
        assert_eq!(
            shown(Some(REVISION), Some(&[])),
            shown(Some(&turned), Some(&[]))
        );
    }

    #[test]
    fn what_is_unknown_is_named() {
        let mut lost = found("lost", None);
        lost.id = None;
        let partly = shown(None, Some(&[found("shop", None), lost]));
        assert_eq!(
            partly.unknown,
            [
                "revisions",
                "changes of change set release of stack shop",
                "change set release of stack lost",
            ]
        );
        assert_eq!(shown(Some(&[]), None).unknown, ["change sets"]);
        assert_eq!(nothing().unknown, ["execution"]);
    }
}
