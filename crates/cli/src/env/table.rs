//! Plans as tables for people.

use environments::decide::Step;
use environments::explain::on_clocks;
use environments::plan::{Plan, PlanRow, Totals};
use environments::resource::Capacity;
use jiff::tz::TimeZone;
use schedule::State;
use strict_yaml::words::count;

use super::plain;
use crate::screen::{Screen, Style};
use crate::table::{Cell, lines};

/// A plan: what is to be done, in order; then what is as it should be. What isn't selected is only counted, unless somebody
/// should look at it.
pub(crate) fn plan(plan: &Plan, zone: &TimeZone, all: bool, screen: &Screen) -> Vec<String> {
    let shown = plan
        .rows
        .iter()
        .filter(|row| all || row.desired_state.is_some() || row.attention);
    let rows: Vec<[Cell; 6]> = shown.map(|row| cells(row, zone)).collect();
    let mut told = Vec::new();
    if !rows.is_empty() {
        told = lines(
            ["#", "about", "service", "do", "is → to be", "why"],
            &rows,
            screen,
        );
    }
    told.push(totals(&plan.totals));
    told
}

fn cells(row: &PlanRow, zone: &TimeZone) -> [Cell; 6] {
    let when = row
        .about_when
        .map(|at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string());
    let style = style(row);
    [
        (
            row.order.map(|order| order.to_string()).unwrap_or_default(),
            None,
        ),
        (when.unwrap_or_default(), None),
        (
            plain(&row.resource.place()),
            style.filter(|style| matches!(style, Style::Quiet)),
        ),
        (word(row).to_owned(), style),
        (change(row), None),
        (
            plain(&on_clocks(&row.why_and_remarks(), zone)),
            style.filter(|style| matches!(style, Style::Careful)),
        ),
    ]
}

/// What is done, in a word.
pub(crate) fn word(row: &PlanRow) -> &'static str {
    match row.step {
        Step::Nothing => "-",
        _ => row.step.word(),
    }
}

fn style(row: &PlanRow) -> Option<Style> {
    match &row.step {
        _ if row.attention => Some(Style::Careful),
        Step::Nothing | Step::Skip => Some(Style::Quiet),
        step if step.is_up() => Some(Style::Good),
        Step::Defer { .. } | Step::Busy { .. } => Some(Style::Careful),
        _ => None,
    }
}

/// `3 (2-6) → 0 (0-6, suspended)`, or the one that it stays at.
pub(crate) fn change(row: &PlanRow) -> String {
    let (is, after) = (row.resource.level(), level_after(row));
    if is == after {
        is.to_string()
    } else {
        format!("{is} → {after}")
    }
}

/// What it will have when the step is done.
pub(crate) fn level_after(row: &PlanRow) -> Capacity {
    let is = row.resource.level();
    match &row.step {
        Step::Sleep { was } | Step::FinishSleep { was } => row.resource.asleep(*was),
        Step::Wake { was } | Step::FinishWake { was } | Step::GiveBack { was } => *was,
        Step::Conflict { give_back, .. } => Capacity {
            scaling: give_back.or(is.scaling),
            ..is
        },
        _ => is,
    }
}

/// `8 of 12 services are ours, 2 asleep: 4 to stop, 1 to wake.`
pub(crate) fn totals(totals: &Totals) -> String {
    let parts = [
        (totals.sleep, "to stop"),
        (totals.wake, "to wake"),
        (totals.defer, "later, for a deployment"),
        (totals.conflict, "changed by somebody else"),
        (totals.leave, "left to people"),
        (totals.busy, "busy with another run"),
        (totals.attention, "to be looked at"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let ours = format!(
        "{} of {} ours, {} asleep",
        totals.selected,
        count(totals.resources, "service"),
        totals.asleep
    );
    if told.is_empty() {
        format!("{ours}; nothing to do.")
    } else {
        format!("{ours}: {}.", told.join(", "))
    }
}

/// When the state changes and to what: `off Mon 2026-11-23 22:00`.
pub(crate) fn next_edge(row: &PlanRow, zone: &TimeZone) -> String {
    let to = match row.desired_state {
        Some(State::On) => State::Off,
        Some(State::Off) => State::On,
        None => return String::new(),
    };
    match row.next_edge {
        Some(edge) => format!("{to} {}", super::times::written(edge, zone)),
        None => "never".to_owned(),
    }
}
