//! The semantics of the verdict, by example and by property.

use proptest::prelude::*;

use super::Measurement::{Errored, Failed, NoData, Passed};
use super::*;

const BAKE: Bake = Bake {
    window: Duration::from_secs(20),
    every: Duration::from_secs(2),
    failure_limit: 1,
    error_limit: 2,
};

fn check(name: &str, rounds: &[Measurement]) -> CheckHistory {
    let bad = rounds.iter().any(|round| *round != Passed);
    let detail = if bad {
        "expected status 201, got 503"
    } else {
        ""
    };
    CheckHistory {
        name: name.to_owned(),
        required: true,
        rounds: rounds.to_vec(),
        detail: detail.to_owned(),
    }
}

fn advisory(name: &str, rounds: &[Measurement]) -> CheckHistory {
    CheckHistory {
        required: false,
        ..check(name, rounds)
    }
}

fn baked(checks: Vec<CheckHistory>) -> RunHistory {
    RunHistory {
        stage: Stage::PostTraffic,
        bake: BAKE,
        window_completed: true,
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

fn told(case: &RunHistory) -> String {
    let Verdict { passed, reasons } = judge(case);
    format!(
        "{}\n{}",
        if passed { "passed" } else { "failed" },
        reasons.join("\n")
    )
}

#[test]
fn one_round_must_pass() {
    insta::assert_snapshot!(told(&once(vec![check("a", &[Passed]), check("b", &[Passed])])), @"
    passed
    all 2 required checks passed
    ");
    insta::assert_snapshot!(told(&once(vec![check("a", &[Passed]), check("b", &[Failed])])), @r#"
    failed
    check "b" failed: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&once(vec![check("a", &[Errored])])), @r#"
    failed
    check "a" errored: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&once(vec![check("a", &[NoData])])), @r#"
    failed
    check "a" was not measured before the deadline
    "#);
    insta::assert_snapshot!(told(&once(vec![check("a", &[])])), @r#"
    failed
    check "a" was never measured
    "#);
}

#[test]
fn nothing_required_is_never_a_pass() {
    insta::assert_snapshot!(told(&once(vec![])), @"
    failed
    no check of the suite runs at the pre-traffic stage, so nothing was measured; give one check `on: [pre-traffic]`
    ");
    insta::assert_snapshot!(told(&once(vec![advisory("a", &[Passed])])), @"
    failed
    nothing required was measured: the pre-traffic stage has advisory checks only (1); make one of them required
    ");
}

#[test]
fn advice_never_blocks() {
    insta::assert_snapshot!(told(&once(vec![check("a", &[Passed]), advisory("b", &[Failed])])), @r#"
    passed
    the required check passed
    advisory check "b" failed (never blocks): expected status 201, got 503
    "#);
}

#[test]
fn a_bake_has_limits() {
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Passed; 11])])), @"
    passed
    the required check stayed within the limits over 11 rounds in 20s and passed the last
    ");
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Passed, Failed, Passed])])), @r#"
    passed
    the required check stayed within the limits over 3 rounds in 20s and passed the last
    check "checkout" failed 1 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Failed, Failed, Passed])])), @r#"
    failed
    check "checkout" failed 2 of 3 rounds, limit 1; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Errored, Errored, Passed])])), @r#"
    passed
    the required check stayed within the limits over 3 rounds in 20s and passed the last
    check "checkout" errored 2 of 3 rounds, limit 2; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&baked(vec![check("c", &[Errored, Errored, Errored, Passed])])), @r#"
    failed
    check "c" errored 3 of 4 rounds, limit 2; last: expected status 201, got 503
    "#);
}

