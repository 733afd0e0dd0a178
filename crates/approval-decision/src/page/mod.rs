//! The page: a pure function of how a case stands. Works without JavaScript (there is none), on a
//! phone, by keyboard and screen reader, in the dark, and without colours.
//!
//! Everything that comes from elsewhere is escaped by the template, isolated in its direction, and
//! linked only if it is https.

mod brief;

use approvals::decide::Answer;
use approvals::link_claims::Link;
use approvals::records::Decision;
use approvals::{Case, Gap, Lookup, Source};
use askama::Template;
use contacts::link::https_link;
use function_url::ShownForm;
use function_url::page::{Banner, document};
use jiff::Timestamp;
use ledger::Actor;
use text::mask::MASK;

use crate::link::state::{CaseStatus, State};
use crate::texts::{self, DecisionReport, Texts, Tone, fill};

use brief::{ChangeSetView, Row};

/// What stands above everything else on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// What came of the answer that was just sent.
    Answer(Answer),
    /// The answer was not taken.
    NotSent,
}

/// All that one page shows.
#[derive(Debug)]
pub struct View<'a> {
    /// How the case stands.
    pub state: &'a State,
    /// The link that it was opened with.
    pub link: &'a Link,
    /// The same as text.
    pub sealed: &'a str,
    /// What is asked, and the form for it.
    pub form: Option<(Decision, &'a ShownForm)>,
    /// What stands on top.
    pub notice: Option<Notice>,
    /// The present moment.
    pub now: Timestamp,
}

/// The page of a case.
pub fn show(view: &View<'_>) -> String {
    let page = Page::of(view);
    let page = document(page.t.lang, &page.title, &page);
    // Last: what the page itself needs is no token, whatever it looks like.
    let masker = view.state.case.masker().keep(view.sealed);
    let masker = match &view.form {
        Some((_, form)) => masker.keep(&form.seal),
        None => masker,
    };
    masker.mask(&page).into_owned()
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    t: &'static Texts,
    title: String,
    case: &'a Case,
    /// What came of an answer, if one was given.
    banner: Option<Banner>,
    /// The page itself, relative to where it stands: what is in front of the function's URL may have put
    /// a prefix before its path.
    here: &'a str,
    reload: &'static str,
    status: String,
    status_class: &'static str,
    status_detail: String,
    left: Option<String>,
    asked_at: String,
    votes: Option<String>,
    used: Option<String>,
    rows: Vec<Row>,
    change_sets: Vec<ChangeSetView>,
    /// Whether it is known that nothing changes.
    unchanged: bool,
    gaps: Vec<String>,
    console: Option<&'a str>,
    console_label: &'static str,
    external: Option<OwnerLink<'a>>,
    form: Option<FormView<'a>>,
    view_only: bool,
}

/// The link of the pipeline's owner; one that isn't https is text.
struct OwnerLink<'a> {
    text: &'a str,
    opens: bool,
}

struct FormView<'a> {
    seal: &'a str,
    yes: bool,
    reason_needed: bool,
    button: &'static str,
    warning: &'static str,
    label: &'static str,
    hint: &'static str,
    anonymous: String,
}

impl<'a> Page<'a> {
    fn of(view: &View<'a>) -> Self {
        let State { case, texts, .. } = view.state;
        let banner = view
            .notice
            .as_ref()
            .map(|notice| banner(texts, notice, view.now));
        let status = status(texts, &view.state.case_status, view.now);
        let names = [
            ("pipeline", case.source.name()),
            ("stage", case.source.stage()),
        ];
        let title = match (&banner, view.form.is_some()) {
            (Some(_), _) => texts.answered_title,
            (None, true) => texts.question,
            (None, false) => texts.view_title,
        };
        let waits = matches!(
            view.state.case_status,
            CaseStatus::Waits | CaseStatus::Unknown
        );
        Self {
            t: texts,
            here: view.sealed,
            title: fill(title, &names),
            case,
            status: status.headline,
            status_class: class(status.tone),
            // What came of an answer stands above already.
            status_detail: if banner.is_some() {
                String::new()
            } else {
                status.detail
            },
            left: waits.then(|| left(texts, case.expires, view.now)),
            asked_at: fill(texts.asked, &[("at", &time(case.asked_at))]),
            votes: view
                .state
                .votes
                .filter(|_| waits)
                .map(|votes| have(texts, votes)),
            used: view
                .state
                .used
                .as_ref()
                .map(|used| fill(texts.used, &[("at", &time(used.at))])),
            rows: brief::rows(texts, case),
            change_sets: brief::change_sets(texts, case),
            unchanged: unchanged(case),
            gaps: gaps(texts, &case.briefing.gaps),
            console: https(case.console_link.as_deref()),
            console_label: match case.source {
                Source::Pipeline(_) => texts.console,
                Source::Ecs(_) => texts.pause_console,
                Source::Gate(_) => texts.gate_console,
            },
            external: case.external_link.as_deref().map(|text| OwnerLink {
                text,
                opens: opens(text),
            }),
            form: form(view),
            view_only: view.form.is_none()
                && waits
                && view.state.used.is_none()
                && banner.is_none(),
            reload: texts.reload,
            banner,
        }
    }
}

