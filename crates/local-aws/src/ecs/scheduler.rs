//! The scheduler: compares, again and again, the tasks that run with those that are wanted, and
//! starts and stops until they agree. Level-triggered, so that a task that dies, an unhealthy one
//! and a changed count are all the same case.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::model::{Rollout, Service, State, Stop, Task, TaskContainer, TaskSet, TaskStatus};
use super::simulated_tasks::Counts;
use super::supervise::{ContainerLaunch, TaskLaunch, supervise};
use super::{DeploymentController, Ecs, ServiceStatus, Shared, TaskSetStatus, deployments};
use crate::elb::Health;
use crate::ids;
use crate::process::{self, Launch};

/// The longest time between two rounds; a change of state triggers one at once.
const RECONCILE_INTERVAL: Duration = Duration::from_millis(100);
/// Stopped tasks kept for descriptions. AWS keeps them for an hour.
const MAX_STOPPED_TASKS: usize = 200;
/// The wait before a task that ended by itself is replaced, doubled with each one in a row.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Why a task is not placed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlacementError {
    #[error("task definition {0} is gone")]
    NoTaskDefinition(String),
    #[error("no free port: {0}")]
    NoPort(#[source] io::Error),
}

/// No program was named for an image.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "CannotPullContainerError: no local program stands for the image {image}: start local-aws with \
     --image {name}=/path/to/program"
)]
pub(super) struct NoProgram {
    image: String,
    name: String,
}

/// Runs the scheduler for as long as its ECS is there.
pub(super) async fn run(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let next = reconcile_all(&Ecs {
            shared: shared.clone(),
        });
        let (changed, clock) = (shared.changed.clone(), shared.clock.clone());
        drop(shared);
        tokio::select! {
            () = changed.notified() => {}
            () = clock.sleep_until_optional(next) => {}
            () = tokio::time::sleep(RECONCILE_INTERVAL) => {}
        }
    }
}

/// Reconciles all services; returns when tasks without processes change their state next.
fn reconcile_all(ecs: &Ecs) -> Option<Timestamp> {
    let mut state = ecs.state();
    if state.shutting_down {
        return None;
    }
    let mut services = std::mem::take(&mut state.services);
    for service in services.iter_mut().filter(|service| !service.quiet) {
        reconcile(ecs, &mut state, service);
    }
    let now = ecs.shared.clock.now();
    let moving = services.iter().filter(|service| !service.quiet);
    let simulated = moving.flat_map(|service| &service.task_sets);
    let next = simulated
        .filter_map(|set| set.simulated.as_ref()?.next(now))
        .min();
    state.services = services;
    forget_old_tasks(&mut state);
    next
}

/// Brings one service closer to what is wanted.
fn reconcile(ecs: &Ecs, state: &mut State, service: &mut Service) {
    for set in &mut service.task_sets {
        set.failures += stop_unhealthy(ecs, state, service.grace, set);
    }
    balance(ecs, state, service);
    note_steadiness(ecs, state, service);
    remove_drained(ecs, state, service);
    if deployments::go_on(ecs, state, service) {
        balance(ecs, state, service);
    }
    let settled = |set: &TaskSet| {
        set.simulated.is_some()
            && set.steady
            && (set.rollout != Rollout::InProgress
                || service.controller != DeploymentController::Ecs)
    };
    service.quiet = service.task_sets.iter().all(settled);
}

/// Stops tasks that fail the health check of their target group; returns how many.
fn stop_unhealthy(ecs: &Ecs, state: &State, grace: Duration, set: &TaskSet) -> u32 {
    let mut stopped = 0;
    for task in state.tasks_of(set).filter(|task| task.wanted()) {
        for (group, port) in set.targets(task) {
            let unhealthy = ecs.shared.elb.health(group, LOOPBACK, port);
            if !matches!(unhealthy, Some(Health::Unhealthy { .. })) {
                continue;
            }
            // Local checks find a failing target sooner than AWS would; its replacement waits as
            // long as it would there, so that a slow starter is not killed.
            let facts = ecs.shared.elb.target_group_facts(group);
            let grace = facts.map_or(grace, |facts| grace.max(facts.unhealthy_after));
            if task
                .started
                .is_some_and(|started| started.elapsed() >= grace)
            {
                let reason = format!("Task failed ELB health checks in (target-group {group})");
                stopped += u32::from(task.wanted());
                task.ask_to_stop(Stop {
                    code: "ServiceSchedulerInitiated",
                    reason,
                });
            }
        }
    }
    stopped
}

