//! A run that is handed from one invocation to the next.

use super::*;

const BAKE: &str = "traffic: { bake: 1500ms, every: 300ms, failure_limit: 1 }";
const CHECKS: &str = "  - { name: it, http: GET / }
  - { name: version, http: GET /version }";

/// Plays the run in as many invocations as it takes, each of which waits for no round.
async fn in_parts(shop: &Shop, traffic: &str, keep_report: bool) -> (Outcome, usize) {
    let text = format!("version: 1\nname: shop\n{traffic}\nchecks:\n{CHECKS}\n");
    let (mut resume, mut parts) = (None, 0);
    loop {
        parts += 1;
        let part = Part {
            now: Timestamp::now(),
            resume: resume.take(),
            pause: Some(PausePolicy {
                min_wait: Duration::from_millis(100),
                sits_out: false,
            }),
        };
        match run_part(a_run(shop, &text), part).await {
            PartEnd::Decided(outcome) | PartEnd::Asks(outcome) | PartEnd::Overridden(outcome) => {
                return (*outcome, parts);
            }
            PartEnd::Paused(paused) => {
                let Paused {
                    state,
                    wait,
                    report,
                } = *paused;
                assert!(!report.verdict.passed, "a run that goes on is no pass");
                assert_eq!(report.started, state.begun);
                tokio::time::sleep(wait).await;
                let state = RunState::decode(&state.encode()).unwrap();
                let report = serde_json::from_str(&crate::report::json(&report)).unwrap();
                resume = Some(Resume {
                    state,
                    report: keep_report.then_some(report),
                });
            }
        }
    }
}

