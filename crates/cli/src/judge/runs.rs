//! Past runs, and what the limits of a suite make of each.

use gate::{Blocker, Conclusion, GateLimits, RecordedRun, Rejudged, Report, Stage, judge_recorded};
use jiff::Timestamp;
use serde::Serialize;

use super::outcomes::{Outcomes, ReleaseOutcome};
use crate::gates::reports::RunSummary;

/// What is kept of a report.
#[derive(Clone, Debug)]
pub(super) struct RecordedReport {
    pub(super) run: RecordedRun,
    pub(super) deployment: Option<String>,
}

impl RecordedReport {
    pub(super) fn of(report: &Report) -> Self {
        Self {
            run: RecordedRun::of(report),
            deployment: report.target.get("deployment_id").cloned(),
        }
    }
}

/// A run, and what the limits make of it.
#[derive(Debug, Serialize)]
pub(super) struct JudgedRun<'a> {
    pub(super) service: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) deployment: Option<&'a str>,
    pub(super) stage: Stage,
    pub(super) started: Timestamp,
    pub(super) place: &'a str,
    /// Whether the gate let the release pass, and what the evidence said.
    pub(super) was: GateDecision,
    /// Whether these limits stop it; none where that is unknown.
    pub(super) stops: Option<bool>,
    pub(super) conclusion: Option<Conclusion>,
    /// The suite only reports, so nothing is stopped as long as it does.
    pub(super) dry_run: bool,
    /// Of the verdict by these limits.
    pub(super) reasons: Vec<String>,
    pub(super) stopped_by: Vec<StoppedBy>,
    /// Why it could not be judged, or not by all checks.
    pub(super) unknown: Vec<String>,
    /// The same of checks that may not block.
    pub(super) notes: Vec<String>,
    pub(super) proved: Option<ReleaseOutcome>,
    #[serde(skip)]
    pub(super) recorded: &'a RecordedRun,
}

/// What the gate decided then.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct GateDecision {
    pub(super) conclusion: Conclusion,
    pub(super) passed: bool,
}

/// Which limit of which check stops a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct StoppedBy {
    pub(super) check: Option<String>,
    pub(super) limit: &'static str,
}

impl From<Blocker> for StoppedBy {
    fn from(blocker: Blocker) -> Self {
        Self {
            check: blocker.check,
            limit: blocker.limit.as_str(),
        }
    }
}

impl<'a> JudgedRun<'a> {
    pub(super) fn of(
        run: &'a RunSummary<RecordedReport>,
        limits: &GateLimits,
        outcomes: Option<&Outcomes>,
    ) -> Self {
        let Rejudged {
            stops,
            verdict,
            blockers,
            unknown,
            notes,
        } = judge_recorded(limits, &run.extra.run);
        let (version, deployment) = (run.version.as_deref(), run.extra.deployment.as_deref());
        Self {
            service: &run.service,
            version,
            deployment,
            stage: run.stage,
            started: run.started,
            place: &run.place,
            was: GateDecision {
                conclusion: run.conclusion,
                passed: run.passed,
            },
            stops,
            conclusion: verdict.as_ref().map(|verdict| verdict.conclusion),
            dry_run: verdict.as_ref().is_some_and(|verdict| verdict.dry_run),
            reasons: verdict.map_or_else(Vec::new, |verdict| verdict.reasons),
            stopped_by: blockers.into_iter().map(StoppedBy::from).collect(),
            unknown,
            notes,
            proved: outcomes.and_then(|outcomes| outcomes.of(deployment, version)),
            recorded: &run.extra.run,
        }
    }

    /// Whether the limits decide otherwise than the gate did.
    pub(super) fn changes(&self) -> bool {
        match self.stops {
            // Whatever the gate did, this is worth a line: the limits stop it, and the suite lets it pass.
            Some(true) if self.dry_run => true,
            Some(stops) => stops == self.was.passed,
            None => false,
        }
    }
}
