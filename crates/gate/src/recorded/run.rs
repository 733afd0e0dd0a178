//! What a report holds of a run, as small as it can be judged from: thousands are held at once.

use std::time::Duration;

use super::latency::{RecordedTry, TryResult};
use super::limits::CheckLimits;
use super::schedule::Schedule;
use crate::Stage;
use crate::expect::LatencyLimit;
use crate::measurement::Measurement;
use crate::report::{BakeReport, CheckReport, LatencyReport, Report, RoundReport};
use crate::verdict::End;

/// A run that is over.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    /// Which gate.
    pub stage: Stage,
    /// How it ended; none where its measurements do not count.
    pub(super) ended: Option<End>,
    /// Why it has no end.
    pub(super) why_unended: String,
    pub(super) elapsed: Duration,
    pub(super) schedule: Schedule,
    pub(super) checks: Vec<RecordedCheck>,
}

/// One check of it.
#[derive(Clone, Debug)]
pub(super) struct RecordedCheck {
    name: String,
    definition: Option<u64>,
    latency: Vec<LatencyLimit>,
    /// Of each round; none where their order was lost.
    rounds: Option<Box<[Measurement]>>,
    detail: Box<str>,
    /// The rounds whose tries are known, by their place.
    kept: Vec<RecordedRound>,
}

#[derive(Clone, Debug)]
pub(super) struct RecordedRound {
    place: usize,
    pub(super) started: Duration,
    pub(super) tries: Vec<RecordedTry>,
    /// No try of it was left out.
    pub(super) whole: bool,
}

impl RecordedRun {
    /// What `report` holds.
    pub fn of(report: &Report) -> Self {
        let checks: Vec<RecordedCheck> = report.checks.iter().map(RecordedCheck::of).collect();
        let mut run = Self {
            stage: report.stage,
            ended: report.ended,
            why_unended: why_unended(report),
            elapsed: Duration::from_millis(report.duration_ms),
            schedule: Schedule::default(),
            checks,
        };
        let bake = report.bake.as_ref();
        let starts = match bake {
            Some(bake) if bake.starts_ms.len() == run.rounds() => all_starts(&bake.starts_ms),
            _ => run.starts(),
        };
        run.schedule = Schedule::of(bake.map(window), run.rounds(), &starts);
        run
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> usize {
        let rounds = self.checks.iter().filter_map(|check| check.rounds.as_ref());
        rounds.map(|rounds| rounds.len()).max().unwrap_or_default()
    }

    /// Whether every check passed the round at this place.
    pub(super) fn passed_at(&self, place: usize) -> bool {
        let passed = Some(&Measurement::Passed);
        let at_place = |check: &RecordedCheck| {
            let rounds = check.rounds.as_ref();
            rounds.and_then(|rounds| rounds.get(place)) == passed
        };
        self.checks.iter().all(at_place)
    }

    /// The longest that the answer of a try of this check took, where tries are known.
    pub fn slowest(&self, check: &str) -> Option<Duration> {
        let of_name = self.checks.iter().find(|one| one.name == check)?;
        let tries = of_name.kept.iter().flat_map(|round| &round.tries);
        tries.filter_map(RecordedTry::took).max()
    }

    /// The worst that a check came to: failed rounds, errored ones, errored ones in a row.
    pub fn worst_counts(&self) -> [u32; 3] {
        let checks = self.checks.iter().filter_map(|check| check.rounds.as_ref());
        checks.fold([0; 3], |worst, rounds| {
            let counted = crate::Counters::of(rounds);
            let (tally, in_a_row) = (counted.tally, counted.longest_errors);
            [
                worst[0].max(tally.failed),
                worst[1].max(tally.errored),
                worst[2].max(in_a_row),
            ]
        })
    }

    /// When rounds began, by their place, as far as their tries say it: with their first check.
    fn starts(&self) -> Vec<(usize, Duration)> {
        let mut starts = std::collections::BTreeMap::new();
        for round in self.checks.iter().flat_map(|check| &check.kept) {
            let earliest = starts.entry(round.place).or_insert(round.started);
            *earliest = round.started.min(*earliest);
        }
        starts.into_iter().collect()
    }

    /// The rounds of a check under these limits, or why they can't be known.
    pub(super) fn rounds_of<'a>(&'a self, limits: &'a CheckLimits) -> Result<Rounds<'a>, String> {
        let name = &limits.name;
        let Some(check) = self.checks.iter().find(|check| check.name == *name) else {
            return Err(format!("check {name:?} was not measured in this run"));
        };
        if check.definition != Some(limits.definition) {
            return Err(format!(
                "check {name:?} measured something else then: its probe, expectations or tries have changed"
            ));
        }
        let Some(rounds) = &check.rounds else {
            return Err(format!(
                "check {name:?}: an earlier part of the report was lost, and with it the order of rounds"
            ));
        };
        if rounds.len() != self.rounds() {
            return Err(format!("check {name:?} has not as many rounds as others"));
        }
        let same = check.latency == limits.latency;
        Ok(Rounds {
            check,
            limits,
            recorded: same.then_some(&**rounds),
            others: if same {
                Vec::new()
            } else {
                check.under(rounds, limits)
            },
        })
    }
}

/// The rounds of a check under some limits.
pub(super) struct Rounds<'a> {
    check: &'a RecordedCheck,
    limits: &'a CheckLimits,
    /// As they were recorded, where nothing changes them.
    recorded: Option<&'a [Measurement]>,
    /// As they come to with other limits of latency; none where that is unknown.
    others: Vec<Option<Measurement>>,
}

