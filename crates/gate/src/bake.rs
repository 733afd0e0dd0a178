//! The post-traffic window: how long, how often, and how much may go wrong.

use std::time::Duration;

/// The longest window that a suite may ask for. ECS waits a day for a hook, and so does `CodePipeline` for an
/// action. How long a caller really waits is known only when it calls; see `hook`.
pub const MAX_BAKE_WINDOW: Duration = Duration::from_hours(23);

/// The post-traffic window: rounds of measurements while the new release has traffic, and the limits within which
/// every required check must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bake {
    /// The pause before the first round.
    pub initial_delay: Duration,
    /// From the start of the first round to the start of the last.
    pub window: Duration,
    /// The time between the starts of two rounds.
    pub every: Duration,
    /// How many failed rounds a required check may have.
    pub failure_limit: u32,
    /// How many errored rounds a required check may have.
    pub error_limit: u32,
    /// How many errored rounds it may have in a row; none: as many as `error_limit` allows.
    pub consecutive_error_limit: Option<u32>,
    /// How many inconclusive rounds it may have.
    pub inconclusive_limit: u32,
    /// Passed rounds in a row that end the window early, and that the end of the window demands.
    pub consecutive_success: Option<u32>,
    /// What a round without data means.
    pub no_data: NoDataPolicy,
}

/// What a round means in which a check had nothing to measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoDataPolicy {
    /// The verdict can't be a pass.
    #[default]
    Inconclusive,
    /// The check failed.
    Fail,
    /// The round does not count. A check that never had data still can't pass.
    Ignore,
}

impl Bake {
    /// One round, as at the pre-traffic stage.
    pub const ONE_ROUND: Self = Self {
        initial_delay: Duration::ZERO,
        window: Duration::ZERO,
        every: Duration::from_secs(1),
        failure_limit: 0,
        error_limit: 0,
        consecutive_error_limit: None,
        inconclusive_limit: 0,
        consecutive_success: None,
        no_data: NoDataPolicy::Inconclusive,
    };

    /// From the beginning of the run to the start of the last round.
    pub fn length(&self) -> Duration {
        self.initial_delay + self.window
    }
}