/// Starts what lacks and stops what is too much.
fn balance(ecs: &Ecs, state: &mut State, service: &mut Service) {
    let at = ecs.shared.clock.now();
    let mut notes = Vec::new();
    for index in 0..service.task_sets.len() {
        let desired = service.desired;
        let set = &mut service.task_sets[index];
        let wanted = set.wanted(desired);
        if let Some(simulated) = &mut set.simulated {
            let alive = simulated.alive();
            if wanted != alive {
                simulated.set(at, wanted, state.lag(&service.cluster, &service.name));
                let what = if wanted > alive { "started" } else { "stopped" };
                notes.push(format!("has {what} {} tasks.", wanted.abs_diff(alive)));
            }
            continue;
        }
        let (set, wanted) = (&service.task_sets[index], wanted as usize);
        let alive: Vec<&Task> = state.tasks_of(set).filter(|task| task.wanted()).collect();
        for surplus in alive.iter().skip(wanted) {
            let reason = format!("Scaling activity initiated by (deployment {})", set.id);
            surplus.ask_to_stop(Stop {
                code: "ServiceSchedulerInitiated",
                reason,
            });
            notes.push(format!(
                "has stopped 1 running tasks: (task {}).",
                surplus.id
            ));
        }
        let waits = set.next_start.is_some_and(|next| next > Instant::now());
        if waits || set.rollout == Rollout::Failed {
            continue;
        }
        for _ in alive.len()..wanted {
            match start(ecs, state, service, &service.task_sets[index]) {
                Ok(id) => notes.push(format!("has started 1 tasks: (task {id}).")),
                Err(reason) => notes.push(format!("was unable to place a task. Reason: {reason}.")),
            }
        }
    }
    for note in notes {
        let note = format!("(service {}) {note}", service.name);
        service.note(at, note);
    }
}

/// Makes a task of a service and lets it start.
fn start(
    ecs: &Ecs,
    state: &mut State,
    service: &Service,
    set: &TaskSet,
) -> Result<String, PlacementError> {
    let wanted = NewTask {
        cluster: &service.cluster,
        service: &service.name,
        started_by: &set.id,
        task_definition: &set.task_definition,
        set: Some(set),
        overrides: &Overrides::new(),
    };
    wanted.start(ecs, state)
}

/// What differs from the task definition, by the names of containers.
pub(super) type Overrides = BTreeMap<String, Override>;

/// What differs for one container.
#[derive(Debug, Default)]
pub(super) struct Override {
    pub(super) command: Option<Vec<String>>,
    pub(super) environment: BTreeMap<String, String>,
}

/// A task that is to be there.
pub(super) struct NewTask<'a> {
    pub(super) cluster: &'a str,
    /// Empty where no service wants it.
    pub(super) service: &'a str,
    /// A task set's id, or what the caller says.
    pub(super) started_by: &'a str,
    pub(super) task_definition: &'a str,
    pub(super) set: Option<&'a TaskSet>,
    pub(super) overrides: &'a Overrides,
}

