//! What was measured, recorded as it happens. The records outlive the tasks that measure.
//!
//! They stay small: tries of passing rounds in the middle are dropped, because a long bake must not fill the
//! memory of the function, nor the report.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::expect::Finding;
use crate::measurement::Measurement;

/// How many rounds that did not pass keep their tries, for each check. The first and the last
/// round always do.
pub(crate) const MAX_KEPT_ROUNDS: usize = 10;

/// One round of one check.
#[derive(Clone, Debug)]
pub(crate) struct RoundRecord {
    pub(crate) measurement: Measurement,
    /// Since the beginning of the run.
    pub(crate) started: Duration,
    pub(crate) duration: Duration,
    pub(crate) tries: Vec<TryRecord>,
    /// The tries were dropped to stay small.
    pub(crate) thinned: bool,
}

/// One try of a round. Nothing here is redacted yet.
#[derive(Clone, Debug)]
pub(crate) struct TryRecord {
    pub(crate) measurement: Measurement,
    pub(crate) started: Duration,
    pub(crate) duration: Duration,
    pub(crate) request: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) latency: Option<Duration>,
    pub(crate) findings: Vec<Finding>,
    /// Why nothing was measured.
    pub(crate) error: Option<String>,
    pub(crate) notes: Vec<String>,
    /// The beginning of the body, if the try did not pass.
    pub(crate) body: Option<String>,
}

/// The rounds of every check, by the check's place in the selection.
#[derive(Debug)]
pub(crate) struct Recorder {
    checks: Mutex<Vec<Vec<RoundRecord>>>,
}

impl Recorder {
    pub(crate) fn new(checks: usize) -> Self {
        Self {
            checks: Mutex::new(vec![Vec::new(); checks]),
        }
    }

    /// Opens a round: until a check is measured, it has no data.
    pub(crate) fn open_round(&self, at: Duration) {
        for rounds in self.lock().iter_mut() {
            thin(rounds);
            rounds.push(RoundRecord {
                measurement: Measurement::NoData,
                started: at,
                duration: Duration::ZERO,
                tries: Vec::new(),
                thinned: false,
            });
        }
    }

    pub(crate) fn begin(&self, check: usize, at: Duration) {
        self.with_last(check, |round| round.started = at);
    }

    pub(crate) fn add(&self, check: usize, record: TryRecord) {
        self.with_last(check, |round| {
            round.duration = (record.started + record.duration).saturating_sub(round.started);
            round.tries.push(record);
        });
    }

    pub(crate) fn settle(&self, check: usize, measurement: Measurement) {
        self.with_last(check, |round| round.measurement = measurement);
    }

    /// The measurements of one check so far.
    pub(crate) fn measurements(&self, check: usize) -> Vec<Measurement> {
        self.lock()[check]
            .iter()
            .map(|round| round.measurement)
            .collect()
    }

    /// Everything. Tasks that are still being cut write into nothing from here on.
    pub(crate) fn take(&self) -> Vec<Vec<RoundRecord>> {
        std::mem::take(&mut self.lock())
    }

    fn with_last(&self, check: usize, change: impl FnOnce(&mut RoundRecord)) {
        if let Some(round) = self
            .lock()
            .get_mut(check)
            .and_then(|rounds| rounds.last_mut())
        {
            change(round);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<RoundRecord>>> {
        // Nothing that holds the lock can leave a record half written.
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the tries of the newest round, unless they are worth keeping.
fn thin(rounds: &mut [RoundRecord]) {
    let kept = rounds.iter().skip(1).filter(|round| !round.thinned).count();
    let Some((last, earlier)) = rounds.split_last_mut() else {
        return;
    };
    let is_first = earlier.is_empty();
    if !is_first && (last.measurement == Measurement::Passed || kept > MAX_KEPT_ROUNDS) {
        last.tries = Vec::new();
        last.thinned = true;
    }
}
