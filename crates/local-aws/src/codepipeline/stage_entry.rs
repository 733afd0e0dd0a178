//! Who may enter a stage.
//!
//! A stage holds one execution at a time, also while that one waits for an approval. The next waits
//! at the entrance; what a still newer one does to it is the pipeline's execution mode:
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html>

use std::collections::VecDeque;

use jiff::Timestamp;

use super::declaration::Mode;
use super::model::{ExecutionStatus, Pipeline, StageStatus};

/// The entrance of a stage.
#[derive(Debug, Clone, Default)]
pub(super) struct StageEntrance {
    /// Set while the transition into the stage is disabled.
    pub(super) closed: Option<Closed>,
    /// Who changed the transition last, and when.
    pub(super) changed: Option<(String, Timestamp)>,
    /// Executions that wait to enter, the first to come first.
    pub(super) waiting: VecDeque<String>,
    /// The execution that is in the stage.
    pub(super) inside: Option<String>,
    /// The last that entered.
    pub(super) latest: Option<String>,
}

/// Why a transition is disabled.
#[derive(Debug, Clone)]
pub(super) struct Closed {
    pub(super) reason: String,
}

/// What happened at an entrance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryEvent {
    /// An execution gave way to a newer one.
    Superseded(String),
    /// An execution entered a stage.
    Entered(String, usize),
}

impl Pipeline {
    /// An execution comes to the entrance of a stage of its structure.
    pub(super) fn arrive(&mut self, id: &str, stage: usize, now: Timestamp) -> Vec<EntryEvent> {
        let Ok(execution) = self.execution_mut(id) else {
            return Vec::new();
        };
        let declaration = execution.declaration.clone();
        execution.waits_for = Some(stage);
        execution.touch(now);
        if declaration.execution_mode == Mode::Parallel {
            return self.enter(id, stage, now);
        }
        let entrance = self
            .entrances
            .entry(declaration.stages[stage].name.clone())
            .or_default();
        let older = match declaration.execution_mode {
            Mode::Superseded => std::mem::take(&mut entrance.waiting),
            Mode::Queued | Mode::Parallel => VecDeque::new(),
        };
        entrance.waiting.push_back(id.to_owned());
        let mut happened = Vec::new();
        for older in older {
            if let Ok(older) = self.execution_mut(&older) {
                older.status = ExecutionStatus::Superseded;
                older.waits_for = None;
                older.touch(now);
                happened.push(EntryEvent::Superseded(older.id.clone()));
            }
        }
        happened.extend(self.admit(&declaration.stages[stage].name, now));
        happened
    }

    /// An execution leaves a stage, whichever way it went.
    pub(super) fn leave(&mut self, id: &str, stage: &str, now: Timestamp) -> Vec<EntryEvent> {
        if let Some(entrance) = self.entrances.get_mut(stage)
            && entrance.inside.as_deref() == Some(id)
        {
            entrance.inside = None;
        }
        self.admit(stage, now)
    }

    /// An execution that waits at an entrance goes away.
    pub(super) fn step_back(&mut self, id: &str) {
        for entrance in self.entrances.values_mut() {
            entrance.waiting.retain(|waiting| waiting != id);
        }
    }

    /// Lets the next execution in, if the stage is free and open.
    pub(super) fn admit(&mut self, stage: &str, now: Timestamp) -> Vec<EntryEvent> {
        let Some(entrance) = self.entrances.get_mut(stage) else {
            return Vec::new();
        };
        if entrance.inside.is_some() || entrance.closed.is_some() {
            return Vec::new();
        }
        let Some(next) = entrance.waiting.pop_front() else {
            return Vec::new();
        };
        let place = self
            .execution(&next)
            .ok()
            .and_then(|execution| execution.waits_for);
        place.map_or_else(Vec::new, |place| self.enter(&next, place, now))
    }

    fn enter(&mut self, id: &str, stage: usize, now: Timestamp) -> Vec<EntryEvent> {
        let Ok(execution) = self.execution_mut(id) else {
            return Vec::new();
        };
        execution.waits_for = None;
        execution.stages[stage] = Some(StageStatus::InProgress);
        let name = execution.declaration.stages[stage].name.clone();
        execution.touch(now);
        if execution.declaration.execution_mode != Mode::Parallel {
            self.occupy(id, &name);
        }
        vec![EntryEvent::Entered(id.to_owned(), stage)]
    }

    /// Notes who is in a stage.
    pub(super) fn occupy(&mut self, id: &str, stage: &str) {
        let entrance = self.entrances.entry(stage.to_owned()).or_default();
        entrance.inside = Some(id.to_owned());
        entrance.latest = Some(id.to_owned());
    }
}
