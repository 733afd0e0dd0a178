//! `RunTask`: tasks that no service wants. They start, end by themselves or are stopped, and nothing replaces them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::api::invalid;
use super::model::{RunCall, TaskDefinition};
use super::scheduler::{NewTask, Override, Overrides};
use super::tags::{Tag, check};
use crate::error::AwsError;
use crate::wire::json::read;

/// Tasks of one call, at most.
const MAX_COUNT: u32 = 10;
/// Characters of a client token, at most.
const MAX_TOKEN: usize = 64;
/// Calls whose tokens are known. AWS keeps them for a day.
const MAX_CALLS: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    cluster: Option<String>,
    task_definition: String,
    count: Option<u32>,
    client_token: Option<String>,
    started_by: Option<String>,
    network_configuration: Option<Value>,
    #[serde(default)]
    overrides: TaskOverride,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct TaskOverride {
    container_overrides: Vec<ContainerOverride>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerOverride {
    name: String,
    command: Option<Vec<String>>,
    #[serde(default)]
    environment: Vec<Variable>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    #[serde(default)]
    value: String,
}

impl Ecs {
    pub(super) fn run_task(&self, input: Value) -> Result<Value, AwsError> {
        let mut asked = input.clone();
        let call: Run = read(input)?;
        check(&call.tags)?;
        let count = call.count.unwrap_or(1);
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(invalid("Count must be between 1 and 10."));
        }
        let mut state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        if let Some(token) = &call.client_token {
            if token.is_empty() || token.len() > MAX_TOKEN {
                return Err(invalid(
                    "clientToken must have between 1 and 64 characters.",
                ));
            }
            asked["cluster"] = json!(cluster);
            let before = state.run_calls.iter().find(|before| before.token == *token);
            if let Some(before) = before {
                if before.asked != asked {
                    let message = "clientToken was used by a request with other parameters.";
                    return Err(AwsError::client("ConflictException", message));
                }
                let of_call = |id: &String| state.tasks.iter().find(|task| task.id == *id);
                let tasks = before.tasks.iter().filter_map(of_call);
                let tasks: Vec<Value> = tasks.map(|task| self.render_task(task)).collect();
                return Ok(json!({ "tasks": tasks, "failures": [] }));
            }
        }
        let definition = state.startable(&call.task_definition)?;
        let overrides = overrides(&call, definition)?;
        let arn = definition.arn.clone();
        let (mut ids, mut failures) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let task = NewTask {
                cluster: &cluster,
                service: "",
                started_by: call.started_by.as_deref().unwrap_or_default(),
                task_definition: &arn,
                set: None,
                overrides: &overrides,
            };
            match task.start(self, &mut state) {
                Ok(id) => ids.push(id),
                Err(why) => failures
                    .push(json!({ "arn": arn, "reason": "AGENT", "detail": why.to_string() })),
            }
        }
        let tasks = state.tasks.iter().filter(|task| ids.contains(&task.id));
        let tasks: Vec<Value> = tasks.map(|task| self.render_task(task)).collect();
        if let Some(token) = call.client_token {
            state.run_calls.push_back(RunCall {
                token,
                asked,
                tasks: ids,
            });
            if state.run_calls.len() > MAX_CALLS {
                state.run_calls.pop_front();
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    }
}

/// What the call changes of the task definition, with what AWS refuses of it.
fn overrides(call: &Run, definition: &TaskDefinition) -> Result<Overrides, AwsError> {
    let is_awsvpc = definition.network_mode.as_deref() == Some("awsvpc");
    match (is_awsvpc, &call.network_configuration) {
        (true, None) => {
            return Err(invalid(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            ));
        }
        (false, Some(_)) => {
            return Err(invalid(
                "Network Configuration is not valid for the given networkMode of this task definition.",
            ));
        }
        _ => {}
    }
    let mut all = BTreeMap::new();
    for changed in &call.overrides.container_overrides {
        let name = &changed.name;
        if !definition
            .containers
            .iter()
            .any(|container| container.name == *name)
        {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
        let pairs = changed.environment.iter();
        let of_container = Override {
            command: changed.command.clone(),
            environment: pairs
                .map(|pair| (pair.name.clone(), pair.value.clone()))
                .collect(),
        };
        all.insert(name.clone(), of_container);
    }
    Ok(all)
}