fn a_run(shop: &Shop, text: &str) -> Run {
    Run {
        suite: Suite::parse("suite.yaml", text).unwrap_or_else(|p| panic!("{p}")),
        stage: Stage::PostTraffic,
        target: Target {
            base_url: Some(shop.url.clone()),
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    }
}

#[tokio::test]
async fn a_run_in_parts_is_the_unbroken_run() {
    let shop = Shop::open().await;
    let whole = Trial::of(&shop, CHECKS)
        .with(BAKE)
        .on(Stage::PostTraffic)
        .run()
        .await;
    let (outcome, parts) = in_parts(&shop, BAKE, true).await;
    assert_eq!(parts, 6, "one for each round");
    assert_eq!(strip(&outcome, 0), strip(&whole, 0));
    assert_eq!(outcome.report.checks[0].tally, whole.report.checks[0].tally);
    let numbers = |outcome: &Outcome| -> Vec<usize> {
        let rounds = &outcome.report.checks[0].rounds;
        rounds.iter().map(|round| round.number).collect()
    };
    assert_eq!(numbers(&outcome), numbers(&whole));
    for report in [&outcome.report, &whole.report] {
        let check = &report.checks[0];
        assert_eq!(check.repeated_rounds, Some(0));
        assert!(check.slowest_round_ms.is_some());
    }
    assert!(
        outcome.report.duration_ms >= 1_500,
        "{}",
        outcome.report.duration_ms
    );
    assert!(outcome.report.checks[0].rounds[1].started_ms >= 1_500);
}

#[tokio::test]
async fn a_lost_report_costs_the_tries_and_not_the_verdict() {
    let shop = Shop::open().await;
    let (outcome, _) = in_parts(&shop, BAKE, false).await;
    let rounds = outcome.report.checks[0].tally.rounds();
    assert_eq!(
        strip(&outcome, 0).chars().filter(|one| *one == '·').count() + 1,
        rounds as usize
    );
    // What those rounds took is known to nobody.
    let check = &outcome.report.checks[0];
    assert_eq!(
        (check.repeated_rounds, check.slowest_round_ms),
        (None, None)
    );
}

/// Measures what is due, and hands the run on.
async fn part_of(shop: &Shop, text: &str, resume: Option<Resume>) -> Paused {
    let part = Part {
        now: Timestamp::now(),
        resume,
        pause: Some(PausePolicy {
            min_wait: Duration::from_millis(100),
            sits_out: false,
        }),
    };
    match run_part(a_run(shop, text), part).await {
        PartEnd::Paused(paused) => *paused,
        other => panic!("it ends: {other:?}"),
    }
}

#[tokio::test]
async fn the_rounds_of_an_invocation_that_died_before_it_handed_them_on_are_not_shown_twice() {
    let shop = Shop::open().await;
    let text = "version: 1\nname: shop\ntraffic: { bake: 1m, every: 300ms, failure_limit: 9 }\nchecks:\n  - { name: it, http: GET / }\n  - { name: other, http: GET /no-such-page, retries: 0 }\n";
    let first = part_of(&shop, text, None).await;
    let resume = |report: &Report| Resume {
        state: first.state.clone(),
        report: Some(report.clone()),
    };
    tokio::time::sleep(first.wait).await;
    let lost = part_of(&shop, text, Some(resume(&first.report))).await;
    assert_eq!(lost.report.checks[0].strip, "PP");
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Its report was stored, and its state never came to anybody.
    let again = part_of(&shop, text, Some(resume(&lost.report))).await;
    for (check, strip) in again.report.checks.iter().zip(["PP", "FF"]) {
        assert_eq!(check.strip, strip, "{}", check.name);
        assert_eq!(check.tally.rounds(), 2);
        let numbers: Vec<usize> = check.rounds.iter().map(|round| round.number).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(
            (check.repeated_rounds, check.slowest_round_ms),
            (None, None)
        );
    }
    let bake = again.report.bake.unwrap();
    assert_eq!((bake.rounds, bake.starts_ms.len()), (2, 2));
}

#[tokio::test]
async fn of_an_earlier_report_only_what_the_state_counts_is_believed() {
    let shop = Shop::open().await;
    let text = "version: 1\nname: shop\ntraffic: { bake: 1m, every: 300ms, failure_limit: 9 }\nchecks:\n  - { name: it, http: GET / }\n  - { name: other, http: GET /no-such-page, retries: 0 }\n";
    let Paused { state, report, .. } = part_of(&shop, text, None).await;
    let mut longer = report.clone();
    for check in &mut longer.checks {
        check.strip.push('E');
        let mut round = check.rounds[0].clone();
        (round.number, round.measurement) = (2, Measurement::Errored);
        check.rounds.push(round);
        check.detail = "no such name".to_owned();
    }
    let cut = crate::report::up_to(longer, &state);
    assert_eq!(cut.checks[0].detail, "");
    assert_eq!(cut.checks[1].detail, report.checks[1].detail);
    assert!(cut.checks.iter().all(|check| check.rounds.len() == 1));
    // Of another run: its round failed, and the one that is counted passed.
    let mut other = report.clone();
    other.checks[0].strip = "F".to_owned();
    let cut = crate::report::up_to(other, &state);
    assert_eq!(cut.checks[0].strip, "");
    assert_eq!(cut.checks[0].rounds.len(), 0);
    assert_eq!(cut.checks[1].strip, "F");
}

#[tokio::test]
async fn a_suite_that_changed_meanwhile_ends_the_run() {
    let shop = Shop::open().await;
    let text = format!("version: 1\nname: shop\n{BAKE}\nchecks:\n{CHECKS}\n");
    let suite = Suite::parse("suite.yaml", &text).unwrap();
    let mut state = RunState::new(Timestamp::now(), &suite.bake(), suite.fingerprint, 2);
    state.record([Measurement::Passed, Measurement::Passed]);
    let part = Part {
        now: Timestamp::now(),
        resume: Some(Resume {
            state,
            report: None,
        }),
        pause: None,
    };
    let changed = text.replace("failure_limit: 1", "failure_limit: 9");
    let PartEnd::Decided(outcome) = run_part(a_run(&shop, &changed), part).await else {
        panic!("it is handed on");
    };
    insta::assert_snapshot!(summary(&outcome), @"
    failed
    the suite was changed while its bake went on, after 1 round; what was measured by the old one does not count for the new one: deploy again
    ");
}

#[tokio::test]
async fn where_nobody_waits_for_us_the_wait_is_sat_out() {
    let shop = Shop::open().await;
    let text =
        format!("version: 1\nname: shop\ntraffic: {{ bake: 1h, every: 10m }}\nchecks:\n{CHECKS}\n");
    let begun = Instant::now();
    let part = Part {
        now: Timestamp::now(),
        resume: None,
        pause: Some(PausePolicy {
            min_wait: Duration::MAX,
            sits_out: true,
        }),
    };
    let run = Run {
        deadline: begun + Duration::from_secs(4),
        ..a_run(&shop, &text)
    };
    let PartEnd::Paused(paused) = run_part(run, part).await else {
        panic!("it ends");
    };
    assert_eq!(paused.state.rounds(), 1);
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "there is time to hand it on"
    );
}

/// How a run ends whose second check can't be measured, or fails.
async fn asked(top: &str, second: &str) -> PartEnd {
    let shop = Shop::open().await;
    let text = format!(
        "version: 1\nname: shop\n{top}\nchecks:\n  - {{ name: it, http: GET / }}\n  - {{ name: other, {second} }}\n"
    );
    run_part(a_run(&shop, &text), Part::whole(Timestamp::now())).await
}

#[tokio::test]
async fn people_are_asked_only_where_the_evidence_is_not_enough_and_there_is_some() {
    let unknown = "http: GET http://shop.invalid/";
    let PartEnd::Asks(outcome) = asked("inconclusive: ask", unknown).await else {
        panic!("nobody is asked");
    };
    assert!(!outcome.verdict.passed, "until they have answered");
    assert_eq!(outcome.verdict.conclusion, Conclusion::Inconclusive);
    let passed = outcome.clone().let_pass("A let it pass".to_owned());
    assert!(passed.verdict.passed && passed.report.verdict.passed);
    assert_eq!(passed.verdict.conclusion, Conclusion::Inconclusive);
    assert_eq!(passed.report.verdict.reasons[0], "A let it pass");
    for (top, second) in [
        ("inconclusive: fail", unknown),
        ("inconclusive: ask\ndry_run: true", unknown),
        ("inconclusive: ask", "http: GET /no-such-page"),
    ] {
        let end = asked(top, second).await;
        assert!(matches!(end, PartEnd::Decided(_)), "{top} {second}");
    }
}

#[tokio::test]
async fn what_a_person_lets_not_pass_ends_as_overridden_and_not_as_passed() {
    let end = async |top: &str, names: &[&str]| {
        let shop = Shop::open().await;
        let text = format!(
            "version: 1\nname: shop\n{top}\nchecks:\n  - {{ name: it, http: GET / }}\n  - {{ name: other, http: GET /no-such-page }}\n"
        );
        let mut run = a_run(&shop, &text);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        run.suite.override_checks(&names);
        run_part(run, Part::whole(Timestamp::now())).await
    };
    let PartEnd::Overridden(outcome) = end("overridable: true", &["other"]).await else {
        panic!("nothing is overridden");
    };
    assert!(!outcome.verdict.passed, "until that is written down");
    assert_eq!(outcome.verdict.conclusion, Conclusion::Failed);
    assert!(outcome.report.overridable);
    let blocks: Vec<bool> = outcome
        .report
        .checks
        .iter()
        .map(|check| check.blocks)
        .collect();
    assert_eq!(blocks, [false, true]);
    for (top, names) in [
        ("", &[][..]),
        ("", &["it"]),
        ("", &["it", "other"]),
        ("dry_run: true", &["other"]),
    ] {
        let end = end(top, names).await;
        assert!(matches!(end, PartEnd::Decided(_)), "{top} {names:?}");
    }
}
