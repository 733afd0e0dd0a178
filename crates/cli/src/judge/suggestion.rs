//! For each limit that is a number: the loosest value that still stops the releases that proved bad, and what it costs in
//! good ones. Pure. Everything else stays as the suite has it.
//!
//! A looser value never stops more, so the value is found by halving. A run of which nothing is known under a value is
//! not stopped by it.

use std::collections::BTreeSet;
use std::time::Duration;

use gate::{GateLimits, RecordedRun, Stage, judge_recorded};
use serde::Serialize;

use super::outcomes::ReleaseOutcome;
use super::runs::JudgedRun;

/// With fewer runs that proved good or bad, a value would be chance.
pub(super) const MIN_RUNS: usize = 20;

/// What is suggested for one limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Suggestion {
    pub(super) stage: Stage,
    /// `failure_limit`, or `latency` of a check.
    pub(super) limit: String,
    /// As the suite has it.
    pub(super) now: String,
    /// None where no value is better than another.
    pub(super) value: Option<String>,
    /// Why there is none.
    pub(super) why_none: Option<&'static str>,
    /// Bad runs that it stops, of all.
    pub(super) stops: usize,
    pub(super) bad: usize,
    /// Good runs that it stops, of all of which anything is known.
    pub(super) false_alarms: usize,
    pub(super) good: usize,
    /// Good runs of which nothing is known.
    pub(super) unknown: usize,
}

/// Whether there is enough to suggest anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Evidence {
    pub(super) stage: Stage,
    pub(super) good: usize,
    pub(super) bad: usize,
}

impl Evidence {
    /// What is missing, in words.
    pub(super) fn lacks(self) -> Option<String> {
        let proved = self.good + self.bad;
        let runs = text::words::count(proved, "run");
        if proved < MIN_RUNS {
            return Some(format!(
                "{} has too few runs for suggestions: {runs} proved good or bad, and {MIN_RUNS} are needed",
                self.stage
            ));
        }
        if self.bad == 0 || self.good == 0 {
            let one = if self.bad == 0 { "bad" } else { "good" };
            return Some(format!(
                "{} has no suggestions: of {runs} none proved {one}",
                self.stage
            ));
        }
        None
    }
}

/// Puts a value into the limits.
type Setter = Box<dyn Fn(&mut GateLimits, u64)>;

/// One limit that is a number: how it is set, and its values from the tightest to the loosest.
struct TunableLimit {
    name: String,
    now: String,
    values: Vec<u64>,
    unit: Unit,
    set: Setter,
}

#[derive(Clone, Copy)]
enum Unit {
    Number,
    Millis,
}

impl Unit {
    fn words(self, value: u64) -> String {
        match self {
            Self::Number => value.to_string(),
            Self::Millis => text::words::duration(Duration::from_millis(value)),
        }
    }
}

/// The runs of a gate that proved good or bad.
struct Proved<'a> {
    stage: Stage,
    good: Vec<&'a RecordedRun>,
    bad: Vec<&'a RecordedRun>,
}

impl<'a> Proved<'a> {
    fn of(stage: Stage, runs: &[JudgedRun<'a>]) -> Self {
        let of = |proof| {
            let runs = runs.iter().filter(|run| run.stage == stage);
            let proved = runs.filter(|run| run.proved == Some(proof));
            proved.map(|run| run.recorded).collect()
        };
        Self {
            stage,
            good: of(ReleaseOutcome::Good),
            bad: of(ReleaseOutcome::Bad),
        }
    }

    fn all(&self) -> impl Iterator<Item = &'a RecordedRun> {
        self.good.iter().chain(&self.bad).copied()
    }
}

