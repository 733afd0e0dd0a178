//! What was measured, recorded as it happens. The records outlive the tasks that measure.
//!
//! They stay small: tries of passing rounds in the middle are dropped, because a long bake must not fill the
//! memory of the function, nor the report.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::expect::{Actual, Finding};
use crate::measurement::Measurement;
use crate::probe::browser::PageRecord;
use crate::redact::Redactor;

/// How many rounds that did not pass keep their tries, for each check. The first and the last
/// round always do.
pub(crate) const MAX_KEPT_ROUNDS: usize = 10;

/// How many tries of a round are kept: the first one, and the last ones.
const MAX_KEPT_TRIES: usize = 6;

/// What the records of a run may take, in bytes, divided among its checks.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// One round of one check.
#[derive(Clone, Debug)]
pub(crate) struct RoundRecord {
    pub(crate) measurement: Measurement,
    /// Since the beginning of the run.
    pub(crate) started: Duration,
    pub(crate) duration: Duration,
    pub(crate) tries: Vec<TryRecord>,
    /// Tries after the first one that are kept no more.
    pub(crate) left_out: usize,
    /// The tries were dropped to stay small.
    pub(crate) thinned: bool,
    /// There was more than one try, whether or not they are kept.
    pub(crate) repeated: bool,
}

/// One attempt to measure something: a try of a check, or a step of a journey in it. Nothing here is redacted yet.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) measurement: Measurement,
    /// Since the beginning of the run.
    pub(crate) started: Duration,
    pub(crate) duration: Duration,
    pub(crate) request: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) latency: Option<Duration>,
    pub(crate) findings: Vec<Finding>,
    /// Why nothing was measured.
    pub(crate) error: Option<String>,
    pub(crate) notes: Vec<String>,
    /// The beginning of the body, if it did not pass.
    pub(crate) body: Option<String>,
    /// What a browser showed, if it did not pass.
    pub(crate) pages: Vec<PageRecord>,
    /// What a model did, as steps of a suite.
    pub(crate) recording: Vec<String>,
}

/// One try of a round.
#[derive(Clone, Debug)]
pub(crate) struct TryRecord {
    pub(crate) attempt: Attempt,
    /// Of a journey, in the order in which they were taken.
    pub(crate) steps: Vec<StepRecord>,
    /// Of a journey or a browser: the steps after the one that was not met.
    pub(crate) not_reached: Vec<UnreachedStep>,
    /// The answer came from the release.
    pub(crate) of_release: bool,
}

/// A step that was not taken.
#[derive(Clone, Debug)]
pub(crate) struct UnreachedStep {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) name: Option<String>,
}

/// One step of a journey in one try.
#[derive(Clone, Debug)]
pub(crate) struct StepRecord {
    /// From 1, in its list.
    pub(crate) number: usize,
    pub(crate) name: Option<String>,
    /// It stands under `always`.
    pub(crate) always: bool,
    pub(crate) attempt: Attempt,
    /// What was captured: names, and values unless they are secret.
    pub(crate) captured: Vec<(String, Option<String>)>,
}

impl Attempt {
    /// One that begins, of which nothing is known yet.
    pub(crate) fn begun(started: Duration) -> Self {
        Self {
            measurement: Measurement::Errored,
            started,
            duration: Duration::ZERO,
            request: None,
            status: None,
            latency: None,
            findings: Vec::new(),
            error: None,
            notes: Vec::new(),
            body: None,
            pages: Vec::new(),
            recording: Vec::new(),
        }
    }

    /// Bytes of memory beside its own.
    fn size(&self) -> usize {
        let texts = [&self.request, &self.error, &self.body];
        let texts = texts
            .into_iter()
            .flatten()
            .chain(&self.notes)
            .chain(&self.recording);
        let findings: usize = self.findings.iter().map(Finding::size).sum();
        let pages: usize = self.pages.iter().map(PageRecord::size).sum();
        findings + pages + texts.map(String::len).sum::<usize>()
    }

    /// Makes it small: of what was not met the first stays.
    fn strip(&mut self) {
        self.body = None;
        self.pages = Vec::new();
        self.recording = Vec::new();
        self.notes = Vec::new();
        let is_unmet = |finding: &Finding| finding.measurement != Measurement::Passed;
        self.findings.retain(is_unmet);
        self.findings.truncate(1);
    }
}