impl NewTask<'_> {
    /// Makes it and lets it start; its id.
    pub(super) fn start(self, ecs: &Ecs, state: &mut State) -> Result<String, PlacementError> {
        let Self { cluster, set, .. } = self;
        let definition = state
            .task_definition(self.task_definition)
            .ok_or_else(|| PlacementError::NoTaskDefinition(self.task_definition.to_owned()))?;
        let id = ids::hex(32);
        let arn = format!("{}:task/{cluster}/{id}", ecs.shared.arn_prefix);
        let mut containers = Vec::new();
        let mut launches = Vec::new();
        for container in &definition.containers {
            let mut ports = Vec::new();
            for &inside in &container.ports {
                let outside = process::free_port().map_err(PlacementError::NoPort)?;
                ports.push((inside, outside));
            }
            let changed = self.overrides.get(&container.name);
            let mut env = container.environment.clone();
            env.extend(
                changed
                    .into_iter()
                    .flat_map(|changed| changed.environment.clone()),
            );
            let command = changed.and_then(|changed| changed.command.as_ref());
            if let Some((_, port)) = ports.first() {
                env.insert("PORT".to_owned(), port.to_string());
            }
            let log = match definition.containers.len() {
                1 => format!(
                    "{}-{}-{}.log",
                    definition.family,
                    definition.revision,
                    &id[..8]
                ),
                _ => format!(
                    "{}-{}-{}-{}.log",
                    definition.family,
                    definition.revision,
                    &id[..8],
                    container.name
                ),
            };
            let launch = ecs.program(&container.image).map(|program| Launch {
                program,
                args: command.unwrap_or(&container.command).clone(),
                env,
                log: ecs.shared.data_dir.join("tasks").join(log),
            });
            launches.push(ContainerLaunch {
                essential: container.essential,
                launch,
            });
            containers.push(TaskContainer {
                arn: format!(
                    "{}:container/{}/{id}/{}",
                    ecs.shared.arn_prefix,
                    cluster,
                    ids::uuid()
                ),
                name: container.name.clone(),
                image: container.image.clone(),
                ports,
                exit_code: None,
                reason: None,
            });
        }
        let (stop, asked) = watch::channel(None);
        let task = Task {
            id: id.clone(),
            arn,
            cluster: cluster.to_owned(),
            service: self.service.to_owned(),
            task_set: self.started_by.to_owned(),
            task_definition: definition.arn.clone(),
            status: TaskStatus::Pending,
            containers,
            created_at: ecs.shared.clock.now(),
            started_at: None,
            stopping_at: None,
            stopped_at: None,
            started: None,
            stop,
        };
        let targets = set
            .into_iter()
            .flat_map(|set| set.targets(&task))
            .map(|(group, port)| (group.to_owned(), port))
            .collect();
        let label = format!("{}:{}", definition.family, definition.revision);
        state.tasks.push(task);
        let launch = TaskLaunch {
            id: id.clone(),
            label,
            containers: launches,
            targets,
            asked,
        };
        tokio::spawn(supervise(ecs.clone(), launch));
        Ok(id)
    }
}

/// Tells when a task set settles or loses its balance.
fn note_steadiness(ecs: &Ecs, state: &State, service: &mut Service) {
    let at = ecs.shared.clock.now();
    let mut reached = false;
    for set in &mut service.task_sets {
        let steady = ecs.is_steady(state, service.desired, set);
        if steady == set.steady {
            continue;
        }
        set.steady = steady;
        set.steady_at = at;
        if steady {
            reached = true;
            set.failures = 0;
            set.next_start = None;
            tracing::debug!(task_set = set.id, "steady state");
        }
    }
    if reached {
        let note = format!("(service {}) has reached a steady state.", service.name);
        service.note(at, note);
    }
}

/// Forgets task sets, and ends services, whose last task has stopped.
fn remove_drained(ecs: &Ecs, state: &State, service: &mut Service) {
    let now = ecs.shared.clock.now();
    let busy = |set: &TaskSet| state.counts(set, now) != Counts::default();
    service
        .task_sets
        .retain(|set| set.status != TaskSetStatus::Draining || busy(set));
    if service.status == ServiceStatus::Draining && service.task_sets.is_empty() {
        service.status = ServiceStatus::Inactive;
        let message = format!(
            "Service {} is inactive: its last task has stopped.",
            service.name
        );
        ecs.record(
            "task",
            message,
            json!({ "service": service.name, "status": "INACTIVE" }),
        );
    }
}

fn forget_old_tasks(state: &mut State) {
    let stopped = |task: &Task| task.status == TaskStatus::Stopped;
    let mut surplus = state
        .tasks
        .iter()
        .filter(|task| stopped(task))
        .count()
        .saturating_sub(MAX_STOPPED_TASKS);
    state.tasks.retain(|task| {
        let forget = surplus > 0 && stopped(task);
        surplus -= usize::from(forget);
        !forget
    });
}

