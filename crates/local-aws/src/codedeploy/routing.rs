//! How traffic shifts: from a deployment configuration to steps in time, and to listener weights.
//!
//! Pure. A step's time counts from the first step, so that the plan can be checked without waiting.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `trafficRoutingConfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routing {
    AllAtOnce,
    Canary {
        percentage: u32,
        interval_minutes: u32,
    },
    Linear {
        percentage: u32,
        interval_minutes: u32,
    },
}

/// Why a routing is refused: sentences for the caller.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoutingError {
    #[error("The traffic routing configuration can't be read: {0}.")]
    Unreadable(#[from] serde_json::Error),
    #[error(
        "The traffic routing type {0} needs its own settings and no others: timeBasedCanary for \
         TimeBasedCanary, timeBasedLinear for TimeBasedLinear, none for AllAtOnce."
    )]
    Settings(String),
    #[error("The percentage {0} is not from 1 to 99.")]
    Percentage(u32),
    #[error("The interval has to be one minute at least.")]
    Interval,
}

/// One change of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// After the first step.
    pub(super) after: Duration,
    /// Percent of production traffic for the replacement (green) from then on.
    pub(super) green: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_based_canary: Option<WireCanary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_based_linear: Option<WireLinear>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireCanary {
    canary_percentage: u32,
    canary_interval: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireLinear {
    linear_percentage: u32,
    linear_interval: u32,
}

impl Routing {
    /// Reads a `trafficRoutingConfig`.
    pub(super) fn read(given: &Value) -> Result<Self, RoutingError> {
        let wire = Wire::deserialize(given)?;
        let routing = match (
            wire.kind.as_deref(),
            wire.time_based_canary,
            wire.time_based_linear,
        ) {
            (Some("AllAtOnce"), None, None) => Self::AllAtOnce,
            (Some("TimeBasedCanary"), Some(canary), None) => Self::Canary {
                percentage: canary.canary_percentage,
                interval_minutes: canary.canary_interval,
            },
            (Some("TimeBasedLinear"), None, Some(linear)) => Self::Linear {
                percentage: linear.linear_percentage,
                interval_minutes: linear.linear_interval,
            },
            (kind, ..) => {
                return Err(RoutingError::Settings(kind.unwrap_or("(none)").to_owned()));
            }
        };
        routing.checked()
    }

    fn checked(self) -> Result<Self, RoutingError> {
        match self {
            Self::AllAtOnce => Ok(self),
            Self::Canary {
                percentage,
                interval_minutes,
            }
            | Self::Linear {
                percentage,
                interval_minutes,
            } => {
                if !(1..=99).contains(&percentage) {
                    return Err(RoutingError::Percentage(percentage));
                }
                if interval_minutes == 0 {
                    return Err(RoutingError::Interval);
                }
                Ok(self)
            }
        }
    }

    /// The `trafficRoutingConfig` on the wire.
    pub(super) fn to_wire(self) -> Value {
        match self {
            Self::AllAtOnce => json!({ "type": "AllAtOnce" }),
            Self::Canary {
                percentage,
                interval_minutes,
            } => json!({
                "type": "TimeBasedCanary",
                "timeBasedCanary": {
                    "canaryPercentage": percentage, "canaryInterval": interval_minutes,
                },
            }),
            Self::Linear {
                percentage,
                interval_minutes,
            } => json!({
                "type": "TimeBasedLinear",
                "timeBasedLinear": {
                    "linearPercentage": percentage, "linearInterval": interval_minutes,
                },
            }),
        }
    }

    /// The steps, the first one at once, the last one with all traffic for the replacement.
    pub(super) fn steps(self) -> Vec<Step> {
        let minutes = |n: u32| Duration::from_mins(n.into());
        match self {
            Self::AllAtOnce => vec![Step {
                after: Duration::ZERO,
                green: 100,
            }],
            Self::Canary {
                percentage,
                interval_minutes,
            } => vec![
                Step {
                    after: Duration::ZERO,
                    green: percentage,
                },
                Step {
                    after: minutes(interval_minutes),
                    green: 100,
                },
            ],
            Self::Linear {
                percentage,
                interval_minutes,
            } => (1..=100_u32.div_ceil(percentage))
                .map(|n| Step {
                    after: minutes(interval_minutes * (n - 1)),
                    green: (percentage * n).min(100),
                })
                .collect(),
        }
    }
}

/// Percent of the traffic of a listener that a target group gets.
pub(super) fn share(forwards: &[(String, u32)], target_group: &str) -> f64 {
    let all: u32 = forwards.iter().map(|(_, weight)| weight).sum();
    let own: u32 = forwards
        .iter()
        .filter(|(arn, _)| arn == target_group)
        .map(|(_, weight)| weight)
        .sum();
    if all == 0 {
        0.0
    } else {
        100.0 * f64::from(own) / f64::from(all)
    }
}

/// Whether a listener sends a target group anything.
pub(super) fn is_behind(forwards: &[(String, u32)], target_group: &str) -> bool {
    forwards
        .iter()
        .any(|(arn, weight)| arn == target_group && *weight > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(routing: Routing) -> Vec<(u64, u32)> {
        routing
            .steps()
            .into_iter()
            .map(|step| (step.after.as_secs() / 60, step.green))
            .collect()
    }

    #[test]
    fn all_at_once_is_one_step() {
        assert_eq!(plan(Routing::AllAtOnce), [(0, 100)]);
    }

    #[test]
    fn a_canary_waits_once() {
        let canary = Routing::Canary {
            percentage: 10,
            interval_minutes: 5,
        };
        assert_eq!(plan(canary), [(0, 10), (5, 100)]);
    }

    #[test]
    fn linear_steps_are_equal_and_the_last_one_is_the_rest() {
        let ten = plan(Routing::Linear {
            percentage: 10,
            interval_minutes: 1,
        });
        assert_eq!(ten.len(), 10);
        assert_eq!(ten[0], (0, 10));
        assert_eq!(ten[9], (9, 100));
        let forty = Routing::Linear {
            percentage: 40,
            interval_minutes: 3,
        };
        assert_eq!(plan(forty), [(0, 40), (3, 80), (6, 100)]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for routing in [
            Routing::AllAtOnce,
            Routing::Canary {
                percentage: 25,
                interval_minutes: 15,
            },
            Routing::Linear {
                percentage: 20,
                interval_minutes: 2,
            },
        ] {
            assert_eq!(Routing::read(&routing.to_wire()).unwrap(), routing);
        }
    }

    #[test]
    fn settings_that_do_not_fit_the_type_are_refused() {
        let canary = json!({ "canaryPercentage": 10, "canaryInterval": 5 });
        for wrong in [
            json!({}),
            json!({ "type": "TimeBasedCanary" }),
            json!({ "type": "AllAtOnce", "timeBasedCanary": canary }),
            json!({ "type": "TimeBasedLinear", "timeBasedCanary": canary }),
            json!({ "type": "TimeBasedCanary",
                    "timeBasedCanary": { "canaryPercentage": 100, "canaryInterval": 5 } }),
            json!({ "type": "TimeBasedCanary",
                    "timeBasedCanary": { "canaryPercentage": 10, "canaryInterval": 0 } }),
        ] {
            assert!(Routing::read(&wrong).is_err(), "{wrong} was accepted");
        }
    }

    #[test]
    fn shares_are_percentages_whatever_the_weights_add_up_to() {
        let forwards = [("blue".to_owned(), 3), ("green".to_owned(), 1)];
        assert!((share(&forwards, "green") - 25.0).abs() < f64::EPSILON);
        assert!((share(&[], "green")).abs() < f64::EPSILON);
        assert!(is_behind(&forwards, "blue"));
        assert!(!is_behind(&[("blue".to_owned(), 0)], "blue"));
    }
}
