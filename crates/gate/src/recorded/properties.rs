//! A recorded run judged by its own suite comes to its own verdict, and by another suite to the verdict that this one
//! would have come to, or to none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::Stage;
use crate::bake::Bake;
use crate::expect::{Actual, Finding, LatencyLimit};
use crate::measurement::Measurement::{Errored, Failed, Inconclusive, NoData, Passed};
use crate::recorder::{Attempt, Recorder, RoundRecord, TryRecord};
use crate::redact::Redactor;
use crate::report::{self, CheckRecord, Report, ReportInput};
use crate::run::rounds_end::RoundsEnd;
use crate::suite::{Check, Suite};
use crate::verdict::{End, RoundOutcome, RunState};

/// What a target does when it is asked once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) is: Measurement,
    pub(super) micros: u64,
}

/// What would be measured, whatever the limits are: rounds, checks, tries.
pub(super) type World = Vec<Vec<[Answer; 2]>>;

/// When the time is over: in this round, between two rounds or in the midst of it, when so many checks were measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct CutPoint {
    round: usize,
    measured: Option<usize>,
    end: End,
}

/// All that happens.
#[derive(Clone, Debug)]
pub(super) struct SimulatedRun {
    pub(super) world: World,
    pub(super) cut: Option<CutPoint>,
    /// How long each round takes.
    pub(super) lasts: Vec<Duration>,
    /// Before which round the run is handed on.
    pub(super) handed_on: Option<usize>,
}

fn attempt(answer: Answer, limits: &[LatencyLimit]) -> Attempt {
    let begun = Attempt::begun(Duration::ZERO);
    if answer.is == Errored {
        return Attempt {
            error: Some("the name could not be resolved".to_owned()),
            ..begun
        };
    }
    let took = Duration::from_micros(answer.micros);
    let finding = |demand: String, got: String, measurement| Finding {
        demand,
        expected: None,
        got: Actual::Words(got),
        measurement,
        sensitive: false,
    };
    let mut findings = vec![finding(
        "status 2xx".to_owned(),
        "503".to_owned(),
        answer.is,
    )];
    findings.extend(limits.iter().map(|limit| {
        let up = crate::words::millis(answer.micros.div_ceil(1_000));
        let met = if limit.is_met_by(took) {
            Passed
        } else {
            Failed
        };
        finding(limit.demand(), up, met)
    }));
    let worst = [Failed, Errored, NoData, Inconclusive, Passed]
        .into_iter()
        .find(|one| findings.iter().any(|finding| finding.measurement == *one));
    Attempt {
        measurement: worst.unwrap(),
        latency: Some(took),
        status: Some(200),
        findings,
        ..begun
    }
}

fn measure(recorder: &Recorder, index: usize, check: &Check, answers: &[Answer], at: Duration) {
    let limits: Vec<LatencyLimit> = check.latency_limits().collect();
    let tries = usize::try_from(check.retry.retries).unwrap() + 1;
    for answer in answers.iter().take(tries) {
        let attempt = Attempt {
            started: at,
            ..attempt(*answer, &limits)
        };
        let measurement = attempt.measurement;
        recorder.add(
            index,
            TryRecord {
                attempt,
                steps: Vec::new(),
                not_reached: Vec::new(),
                of_release: true,
            },
        );
        recorder.settle(index, measurement);
        if matches!(measurement, Passed | Inconclusive) {
            break;
        }
    }
}

