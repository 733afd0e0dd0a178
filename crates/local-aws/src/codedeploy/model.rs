//! What CodeDeploy remembers: applications, groups, configurations and deployments.
//!
//! Plain values behind one lock. Nothing here waits or calls anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::config::{self, DeploymentConfig};
use super::hooks::{HookExecution, HookState};
use super::lifecycle::{EventRecord, Lifecycle, LifecycleEvent};
use super::outcome::{DeploymentStatus, ErrorInformation};
use super::platform::Platform;
use super::revision::Revision;
use super::routing::Routing;
use super::settings::{AutoRollback, BlueGreen, LoadBalancer, style};
use crate::error::AwsError;

/// Everything.
pub(super) struct State {
    pub(super) applications: BTreeMap<String, Application>,
    pub(super) configs: BTreeMap<String, DeploymentConfig>,
    /// Oldest first.
    pub(super) deployments: Vec<Deployment>,
}

/// The creator of deployments that a stack makes by `AWS::CodeDeploy::BlueGreen`.
pub(super) const BY_STACK: &str = "CloudFormation";

/// An application.
pub(super) struct Application {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) platform: Platform,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) revisions: Vec<RegisteredRevision>,
}

/// A revision an application knows.
pub(super) struct RegisteredRevision {
    pub(super) revision: Revision,
    pub(super) description: Option<String>,
    pub(super) registered: Timestamp,
    pub(super) first_used: Option<Timestamp>,
    pub(super) last_used: Option<Timestamp>,
}

/// The ECS service of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) cluster: String,
    pub(super) name: String,
}

impl Service {
    /// The identifier of the deployment target.
    pub(super) fn target_id(&self) -> String {
        format!("{}:{}", self.cluster, self.name)
    }
}

/// What a deployment group deploys to.
#[derive(Debug, Clone)]
pub(super) enum GroupTarget {
    /// An ECS service.
    Ecs(EcsTarget),
    /// Whatever function alias a revision names.
    Lambda,
}

/// An ECS service, and how its traffic moves.
#[derive(Debug, Clone)]
pub(super) struct EcsTarget {
    pub(super) service: Service,
    pub(super) load_balancer: LoadBalancer,
    pub(super) blue_green: BlueGreen,
}

impl GroupTarget {
    pub(super) fn platform(&self) -> Platform {
        match self {
            Self::Ecs(_) => Platform::Ecs,
            Self::Lambda => Platform::Lambda,
        }
    }

    pub(super) fn ecs(&self) -> Option<&EcsTarget> {
        match self {
            Self::Ecs(target) => Some(target),
            Self::Lambda => None,
        }
    }
}

/// A function alias that a deployment moves from one version to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AliasTarget {
    pub(super) function: String,
    pub(super) alias: String,
    pub(super) current: String,
    pub(super) target: String,
    /// Percent of the calls that the target version gets.
    pub(super) weight: u32,
}

impl AliasTarget {
    /// The identifier of the deployment target.
    pub(super) fn target_id(&self) -> String {
        format!("{}:{}", self.function, self.alias)
    }
}

/// A deployment group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) config: String,
    pub(super) role: String,
    pub(super) target: GroupTarget,
    pub(super) rollback: Option<AutoRollback>,
    /// Kept and shown, never evaluated.
    pub(super) alarms: Option<Value>,
    /// Kept and shown, never fired.
    pub(super) triggers: Option<Value>,
}

/// A deployment.
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) application: String,
    /// The group as it was when the deployment was made.
    pub(super) group: Group,
    pub(super) config: String,
    pub(super) routing: Routing,
    pub(super) rollback: Option<AutoRollback>,
    pub(super) revision: Option<Revision>,
    pub(super) previous_revision: Option<Revision>,
    pub(super) description: Option<String>,
    pub(super) creator: &'static str,
    pub(super) status: DeploymentStatus,
    pub(super) error: Option<ErrorInformation>,
    pub(super) rollback_info: Option<Value>,
    pub(super) created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) completed: Option<Timestamp>,
    pub(super) updated: Timestamp,
    pub(super) lifecycle: Lifecycle,
    pub(super) hooks: Vec<HookExecution>,
    pub(super) waiting: Waiting,
    /// Somebody called `StopDeployment`.
    pub(super) stop: Option<StopRequest>,
    /// Past the last moment at which it can be stopped.
    pub(super) closing: bool,
    pub(super) termination_wait_started: bool,
    pub(super) task_sets: Vec<TaskSetRecord>,
    /// Of a Lambda deployment, once its revision was read.
    pub(super) alias: Option<AliasTarget>,
    /// Wakes the deployment's driver; there is one driver only.
    pub(super) wake: Arc<Notify>,
}

