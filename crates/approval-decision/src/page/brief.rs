//! The briefing, in the order in which people should read it.

use approvals::{
    Case, Change, ChangeAction, ChangeSet, CheckEvidence, Difference, DifferenceKind, Property,
    Replacement, Revision, Risk, SetState, Step, TimeoutAction, VersionChange,
};

use super::https;
use crate::texts::{Texts, fill};

/// A line of "at a glance".
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) cells: Vec<Cell>,
}

/// One thing on a line.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) text: String,
    /// What is said beside it, quietly.
    pub(super) note: String,
    /// What is said beside it, and stands out.
    pub(super) mark: String,
    /// Where it leads.
    pub(super) url: Option<String>,
}

/// One change set.
pub(super) struct ChangeSetView {
    pub(super) title: String,
    /// How many changes there are of each risk among those shown.
    pub(super) counts: String,
    /// What it is where its resources don't tell, and whether that stands out.
    pub(super) state: Option<(String, bool)>,
    pub(super) changes: Vec<ChangeView>,
    /// What is said if not all changes are shown.
    pub(super) cut: Option<String>,
}

/// One change.
pub(super) struct ChangeView {
    /// The name of its risk; and its style.
    pub(super) risk: &'static str,
    pub(super) class: &'static str,
    pub(super) logical_id: String,
    pub(super) resource_type: String,
    pub(super) what: String,
    pub(super) properties: Vec<PropertyView>,
}

/// One property.
pub(super) struct PropertyView {
    pub(super) name: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) recreates: Option<&'static str>,
}

/// Who, what and which version.
pub(super) fn rows(texts: &'static Texts, case: &Case) -> Vec<Row> {
    let briefing = &case.briefing;
    let mut rows = pause_rows(texts, case);
    rows.extend(gate_rows(texts, case));
    let mut row = |name, cells: Vec<Cell>| {
        if !cells.is_empty() {
            rows.push(Row { name, cells });
        }
    };
    row(
        texts.version,
        briefing
            .version
            .iter()
            .map(|change| version(texts, change))
            .collect(),
    );
    row(
        texts.started_by,
        briefing
            .starter
            .iter()
            .map(|starter| Cell {
                text: starter.name.clone(),
                note: format!("{}, {}", starter.trigger, starter.detail),
                ..Cell::default()
            })
            .collect(),
    );
    row(
        texts.sources,
        briefing
            .revisions
            .iter()
            .map(|revision| source(texts, revision))
            .collect(),
    );
    row(
        texts.gates,
        briefing
            .gates
            .iter()
            .map(|gate| Cell {
                text: format!("{} {} {}", gate.stage, gate.application, gate.deployment),
                mark: if gate.passed {
                    texts.passed
                } else {
                    texts.failed
                }
                .to_owned(),
                note: gate.reasons.join(" "),
                url: None,
            })
            .collect(),
    );
    row(
        texts.variables,
        briefing
            .variables
            .iter()
            .map(|variable| Cell {
                text: format!("{} = {}", variable.name, variable.value),
                ..Cell::default()
            })
            .collect(),
    );
    let note = case.comment.clone().filter(|text| !text.trim().is_empty());
    row(
        texts.comment_of_owner,
        note.into_iter()
            .map(|text| Cell {
                text,
                ..Cell::default()
            })
            .collect(),
    );
    rows
}

