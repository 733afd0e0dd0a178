//! The semantics of the verdict, by example.

use super::Measurement::{Errored, Failed, NoData, Passed};
use super::*;

const BAKE: Bake = Bake {
    window: Duration::from_secs(20),
    every: Duration::from_secs(2),
    failure_limit: 1,
    error_limit: 2,
    ..Bake::ONE_ROUND
};

fn check(name: &str, rounds: &[Measurement]) -> CheckHistory {
    // What the deadline cut has no detail.
    let bad = rounds.iter().any(|round| !matches!(round, Passed | NoData));
    let detail = if bad {
        "expected status 201, got 503"
    } else {
        ""
    };
    CheckHistory {
        name: name.to_owned(),
        severity: Severity::Required,
        counters: Counters::of(rounds),
        detail: detail.to_owned(),
    }
}

fn advisory(name: &str, rounds: &[Measurement]) -> CheckHistory {
    CheckHistory {
        severity: Severity::Advisory,
        ..check(name, rounds)
    }
}

fn baked(checks: Vec<CheckHistory>) -> RunHistory {
    RunHistory {
        stage: Stage::PostTraffic,
        bake: BAKE,
        policy: InconclusivePolicy::Fail,
        dry_run: false,
        end: End::Window,
        elapsed: Duration::from_secs(20),
        checks,
    }
}

fn once(checks: Vec<CheckHistory>) -> RunHistory {
    RunHistory {
        stage: Stage::PreTraffic,
        bake: Bake::ONE_ROUND,
        ..baked(checks)
    }
}

fn reasons_of(case: &RunHistory) -> String {
    let verdict = judge(case);
    assert_eq!(
        verdict.passed,
        verdict.conclusion == Conclusion::Passed,
        "the default policy lets nothing else pass"
    );
    format!(
        "{}\n{}",
        verdict.conclusion.as_str(),
        verdict.reasons.join("\n")
    )
}

#[test]
fn one_round_must_pass() {
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[Passed]), check("b", &[Passed])])), @"
    passed
    all 2 required checks passed
    ");
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[Passed]), check("b", &[Failed])])), @r#"
    failed
    check "b" failed: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[Errored])])), @r#"
    inconclusive
    check "a" errored: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[NoData])])), @r#"
    inconclusive
    check "a" was not measured before the deadline
    "#);
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[])])), @r#"
    inconclusive
    check "a" was never measured
    "#);
}

#[test]
fn nothing_required_is_never_a_pass() {
    insta::assert_snapshot!(reasons_of(&once(vec![])), @"
    failed
    no check of the suite runs at the pre-traffic stage, so nothing was measured; give one check `on: [pre-traffic]`
    ");
    insta::assert_snapshot!(reasons_of(&once(vec![advisory("a", &[Passed])])), @"
    failed
    nothing required was measured: no check of the pre-traffic stage may block (1 advisory or in a dry run); make one of them required
    ");
}

#[test]
fn advice_never_blocks() {
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[Passed]), advisory("b", &[Failed])])), @r#"
    passed
    the required check passed
    advisory check "b" failed (never blocks): expected status 201, got 503
    "#);
}

#[test]
fn a_bake_has_limits() {
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Passed; 11])])), @"
    passed
    the required check stayed within the limits over 11 rounds in 20s and passed the last
    ");
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Passed, Failed, Passed])])), @r#"
    passed
    the required check stayed within the limits over 3 rounds in 20s and passed the last
    check "checkout" failed 1 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Failed, Failed, Passed])])), @r#"
    failed
    check "checkout" failed 2 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Errored, Errored, Passed])])), @r#"
    passed
    the required check stayed within the limits over 3 rounds in 20s and passed the last
    check "checkout" errored 2 of 3 rounds, limit 2; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&baked(vec![check("c", &[Errored, Errored, Errored, Passed])])), @r#"
    inconclusive
    check "c" errored 3 of 4 rounds, limit 2; last: expected status 201, got 503
    "#);
}