fn banner(texts: &Texts, notice: &Notice, now: Timestamp) -> Banner {
    let told = match notice {
        Notice::Answer(answer) => texts::report(texts, answer, now),
        Notice::NotSent => DecisionReport {
            tone: Tone::Bad,
            headline: texts.try_again.to_owned(),
            detail: texts.not_sent.to_owned(),
        },
    };
    Banner {
        class: class(told.tone),
        headline: told.headline,
        details: vec![told.detail],
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Plain => "plain",
    }
}

fn status(texts: &Texts, case_status: &CaseStatus, now: Timestamp) -> DecisionReport {
    let plain = |headline: &str| DecisionReport {
        tone: Tone::Plain,
        headline: headline.to_owned(),
        detail: String::new(),
    };
    match case_status {
        CaseStatus::Waits => plain(texts.stands_waiting),
        CaseStatus::Unknown => plain(texts.stands_unknown),
        CaseStatus::Settled(settled) => texts::settled(texts, settled),
        CaseStatus::InProgress(by) => {
            texts::report(texts, &Answer::InProgress { by: by.clone() }, now)
        }
    }
}

fn have(texts: &Texts, (have, need): (usize, u32)) -> String {
    let (have, need) = (have.to_string(), need.to_string());
    fill(texts.votes, &[("have", &have), ("need", &need)])
}

fn left(texts: &Texts, expires: Option<Timestamp>, now: Timestamp) -> String {
    let Some(expires) = expires else {
        return texts.left_unknown.to_owned();
    };
    if expires <= now {
        return texts.left_over.to_owned();
    }
    let span = texts.span(expires.duration_since(now));
    fill(texts.left, &[("span", &span), ("at", &time(expires))])
}

/// No change set was found, and everything was looked at: what could not be looked up may have some.
fn unchanged(case: &Case) -> bool {
    let hides = |gap: &Gap| {
        matches!(
            gap.what,
            Lookup::Execution | Lookup::Actions | Lookup::ChangeSet
        )
    };
    case.source.action().is_some()
        && case.briefing.change_sets.is_empty()
        && !case.briefing.gaps.iter().any(hides)
}

fn gaps(texts: &Texts, gaps: &[Gap]) -> Vec<String> {
    gaps.iter().map(|gap| texts.gap(gap)).collect()
}

/// A moment as people say it; the page can't know their time zone.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A link, if it may be followed.
fn https(url: Option<&str>) -> Option<&str> {
    url.filter(|url| opens(url))
}

/// Whether a link may be followed: one that was masked leads nowhere.
fn opens(url: &str) -> bool {
    https_link(url).is_some() && !url.contains(MASK)
}

fn form<'a>(view: &View<'a>) -> Option<FormView<'a>> {
    let (decision, form) = view.form?;
    let texts = view.state.texts;
    let yes = decision == Decision::Approve;
    let reason_needed = !yes && view.state.reason_needed;
    let source = &view.state.case.source;
    let holder = Actor {
        approver: view.link.claims.approver.to_string(),
        name: String::new(),
        identified: true,
    };
    Some(FormView {
        seal: &form.seal,
        yes,
        reason_needed,
        button: if yes { texts.approve } else { texts.reject },
        warning: match (yes, source) {
            (true, Source::Pipeline(_)) => texts.approve_warning,
            (false, Source::Pipeline(_)) => texts.reject_warning,
            (true, Source::Ecs(_)) => texts.approve_pause_warning,
            (false, Source::Ecs(_)) => texts.reject_pause_warning,
            (true, Source::Gate(_)) => texts.approve_gate_warning,
            (false, Source::Gate(_)) => texts.reject_gate_warning,
        },
        label: if reason_needed {
            texts.reason_label
        } else {
            texts.comment_label
        },
        hint: if source.action().is_none() {
            texts.pause_comment_hint
        } else if reason_needed {
            texts.reason_hint
        } else {
            texts.comment_hint
        },
        anonymous: fill(texts.anonymous, &[("who", &texts.person(&holder))]),
    })
}

#[cfg(test)]
mod tests;
