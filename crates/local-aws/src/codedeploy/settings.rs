//! The settings of a deployment group: read, checked as AWS checks them, and written again.
//!
//! Pure: whether the service and the load balancer exist is checked where the group is made.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::platform::Platform;
use crate::error::AwsError;

/// Longest wait AWS takes, in minutes.
const MAX_WAIT_MINUTES: u32 = 2880;

/// `loadBalancerInfo`, of which an ECS group uses the one target group pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoadBalancer {
    /// Names of the two target groups.
    pub(super) target_groups: [String; 2],
    /// ARN of the production listener.
    pub(super) production: String,
    /// ARN of the test listener.
    pub(super) test: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLoadBalancer {
    target_group_pair_info_list: Option<Vec<WirePair>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePair {
    target_groups: Option<Vec<WireTargetGroup>>,
    prod_traffic_route: Option<WireRoute>,
    test_traffic_route: Option<WireRoute>,
}

#[derive(Deserialize)]
struct WireTargetGroup {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRoute {
    listener_arns: Option<Vec<String>>,
}

impl LoadBalancer {
    pub(super) fn read(given: &Value) -> Result<Self, AwsError> {
        let wire = WireLoadBalancer::deserialize(given)
            .map_err(|error| AwsError::client("SerializationException", error.to_string()))?;
        let mut pairs = wire.target_group_pair_info_list.unwrap_or_default();
        let (Some(pair), true) = (pairs.pop(), pairs.is_empty()) else {
            return Err(AwsError::client(
                "InvalidLoadBalancerInfoException",
                "For ECS deployment group, loadBalancerInfo must have exactly one \
                 targetGroupPairInfo",
            ));
        };
        let names: Vec<_> = pair
            .target_groups
            .into_iter()
            .flatten()
            .filter_map(|group| group.name)
            .collect();
        let target_groups = <[String; 2]>::try_from(names).map_err(|names| {
            wrong_pair(format!(
                "exactly two target groups are needed, {} given",
                names.len()
            ))
        })?;
        if target_groups[0] == target_groups[1] {
            return Err(wrong_pair("the two target groups must be different"));
        }
        let production = listener(pair.prod_traffic_route, "prodTrafficRoute")?
            .ok_or_else(|| wrong_pair("prodTrafficRoute must name a listener"))?;
        let test = listener(pair.test_traffic_route, "testTrafficRoute")?;
        if test.as_ref() == Some(&production) {
            return Err(wrong_pair(
                "the test listener must not be the production listener",
            ));
        }
        Ok(Self {
            target_groups,
            production,
            test,
        })
    }

    pub(super) fn to_wire(&self) -> Value {
        let groups: Vec<_> = self
            .target_groups
            .iter()
            .map(|name| json!({ "name": name }))
            .collect();
        let mut pair = json!({
            "targetGroups": groups,
            "prodTrafficRoute": { "listenerArns": [self.production] },
        });
        if let Some(test) = &self.test {
            pair["testTrafficRoute"] = json!({ "listenerArns": [test] });
        }
        json!({ "targetGroupPairInfoList": [pair] })
    }
}

fn listener(route: Option<WireRoute>, name: &str) -> Result<Option<String>, AwsError> {
    let mut arns = route
        .and_then(|route| route.listener_arns)
        .unwrap_or_default();
    let arn = arns.pop();
    if !arns.is_empty() {
        return Err(wrong_pair(format!("{name} takes exactly one listener")));
    }
    Ok(arn)
}

/// The error for a target group pair that cannot be used.
pub(super) fn wrong_pair(why: impl std::fmt::Display) -> AwsError {
    AwsError::client(
        "InvalidTargetGroupPairException",
        format!("The target group pair is not valid: {why}"),
    )
}

/// `blueGreenDeploymentConfiguration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlueGreen {
    /// How long the original task set outlives the shift.
    pub(super) termination_wait_minutes: u32,
    pub(super) ready: Ready,
}

/// `deploymentReadyOption`: when traffic may shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    AtOnce,
    /// Only after `ContinueDeployment`; stopped when it does not come in time.
    OnRequest {
        wait_minutes: u32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlueGreen {
    terminate_blue_instances_on_deployment_success: Option<WireTermination>,
    deployment_ready_option: Option<WireReady>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTermination {
    action: Option<String>,
    termination_wait_time_in_minutes: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReady {
    action_on_timeout: Option<String>,
    wait_time_in_minutes: Option<u32>,
}

impl BlueGreen {
    pub(super) fn read(given: &Value) -> Result<Self, AwsError> {
        let wire = WireBlueGreen::deserialize(given)
            .map_err(|error| AwsError::client("SerializationException", error.to_string()))?;
        let termination = wire
            .terminate_blue_instances_on_deployment_success
            .ok_or_else(|| {
                wrong_blue_green("terminateBlueInstancesOnDeploymentSuccess must be specified")
            })?;
        if termination
            .action
            .as_deref()
            .is_some_and(|action| action != "TERMINATE")
        {
            return Err(wrong_blue_green(
                "for an ECS deployment group the original task set can only be terminated: the \
                 action has to be TERMINATE",
            ));
        }
        let termination_wait_minutes = termination.termination_wait_time_in_minutes.unwrap_or(0);
        if termination_wait_minutes > MAX_WAIT_MINUTES {
            return Err(wrong_blue_green(format!(
                "the termination wait is {termination_wait_minutes} minutes; {MAX_WAIT_MINUTES} is the \
                 most"
            )));
        }
        Ok(Self {
            termination_wait_minutes,
            ready: Ready::read(wire.deployment_ready_option)?,
        })
    }

    pub(super) fn termination_wait(&self) -> Duration {
        Duration::from_mins(self.termination_wait_minutes.into())
    }

    pub(super) fn to_wire(self) -> Value {
        let (action, wait) = match self.ready {
            Ready::AtOnce => ("CONTINUE_DEPLOYMENT", 0),
            Ready::OnRequest { wait_minutes } => ("STOP_DEPLOYMENT", wait_minutes),
        };
        json!({
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": self.termination_wait_minutes,
            },
            "deploymentReadyOption": { "actionOnTimeout": action, "waitTimeInMinutes": wait },
        })
    }
}

impl Ready {
    fn read(given: Option<WireReady>) -> Result<Self, AwsError> {
        let Some(given) = given else {
            return Ok(Self::AtOnce);
        };
        let wait_minutes = given.wait_time_in_minutes.unwrap_or(0);
        match given.action_on_timeout.as_deref() {
            None | Some("CONTINUE_DEPLOYMENT") if wait_minutes == 0 => Ok(Self::AtOnce),
            None | Some("CONTINUE_DEPLOYMENT") => Err(AwsError::client(
                "InvalidBlueGreenDeploymentConfigurationException",
                "Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when timeout is \
                 specified",
            )),
            Some("STOP_DEPLOYMENT") if (1..=MAX_WAIT_MINUTES).contains(&wait_minutes) => {
                Ok(Self::OnRequest { wait_minutes })
            }
            Some("STOP_DEPLOYMENT") => Err(wrong_blue_green(format!(
                "STOP_DEPLOYMENT needs a waitTimeInMinutes from 1 to {MAX_WAIT_MINUTES}"
            ))),
            Some(other) => Err(wrong_blue_green(format!(
                "actionOnTimeout is {other}; it is CONTINUE_DEPLOYMENT or STOP_DEPLOYMENT"
            ))),
        }
    }
}

fn wrong_blue_green(why: impl std::fmt::Display) -> AwsError {
    AwsError::client(
        "InvalidBlueGreenDeploymentConfigurationException",
        format!("The blue/green deployment configuration is not valid: {why}"),
    )
}

/// What makes a deployment roll back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RollbackEvent {
    #[serde(rename = "DEPLOYMENT_FAILURE")]
    Failure,
    /// Kept and shown; alarms are never evaluated here.
    #[serde(rename = "DEPLOYMENT_STOP_ON_ALARM")]
    StopOnAlarm,
    #[serde(rename = "DEPLOYMENT_STOP_ON_REQUEST")]
    StopOnRequest,
}

/// `autoRollbackConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AutoRollback {
    #[serde(default)]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) events: Vec<RollbackEvent>,
}

impl AutoRollback {
    pub(super) fn read(given: &Value) -> Result<Self, AwsError> {
        let wrong = |why: String| AwsError::client("InvalidAutoRollbackConfigException", why);
        let read = Self::deserialize(given)
            .map_err(|error| wrong(format!("The automatic rollback can't be read: {error}")))?;
        if read.enabled && read.events.is_empty() {
            return Err(wrong(
                "An automatic rollback that is enabled needs at least one event".to_owned(),
            ));
        }
        Ok(read)
    }

    /// Whether it is enabled for this event.
    pub(super) fn covers(&self, event: RollbackEvent) -> bool {
        self.enabled && self.events.contains(&event)
    }
}

/// A deployment group of ECS or Lambda is blue/green with traffic control, and nothing else.
pub(super) fn check_style(platform: Platform, given: Option<&Value>) -> Result<(), AwsError> {
    let part = |name: &str| {
        given
            .and_then(|style| style.get(name))
            .and_then(Value::as_str)
    };
    match (part("deploymentType"), part("deploymentOption")) {
        (Some("BLUE_GREEN"), Some("WITH_TRAFFIC_CONTROL")) => Ok(()),
        _ => Err(AwsError::client(
            "InvalidDeploymentStyleException",
            format!(
                "For {} deployment group, deploymentStyle must be deploymentType BLUE_GREEN and \
                 deploymentOption WITH_TRAFFIC_CONTROL",
                platform.name()
            ),
        )),
    }
}

/// `deploymentStyle` of every group.
pub(super) fn style() -> Value {
    json!({ "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(groups: &[&str], production: &[&str], test: &[&str]) -> Value {
        let groups: Vec<_> = groups.iter().map(|name| json!({ "name": name })).collect();
        let mut pair = json!({
            "targetGroups": groups, "prodTrafficRoute": { "listenerArns": production },
        });
        if !test.is_empty() {
            pair["testTrafficRoute"] = json!({ "listenerArns": test });
        }
        json!({ "targetGroupPairInfoList": [pair] })
    }

    #[test]
    fn a_load_balancer_is_written_as_it_was_read() {
        for given in [
            pair(&["a", "b"], &["p"], &["t"]),
            pair(&["a", "b"], &["p"], &[]),
        ] {
            assert_eq!(LoadBalancer::read(&given).unwrap().to_wire(), given);
        }
    }

    #[test]
    fn a_wrong_pair_is_refused() {
        let code = |given: &Value| LoadBalancer::read(given).unwrap_err().code;
        assert_eq!(code(&json!({})), "InvalidLoadBalancerInfoException");
        for wrong in [
            pair(&["a"], &["p"], &[]),
            pair(&["a", "b", "c"], &["p"], &[]),
            pair(&["a", "a"], &["p"], &[]),
            pair(&["a", "b"], &[], &[]),
            pair(&["a", "b"], &["p", "q"], &[]),
            pair(&["a", "b"], &["p"], &["p"]),
        ] {
            assert_eq!(code(&wrong), "InvalidTargetGroupPairException", "{wrong}");
        }
    }

    #[test]
    fn blue_green_settings_are_read_and_written() {
        let given = json!({
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE", "terminationWaitTimeInMinutes": 5,
            },
            "deploymentReadyOption": {
                "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 30,
            },
        });
        let read = BlueGreen::read(&given).unwrap();
        assert_eq!(read.ready, Ready::OnRequest { wait_minutes: 30 });
        assert_eq!(read.to_wire(), given);
    }

    #[test]
    fn blue_green_settings_that_ecs_does_not_take_are_refused() {
        let with = |action: &str, minutes: u32, ready: Value| {
            json!({
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": action, "terminationWaitTimeInMinutes": minutes,
                },
                "deploymentReadyOption": ready,
            })
        };
        for wrong in [
            json!({}),
            with("KEEP_ALIVE", 0, Value::Null),
            with("TERMINATE", 2881, Value::Null),
            with(
                "TERMINATE",
                0,
                json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 5 }),
            ),
            with(
                "TERMINATE",
                0,
                json!({ "actionOnTimeout": "STOP_DEPLOYMENT" }),
            ),
        ] {
            assert_eq!(
                BlueGreen::read(&wrong).unwrap_err().code,
                "InvalidBlueGreenDeploymentConfigurationException",
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_rollback_without_an_event_or_with_an_unknown_one_is_refused() {
        for wrong in [
            json!({ "enabled": true }),
            json!({ "enabled": true, "events": ["DEPLOYMENT_SUCCESS"] }),
        ] {
            assert_eq!(
                AutoRollback::read(&wrong).unwrap_err().code,
                "InvalidAutoRollbackConfigException"
            );
        }
        let good =
            AutoRollback::read(&json!({ "enabled": true, "events": ["DEPLOYMENT_FAILURE"] }));
        let good = good.unwrap();
        assert!(good.covers(RollbackEvent::Failure));
        assert!(!good.covers(RollbackEvent::StopOnRequest));
        assert!(
            !AutoRollback {
                enabled: false,
                ..good
            }
            .covers(RollbackEvent::Failure)
        );
    }

    #[test]
    fn only_blue_green_with_traffic_control_is_an_ecs_style() {
        assert!(check_style(Platform::Ecs, Some(&style())).is_ok());
        assert!(check_style(Platform::Lambda, None).is_err());
        assert!(
            check_style(
                Platform::Ecs,
                Some(&json!({ "deploymentType": "IN_PLACE" }))
            )
            .is_err()
        );
    }
}
