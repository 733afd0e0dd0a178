//! What is to be told about a case now, as a pure function of how it stands. Level-triggered: which
//! event woke the function plays no part, so events may come late, twice, or in any order.

use approvals::Status;
use approvals::config::FollowUp;

/// Something that is told once to each recipient, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueStep {
    /// What was decided.
    Decided,
    /// What became of the release. Never told before the decision.
    Outcome,
}

/// How a case stands, and what its readers get.
#[derive(Debug, Clone, Copy)]
pub struct CaseProgress {
    /// The truth.
    pub status: Status,
    /// Whether the release goes on after it, so that there is an end to tell of.
    pub goes_on: bool,
    /// Whether the pipeline execution or the deployment has ended.
    pub ended: bool,
    /// What the route tells after the question.
    pub follow_up: FollowUp,
    /// Whether the first message can be changed: then it always is, as buttons that lead nowhere
    /// must not stay.
    pub changeable: bool,
}

/// What a recipient who was asked must have been told by now.
pub fn steps(progress: CaseProgress) -> Vec<DueStep> {
    let CaseProgress {
        status,
        goes_on,
        ended,
        follow_up,
        changeable,
    } = progress;
    let mut steps = Vec::new();
    if status == Status::Waiting {
        return steps;
    }
    if follow_up.decision || changeable {
        steps.push(DueStep::Decided);
    }
    // Where the release does not go on, there is none to tell about: the decision is the outcome.
    if goes_on && ended && follow_up.outcome {
        steps.push(DueStep::Outcome);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOTH: FollowUp = FollowUp {
        decision: true,
        outcome: true,
    };

    #[test]
    fn a_yes_has_an_outcome_and_a_no_is_one() {
        let told = |status, ended| {
            steps(CaseProgress {
                status,
                goes_on: status == Status::Approved,
                ended,
                follow_up: BOTH,
                changeable: false,
            })
        };
        assert_eq!(told(Status::Waiting, false), []);
        assert_eq!(told(Status::Approved, false), [DueStep::Decided]);
        assert_eq!(
            told(Status::Approved, true),
            [DueStep::Decided, DueStep::Outcome]
        );
        for status in [
            Status::Rejected,
            Status::Expired,
            Status::Superseded,
            Status::Stopped,
        ] {
            assert_eq!(told(status, true), [DueStep::Decided], "{status:?}");
        }
    }

    #[test]
    fn a_release_that_goes_on_without_a_yes_has_an_outcome_too() {
        let told = |ended| {
            steps(CaseProgress {
                status: Status::Expired,
                goes_on: true,
                ended,
                follow_up: BOTH,
                changeable: false,
            })
        };
        assert_eq!(told(false), [DueStep::Decided]);
        assert_eq!(told(true), [DueStep::Decided, DueStep::Outcome]);
    }

    #[test]
    fn buttons_go_even_where_nobody_wants_to_hear_the_decision() {
        let quiet = FollowUp {
            decision: false,
            outcome: false,
        };
        let told = |changeable| {
            steps(CaseProgress {
                status: Status::Rejected,
                goes_on: false,
                ended: true,
                follow_up: quiet,
                changeable,
            })
        };
        assert_eq!(told(true), [DueStep::Decided]);
        assert_eq!(told(false), []);
    }

    /// How a pipeline goes on, from the question to the end.
    fn story() -> impl Strategy<Value = Vec<(Status, bool)>> {
        prop_oneof![
            Just(vec![
                (Status::Waiting, false),
                (Status::Approved, false),
                (Status::Approved, true)
            ]),
            Just(vec![
                (Status::Waiting, false),
                (Status::Rejected, false),
                (Status::Rejected, true)
            ]),
            Just(vec![(Status::Waiting, false), (Status::Expired, true)]),
            Just(vec![(Status::Waiting, false), (Status::Superseded, true)]),
            Just(vec![(Status::Waiting, false), (Status::Stopped, true)]),
        ]
    }

    proptest! {
        /// Whenever the wake-ups come, as long as one comes after the end: each thing is told once, in
        /// order, and the same is told in the end.
        #[test]
        fn any_order_of_wake_ups_tells_the_same(story in story(), wakes in prop::collection::vec(0_usize..3, 0..12)) {
            let tell = |moments: &[usize]| {
                let mut told = Vec::new();
                for moment in moments {
                    let (status, ended) = story[(*moment).min(story.len() - 1)];
                    for step in steps(CaseProgress {
                        status,
                        goes_on: status == Status::Approved,
                        ended,
                        follow_up: BOTH,
                        changeable: true,
                    }) {
                        if !told.contains(&step) {
                            told.push(step);
                        }
                    }
                }
                told
            };
            // Time goes on between wake-ups, however many there are for each moment.
            let mut moments = wakes.clone();
            moments.sort_unstable();
            moments.push(story.len() - 1);
            let told = tell(&moments);
            prop_assert_eq!(&told, &tell(&[story.len() - 1]), "only the last wake-up");
            prop_assert!(told.is_sorted(), "{:?}", told);
        }
    }
}
