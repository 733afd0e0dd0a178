//! A bake or a question between two calls of ECS: what goes back to us in `hookDetails`.
//!
//! ECS merges what a hook returned into the next call of the same hook *in the same deployment*, so what one step of a
//! canary handed on may arrive at the next step. The step is therefore part of it, and so is the name of the run, as
//! nothing says that each call has the same `executionId`.

use std::borrow::Cow;

use super::options::told_apart;
use crate::carried_state::CarriedState;
use crate::event::EcsEvent;

/// A run that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Continuation {
    step: String,
    /// See [`run_id`].
    run: String,
    pub(crate) carried: CarriedState,
}

impl Continuation {
    pub(crate) fn new(event: &EcsEvent, carried: CarriedState) -> Self {
        Self {
            step: step(event),
            run: run_id(event).into_owned(),
            carried,
        }
    }

    /// As text: the step, the run and what is carried, with `~` between.
    pub(crate) fn encode(&self) -> String {
        format!("{}~{}~{}", self.step, self.run, self.carried.encode())
    }

    /// What [`Continuation::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (head, carried) = text.rsplit_once('~')?;
        let (step, run) = head.split_once('~')?;
        Some(Self {
            step: step.to_owned(),
            run: run.to_owned(),
            carried: CarriedState::decode(carried)?,
        })
    }

    /// Whether it belongs to the step that calls now.
    pub(crate) fn of_step(&self, event: &EcsEvent) -> bool {
        self.step == step(event)
    }
}

/// What tells this run from that of another hook of the same function at the same stage: the first call's
/// `executionId`, and the suite and the options that the hook names.
pub(crate) fn run_id(event: &EcsEvent) -> Cow<'_, str> {
    let handed_on = event.run.as_deref().and_then(Continuation::decode);
    match (
        handed_on.filter(|run| run.of_step(event)),
        told_apart(event),
    ) {
        (Some(run), _) => run.run.into(),
        (None, None) => event.execution_id.as_str().into(),
        (None, Some(hook)) => format!("{}-{hook}", event.execution_id).into(),
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
