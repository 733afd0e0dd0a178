//! A bake between two calls of ECS: what goes back to us in `hookDetails`.
//!
//! ECS merges what a hook returned into the next call of the same hook *in the same deployment*, so what one step of a
//! canary handed on may arrive at the next step. The step is therefore part of it.

use gate::{RunState, Stage, Suite};

use crate::event::EcsEvent;

/// `hookDetails` has no documented limit; a token of `CodePipeline` may have 2,048 characters. This many checks fit.
const MAX_CHECKS: usize = 80;

/// A run that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandedOn {
    step: String,
    pub(crate) state: RunState,
}

impl HandedOn {
    pub(crate) fn new(event: &EcsEvent, state: RunState) -> Self {
        Self {
            step: step(event),
            state,
        }
    }

    /// As text: the step, `~`, the state.
    pub(crate) fn encode(&self) -> String {
        format!("{}~{}", self.step, self.state.encode())
    }

    /// What [`HandedOn::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (step, state) = text.split_once('~')?;
        Some(Self {
            step: step.to_owned(),
            state: RunState::decode(state)?,
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

/// Why a run of the suite can't be handed on.
pub(crate) fn too_many_checks(suite: &Suite, stage: Stage, may_pause: bool) -> Option<String> {
    let checks = suite.checks_at(stage);
    (may_pause && checks > MAX_CHECKS && !suite.bake().length().is_zero()).then(|| {
        format!(
            "the suite has {checks} checks for {stage}, and a bake that may go on in another invocation can have \
             {MAX_CHECKS}; split the suite, or leave traffic.bake out"
        )
    })
}
