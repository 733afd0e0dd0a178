//! A route: who is told of an approval, who may decide it, and what happens while nobody does.

use std::collections::BTreeMap;

use contacts::{Approver, Language};
use jiff::{SignedDuration, Timestamp};

use super::{Glob, Matching};

/// Who is told, and who may decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its name; cases remember it.
    pub name: String,
    /// What it is for.
    pub matching: Matching,
    /// The names of the channels that are told.
    pub tell: Vec<String>,
    /// Who is mentioned, by channel: Slack's forms (`<@U…>`, `<!here>`) for Slack, plain text elsewhere.
    pub mention: BTreeMap<String, Vec<String>>,
    /// Its language.
    pub language: Option<Language>,
    /// Who may decide, and how.
    pub policy: Policy,
    /// When people are reminded, as fractions of the time that there is to decide; ascending.
    pub reminders: Vec<Fraction>,
    /// Who else is told when nobody decides.
    pub escalate: Option<Escalate>,
    /// What is told after the question.
    pub follow_up: FollowUp,
    /// The pipeline variables that hold the release's version; empty: the usual names.
    pub version_variables: Vec<String>,
    /// Texts that replace those of a catalogue, in each language of this route.
    pub texts: BTreeMap<String, String>,
}

impl Route {
    /// Every channel that this route may tell: at first, and when it escalates; each once.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        let later = self.escalate.iter().flat_map(|escalate| &escalate.tell);
        let later = later.filter(|name| !self.tell.contains(name));
        self.tell.iter().chain(later).map(String::as_str)
    }
}

/// Who else is told when nobody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    /// After this part of the time.
    pub at: Fraction,
    /// The names of the channels.
    pub tell: Vec<String>,
}

/// What is told after the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowUp {
    /// What was decided, by whom: the first message changes.
    pub decision: bool,
    /// Whether the release went live.
    pub outcome: bool,
}

/// Who may decide, and how. Nobody who isn't named here may.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Whether anybody may decide through us; if not, messages lead to the console only.
    pub decide: bool,
    /// Who may decide; empty only without `decide`.
    pub approvers: Vec<Approver>,
    /// Whether the person who started the execution may approve it.
    pub starter_may_approve: bool,
    /// How many different approvers must say yes; at least 1, at most as many as there are.
    pub approvals: u32,
    /// Whether a no needs a reason.
    pub reason_for_rejection: bool,
    /// When approvals are taken; none: always. A rejection is taken at any time.
    pub office_hours: Option<OfficeHours>,
    /// Which names and ARNs an approver has in AWS, to know whether they started the execution. An
    /// empty list says that they have none; no entry, that it isn't known.
    pub starters: BTreeMap<Approver, Vec<String>>,
    /// What counts where nobody can say who started the execution.
    pub unknown_starter: UnknownStarter,
    /// The roles whose session names are people's own, as nobody can choose them.
    pub trusted_sessions: Vec<TrustedRole>,
}

impl Policy {
    /// Of a route on which there is nothing to decide.
    pub fn nobody() -> Self {
        Self {
            decide: false,
            approvers: Vec::new(),
            starter_may_approve: false,
            approvals: 1,
            reason_for_rejection: false,
            office_hours: None,
            starters: BTreeMap::new(),
            unknown_starter: UnknownStarter::default(),
            trusted_sessions: Vec::new(),
        }
    }
}

/// What counts where nobody can say who started the execution: a push, whose author anybody may write into
/// a commit, or a session of a role, whose name whoever assumes it chooses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownStarter {
    /// Two people must say yes: one of them has not started it, whoever did.
    #[default]
    TwoApprovers,
    /// Nobody may approve through us.
    Refuse,
    /// As if nobody had.
    Allow,
}

/// A role whose session names can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRole {
    /// Its account; none: the pipeline's own.
    pub account: Option<String>,
    /// Its name, a glob.
    pub name: Glob,
}

impl TrustedRole {
    /// Whether it is the role with this name in this account; `own` is the pipeline's.
    pub fn is(&self, account: &str, name: &str, own: &str) -> bool {
        let there = self.account.as_deref().unwrap_or(own);
        !there.is_empty() && there == account && self.name.matches(name)
    }
}

/// When approvals are taken.
#[derive(Debug, Clone, PartialEq)]
pub struct OfficeHours {
    /// As it was written.
    pub text: String,
    /// What was written.
    pub schedule: schedule::Schedule,
}

impl OfficeHours {
    /// Whether approvals are taken at an instant.
    pub fn is_on(&self, at: Timestamp) -> bool {
        self.schedule.is_on(at)
    }

    /// The first instant, `at` or later, at which approvals are taken; none if that never comes.
    pub fn next_on(&self, at: Timestamp) -> Option<Timestamp> {
        self.schedule.next_on(at)
    }
}

/// A part of the time that there is to decide, in whole percent: 1 to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fraction(u8);

impl Fraction {
    /// `percent` from 1 to 99.
    pub fn new(percent: u8) -> Option<Self> {
        (1..=99).contains(&percent).then_some(Self(percent))
    }

    /// In percent.
    pub fn percent(self) -> u8 {
        self.0
    }

    /// The instant at which this part of the time from `start` to `end` is over. `start` if the end is
    /// not after it.
    pub fn between(self, start: Timestamp, end: Timestamp) -> Timestamp {
        let whole = end.duration_since(start).max(SignedDuration::ZERO);
        // Of whole seconds, so that nothing can overflow: timestamps are at most 20,000 years apart.
        let part = SignedDuration::from_secs(whole.as_secs() / 100 * i64::from(self.0))
            + SignedDuration::from_secs(whole.as_secs() % 100 * i64::from(self.0) / 100);
        start.saturating_add(part).unwrap_or(end)
    }
}
