//! What people read, in English and Chinese. A catalogue is complete because the compiler says so, and
//! a test compares the placeholders.
//!
//! The detail of a failure is for the operator and stands in the log; people are told what it means for
//! them.

use approvals::config::{Config, Route};
use approvals::decide::{Answer, DecisionOutcome, SupersededBy};
use approvals::policy::Refusal;
use approvals::{Gap, Lookup, Risk, Status, Step};
use contacts::Language;
use jiff::{SignedDuration, Timestamp};
use ledger::Actor;
pub use text::catalogue::fill;

mod en;
mod zh;

/// Makes a struct of texts and a list of them all, so that a test sees each.
macro_rules! catalogue {
    ($($name:ident,)*) => {
        /// The texts of one language; `{…}` is filled in.
        #[derive(Debug)]
        #[allow(missing_docs, reason = "the English text says what each is")]
        pub struct Texts { $(pub $name: &'static str,)* }

        impl Texts {
            /// All texts with their names.
            #[cfg(test)]
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

catalogue! {
    lang, question, view_title, answered_title, status, stands_waiting, stands_unknown, left, left_over, left_unknown,
    days, hours, minutes, under_a_minute, votes, in_progress_by, asked, to_decision, summary, version, version_from,
    major, minor, patch, pre_release, same, downgrade, unknown_step, started_by, sources, by, changes, no_changes, no_resources,
    no_resources_known, empty_set, not_executable,
    cut, removal, replacement, access, data, other, add, modify, remove, import, dynamic, other_action, replaced,
    maybe_replaced, before, after, none, gates, passed, failed, variables, comment_of_owner, links,
    console, external, external_text, gaps, gap, what_execution, what_origin, what_actions, what_old_version, what_change_set,
    what_gate_report, what_owner_words, what_deployment, decision, comment_label, comment_hint, reason_label, reason_hint, approve, reject,
    approve_warning, reject_warning, approve_pause_warning, reject_pause_warning, approve_gate_warning, reject_gate_warning, pause_comment_hint, pause_console, gate_console,
    gate_end, gate_why, gate_measured, gate_rounds, gate_report, gate_deployment,
    pause_end, pause_continues, pause_rolls_back, pause_end_unknown, traffic, traffic_now, revision, first_revision, differences, difference_added,
    difference_removed, difference_changed, anonymous, used, view_only, reload, not_sent, decided_approved, decided_rejected, expired, superseded, stopped, by_whom,
    elsewhere, by_time, said, holder, recorded, recorded_detail, refused, no_such_case, not_allowed, starter_barred,
    may_be_starter, unknown_starter, office_hours, office_hours_never, reason_needed, nothing_shown, too_late, asked_anew, changed, gone,
    superseded_title, in_progress, in_progress_detail, try_again, try_again_detail, already,
}

impl Texts {
    /// The texts for a case: in the language of its route, else of the configuration, else in English.
    pub fn of(config: Option<&Config>, route: Option<&Route>) -> &'static Self {
        let language = route
            .and_then(|route| route.language)
            .or(config.map(|config| config.language))
            .unwrap_or_default();
        match language {
            Language::English => &en::TEXTS,
            Language::Chinese => &zh::TEXTS,
        }
    }

    /// The name of a risk.
    pub fn risk(&self, risk: Risk) -> &'static str {
        match risk {
            Risk::Removal => self.removal,
            Risk::Replacement => self.replacement,
            Risk::Access => self.access,
            Risk::Data => self.data,
            Risk::Other => self.other,
        }
    }

    /// The name of a step between versions.
    pub fn step(&self, step: Step) -> &'static str {
        match step {
            Step::Major => self.major,
            Step::Minor => self.minor,
            Step::Patch => self.patch,
            Step::PreRelease => self.pre_release,
            Step::Same => self.same,
            Step::Downgrade => self.downgrade,
            Step::Unknown => self.unknown_step,
        }
    }

    /// What could not be looked up.
    pub fn gap(&self, gap: &Gap) -> String {
        let what = match gap.what {
            Lookup::Execution => self.what_execution,
            Lookup::Origin => self.what_origin,
            Lookup::Actions => self.what_actions,
            Lookup::OldVersion => self.what_old_version,
            Lookup::ChangeSet => self.what_change_set,
            Lookup::GateReport => self.what_gate_report,
            Lookup::OwnerWords => self.what_owner_words,
            Lookup::Deployment => self.what_deployment,
        };
        fill(self.gap, &[("what", what), ("why", &gap.why)])
    }

    /// A span of time in the two largest units that matter.
    pub fn span(&self, span: SignedDuration) -> String {
        let minutes = span.as_mins();
        let n = |text: &str, n: i64| fill(text, &[("n", &n.to_string())]);
        let (days, hours) = (minutes / 1440, minutes / 60 % 24);
        match (days, hours, minutes) {
            (1.., 0, _) => n(self.days, days),
            (1.., ..) => format!("{} {}", n(self.days, days), n(self.hours, hours)),
            (_, 1.., _) if minutes % 60 == 0 => n(self.hours, hours),
            (_, 1.., _) => format!("{} {}", n(self.hours, hours), n(self.minutes, minutes % 60)),
            (_, _, 1..) => n(self.minutes, minutes),
            _ => self.under_a_minute.to_owned(),
        }
    }

    /// Names of people, as a list.
    pub fn people(&self, by: &[Actor]) -> String {
        let names: Vec<String> = by.iter().map(|voter| self.person(voter)).collect();
        names.join(", ")
    }

    /// How a person is called.
    pub fn person(&self, voter: &Actor) -> String {
        if !voter.identified {
            return fill(self.holder, &[("who", &voter.approver)]);
        }
        if voter.name.is_empty() {
            return voter.approver.clone();
        }
        format!("{} ({})", voter.name, voter.approver)
    }
}

/// How something is meant, beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It is approved, or counts.
    Good,
    /// It is rejected, or refused.
    Bad,
    /// Neither.
    Plain,
}

/// What came of an answer, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionReport {
    /// How it is meant.
    pub tone: Tone,
    /// The fact.
    pub headline: String,
    /// What belongs to it; may be empty.
    pub detail: String,
}

