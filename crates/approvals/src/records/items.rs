//! The items about a decision. People are named by immutable ids as text: `slack:T0123/U0123`,
//! `email:lead@example.com`, `link:teams`.

use std::fmt;

use jiff::Timestamp;
use ledger::{Actor, Via};
use serde::{Deserialize, Serialize};

use crate::ActionState;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

impl Decision {
    /// `Approved` or `Rejected`.
    pub fn past(self) -> &'static str {
        match self {
            Self::Approve => "Approved",
            Self::Reject => "Rejected",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        })
    }
}

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose.
    pub voter: Actor,
    /// What they said about it.
    pub comment: Option<String>,
    /// How it came.
    pub via: Via,
    /// The click that brought it.
    pub click: String,
    /// When.
    pub at: Timestamp,
    /// When the same person said no after it: then it no longer counts.
    pub withdrawn: Option<Timestamp>,
}

/// The one use of a link: what it said is what counts, however often it is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUse {
    /// Whose link.
    pub voter: Actor,
    /// What it says.
    pub decision: Decision,
    /// The comment of the first use.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What is going to be told to `CodePipeline`: written before the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The click that completed it.
    pub click: String,
    /// Yes or no.
    pub decision: Decision,
    /// Whose decision: all who voted, or who said no.
    pub by: Vec<Actor>,
    /// What was said about it.
    pub comment: Option<String>,
    /// The summary for `CodePipeline`, letter by letter: by it a decision is recognised as this one.
    pub summary: String,
    /// The execution it is about.
    pub execution_id: String,
    /// When it was written.
    pub at: Timestamp,
    /// Why it no longer stands, if it never took effect.
    pub withdrawn: Option<String>,
}

/// What became of a case: written after it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What `CodePipeline` says.
    #[serde(rename = "truth")]
    pub action_state: ActionState,
    /// The click of the intent that brought it about; none: it was decided elsewhere, or by time.
    pub click: Option<String>,
    /// When it was written.
    pub at: Timestamp,
}

/// The decision about a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// What was going to be told. The last one counts, unless it was withdrawn.
    pub intents: Vec<Intent>,
    /// What became of it.
    pub outcome: Option<Outcome>,
}

impl DecisionRecord {
    /// The intent that stands.
    pub fn standing(&self) -> Option<&Intent> {
        self.intents
            .last()
            .filter(|intent| intent.withdrawn.is_none())
    }

    /// The intent that brought the outcome about.
    pub fn decisive(&self) -> Option<&Intent> {
        let click = self.outcome.as_ref()?.click.as_ref()?;
        self.intents.iter().rfind(|intent| intent.click == *click)
    }
}
