//! Runs a suite: rounds of checks until the window ends, a limit is exceeded or the deadline comes.
//!
//! Measurements are recorded as they happen, outside the tasks that measure. When the deadline cuts those
//! off, the report still has everything up to then and shows what is missing.

mod attempt;
mod context;
mod journey;
mod judging;
mod memory;
mod part;
mod preflight;
mod probe_call;
mod probe_judge;
mod refusals;
mod rounds;
pub(crate) mod rounds_end;
mod sampling;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use self::context::{RunContext, probe_context};
use self::rounds_end::RoundsEnd;
use crate::bake::Bake;
use crate::browsers::Browsers;
use crate::cloud::CloudProbes;
use crate::expect::Expectation;
use crate::measurement::Measurement;
use crate::probe::ProbeContext;
use crate::progress::{Observer, ProgressReporter};
use crate::recorder::{Recorder, RoundRecord};
use crate::redact::{self, Redactor};
use crate::report::{self, CheckRecord, Report, ReportInput};
use crate::severity::Severity;
use crate::suite::{Check, Suite};
use crate::template::Missing;
use crate::verdict::{Conclusion, End, InconclusivePolicy, RunState, Verdict};
use crate::{Stage, Target};

pub use self::part::{Part, PartEnd, PausePolicy, Paused, Resume};
pub use self::preflight::Preflight;
pub use crate::probe::client::HttpOptions;

/// One gate to pass: a suite against a target at a stage.
pub struct Run {
    /// The loaded suite.
    pub suite: Suite,
    /// Which of its checks run.
    pub stage: Stage,
    /// What is deployed, and where it answers.
    pub target: Target,
    /// The resolved secrets, by their names in the suite.
    pub secrets: BTreeMap<String, String>,
    /// How HTTP is spoken here.
    pub http: HttpOptions,
    /// Answers what checks ask of the cloud; without it such checks are errored.
    pub cloud: Option<Arc<dyn CloudProbes>>,
    /// Gives browsers to checks that need one; without it a suite with such a check is refused.
    pub browsers: Option<Arc<dyn Browsers>>,
    /// How much memory there is, in bytes, if that is known. A suite that may need more is refused.
    pub memory: Option<u64>,
    /// When [`run()`] has returned, whatever happens.
    pub deadline: Instant,
}

// Written out, so that no log can hold the secrets.
impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("suite", &self.suite.name)
            .field("stage", &self.stage)
            .field("secrets", &self.secrets.keys())
            .finish_non_exhaustive()
    }
}

/// The decision, and the report that explains it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The decision; its reasons are redacted.
    pub verdict: Verdict,
    /// Everything that people and programs may read about the run; redacted.
    pub report: Report,
    /// The run did not begin: the suite or the target does not allow it, and nothing was asked.
    pub refused: bool,
}

impl Outcome {
    /// An outcome for a gate that could not even begin: the suite can't be loaded, the target
    /// can't be found. It fails, has no checks, and still makes a report.
    pub fn refused(
        suite_name: &str,
        stage: Stage,
        target_facts: BTreeMap<String, String>,
        reasons: Vec<String>,
    ) -> Self {
        let reasons = if reasons.is_empty() {
            vec!["the gate was refused without a reason".to_owned()]
        } else {
            reasons
        };
        Self {
            refused: true,
            ..Self::unmeasured(suite_name, stage, target_facts, reasons)
        }
    }

    /// An outcome for a deployment that no gate may hinder (a rollback): it passes without a
    /// measurement, and `reason` says why. For nothing else.
    pub fn waived(stage: Stage, target_facts: BTreeMap<String, String>, reason: String) -> Self {
        let mut waived = Self::unmeasured("", stage, target_facts, vec![reason]);
        waived.report.verdict.passed = true;
        waived.report.verdict.conclusion = Conclusion::Passed;
        Self::of(waived.report)
    }

    /// The outcome of a run whose report was stored meanwhile.
    pub fn of_report(report: Report) -> Self {
        Self::of(report)
    }

    /// The same after people have let the release go on: see [`Verdict::let_pass`].
    #[must_use]
    pub fn let_pass(mut self, reason: String) -> Self {
        self.report.verdict = self.report.verdict.let_pass(reason);
        Self::of(self.report)
    }

    /// The same with one more reason, before the others.
    #[must_use]
    pub fn because(mut self, reason: String) -> Self {
        self.report.verdict = self.report.verdict.because(reason);
        Self::of(self.report)
    }

    /// The same as a dry run: it passes, and says what it would have done.
    #[must_use]
    pub fn in_dry_run(mut self) -> Self {
        self.report.verdict = self.report.verdict.in_dry_run();
        Self::of(self.report)
    }

