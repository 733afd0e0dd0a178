//! What is told after the question: how it was decided, and messages that are passed on.

use approvals::{ActionState, Source, Status, TimeoutAction};

use super::{Detail, Item, Line, MessageBody, Section, Tone};
use crate::budget::Rank;
use crate::links;
use crate::message::ForwardedMessage;
use crate::texts::{Key, Texts};
use text::clean;

/// Characters of a name.
const MAX_NAME: usize = 120;

/// The title of a message about a decision.
pub(super) fn decided_title(action_state: &ActionState) -> Key {
    match action_state.status {
        Status::Waiting => Key::OpenTitle,
        Status::Approved => Key::ApprovedTitle,
        Status::Rejected => Key::RejectedTitle,
        Status::Expired => Key::ExpiredTitle,
        Status::Superseded => Key::SupersededTitle,
        Status::Stopped => Key::StoppedTitle,
    }
}

/// How a status is meant.
pub(super) fn tone(status: Status) -> Tone {
    match status {
        Status::Approved => Tone::Good,
        Status::Rejected | Status::Expired => Tone::Bad,
        Status::Waiting => Tone::Warning,
        Status::Superseded | Status::Stopped => Tone::Plain,
    }
}

/// What became of the approval, by whom and when.
pub(super) fn status(
    (source, action_state): (&Source, &ActionState),
    who: Option<&str>,
    texts: &Texts,
) -> Line {
    let named = |who: &str| Some(clean::short(who, MAX_NAME)).filter(|who| !who.is_empty());
    // What nobody here knows of was given in the console, or through the API.
    let directly = |who: String| texts.get(Key::Directly, &[("who", &who)]);
    let elsewhere = || named(&name_of(action_state.by.as_deref()?)).map(directly);
    let who = who.and_then(named).or_else(elsewhere);
    let by = |with: Key, without: Key| match &who {
        Some(who) => texts.get(with, &[("who", who)]),
        None => texts.plain(without),
    };
    let what = match action_state.status {
        Status::Waiting => texts.plain(Key::StillWaiting),
        Status::Approved => by(Key::ApprovedBy, Key::Approved),
        Status::Rejected => by(Key::RejectedBy, Key::Rejected),
        Status::Expired => texts.plain(expired(source)),
        Status::Superseded => texts.plain(Key::Superseded),
        Status::Stopped if source.paused().is_some() => texts.plain(Key::PauseStopped),
        Status::Stopped if source.gate().is_some() => texts.plain(Key::GateEnded),
        Status::Stopped => texts.plain(Key::Stopped),
    };
    let told = match action_state.at {
        Some(at) => texts.get(Key::AtTime, &[("what", &what), ("time", &Texts::time(at))]),
        None => what,
    };
    let sign = match action_state.status {
        Status::Approved => "✓",
        Status::Rejected => "✗",
        _ => "•",
    };
    Line::strong(format!("{sign} {told}"), tone(action_state.status))
}

/// What follows from the end of the time.
fn expired(source: &Source) -> Key {
    if source.gate().is_some() {
        return Key::GateExpired;
    }
    match source.paused().map(|paused| paused.timeout_action) {
        None => Key::Expired,
        Some(Some(TimeoutAction::Continue)) => Key::PauseContinued,
        Some(Some(TimeoutAction::Rollback)) => Key::PauseRolledBack,
        Some(None) => Key::PauseExpired,
    }
}

/// The readable end of an ARN: a user's or a session's name.
fn name_of(arn: &str) -> String {
    arn.rsplit(['/', ':']).next().unwrap_or(arn).to_owned()
}

/// What was said with a decision; of a gate that has ended, its reason.
pub(super) fn comment_line(
    (source, action_state): (&Source, &ActionState),
    comment: Option<&str>,
    texts: &Texts,
    detail: &Detail,
) -> Option<Line> {
    let comment = clean::short(comment?, detail.text.max(200));
    if comment.is_empty() {
        return None;
    }
    if action_state.status == Status::Stopped && source.gate().is_some() {
        return Some(Line::text(comment));
    }
    Some(Line::text(texts.get(Key::Said, &[("comment", &comment)])))
}

/// A message that is passed on, line by line.
pub(super) fn plain(
    body: &mut MessageBody,
    plain: &ForwardedMessage,
    texts: &Texts,
    detail: &Detail,
) {
    let items = clean::lines(&plain.text).into_iter().map(|line| Item {
        rank: Rank::Comment,
        // An empty line stays one.
        line: Line::text(clean::cut(&line, detail.text * 4)),
    });
    body.sections.push(Section {
        items: items.collect(),
        ..Section::default()
    });
    body.sections.retain(|section| !section.items.is_empty());
    if let Some(url) = plain.link.as_deref().and_then(links::foreign) {
        body.links.push(super::Target {
            label: texts.plain(Key::OpenLink),
            url,
            whole: true,
        });
    }
}
