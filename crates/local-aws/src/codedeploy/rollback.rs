//! How a deployment ends that cannot go on, and its rollback, which is a deployment of its own.
//!
//! A rollback moves traffic back at once and runs no hooks: the original task set still runs, so
//! nothing is installed. AWS records it as a new deployment by `codeDeployRollback`, all at once,
//! linked both ways; a recorded run on AWS shows the sentences used here. That the record lists the
//! one event `AllowTraffic` is a simplification.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use super::lifecycle::{Lifecycle, LifecycleEvent};
use super::model::{AliasTarget, Deployment, Service, TaskSetRecord, Waiting};
use super::outcome::{Consequence, DeploymentStatus, Halt, consequence};
use super::plan::{TargetGroup, Weights};
use super::platform::Platform;
use super::routing::Routing;
use super::{CodeDeploy, ids};
use crate::ecs::TaskSetStatus;

/// What has to be undone, by the deployment of that id.
struct Undo {
    id: String,
    change: Change,
}

enum Change {
    TaskSets(Box<Replacement>),
    Alias(AliasTarget),
}

/// Two task sets of a service, and the listeners between them.
struct Replacement {
    service: Service,
    production: String,
    test: Option<String>,
    blue: TaskSetRecord,
    green: TaskSetRecord,
}

impl CodeDeploy {
    /// Ends a deployment that does not go on, and rolls it back if it has to be.
    pub(super) async fn halt(&self, id: &str, halt: &Halt) {
        let undo = self.end_badly(id, halt);
        let error = halt.error();
        let status = halt.status().name();
        let failed_event = self.failed_event(id);
        if let Some(event) = failed_event {
            let why = halt.diagnostics();
            self.record(
                id,
                "lifecycle",
                format!("{event} failed: {}", why.message),
                json!({
                    "lifecycle_event": event, "status": "Failed", "error_code": why.error_code,
                    "function": why.script_name,
                }),
            );
        }
        let mut detail = json!({
            "status": status, "code": error.code, "lifecycle_event": failed_event,
        });
        if let Some(undo) = &undo {
            detail["rollback_deployment_id"] = json!(undo.id);
        }
        let what = format!(
            "Deployment {id} {}: {}",
            status.to_lowercase(),
            error.message
        );
        self.record(id, "deployment", what, detail);
        if let Some(undo) = undo {
            self.roll_back(id, &undo).await;
        }
        self.freeze_target(id);
    }

    /// Marks the deployment, and makes the record of its rollback in the same instant: no
    /// deployment can come in between.
    fn end_badly(&self, id: &str, halt: &Halt) -> Option<Undo> {
        let now = self.now();
        let mut state = self.state();
        let deployment = state.deployment_mut(id).ok()?;
        deployment.lifecycle.abort(&halt.diagnostics(), now);
        deployment.error = Some(halt.error());
        deployment.end(halt.status(), now);
        let find = |label| {
            deployment
                .task_sets
                .iter()
                .find(|set| set.label == label)
                .cloned()
        };
        let pair = find("Blue").zip(find("Green"));
        let alias = deployment.alias.clone();
        let ecs = deployment.group.target.ecs().cloned();
        let change = match (ecs, pair, alias) {
            (Some(target), Some((blue, green)), _) => {
                Some(Change::TaskSets(Box::new(Replacement {
                    service: target.service,
                    production: target.load_balancer.production,
                    test: target.load_balancer.test,
                    blue,
                    green,
                })))
            }
            (None, _, Some(alias)) => Some(Change::Alias(alias)),
            _ => None,
        };
        match (
            consequence(halt, &deployment.effective_rollback(), change.is_some()),
            change,
        ) {
            (Consequence::LeaveAsIs, _) => None,
            (Consequence::NothingToUndo, _) | (Consequence::RollBack, None) => {
                let what = match deployment.group.target.platform() {
                    Platform::Ecs => "its replacement task set was created",
                    Platform::Lambda => "it had a function to deploy",
                };
                let message =
                    format!("Deployment {id} ended before {what}. There is nothing to roll back.");
                deployment.rollback_info = Some(json!({ "rollbackMessage": message }));
                None
            }
            (Consequence::RollBack, Some(change)) => {
                let mut rollback = rollback_of(deployment);
                let id = rollback.id.clone();
                let undo = Undo { id, change };
                let (application, group) =
                    (deployment.application.clone(), rollback.group.id.clone());
                rollback.revision = state.running_revision(&application, &group);
                state.deployments.push(rollback);
                Some(undo)
            }
        }
    }