    fn unmeasured(
        suite_name: &str,
        stage: Stage,
        target_facts: BTreeMap<String, String>,
        reasons: Vec<String>,
    ) -> Self {
        let now = Timestamp::now();
        Self::of(report::build(&ReportInput {
            suite: suite_name,
            stage,
            address: None,
            facts: target_facts,
            redactor: &Redactor::default(),
            started: now,
            finished: now,
            bake: Bake::ONE_ROUND,
            policy: InconclusivePolicy::Fail,
            dry_run: false,
            overridable: false,
            seed: None,
            files: &[],
            elapsed: Duration::ZERO,
            finish: RoundsEnd::Ended(End::Cut),
            refusals: reasons,
            earlier: None,
            checks: Vec::new(),
        }))
    }

    fn of(report: Report) -> Self {
        Self {
            verdict: report.verdict.clone(),
            report,
            refused: false,
        }
    }
}

/// Runs the checks of the stage and decides.
///
/// Returns by the deadline, whatever a probe does, and never panics: what goes wrong inside is
/// part of the outcome.
pub async fn run(run: Run) -> Outcome {
    let (name, stage) = (run.suite.name.clone(), run.stage);
    match run_part(run, Part::whole(Timestamp::now())).await {
        PartEnd::Decided(outcome) | PartEnd::Asks(outcome) | PartEnd::Overridden(outcome) => {
            *outcome
        }
        PartEnd::Paused(_) => never_ended(&name, stage),
    }
}

fn never_ended(suite: &str, stage: Stage) -> Outcome {
    let reason = "the run was handed on, and nobody goes on with it; this is a defect";
    Outcome::refused(suite, stage, BTreeMap::new(), vec![reason.to_owned()])
}

/// Goes on with a run, or begins it, and decides or hands it on. Promises what [`run()`] promises.
pub async fn run_part(run: Run, part: Part) -> PartEnd {
    go_on(run, part, None).await
}

/// Runs the checks of the stage and decides, while somebody waits beside it who may stop it: then what was measured
/// until then is judged, as if the deadline had come. Promises what [`run()`] promises.
pub async fn run_observed(run: Run, observer: Observer) -> Outcome {
    let (name, stage) = (run.suite.name.clone(), run.stage);
    match go_on(run, Part::whole(Timestamp::now()), Some(observer)).await {
        PartEnd::Decided(outcome) | PartEnd::Asks(outcome) | PartEnd::Overridden(outcome) => {
            *outcome
        }
        PartEnd::Paused(_) => never_ended(&name, stage),
    }
}

async fn go_on(run: Run, part: Part, observer: Option<Observer>) -> PartEnd {
    let begun = Instant::now();
    let bake = match run.stage {
        Stage::PreTraffic => Bake::ONE_ROUND,
        Stage::PostTraffic => run.suite.bake(),
    };
    let selected = selected(&run);
    let fingerprint = run.suite.fingerprint;
    let (prior, earlier) = match part.resume.map(|resume| (resume.state, resume.report)) {
        Some(resumed) => resumed,
        None => (
            RunState::new(part.now, &bake, fingerprint, selected.len()),
            None,
        ),
    };
    let earlier = earlier.map(|earlier| report::up_to(earlier, &prior));
    let elapsed_before =
        Duration::try_from(part.now.duration_since(prior.begun)).unwrap_or_default();
    let seed = run.suite.seed.unwrap_or_else(|| prior.seed());
    let overall = run.suite.limits.overall;
    let overall = overall.map(|overall| begun + overall.saturating_sub(elapsed_before));
    let deadline = overall.map_or(run.deadline, |overall| overall.min(run.deadline));
    let mut refusals = refusals_of_part(
        part.pause.is_none(),
        &prior,
        &bake,
        (&selected, fingerprint),
        (begun, deadline),
    );
    let concurrency = run.suite.limits.concurrency;
    let marks = match run.target.sampled_percent {
        Some(_) => run.suite.revision.clone(),
        None => Vec::new(),
    };
    let context = probe_context(&run);
    refusals.extend(refusals_of(&run, &selected, &marks, context.as_ref()));

    let recorder = Arc::new(Recorder::new(selected.len()));
    let redactor = Redactor::new(run.secrets.values().map(String::as_str));
    let (speaker, stop) = match observer {
        Some(Observer { progress, stop }) => {
            let redactor = redactor.clone();
            (Some(ProgressReporter { progress, redactor }), Some(stop))
        }
        None => (None, None),
    };
    let refused = !refusals.is_empty() || selected.is_empty();
    let mut finish = RoundsEnd::Ended(End::Cut);
    if let (true, false, Ok(context)) = (refusals.is_empty(), selected.is_empty(), context) {
        let memory =
            memory::Budget::new(&selected, &marks, concurrency, run.suite.held, run.memory);
        let judge = probe_judge::RunJudge::new(memory.clone(), deadline);
        let context = Arc::new(RunContext {
            probe: ProbeContext {
                judge: Some(Arc::new(judge)),
                ..context
            },
            checks: selected.clone(),
            concurrency,
            memory,
            bake,
            prior: prior.clone(),
            elapsed_before,
            begun,
            deadline,
            seed,
            function_deadline: run.deadline,
            pause: part.pause,
            revision: marks.clone(),
            sampled_percent: run.target.sampled_percent,
            recorder: Arc::clone(&recorder),
            speaker,
        });
        match measure(context, stop).await {
            Ok(finished) => finish = finished,
            Err(fault) => refusals.push(fault),
        }
        let only_release = run.stage == Stage::PreTraffic || run.target.only_release;
        if only_release && has_only_answers_of_others(&selected, &recorder) {
            refusals.push(refusals::NOT_OF_THE_RELEASE.to_owned());
        }
    }

    end_of(
        &run,
        Measured {
            bake,
            now: part.now,
            took: begun.elapsed(),
            elapsed: elapsed_before + begun.elapsed(),
            state: prior,
            seed,
            earlier,
            records: recorder.take(),
            checks: selected,
            finish,
            refusals,
            refused,
        },
        &redactor,
    )
}

