//! Service deployments and revisions as answers have them.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::Ecs;
use super::super::model::{Service, State};
use super::super::services::render_load_balancers;
use super::record::{HookRecord, RevisionShare, ServiceDeployment, ServiceRevision};
use crate::wire::json::epoch;

/// Fields of a service that a revision keeps.
const SERVICE_FIELDS: &[&str] = &[
    "capacityProviderStrategy",
    "launchType",
    "networkConfiguration",
    "platformVersion",
    "serviceRegistries",
];

impl Ecs {
    pub(super) fn render_deployment_record(
        &self,
        state: &State,
        deployment: &ServiceDeployment,
    ) -> Value {
        let share = |revision: &RevisionShare| self.render_share(state, deployment, revision);
        let sources: Vec<Value> = deployment.sources.iter().map(share).collect();
        let rollback = deployment.rollback.as_ref().map(|rollback| {
            json!({
                "reason": rollback.reason,
                "startedAt": epoch(rollback.started_at),
                "serviceRevisionArn": rollback.revision,
            })
        });
        let configuration = &deployment.configuration;
        let mut services = state.services.iter();
        let desired = services.find(|service| service.arn == deployment.service_arn);
        let desired = desired.map_or(0, |service| service.desired);
        let breaker = configuration.breaker.map(|breaker| {
            json!({
                "status": deployment.breaker.as_str(),
                "failureCount": deployment.failures,
                "threshold": breaker.threshold(desired),
            })
        });
        let alarms = configuration.alarms.as_ref().map(|alarms| {
            json!({
                "status": deployment.alarms.as_str(),
                "alarmNames": alarms.names,
                "triggeredAlarmNames": deployment.triggered_alarms,
            })
        });
        json!({
            "serviceDeploymentArn": deployment.arn,
            "serviceArn": deployment.service_arn,
            "clusterArn": self.cluster_arn(&deployment.cluster),
            "createdAt": epoch(deployment.created_at),
            "startedAt": epoch(deployment.created_at),
            "finishedAt": deployment.finished_at.map(epoch),
            "stoppedAt": deployment.stopped_at.map(epoch),
            "updatedAt": epoch(deployment.updated_at),
            "sourceServiceRevisions": sources,
            "targetServiceRevision": share(&deployment.target),
            "status": deployment.status.as_str(),
            "statusReason": deployment.reason,
            "lifecycleStage": deployment.stage.map(super::stage::Stage::described),
            "lifecycleHookDetails": deployment.hooks.iter().map(hook).collect::<Vec<_>>(),
            "deploymentConfiguration": deployment.given,
            "rollback": rollback,
            "deploymentCircuitBreaker": breaker,
            "alarms": alarms,
        })
    }

    pub(super) fn render_brief(&self, deployment: &ServiceDeployment) -> Value {
        crate::wire::json::without_nulls(json!({
            "serviceDeploymentArn": deployment.arn,
            "serviceArn": deployment.service_arn,
            "clusterArn": self.cluster_arn(&deployment.cluster),
            "startedAt": epoch(deployment.created_at),
            "createdAt": epoch(deployment.created_at),
            "finishedAt": deployment.finished_at.map(epoch),
            "targetServiceRevisionArn": deployment.target.arn,
            "status": deployment.status.as_str(),
            "statusReason": deployment.reason,
        }))
    }

    pub(super) fn render_revision(&self, revision: &ServiceRevision) -> Value {
        let images = revision.images.iter().map(|(name, image)| {
            json!({ "containerName": name, "image": image, "imageDigest": digest(image) })
        });
        let resolved = revision.resolved.iter().map(
            |(group, rule)| json!({ "targetGroupArn": group, "productionListenerRule": rule }),
        );
        let mut value = json!({
            "serviceRevisionArn": revision.arn,
            "serviceArn": revision.service_arn,
            "clusterArn": self.cluster_arn(&revision.cluster),
            "taskDefinition": revision.task_definition,
            "loadBalancers": render_load_balancers(&revision.load_balancers),
            "containerImages": images.collect::<Vec<_>>(),
            "guardDutyEnabled": false,
            "createdAt": epoch(revision.created_at),
            "resolvedConfiguration": { "loadBalancers": resolved.collect::<Vec<_>>() },
        });
        for field in SERVICE_FIELDS {
            if let Some(given) = revision.given.get(*field) {
                value[*field] = given.clone();
            }
        }
        value
    }

    /// The deployment of a service that goes on, and the revisions that are there.
    pub(in super::super) fn render_current(
        &self,
        state: &State,
        service: &Service,
    ) -> (Option<String>, Vec<Value>) {
        let now = self.shared.clock.now();
        let current = service.deployment.map(|at| &state.service_deployments[at]);
        let current = current.filter(|deployment| !deployment.status.is_final());
        let sets = service.task_sets.iter().filter_map(|set| {
            let counts = state.counts(set, now);
            Some(json!({
                "arn": set.revision.as_ref()?,
                "requestedTaskCount": set.wanted(service.desired),
                "runningTaskCount": counts.running,
                "pendingTaskCount": counts.pending,
            }))
        });
        (current.map(|current| current.arn.clone()), sets.collect())
    }

    fn render_share(
        &self,
        state: &State,
        deployment: &ServiceDeployment,
        revision: &RevisionShare,
    ) -> Value {
        let now = self.shared.clock.now();
        let place = state.place(&deployment.cluster, &deployment.service);
        let service = place.map(|place| &state.services[place]);
        let set = service.and_then(|service| {
            let mut sets = service.task_sets.iter();
            Some((sets.find(|set| set.id == revision.set)?, service.desired))
        });
        let (requested, counts) = set.map_or(
            (0, super::super::simulated_tasks::Counts::default()),
            |(set, desired)| (set.wanted(desired), state.counts(set, now)),
        );
        let mut value = json!({
            "arn": revision.arn,
            "requestedTaskCount": requested,
            "runningTaskCount": counts.running,
            "pendingTaskCount": counts.pending,
        });
        if deployment.configuration.shifts_traffic() {
            value["requestedTestTrafficWeight"] = json!(revision.test.percent());
            value["requestedProductionTrafficWeight"] = json!(revision.production.percent());
        }
        value
    }
}

fn hook(hook: &HookRecord) -> Value {
    json!({
        "hookId": hook.id,
        "targetType": hook.target_type(),
        "targetArn": hook.function,
        "status": hook.status.as_str(),
        "expiresAt": epoch(hook.expires_at),
        "timeoutAction": hook.timeout_action.name(),
    })
}

/// The digest in an image's name, else one made of the name: images are not pulled here.
fn digest(image: &str) -> String {
    match image.split_once('@') {
        Some((_, digest)) => digest.to_owned(),
        None => format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(image))),
    }
}
