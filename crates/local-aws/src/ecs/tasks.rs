//! Tasks: listing, describing and stopping them. Starting them is the scheduler's.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::api::{invalid, missing, page};
use super::lookup::last;
use super::model::{Stop, Task, TaskContainer, TaskStatus};
use super::scheduler::LOOPBACK;
use crate::error::AwsError;
use crate::wire::json::{epoch, read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    cluster: Option<String>,
    family: Option<String>,
    service_name: Option<String>,
    started_by: Option<String>,
    desired_status: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Deserialize)]
struct Describe {
    cluster: Option<String>,
    #[serde(default)]
    tasks: Vec<String>,
}

#[derive(Deserialize)]
struct StopCall {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

impl Ecs {
    pub(super) fn list_tasks(&self, input: Value) -> Result<Value, AwsError> {
        let call: List = read(input)?;
        let state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        if let Some(service) = &call.service_name {
            state.any_index(call.cluster.as_deref(), service)?;
        }
        let stopped = match call.desired_status.as_deref() {
            None | Some("RUNNING" | "PENDING") => false,
            Some("STOPPED") => true,
            Some(other) => return Err(invalid(format!("Invalid desired status {other}"))),
        };
        let of_family = |task: &Task, family: &str| {
            let name = last(&task.task_definition);
            name.rsplit_once(':')
                .is_some_and(|(known, _)| known == family)
        };
        let wanted = |task: &&Task| {
            task.cluster == cluster
                && task.wanted() != stopped
                && call
                    .family
                    .as_ref()
                    .is_none_or(|family| of_family(task, family))
                && call
                    .service_name
                    .as_ref()
                    .is_none_or(|name| task.service == last(name))
                && call
                    .started_by
                    .as_ref()
                    .is_none_or(|by| task.task_set == *by)
        };
        let arns: Vec<String> = state
            .tasks
            .iter()
            .filter(wanted)
            .map(|task| task.arn.clone())
            .collect();
        page(
            "taskArns",
            &arns,
            call.next_token.as_deref(),
            call.max_results,
            100,
        )
    }

    pub(super) fn describe_tasks(&self, input: Value) -> Result<Value, AwsError> {
        let call: Describe = read(input)?;
        if call.tasks.is_empty() {
            return Err(invalid("Tasks cannot be empty."));
        }
        let state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for wanted in &call.tasks {
            let id = last(wanted);
            match state
                .tasks
                .iter()
                .find(|task| task.id == id && task.cluster == cluster)
            {
                Some(task) => found.push(self.render_task(task)),
                None => failures.push(missing(&format!(
                    "{}:task/{cluster}/{id}",
                    self.shared.arn_prefix
                ))),
            }
        }
        Ok(json!({ "tasks": found, "failures": failures }))
    }

    /// Stops a task; its service replaces it.
    pub(super) fn stop_task(&self, input: Value) -> Result<Value, AwsError> {
        let call: StopCall = read(input)?;
        let state = self.state();
        let cluster = &state.cluster(call.cluster.as_deref())?.name;
        let id = last(&call.task);
        let task = state
            .tasks
            .iter()
            .find(|task| task.id == id && task.cluster == *cluster)
            .ok_or_else(|| invalid("The referenced task was not found."))?;
        let reason = call
            .reason
            .unwrap_or_else(|| "Task stopped by user".to_owned());
        task.ask_to_stop(Stop {
            code: "UserInitiated",
            reason,
        });
        Ok(json!({ "task": self.render_task(task) }))
    }

    pub(super) fn render_task(&self, task: &Task) -> Value {
        let stop = task.stop.borrow();
        let containers: Vec<Value> = task
            .containers
            .iter()
            .map(|container| render_container(task, container))
            .collect();
        json!({
            "taskArn": task.arn,
            "clusterArn": format!("{}:cluster/{}", self.shared.arn_prefix, task.cluster),
            "taskDefinitionArn": task.task_definition,
            "group": group(task),
            "startedBy": task.task_set,
            "launchType": "FARGATE",
            "lastStatus": task.status.as_str(),
            "desiredStatus": if task.wanted() { "RUNNING" } else { "STOPPED" },
            "healthStatus": "UNKNOWN",
            "containers": containers,
            "createdAt": epoch(task.created_at),
            "startedAt": task.started_at.map(epoch),
            "stoppingAt": task.stopping_at.map(epoch),
            "stoppedAt": task.stopped_at.map(epoch),
            "stopCode": stop.as_ref().map(|stop| stop.code),
            "stoppedReason": stop.as_ref().map(|stop| stop.reason.as_str()),
            "attachments": [],
            "tags": [],
            "version": 1,
        })
    }
}

/// Its service, or the family of its task definition.
fn group(task: &Task) -> String {
    if !task.service.is_empty() {
        return format!("service:{}", task.service);
    }
    let name = last(&task.task_definition);
    let family = name.rsplit_once(':').map_or(name, |(family, _)| family);
    format!("family:{family}")
}

fn render_container(task: &Task, container: &TaskContainer) -> Value {
    let ports = container.ports.iter().map(|(inside, outside)| {
        json!({
            "bindIP": LOOPBACK, "containerPort": inside, "hostPort": outside, "protocol": "tcp",
        })
    });
    let status = match (task.status, container.exit_code) {
        (TaskStatus::Stopped, _) | (_, Some(_)) => "STOPPED",
        (TaskStatus::Pending, _) => "PENDING",
        _ => "RUNNING",
    };
    json!({
        "containerArn": container.arn,
        "taskArn": task.arn,
        "name": container.name,
        "image": container.image,
        "lastStatus": status,
        "exitCode": container.exit_code,
        "reason": container.reason,
        "networkBindings": ports.collect::<Vec<_>>(),
        "networkInterfaces": [],
        "healthStatus": "UNKNOWN",
    })
}
