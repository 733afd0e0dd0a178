//! `deploymentConfiguration`: reading it, with the refusals of AWS.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html> has the wording.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::api::invalid;
use super::stage::{Share, Stage, Strategy};
use crate::error::AwsError;

/// Hooks of each kind, at most.
const MAX_HOOKS: usize = 10;
/// How long a hook may take by default, and a function at most.
const DAY_MINUTES: u64 = 1440;
/// How long a deployment may be paused.
const MAX_PAUSE_MINUTES: u64 = 20_160;
/// Failed tasks that a circuit breaker tolerates at least and at most, where its threshold is bounded.
const BOUNDS: (u32, u32) = (3, 200);

/// How a service is deployed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DeploymentConfiguration {
    pub(crate) strategy: Strategy,
    /// How long both revisions run after production traffic has moved.
    pub(crate) bake: Duration,
    pub(crate) hooks: Vec<Hook>,
    /// None when they are off.
    pub(crate) alarms: Option<Alarms>,
    /// None when it is off.
    pub(crate) breaker: Option<CircuitBreaker>,
}

/// A lifecycle hook.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hook {
    pub(crate) kind: HookKind,
    pub(crate) stages: Vec<Stage>,
    pub(crate) timeout: Duration,
    pub(crate) on_timeout: HookAction,
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum HookKind {
    /// Calls a function, with these details.
    Lambda {
        function: String,
        details: Map<String, Value>,
    },
    /// Waits for `ContinueServiceDeployment`.
    Pause,
}

/// What becomes of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum HookAction {
    #[default]
    Rollback,
    Continue,
}

/// CloudWatch alarms that end a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarms {
    pub(crate) names: Vec<String>,
    pub(crate) rollback: bool,
}

/// Ends a deployment whose tasks fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CircuitBreaker {
    pub(crate) rollback: bool,
    threshold: Threshold,
}

/// How many failed tasks are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threshold {
    Count(u32),
    Percent { of_hundred: u32, bounded: bool },
}

impl HookAction {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rollback => "ROLLBACK",
            Self::Continue => "CONTINUE",
        }
    }
}

impl CircuitBreaker {
    /// Failed tasks at which it acts.
    pub(crate) fn threshold(self, desired: u32) -> u32 {
        match self.threshold {
            Threshold::Count(count) => count.max(1),
            Threshold::Percent {
                of_hundred,
                bounded,
            } => {
                let exact = u64::from(desired) * u64::from(of_hundred);
                let count = u32::try_from(exact.div_ceil(100)).unwrap_or(u32::MAX);
                if bounded {
                    count.clamp(BOUNDS.0, BOUNDS.1)
                } else {
                    count.max(1)
                }
            }
        }
    }
}

impl DeploymentConfiguration {
    /// Reads what a caller sent; without anything a plain rolling update.
    pub(crate) fn read(given: Option<&Value>) -> Result<Self, AwsError> {
        let Some(given) = given.filter(|given| !given.is_null()) else {
            return Ok(Self::default());
        };
        let wire = Wire::deserialize(given)
            .map_err(|error| AwsError::client("SerializationException", error.to_string()))?;
        let hooks: Vec<Hook> = wire
            .lifecycle_hooks
            .unwrap_or_default()
            .into_iter()
            .map(WireHook::check)
            .collect::<Result<_, _>>()?;
        let pauses = hooks.iter().filter(|hook| hook.kind == HookKind::Pause);
        let pauses = pauses.count();
        if pauses > MAX_HOOKS || hooks.len() - pauses > MAX_HOOKS {
            return Err(invalid(format!(
                "lifecycleHooks cannot have more than {MAX_HOOKS} hooks of a targetType."
            )));
        }
        let bake = minutes("bakeTimeInMinutes", wire.bake_time_in_minutes.unwrap_or(0))?;
        let strategy = match wire.strategy.as_deref() {
            None | Some("ROLLING") => Strategy::Rolling,
            Some("BLUE_GREEN") => Strategy::BlueGreen,
            Some("CANARY") => wire.canary_configuration.unwrap_or_default().check()?,
            Some("LINEAR") => wire.linear_configuration.unwrap_or_default().check()?,
            Some(other) => return Err(invalid(format!("Invalid deployment strategy {other}."))),
        };
        let alarms = wire.alarms.filter(|alarms| alarms.enable);
        let breaker = wire.deployment_circuit_breaker.filter(|b| b.enable);
        Ok(Self {
            strategy,
            bake,
            hooks,
            alarms: alarms.map(|alarms| Alarms {
                names: alarms.alarm_names,
                rollback: alarms.rollback,
            }),
            breaker: breaker.map(WireBreaker::check).transpose()?,
        })
    }

