//! Judging recorded runs, by example.

use super::properties::{Answer, SimulatedRun, World, happen, recorded};
use super::*;
use crate::{Stage, Suite};
use std::time::Duration;

const SUITE: &str = "\
version: 1
name: shop
traffic: { bake: 4s, every: 1s }
checks:
  - name: the cart opens
    http: GET /cart
    retries: 0
    expect: [{ status: 2xx }, { latency: '< 500ms' }]
";

fn suite(changes: &[(&str, &str)]) -> Suite {
    let text = changes.iter().fold(SUITE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A run of the suite, a letter for each round; answers took so many milliseconds.
fn run(suite: &Suite, stage: Stage, letters: &str, millis: &[u64]) -> RecordedRun {
    let world: World = letters
        .chars()
        .enumerate()
        .map(|(place, letter)| {
            let millis = millis.get(place).copied().unwrap_or(40);
            let answer = Answer {
                is: Measurement::of_letter(letter).unwrap(),
                micros: millis * 1_000,
            };
            vec![[answer; 2]; suite.checks.len()]
        })
        .collect();
    recorded(&happen(
        suite,
        stage,
        &SimulatedRun {
            lasts: vec![Duration::ZERO; world.len()],
            world,
            cut: None,
            handed_on: None,
        },
    ))
}

fn words(judged: &Rejudged) -> String {
    let decision = match judged.stops {
        Some(true) => "stopped",
        Some(false) => "passed",
        None => "unknown",
    };
    let limits = judged.blockers.iter().map(|one| one.limit.as_str());
    let reasons = judged.verdict.iter().flat_map(|verdict| &verdict.reasons);
    let mut lines = vec![format!(
        "{decision} {}",
        limits.collect::<Vec<_>>().join(", ")
    )];
    lines.extend(reasons.map(|reason| format!("because {reason}")));
    lines.extend(judged.unknown.iter().map(|why| format!("unknown: {why}")));
    lines.extend(judged.notes.iter().map(|why| format!("note: {why}")));
    lines[0] = lines[0].trim_end().to_owned();
    lines.join("\n")
}

fn judged(letters: &str, millis: &[u64], changes: &[(&str, &str)]) -> String {
    let run = run(&suite(&[]), Stage::PostTraffic, letters, millis);
    words(&judge_recorded(
        &suite(changes).limits_at(Stage::PostTraffic),
        &run,
    ))
}

const LOOSER: (&str, &str) = ("every: 1s", "every: 1s, failure_limit: 2");

#[test]
fn a_tighter_limit_stops_where_it_would_have() {
    insta::assert_snapshot!(judged("PEEPP", &[], &[]), @r#"
    passed
    because the required check stayed within the limits over 5 rounds in 4s and passed the last
    because check "the cart opens" errored 2 of 5 rounds, limit 2; last: the name could not be resolved
    "#);
    insta::assert_snapshot!(judged("PEEPP", &[], &[("every: 1s", "every: 1s, error_limit: 1")]), @r#"
    stopped error_limit
    because check "the cart opens" errored 2 of 3 rounds, limit 1; last: the name could not be resolved
    "#);
}

#[test]
fn a_looser_limit_would_have_measured_on_so_nothing_is_known() {
    insta::assert_snapshot!(judged("PFPPP", &[], &[LOOSER]), @"
    unknown
    unknown: the run ended after 2 rounds, and by these limits it would have gone on
    ");
    insta::assert_snapshot!(judged("PFPPP", &[], &[("bake: 4s", "bake: 2s")]), @r#"
    stopped failure_limit
    because check "the cart opens" failed 1 of 2 rounds, limit 0; last: expected status 2xx, got 503
    "#);
}

#[test]
fn other_rounds_were_not_measured() {
    insta::assert_snapshot!(judged("PPPPP", &[], &[("every: 1s", "every: 2s")]), @"
    unknown
    unknown: the run measured every 1s for 4s, and the suite measures every 2s for 4s
    ");
    insta::assert_snapshot!(judged("PPPPP", &[], &[("every: 1s", "every: 1s, initial_delay: 3s")]), @"
    unknown
    unknown: the run began after 0ms, and the suite has an initial_delay of 3s
    ");
    insta::assert_snapshot!(judged("PPPPP", &[], &[("bake: 4s", "bake: 9s")]), @"
    unknown
    unknown: the run ended after 5 rounds, and by these limits it would have gone on
    ");
    insta::assert_snapshot!(judged("PPPPP", &[], &[("bake: 4s", "bake: 2s")]), @"
    passed
    because the required check stayed within the limits over 3 rounds in 2s and passed the last
    ");
}

#[test]
fn what_has_changed_or_was_not_there_is_unknown() {
    insta::assert_snapshot!(judged("PPPPP", &[], &[("status: 2xx", "status: 200")]), @r#"
    unknown
    unknown: check "the cart opens" measured something else then: its probe, expectations or tries have changed
    "#);
    insta::assert_snapshot!(judged("PPPPP", &[], &[("the cart opens", "the basket opens")]), @r#"
    unknown
    unknown: check "the basket opens" was not measured in this run
    "#);
    let more = (
        "checks:\n",
        "checks:\n  - name: the shop is up\n    http: GET /\n",
    );
    insta::assert_snapshot!(judged("PPPPP", &[], &[more]), @r#"
    unknown
    unknown: check "the shop is up" was not measured in this run
    "#);
    insta::assert_snapshot!(judged("PPPPF", &[], &[more]), @r#"
    stopped failure_limit
    because check "the cart opens" failed 1 of 5 rounds, limit 0; last: expected status 2xx, got 503
    unknown: check "the shop is up" was not measured in this run
    "#);
    let advisory = (
        "checks:\n",
        "checks:\n  - name: the shop is up\n    severity: advisory\n    http: GET /\n",
    );
    insta::assert_snapshot!(judged("PPPPP", &[], &[advisory]), @r#"
    passed
    because the required check stayed within the limits over 5 rounds in 4s and passed the last
    note: check "the shop is up" was not measured in this run
    "#);
}

#[test]
fn latency_is_judged_by_what_each_try_took() {
    let tighter = ("< 500ms", "< 100ms");
    insta::assert_snapshot!(judged("PPPPP", &[40, 40, 40, 40, 120], &[tighter]), @r#"
    stopped failure_limit
    because check "the cart opens" failed 1 of 5 rounds, limit 0; last: expected latency < 100ms, got 120ms
    unknown: check "the cart opens": whether round 2 keeps to the other limit of latency is not recorded
    "#);
    insta::assert_snapshot!(judged("PPPPP", &[], &[tighter]), @r#"
    unknown
    unknown: check "the cart opens": whether round 2 keeps to the other limit of latency is not recorded
    "#);
    insta::assert_snapshot!(judged("PPPPP", &[120], &[tighter]), @r#"
    stopped failure_limit
    because check "the cart opens" failed 1 of 1 round, limit 0; last: expected latency < 100ms, got 120ms
    "#);
    insta::assert_snapshot!(judged("PPPPP", &[], &[("< 500ms", "< 900ms")]), @"
    passed
    because the required check stayed within the limits over 5 rounds in 4s and passed the last
    ");
    let once = run(&suite(&[]), Stage::PreTraffic, "P", &[120]);
    let by = |limit| {
        let limits = suite(&[("< 500ms", limit)]).limits_at(Stage::PreTraffic);
        words(&judge_recorded(&limits, &once))
    };
    insta::assert_snapshot!(by("< 120ms"), @r#"
    stopped must pass
    because check "the cart opens" failed: expected latency < 120ms, got 120ms
    "#);
    insta::assert_snapshot!(by("<= 120ms"), @r#"
    unknown
    unknown: check "the cart opens": whether round 1 keeps to the other limit of latency is not recorded
    "#);
    insta::assert_snapshot!(by("< 121ms"), @"
    passed
    because the required check passed
    ");
}

#[test]
fn a_try_that_would_have_been_repeated_is_unknown() {
    let retried = suite(&[("retries: 0", "retries: 2")]);
    let once = run(&retried, Stage::PreTraffic, "P", &[120]);
    let tighter = suite(&[("retries: 0", "retries: 2"), ("< 500ms", "< 100ms")]);
    insta::assert_snapshot!(words(&judge_recorded(&tighter.limits_at(Stage::PreTraffic), &once)), @r#"
    unknown
    unknown: check "the cart opens": whether round 1 keeps to the other limit of latency is not recorded
    "#);
}

#[test]
fn how_a_check_weighs_counts_as_the_suite_has_it() {
    let two = "checks:\n  - name: the shop is up\n    http: GET /\n    retries: 0\n    expect: [{ status: 2xx }, { latency: '< 500ms' }]\n";
    let of = |severity: &str| {
        suite(&[
            ("checks:\n", two),
            (
                "    http: GET /cart\n",
                &format!("    {severity}\n    http: GET /cart\n"),
            ),
        ])
    };
    let failed = run(&of("severity: required"), Stage::PreTraffic, "F", &[]);
    let weighed = |severity| {
        let mut limits = of(severity).limits_at(Stage::PreTraffic);
        limits
            .checks
            .retain(|check| check.name == "the cart opens" || severity == "dry_run: true");
        words(&judge_recorded(&limits, &failed))
    };
    insta::assert_snapshot!(weighed("severity: advisory"), @r#"
    stopped something must be required
    because nothing required was measured: no check of the pre-traffic stage may block (1 advisory or in a dry run); make one of them required
    because advisory check "the cart opens" failed (never blocks): expected status 2xx, got 503
    "#);
    insta::assert_snapshot!(weighed("dry_run: true"), @r#"
    stopped must pass
    because check "the shop is up" failed: expected status 2xx, got 503
    because dry run, would not have passed: check "the cart opens" failed: expected status 2xx, got 503
    "#);
}

#[test]
fn a_suite_in_a_dry_run_says_what_it_would_have_done() {
    insta::assert_snapshot!(judged("PFPPP", &[], &[("name: shop", "name: shop\ndry_run: true")]), @r#"
    stopped failure_limit
    because dry run, so this gate lets everything pass; it would have stopped this release
    because check "the cart opens" failed 1 of 2 rounds, limit 0; last: expected status 2xx, got 503
    "#);
}

#[test]
fn a_report_without_an_end_is_unknown() {
    let refused = crate::Outcome::refused(
        "shop",
        Stage::PostTraffic,
        std::collections::BTreeMap::new(),
        vec!["no target".to_owned()],
    );
    let limits = suite(&[]).limits_at(Stage::PostTraffic);
    insta::assert_snapshot!(words(&judge_recorded(&limits, &recorded(&refused.report))), @"
    unknown
    unknown: the gate did not come to a verdict on measurements: no target
    ");
}
