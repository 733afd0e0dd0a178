//! The pauses between the tries of a call that must get through: doubled each time, with jitter, without end.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first pause.
const MIN_PAUSE: Duration = Duration::from_millis(150);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The pauses of one call.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Pauses {
    /// Before any try has failed.
    pub fn begin() -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(MIN_PAUSE)
            .with_max_delay(MAX_PAUSE)
            .with_jitter()
            .without_max_times();
        Self(pauses.build())
    }

    /// How long to wait before the next try.
    pub fn next_pause(&mut self) -> Duration {
        self.0.next().unwrap_or(MAX_PAUSE)
    }
}
