//! What CodeDeploy and ECS say of the deployment that a gate is asked about.

use serde_json::{Value, json};

use super::aws::{Changes, DEPLOYMENT};

const CLUSTER: &str = "shop";
pub const APP_SPEC: &str = r"
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/shop:2
        LoadBalancerInfo: { ContainerName: shop, ContainerPort: 8080 }
Hooks:
  - AfterAllowTestTraffic: CodeDeployHook_pre-traffic
  - AfterAllowTraffic: CodeDeployHook_post-traffic
";

pub fn deployment(changes: &Changes) -> Value {
    let mut info = json!({
        "applicationName": "shop", "deploymentGroupName": "production",
        "deploymentId": DEPLOYMENT, "status": "InProgress", "computePlatform": "ECS",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "0"}},
        "creator": "user"
    });
    if let Some(id) = changes.rollback_of {
        info["creator"] = json!("codeDeployRollback");
        info["rollbackInfo"] = json!({"rollbackTriggeringDeploymentId": id});
    }
    if let Some(ended) = changes.ended {
        info["status"] = json!(ended);
    }
    if let Some(e_tag) = changes.revision_e_tag {
        info["revision"] = json!({"revisionType": "S3", "s3Location": {
            "bucket": "appspecs", "key": "shop.yaml", "bundleType": "YAML", "eTag": e_tag}});
    }
    if let Some(creator) = changes.creator {
        info["creator"] = json!(creator);
    }
    if changes.bare {
        let fields = info.as_object_mut().unwrap();
        for field in ["applicationName", "deploymentGroupName", "revision"] {
            fields.remove(field);
        }
    }
    json!({"deploymentInfo": info})
}

pub fn deployment_group(changes: &Changes) -> Value {
    let mut pair = json!({
        "targetGroups": [{"name": "shop-blue"}, {"name": "shop-green"}],
        "prodTrafficRoute": {"listenerArns": ["arn:production"]},
        "testTrafficRoute": {"listenerArns": ["arn:test"]}
    });
    if changes.no_test_listener {
        pair.as_object_mut().unwrap().remove("testTrafficRoute");
    }
    if changes.one_listener {
        pair["testTrafficRoute"] = pair["prodTrafficRoute"].clone();
    }
    if changes.no_production_listener {
        pair.as_object_mut().unwrap().remove("prodTrafficRoute");
    }
    json!({"deploymentGroupInfo": {
        "applicationName": "shop", "deploymentGroupName": "production",
        "lastAttemptedDeployment": {"deploymentId": DEPLOYMENT, "status": "Succeeded"},
        "ecsServices": [{"serviceName": "shop", "clusterName": CLUSTER}],
        "loadBalancerInfo": {"targetGroupPairInfoList": [pair]}
    }})
}

/// The lifecycle events stand as they were answered.
pub fn deployment_targets(changes: &Changes, answered: Option<String>) -> Value {
    let status = changes.event_status.map(str::to_owned);
    let status = status.or(answered).unwrap_or_else(|| "InProgress".into());
    let usual = ["AfterAllowTestTraffic", "AfterAllowTraffic"].map(|name| (name, &*status));
    let events = match changes.events {
        [] => &usual[..],
        events => events,
    };
    let events: Vec<Value> = events
        .iter()
        .map(|(name, status)| {
            let mut event = json!({"lifecycleEventName": name, "status": status});
            if let Some(ago) = changes.events_began {
                event["startTime"] = json!(jiff::Timestamp::now().as_second() - ago);
            }
            event
        })
        .collect();
    json!({"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": {
        "lifecycleEvents": events,
        "taskSetsInfo": [
            {"identifer": "ecs-svc/1", "taskSetLabel": "Blue", "targetGroup": {"name": "shop-blue"}},
            {"identifer": "ecs-svc/2", "taskSetLabel": "Green", "targetGroup": {"name": "shop-green"}}]}}]})
}

pub fn task_definition(changes: &Changes, input: &Value) -> Value {
    let arn = input["taskDefinition"].as_str().unwrap();
    let new = arn.ends_with(":2");
    let image = match changes.image {
        Some(image) if new => image.to_owned(),
        _ => {
            let version = if new { "1.2.0" } else { "1.1.0" };
            format!("registry.example.com/shop:{version}")
        }
    };
    let environment: Vec<Value> = changes
        .environment
        .iter()
        .filter(|_| new)
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let came_from = json!([
        {"key": "deploy-hooks:commit", "value": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"},
        {"key": "deploy-hooks:pipeline-execution", "value": "3137f7cb-7cf7-4d53-8a8d-1f3a5c1d2b1e"}]);
    json!({"taskDefinition": {"taskDefinitionArn": arn, "containerDefinitions": [
        {"name": "shop", "image": image, "environment": environment}]}, "tags": came_from})
}

pub fn services() -> Value {
    let definition = |revision: u8| {
        format!("arn:aws:ecs:us-east-1:111122223333:task-definition/shop:{revision}")
    };
    json!({"services": [{"serviceName": "shop", "taskSets": [
        {"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": definition(1)},
        {"id": "ecs-svc/2", "status": "ACTIVE", "taskDefinition": definition(2)}]}]})
}