/// How long to wait before the next start after so many failures in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST_BACKOFF.saturating_mul(factor).min(MAX_BACKOFF)
}

/// The address of every local target.
pub(super) const LOOPBACK: &str = "127.0.0.1";

impl State {
    /// The tasks of a task set, stopped ones too.
    pub(super) fn tasks_of(&self, set: &TaskSet) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| task.task_set == set.id)
    }
}

impl TaskSet {
    /// The target groups and local ports that a task is registered with.
    pub(super) fn targets<'a>(&'a self, task: &'a Task) -> impl Iterator<Item = (&'a str, u16)> {
        self.load_balancers.iter().filter_map(|balancer| {
            let container = task
                .containers
                .iter()
                .find(|c| c.name == balancer.container_name)?;
            let ports = container.ports.iter();
            let port = ports
                .copied()
                .find(|(inside, _)| *inside == balancer.container_port)?
                .1;
            Some((balancer.target_group_arn.as_str(), port))
        })
    }
}

impl Ecs {
    /// Whether all wanted tasks of a set run, are registered and healthy, and none is on its way out.
    pub(super) fn is_steady(&self, state: &State, desired: u32, set: &TaskSet) -> bool {
        if set.simulated.is_some() {
            let counts = state.counts(set, self.shared.clock.now());
            return set.status != TaskSetStatus::Draining
                && counts.running == set.wanted(desired)
                && (counts.pending, counts.leaving) == (0, 0);
        }
        let mut running = 0;
        for task in state
            .tasks_of(set)
            .filter(|task| task.status < TaskStatus::Stopped)
        {
            let healthy = |(group, port): (&str, u16)| {
                self.shared.elb.health(group, LOOPBACK, port) == Some(Health::Healthy)
            };
            let settled = task.wanted() && task.status == TaskStatus::Running;
            if !settled || !set.targets(task).all(healthy) {
                return false;
            }
            running += 1;
        }
        running == set.wanted(desired) && set.status != TaskSetStatus::Draining
    }

    /// The program that stands for an image.
    fn program(&self, image: &str) -> Result<std::path::PathBuf, NoProgram> {
        let name = process::repository(image);
        let program = self.shared.images.get(name).cloned();
        program.ok_or_else(|| NoProgram {
            image: image.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Lets tasks without processes, of the service at that place, follow at once what was changed.
    pub(super) fn follow(&self, state: &mut State, index: usize) {
        let mut services = std::mem::take(&mut state.services);
        let service = &mut services[index];
        service.quiet = false;
        if service.task_sets.iter().all(|set| set.simulated.is_some()) {
            // The first brings up what is new, the second takes away what is old.
            for _ in 0..2 {
                reconcile(self, state, service);
            }
        }
        state.services = services;
    }

    pub(super) fn record(&self, kind: &str, message: String, detail: Value) {
        let kind = kind.to_owned();
        let event = crate::timeline::TimelineEvent {
            kind,
            deployment_id: None,
            message,
            detail,
        };
        self.shared.timeline.record(event);
    }

    /// Stops all tasks and starts no more. Returns when the last one has ended, `limit` at most.
    pub async fn shut_down(&self, limit: Duration) {
        {
            let mut state = self.state();
            state.shutting_down = true;
            for task in &state.tasks {
                let reason = "local-aws ends".to_owned();
                task.ask_to_stop(Stop {
                    code: SHUT_DOWN,
                    reason,
                });
            }
        }
        let ended = async {
            while self
                .state()
                .tasks
                .iter()
                .any(|task| task.status < TaskStatus::Stopped)
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // What is left is killed when its supervisor is dropped.
        let _ = tokio::time::timeout(limit, ended).await;
    }
}

/// The stop code that does not wait for requests in flight.
pub(super) const SHUT_DOWN: &str = "ShutDown";

/// Lets the scheduler run in the background.
pub(super) fn spawn(shared: &Arc<Shared>) {
    tokio::spawn(run(Arc::downgrade(shared)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_keeps_failing_is_replaced_ever_more_slowly() {
        let waits: Vec<u128> = (1..=7).map(|n| backoff(n).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
