//! A question that waits for its answer, as it goes from one invocation to the next, and what became of it.

use gate::{Outcome, Stage};
use jiff::Timestamp;
use signing::OpaqueId;

use crate::facts::Facts;

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingQuestion {
    /// The question, which is the id of the approvals' case.
    pub(crate) question: OpaqueId,
    /// Until when answers are taken.
    pub(crate) expires: Timestamp,
    /// What was shown.
    pub(super) measurements: OpaqueId,
}

impl PendingQuestion {
    pub(crate) fn encode(&self) -> String {
        let expires = self.expires.as_second();
        format!("ask.1.{}.{expires}.{}", self.question, self.measurements)
    }

    /// What [`PendingQuestion::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("ask.1.")?.split('.');
        let question = OpaqueId::try_from(parts.next()?.to_owned()).ok()?;
        let expires = Timestamp::from_second(parts.next()?.parse().ok()?).ok()?;
        let measurements = OpaqueId::try_from(parts.next()?.to_owned()).ok()?;
        parts.next().is_none().then_some(Self {
            question,
            expires,
            measurements,
        })
    }

    /// When the gate gives up.
    pub(crate) fn closes(&self) -> Timestamp {
        self.expires
            .saturating_add(gate_question::ANSWER_GRACE)
            .unwrap_or(self.expires)
    }

    /// The end of a wait that can't go on.
    pub(crate) fn ended(&self, stage: Stage, reason: String) -> QuestionResult {
        let reasons = vec![
            "the evidence is not enough, and the wait for people's answer could not go on"
                .to_owned(),
            reason,
        ];
        let outcome = Outcome::refused("", stage, Facts::new(), reasons);
        QuestionResult {
            outcome,
            facts: Facts::new(),
            question: self.question.clone(),
            people: PeopleAnswer::Unanswered,
            left_open: Some(self.clone()),
        }
    }
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeopleAnswer {
    Approved,
    Rejected,
    Unanswered,
}

impl PeopleAnswer {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Unanswered => "unanswered",
        }
    }
}

/// The end of a question.
#[derive(Debug, Clone)]
pub(crate) struct QuestionResult {
    pub(crate) outcome: Outcome,
    /// What was known of the target when people were asked.
    pub(crate) facts: Facts,
    pub(crate) question: OpaqueId,
    pub(crate) people: PeopleAnswer,
    /// The question, where it would go on taking answers.
    pub(crate) left_open: Option<PendingQuestion>,
}