impl StepRecord {
    /// Takes values out that were captured as secrets: only the try itself knows them.
    pub(crate) fn mask(&mut self, redactor: &Redactor) {
        let mask = |text: &mut String| *text = redactor.text(text);
        let attempt = &mut self.attempt;
        let texts = [&mut attempt.request, &mut attempt.error, &mut attempt.body];
        texts.into_iter().flatten().for_each(mask);
        attempt.notes.iter_mut().for_each(mask);
        let captured = self
            .captured
            .iter_mut()
            .filter_map(|(_, value)| value.as_mut());
        captured.for_each(mask);
        for finding in &mut attempt.findings {
            mask(&mut finding.demand);
            finding.expected.iter_mut().for_each(mask);
            let (Actual::Words(got) | Actual::Value(got)) = &mut finding.got;
            mask(got);
        }
    }

    /// Bytes of memory that it takes.
    fn size(&self) -> usize {
        let captured = self.captured.iter();
        let captured: usize = captured
            .map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len))
            .sum();
        size_of::<Self>()
            + self.attempt.size()
            + self.name.as_ref().map_or(0, String::len)
            + captured
    }

    fn strip(&mut self) {
        self.attempt.strip();
        self.captured = Vec::new();
    }
}

impl UnreachedStep {
    /// Bytes of memory that it takes.
    fn size(&self) -> usize {
        size_of::<Self>() + self.name.as_ref().map_or(0, String::len)
    }
}

impl TryRecord {
    /// Bytes of memory that it takes.
    fn size(&self) -> usize {
        let steps: usize = self.steps.iter().map(StepRecord::size).sum();
        let not_reached: usize = self.not_reached.iter().map(UnreachedStep::size).sum();
        size_of::<Self>() + self.attempt.size() + steps + not_reached
    }

    /// Makes it small: of what was not met the first stays, with its value where that fits.
    fn strip(&mut self, room: usize) {
        self.attempt.strip();
        self.steps.iter_mut().for_each(StepRecord::strip);
        if self.size() > room {
            let is_unmet = |step: &StepRecord| step.attempt.measurement != Measurement::Passed;
            self.steps.retain(is_unmet);
            self.steps.truncate(1);
            self.not_reached = Vec::new();
        }
        if self.size() > room {
            self.attempt.request = None;
            if !std::mem::take(&mut self.steps).is_empty() {
                self.attempt.error = Some(LEFT_OUT_NOTE.to_owned());
            }
            for finding in &mut self.attempt.findings {
                finding.expected = None;
                finding.got = Actual::Words(LEFT_OUT_NOTE.to_owned());
            }
        }
        if self.size() > room {
            self.attempt.findings = Vec::new();
            self.attempt.error = Some(LEFT_OUT_NOTE.to_owned());
        }
    }
}

const LEFT_OUT_NOTE: &str = "what is left out here: the records of this run had grown too large";

/// The rounds of every check, by the check's place in the selection.
#[derive(Debug)]
pub(crate) struct Recorder {
    checks: Mutex<Vec<Vec<RoundRecord>>>,
    /// Bytes that the records of one check may take.
    share: usize,
}

