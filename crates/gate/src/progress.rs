//! What a run says of itself while it goes on, for whoever waits beside it. Redacted as the report is; what counts
//! is the report.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::measurement::Measurement;
use crate::redact::Redactor;
use crate::severity::Severity;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A round of all checks begins.
    RoundBegun {
        /// From 1.
        number: u32,
        /// Since the beginning of the run.
        elapsed: Duration,
    },
    /// A check is measured in this round.
    CheckDone {
        /// The check's name.
        name: String,
        /// Whether it may block.
        severity: Severity,
        /// What it came to in this round.
        measurement: Measurement,
        /// What was not met, or why nothing was measured; empty if it passed.
        detail: String,
        /// All tries together.
        duration: Duration,
        /// How often it was tried.
        tries: usize,
    },
}

/// Whoever waits beside a run.
#[derive(Debug)]
pub struct Observer {
    /// What happens is said here. That nobody reads it is no reason to stop.
    pub progress: mpsc::UnboundedSender<Progress>,
    /// Once something comes here, the run is cut as its deadline would cut it, and reported.
    pub stop: oneshot::Receiver<()>,
}

/// The side of the run.
pub(crate) struct ProgressReporter {
    pub(crate) progress: mpsc::UnboundedSender<Progress>,
    pub(crate) redactor: Redactor,
}

impl ProgressReporter {
    pub(crate) fn say(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }
}

// Written out, so that no log can hold the secrets that the redactor knows.
impl std::fmt::Debug for ProgressReporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgressReporter").finish_non_exhaustive()
    }
}
