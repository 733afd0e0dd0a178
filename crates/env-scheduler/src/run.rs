//! One run, as those see it who report on it: what was asked for, what was found and planned, and what came of it.

use common::arn::Place;
use common::aws::Aws;
use environments::apply::ApplyResult;
use environments::config::Config;
use environments::gather::GatheredFacts;
use environments::plan::Plan;
use environments::savings::Savings;
use jiff::Timestamp;

use crate::event::Event;
use crate::metrics::Counts;
use crate::settings::Settings;
use crate::{Function, HandleError, Invocation};

/// A run, from its plan on.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// The function.
    pub function: &'a Function,
    /// Its settings.
    pub settings: &'a Settings,
    /// What Lambda says.
    pub invocation: &'a Invocation,
    /// The run's id.
    pub id: &'a str,
    /// The configuration, `people` in it.
    pub config: &'a Config,
    /// What was asked for.
    pub event: &'a Event,
    /// The account and region that the run works in.
    pub place: &'a Place,
    /// The clients of that place. The state table is reached by [`Function::record_store`].
    pub aws: &'a Aws,
    /// The run's clock: the real one, or ahead of it by as much as the event was. A retried event is
    /// late and never early; in a local AWS, under a virtual clock, it is ahead, and in a dry run it may be.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// What the clock said when the plan was made.
    pub now: Timestamp,
    /// Whether nothing may be changed.
    pub dry_run: bool,
    /// What was found.
    pub gathered: &'a GatheredFacts,
    /// What is to be done.
    pub plan: &'a Plan,
}

/// What came of a run.
#[derive(Debug)]
pub struct RunOutcome {
    /// What was done; none in a dry run.
    pub applied: Option<ApplyResult>,
    /// In numbers.
    pub counts: Counts,
    /// What the sleeps that this run ended have saved.
    pub saved: Savings,
    /// In sentences.
    pub summary: String,
    /// Whether the rest is being done at once, by another run.
    pub continued: bool,
    /// What else is wrong, in sentences: what could not be read, warnings of the configuration, services
    /// that somebody should look at.
    pub problems: Vec<String>,
}

impl std::fmt::Debug for RunContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunContext")
            .field("event", &self.event)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// A run that could not even begin: its configuration is wrong, so that no channel of it is known and only the topic of
/// the settings is left; or nothing could be read in its account.
#[derive(Debug, Clone, Copy)]
pub struct FailedRun<'a> {
    /// The event that met it.
    pub event: &'a Event,
    /// Why, with all its problems.
    pub error: &'a HandleError,
}