/// What the gate does with it.
pub(super) fn happen(suite: &Suite, stage: Stage, happening: &SimulatedRun) -> Report {
    let bake = match stage {
        Stage::PreTraffic => Bake::ONE_ROUND,
        Stage::PostTraffic => suite.bake(),
    };
    let checks: Vec<Check> = suite
        .checks
        .iter()
        .filter(|one| one.on.contains(&stage))
        .cloned()
        .collect();
    let severities: Vec<Severity> = checks.iter().map(|check| check.severity).collect();
    let mut progress = RunState::new(Timestamp::UNIX_EPOCH, &bake, 0, checks.len());
    let mut recorder = Recorder::new(checks.len());
    let mut earlier: Option<Report> = None;
    let mut now = Duration::ZERO;
    let mut end = End::Cut;
    for (number, round) in happening.world.iter().enumerate() {
        if happening.handed_on == Some(number) && number > 0 {
            let paused = RoundsEnd::Paused {
                next_round: progress.next_round,
            };
            earlier = Some(report(
                suite,
                stage,
                bake,
                &progress,
                recorder.take(),
                paused,
                None,
            ));
            recorder = Recorder::new(checks.len());
        }
        let started = progress.next_round.max(now);
        let cut = happening.cut.filter(|cut| cut.round == number);
        recorder.open_round(started);
        let measured = cut.and_then(|cut| cut.measured).unwrap_or(checks.len());
        for (index, check) in checks.iter().enumerate().take(measured) {
            recorder.begin(index, started);
            measure(&recorder, index, check, &round[index], started);
        }
        progress.record((0..checks.len()).map(|index| recorder.last(index)));
        now = started + happening.lasts[number];
        if let Some(cut) = cut.filter(|_| measured < checks.len()) {
            end = cut.end;
            break;
        }
        if let RoundOutcome::Ended(ended) = progress.step(&bake, &severities, started) {
            end = ended;
            break;
        }
        if let Some(cut) = cut {
            end = cut.end;
            break;
        }
        progress.schedule_next(&bake, now);
    }
    let finish = RoundsEnd::Ended(end);
    report(
        suite,
        stage,
        bake,
        &progress,
        recorder.take(),
        finish,
        earlier.as_ref(),
    )
}

fn report(
    suite: &Suite,
    stage: Stage,
    bake: Bake,
    progress: &RunState,
    records: Vec<Vec<RoundRecord>>,
    finish: RoundsEnd,
    earlier: Option<&Report>,
) -> Report {
    let of_stage = suite.checks.iter().filter(|one| one.on.contains(&stage));
    let checks = of_stage.zip(records).zip(&progress.checks);
    report::build(&ReportInput {
        suite: &suite.name,
        stage,
        address: None,
        facts: BTreeMap::new(),
        redactor: &Redactor::default(),
        started: Timestamp::UNIX_EPOCH,
        finished: Timestamp::UNIX_EPOCH,
        bake,
        policy: suite.inconclusive,
        dry_run: suite.dry_run,
        overridable: false,
        seed: None,
        files: &suite.files,
        elapsed: Duration::from_secs(7),
        finish,
        refusals: Vec::new(),
        earlier,
        checks: checks
            .map(|((check, rounds), counters)| CheckRecord {
                check,
                counters: *counters,
                rounds,
            })
            .collect(),
    })
}

/// As it is stored.
pub(super) fn recorded(report: &Report) -> RecordedRun {
    let text = report::json(report);
    RecordedRun::of(&serde_json::from_str(&text).unwrap())
}

#[derive(Clone, Debug)]
struct Settings {
    traffic: String,
    policy: &'static str,
    dry_run: bool,
    /// Of each check: how it weighs, and how long it may take.
    checks: Vec<(&'static str, &'static str)>,
}

impl Settings {
    fn suite(&self) -> Suite {
        let mut text = format!(
            "version: 1\nname: shop\ninconclusive: {}\ndry_run: {}\n{}checks:\n",
            self.policy, self.dry_run, self.traffic
        );
        for (index, (severity, latency)) in self.checks.iter().enumerate() {
            let expect = match *latency {
                "" => String::new(),
                latency => format!(", {{ latency: '{latency}' }}"),
            };
            let _ = write!(
                text,
                "  - name: check {index}\n    {severity}\n    http: GET /\n    retries: {}\n    expect: [{{ status: 2xx }}{expect}]\n",
                index % 2
            );
        }
        Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
    }
}