/// Why this part can't be measured, by what is known before the target is looked at.
fn refusals_of_part(
    must_end: bool,
    prior: &RunState,
    bake: &Bake,
    (selected, fingerprint): (&[Check], u64),
    (begun, deadline): (Instant, Instant),
) -> Vec<String> {
    let mut refusals = Vec::new();
    if prior.rounds() == 0 {
        if must_end {
            refusals.extend(refusals::does_not_fit(bake, begun, deadline));
        }
        refusals.extend(refusals::takes_too_long(selected, begun, deadline));
    }
    refusals.extend(refusals::is_of_another_suite(
        prior,
        fingerprint,
        selected.len(),
    ));
    refusals
}

/// What one invocation has measured of a run.
struct Measured {
    bake: Bake,
    /// When the invocation took the run on.
    now: Timestamp,
    /// How long it took.
    took: Duration,
    /// Since the beginning of the run.
    elapsed: Duration,
    /// Before this invocation.
    state: RunState,
    /// What the values of functions stood on.
    seed: u64,
    earlier: Option<Report>,
    checks: Vec<Check>,
    records: Vec<Vec<RoundRecord>>,
    finish: RoundsEnd,
    refusals: Vec<String>,
    /// Nothing was asked, for these refusals.
    refused: bool,
}

/// The verdict and its report, or what is handed on.
fn end_of(run: &Run, measured: Measured, redactor: &Redactor) -> PartEnd {
    let Measured {
        bake,
        mut state,
        elapsed,
        finish,
        ..
    } = measured;
    let records = measured.records;
    for (counters, rounds) in state.checks.iter_mut().zip(&records) {
        for round in rounds {
            counters.add(round.measurement);
        }
    }
    let input = ReportInput {
        suite: &run.suite.name,
        stage: run.stage,
        address: run.target.base_url.as_ref(),
        facts: run.target.facts.clone(),
        redactor,
        started: state.begun,
        finished: measured.now + measured.took,
        bake,
        policy: run.suite.inconclusive,
        dry_run: run.suite.dry_run,
        overridable: run.suite.overridable,
        seed: run.suite.uses_functions.then_some(measured.seed),
        files: &run.suite.files,
        elapsed,
        finish,
        refusals: measured.refusals,
        earlier: measured.earlier.as_ref(),
        checks: measured
            .checks
            .iter()
            .zip(records)
            .zip(&state.checks)
            .map(|((check, rounds), counters)| CheckRecord {
                check,
                counters: *counters,
                rounds,
            })
            .collect(),
    };
    let mut outcome = conclude(&input);
    outcome.refused |= measured.refused;
    if let (RoundsEnd::Paused { next_round }, true) = (finish, input.refusals.is_empty()) {
        state.next_round = next_round;
        tracing::info!(rounds = state.rounds(), "the bake is handed on");
        return PartEnd::Paused(Box::new(Paused {
            wait: next_round.saturating_sub(elapsed),
            state,
            report: outcome.report,
        }));
    }
    tracing::info!(
        suite = run.suite.name,
        stage = %run.stage,
        passed = outcome.verdict.passed,
        conclusion = outcome.verdict.conclusion.as_str(),
        checks = outcome.report.checks.len(),
        "gate decided"
    );
    let Verdict {
        passed, dry_run, ..
    } = outcome.verdict;
    if !passed && !dry_run && report::is_overridden(&input, &outcome.report) {
        return PartEnd::Overridden(Box::new(outcome));
    }
    if asks(run.suite.inconclusive, &outcome) {
        return PartEnd::Asks(Box::new(outcome));
    }
    PartEnd::Decided(Box::new(outcome))
}