#[test]
fn a_bake_ends_on_a_pass() {
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Passed, Passed, Failed])])), @r#"
    failed
    check "checkout" failed in the last of 3 rounds, and a bake must end on a pass; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Passed, Passed, Errored])])), @r#"
    inconclusive
    check "checkout" errored in the last of 3 rounds, and a bake must end on a pass; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&baked(vec![check("checkout", &[Passed, Passed, NoData])])), @r#"
    inconclusive
    check "checkout" was not measured in 1 of 3 rounds
    "#);
    let cut = RunHistory {
        end: End::Cut,
        elapsed: Duration::from_secs(7),
        ..baked(vec![check("a", &[Passed; 3])])
    };
    insta::assert_snapshot!(reasons_of(&cut), @"
    inconclusive
    the bake window of 20s was not completed: 3 rounds in 7s, then the deadline
    ");
    let stopped = RunHistory {
        end: End::Stopped,
        ..cut
    };
    insta::assert_snapshot!(reasons_of(&stopped), @"
    inconclusive
    the bake window of 20s was not completed: 3 rounds in 7s, then it was stopped
    ");
    let stopped = RunHistory {
        end: End::Stopped,
        ..once(vec![check("a", &[NoData])])
    };
    insta::assert_snapshot!(reasons_of(&stopped), @r#"
    inconclusive
    check "a" was not measured before the run was stopped
    "#);
}

#[test]
fn a_check_in_a_dry_run_is_judged_and_never_blocks() {
    let dry = CheckHistory {
        severity: Severity::DryRun,
        ..check("new", &[Failed, Failed, Passed])
    };
    insta::assert_snapshot!(reasons_of(&baked(vec![check("a", &[Passed; 3]), dry.clone()])), @r#"
    passed
    the required check stayed within the limits over 3 rounds in 20s and passed the last
    dry run, would not have passed: check "new" failed 2 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(reasons_of(&baked(vec![dry])), @r#"
    failed
    nothing required was measured: no check of the post-traffic stage may block (1 advisory or in a dry run); make one of them required
    dry run, would not have passed: check "new" failed 2 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
}

#[test]
fn a_gate_in_a_dry_run_lets_everything_pass_and_says_what_it_would_have_done() {
    let dry = |checks| {
        let verdict = judge(&RunHistory {
            dry_run: true,
            ..baked(checks)
        });
        assert!(verdict.passed && verdict.dry_run);
        format!(
            "{}\n{}",
            verdict.conclusion.as_str(),
            verdict.reasons.join("\n")
        )
    };
    insta::assert_snapshot!(dry(vec![check("a", &[Failed; 3])]), @r#"
    failed
    dry run, so this gate lets everything pass; it would have stopped this release
    check "a" failed 3 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(dry(vec![check("a", &[Passed; 3])]), @"
    passed
    dry run, so this gate lets everything pass; it would have passed this release as well
    the required check stayed within the limits over 3 rounds in 20s and passed the last
    ");
}

#[test]
fn the_suite_may_let_the_inconclusive_pass_but_not_what_never_passed() {
    let lenient = |checks| {
        let verdict = judge(&RunHistory {
            policy: InconclusivePolicy::Pass,
            ..baked(checks)
        });
        let word = if verdict.passed { "goes on" } else { "stops" };
        format!(
            "{word}, {}\n{}",
            verdict.conclusion.as_str(),
            verdict.reasons.join("\n")
        )
    };
    insta::assert_snapshot!(lenient(vec![check("a", &[Passed, Errored, Errored, Errored])]), @r#"
    goes on, inconclusive
    inconclusive, which passes by `inconclusive: pass` of the suite
    check "a" errored 3 of 4 rounds, limit 2; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(lenient(vec![check("a", &[Errored, Errored])]), @r#"
    stops, inconclusive
    inconclusive; `inconclusive: pass` lets it pass only if every required check passed at least once
    check "a" errored in the last of 2 rounds, and a bake must end on a pass; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(lenient(vec![check("a", &[Passed, Failed, Failed])]), @r#"
    stops, failed
    check "a" failed 2 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
}

#[test]
fn a_bake_may_end_early_where_enough_rounds_passed_in_a_row() {
    let early = RunHistory {
        end: End::EarlySuccess,
        bake: Bake {
            consecutive_success: Some(3),
            ..BAKE
        },
        elapsed: Duration::from_secs(6),
        ..baked(vec![check("a", &[Failed, Passed, Passed, Passed])])
    };
    insta::assert_snapshot!(reasons_of(&early), @r#"
    passed
    the required check passed the last 3 rounds in a row after 6s; consecutive_success ends the bake there
    check "a" failed 1 of 4 rounds, limit 1; last: expected status 201, got 503
    "#);
}

#[test]
fn a_bake_that_ends_as_success_is_out_of_reach_says_so() {
    let out_of_reach = RunHistory {
        end: End::OutOfReach,
        bake: Bake {
            failure_limit: 4,
            consecutive_success: Some(3),
            ..BAKE
        },
        elapsed: Duration::from_secs(6),
        ..baked(vec![check("a", &[Failed, Failed, Failed, Failed])])
    };
    insta::assert_snapshot!(reasons_of(&out_of_reach), @r#"
    failed
    check "a" failed in the last of 4 rounds, and too few are left for the 3 passes in a row of consecutive_success; last: expected status 201, got 503
    "#);
}

fn overridden(name: &str, rounds: &[Measurement]) -> CheckHistory {
    CheckHistory {
        severity: Severity::Overridden,
        ..check(name, rounds)
    }
}

#[test]
fn an_override_lets_the_named_checks_not_pass_beside_one_that_does() {
    let passes = |checks: Vec<CheckHistory>| passes_by_override(&once(checks));
    let good = || check("a", &[Passed]);
    assert!(passes(vec![good(), overridden("b", &[Failed])]));
    assert!(passes(vec![good(), overridden("b", &[Errored])]));
    assert!(
        !passes(vec![good(), overridden("b", &[Passed])]),
        "there is nothing to override"
    );
    assert!(!passes(vec![
        good(),
        check("c", &[Failed]),
        overridden("b", &[Failed])
    ]));
    assert!(!passes(vec![
        good(),
        check("c", &[NoData]),
        overridden("b", &[Failed])
    ]));
    assert!(
        !passes(vec![overridden("b", &[Failed])]),
        "nothing else is required"
    );
    assert!(!passes(vec![
        advisory("a", &[Passed]),
        overridden("b", &[Failed])
    ]));
    assert!(!passes(vec![]));
    let cut = RunHistory {
        end: End::Cut,
        ..baked(vec![
            check("a", &[Passed; 3]),
            overridden("b", &[Failed; 3]),
        ])
    };
    assert!(
        !passes_by_override(&cut),
        "the others were not watched to the end"
    );
}

#[test]
fn a_verdict_alone_never_passes_by_override() {
    insta::assert_snapshot!(reasons_of(&once(vec![check("a", &[Passed]), overridden("b", &[Failed])])), @r#"
    failed
    check "b" failed: expected status 201, got 503
    "#);
}

#[test]
fn a_bake_goes_on_where_only_an_overridden_check_fails() {
    let state = |severity| {
        let mut state = RunState::new(jiff::Timestamp::UNIX_EPOCH, &BAKE, 7, 2);
        for _ in 0..3 {
            state.record([Passed, Failed]);
        }
        state.step(
            &BAKE,
            &[Severity::Required, severity],
            Duration::from_secs(6),
        )
    };
    assert_eq!(state(Severity::Required), RoundOutcome::Ended(End::Limit));
    assert_eq!(state(Severity::Overridden), RoundOutcome::Continue);
}