    fn failed_event(&self, id: &str) -> Option<LifecycleEvent> {
        use super::lifecycle::EventStatus::Failed;
        let state = self.state();
        let records = state.deployment(id).ok()?.lifecycle.records();
        records
            .iter()
            .find(|record| record.status == Failed)
            .map(|record| record.event)
    }

    async fn roll_back(&self, failed: &str, undo: &Undo) {
        let id = &undo.id;
        self.record(
            id,
            "deployment",
            format!("Deployment {id} is triggered to roll back deployment {failed}."),
            json!({
                "status": "InProgress", "creator": "codeDeployRollback",
                "rollback_triggering_deployment_id": failed,
            }),
        );
        let undone = self.undo(undo).await;
        let now = self.now();
        self.change(id, |deployment| match &undone {
            Ok(()) => {
                deployment
                    .lifecycle
                    .succeed(LifecycleEvent::AllowTraffic, now);
                deployment.end(DeploymentStatus::Succeeded, now);
            }
            Err(halt) => {
                deployment.lifecycle.abort(&halt.diagnostics(), now);
                deployment.error = Some(halt.error());
                deployment.end(DeploymentStatus::Failed, now);
            }
        });
        self.freeze_target(id);
        let (message, detail) = match undone {
            Ok(()) => {
                let message = format!("Deployment {id} rolled deployment {failed} back.");
                (message, json!({ "status": "Succeeded" }))
            }
            Err(halt) => {
                let error = halt.error();
                let message = format!(
                    "Deployment {id} could not roll {failed} back: {}",
                    error.message
                );
                (message, json!({ "status": "Failed", "code": error.code }))
            }
        };
        self.record(id, "deployment", message, detail);
    }

    /// Traffic first, then the rest.
    async fn undo(&self, undo: &Undo) -> Result<(), Halt> {
        let id = &undo.id;
        let Replacement {
            service,
            production,
            test,
            blue,
            green,
        } = match &undo.change {
            Change::TaskSets(replacement) => replacement.as_ref(),
            Change::Alias(alias) => {
                // The version that was there before is what the rollback deploys.
                let back = AliasTarget {
                    current: alias.target.clone(),
                    target: alias.current.clone(),
                    weight: 0,
                    ..alias.clone()
                };
                self.change(id, |deployment| deployment.alias = Some(back));
                return self.shift_alias(id, 100).await;
            }
        };
        let weights = Weights {
            blue: target_group(blue),
            green: target_group(green),
            green_percent: 0,
        };
        self.forward(id, "production", production, &weights)?;
        if let Some(test) = test {
            self.forward(id, "test", test, &weights)?;
        }
        let ecs = &self.world().ecs;
        let now = ecs.task_set(&service.cluster, &service.name, &blue.id);
        if now.is_some_and(|blue| blue.status != TaskSetStatus::Primary) {
            self.make_primary(id, service, &blue.id)?;
        }
        self.delete_task_set(id, service, &green.id, "replacement")
    }
}

fn target_group(record: &TaskSetRecord) -> TargetGroup {
    TargetGroup {
        arn: record.target_group.clone(),
        name: record.target_group_name.clone(),
    }
}

/// The record of the rollback of a deployment, running, and the link to it.
fn rollback_of(failed: &mut Deployment) -> Deployment {
    let id = ids::deployment();
    let now = failed.updated;
    failed.rollback_info = Some(json!({
        "rollbackDeploymentId": id,
        "rollbackMessage": format!(
            "Deployment {} terminated. Automatic rollback is triggered with a DeploymentId {id}.",
            failed.id
        ),
    }));
    let mut lifecycle = Lifecycle::of(&[LifecycleEvent::AllowTraffic]);
    lifecycle.start(LifecycleEvent::AllowTraffic, now);
    let info = json!({
        "rollbackTriggeringDeploymentId": failed.id,
        "rollbackMessage": format!(
            "Deployment {id} is triggered to roll back deployment {}.", failed.id
        ),
    });
    Deployment {
        id,
        application: failed.application.clone(),
        group: failed.group.clone(),
        config: failed.group.target.platform().default_config().to_owned(),
        routing: Routing::AllAtOnce,
        rollback: None,
        revision: None,
        previous_revision: None,
        description: None,
        creator: "codeDeployRollback",
        status: DeploymentStatus::InProgress,
        error: None,
        rollback_info: Some(info),
        created: now,
        started: Some(now),
        completed: None,
        updated: now,
        lifecycle,
        hooks: Vec::new(),
        waiting: Waiting::No,
        stop: None,
        closing: false,
        termination_wait_started: false,
        task_sets: failed.task_sets.clone(),
        alias: None,
        wake: Arc::new(Notify::new()),
    }
}
