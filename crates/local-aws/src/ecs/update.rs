//! `UpdateService`: the count at any time, everything else as far as the deployment controller lets
//! it. What a deployment controller other than ECS deploys is not changed by an update.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::DeploymentController::{self, CodeDeploy, External};
use super::Ecs;
use super::api::invalid;
use super::create::{DAEMON_HAS_NO_COUNT, check_strategy};
use super::service_deployments::DeploymentConfiguration;
use crate::error::AwsError;
use crate::wire::json::read;

/// What may be changed whoever deploys; see `UpdateService` in the ECS API reference.
const ALLOWED: &[&str] = &[
    "cluster",
    "service",
    "desiredCount",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "propagateTags",
];
/// What is not kept as it was given.
const NOT_KEPT: &[&str] = &[
    "cluster",
    "service",
    "deploymentConfiguration",
    "desiredCount",
    "forceNewDeployment",
    "loadBalancers",
    "taskDefinition",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    cluster: Option<String>,
    service: String,
    desired_count: Option<u32>,
    health_check_grace_period_seconds: Option<u64>,
}

impl Ecs {
    pub(super) fn update_service(&self, input: Value) -> Result<Value, AwsError> {
        let fields = input.as_object().cloned().unwrap_or_default();
        let call: Update = read(input)?;
        let mut state = self.state();
        let index = state.active_index(call.cluster.as_deref(), &call.service)?;
        let service = &state.services[index];
        if service.daemon && call.desired_count.is_some() {
            return Err(invalid(DAEMON_HAS_NO_COUNT));
        }
        check(&fields, service.controller)?;
        let (controller, daemon) = (service.controller, service.daemon);
        if let Some(given) = fields
            .get("deploymentConfiguration")
            .filter(|it| !it.is_null())
        {
            // What is left out stays as it is.
            let known = service.given.get("deploymentConfiguration");
            let merged = merged(known, given);
            let configuration = DeploymentConfiguration::read(Some(&merged))?;
            check_strategy(&configuration, controller, daemon)?;
            let service = &mut state.services[index];
            service.configuration = configuration;
            service
                .given
                .insert("deploymentConfiguration".to_owned(), merged);
        }
        let service = &state.services[index];
        if service.controller == DeploymentController::Ecs {
            self.roll_out(&mut state, index, &fields)?;
        }
        if let Some(desired) = call.desired_count {
            self.set_desired(&mut state, index, desired);
        }
        let service = &mut state.services[index];
        if let Some(seconds) = call.health_check_grace_period_seconds {
            service.grace = Duration::from_secs(seconds);
        }
        for (field, value) in fields {
            if !NOT_KEPT.contains(&field.as_str()) && !value.is_null() {
                service.given.insert(field, value);
            }
        }
        self.follow(&mut state, index);
        let service = &state.services[index];
        Ok(json!({ "service": self.render_service(&state, service, true) }))
    }
}

/// The members of one object over those of another.
fn merged(known: Option<&Value>, given: &Value) -> Value {
    let members = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
    let mut merged = members(known).unwrap_or_default();
    merged.extend(members(Some(given)).unwrap_or_default());
    Value::Object(merged)
}

/// Refuses what an update may not change.
fn check(fields: &Map<String, Value>, controller: DeploymentController) -> Result<(), AwsError> {
    for (field, value) in fields {
        // `forceNewDeployment: false` is what the CLI's default says: nothing.
        if value.is_null() || (field == "forceNewDeployment" && value == false) {
            continue;
        }
        let allowed = match controller {
            DeploymentController::Ecs => {
                if field == "deploymentController" {
                    return Err(invalid(format!(
                        "local-aws does not change {field} of a service; create another one"
                    )));
                }
                true
            }
            CodeDeploy if field == "deploymentConfiguration" => true,
            CodeDeploy | External => ALLOWED.contains(&field.as_str()),
        };
        if !allowed {
            return Err(invalid(refusal(field, controller == External)));
        }
    }
    Ok(())
}

fn refusal(field: &str, external: bool) -> String {
    let (controller, remedy) = if external {
        ("an EXTERNAL", "Create a new task set instead.")
    } else {
        (
            "a CODE_DEPLOY",
            "Use AWS CodeDeploy to trigger a new deployment.",
        )
    };
    let what = match field {
        "taskDefinition" => "task definition",
        "networkConfiguration" => "network parameters",
        "platformVersion" => "platform version",
        "loadBalancers" => "load balancers",
        "forceNewDeployment" => {
            return format!(
                "Cannot force a new deployment on services with {controller} deployment \
                 controller. {remedy}"
            );
        }
        other => other,
    };
    format!("Unable to update {what} on services with {controller} deployment controller. {remedy}")
}
