//! The continuation token: what goes from one job to the next.

use crate::carried_state::CarriedState;

/// A run, or a question, between two jobs: each continuation has an id of its own, so the first job's names the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Continuation {
    pub(crate) first_job: String,
    pub(crate) carried: CarriedState,
}

impl Continuation {
    pub(crate) fn encode(&self) -> String {
        format!("{}~{}", self.first_job, self.carried.encode())
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (first_job, carried) = text.split_once('~')?;
        Some(Self {
            first_job: first_job.to_owned(),
            carried: CarriedState::decode(carried)?,
        })
    }
}