/// What came of an answer, in two lines.
pub fn answer(texts: &Texts, answer: &Answer, now: Timestamp) -> String {
    let report = report(texts, answer, now);
    [report.headline, report.detail]
        .join("\n")
        .trim()
        .to_owned()
}

/// What came of an answer.
pub fn report(texts: &Texts, answer: &Answer, now: Timestamp) -> DecisionReport {
    let say = |tone, headline: &str, detail: &str| DecisionReport {
        tone,
        headline: headline.to_owned(),
        detail: detail.to_owned(),
    };
    match answer {
        Answer::Decided(settled) => self::settled(texts, settled),
        Answer::AlreadyDecided(settled) => {
            let told = self::settled(texts, settled);
            let detail = format!("{} {}", texts.already, told.detail);
            DecisionReport { detail, ..told }
        }
        Answer::Recorded { have, need } => {
            let numbers = [("have", have.to_string()), ("need", need.to_string())];
            let numbers = numbers.each_ref().map(|(name, n)| (*name, n.as_str()));
            let detail = fill(texts.recorded_detail, &numbers);
            say(Tone::Good, &fill(texts.recorded, &numbers), &detail)
        }
        Answer::Refused(refusal) => say(Tone::Bad, texts.refused, &refused(texts, refusal, now)),
        Answer::Superseded(why) => {
            let detail = match why {
                SupersededBy::AskedAnew => texts.asked_anew,
                SupersededBy::Changed => texts.changed,
                SupersededBy::Gone => texts.gone,
            };
            say(Tone::Bad, texts.superseded_title, detail)
        }
        Answer::InProgress { by } => {
            let by = texts.people(by);
            let mut detail = texts.in_progress_detail.to_owned();
            if !by.is_empty() {
                let whose = fill(texts.in_progress_by, &[("who", &by)]);
                detail = format!("{whose} {detail}");
            }
            say(Tone::Plain, texts.in_progress, &detail)
        }
        Answer::TryAgain { .. } => say(Tone::Bad, texts.try_again, texts.try_again_detail),
    }
}

