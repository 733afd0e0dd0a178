//! Why a deployment does not go on, and what that leads to. Pure.
//!
//! The sentences are those of AWS where it documents them:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html>

use super::configuration::DeploymentConfiguration;
use super::record::StopRequest;
use super::stage::Stage;

/// Why a deployment does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// Hooks of a stage failed, with the reason of the first.
    HookFailed { stage: Stage, why: String },
    /// A hook of a stage took too long.
    HookTimedOut { stage: Stage, pause: bool },
    /// Somebody chose the way back at a pause.
    RolledBackAtPause { stage: Stage },
    /// Alarms went off.
    Alarms,
    /// Too many tasks failed.
    CircuitBreaker,
    /// Rules and target groups don't fit.
    Networking(String),
    /// Somebody asked.
    Stopped(StopRequest),
}

/// What a halt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The revision before comes back.
    RollBack,
    /// There is none before.
    NothingToRollBackTo,
    /// Everything stays as it is.
    Stop,
    /// Its record has ended already.
    Nothing,
}

impl Halt {
    /// The reason, as `statusReason` has it.
    pub(super) fn reason(&self) -> String {
        let why = match self {
            Self::HookFailed { stage, why } => {
                return format!(
                    "Service deployment rolled back because {stage} lifecycle hook(s) failed. {why}"
                );
            }
            Self::HookTimedOut { stage, pause } => {
                let what = if *pause { "pause" } else { "lifecycle" };
                return format!(
                    "Service deployment rolled back because {stage} {what} hook timed out."
                );
            }
            Self::RolledBackAtPause { stage } => {
                return format!(
                    "Service deployment rolled back because {stage} pause hook was rolled back."
                );
            }
            Self::Networking(why) => {
                return format!(
                    "Service deployment rolled back because of invalid networking configuration. {why}"
                );
            }
            Self::Alarms => "one or more active alarms",
            Self::CircuitBreaker => "circuit breaker threshold being reached",
            Self::Stopped(_) => "a customer-initiated request to stop the service deployment",
        };
        format!("Service deployment rolled back because of {why}.")
    }

    /// What it leads to, whether there was a revision before or not.
    pub(super) fn consequence(
        &self,
        configuration: &DeploymentConfiguration,
        has_source: bool,
    ) -> Consequence {
        let rolls_back = match self {
            Self::Stopped(StopRequest::Over) => return Consequence::Nothing,
            Self::Stopped(StopRequest::Abort) => return Consequence::Stop,
            Self::Alarms => configuration.alarms.as_ref().is_none_or(|it| it.rollback),
            Self::CircuitBreaker => configuration.breaker.is_none_or(|it| it.rollback),
            _ => true,
        };
        match (rolls_back, has_source) {
            (false, _) => Consequence::Stop,
            (true, true) => Consequence::RollBack,
            (true, false) => Consequence::NothingToRollBackTo,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_are_worded_as_aws_words_them() {
        let stage = Stage::PostTestTrafficShift;
        let why = "Lifecycle hook target arn:f returned FAILED status.".to_owned();
        let reason = |halt: &Halt| halt.reason();
        insta::assert_snapshot!(reason(&Halt::HookFailed { stage, why }), @"Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. Lifecycle hook target arn:f returned FAILED status.");
        insta::assert_snapshot!(reason(&Halt::HookTimedOut { stage, pause: true }), @"Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT pause hook timed out.");
        insta::assert_snapshot!(reason(&Halt::Alarms), @"Service deployment rolled back because of one or more active alarms.");
    }

    #[test]
    fn only_what_may_roll_back_does_and_only_to_something() {
        let without = json!({
            "alarms": { "alarmNames": ["errors"], "enable": true, "rollback": false },
        });
        let without = DeploymentConfiguration::read(Some(&without)).unwrap();
        let with = DeploymentConfiguration::default();
        let hook = Halt::HookTimedOut {
            stage: Stage::PreScaleUp,
            pause: false,
        };
        assert_eq!(hook.consequence(&without, true), Consequence::RollBack);
        assert_eq!(
            hook.consequence(&with, false),
            Consequence::NothingToRollBackTo
        );
        assert_eq!(Halt::Alarms.consequence(&without, true), Consequence::Stop);
        let abort = Halt::Stopped(StopRequest::Abort);
        assert_eq!(abort.consequence(&with, true), Consequence::Stop);
        let over = Halt::Stopped(StopRequest::Over);
        assert_eq!(over.consequence(&with, true), Consequence::Nothing);
    }
}