impl Recorder {
    pub(crate) fn new(checks: usize) -> Self {
        Self {
            checks: Mutex::new(vec![Vec::new(); checks]),
            share: MAX_BYTES / checks.max(1),
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
                left_out: 0,
                thinned: false,
                repeated: false,
            });
        }
    }

    pub(crate) fn begin(&self, check: usize, at: Duration) {
        self.with_last(check, |round| round.started = at);
    }

    pub(crate) fn add(&self, check: usize, record: TryRecord) {
        self.with_last(check, |round| {
            let ended = record.attempt.started + record.attempt.duration;
            round.duration = ended.saturating_sub(round.started);
            round.repeated |= !round.tries.is_empty();
            round.tries.push(record);
            if round.tries.len() > MAX_KEPT_TRIES {
                round.tries.remove(1);
                round.left_out += 1;
            }
        });
        if let Some(rounds) = self.lock().get_mut(check) {
            fit(rounds, self.share);
        }
    }

    pub(crate) fn settle(&self, check: usize, measurement: Measurement) {
        self.with_last(check, |round| round.measurement = measurement);
    }

    /// The measurements of one check so far.
    pub(crate) fn measurements(&self, check: usize) -> Vec<Measurement> {
        let checks = self.lock();
        let rounds = checks.get(check).into_iter().flatten();
        rounds.map(|round| round.measurement).collect()
    }

    /// The last round of one check, with its tries.
    pub(crate) fn last_round(&self, check: usize) -> Option<RoundRecord> {
        let checks = self.lock();
        checks.get(check).and_then(|rounds| rounds.last()).cloned()
    }

    /// What the last round of one check came to.
    pub(crate) fn last(&self, check: usize) -> Measurement {
        let checks = self.lock();
        let last = checks.get(check).and_then(|rounds| rounds.last());
        last.map_or(Measurement::NoData, |round| round.measurement)
    }

    /// Whether the try that settled some round of this check had its answer from the release.
    pub(crate) fn is_of_release(&self, check: usize) -> bool {
        let checks = self.lock();
        let mut rounds = checks.get(check).into_iter().flatten();
        rounds.any(|round| round.tries.last().is_some_and(|last| last.of_release))
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

/// Makes records small until all fit: the tries of rounds in the middle go first, then the oldest are stripped, and
/// last the newest one.
fn fit(rounds: &mut [RoundRecord], share: usize) {
    let size_of = |round: &RoundRecord| round.tries.iter().map(TryRecord::size).sum::<usize>();
    let mut size: usize = rounds.iter().map(size_of).sum();
    if let [_, middle @ .., _] = rounds {
        for round in middle.iter_mut().filter(|round| !round.thinned) {
            if size <= share {
                return;
            }
            size -= size_of(round);
            round.tries = Vec::new();
            round.thinned = true;
        }
    }
    for one in rounds.iter_mut().flat_map(|round| &mut round.tries) {
        if size <= share {
            return;
        }
        size -= one.size();
        one.strip(share.saturating_sub(size));
        size += one.size();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn large(measurement: Measurement) -> TryRecord {
        let finding = Finding {
            demand: "body".to_owned(),
            expected: None,
            got: Actual::Value("x".repeat(8_000)),
            measurement,
            sensitive: false,
        };
        TryRecord {
            attempt: Attempt {
                measurement,
                request: Some("GET /".to_owned()),
                status: Some(503),
                findings: vec![finding; 20],
                notes: vec!["x".repeat(8_000)],
                body: Some("x".repeat(8_000)),
                ..Attempt::begun(Duration::ZERO)
            },
            steps: Vec::new(),
            not_reached: Vec::new(),
            of_release: true,
        }
    }

    #[test]
    fn a_round_that_passed_at_a_later_try_is_known_after_its_tries_have_gone() {
        let recorder = Recorder::new(1);
        for tries in [1, 2, 1] {
            recorder.open_round(Duration::ZERO);
            for _ in 0..tries {
                recorder.add(0, large(Measurement::Passed));
            }
            recorder.settle(0, Measurement::Passed);
        }
        let rounds = &recorder.take()[0];
        let repeated: Vec<_> = rounds
            .iter()
            .map(|round| (round.tries.len(), round.repeated))
            .collect();
        assert_eq!(repeated, [(1, false), (0, true), (1, false)]);
    }

    #[test]
    fn records_stay_within_their_share_whatever_comes() {
        let recorder = Recorder::new(1_000);
        for round in 0..200 {
            recorder.open_round(Duration::from_secs(round));
            for _ in 0..30 {
                recorder.add(7, large(Measurement::Failed));
                recorder.settle(7, Measurement::Failed);
            }
        }
        let rounds = &recorder.take()[7];
        let tries = rounds.iter().flat_map(|round| &round.tries);
        let size: usize = tries.clone().map(TryRecord::size).sum();
        assert!(size <= 3 * MAX_BYTES / 1_000, "{size}");
        let last = rounds[199].tries.last().unwrap();
        assert_eq!(
            last.attempt.findings.len(),
            1,
            "why it failed is still known"
        );
        assert_eq!(rounds[0].tries.len(), MAX_KEPT_TRIES);
        assert_eq!(rounds[0].left_out, 30 - MAX_KEPT_TRIES);
        assert!(recorder.measurements(7).is_empty() && !recorder.is_of_release(7));
    }
}
