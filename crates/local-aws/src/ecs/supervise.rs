//! The life of one task: its processes start, are registered with the load balancer, run until they
//! end or are asked to, and are gone.

use futures::future::select_all;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Ecs;
use super::model::{State, Stop, Task, TaskStatus};
use super::scheduler::{LOOPBACK, NoProgram, SHUT_DOWN, backoff};
use crate::process::{Launch, Process};

/// A task that ran this long did not fail to start.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// What a supervisor has to start.
pub(super) struct TaskLaunch {
    pub(super) id: String,
    /// `family:revision`
    pub(super) label: String,
    pub(super) containers: Vec<ContainerLaunch>,
    /// Target group (ARN) and local port.
    pub(super) targets: Vec<(String, u16)>,
    pub(super) asked: watch::Receiver<Option<Stop>>,
}

/// One container: how to start it, or why it cannot be started.
pub(super) struct ContainerLaunch {
    pub(super) essential: bool,
    pub(super) launch: Result<Launch, NoProgram>,
}

/// Runs a task from its start to its end.
pub(super) async fn supervise(ecs: Ecs, launch: TaskLaunch) {
    let started = Instant::now();
    let mut processes = match start(&launch) {
        Ok(processes) => processes,
        Err((container, reason)) => {
            ecs.update_task(&launch.id, |task| {
                task.containers[container].reason = Some(reason.clone());
            });
            let stop = Stop {
                code: "TaskFailedToStart",
                reason,
            };
            return ecs.task_stopped(&launch, &stop, Some(started));
        }
    };
    ecs.task_runs(&launch);
    let stop = tokio::select! {
        stop = asked(launch.asked.clone()) => stop,
        () = essential_end(&ecs, &launch, &mut processes) => Stop {
            code: "EssentialContainerExited",
            reason: "Essential container in task exited".to_owned(),
        },
    };
    let by_itself = stop.code == "EssentialContainerExited";
    ecs.update_task(&launch.id, |task| task.status = TaskStatus::Deactivating);
    if stop.code != SHUT_DOWN {
        for (group, port) in &launch.targets {
            ecs.shared.elb.deregister(group, LOOPBACK, *port).await;
        }
    }
    let at = ecs.shared.clock.now();
    ecs.update_task(&launch.id, |task| {
        task.status = TaskStatus::Stopping;
        task.stopping_at = Some(at);
    });
    for (index, process) in processes.iter_mut().enumerate() {
        let code = process.stop().await;
        ecs.update_task(&launch.id, |task| task.containers[index].exit_code = code);
    }
    ecs.task_stopped(&launch, &stop, by_itself.then_some(started));
}

/// Starts all containers. On failure it returns which one and why, and the others are killed.
fn start(launch: &TaskLaunch) -> Result<Vec<Process>, (usize, String)> {
    let start = |(index, container): (usize, &ContainerLaunch)| match &container.launch {
        Err(missing) => Err((index, missing.to_string())),
        Ok(launch) => Process::start(launch).map_err(|error| {
            let program = launch.program.display();
            (
                index,
                format!("CannotStartContainerError: cannot start {program}: {error}"),
            )
        }),
    };
    launch.containers.iter().enumerate().map(start).collect()
}

async fn asked(mut stop: watch::Receiver<Option<Stop>>) -> Stop {
    let asked = stop
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|stop| stop.clone());
    // The sender lives in the task; it goes only when everything goes.
    asked.unwrap_or(Stop {
        code: SHUT_DOWN,
        reason: String::new(),
    })
}

/// Waits until an essential container has ended. The end of others is noted.
async fn essential_end(ecs: &Ecs, launch: &TaskLaunch, processes: &mut [Process]) {
    let mut waiting: Vec<_> = processes
        .iter_mut()
        .enumerate()
        .map(|(index, process)| Box::pin(async move { (index, process.wait().await) }))
        .collect();
    while !waiting.is_empty() {
        let ((index, code), _, rest) = select_all(waiting).await;
        ecs.update_task(&launch.id, |task| task.containers[index].exit_code = code);
        if launch.containers[index].essential {
            return;
        }
        waiting = rest;
    }
}

impl Ecs {
    fn update_task(&self, id: &str, update: impl FnOnce(&mut Task)) {
        if let Some(task) = self.state().tasks.iter_mut().find(|task| task.id == id) {
            update(task);
        }
        self.shared.changed.notify_one();
    }

    fn task_runs(&self, launch: &TaskLaunch) {
        for (group, port) in &launch.targets {
            // A target group deleted under a service: the task runs, unreachable, as on AWS.
            if let Err(error) = self.shared.elb.register(group, LOOPBACK, *port) {
                tracing::warn!(%error, group, "cannot register a target");
            }
        }
        let at = self.shared.clock.now();
        self.update_task(&launch.id, |task| {
            task.status = TaskStatus::Running;
            task.started_at = Some(at);
            task.started = Some(Instant::now());
        });
        let (short, label) = (&launch.id[..8], &launch.label);
        let message = match launch.targets.first() {
            Some((_, port)) => format!("Task {short} of {label} runs on port {port}."),
            None => format!("Task {short} of {label} runs."),
        };
        let detail = json!({ "task": launch.id, "task_definition": label, "status": "RUNNING" });
        self.record("task", message, detail);
    }

    /// Notes the end of a task, and when it failed (it is given since when it was up), that the
    /// next one has to wait.
    fn task_stopped(&self, launch: &TaskLaunch, stop: &Stop, failed: Option<Instant>) {
        let at = self.shared.clock.now();
        let mut guard = self.state();
        let State {
            tasks, services, ..
        } = &mut *guard;
        if let Some(task) = tasks.iter_mut().find(|task| task.id == launch.id) {
            // A task that ended by itself was not asked to; its description shows the reason all the same.
            task.ask_to_stop(stop.clone());
            task.status = TaskStatus::Stopped;
            task.stopped_at = Some(at);
            let mut sets = services
                .iter_mut()
                .flat_map(|service| &mut service.task_sets);
            if let Some(started) = failed
                && let Some(set) = sets.find(|set| set.id == task.task_set)
            {
                let before = if started.elapsed() > STABLE_AFTER {
                    0
                } else {
                    set.failures
                };
                set.failures = before + 1;
                set.next_start = Some(Instant::now() + backoff(set.failures));
            }
        }
        drop(guard);
        self.shared.changed.notify_one();
        let Stop { code, reason } = stop;
        let message = format!(
            "Task {} of {} has stopped: {reason}.",
            &launch.id[..8],
            launch.label
        );
        let detail = json!({
            "task": launch.id, "task_definition": launch.label, "status": "STOPPED",
            "stop_code": code, "reason": reason,
        });
        self.record("task", message, detail);
    }
}
