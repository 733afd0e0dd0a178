//! The stages of a service deployment, and by which steps traffic moves. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// A stage, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Only when a deployment begins while more than one revision is active.
    ReconcileService,
    /// The new revision has no task yet.
    PreScaleUp,
    /// The new revision gets its tasks.
    ScaleUp,
    /// All of them are healthy; no traffic reaches them.
    PostScaleUp,
    /// The test rule forwards to the new revision.
    TestTrafficShift,
    /// The new revision can be tried through the test rule.
    PostTestTrafficShift,
    /// Before each step of production traffic.
    PreProductionTrafficShift,
    /// At each step of production traffic.
    ProductionTrafficShift,
    /// The new revision has all production traffic.
    PostProductionTrafficShift,
    /// Both revisions run for a while.
    BakeTime,
    /// The old revision goes.
    CleanUp,
}

impl Stage {
    /// All stages.
    const ALL: [Self; 11] = [
        Self::ReconcileService,
        Self::PreScaleUp,
        Self::ScaleUp,
        Self::PostScaleUp,
        Self::TestTrafficShift,
        Self::PostTestTrafficShift,
        Self::PreProductionTrafficShift,
        Self::ProductionTrafficShift,
        Self::PostProductionTrafficShift,
        Self::BakeTime,
        Self::CleanUp,
    ];

    /// The name in hooks and their events.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }

    /// The name in `DescribeServiceDeployments`, whose model knows no stage before production traffic.
    pub(crate) const fn described(self) -> &'static str {
        match self {
            Self::PreProductionTrafficShift => Self::ProductionTrafficShift.name(),
            other => other.name(),
        }
    }

    /// The stage that hooks may name so.
    pub(crate) fn for_hooks(name: &str) -> Option<Self> {
        let hookable = |stage: &Self| {
            !matches!(stage, Self::ScaleUp | Self::BakeTime | Self::CleanUp) && stage.name() == name
        };
        Self::ALL.into_iter().find(hookable)
    }

    /// Whether a rollback runs its hooks again, so that a deployment can't be paused there.
    pub(crate) fn is_part_of_rollback(self) -> bool {
        matches!(self, Self::TestTrafficShift | Self::ProductionTrafficShift)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A share of traffic in tenths of a percent: the finest that AWS takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Share(u16);

impl Share {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(1000);

    /// Reads a percentage; none when it is no multiple of 0.1 between `least` and 100.
    pub(crate) fn from_percent(percent: f64, least: f64) -> Option<Self> {
        if !(least..=100.0).contains(&percent) {
            return None;
        }
        let tenths = (percent * 10.0).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000"
        )]
        let share = Self(tenths as u16);
        ((percent * 10.0 - tenths).abs() < 1e-6).then_some(share)
    }

    /// What is left for the other.
    pub(crate) fn rest(self) -> Self {
        Self(1000 - self.0)
    }

    /// The weights of the one and of the other target group, which have to be between 0 and 999.
    pub(crate) fn weights(self) -> (u32, u32) {
        let (own, other) = (u32::from(self.0), u32::from(self.rest().0));
        if own % 10 == 0 {
            (own / 10, other / 10)
        } else {
            (own, other)
        }
    }

    /// As percent.
    pub(crate) fn percent(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// As the weight in a hook's event: whole where it is.
    pub(crate) fn weight(self) -> Value {
        if self.0.is_multiple_of(10) {
            json!(self.0 / 10)
        } else {
            json!(self.percent())
        }
    }
}

/// How traffic gets to the new revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Strategy {
    /// It gets traffic as soon as its tasks are healthy.
    #[default]
    Rolling,
    /// All at once.
    BlueGreen,
    /// A part, a wait, the rest.
    Canary { share: Share, bake: Duration },
    /// In equal parts, with waits between them.
    Linear { step: Share, bake: Duration },
}

/// One step of production traffic: how much the new revision has after it, and the wait that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) share: Share,
    pub(crate) bake: Duration,
}

impl Strategy {
    /// The steps by which production traffic moves. Without another revision there is nothing to
    /// share it with.
    pub(crate) fn steps(self, alone: bool) -> Vec<Step> {
        let last = Step {
            share: Share::ALL,
            bake: Duration::ZERO,
        };
        match self {
            Self::Rolling | Self::BlueGreen => vec![last],
            _ if alone => vec![last],
            Self::Canary { share, bake } => {
                let first = Step { share, bake };
                [first, last]
                    .into_iter()
                    .filter(|step| step.share < Share::ALL || *step == last)
                    .collect()
            }
            Self::Linear { step, bake } => {
                let shares = (1..).map(|n| Share(step.0.saturating_mul(n)));
                let before = shares.take_while(|share| *share < Share::ALL);
                let before = before.map(|share| Step { share, bake });
                before.chain([last]).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn steps(strategy: Strategy, alone: bool) -> Vec<(f64, u64)> {
        let steps = strategy.steps(alone);
        let shown = steps.iter();
        shown
            .map(|step| (step.share.percent(), step.bake.as_secs()))
            .collect()
    }

    fn share(percent: f64) -> Share {
        Share::from_percent(percent, 0.0).unwrap()
    }

    #[test]
    fn traffic_moves_by_steps_that_end_with_all_of_it() {
        let canary = |percent| Strategy::Canary {
            share: share(percent),
            bake: MINUTE,
        };
        let linear = |percent| Strategy::Linear {
            step: share(percent),
            bake: MINUTE,
        };
        assert_eq!(steps(Strategy::BlueGreen, false), [(100.0, 0)]);
        assert_eq!(steps(canary(5.0), false), [(5.0, 60), (100.0, 0)]);
        assert_eq!(steps(canary(100.0), false), [(100.0, 0)]);
        assert_eq!(
            steps(linear(40.0), false),
            [(40.0, 60), (80.0, 60), (100.0, 0)]
        );
        assert_eq!(steps(linear(50.0), false), [(50.0, 60), (100.0, 0)]);
        assert_eq!(
            steps(linear(10.0), true),
            [(100.0, 0)],
            "nobody to share with"
        );
    }

    #[test]
    fn weights_stay_within_what_a_load_balancer_takes() {
        assert_eq!(share(5.0).weights(), (5, 95));
        assert_eq!(share(0.1).weights(), (1, 999));
        assert_eq!(share(99.9).weights(), (999, 1));
        assert_eq!(Share::ALL.weights(), (100, 0));
    }

    #[test]
    fn weights_in_events_are_whole_numbers_where_they_can_be() {
        assert_eq!(share(5.0).weight().to_string(), "5");
        assert_eq!(share(2.5).weight().to_string(), "2.5");
    }

    #[test]
    fn shares_are_multiples_of_a_tenth() {
        assert_eq!(Share::from_percent(0.05, 0.1), None);
        assert_eq!(Share::from_percent(0.15, 0.1), None);
        assert_eq!(Share::from_percent(2.9, 3.0), None);
        assert_eq!(Share::from_percent(f64::NAN, 0.1), None);
        assert_eq!(Share::from_percent(33.3, 0.1), Some(Share(333)));
    }

    #[test]
    fn hooks_stand_at_eight_of_the_eleven_stages() {
        let hookable = Stage::ALL
            .iter()
            .filter(|stage| Stage::for_hooks(stage.name()).is_some());
        assert_eq!(hookable.count(), 8);
        assert_eq!(Stage::for_hooks("BAKE_TIME"), None);
        assert_eq!(Stage::for_hooks("pre_scale_up"), None);
    }
}
