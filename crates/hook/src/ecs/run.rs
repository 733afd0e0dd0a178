//! A bake or a question between two calls of ECS: what goes back to us in `hookDetails`.
//!
//! ECS merges what a hook returned into the next call of the same hook *in the same deployment*, so what one step of a
//! canary handed on may arrive at the next step. The step is therefore part of it.

use crate::carried::Carried;
use crate::event::EcsEvent;

/// A run that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandedOn {
    step: String,
    pub(crate) carried: Carried,
}

impl HandedOn {
    pub(crate) fn new(event: &EcsEvent, carried: Carried) -> Self {
        Self {
            step: step(event),
            carried,
        }
    }

    /// As text: the step, `~`, what is carried.
    pub(crate) fn encode(&self) -> String {
        format!("{}~{}", self.step, self.carried.encode())
    }

    /// What [`HandedOn::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (step, carried) = text.split_once('~')?;
        Some(Self {
            step: step.to_owned(),
            carried: Carried::decode(carried)?,
        })
    }

    /// Whether it belongs to the step that calls now.
    pub(crate) fn of_step(&self, event: &EcsEvent) -> bool {
        self.step == step(event)
    }
}

/// The stage with the new revision's share of production traffic, which tells the steps of a canary apart.
pub(crate) fn step(event: &EcsEvent) -> String {
    let stage = &event.lifecycle_stage;
    let of_new = event
        .production_weights
        .iter()
        .find(|(revision, _)| *revision == event.target_revision_arn);
    match of_new {
        Some((_, percent)) => format!("{stage}-{percent}"),
        None => stage.clone(),
    }
}
