//! The post-traffic window: how long, how often, and how much may go wrong.

use std::time::Duration;

/// The longest window. A function runs for 15 minutes at most, and needs the rest for the look-ups
/// before, the last round, the answer and the report.
pub const MAX_BAKE_WINDOW: Duration = Duration::from_mins(14);

/// The post-traffic window: rounds of measurements while the new release has traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bake {
    /// How long; the last round starts at its end.
    pub window: Duration,
    /// The time between the starts of two rounds.
    pub every: Duration,
    /// How many failed rounds a required check may have.
    pub failure_limit: u32,
    /// How many errored rounds a required check may have.
    pub error_limit: u32,
}

impl Bake {
    /// One round, as at the pre-traffic stage.
    pub const ONE_ROUND: Self = Self {
        window: Duration::ZERO,
        every: Duration::from_secs(1),
        failure_limit: 0,
        error_limit: 0,
    };
}
