//! `UpdateService`, which may change little: what a deployment controller other than ECS deploys is
//! not changed by an update.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::DeploymentController::{CodeDeploy, External};
use super::Ecs;
use super::api::invalid;
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
        let at = self.shared.clock.now();
        let index = state.active_index(call.cluster.as_deref(), &call.service)?;
        let service = &mut state.services[index];
        for (field, value) in &fields {
            // `forceNewDeployment: false` is what the CLI's default says: nothing.
            let says_nothing = value.is_null() || (field == "forceNewDeployment" && value == false);
            let allowed = ALLOWED.contains(&field.as_str())
                || (field == "deploymentConfiguration" && service.controller == CodeDeploy);
            if !allowed && !says_nothing {
                return Err(invalid(refusal(field, service.controller == External)));
            }
        }
        if let Some(desired) = call.desired_count
            && desired != service.desired
        {
            let (before, name) = (service.desired, service.name.clone());
            service.desired = desired;
            service.note(
                at,
                format!("(service {name}) desired count changed from {before} to {desired}."),
            );
            let message = format!("Service {name} is to run {desired} tasks instead of {before}.");
            self.tell(
                "task",
                message,
                json!({ "service": name, "desired_count": desired }),
            );
        }
        if let Some(seconds) = call.health_check_grace_period_seconds {
            service.grace = Duration::from_secs(seconds);
        }
        for (field, value) in fields {
            let kept = !["cluster", "service", "desiredCount", "forceNewDeployment"]
                .contains(&field.as_str());
            if kept && !value.is_null() {
                service.given.insert(field, value);
            }
        }
        let service = &state.services[index];
        Ok(json!({ "service": self.render_service(&state, service, true) }))
    }
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
