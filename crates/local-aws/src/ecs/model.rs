//! What ECS keeps: clusters, task definitions, services with their task sets, and tasks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::Instant;

use super::service_deployments::{DeploymentConfiguration, ServiceDeployment, ServiceRevision};
use super::simulated_tasks::{Counts, Lag, SimulatedTasks};
use super::views::{DeploymentController, ServiceLoadBalancer, TaskSetStatus};

/// Events kept of each service, as AWS keeps them.
const MAX_EVENTS: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) task_definitions: Vec<TaskDefinition>,
    /// Never removed, so that places stay what they are.
    pub(crate) services: Vec<Service>,
    /// Where the newest service of a cluster and a name is.
    pub(crate) places: HashMap<(String, String), usize>,
    /// Oldest first.
    pub(crate) tasks: Vec<Task>,
    /// Oldest first; never removed, so that places stay what they are.
    pub(crate) service_deployments: Vec<ServiceDeployment>,
    /// Oldest first.
    pub(crate) service_revisions: Vec<ServiceRevision>,
    /// Calls of `RunTask` that had a token, the oldest first.
    pub(crate) run_calls: VecDeque<RunCall>,
    /// By the resource's ARN.
    pub(crate) tags: BTreeMap<String, BTreeMap<String, String>>,
    /// How long tasks without processes take, and those of certain services (cluster, name).
    pub(crate) lag: Lag,
    pub(crate) lags: HashMap<(String, String), Lag>,
    /// Set once at the end: nothing starts after that.
    pub(crate) shutting_down: bool,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) active: bool,
}

#[derive(Debug)]
pub(crate) struct TaskDefinition {
    pub(crate) arn: String,
    pub(crate) family: String,
    pub(crate) revision: u32,
    pub(crate) active: bool,
    pub(crate) network_mode: Option<String>,
    pub(crate) containers: Vec<Container>,
    pub(crate) registered_at: Timestamp,
    pub(crate) deregistered_at: Option<Timestamp>,
    /// What was registered, for the answer to a description.
    pub(crate) registered: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) ports: Vec<u16>,
    pub(crate) essential: bool,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) status: ServiceStatus,
    pub(crate) desired: u32,
    /// When the count was last changed.
    pub(crate) desired_at: Timestamp,
    /// One task on each instance; the count cannot be set.
    pub(crate) daemon: bool,
    /// Made and kept by ECS Express Mode.
    pub(crate) express: bool,
    /// Nothing changes: the scheduler can skip it.
    pub(crate) quiet: bool,
    pub(crate) controller: DeploymentController,
    /// Under the ECS controller: how it is deployed, and where its last deployment is.
    pub(crate) configuration: DeploymentConfiguration,
    pub(crate) deployment: Option<usize>,
    pub(crate) task_definition: Option<String>,
    pub(crate) load_balancers: Vec<ServiceLoadBalancer>,
    pub(crate) grace: Duration,
    pub(crate) created_at: Timestamp,
    /// Fields that are only given back.
    pub(crate) given: Map<String, Value>,
    /// Newest first.
    pub(crate) events: VecDeque<Event>,
    /// Oldest first.
    pub(crate) task_sets: Vec<TaskSet>,
}

impl Service {
    pub(crate) fn note(&mut self, at: Timestamp, message: String) {
        let id = crate::ids::uuid();
        self.events.push_front(Event { id, at, message });
        self.events.truncate(MAX_EVENTS);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceStatus {
    Active,
    Draining,
    Inactive,
}

impl ServiceStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

#[derive(Debug)]
pub(crate) struct TaskSet {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) status: TaskSetStatus,
    pub(crate) task_definition: String,
    pub(crate) load_balancers: Vec<ServiceLoadBalancer>,
    /// Percent of the service's desired count.
    pub(crate) scale: f64,
    pub(crate) external_id: Option<String>,
    pub(crate) started_by: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Whether it was in a steady state when last looked at, and since when.
    pub(crate) steady: bool,
    pub(crate) steady_at: Timestamp,
    pub(crate) given: Map<String, Value>,
    /// Its tasks, where they are no processes.
    pub(crate) simulated: Option<SimulatedTasks>,
    /// Under the ECS controller: how its deployment went, and the ARN of its service revision.
    pub(crate) rollout: Rollout,
    pub(crate) revision: Option<String>,
    /// Tasks in a row that ended by themselves, and when the next may be started.
    pub(crate) failures: u32,
    pub(crate) next_start: Option<Instant>,
}

/// How the deployment of a task set went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rollout {
    InProgress,
    /// It was once all there was.
    Completed,
    /// No task of it is started any more.
    Failed,
}

impl State {
    /// Adds a service and gives its place.
    pub(crate) fn add_service(&mut self, service: Service) -> usize {
        let place = self.services.len();
        let key = (service.cluster.clone(), service.name.clone());
        self.places.insert(key, place);
        self.services.push(service);
        place
    }

    /// The tasks of a task set by state.
    pub(crate) fn counts(&self, set: &TaskSet, now: Timestamp) -> Counts {
        if let Some(simulated) = &set.simulated {
            return simulated.counts(now);
        }
        let mut counts = Counts::default();
        for task in self.tasks_of(set) {
            match task.status {
                TaskStatus::Pending => counts.pending += 1,
                TaskStatus::Running => counts.running += 1,
                TaskStatus::Deactivating | TaskStatus::Stopping => counts.leaving += 1,
                TaskStatus::Stopped => {}
            }
        }
        counts
    }
}

impl TaskSet {
    /// How many tasks of the service's desired count it is to run.
    pub(crate) fn wanted(&self, desired: u32) -> u32 {
        if self.status == TaskSetStatus::Draining {
            return 0;
        }
        let exact = (f64::from(desired) * self.scale / 100.0).ceil();
        // A percentage of a `u32`, 0 to 100, stays one.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "see above"
        )]
        let wanted = exact as u32;
        wanted
    }
}

#[derive(Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "task set and task definition are the words of ECS"
)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) task_set: String,
    pub(crate) task_definition: String,
    pub(crate) status: TaskStatus,
    pub(crate) containers: Vec<TaskContainer>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) stopping_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
    /// Real time, for the grace period of health checks.
    pub(crate) started: Option<Instant>,
    /// Why it is to stop; its supervisor listens.
    pub(crate) stop: watch::Sender<Option<Stop>>,
}

impl Task {
    /// Whether it runs or is about to, and nobody wants it to stop.
    pub(crate) fn wanted(&self) -> bool {
        self.status < TaskStatus::Deactivating && self.stop.borrow().is_none()
    }

    /// Asks it to stop; the first reason given stays.
    pub(crate) fn ask_to_stop(&self, stop: Stop) {
        self.stop.send_if_modified(|asked| {
            let first = asked.is_none();
            if first {
                *asked = Some(stop);
            }
            first
        });
    }
}

/// A call of `RunTask`, known by its token: the same one again starts nothing.
#[derive(Debug)]
pub(crate) struct RunCall {
    pub(crate) token: String,
    pub(crate) asked: Value,
    /// The ids of the tasks that it started.
    pub(crate) tasks: Vec<String>,
}

/// The states of a task that are used here, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TaskStatus {
    Pending,
    Running,
    Deactivating,
    Stopping,
    Stopped,
}

impl TaskStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Why a task stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

#[derive(Debug, Clone)]
pub(crate) struct TaskContainer {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    /// Container port and the local port that stands for it.
    pub(crate) ports: Vec<(u16, u16)>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
}
