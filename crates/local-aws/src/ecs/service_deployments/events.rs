//! What EventBridge gets: changes of state of deployments and of hooks.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html> and
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>

use serde_json::{Value, json};

use super::super::Ecs;
use super::record::{HookRecord, HookStatus, ServiceDeployment};
use crate::event_bus::EventBus;

/// A change of a deployment's state.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    InProgress,
    Completed,
    Failed(&'a str),
}

impl Ecs {
    /// Puts the events of services on this bus from now on.
    pub(crate) fn put_events_on(&self, bus: &EventBus) {
        // There is one bus in a world; a second one has nobody who listens.
        let _ = self.shared.bus.set(bus.clone());
    }

    /// Tells of a deployment, whose id callers of `DescribeServices` know.
    pub(super) fn announce_deployment(&self, deployment: &ServiceDeployment, change: Change<'_>) {
        let id = &deployment.target.set;
        let (kind, name, reason) = match change {
            Change::InProgress => (
                "INFO",
                "SERVICE_DEPLOYMENT_IN_PROGRESS",
                format!("ECS deployment {id} in progress."),
            ),
            Change::Completed => (
                "INFO",
                "SERVICE_DEPLOYMENT_COMPLETED",
                format!("ECS deployment {id} completed."),
            ),
            Change::Failed(why) => (
                "ERROR",
                "SERVICE_DEPLOYMENT_FAILED",
                format!("ECS deployment {id} failed: {why}"),
            ),
        };
        // Only `resources` says which service it is.
        let detail = json!({
            "eventType": kind,
            "eventName": name,
            "deploymentId": id,
            "updatedAt": self.event_time(),
            "reason": reason,
        });
        let service = self.service_arn(&deployment.cluster, &deployment.service);
        self.put_event("ECS Deployment State Change", &service, &detail);
    }

    pub(super) fn announce_hook(&self, deployment: &ServiceDeployment, hook: &HookRecord) {
        let (kind, name) = match hook.status {
            HookStatus::InProgress => ("INFO", "HOOK_IN_PROGRESS"),
            HookStatus::AwaitingAction => ("INFO", "HOOK_AWAITING_ACTION"),
            HookStatus::Succeeded => ("INFO", "HOOK_SUCCEEDED"),
            HookStatus::Failed => ("ERROR", "HOOK_FAILED"),
            HookStatus::TimedOut => ("ERROR", "HOOK_TIMED_OUT"),
        };
        let expires = hook.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let detail = json!({
            "eventType": kind,
            "eventName": name,
            "hookId": hook.id,
            "hookType": hook.target_type(),
            "expiresAt": expires,
            "lifecycleStage": hook.stage.name(),
            "clusterArn": self.cluster_arn(&deployment.cluster),
            "serviceArn": self.service_arn(&deployment.cluster, &deployment.service),
            "serviceDeploymentArn": deployment.arn,
            "updatedAt": self.event_time(),
        });
        self.put_event("ECS Hook State Change", &deployment.arn, &detail);
    }

    fn put_event(&self, detail_type: &str, resource: &str, detail: &Value) {
        let Some(bus) = self.shared.bus.get() else {
            return;
        };
        bus.put(json!({
            "version": "0",
            "id": crate::ids::uuid(),
            "detail-type": detail_type,
            "source": "aws.ecs",
            "account": self.shared.account,
            "time": self.event_time(),
            "region": self.shared.region,
            "resources": [resource],
            "detail": detail,
        }));
    }

    fn event_time(&self) -> String {
        let now = self.shared.clock.now();
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub(super) fn cluster_arn(&self, cluster: &str) -> String {
        format!("{}:cluster/{cluster}", self.shared.arn_prefix)
    }

    pub(super) fn service_arn(&self, cluster: &str, service: &str) -> String {
        format!("{}:service/{cluster}/{service}", self.shared.arn_prefix)
    }
}
