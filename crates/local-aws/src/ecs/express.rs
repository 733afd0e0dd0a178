//! `CreateExpressGatewayService`, so that a client can make a service that ECS manages itself. What
//! the real one makes besides (load balancer, scaling, alarms) is left out.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::api::invalid;
use crate::error::AwsError;
use crate::wire::json::read;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    cluster: Option<String>,
    service_name: Option<String>,
    infrastructure_role_arn: Option<String>,
    execution_role_arn: Option<String>,
    primary_container: Option<Container>,
    cpu: Option<String>,
    memory: Option<String>,
    scaling_target: Option<Scaling>,
    #[serde(default)]
    tags: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    image: String,
    #[serde(rename = "containerPort")]
    port: Option<u16>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scaling {
    min_task_count: Option<u32>,
}

impl Ecs {
    pub(super) fn create_express_service(&self, input: Value) -> Result<Value, AwsError> {
        let call: Create = read(input)?;
        let Some(container) = call.primary_container else {
            return Err(invalid("primaryContainer can not be blank."));
        };
        let name = call
            .service_name
            .unwrap_or_else(|| format!("express-{}", crate::ids::hex(8)));
        let list = |value: Value| if value.is_null() { json!([]) } else { value };
        let definition = json!({
            "family": name,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": call.cpu.unwrap_or_else(|| "256".to_owned()),
            "memory": call.memory.unwrap_or_else(|| "512".to_owned()),
            "executionRoleArn": call.execution_role_arn,
            "containerDefinitions": [{
                "name": "Main",
                "image": container.image,
                "command": container.command,
                "environment": list(container.environment),
                "portMappings": [{ "containerPort": container.port.unwrap_or(80) }],
            }],
        });
        let registered = self.register_task_definition(definition)?;
        let made = self.create_service(json!({
            "cluster": call.cluster,
            "serviceName": name,
            "taskDefinition": registered["taskDefinition"]["taskDefinitionArn"],
            "desiredCount": call.scaling_target.and_then(|scaling| scaling.min_task_count).unwrap_or(1),
            "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-a", "subnet-b"] } },
            "resourceManagementType": "ECS",
            "tags": list(call.tags),
        }))?;
        let service = &made["service"];
        Ok(json!({ "service": {
            "cluster": call.cluster.unwrap_or_else(|| "default".to_owned()),
            "serviceName": name,
            "serviceArn": service["serviceArn"],
            "infrastructureRoleArn": call.infrastructure_role_arn,
            "status": { "statusCode": "ACTIVE" },
            "activeConfigurations": [],
            "tags": service["tags"],
            "createdAt": service["createdAt"],
            "updatedAt": service["createdAt"],
        } }))
    }
}
