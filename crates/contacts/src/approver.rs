//! Who may decide, by an id that its owner can't change. A display name is never one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::forms;

/// Who may decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Approver {
    /// `slack:TEAM/USER`
    Slack {
        /// The workspace's id, `T…` (or `E…`, an organisation's).
        team: String,
        /// The member's id, `U…` or `W…`.
        user: String,
    },
    /// `email:ADDRESS`, in lower case: whoever reads that mailbox, by a link of their own.
    Email(String),
    /// `link:CHANNEL`: whoever holds the link that this channel was sent. Identifies nobody.
    Link(String),
}

/// The text names no approver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write slack:T…/U…, email:name@example.com or link:CHANNEL")]
pub struct NotAnApprover;

impl Approver {
    /// Whether the id stands for one person. A link that a whole channel sees does not.
    pub fn identifies(&self) -> bool {
        !matches!(self, Self::Link(_))
    }
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slack { team, user } => write!(f, "slack:{team}/{user}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Link(channel) => write!(f, "link:{channel}"),
        }
    }
}

impl FromStr for Approver {
    type Err = NotAnApprover;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(':').ok_or(NotAnApprover)?;
        match kind {
            "slack" => {
                let (team, user) = id.split_once('/').ok_or(NotAnApprover)?;
                let right = forms::is_slack_id(team, "TE") && forms::is_slack_id(user, "UW");
                right.then(|| Self::Slack {
                    team: team.to_owned(),
                    user: user.to_owned(),
                })
            }
            "email" => forms::is_email(id).then(|| Self::Email(id.to_ascii_lowercase())),
            "link" => forms::is_label(id).then(|| Self::Link(id.to_owned())),
            _ => None,
        }
        .ok_or(NotAnApprover)
    }
}

impl TryFrom<String> for Approver {
    type Error = NotAnApprover;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Approver> for String {
    fn from(approver: Approver) -> Self {
        approver.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approver_is_told_as_it_was_written() {
        for text in [
            "slack:T0123ABCD/U0123ABCD",
            "slack:E0123ABCD/W0123ABCD",
            "email:lead@example.com",
            "link:teams",
        ] {
            let approver: Approver = text.parse().unwrap();
            assert_eq!(approver.to_string(), text);
            let json = serde_json::to_string(&approver).unwrap();
            assert_eq!(serde_json::from_str::<Approver>(&json).unwrap(), approver);
        }
        let shouted: Approver = "email:Lead@Example.COM".parse().unwrap();
        assert_eq!(shouted.to_string(), "email:lead@example.com");
    }

    #[test]
    fn names_and_halves_of_ids_are_no_approvers() {
        for text in [
            "",
            "lead",
            "slack:lead",
            "slack:U0123ABCD",
            "slack:T0123ABCD/lead",
            "slack:U0123ABCD/T0123ABCD",
            "slack:T0123ABCD/U0123ABCD/x",
            "slack:t0123abcd/u0123abcd",
            "Slack:T0123ABCD/U0123ABCD",
            "email:",
            "email:lead",
            "email:a@b@c",
            "email:a b@example.com",
            "email:*@example.com",
            "link:",
            "link:a b",
            "link:a#b",
        ] {
            assert_eq!(text.parse::<Approver>(), Err(NotAnApprover), "{text:?}");
        }
    }
}