/// A `StopDeployment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StopRequest {
    /// What it says of a rollback, if it says anything.
    pub(super) roll_back: Option<bool>,
}

/// What `ContinueDeployment` can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    No,
    /// `READY_WAIT`
    Ready,
    /// `TERMINATION_WAIT`
    Termination,
}

/// A task set a deployment deals with.
#[derive(Debug, Clone)]
pub(super) struct TaskSetRecord {
    pub(super) id: String,
    /// `Blue` or `Green`.
    pub(super) label: &'static str,
    pub(super) target_group: String,
    pub(super) target_group_name: String,
    /// How it was when the deployment ended; a deployment's target never shows what happened later.
    pub(super) last: Option<Value>,
}

impl State {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            applications: BTreeMap::new(),
            configs: config::predefined(now),
            deployments: Vec::new(),
        }
    }

    pub(super) fn application(&self, name: &str) -> Result<&Application, AwsError> {
        self.applications
            .get(name)
            .ok_or_else(|| no_application(name))
    }

    pub(super) fn application_mut(&mut self, name: &str) -> Result<&mut Application, AwsError> {
        self.applications
            .get_mut(name)
            .ok_or_else(|| no_application(name))
    }

    pub(super) fn config(&self, name: &str) -> Result<&DeploymentConfig, AwsError> {
        self.configs.get(name).ok_or_else(|| {
            AwsError::client(
                "DeploymentConfigDoesNotExistException",
                format!("No Deployment Configuration found for name: {name}"),
            )
        })
    }

    pub(super) fn deployment(&self, id: &str) -> Result<&Deployment, AwsError> {
        self.deployments
            .iter()
            .find(|deployment| deployment.id == id)
            .ok_or_else(|| no_deployment(id))
    }

    pub(super) fn deployment_mut(&mut self, id: &str) -> Result<&mut Deployment, AwsError> {
        self.deployments
            .iter_mut()
            .find(|deployment| deployment.id == id)
            .ok_or_else(|| no_deployment(id))
    }

    /// The deployments of a group, oldest first.
    pub(super) fn of_group<'a>(
        &'a self,
        application: &'a str,
        group_id: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Deployment> {
        self.deployments.iter().filter(move |deployment| {
            deployment.application == application && deployment.group.id == group_id
        })
    }

    /// The revision that runs in a group, as far as CodeDeploy knows.
    pub(super) fn running_revision(&self, application: &str, group_id: &str) -> Option<Revision> {
        self.of_group(application, group_id)
            .rfind(|deployment| deployment.status == DeploymentStatus::Succeeded)
            .and_then(|deployment| deployment.revision.clone())
    }
}

fn no_application(name: &str) -> AwsError {
    AwsError::client(
        "ApplicationDoesNotExistException",
        format!("No application found for name: {name}"),
    )
}

fn no_deployment(id: &str) -> AwsError {
    AwsError::client(
        "DeploymentDoesNotExistException",
        format!("The deployment {id} could not be found"),
    )
}

impl Application {
    pub(super) fn group(&self, name: &str) -> Result<&Group, AwsError> {
        self.groups.get(name).ok_or_else(|| {
            AwsError::client(
                "DeploymentGroupDoesNotExistException",
                format!("No Deployment Group found for name: {name}"),
            )
        })
    }

    /// Remembers a revision, and its use if it is used.
    pub(super) fn register(
        &mut self,
        revision: &Revision,
        description: Option<&str>,
        used: bool,
        now: Timestamp,
    ) {
        let known = self
            .revisions
            .iter()
            .position(|known| known.revision == *revision);
        let place = known.unwrap_or_else(|| {
            self.revisions.push(RegisteredRevision {
                revision: revision.clone(),
                description: None,
                registered: now,
                first_used: None,
                last_used: None,
            });
            self.revisions.len() - 1
        });
        let entry = &mut self.revisions[place];
        if let Some(description) = description {
            entry.description = Some(description.to_owned());
        }
        if used {
            entry.first_used.get_or_insert(now);
            entry.last_used = Some(now);
        }
    }
}