/// What a paused deployment is about: what happens at the end first.
fn pause_rows(texts: &'static Texts, case: &Case) -> Vec<Row> {
    let Some(paused) = case.source.paused() else {
        return Vec::new();
    };
    let end = match paused.timeout_action {
        Some(TimeoutAction::Continue) => Cell {
            mark: texts.pause_continues.to_owned(),
            ..Cell::default()
        },
        Some(TimeoutAction::Rollback) => said(texts.pause_rolls_back),
        None => said(texts.pause_end_unknown),
    };
    let mut rows = vec![Row {
        name: texts.pause_end,
        cells: vec![end],
    }];
    let Some(deployment) = &case.briefing.deployment else {
        return rows;
    };
    if let Some(percent) = deployment.production_percent {
        let percent = percent.to_string();
        rows.push(Row {
            name: texts.traffic,
            cells: vec![said(&fill(texts.traffic_now, &[("percent", &percent)]))],
        });
    }
    if let Some(new) = &deployment.new_revision {
        let cell = match &deployment.old_revision {
            Some(old) => said(&fill(texts.version_from, &[("from", old), ("to", new)])),
            None => Cell {
                text: new.clone(),
                note: texts.first_revision.to_owned(),
                ..Cell::default()
            },
        };
        rows.push(Row {
            name: texts.revision,
            cells: vec![cell],
        });
    }
    let cells = deployment.differences.iter();
    let cells: Vec<Cell> = cells.map(|one| difference(texts, one)).collect();
    if !cells.is_empty() {
        rows.push(Row {
            name: texts.differences,
            cells,
        });
    }
    rows
}

/// What a gate has measured that asks: what no answer means first.
fn gate_rows(texts: &'static Texts, case: &Case) -> Vec<Row> {
    let (Some(gate), Some(evidence)) = (case.source.gate(), &case.briefing.gate) else {
        return Vec::new();
    };
    let row = |name, cells| Row { name, cells };
    let mut deployment = said(&gate.deployment_id);
    deployment.note = format!("{} {}", gate.caller, gate.lifecycle_event);
    let mut rows = vec![
        row(texts.pause_end, vec![said(texts.gate_end)]),
        row(
            texts.gate_why,
            evidence.reasons.iter().map(|reason| said(reason)).collect(),
        ),
        row(
            texts.gate_measured,
            evidence
                .checks
                .iter()
                .map(|check| measured(texts, check))
                .collect(),
        ),
        row(texts.gate_deployment, vec![deployment]),
    ];
    if !evidence.version.is_empty() {
        let (from, to) = (evidence.old_version.as_str(), evidence.version.as_str());
        let text = if from.is_empty() {
            to.to_owned()
        } else {
            fill(texts.version_from, &[("from", from), ("to", to)])
        };
        rows.push(row(texts.version, vec![said(&text)]));
    }
    if let Some(url) = evidence.report_in_console(&gate.region) {
        let mut report = said(texts.gate_report);
        report.url = Some(url);
        rows.push(row(texts.gates, vec![report]));
    }
    rows.retain(|row| !row.cells.is_empty());
    rows
}

fn measured(texts: &Texts, check: &CheckEvidence) -> Cell {
    let (passed, rounds) = (check.passed.to_string(), check.rounds.to_string());
    Cell {
        text: check.name.clone(),
        mark: check.measurement.clone(),
        note: fill(
            texts.gate_rounds,
            &[("passed", &passed), ("rounds", &rounds)],
        ),
        ..Cell::default()
    }
}

fn said(text: &str) -> Cell {
    Cell {
        text: text.to_owned(),
        ..Cell::default()
    }
}

fn difference(texts: &Texts, difference: &Difference) -> Cell {
    let values = [&difference.before, &difference.after];
    let values: Vec<&str> = values.into_iter().flatten().map(String::as_str).collect();
    let (note, mark) = match difference.kind {
        DifferenceKind::Added => (texts.difference_added, ""),
        DifferenceKind::Changed => (texts.difference_changed, ""),
        DifferenceKind::Removed => ("", texts.difference_removed),
    };
    let text = if values.is_empty() {
        difference.field.clone()
    } else {
        format!("{}: {}", difference.field, values.join(" → "))
    };
    Cell {
        text,
        note: note.to_owned(),
        mark: mark.to_owned(),
        url: None,
    }
}

fn version(texts: &Texts, change: &VersionChange) -> Cell {
    let VersionChange { from, to, step } = change;
    let text = match from {
        Some(from) => fill(texts.version_from, &[("from", from), ("to", to)]),
        None => to.clone(),
    };
    let told = texts.step(*step).to_owned();
    let loud = matches!(step, Step::Major | Step::Downgrade);
    Cell {
        text,
        mark: if loud { told.clone() } else { String::new() },
        note: if loud { String::new() } else { told },
        url: None,
    }
}

