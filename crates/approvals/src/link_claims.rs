//! The links of a case: each says for whom it is and what it may do.

use contacts::Approver;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;
use signing::link::SignedLink;

use crate::{Case, CaseId};

/// A link lives so long where it is not known when the approval ends.
pub const MAX_LINK_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Who takes the links of a stack: its decision function. The stack is told by its state table, which
/// both functions know, so that neither needs a setting that could differ.
pub fn audience(state_table: &str) -> String {
    format!("deploy-hooks/decision/{state_table}")
}

/// What a link may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Show the briefing and nothing else.
    View,
    /// Show it, and say yes.
    Approve,
    /// Show it, and say no.
    Reject,
}

/// What a link says; short names, as it stands in a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkClaims {
    /// The case.
    pub case: CaseId,
    /// Whose link it is.
    #[serde(rename = "by")]
    pub approver: Approver,
    /// What it may do.
    #[serde(rename = "act")]
    pub action: LinkAction,
    /// Its number; used once.
    pub jti: String,
}

/// A link of a case.
pub type Link = SignedLink<LinkClaims>;

/// The link of `approver` for `case`. There is one for each action, whichever message it is in, so that it
/// counts once even if it is sent again; it ends with the approval.
pub fn link(audience: &str, case: &Case, approver: &Approver, action: LinkAction) -> Link {
    let longest = case.asked_at.saturating_add(MAX_LINK_LIFE);
    let expires = case.expires.or(longest.ok()).unwrap_or(Timestamp::MAX);
    let number = OpaqueId::of(&[
        "deploy-hooks link",
        audience,
        case.id.as_str(),
        &approver.to_string(),
        word(action),
    ]);
    SignedLink {
        audience: audience.to_owned(),
        claims: LinkClaims {
            case: case.id.clone(),
            approver: approver.clone(),
            action,
            jti: number.to_string(),
        },
        expires: Timestamp::from_second(expires.as_second())
            .expect("a timestamp's own seconds make a timestamp"),
    }
}

fn word(action: LinkAction) -> &'static str {
    match action {
        LinkAction::View => "view",
        LinkAction::Approve => "approve",
        LinkAction::Reject => "reject",
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
