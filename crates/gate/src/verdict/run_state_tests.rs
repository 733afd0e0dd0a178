//! A run that is split over invocations comes to the verdict of the unsplit run.

use proptest::prelude::*;

use super::Measurement::{Errored, Failed, Inconclusive, NoData, Passed};
use super::*;
use crate::severity::Severity::{Advisory, DryRun, Required};

const SECOND: Duration = Duration::from_secs(1);

fn bake(rounds: u64) -> Bake {
    Bake {
        window: SECOND * u32::try_from(rounds - 1).unwrap(),
        every: SECOND,
        error_limit: 2,
        ..Bake::ONE_ROUND
    }
}

fn start(bake: &Bake, checks: usize) -> RunState {
    RunState::new(jiff::Timestamp::UNIX_EPOCH, bake, 7, checks)
}

/// Plays rounds on their grid until the run ends; where `hand_on` says so, the state goes through its text.
fn play(
    bake: &Bake,
    severities: &[Severity],
    rounds: &[Vec<Measurement>],
    hand_on: impl Fn(usize) -> bool,
) -> (RunState, End) {
    let mut state = start(bake, severities.len());
    for (index, round) in rounds.iter().enumerate() {
        if hand_on(index) {
            state = RunState::decode(&state.encode()).expect("what was written can be read");
        }
        let started = state.next_round;
        state.record(round.iter().copied());
        if let RoundOutcome::Ended(end) = state.step(bake, severities, started) {
            return (state, end);
        }
        state.schedule_next(bake, started);
    }
    (state, End::Cut)
}

fn verdict(bake: &Bake, severities: &[Severity], (state, end): (RunState, End)) -> Verdict {
    judge(&RunHistory {
        stage: Stage::PostTraffic,
        bake: *bake,
        policy: InconclusivePolicy::Fail,
        dry_run: false,
        end,
        elapsed: state.next_round,
        checks: severities
            .iter()
            .zip(state.checks)
            .map(|(severity, counters)| CheckHistory {
                name: "a".to_owned(),
                severity: *severity,
                counters,
                detail: String::new(),
            })
            .collect(),
    })
}

fn any_round() -> impl Strategy<Value = Vec<Measurement>> {
    let one = prop_oneof![
        12 => Just(Passed), 1 => Just(Failed), 1 => Just(Inconclusive), 1 => Just(Errored), 1 => Just(NoData)
    ];
    prop::collection::vec(one, 3)
}

proptest! {
    #[test]
    fn a_split_run_comes_to_the_verdict_of_the_unsplit_one(
        rounds in prop::collection::vec(any_round(), 30),
        planned in 1..25_u64,
        limits in (0..4_u32, 0..4_u32, prop::option::of(0..3_u32), 0..3_u32, prop::option::of(1..8_u32)),
        no_data in prop_oneof![Just(NoDataPolicy::Ignore), Just(NoDataPolicy::Inconclusive), Just(NoDataPolicy::Fail)],
        splits in prop::collection::vec(any::<bool>(), 30),
    ) {
        let (failure_limit, error_limit, consecutive_error_limit, inconclusive_limit, consecutive_success) = limits;
        let bake = Bake {
            failure_limit, error_limit, consecutive_error_limit, inconclusive_limit, consecutive_success,
            no_data,
            ..bake(planned)
        };
        let severities = [Required, Advisory, DryRun];
        let whole = play(&bake, &severities, &rounds, |_| false);
        let split = play(&bake, &severities, &rounds, |index| splits[index]);
        prop_assert_eq!(&whole, &split);
        prop_assert!(u64::from(whole.0.rounds()) <= planned);
        prop_assert_eq!(verdict(&bake, &severities, whole), verdict(&bake, &severities, split));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9a-fPFE?_.,-]{0,80}") {
        if let Some(state) = RunState::decode(&text) {
            prop_assert_eq!(RunState::decode(&state.encode()), Some(state));
        }
    }
}

#[test]
fn rounds_keep_to_the_grid_and_the_last_one_starts_at_the_end() {
    let bake = Bake {
        initial_delay: SECOND * 10,
        window: SECOND * 25,
        every: SECOND * 10,
        ..Bake::ONE_ROUND
    };
    let mut state = start(&bake, 1);
    let mut starts = vec![state.next_round.as_secs()];
    for late in [0, 3, 12] {
        state.schedule_next(&bake, state.next_round + SECOND * late);
        starts.push(state.next_round.as_secs());
    }
    assert_eq!(
        starts,
        [10, 20, 30, 35],
        "the round after 12 s of the third is the last"
    );
}

#[test]
fn the_first_round_past_a_limit_is_the_last() {
    let rounds = vec![vec![Passed], vec![Failed], vec![Passed]];
    let (state, end) = play(&bake(10), &[Required], &rounds, |_| false);
    assert_eq!((state.rounds(), end), (2, End::Limit));
    let (state, end) = play(&bake(3), &[Advisory], &rounds, |_| false);
    assert_eq!((state.rounds(), end), (3, End::Window));
    // Where a round without data fails the gate, nothing is gained by going on.
    let rounds = vec![vec![Passed], vec![NoData], vec![Passed]];
    let strict = Bake {
        no_data: NoDataPolicy::Fail,
        ..bake(10)
    };
    let (state, end) = play(&strict, &[Required], &rounds, |_| false);
    assert_eq!((state.rounds(), end), (2, End::Limit));
    let (state, end) = play(&bake(3), &[Required], &rounds, |_| false);
    assert_eq!((state.rounds(), end), (3, End::Window));
}

#[test]
fn enough_passes_in_a_row_end_a_run_and_too_few_rounds_left_too() {
    let bake = Bake {
        failure_limit: 9,
        consecutive_success: Some(3),
        ..bake(6)
    };
    let rounds = |letters: &str| -> Vec<Vec<Measurement>> {
        let of = |letter| vec![Measurement::of_letter(letter).unwrap()];
        letters.chars().map(of).collect()
    };
    let ended = |letters| {
        let (state, end) = play(&bake, &[Required], &rounds(letters), |_| false);
        (state.rounds(), end)
    };
    assert_eq!(ended("PPPPPP"), (3, End::EarlySuccess));
    assert_eq!(ended("PFPPPP"), (5, End::EarlySuccess));
    assert_eq!(
        ended("PFPFPP"),
        (4, End::OutOfReach),
        "two rounds are left, and three are asked for"
    );
    assert_eq!(ended("FFFPPP"), (6, End::EarlySuccess));
}

#[test]
fn a_state_is_small() {
    let mut state = start(&bake(1_000), 50);
    for _ in 0..999 {
        state.record(std::iter::repeat_n(Passed, 50));
    }
    let text = state.encode();
    assert!(text.len() < 1_300, "{}", text.len());
    assert_eq!(RunState::decode(&text), Some(state));
    for other in [
        "",
        "1",
        "2.0.0.7",
        "1.x.0.7",
        "1.0.0.7.1,2",
        "1.0.0.7.1,0,0,0,0,0,0,1,PPP",
    ] {
        assert_eq!(RunState::decode(other), None, "{other}");
    }
}
