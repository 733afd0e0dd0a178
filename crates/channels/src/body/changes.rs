//! A change set, the most dangerous first: what is removed and replaced must be seen before anything
//! else is read.

use approvals::{Change, ChangeAction, ChangeSet, Property, Replacement, Risk, SetState};

use super::{Detail, Item, Line, Section, Tone};
use crate::budget::Rank;
use crate::texts::{Key, Texts};
use text::clean;

/// The section of a change set.
pub(super) fn section(set: &ChangeSet, texts: &Texts, detail: &Detail) -> Section {
    let mut changes: Vec<&Change> = set.changes.iter().collect();
    changes.sort_by_key(|change| (change.risk, severity(change.replacement)));
    let items: Vec<Item> = changes
        .into_iter()
        .map(|change| Item {
            rank: rank(change.risk),
            line: line(change, texts, detail),
        })
        .collect();
    let stack = clean::short(&set.stack, detail.value);
    let mut section = Section {
        heading: texts.get(Key::ChangesOf, &[("stack", &stack)]),
        summary: Some(summary(set, texts)),
        hidden: set.total.saturating_sub(set.changes.len()),
        items,
    };
    let empty = section.items.is_empty() && section.hidden == 0;
    if empty {
        section.summary = None;
    }
    if let Some(line) = state(set, empty, texts, detail) {
        section.items.insert(
            0,
            Item {
                rank: Rank::First,
                line,
            },
        );
    }
    section
}

/// What the set is where its resources don't tell: that none changes is not that nothing does.
fn state(set: &ChangeSet, empty: bool, texts: &Texts, detail: &Detail) -> Option<Line> {
    let reason = set.reason.as_deref().unwrap_or_default();
    let reason = clean::short(reason, detail.text.max(160));
    let key = match (set.state, empty) {
        (SetState::Unavailable, _) => {
            let told = texts.get(Key::NotExecutable, &[("reason", &reason)]);
            return Some(Line::strong(told, Tone::Bad));
        }
        (SetState::Empty, _) => {
            return Some(Line::text(texts.get(Key::EmptySet, &[("reason", &reason)])));
        }
        (SetState::Executable | SetState::Unknown, false) => return None,
        (SetState::Executable, true) => Key::NoResources,
        (SetState::Unknown, true) => Key::NoResourcesKnown,
    };
    Some(Line::text(texts.plain(key)))
}

/// What is certain before what may be.
fn severity(replacement: Replacement) -> u8 {
    match replacement {
        Replacement::True => 0,
        Replacement::Conditional => 1,
        Replacement::False => 2,
    }
}

fn rank(risk: Risk) -> Rank {
    match risk {
        Risk::Removal => Rank::Removal,
        Risk::Replacement => Rank::Replacement,
        Risk::Access => Rank::Access,
        Risk::Data => Rank::Data,
        Risk::Other => Rank::Rest,
    }
}

/// `200 changes: 2 removed, 3 replaced, 195 other`
fn summary(set: &ChangeSet, texts: &Texts) -> Line {
    let total = set.total.max(set.changes.len());
    let counters = [
        (Risk::Removal, Key::CountRemoved, Tone::Bad),
        (Risk::Replacement, Key::CountReplaced, Tone::Bad),
        (Risk::Access, Key::CountAccess, Tone::Warning),
        (Risk::Data, Key::CountData, Tone::Warning),
        (Risk::Other, Key::CountRest, Tone::Plain),
    ];
    let mut line = Line::text(texts.count(Key::ChangesOne, Key::ChangesOther, total));
    let mut mark = texts.colon();
    for (risk, key, tone) in counters {
        let n = set
            .changes
            .iter()
            .filter(|change| change.risk == risk)
            .count();
        if n > 0 {
            let told = texts.get(key, &[("n", &n.to_string())]);
            line = match tone {
                Tone::Plain => line.and(format!("{mark}{told}")),
                tone => line.and(mark).and_strong(told, tone),
            };
            mark = texts.comma();
        }
    }
    line
}

/// `REPLACES Database (AWS::RDS::DBInstance): Engine: mysql → postgres`
fn line(change: &Change, texts: &Texts, detail: &Detail) -> Line {
    let (key, tone) = verb(change);
    let verb = texts.plain(key);
    let line = match tone {
        Tone::Plain => Line::text(verb),
        tone => Line::strong(verb, tone),
    };
    let id = clean::short(&change.logical_id, detail.value);
    let kind = clean::short(&change.resource_type, detail.value);
    let mut line = line.and(" ").and_code(id).and(format!(" ({kind})"));
    let mark = match change.risk {
        Risk::Access => Some(Key::OnAccess),
        Risk::Data => Some(Key::OnData),
        _ => None,
    };
    if let Some(mark) = mark {
        line = line
            .and(" ")
            .and_strong(format!("[{}]", texts.plain(mark)), Tone::Warning);
    }
    properties(line, change, texts, detail)
}

fn verb(change: &Change) -> (Key, Tone) {
    match (change.action, change.replacement) {
        (ChangeAction::Remove, _) => (Key::Removes, Tone::Bad),
        (_, Replacement::True) => (Key::Replaces, Tone::Bad),
        (_, Replacement::Conditional) => (Key::MayReplace, Tone::Bad),
        (ChangeAction::Add, _) => (Key::Adds, Tone::Plain),
        (ChangeAction::Import, _) => (Key::Imports, Tone::Plain),
        (ChangeAction::Dynamic, _) => (Key::Dynamic, Tone::Plain),
        (ChangeAction::Modify | ChangeAction::Other, _) => (Key::Changes, Tone::Plain),
    }
}

/// What changes about it, what makes AWS recreate it first.
fn properties(mut line: Line, change: &Change, texts: &Texts, detail: &Detail) -> Line {
    let mut sorted: Vec<&Property> = change.properties.iter().collect();
    sorted.sort_by_key(|property| severity(property.recreates));
    let mut mark = texts.colon();
    for property in sorted.iter().take(detail.properties) {
        line = line.and(format!("{mark}{}", describe(property, texts, detail)));
        mark = "; ";
    }
    let more = sorted.len().saturating_sub(detail.properties);
    if more > 0 {
        line = line.and(format!(
            "; {}",
            texts.count(Key::MoreOne, Key::MoreOther, more)
        ));
    }
    line
}

fn describe(property: &Property, texts: &Texts, detail: &Detail) -> String {
    let value = |text: &str| clean::short(text, detail.value);
    let name = value(&property.name);
    if property.before.is_none() && property.after.is_none() {
        return name;
    }
    let side = |text: &Option<String>| text.as_deref().map_or_else(|| "∅".to_owned(), value);
    let values = [
        ("name", &*name),
        ("before", &*side(&property.before)),
        ("after", &*side(&property.after)),
    ];
    texts.get(Key::FromTo, &values)
}
