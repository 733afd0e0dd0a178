//! What people are sent, independent of where: what it is about, and what this reader may do about it. Rendering is a pure
//! function of a message; nothing here may look at a clock.

use approvals::{ActionState, Case, ExecutionOutcome};
use jiff::Timestamp;

/// All that a rendered message is made from, beside the texts of its language.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// What it is about.
    pub subject: Subject<'a>,
    /// When it is sent.
    pub now: Timestamp,
}

/// What a message is about.
#[derive(Debug, Clone)]
pub enum Subject<'a> {
    /// An approval, from the question to what became of the release.
    Approval(ApprovalNotice<'a>),
    /// Something else that arrived and is passed on.
    Forwarded(&'a ForwardedMessage),
    /// Whether a channel works.
    Test,
    /// What environments do, or are about to do.
    Announcement(&'a Announcement),
}

/// A message about an approval.
#[derive(Debug, Clone)]
pub struct ApprovalNotice<'a> {
    /// Why it is sent.
    pub occasion: NoticeReason<'a>,
    /// The approval.
    pub case: &'a Case,
    /// Where this reader goes.
    pub links: Links,
    /// Who is to notice, as the route says it for this channel.
    pub mentions: &'a [String],
    /// Whether a decision is still open, so that buttons are shown.
    pub waiting: bool,
}

/// Why people get a message about an approval.
#[derive(Debug, Clone, Copy)]
pub enum NoticeReason<'a> {
    /// It waits: the first message.
    Ask,
    /// It still waits.
    Reminder {
        /// The first reminder is number 1.
        number: u32,
    },
    /// It waits, and others are asked as well because nobody has decided.
    Escalation,
    /// It waits no longer.
    Decided {
        /// What became of it.
        action_state: &'a ActionState,
        /// The name of whoever decided, where it is known better than `action_state` has it.
        who: Option<&'a str>,
        /// What they said with it.
        comment: Option<&'a str>,
    },
    /// What became of the release after the decision.
    Outcome(&'a ExecutionOutcome),
}

impl NoticeReason<'_> {
    /// Whether it is about a decision that is still open.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Ask | Self::Reminder { .. } | Self::Escalation)
    }
}

/// A message whose words are the caller's, laid out here within what each surface accepts. It may hold
/// what others wrote: everything in it is cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Its name in records and in the machine format: `notice`.
    pub name: &'static str,
    /// One line.
    pub title: String,
    /// The title in ASCII, for subjects that know nothing else.
    pub ascii_title: String,
    /// How it is meant.
    pub severity: Severity,
    /// Few lines that are always told.
    pub lead: Vec<String>,
    /// Lists, as far as there is room.
    pub lists: Vec<AnnouncementList>,
    /// What a reader may ask for.
    pub choices: Vec<Choice>,
    /// What stands below a mail, in place of the catalogue's.
    pub footer: String,
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Severity {
    /// Nothing special.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Look here.
    Warning,
    /// Something is wrong.
    Bad,
}

/// Lines under a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnouncementList {
    /// The heading.
    pub heading: String,
    /// The lines.
    pub lines: Vec<String>,
    /// Whether it is kept before other lists where there is no room for all.
    pub first: bool,
}

/// Something that a reader may ask for: by a button where the channel has those that our app hears of,
/// by a link everywhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is asked for.
    pub label: String,
    /// The page that asks once more.
    pub url: Option<String>,
    /// The button's `action_id` and value.
    pub button: Option<(String, String)>,
}

/// A message that is none of ours and is passed on as it is, redacted by whoever read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardedMessage {
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

/// How much of a message is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLength {
    /// Everything that helps to decide, as far as the surface has room.
    Whole,
    /// Only what is new: for a thread, or where the whole has been told before.
    Note,
}

impl<'a> Message<'a> {
    /// The approval that it is about, if it is about one.
    pub fn approval(&self) -> Option<&ApprovalNotice<'a>> {
        match &self.subject {
            Subject::Approval(notice) => Some(notice),
            _ => None,
        }
    }

    /// Its name in `webhook-id` and in the machine format.
    pub fn name(&self) -> &'static str {
        match &self.subject {
            Subject::Approval(notice) => match notice.occasion {
                NoticeReason::Ask => "ask",
                NoticeReason::Reminder { .. } => "reminder",
                NoticeReason::Escalation => "escalation",
                NoticeReason::Decided { .. } => "decided",
                NoticeReason::Outcome(_) => "outcome",
            },
            Subject::Forwarded(_) => "plain",
            Subject::Test => "test",
            Subject::Announcement(news) => news.name,
        }
    }

    /// The kind of event, for machines that sort by it.
    pub fn event(&self) -> String {
        let family = match &self.subject {
            Subject::Announcement(_) => "environment",
            _ => "approval",
        };
        format!("{family}.{}", self.name())
    }

    /// The shape of a new message: people who are to decide get everything, others what is new.
    pub fn shape(&self) -> NoticeLength {
        match self.approval() {
            Some(notice) if notice.occasion.asks() => NoticeLength::Whole,
            _ => NoticeLength::Note,
        }
    }
}