/// Whether people are to be asked: the evidence is not enough, and there is some to show them.
fn asks(policy: InconclusivePolicy, outcome: &Outcome) -> bool {
    let Verdict {
        passed,
        conclusion,
        dry_run,
        ..
    } = outcome.verdict;
    let mut checks = outcome.report.checks.iter();
    policy == InconclusivePolicy::Ask
        && conclusion == Conclusion::Inconclusive
        && !passed
        && !dry_run
        && checks.any(|check| check.tally.rounds() > check.tally.no_data)
}

/// The checks of the run's stage.
fn selected(run: &Run) -> Vec<Check> {
    let checks = run.suite.checks.iter();
    let of_stage = checks.filter(|check| check.on.contains(&run.stage));
    of_stage.cloned().collect()
}

/// Why the checks can't be measured at this target, by this function.
fn refusals_of(
    run: &Run,
    selected: &[Check],
    marks: &[Expectation],
    context: Result<&ProbeContext, &Missing>,
) -> Vec<String> {
    let mut refusals = Vec::new();
    if run.target.sampled_percent.is_some() && run.suite.revision.is_empty() {
        refusals.push(refusals::NO_REVISION.to_owned());
    }
    if run.browsers.is_none() {
        refusals.extend(refusals::without_a_browser(selected));
    }
    let concurrency = run.suite.limits.concurrency;
    let held = run.suite.held;
    let too_large = |memory| memory::refusal(selected, marks, concurrency, held, memory);
    refusals.extend(run.memory.and_then(too_large));
    match context {
        Err(missing) => refusals.push(format!("ca_certificates: {missing}")),
        Ok(context) => {
            refusals.extend(refusals::fills_too_much(selected, &context.values));
            refusals.extend(refusals::not_of_the_release(selected, context));
            refusals.extend(refusals::misses_the_rule(selected, context));
        }
    }
    refusals
}

/// Measures in a task of its own, so that neither a panic nor a hang reaches the caller. Says how the rounds ended,
/// or what broke.
async fn measure(
    context: Arc<RunContext>,
    stop: Option<oneshot::Receiver<()>>,
) -> Result<RoundsEnd, String> {
    let deadline = context.deadline;
    tokio::task::spawn_blocking(redact::warm_up);
    let mut task = tokio::spawn(rounds::measure(context).in_current_span());
    let stopped = async move {
        // Dropped without a word, it asks for nothing.
        let asked = match stop {
            Some(stop) => stop.await.is_ok(),
            None => false,
        };
        if !asked {
            std::future::pending::<()>().await;
        }
    };
    let limited = timeout_at(deadline, async {
        tokio::select! {
            ended = &mut task => Some(ended),
            () = stopped => None,
        }
    });
    match limited.await {
        Ok(Some(Ok(finish))) => Ok(finish),
        Ok(Some(Err(fault))) => Err(format!("the gate itself broke: {fault}; this is a defect")),
        Ok(None) => {
            task.abort();
            Ok(RoundsEnd::Ended(End::Stopped))
        }
        Err(_) => {
            task.abort();
            Ok(RoundsEnd::Ended(End::Cut))
        }
    }
}

fn conclude(input: &ReportInput<'_>) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| Outcome::of(report::build(input)))).unwrap_or_else(|_| {
        let reason = "the report could not be built; this is a defect, so nothing may pass";
        Outcome::refused(
            input.suite,
            input.stage,
            BTreeMap::new(),
            vec![reason.to_owned()],
        )
    })
}

/// Whether every check that counts passed, and none of them by an answer of the release. One that a named person lets not
/// pass counts where it has passed.
fn has_only_answers_of_others(checks: &[Check], recorder: &Recorder) -> bool {
    let of_severity =
        |severity| (0..checks.len()).filter(move |index| checks[*index].severity == severity);
    let passed = |index: usize| recorder.measurements(index).last() == Some(&Measurement::Passed);
    let mut required = of_severity(Severity::Required).peekable();
    required.peek().is_some()
        && required.all(|index| passed(index) && !recorder.is_of_release(index))
        && !of_severity(Severity::Overridden)
            .any(|index| passed(index) && recorder.is_of_release(index))
}

#[cfg(test)]
mod tests;