#[test]
fn a_bake_ends_on_a_pass() {
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Passed, Passed, Failed])])), @r#"
    failed
    check "checkout" failed in the last of 3 rounds, and a bake must end on a pass; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Passed, Passed, Errored])])), @r#"
    failed
    check "checkout" errored in the last of 3 rounds, and a bake must end on a pass; last: expected status 201, got 503
    "#);
    insta::assert_snapshot!(told(&baked(vec![check("checkout", &[Passed, Passed, NoData])])), @r#"
    failed
    check "checkout" was not measured in 1 of 3 rounds before the deadline
    "#);
    let cut = RunHistory {
        window_completed: false,
        elapsed: Duration::from_secs(7),
        ..baked(vec![check("a", &[Passed; 3])])
    };
    insta::assert_snapshot!(told(&cut), @"
    failed
    the bake window of 20s was not completed: 3 rounds in 7s, then the deadline
    ");
}

fn any_measurement() -> impl Strategy<Value = Measurement> {
    prop_oneof![4 => Just(Passed), 1 => Just(Failed), 1 => Just(Errored), 1 => Just(NoData)]
}

fn any_case() -> impl Strategy<Value = RunHistory> {
    let any_check = (
        any::<bool>(),
        prop::collection::vec(any_measurement(), 0..6),
    );
    let checks = prop::collection::vec(any_check, 0..5);
    (checks, any::<bool>(), 0..4_u32, 0..4_u32, 0..2_u64).prop_map(
        |(checks, window_completed, failure_limit, error_limit, seconds)| RunHistory {
            stage: Stage::PostTraffic,
            bake: Bake {
                window: Duration::from_secs(seconds),
                failure_limit,
                error_limit,
                ..BAKE
            },
            window_completed,
            elapsed: Duration::from_secs(1),
            checks: checks
                .into_iter()
                .map(|(required, rounds)| CheckHistory {
                    required,
                    ..check("a", &rounds)
                })
                .collect(),
        },
    )
}

proptest! {
    #[test]
    fn a_pass_is_earned(case in any_case()) {
        let verdict = judge(&case);
        prop_assert!(!verdict.reasons.is_empty());
        if verdict.passed {
            let required: Vec<_> = case.checks.iter().filter(|c| c.required).collect();
            prop_assert!(!required.is_empty());
            prop_assert!(case.window_completed);
            for check in required {
                prop_assert_eq!(check.rounds.last(), Some(&Passed));
                prop_assert!(!check.rounds.contains(&NoData));
                prop_assert!(!past_limit(&check.rounds, &case.bake));
            }
        }
    }

    /// However lenient the limits: a required check without a single measurement that passed blocks.
    #[test]
    fn what_never_passed_never_lets_a_release_pass(
        case in any_case(),
        rounds in prop::collection::vec(prop_oneof![Just(Failed), Just(Errored), Just(NoData)], 0..6),
        place in any::<prop::sample::Index>(),
        (failure_limit, error_limit) in (0..2_000_u32, 0..2_000_u32),
    ) {
        let mut case = case;
        case.bake.failure_limit = failure_limit;
        case.bake.error_limit = error_limit;
        case.window_completed = true;
        let place = place.index(case.checks.len() + 1);
        case.checks.insert(place, check("unmeasured", &rounds));
        let verdict = judge(&case);
        prop_assert!(!verdict.passed);
        prop_assert!(verdict.reasons.iter().any(|reason| reason.contains("unmeasured")), "{:?}", verdict.reasons);
    }

    #[test]
    fn worse_measurements_never_help(
        case in any_case(), check in any::<prop::sample::Index>(), round in any::<prop::sample::Index>(),
        worse in prop_oneof![Just(Failed), Just(Errored), Just(NoData)],
    ) {
        let mut worsened = case.clone();
        if !case.checks.is_empty() {
            let rounds = &mut worsened.checks[check.index(case.checks.len())].rounds;
            if !rounds.is_empty() {
                let index = round.index(rounds.len());
                if rounds[index] == Passed {
                    rounds[index] = worse;
                }
            }
        }
        prop_assert!(judge(&case).passed || !judge(&worsened).passed);
    }

    #[test]
    fn advice_changes_nothing(case in any_case(), rounds in prop::collection::vec(any_measurement(), 0..4)) {
        let mut advised = case.clone();
        advised.checks.push(advisory("advice", &rounds));
        prop_assert_eq!(judge(&case).passed, judge(&advised).passed);
    }

    #[test]
    fn looser_limits_never_hurt(case in any_case()) {
        let mut looser = case.clone();
        looser.bake.failure_limit += 1;
        looser.bake.error_limit += 1;
        prop_assert!(!judge(&case).passed || judge(&looser).passed);
    }

    #[test]
    fn past_a_limit_nothing_can_pass(case in any_case()) {
        let past = case.checks.iter().any(|c| c.required && past_limit(&c.rounds, &case.bake));
        prop_assert!(!past || !judge(&case).passed);
    }
}
