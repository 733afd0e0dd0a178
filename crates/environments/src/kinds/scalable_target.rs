//! What Application Auto Scaling knows of ECS services: bounds, suspensions and scheduled actions.

use std::collections::HashMap;

use aws_smithy_types::DateTime;
use common::json_api::{self, APPLICATION_AUTO_SCALING, Page};
use serde::Deserialize;
use serde_json::json;

use crate::read::{ReadError, Reader, timestamp};
use crate::resource::{Resource, Scaling, ScalingSuspension, ScheduledAction};
use crate::write::{CallError, Writer, number};

/// `DescribeScalableTargets` takes no more.
pub(crate) const MAX_TARGETS_PER_CALL: usize = 50;

/// The id under which Application Auto Scaling knows a service.
pub(crate) fn resource_id(service: &Resource) -> String {
    format!("service/{}/{}", service.cluster, service.name)
}

/// The scalable targets of services, by resource id.
pub(crate) async fn targets(
    reader: Reader<'_>,
    mut ids: Vec<String>,
) -> Result<HashMap<String, Scaling>, ReadError> {
    let mut found = HashMap::new();
    ids.sort();
    for ids in ids.chunks(MAX_TARGETS_PER_CALL) {
        let input = json!({
            "ServiceNamespace": ECS,
            "ScalableDimension": DESIRED_COUNT,
            "ResourceIds": ids,
        });
        let operation = "DescribeScalableTargets";
        let targets = json_api::list::<ScalableTargets>(
            reader.aws,
            APPLICATION_AUTO_SCALING,
            operation,
            input,
        );
        let targets = targets.await.map_err(|error| {
            let action = "application-autoscaling:DescribeScalableTargets";
            reader.error(operation, action, &error)
        })?;
        let bounds = targets.into_iter().map(|target| {
            let bounds = scaling(&target);
            (target.resource_id, bounds)
        });
        found.extend(bounds);
    }
    Ok(found)
}

/// All scheduled actions of services, by resource id. A scalable dimension is only taken together with a resource id, so
/// what is of another dimension is left out of the answer here.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScheduledActions.html>
pub(crate) async fn actions(
    reader: Reader<'_>,
) -> Result<HashMap<String, Vec<ScheduledAction>>, ReadError> {
    let input = json!({ "ServiceNamespace": ECS });
    let operation = "DescribeScheduledActions";
    let actions = json_api::list::<Actions>(reader.aws, APPLICATION_AUTO_SCALING, operation, input);
    let actions = actions.await.map_err(|error| {
        let action = "application-autoscaling:DescribeScheduledActions";
        reader.error(operation, action, &error)
    })?;
    let mut found: HashMap<String, Vec<ScheduledAction>> = HashMap::new();
    let of_counts = |action: &Action| {
        let dimension = action.scalable_dimension.as_deref();
        dimension.is_none_or(|dimension| dimension == DESIRED_COUNT)
    };
    for mut one in actions.into_iter().filter(of_counts) {
        let id = std::mem::take(&mut one.resource_id);
        found.entry(id).or_default().push(action(one));
    }
    Ok(found)
}

/// Sets bounds and suspensions, all of them: what is left out would be taken from what is there.
pub(super) async fn register(writer: Writer<'_>, scaling: Scaling) -> Result<(), CallError> {
    let suspended = scaling.suspended;
    let input = json!({
        "ServiceNamespace": ECS,
        "ScalableDimension": DESIRED_COUNT,
        "ResourceId": resource_id(writer.resource),
        "MinCapacity": number(scaling.min),
        "MaxCapacity": number(scaling.max),
        "SuspendedState": {
            "DynamicScalingInSuspended": suspended.dynamic_in,
            "DynamicScalingOutSuspended": suspended.dynamic_out,
            "ScheduledScalingSuspended": suspended.scheduled,
        },
    });
    let action = "application-autoscaling:RegisterScalableTarget";
    let on = writer.resource.place();
    let call = (action, on.as_str());
    writer
        .call_json(APPLICATION_AUTO_SCALING, call, &input)
        .await
}

/// The service namespace of what is scaled.
const ECS: &str = "ecs";
/// What of a service is scaled.
const DESIRED_COUNT: &str = "ecs:service:DesiredCount";

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScalableTargets {
    scalable_targets: Vec<ScalableTarget>,
    next_token: Option<String>,
}

impl Page for ScalableTargets {
    type Item = ScalableTarget;
    const NEXT: &'static str = "NextToken";

    fn into_parts(self) -> (Vec<ScalableTarget>, Option<String>) {
        (self.scalable_targets, self.next_token)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScalableTarget {
    resource_id: String,
    min_capacity: u32,
    max_capacity: u32,
    suspended_state: Option<SuspendedState>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SuspendedState {
    #[serde(rename = "DynamicScalingInSuspended")]
    dynamic_in: Option<bool>,
    #[serde(rename = "DynamicScalingOutSuspended")]
    dynamic_out: Option<bool>,
    #[serde(rename = "ScheduledScalingSuspended")]
    scheduled: Option<bool>,
}

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScheduledActions.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Actions {
    scheduled_actions: Vec<Action>,
    next_token: Option<String>,
}

impl Page for Actions {
    type Item = Action;
    const NEXT: &'static str = "NextToken";

    fn into_parts(self) -> (Vec<Action>, Option<String>) {
        (self.scheduled_actions, self.next_token)
    }
}

/// Its times are seconds since 1970.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Action {
    resource_id: String,
    scalable_dimension: Option<String>,
    #[serde(rename = "ScheduledActionName")]
    name: String,
    schedule: String,
    timezone: Option<String>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    creation_time: Option<f64>,
    #[serde(rename = "ScalableTargetAction")]
    bounds: Option<ScalableTargetAction>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScalableTargetAction {
    min_capacity: Option<u32>,
    max_capacity: Option<u32>,
}

fn scaling(target: &ScalableTarget) -> Scaling {
    let suspended = target.suspended_state.as_ref();
    let is =
        |read: fn(&SuspendedState) -> Option<bool>| suspended.and_then(read).unwrap_or_default();
    Scaling {
        min: target.min_capacity,
        max: target.max_capacity,
        suspended: ScalingSuspension {
            dynamic_in: is(|state| state.dynamic_in),
            dynamic_out: is(|state| state.dynamic_out),
            scheduled: is(|state| state.scheduled),
        },
    }
}

fn action(action: Action) -> ScheduledAction {
    let at = |seconds: Option<f64>| timestamp(&DateTime::from_secs_f64(seconds?));
    let bounds = action.bounds;
    ScheduledAction {
        name: action.name,
        schedule: action.schedule,
        zone: action.timezone,
        begins: at(action.start_time),
        ends: at(action.end_time),
        made: at(action.creation_time),
        min: bounds.as_ref().and_then(|bounds| bounds.min_capacity),
        max: bounds.as_ref().and_then(|bounds| bounds.max_capacity),
    }
}