/// What there is to judge by at a gate, and the suggestions, if it is enough.
pub(super) fn at(
    stage: Stage,
    limits: &GateLimits,
    runs: &[JudgedRun<'_>],
) -> (Evidence, Vec<Suggestion>) {
    let proved = Proved::of(stage, runs);
    let evidence = Evidence {
        stage,
        good: proved.good.len(),
        bad: proved.bad.len(),
    };
    if evidence.lacks().is_some() {
        return (evidence, Vec::new());
    }
    let knobs = knobs(limits, &proved).into_iter();
    let suggestions = knobs.map(|knob| suggest(limits, &proved, &knob));
    (evidence, suggestions.collect())
}

fn suggest(limits: &GateLimits, proved: &Proved<'_>, knob: &TunableLimit) -> Suggestion {
    let with = |value| {
        let mut changed = limits.clone();
        (knob.set)(&mut changed, value);
        changed
    };
    let stops = |limits: &GateLimits, run: &RecordedRun| judge_recorded(limits, run).stops;
    let tightest = with(knob.values.first().copied().unwrap_or_default());
    let stoppable: Vec<&RecordedRun> = proved
        .bad
        .iter()
        .copied()
        .filter(|run| stops(&tightest, run) == Some(true))
        .collect();
    let all_are_stopped = |value: &u64| {
        let limits = with(*value);
        stoppable
            .iter()
            .all(|run| stops(&limits, run) == Some(true))
    };
    let loosest = knob.values.partition_point(all_are_stopped).checked_sub(1);
    let value = loosest.map(|place| knob.values[place]);
    let chosen = with(value.unwrap_or_default());
    let of_good: Vec<Option<bool>> = proved.good.iter().map(|run| stops(&chosen, run)).collect();
    let count = |of| of_good.iter().filter(|stops| **stops == of).count();
    let why_none = match (stoppable.is_empty(), loosest) {
        (true, _) | (_, None) => Some("it stops no bad run, whatever its value is"),
        _ if !proved.good.is_empty() && of_good.iter().all(Option::is_none) => {
            Some("what it would cost in good runs is not recorded")
        }
        (false, Some(place)) if place + 1 == knob.values.len() => {
            Some("other limits stop all bad runs that it would stop")
        }
        _ => None,
    };
    Suggestion {
        stage: proved.stage,
        limit: knob.name.clone(),
        now: knob.now.clone(),
        value: value
            .filter(|_| why_none.is_none())
            .map(|value| knob.unit.words(value)),
        why_none,
        stops: stoppable.len(),
        bad: proved.bad.len(),
        false_alarms: count(Some(true)),
        good: count(Some(true)) + count(Some(false)),
        unknown: count(None),
    }
}

/// Every limit that is a number. The last value of each is past whatever was measured: then it stops nothing itself.
fn knobs(limits: &GateLimits, proved: &Proved<'_>) -> Vec<TunableLimit> {
    let mut knobs = Vec::new();
    if !limits.bake.window.is_zero() {
        knobs.extend(knobs_of_bake(limits, proved));
    }
    for (index, check) in limits.checks.iter().enumerate() {
        let Some(now) = check.latency() else { continue };
        if !check.severity.may_block() {
            continue;
        }
        let took = proved.all().filter_map(|run| run.slowest(&check.name));
        let took = took.filter_map(|took| u64::try_from(took.as_millis()).ok());
        let mut values = BTreeSet::new();
        for millis in took {
            // Both, as a limit may be `<` or `<=`.
            values.extend([millis.saturating_sub(1).max(1), millis.max(1)]);
        }
        let beyond = values.last().map_or(1, |last| last + 2);
        values.insert(beyond);
        knobs.push(TunableLimit {
            name: format!("latency of {:?}", text::clean::line(&check.name)),
            now: text::words::duration(now),
            values: values.into_iter().collect(),
            unit: Unit::Millis,
            set: Box::new(move |limits, value| {
                limits.checks[index].set_latency(Duration::from_millis(value));
            }),
        });
    }
    knobs
}

fn knobs_of_bake(limits: &GateLimits, proved: &Proved<'_>) -> Vec<TunableLimit> {
    let bake = limits.bake;
    let worst = proved.all().map(RecordedRun::worst_counts);
    let worst = worst.fold([0; 3], |worst, run| {
        [0, 1, 2].map(|place| run[place].max(worst[place]))
    });
    let up_to = |most: u32| (0..=u64::from(most) + 1).collect::<Vec<u64>>();
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let limit = |name: &str, now: u32, worst: u32, set: fn(&mut GateLimits, u32)| TunableLimit {
        name: name.to_owned(),
        now: now.to_string(),
        values: up_to(worst),
        unit: Unit::Number,
        set: Box::new(move |limits, value| set(limits, number(value))),
    };
    let mut knobs = vec![
        limit(
            "failure_limit",
            bake.failure_limit,
            worst[0],
            |limits, value| {
                limits.bake.failure_limit = value;
            },
        ),
        limit(
            "error_limit",
            bake.error_limit,
            worst[1],
            |limits, value| {
                limits.bake.error_limit = value;
            },
        ),
    ];
    if let Some(now) = bake.consecutive_error_limit {
        let set =
            |limits: &mut GateLimits, value| limits.bake.consecutive_error_limit = Some(value);
        knobs.push(limit("consecutive_error_limit", now, worst[2], set));
    }
    if let Some(now) = bake.consecutive_success {
        let most = proved.all().map(RecordedRun::rounds).max();
        let most = u64::try_from(most.unwrap_or_default()).unwrap_or_default();
        knobs.push(TunableLimit {
            name: "consecutive_success".to_owned(),
            now: now.to_string(),
            // More in a row is tighter.
            values: (0..=most).rev().collect(),
            unit: Unit::Number,
            set: Box::new(move |limits, value| {
                limits.bake.consecutive_success = Some(number(value)).filter(|streak| *streak > 0);
            }),
        });
    }
    knobs
}