impl Deployment {
    /// The rollback configuration that counts: the deployment's own, or its group's.
    pub(super) fn effective_rollback(&self) -> AutoRollback {
        self.rollback
            .clone()
            .or_else(|| self.group.rollback.clone())
            .unwrap_or_default()
    }

    /// The deployment is over.
    pub(super) fn end(&mut self, status: DeploymentStatus, now: Timestamp) {
        self.status = status;
        self.waiting = Waiting::No;
        self.completed = Some(now);
        self.updated = now;
        for hook in &mut self.hooks {
            if hook.state == HookState::Waiting {
                hook.state = HookState::Over;
            }
        }
    }

    /// The function hooked to the event that runs now and has not answered.
    pub(super) fn hook(&self, event: LifecycleEvent) -> Option<&HookExecution> {
        self.hooks.iter().find(|hook| hook.event == event)
    }

    /// `deploymentInfo`.
    pub(super) fn to_wire(&self) -> Value {
        let mut wire = json!({
            "applicationName": self.application,
            "deploymentGroupName": self.group.name,
            "deploymentConfigName": self.config,
            "deploymentId": self.id,
            "status": self.status.name(),
            "createTime": seconds(self.created),
            "creator": self.creator,
            "ignoreApplicationStopFailures": false,
            "updateOutdatedInstancesOnly": false,
            "deploymentStyle": style(),
            "instanceTerminationWaitTimeStarted": self.termination_wait_started,
            "fileExistsBehavior": "DISALLOW",
            "deploymentStatusMessages": [],
            "computePlatform": self.group.target.platform().name(),
        });
        if let Some(ecs) = self.group.target.ecs() {
            wire["blueGreenDeploymentConfiguration"] = ecs.blue_green.to_wire();
            wire["loadBalancerInfo"] = ecs.load_balancer.to_wire();
        }
        let error =
            |error: &ErrorInformation| json!({ "code": error.code, "message": error.message });
        let revision = |revision: &Revision| revision.to_wire_without_content();
        let rollback = self.rollback.as_ref().or(self.group.rollback.as_ref());
        for (name, value) in [
            ("revision", self.revision.as_ref().map(revision)),
            (
                "previousRevision",
                self.previous_revision.as_ref().map(revision),
            ),
            (
                "description",
                self.description.as_ref().map(|text| json!(text)),
            ),
            ("errorInformation", self.error.as_ref().map(error)),
            ("rollbackInfo", self.rollback_info.clone()),
            (
                "autoRollbackConfiguration",
                rollback.map(|rollback| json!(rollback)),
            ),
            ("startTime", self.started.map(|at| json!(seconds(at)))),
            ("completeTime", self.completed.map(|at| json!(seconds(at)))),
            (
                "deploymentOverview",
                self.status.is_over().then(|| self.overview()),
            ),
        ] {
            if let Some(value) = value {
                wire[name] = value;
            }
        }
        // A template has no application, no group and no AppSpec.
        if self.creator == BY_STACK
            && let Some(fields) = wire.as_object_mut()
        {
            for field in [
                "applicationName",
                "deploymentGroupName",
                "revision",
                "previousRevision",
            ] {
                fields.remove(field);
            }
        }
        wire
    }

    /// Counts targets, and there is one; it is there only once the deployment is over.
    fn overview(&self) -> Value {
        let succeeded = u8::from(self.status == DeploymentStatus::Succeeded);
        json!({
            "Pending": 0, "InProgress": 0, "Succeeded": succeeded, "Failed": 1 - succeeded,
            "Skipped": 0, "Ready": 0,
        })
    }
}

/// `lifecycleEvents`.
pub(super) fn events_to_wire(records: &[EventRecord]) -> Value {
    let event = |record: &EventRecord| {
        let mut wire = json!({ "lifecycleEventName": record.event, "status": record.status });
        if let Some(at) = record.started {
            wire["startTime"] = json!(seconds(at));
        }
        if let Some(at) = record.ended {
            wire["endTime"] = json!(seconds(at));
        }
        if let Some(diagnostics) = &record.diagnostics {
            wire["diagnostics"] = json!(diagnostics);
        }
        wire
    };
    records.iter().map(event).collect()
}

/// A timestamp on the wire of JSON 1.1: seconds since the epoch, with milliseconds.
pub(super) fn seconds(at: Timestamp) -> f64 {
    // Milliseconds stay below 2^53 for 285,000 years.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds stay below 2^53")]
    let milliseconds = at.as_millisecond() as f64;
    milliseconds / 1000.0
}
