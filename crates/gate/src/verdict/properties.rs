//! The semantics of the verdict, by property.

use proptest::prelude::*;

use super::Measurement::{Errored, Failed, Inconclusive, NoData, Passed};
use super::*;

/// A run with its rounds, which the verdict sees counted.
#[derive(Clone, Debug)]
struct Case {
    bake: Bake,
    policy: InconclusivePolicy,
    end: End,
    checks: Vec<(Severity, Vec<Measurement>)>,
}

impl Case {
    fn judge(&self) -> Verdict {
        judge(&RunHistory {
            stage: Stage::PostTraffic,
            bake: self.bake,
            policy: self.policy,
            dry_run: false,
            end: self.end,
            elapsed: Duration::from_secs(1),
            checks: self
                .checks
                .iter()
                .enumerate()
                .map(|(index, (severity, rounds))| CheckHistory {
                    name: format!("check {index}"),
                    severity: *severity,
                    counters: Counters::of(rounds),
                    detail: String::new(),
                })
                .collect(),
        })
    }

    fn required(&self) -> impl Iterator<Item = &Vec<Measurement>> {
        let required = self
            .checks
            .iter()
            .filter(|check| check.0 == Severity::Required);
        required.map(|check| &check.1)
    }
}

fn any_measurement() -> impl Strategy<Value = Measurement> {
    prop_oneof![
        6 => Just(Passed),
        1 => Just(Failed),
        1 => Just(Inconclusive),
        1 => Just(Errored),
        1 => Just(NoData)
    ]
}

fn no_pass() -> impl Strategy<Value = Measurement> {
    prop_oneof![
        Just(Failed),
        Just(Inconclusive),
        Just(Errored),
        Just(NoData)
    ]
}

fn any_severity() -> impl Strategy<Value = Severity> {
    prop_oneof![
        3 => Just(Severity::Required),
        1 => Just(Severity::DryRun),
        1 => Just(Severity::Advisory)
    ]
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![3 => Just(End::Window), 1 => Just(End::Cut), 1 => Just(End::Stopped)]
}

prop_compose! {
    fn any_bake()(
        rounds in 0..12_u64,
        failure_limit in 0..4_u32,
        error_limit in 0..4_u32,
        consecutive_error_limit in prop::option::of(0..3_u32),
        inconclusive_limit in 0..3_u32,
        consecutive_success in prop::option::of(1..5_u32),
        no_data in prop_oneof![
            Just(NoDataPolicy::Inconclusive), Just(NoDataPolicy::Fail), Just(NoDataPolicy::Ignore)
        ],
        initial_delay in 0..3_u64,
    ) -> Bake {
        Bake {
            initial_delay: Duration::from_secs(initial_delay),
            window: Duration::from_secs(rounds),
            every: Duration::from_secs(1),
            failure_limit,
            error_limit,
            consecutive_error_limit,
            inconclusive_limit,
            consecutive_success,
            no_data,
        }
    }
}

prop_compose! {
    fn any_case()(
        checks in prop::collection::vec(
            (any_severity(), prop::collection::vec(any_measurement(), 0..6)), 0..5
        ),
        bake in any_bake(),
        end in any_end(),
        policy in prop_oneof![
            Just(InconclusivePolicy::Fail),
            Just(InconclusivePolicy::Pass),
            Just(InconclusivePolicy::Ask)
        ],
    ) -> Case {
        Case { bake, policy, end, checks }
    }
}

proptest! {
    #[test]
    fn a_pass_is_earned(case in any_case()) {
        let verdict = case.judge();
        prop_assert!(!verdict.reasons.is_empty());
        if verdict.conclusion == Conclusion::Passed {
            prop_assert!(case.required().next().is_some());
            prop_assert_eq!(case.end, End::Window);
            for rounds in case.required() {
                let counters = Counters::of(rounds);
                prop_assert_eq!(counters.last_with_data, Some(Passed));
                prop_assert!(counters.excess(&case.bake).is_none());
            }
        }
        if verdict.passed {
            prop_assert!(verdict.conclusion != Conclusion::Failed);
            for rounds in case.required() {
                prop_assert!(rounds.contains(&Passed));
            }
        }
    }

    /// However lenient the limits and the policy: a required check without a single round that passed blocks.
    #[test]
    fn what_never_passed_never_lets_a_release_pass(
        mut case in any_case(),
        rounds in prop::collection::vec(no_pass(), 0..6),
        place in any::<prop::sample::Index>(),
        (failure_limit, error_limit) in (0..2_000_u32, 0..2_000_u32),
    ) {
        case.bake.failure_limit = failure_limit;
        case.bake.error_limit = error_limit;
        case.bake.inconclusive_limit = 2_000;
        case.bake.consecutive_error_limit = None;
        let place = place.index(case.checks.len() + 1);
        case.checks.insert(place, (Severity::Required, rounds));
        let verdict = case.judge();
        prop_assert!(!verdict.passed);
        let name = format!("\"check {place}\"");
        prop_assert!(verdict.reasons.iter().any(|reason| reason.contains(&name)), "{:?}", verdict.reasons);
    }

    #[test]
    fn worse_measurements_never_help(
        case in any_case(), check in any::<prop::sample::Index>(), round in any::<prop::sample::Index>(),
        worse in no_pass(),
    ) {
        let mut worsened = case.clone();
        if !case.checks.is_empty() {
            let rounds = &mut worsened.checks[check.index(case.checks.len())].1;
            // Without data a round may not count at all; that is what `no_data: ignore` asks for.
            if !rounds.is_empty() && worse != NoData {
                let index = round.index(rounds.len());
                if rounds[index] == Passed {
                    rounds[index] = worse;
                }
            }
        }
        prop_assert!(case.judge().passed || !worsened.judge().passed);
    }

    #[test]
    fn what_never_blocks_changes_nothing(
        case in any_case(),
        severity in prop_oneof![Just(Severity::Advisory), Just(Severity::DryRun)],
        rounds in prop::collection::vec(any_measurement(), 0..4),
    ) {
        let mut advised = case.clone();
        advised.checks.push((severity, rounds));
        let (plain, advised) = (case.judge(), advised.judge());
        prop_assert_eq!(plain.passed, advised.passed);
        prop_assert_eq!(plain.conclusion, advised.conclusion);
    }

    #[test]
    fn looser_limits_never_hurt(case in any_case()) {
        let mut looser = case.clone();
        looser.bake.failure_limit += 1;
        looser.bake.error_limit += 1;
        looser.bake.inconclusive_limit += 1;
        looser.bake.consecutive_error_limit = None;
        prop_assert!(!case.judge().passed || looser.judge().passed);
    }

    #[test]
    fn past_a_limit_nothing_can_pass(case in any_case()) {
        let past = case.required().any(|rounds| Counters::of(rounds).excess(&case.bake).is_some());
        prop_assert!(!past || case.judge().conclusion != Conclusion::Passed);
    }
}
