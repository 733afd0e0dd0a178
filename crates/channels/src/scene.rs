//! What is to be told, independent of where: an occasion, the case that it is about, and the links that
//! this reader gets. Rendering is a pure function of a scene; nothing here may look at a clock.

use approvals::{Case, ExecutionOutcome, Truth};
use jiff::Timestamp;

/// Why people are told something.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    /// A case waits, told for the first time.
    Ask,
    /// It still waits.
    Reminder {
        /// The first reminder is number 1.
        number: u32,
    },
    /// It waits, and others are told because nobody has decided.
    Escalation,
    /// It waits no longer.
    Decided {
        /// What became of it.
        truth: &'a Truth,
        /// The name of whoever decided, where it is known better than `truth` has it.
        who: Option<&'a str>,
        /// What they said with it.
        comment: Option<&'a str>,
    },
    /// What became of the release after the decision.
    Outcome(&'a ExecutionOutcome),
    /// Something else that arrived and is passed on.
    Plain(&'a PlainText),
    /// Whether a channel works.
    Test,
}

impl Occasion<'_> {
    /// Its name in records, in `webhook-id` and in the machine format.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Reminder { .. } => "reminder",
            Self::Escalation => "escalation",
            Self::Decided { .. } => "decided",
            Self::Outcome(_) => "outcome",
            Self::Plain(_) => "plain",
            Self::Test => "test",
        }
    }
}

/// A message that is none of ours and is passed on as it is, redacted by whoever read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlainText {
    /// One line.
    pub title: String,
    /// Any number of lines.
    pub text: String,
    /// Where to read more; anything but https is left out.
    pub link: Option<String>,
}

/// Links that lead to the decision page. They are this reader's own: who opens them is taken for
/// whoever they were made for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The page that shows all of the case.
    pub view: Option<String>,
    /// The page that asks for a yes.
    pub approve: Option<String>,
    /// The page that asks for a no.
    pub reject: Option<String>,
}

/// All that a rendered message is made from, beside the texts of its language.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// Why.
    pub occasion: Occasion<'a>,
    /// What about; none for [`Occasion::Plain`] and [`Occasion::Test`].
    pub case: Option<&'a Case>,
    /// Where this reader goes.
    pub links: Links,
    /// Who is to notice, as the route says it for this channel.
    pub mentions: &'a [String],
    /// Whether a decision is still open, so that buttons are shown.
    pub waiting: bool,
    /// The time of telling.
    pub now: Timestamp,
}

/// How much of a scene is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything that helps to decide, as far as the surface has room.
    Whole,
    /// Only what is new: for a thread, or where the whole has been told before.
    Note,
}

impl Scene<'_> {
    /// The shape of a new message: people who are to decide get everything, others what is new.
    pub fn shape(&self) -> Shape {
        match self.occasion {
            Occasion::Ask | Occasion::Reminder { .. } | Occasion::Escalation => Shape::Whole,
            _ => Shape::Note,
        }
    }
}