/// What became of a case.
pub fn settled(texts: &Texts, settled: &DecisionOutcome) -> DecisionReport {
    let (tone, headline) = match settled.action_state.status {
        Status::Waiting => (Tone::Plain, texts.stands_waiting),
        Status::Approved => (Tone::Good, texts.decided_approved),
        Status::Rejected => (Tone::Bad, texts.decided_rejected),
        Status::Expired => (Tone::Plain, texts.expired),
        Status::Superseded => (Tone::Plain, texts.superseded),
        Status::Stopped => (Tone::Plain, texts.stopped),
    };
    let who = texts.people(&settled.by);
    let mut detail = match &settled.action_state.by {
        _ if !who.is_empty() => fill(texts.by_whom, &[("who", &who)]),
        Some(by) => fill(texts.elsewhere, &[("who", by)]),
        None => texts.by_time.to_owned(),
    };
    // Whatever has ended it says why: a gate does.
    if let (Status::Stopped, Some(why)) =
        (settled.action_state.status, &settled.action_state.summary)
    {
        detail.push(' ');
        detail.push_str(why);
    }
    if let Some(comment) = &settled.comment {
        detail.push(' ');
        detail.push_str(&fill(texts.said, &[("comment", comment)]));
    }
    DecisionReport {
        tone,
        headline: headline.to_owned(),
        detail,
    }
}

fn refused(texts: &Texts, refusal: &Refusal, now: Timestamp) -> String {
    match refusal {
        Refusal::NoSuchCase => texts.no_such_case.to_owned(),
        Refusal::NoRoute | Refusal::NotAllowed => texts.not_allowed.to_owned(),
        Refusal::StarterBarred => texts.starter_barred.to_owned(),
        Refusal::MayBeStarter => texts.may_be_starter.to_owned(),
        Refusal::UnknownStarter => texts.unknown_starter.to_owned(),
        Refusal::OutsideOfficeHours { next: Some(next) } => fill(
            texts.office_hours,
            &[
                ("in", &texts.span(next.duration_since(now))),
                ("at", &next.strftime("%Y-%m-%d %H:%M UTC").to_string()),
            ],
        ),
        Refusal::OutsideOfficeHours { next: None } => texts.office_hours_never.to_owned(),
        Refusal::ReasonNeeded => texts.reason_needed.to_owned(),
        Refusal::NothingShown => texts.nothing_shown.to_owned(),
        Refusal::TooLate => texts.too_late.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts.map(|part| part.split_once('}').unwrap().0).collect()
    }

    #[test]
    fn the_catalogues_have_the_same_placeholders_and_no_empty_text() {
        for ((name, english), (_, chinese)) in en::TEXTS.all().into_iter().zip(zh::TEXTS.all()) {
            assert!(
                !english.trim().is_empty() && !chinese.trim().is_empty(),
                "{name}"
            );
            assert_eq!(placeholders(english), placeholders(chinese), "{name}");
            assert!(
                english.is_ascii() || !english.chars().any(|c| c > '\u{2fff}'),
                "{name}"
            );
            assert!(
                !chinese.is_ascii() || name == "lang",
                "{name} is translated"
            );
        }
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        assert_eq!(fill("{a}{b}", &[("a", "{b}"), ("b", "x")]), "{b}x");
    }

    #[test]
    fn spans_are_told_as_people_say_them() {
        let told = |seconds| en::TEXTS.span(SignedDuration::from_secs(seconds));
        insta::assert_snapshot!([59, 60, 3_600, 5_400, 86_400, 90_000, 600_000].map(told).join("; "), @"less than a minute; 1 min; 1 h; 1 h 30 min; 1 d; 1 d 1 h; 6 d 22 h");
    }

    #[test]
    fn an_answer_to_a_gate_that_has_ended_hears_why() {
        let action_state = approvals::ActionState {
            status: Status::Stopped,
            by: None,
            summary: Some("the gate has ended: the deployment d-1 is over already".into()),
            at: None,
        };
        let settled = DecisionOutcome {
            action_state,
            by: Vec::new(),
            comment: None,
        };
        let late = Answer::AlreadyDecided(settled);
        for texts in [&en::TEXTS, &zh::TEXTS] {
            let told = answer(texts, &late, Timestamp::UNIX_EPOCH);
            assert!(
                told.contains("the gate has ended: the deployment d-1 is over already"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_failure_is_told_without_its_detail() {
        let failed = Answer::TryAgain {
            why: "arn:aws:iam::111122223333:role/secret".to_owned().into(),
        };
        for texts in [&en::TEXTS, &zh::TEXTS] {
            assert!(!answer(texts, &failed, Timestamp::UNIX_EPOCH).contains("arn:"));
        }
    }
}
