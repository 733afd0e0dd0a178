//! The small interface of a caller: what is found out before anything is measured, and how it is answered.
//!
//! One module for each contract ([`crate::codedeploy`], [`crate::ecs`], [`crate::codepipeline`]), with one place in
//! each that answers. [`crate::flow`] is the same for all of them.

use std::fmt;
use std::time::Duration;

use common::location::LoadError;
use gate::{PausePolicy, RunState, Stage, Suite};
use jiff::Timestamp;
use strict_yaml::words;

use crate::ask::pending_question::PendingQuestion;
use crate::cloud::DescribedRelease;
use crate::facts::KnownFacts;
use crate::gate_function::GateFunction;
use crate::settings::Settings;

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A lifecycle hook of `CodeDeploy`.
    CodeDeploy,
    /// A lifecycle hook of ECS's own deployments.
    Ecs,
    /// An action of `CodePipeline`.
    CodePipeline,
}

impl Caller {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeDeploy => "CodeDeploy",
            Self::Ecs => "ECS",
            Self::CodePipeline => "CodePipeline",
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a contract makes of a call before anything is measured.
pub(crate) enum Preparation {
    /// No gate may hinder this, and why: it passes without a measurement. For rollbacks only.
    Waived(String),
    /// There is something to measure.
    Measure(Box<Prepared>),
    /// It was measured, and people were asked.
    Question(PendingQuestion),
}

/// Everything that a run needs, but its secrets.
pub(crate) struct Prepared {
    pub(crate) suite: Suite,
    pub(crate) target: gate::Target,
    /// What was assumed, as sentences. A wrong assumption looks like a broken release.
    pub(crate) assumed: Vec<String>,
    /// What people must know of a measurement, whatever it says.
    pub(crate) notes: Vec<String>,
    /// Why a later gate can't pass, whatever the release does.
    pub(crate) ahead: Vec<String>,
    /// Where an earlier invocation left the run.
    pub(crate) resume: Option<RunState>,
    /// Whether and how the run may be handed on.
    pub(crate) pause: Option<PausePolicy>,
    /// What is deployed, as AWS said it.
    pub(crate) release: DescribedRelease,
    /// The longest bake that the caller waits for, where that is not the function's own time.
    pub(crate) max_bake: Option<MaxBake>,
    /// How long the caller waits in all, since the run began.
    pub(crate) waits_for: Duration,
    /// Since when the caller waits, where it says so; else since the run began.
    pub(crate) waits_since: Option<Timestamp>,
}

/// How long a caller waits.
pub(crate) struct MaxBake {
    pub(crate) limit: Duration,
    /// Why, and what to do: the end of a sentence.
    pub(crate) why: String,
}

impl MaxBake {
    /// Why the suite's bake is longer than the caller waits.
    pub(crate) fn refuses(&self, stage: Stage, suite: &Suite) -> Option<String> {
        let bake = suite.bake().length();
        (stage == Stage::PostTraffic && bake > self.limit).then(|| {
            format!(
                "the bake of {} is longer than {}, which is the most here: {}",
                words::duration(bake),
                words::duration(self.limit),
                self.why
            )
        })
    }
}

impl Prepared {
    pub(crate) fn new(suite: Suite, target: gate::Target) -> Self {
        Self {
            suite,
            target,
            assumed: Vec::new(),
            notes: Vec::new(),
            ahead: Vec::new(),
            resume: None,
            pause: None,
            max_bake: None,
            release: DescribedRelease::Pipeline,
            waits_for: Duration::ZERO,
            waits_since: None,
        }
    }
}

/// Whether a run of the suite may go on in another invocation: it has a bake, and its counters fit into what the
/// contract carries. Otherwise the bake must end within the function's own time.
pub(crate) fn may_hand_on(stage: Stage, suite: &Suite, max_checks: usize) -> bool {
    let has_bake = stage == Stage::PostTraffic && !suite.bake().length().is_zero();
    has_bake && suite.checks_at(stage) <= max_checks
}

/// Why nothing can be measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reasons: Vec<String>,
    /// The suite was loaded and says that the gate only reports.
    pub(crate) dry_run: bool,
}

impl Refusal {
    /// Of a suite that was loaded, if it was.
    pub(crate) fn of(reasons: Vec<String>, suite: Option<&Suite>) -> Self {
        let dry_run = suite.is_some_and(|suite| suite.dry_run);
        Self { reasons, dry_run }
    }
}

impl GateFunction {
    /// The settings, or all that is wrong with them.
    pub(crate) fn known_settings(&self) -> Result<&Settings, Refusal> {
        let settings = self.settings.as_ref();
        settings.map_err(|error| Refusal::of(error.problems.clone(), None))
    }
}

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::of(vec![error.to_string()], None)
    }
}

/// Both, or the reasons of what went wrong: both must be mended.
pub(crate) fn both<T, E: fmt::Display>(
    found: Result<T, E>,
    suite: Result<Suite, LoadError>,
) -> Result<(T, Suite), Refusal> {
    match (found, suite) {
        (Ok(found), Ok(suite)) => Ok((found, suite)),
        (Err(error), Ok(suite)) => Err(Refusal::of(vec![error.to_string()], Some(&suite))),
        (found, Err(suite)) => {
            let found = found.err().map(|error| error.to_string());
            let reasons = found.into_iter().chain(reasons_of_suite(suite)).collect();
            Err(Refusal::of(reasons, None))
        }
    }
}

/// One reason a problem, so that each stands on its own line in front of people.
pub(crate) fn reasons_of_suite(error: LoadError) -> Vec<String> {
    match error {
        LoadError::Invalid(problems) => {
            let head = format!(
                "the suite {} has {}",
                problems.source,
                words::count(problems.problems.len(), "problem")
            );
            std::iter::once(head)
                .chain(problems.to_string().lines().map(str::to_owned))
                .collect()
        }
        LoadError::Unreadable(unreadable) => vec![unreadable.to_string()],
    }
}

/// What the gate knows of the release that answers at `url`.
pub(crate) fn gate_target(url: Option<&str>, known: &KnownFacts) -> Result<gate::Target, String> {
    let parse = |url: &str| {
        let wrong = |error| format!("the listener's address {url} is no URL: {error}");
        url.parse().map_err(wrong)
    };
    Ok(gate::Target {
        base_url: url.map(parse).transpose()?,
        facts: known.facts.clone(),
        unknown: known.unknown.clone(),
        ..gate::Target::default()
    })
}