fn any_traffic() -> impl Strategy<Value = String> {
    (
        (0..3_u32, 2..9_u32, 1..3_u32),
        (0..4_u32, 0..4_u32, prop::option::of(0..3_u32), 0..3_u32),
        prop::option::of(1..4_u32),
        prop::sample::select(vec!["inconclusive", "fail", "ignore"]),
    )
        .prop_map(|((delay, window, every), (failure, error, in_a_row, inconclusive), streak, no_data)| {
            let every = every.min(window);
            let mut text = format!(
                "traffic:\n  initial_delay: {delay}s\n  bake: {window}s\n  every: {every}s\n  failure_limit: {failure}\n  \
                 error_limit: {error}\n  inconclusive_limit: {inconclusive}\n  no_data: {no_data}\n"
            );
            if let Some(limit) = in_a_row {
                let _ = writeln!(text, "  consecutive_error_limit: {limit}");
            }
            if let Some(streak) = streak.filter(|streak| *streak <= window.div_ceil(every) + 1) {
                let _ = writeln!(text, "  consecutive_success: {streak}");
            }
            text
        })
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let severities = [
        "severity: required",
        "severity: required",
        "severity: advisory",
        "dry_run: true",
    ];
    let latencies = ["", "", "< 100ms", "<= 100ms", "< 101ms", "<= 102ms"];
    let check = (
        prop::sample::select(severities.to_vec()),
        prop::sample::select(latencies.to_vec()),
    );
    (
        any_traffic(),
        prop::sample::select(vec!["fail", "pass"]),
        prop::bool::weighted(0.2),
        prop::collection::vec(check, 3),
    )
        .prop_map(|(traffic, policy, dry_run, checks)| Settings {
            traffic,
            policy,
            dry_run,
            checks,
        })
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let is = prop_oneof![
        14 => Just(Passed), 1 => Just(Failed), 1 => Just(Inconclusive), 1 => Just(Errored), 1 => Just(NoData)
    ];
    let micros =
        prop_oneof![4 => Just(5_000_u64), 1 => 99_500..102_500_u64, 1 => Just(100_000_u64)];
    (is, micros).prop_map(|(is, micros)| Answer { is, micros })
}

fn any_happening() -> impl Strategy<Value = SimulatedRun> {
    let check = (any_answer(), any_answer()).prop_map(|(first, second)| [first, second]);
    let round = prop::collection::vec(check, 3);
    let cut = (0..10_usize, prop::option::of(0..3_usize), any::<bool>());
    let lasts = prop_oneof![6 => Just(0_u64), 1 => 0..4_000_u64];
    (
        prop::collection::vec(round, 12),
        prop::option::weighted(0.3, cut),
        prop::collection::vec(lasts, 12),
        prop::option::weighted(0.3, 1..8_usize),
    )
        .prop_map(|(world, cut, lasts, handed_on)| SimulatedRun {
            world,
            cut: cut.map(|(round, measured, stopped)| CutPoint {
                round,
                measured,
                end: if stopped { End::Stopped } else { End::Cut },
            }),
            lasts: lasts.into_iter().map(Duration::from_millis).collect(),
            handed_on,
        })
}

fn any_stage() -> impl Strategy<Value = Stage> {
    prop_oneof![1 => Just(Stage::PreTraffic), 4 => Just(Stage::PostTraffic)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_run_judged_by_its_own_suite_comes_to_its_own_verdict(
        settings in any_settings(),
        happening in any_happening(),
        stage in any_stage(),
    ) {
        let suite = settings.suite();
        let report = happen(&suite, stage, &happening);
        let again = judge_recorded(&suite.limits_at(stage), &recorded(&report));
        prop_assert_eq!(again.verdict.as_ref(), Some(&report.verdict), "{:?} {:?}", again, report.checks);
        prop_assert_eq!(again.blockers.is_empty(), again.stops == Some(false));
    }

    #[test]
    fn by_another_suite_it_comes_to_what_that_would_have_said_or_to_nothing(
        settings in any_settings(),
        others in any_settings(),
        happening in any_happening(),
        stage in any_stage(),
    ) {
        let (suite, other) = (settings.suite(), others.suite());
        let run = recorded(&happen(&suite, stage, &happening));
        let again = judge_recorded(&other.limits_at(stage), &run);
        let live = Settings { dry_run: false, ..others }.suite();
        let truth = happen(&live, stage, &happening).verdict;
        if let Some(stops) = again.stops {
            prop_assert_eq!(stops, !truth.passed, "{:?} {:?}", again, truth);
        } else {
            prop_assert!(!again.unknown.is_empty() && again.verdict.is_none());
        }
    }
}
