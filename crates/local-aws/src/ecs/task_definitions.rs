//! Task definitions: revisions of what a task is made of.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ecs;
use super::api::{invalid, page};
use super::model::{Container, TaskDefinition};
use super::tags::{Tag, check as check_tags, render as render_tags, to_map};
use crate::error::AwsError;
use crate::wire::json::{epoch, read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Register {
    family: String,
    #[serde(default)]
    container_definitions: Vec<ContainerDefinition>,
    network_mode: Option<String>,
    cpu: Option<String>,
    memory: Option<String>,
    #[serde(default)]
    requires_compatibilities: Vec<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerDefinition {
    #[serde(default)]
    name: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: Vec<Variable>,
    #[serde(default)]
    port_mappings: Vec<PortMapping>,
    essential: Option<bool>,
    memory: Option<u32>,
    memory_reservation: Option<u32>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PortMapping {
    container_port: u16,
    host_port: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    task_definition: String,
    #[serde(default)]
    include: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Ecs {
    pub(super) fn register_task_definition(&self, input: Value) -> Result<Value, AwsError> {
        let mut registered = input.as_object().cloned().unwrap_or_default();
        let call: Register = read(input)?;
        check(&call)?;
        check_tags(&call.tags)?;
        complete(&mut registered, call.network_mode.as_deref());
        let mut state = self.state();
        let of_family = state
            .task_definitions
            .iter()
            .filter(|td| td.family == call.family);
        let revision = of_family.map(|td| td.revision).max().unwrap_or(0) + 1;
        let arn = format!(
            "{}:task-definition/{}:{revision}",
            self.shared.arn_prefix, call.family
        );
        let definition = TaskDefinition {
            arn: arn.clone(),
            family: call.family,
            revision,
            active: true,
            network_mode: call.network_mode,
            containers: call
                .container_definitions
                .into_iter()
                .map(Container::from)
                .collect(),
            registered_at: self.shared.clock.now(),
            deregistered_at: None,
            registered,
        };
        let answer = self.render_definition(&definition);
        state.task_definitions.push(definition);
        state.tags.insert(arn.clone(), to_map(call.tags));
        Ok(json!({ "taskDefinition": answer, "tags": render_tags(&state, &arn) }))
    }

    pub(super) fn describe_task_definition(&self, input: Value) -> Result<Value, AwsError> {
        let call: Named = read(input)?;
        let state = self.state();
        let definition = state
            .task_definition(&call.task_definition)
            .ok_or_else(|| {
                AwsError::client("ClientException", "Unable to describe task definition.")
            })?;
        let tags = call.include.iter().any(|what| what == "TAGS");
        let tags = tags.then(|| render_tags(&state, &definition.arn));
        Ok(json!({ "taskDefinition": self.render_definition(definition), "tags": tags }))
    }

    pub(super) fn deregister_task_definition(&self, input: Value) -> Result<Value, AwsError> {
        let call: Named = read(input)?;
        if !super::lookup::last(&call.task_definition).contains(':') {
            return Err(AwsError::client(
                "ClientException",
                "Invalid revision number. Number: null",
            ));
        }
        let mut state = self.state();
        let arn = state
            .task_definition(&call.task_definition)
            .map(|td| td.arn.clone());
        let definition = state
            .task_definitions
            .iter_mut()
            .find(|td| Some(&td.arn) == arn.as_ref())
            .ok_or_else(|| {
                AwsError::client(
                    "ClientException",
                    "The specified task definition does not exist. Specify a valid account, \
                         family, revision and try again.",
                )
            })?;
        definition.active = false;
        definition
            .deregistered_at
            .get_or_insert(self.shared.clock.now());
        Ok(json!({ "taskDefinition": self.render_definition(definition) }))
    }

    pub(super) fn list_task_definitions(&self, input: Value) -> Result<Value, AwsError> {
        let call: List = read(input)?;
        let active = match call.status.as_deref() {
            None | Some("ACTIVE") => true,
            Some("INACTIVE") => false,
            Some(other) => {
                return Err(invalid(format!("status {other} is not ACTIVE or INACTIVE")));
            }
        };
        let state = self.state();
        let wanted = |td: &&TaskDefinition| {
            td.active == active
                && call
                    .family_prefix
                    .as_ref()
                    .is_none_or(|prefix| td.family == *prefix)
        };
        let mut found: Vec<&TaskDefinition> =
            state.task_definitions.iter().filter(wanted).collect();
        found.sort_by_key(|td| (td.family.as_str(), td.revision));
        if call.sort.as_deref() == Some("DESC") {
            found.reverse();
        }
        let arns: Vec<String> = found.into_iter().map(|td| td.arn.clone()).collect();
        page(
            "taskDefinitionArns",
            &arns,
            call.next_token.as_deref(),
            call.max_results,
            100,
        )
    }

    fn render_definition(&self, definition: &TaskDefinition) -> Value {
        let mut value = definition.registered.clone();
        let added = json!({
            "taskDefinitionArn": definition.arn,
            "revision": definition.revision,
            "status": if definition.active { "ACTIVE" } else { "INACTIVE" },
            "registeredAt": epoch(definition.registered_at),
            "deregisteredAt": definition.deregistered_at.map(epoch),
            "registeredBy": self.shared.arn_prefix.replace(":ecs:", ":iam:") + ":root",
        });
        if let Value::Object(added) = added {
            value.extend(added);
        }
        Value::Object(value)
    }
}

impl From<ContainerDefinition> for Container {
    fn from(definition: ContainerDefinition) -> Self {
        let environment: BTreeMap<String, String> = definition
            .environment
            .into_iter()
            .map(|v| (v.name, v.value))
            .collect();
        Self {
            name: definition.name,
            image: definition.image,
            command: definition.command,
            environment,
            ports: definition
                .port_mappings
                .iter()
                .map(|port| port.container_port)
                .collect(),
            essential: definition.essential.unwrap_or(true),
        }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, AwsError> {
    Err(AwsError::client("ClientException", message))
}

fn check(call: &Register) -> Result<(), AwsError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if call.family.is_empty() || call.family.len() > 255 || !call.family.bytes().all(legal) {
        return refuse("Family should match ^[A-Za-z0-9_-]{1,255}$.");
    }
    if call.container_definitions.is_empty() {
        return refuse("Container definitions should not be empty.");
    }
    let awsvpc = call.network_mode.as_deref() == Some("awsvpc");
    if call
        .requires_compatibilities
        .iter()
        .any(|launch_type| launch_type == "FARGATE")
    {
        for (field, value) in [("cpu", &call.cpu), ("memory", &call.memory)] {
            if value.is_none() {
                return refuse(format!(
                    "Fargate requires that '{field}' be defined at the task level."
                ));
            }
        }
        if !awsvpc {
            return refuse("Fargate only supports network mode 'awsvpc'.");
        }
    }
    for (index, container) in call.container_definitions.iter().enumerate() {
        check_container(call, index, container)?;
        let mapped = container.port_mappings.iter();
        let mut unlike =
            mapped.filter(|p| p.host_port.is_some_and(|host| host != p.container_port));
        if awsvpc && unlike.next().is_some() {
            return refuse(
                "When networkMode=awsvpc, the host ports and container ports in port mappings \
                 must match.",
            );
        }
    }
    if call
        .container_definitions
        .iter()
        .all(|c| c.essential == Some(false))
    {
        return refuse("A task definition must have at least one essential container.");
    }
    Ok(())
}

fn check_container(
    call: &Register,
    index: usize,
    container: &ContainerDefinition,
) -> Result<(), AwsError> {
    let name = &container.name;
    if name.is_empty() {
        return refuse("Container.name should not be null or empty.");
    }
    if container.image.is_empty() {
        return refuse("Container.image should not be null or empty.");
    }
    if call.container_definitions[..index]
        .iter()
        .any(|before| before.name == *name)
    {
        return refuse(format!("Container.name must be unique: {name}."));
    }
    if call.memory.is_none() && container.memory.is_none() && container.memory_reservation.is_none()
    {
        return refuse(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or \
             'memoryReservation' must be specified."
        ));
    }
    Ok(())
}

/// Fills in what AWS fills in, so that a description looks as it does there.
fn complete(registered: &mut Map<String, Value>, network_mode: Option<&str>) {
    registered.remove("tags");
    let default = |fields: &mut Map<String, Value>, defaults: Value| {
        let Value::Object(defaults) = defaults else {
            return;
        };
        for (key, value) in defaults {
            fields.entry(key).or_insert(value);
        }
    };
    let launch_types = registered.get("requiresCompatibilities").cloned();
    let compatibilities = launch_types.unwrap_or_else(|| json!(["EXTERNAL", "EC2"]));
    default(
        registered,
        json!({ "volumes": [], "placementConstraints": [], "compatibilities": compatibilities }),
    );
    let containers = registered
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    for container in containers
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        default(
            container,
            json!({
                "cpu": 0, "portMappings": [], "essential": true, "environment": [],
                "mountPoints": [], "volumesFrom": [], "systemControls": [],
            }),
        );
        let ports = container
            .get_mut("portMappings")
            .and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            let host = match network_mode {
                Some("awsvpc") => port.get("containerPort").cloned(),
                _ => None,
            };
            default(
                port,
                json!({ "hostPort": host.unwrap_or(json!(0)), "protocol": "tcp" }),
            );
        }
    }
}