impl Rounds<'_> {
    /// What the round at this place came to; none if that is unknown.
    pub(super) fn get(&self, place: usize) -> Option<Measurement> {
        match self.recorded {
            Some(recorded) => recorded.get(place).copied(),
            None => self.others.get(place).copied().flatten(),
        }
    }

    /// Why one of the first rounds is unknown, if one is.
    pub(super) fn first_unknown(&self, rounds: usize) -> Option<String> {
        let place = (0..rounds).find(|place| self.get(*place).is_none())?;
        Some(format!(
            "check {:?}: whether round {} keeps to the other limit of latency is not recorded",
            self.limits.name,
            place + 1
        ))
    }

    /// What the last of the first rounds that did not pass came to, in words.
    pub(super) fn detail(&self, rounds: usize) -> String {
        let is_bad = |place: &usize| self.get(*place).is_some_and(|m| m != Measurement::Passed);
        let Some(place) = (0..rounds).rev().find(is_bad) else {
            return String::new();
        };
        let recorded = self.recorded.unwrap_or_default();
        let last_bad = recorded.iter().rposition(|m| *m != Measurement::Passed);
        if last_bad == Some(place) {
            return self.check.detail.to_string();
        }
        let kept = self.check.kept.iter().find(|round| round.place == place);
        let last = kept.and_then(|round| round.tries.last());
        last.map_or_else(String::new, |last| {
            last.detail(&self.check.latency, &self.limits.latency)
        })
    }
}

impl RecordedCheck {
    fn of(report: &CheckReport) -> Self {
        let hexadecimal = |text: &String| u64::from_str_radix(text, 16).ok();
        let latency: Vec<LatencyLimit> = report.latency.iter().map(latency_limit).collect();
        Self {
            name: report.name.clone(),
            definition: report.definition.as_ref().and_then(hexadecimal),
            rounds: report.strip.chars().map(Measurement::of_letter).collect(),
            detail: report.detail.as_str().into(),
            kept: report
                .rounds
                .iter()
                .map(|round| RecordedRound::of(round, &latency))
                .collect(),
            latency,
        }
    }

    /// What each round comes to with other limits of latency.
    fn under(&self, rounds: &[Measurement], limits: &CheckLimits) -> Vec<Option<Measurement>> {
        let looser = limits.latency.iter().all(|new| {
            let mut old = self.latency.iter();
            old.any(|old| new.is_as_loose_as(*old))
        });
        let tighter = self.latency.iter().all(|old| {
            let mut new = limits.latency.iter();
            new.any(|new| old.is_as_loose_as(*new))
        });
        let of = |(place, recorded): (usize, &Measurement)| {
            let kept = self.kept.iter().find(|round| round.place == place);
            match (kept, recorded) {
                (Some(round), _) => round.under(*recorded, &self.latency, limits),
                // What met a limit meets a looser one, and what missed one misses a tighter one.
                (None, Measurement::Passed) if looser => Some(Measurement::Passed),
                (None, Measurement::Failed) if tighter => Some(Measurement::Failed),
                (None, _) => None,
            }
        };
        rounds.iter().enumerate().map(of).collect()
    }
}

impl RecordedRound {
    fn of(report: &RoundReport, latency: &[LatencyLimit]) -> Self {
        let numbers = report.tries.iter().map(|one| one.number);
        Self {
            place: report.number.saturating_sub(1),
            started: Duration::from_millis(report.started_ms),
            whole: numbers.eq(1..=report.tries.len()),
            tries: report
                .tries
                .iter()
                .map(|one| RecordedTry::of(one, latency))
                .collect(),
        }
    }

    /// What the round comes to with other limits of latency; none if it would have been tried again.
    fn under(
        &self,
        recorded: Measurement,
        old: &[LatencyLimit],
        limits: &CheckLimits,
    ) -> Option<Measurement> {
        if !self.whole {
            return None;
        }
        let settles = |m| matches!(m, Measurement::Passed | Measurement::Inconclusive);
        let mut is_as_recorded = true;
        let mut last = recorded;
        for one in &self.tries {
            let TryResult::Known(now) = one.under(old, &limits.latency) else {
                return None;
            };
            if now != one.measurement {
                is_as_recorded = false;
                if settles(now) {
                    return Some(now);
                }
            }
            last = now;
        }
        if is_as_recorded {
            return Some(recorded);
        }
        let was_settled = self
            .tries
            .last()
            .is_some_and(|one| settles(one.measurement));
        let may_go_on = u32::try_from(self.tries.len()).is_ok_and(|tries| tries <= limits.retries);
        if was_settled && may_go_on && !settles(last) {
            return None;
        }
        Some(last)
    }
}

fn all_starts(starts_ms: &[u64]) -> Vec<(usize, Duration)> {
    let starts = starts_ms.iter().map(|start| Duration::from_millis(*start));
    starts.enumerate().collect()
}

fn window(report: &BakeReport) -> [Duration; 3] {
    [report.initial_delay_ms, report.window_ms, report.every_ms].map(Duration::from_millis)
}

fn latency_limit(report: &LatencyReport) -> LatencyLimit {
    LatencyLimit {
        phase: report.phase,
        limit: Duration::from_millis(report.limit_ms),
        inclusive: report.inclusive,
    }
}

fn why_unended(report: &Report) -> String {
    let known = report.checks.iter().any(|check| check.definition.is_some());
    let why = report.verdict.reasons.first();
    match why {
        _ if !known && !report.checks.is_empty() => {
            "the report is of an older version of the gate, which did not record what a check measured".to_owned()
        }
        Some(why) => format!("the gate did not come to a verdict on measurements: {why}"),
        None => "the report has no end of the run".to_owned(),
    }
}