    /// Whether there is more to it than new tasks in the place of old ones.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether old and new tasks are in target groups of their own.
    pub(crate) fn shifts_traffic(&self) -> bool {
        self.strategy != Strategy::Rolling
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    strategy: Option<String>,
    bake_time_in_minutes: Option<u64>,
    lifecycle_hooks: Option<Vec<WireHook>>,
    canary_configuration: Option<Canary>,
    linear_configuration: Option<Linear>,
    alarms: Option<WireAlarms>,
    deployment_circuit_breaker: Option<WireBreaker>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHook {
    target_type: Option<String>,
    hook_target_arn: Option<String>,
    role_arn: Option<String>,
    #[serde(default)]
    lifecycle_stages: Vec<String>,
    hook_details: Option<Value>,
    timeout_configuration: Option<WireTimeout>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTimeout {
    timeout_in_minutes: Option<u64>,
    action: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Canary {
    canary_percent: Option<f64>,
    canary_bake_time_in_minutes: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Linear {
    step_percent: Option<f64>,
    step_bake_time_in_minutes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAlarms {
    #[serde(default)]
    alarm_names: Vec<String>,
    enable: bool,
    rollback: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBreaker {
    enable: bool,
    rollback: bool,
    threshold_configuration: Option<WireThreshold>,
}

#[derive(Deserialize)]
struct WireThreshold {
    #[serde(rename = "type")]
    kind: String,
    value: u32,
}

impl WireHook {
    fn check(self) -> Result<Hook, AwsError> {
        let stages: Vec<Stage> = self
            .lifecycle_stages
            .iter()
            .map(|name| {
                Stage::for_hooks(name)
                    .ok_or_else(|| invalid(format!("Invalid lifecycle stage {name}.")))
            })
            .collect::<Result<_, _>>()?;
        if stages.is_empty() {
            return Err(invalid(
                "lifecycleStages cannot be empty for a lifecycle hook.",
            ));
        }
        let (kind, longest) = match self.target_type.as_deref() {
            None | Some("AWS_LAMBDA") => {
                let function = self
                    .hook_target_arn
                    .filter(|arn| arn.starts_with("arn:") && arn.contains(":lambda:"))
                    .ok_or_else(|| {
                        invalid("hookTargetArn must be the ARN of a Lambda function.")
                    })?;
                if !self.role_arn.is_some_and(|arn| arn.starts_with("arn:")) {
                    return Err(invalid(
                        "roleArn is required for AWS_LAMBDA lifecycle hooks.",
                    ));
                }
                let details = details(self.hook_details)?;
                (HookKind::Lambda { function, details }, DAY_MINUTES)
            }
            Some("PAUSE") => {
                if stages.iter().any(|stage| stage.is_part_of_rollback()) {
                    return Err(invalid("Invalid lifecycle stage provided for Pause Hook"));
                }
                if self.hook_target_arn.is_some() || self.role_arn.is_some() {
                    return Err(invalid(
                        "hookTargetArn and roleArn are not allowed for PAUSE lifecycle hooks.",
                    ));
                }
                (HookKind::Pause, MAX_PAUSE_MINUTES)
            }
            Some(_) => {
                return Err(invalid(
                    "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE",
                ));
            }
        };
        let timeout = self.timeout_configuration.unwrap_or(WireTimeout {
            timeout_in_minutes: None,
            action: None,
        });
        let minutes = timeout.timeout_in_minutes.unwrap_or(DAY_MINUTES);
        if !(1..=longest).contains(&minutes) {
            return Err(invalid(format!(
                "timeoutInMinutes must be between 1 and {longest}."
            )));
        }
        let on_timeout = match timeout.action.as_deref() {
            None | Some("ROLLBACK") => HookAction::Rollback,
            Some("CONTINUE") => HookAction::Continue,
            Some(other) => return Err(invalid(format!("Invalid timeout action {other}."))),
        };
        Ok(Hook {
            kind,
            stages,
            timeout: Duration::from_mins(minutes),
            on_timeout,
        })
    }
}

/// `hookDetails`: an object, or one as a string, as CloudFormation has it.
fn details(given: Option<Value>) -> Result<Map<String, Value>, AwsError> {
    let parsed = match given {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::String(text)) => serde_json::from_str(&text).ok(),
        Some(other) => Some(other),
    };
    match parsed {
        Some(Value::Object(details)) => Ok(details),
        _ => Err(invalid("hookDetails must be a JSON object.")),
    }
}

impl Canary {
    fn check(self) -> Result<Strategy, AwsError> {
        let percent = self.canary_percent.unwrap_or(5.0);
        let share = Share::from_percent(percent, 0.1).ok_or_else(|| {
            invalid("canaryPercent must be a multiple of 0.1 between 0.1 and 100.0.")
        })?;
        let wait = self.canary_bake_time_in_minutes.unwrap_or(10);
        let bake = minutes("canaryBakeTimeInMinutes", wait)?;
        Ok(Strategy::Canary { share, bake })
    }
}

impl Linear {
    fn check(self) -> Result<Strategy, AwsError> {
        let percent = self.step_percent.unwrap_or(10.0);
        let step = Share::from_percent(percent, 3.0).ok_or_else(|| {
            invalid("stepPercent must be a multiple of 0.1 between 3.0 and 100.0.")
        })?;
        let wait = self.step_bake_time_in_minutes.unwrap_or(6);
        let bake = minutes("stepBakeTimeInMinutes", wait)?;
        Ok(Strategy::Linear { step, bake })
    }
}

impl WireBreaker {
    fn check(self) -> Result<CircuitBreaker, AwsError> {
        let percent = |of_hundred, bounded| Threshold::Percent {
            of_hundred,
            bounded,
        };
        let threshold = match self.threshold_configuration {
            None => percent(50, true),
            Some(WireThreshold { kind, value }) => match kind.as_str() {
                "COUNT" => Threshold::Count(value),
                "BOUNDED_PERCENT" => percent(value, true),
                "UNBOUNDED_PERCENT" => percent(value, false),
                other => return Err(invalid(format!("Invalid threshold type {other}."))),
            },
        };
        Ok(CircuitBreaker {
            rollback: self.rollback,
            threshold,
        })
    }
}

fn minutes(name: &str, minutes: u64) -> Result<Duration, AwsError> {
    if minutes > DAY_MINUTES {
        return Err(invalid(format!(
            "{name} must be between 0 and {DAY_MINUTES}."
        )));
    }
    Ok(Duration::from_mins(minutes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hook(more: &Value) -> Value {
        let mut hook = json!({
            "hookTargetArn": "arn:aws:lambda:us-east-1:000000000000:function:check",
            "roleArn": "arn:aws:iam::000000000000:role/hooks",
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        });
        for (name, value) in more.as_object().unwrap() {
            hook[name] = value.clone();
        }
        hook
    }

    fn refused(configuration: &Value) -> String {
        DeploymentConfiguration::read(Some(configuration))
            .unwrap_err()
            .message
    }

    #[test]
    fn nothing_is_a_plain_rolling_update_and_so_are_settings_of_it() {
        for given in [
            None,
            Some(json!({})),
            Some(
                json!({ "maximumPercent": 200, "strategy": "ROLLING", "lifecycleHooks": [],
                "deploymentCircuitBreaker": { "enable": false, "rollback": false } }),
            ),
        ] {
            let read = DeploymentConfiguration::read(given.as_ref()).unwrap();
            assert!(read.is_plain(), "{given:?}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_service_model() {
        let read = |given| DeploymentConfiguration::read(Some(&given)).unwrap();
        let canary = read(json!({ "strategy": "CANARY" })).strategy;
        let share = Share::from_percent(5.0, 0.1).unwrap();
        let bake = Duration::from_mins(10);
        assert_eq!(canary, Strategy::Canary { share, bake });
        let hook = &read(json!({ "lifecycleHooks": [hook(&json!({}))] })).hooks[0];
        assert_eq!(hook.timeout, Duration::from_hours(24));
        assert_eq!(hook.on_timeout, HookAction::Rollback);
    }

    #[test]
    fn hook_details_may_be_an_object_or_one_as_a_string() {
        for given in [json!({ "suite": "shop" }), json!("{\"suite\":\"shop\"}")] {
            let details = details(Some(given)).unwrap();
            assert_eq!(details["suite"], "shop");
        }
        assert!(details(Some(json!(["suite"]))).is_err());
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let of = |more: Value| refused(&json!({ "lifecycleHooks": [hook(&more)] }));
        insta::assert_snapshot!(of(json!({ "targetType": "HTTP" })), @"Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE");
        insta::assert_snapshot!(of(json!({ "lifecycleStages": ["BAKE_TIME"] })), @"Invalid lifecycle stage BAKE_TIME.");
        insta::assert_snapshot!(of(json!({ "timeoutConfiguration": { "timeoutInMinutes": 1441 } })), @"timeoutInMinutes must be between 1 and 1440.");
        let pause =
            json!({ "targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"] });
        insta::assert_snapshot!(refused(&json!({ "lifecycleHooks": [pause] })), @"Invalid lifecycle stage provided for Pause Hook");
        insta::assert_snapshot!(refused(&json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 0.05 } })), @"canaryPercent must be a multiple of 0.1 between 0.1 and 100.0.");
        let eleven = vec![hook(&json!({})); 11];
        insta::assert_snapshot!(refused(&json!({ "lifecycleHooks": eleven })), @"lifecycleHooks cannot have more than 10 hooks of a targetType.");
    }

    #[test]
    fn a_circuit_breaker_tolerates_half_of_the_tasks_within_bounds() {
        let threshold = |given: Value| {
            let given = json!({ "deploymentCircuitBreaker": given });
            let read = DeploymentConfiguration::read(Some(&given)).unwrap();
            read.breaker.unwrap()
        };
        let plain = threshold(json!({ "enable": true, "rollback": true }));
        assert_eq!(plain.threshold(1), 3);
        assert_eq!(plain.threshold(25), 13);
        assert_eq!(plain.threshold(1000), 200);
        let count = threshold(json!({ "enable": true, "rollback": true,
            "thresholdConfiguration": { "type": "COUNT", "value": 2 } }));
        assert_eq!(count.threshold(50), 2);
    }
}
