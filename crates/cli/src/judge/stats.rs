//! How often the limits stop releases, and how often they are right. Pure.

use std::collections::BTreeSet;

use gate::Stage;
use serde::Serialize;

use super::outcomes::ReleaseOutcome;
use super::runs::{JudgedRun, StoppedBy};

/// The runs of one gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct GateCount {
    pub(super) stage: Stage,
    pub(super) runs: usize,
    /// By the gate, then.
    pub(super) stopped: usize,
    /// By these limits.
    pub(super) would_stop: usize,
    /// The same, if the suite were not a dry run: nothing is stopped as long as it is.
    pub(super) would_stop_but_for_dry_run: usize,
    pub(super) would_pass: usize,
    pub(super) unknown: usize,
}

/// How right the stops of one limit are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct StopCounts {
    /// Bad releases that it stops.
    pub(super) true_stops: usize,
    /// Good ones that it stops.
    pub(super) false_alarms: usize,
    /// Bad ones that it lets pass.
    pub(super) misses: usize,
    /// Of either, where nothing is known.
    pub(super) unknown: usize,
}

/// The same, of one limit of one check; of all together where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LimitRow {
    pub(super) stage: Stage,
    #[serde(flatten)]
    pub(super) by: Option<StoppedBy>,
    #[serde(flatten)]
    pub(super) rightness: StopCounts,
}

pub(super) fn counts(runs: &[JudgedRun<'_>]) -> Vec<GateCount> {
    let of_stage = |stage| {
        let runs: Vec<_> = runs.iter().filter(|run| run.stage == stage).collect();
        let decided = |stops| runs.iter().filter(|run| run.stops == stops).count();
        let dry = runs.iter().filter(|run| run.dry_run);
        let dry = dry.filter(|run| run.stops == Some(true)).count();
        GateCount {
            stage,
            runs: runs.len(),
            stopped: runs.iter().filter(|run| !run.was.passed).count(),
            would_stop: decided(Some(true)) - dry,
            would_stop_but_for_dry_run: dry,
            would_pass: decided(Some(false)),
            unknown: decided(None),
        }
    };
    let counts = Stage::ALL.into_iter().map(of_stage);
    counts.filter(|count| count.runs > 0).collect()
}

/// All limits together, then each that stops a run; gate by gate.
pub(super) fn by_limit(runs: &[JudgedRun<'_>]) -> Vec<LimitRow> {
    let mut rows = Vec::new();
    for stage in Stage::ALL {
        let proved: Vec<(&JudgedRun<'_>, ReleaseOutcome)> = runs
            .iter()
            .filter(|run| run.stage == stage)
            .filter_map(|run| Some((run, run.proved?)))
            .collect();
        if proved.is_empty() {
            continue;
        }
        rows.push(LimitRow {
            stage,
            by: None,
            rightness: rightness(&proved, |run| run.stops),
        });
        let limits: BTreeSet<&StoppedBy> =
            proved.iter().flat_map(|(run, _)| &run.stopped_by).collect();
        for by in limits {
            // Of a run that something else stops, all that is known of this limit is that it does not.
            let stops = |run: &JudgedRun<'_>| run.stops.map(|_| run.stopped_by.contains(by));
            rows.push(LimitRow {
                stage,
                by: Some(by.clone()),
                rightness: rightness(&proved, stops),
            });
        }
    }
    rows
}

fn rightness(
    proved: &[(&JudgedRun<'_>, ReleaseOutcome)],
    stops: impl Fn(&JudgedRun<'_>) -> Option<bool>,
) -> StopCounts {
    let mut counted = StopCounts::default();
    for (run, proof) in proved {
        let count = match (stops(run), proof) {
            (Some(true), ReleaseOutcome::Bad) => &mut counted.true_stops,
            (Some(true), ReleaseOutcome::Good) => &mut counted.false_alarms,
            (Some(false), ReleaseOutcome::Bad) => &mut counted.misses,
            (Some(false), ReleaseOutcome::Good) => continue,
            (None, _) => &mut counted.unknown,
        };
        *count += 1;
    }
    counted
}
