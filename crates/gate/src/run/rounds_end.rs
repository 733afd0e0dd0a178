//! How the rounds of one invocation end.

use std::time::Duration;

use crate::verdict::End;

/// How the rounds of this invocation came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundsEnd {
    /// There is no further round.
    Ended(End),
    /// The next one is for another invocation.
    Paused {
        /// When it is due, since the beginning of the run.
        next_round: Duration,
    },
}