fn source(texts: &Texts, revision: &Revision) -> Cell {
    let mut note = format!("{} {}", revision.artifact, revision.id);
    if let Some(author) = &revision.author {
        note = format!("{}, {note}", fill(texts.by, &[("who", author)]));
    }
    Cell {
        text: revision
            .summary
            .clone()
            .unwrap_or_else(|| revision.id.clone()),
        note,
        mark: String::new(),
        url: https(revision.url.as_deref()).map(str::to_owned),
    }
}

/// All kept changes of all change sets.
pub(super) fn change_sets(texts: &Texts, case: &Case) -> Vec<ChangeSetView> {
    case.briefing
        .change_sets
        .iter()
        .map(|set| change_set(texts, set))
        .collect()
}

fn change_set(texts: &Texts, set: &ChangeSet) -> ChangeSetView {
    let (shown, total) = (set.changes.len().to_string(), set.total.to_string());
    ChangeSetView {
        title: fill(texts.changes, &[("stack", &set.stack)]),
        counts: counts(texts, set),
        state: state(texts, set),
        changes: set
            .changes
            .iter()
            .map(|change| self::change(texts, change))
            .collect(),
        cut: (set.total > set.changes.len())
            .then(|| fill(texts.cut, &[("shown", &shown), ("total", &total)])),
    }
}

/// That no resource changes is not that nothing does.
fn state(texts: &Texts, set: &ChangeSet) -> Option<(String, bool)> {
    let reason = set.reason.as_deref().unwrap_or_default();
    let told = |text: &str| fill(text, &[("reason", reason)]);
    match set.state {
        SetState::Unavailable => Some((told(texts.not_executable), true)),
        SetState::Empty => Some((told(texts.empty_set), false)),
        SetState::Executable | SetState::Unknown if set.total > 0 => None,
        SetState::Executable => Some((texts.no_resources.to_owned(), false)),
        SetState::Unknown => Some((texts.no_resources_known.to_owned(), false)),
    }
}

/// `1 × Removal, 27 × Other`, the most dangerous first.
fn counts(texts: &Texts, set: &ChangeSet) -> String {
    let mut counts = std::collections::BTreeMap::<Risk, usize>::new();
    for change in &set.changes {
        *counts.entry(change.risk).or_default() += 1;
    }
    let counts = counts.iter();
    let counts: Vec<String> = counts
        .map(|(risk, n)| format!("{n} × {}", texts.risk(*risk)))
        .collect();
    counts.join(", ")
}

fn change(texts: &Texts, change: &Change) -> ChangeView {
    let action = match change.action {
        ChangeAction::Add => texts.add,
        ChangeAction::Modify => texts.modify,
        ChangeAction::Remove => texts.remove,
        ChangeAction::Import => texts.import,
        ChangeAction::Dynamic => texts.dynamic,
        ChangeAction::Other => texts.other_action,
    };
    let what = match replacement(texts, change.replacement) {
        Some(replaced) => format!("{action}; {replaced}"),
        None => action.to_owned(),
    };
    let properties = change.properties.iter();
    ChangeView {
        risk: texts.risk(change.risk),
        class: match change.risk {
            Risk::Removal | Risk::Replacement => "bad",
            Risk::Access | Risk::Data => "careful",
            Risk::Other => "plain",
        },
        logical_id: change.logical_id.clone(),
        resource_type: change.resource_type.clone(),
        what,
        properties: properties
            .map(|property| self::property(texts, property))
            .collect(),
    }
}

fn property(texts: &Texts, property: &Property) -> PropertyView {
    PropertyView {
        name: property.name.clone(),
        before: property.before.clone(),
        after: property.after.clone(),
        recreates: replacement(texts, property.recreates),
    }
}

fn replacement(texts: &Texts, replacement: Replacement) -> Option<&'static str> {
    match replacement {
        Replacement::True => Some(texts.replaced),
        Replacement::Conditional => Some(texts.maybe_replaced),
        Replacement::False => None,
    }
}
