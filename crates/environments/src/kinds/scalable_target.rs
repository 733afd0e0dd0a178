//! What Application Auto Scaling knows of ECS services: bounds, suspensions and scheduled actions.

use std::collections::HashMap;

use aws_sdk_applicationautoscaling::types::{
    ScalableDimension, ScalableTarget, ServiceNamespace, SuspendedState,
};

use crate::read::{ReadError, Reader, timestamp};
use crate::resource::{Resource, Scaling, ScalingSuspension, ScheduledAction};
use crate::write::{CallError, Writer, number, once};

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
        let call = reader.aws.applicationautoscaling();
        let call = call
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .set_resource_ids(Some(ids.to_vec()));
        let pages = call.into_paginator().items().send();
        let targets: Result<Vec<ScalableTarget>, _> = pages.collect().await;
        let targets = targets.map_err(|error| {
            let action = "application-autoscaling:DescribeScalableTargets";
            reader.error("DescribeScalableTargets", action, &error)
        })?;
        let bounds = targets
            .iter()
            .map(|target| (target.resource_id.clone(), scaling(target)));
        found.extend(bounds);
    }
    Ok(found)
}

/// All scheduled actions of services, by resource id.
pub(crate) async fn actions(
    reader: Reader<'_>,
) -> Result<HashMap<String, Vec<ScheduledAction>>, ReadError> {
    let call = reader.aws.applicationautoscaling();
    let call = call
        .describe_scheduled_actions()
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let pages = call.into_paginator().items().send();
    let actions: Result<Vec<_>, _> = pages.collect().await;
    let actions = actions.map_err(|error| {
        let action = "application-autoscaling:DescribeScheduledActions";
        reader.error("DescribeScheduledActions", action, &error)
    })?;
    let mut found: HashMap<String, Vec<ScheduledAction>> = HashMap::new();
    for one in &actions {
        let of = found.entry(one.resource_id().to_owned()).or_default();
        of.push(action(one));
    }
    Ok(found)
}

/// Sets bounds and suspensions, all of them: what is left out would be taken from what is there.
pub(super) async fn register(writer: Writer<'_>, scaling: Scaling) -> Result<(), CallError> {
    let suspended = SuspendedState::builder()
        .dynamic_scaling_in_suspended(scaling.suspended.dynamic_in)
        .dynamic_scaling_out_suspended(scaling.suspended.dynamic_out)
        .scheduled_scaling_suspended(scaling.suspended.scheduled)
        .build();
    let register = || {
        let call = writer.aws.applicationautoscaling();
        call.register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(resource_id(writer.resource))
            .min_capacity(number(scaling.min))
            .max_capacity(number(scaling.max))
            .suspended_state(suspended.clone())
    };
    let action = "application-autoscaling:RegisterScalableTarget";
    let on = writer.resource.place();
    let call = writer.call(&writer.limiters.scaling, action, &on);
    let once = once!(aws_sdk_applicationautoscaling, register());
    call.until_done(false, once).await
}

fn scaling(target: &ScalableTarget) -> Scaling {
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    let suspended = target.suspended_state();
    let is = |read: fn(&aws_sdk_applicationautoscaling::types::SuspendedState) -> Option<bool>| {
        suspended.and_then(read).unwrap_or_default()
    };
    Scaling {
        min: count(target.min_capacity),
        max: count(target.max_capacity),
        suspended: ScalingSuspension {
            dynamic_in: is(|state| state.dynamic_scaling_in_suspended),
            dynamic_out: is(|state| state.dynamic_scaling_out_suspended),
            scheduled: is(|state| state.scheduled_scaling_suspended),
        },
    }
}

fn action(action: &aws_sdk_applicationautoscaling::types::ScheduledAction) -> ScheduledAction {
    let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
    let bounds = action.scalable_target_action();
    ScheduledAction {
        name: action.scheduled_action_name().to_owned(),
        schedule: action.schedule().to_owned(),
        zone: action.timezone().map(str::to_owned),
        begins: action.start_time().and_then(timestamp),
        ends: action.end_time().and_then(timestamp),
        made: timestamp(action.creation_time()),
        min: bounds.and_then(|bounds| count(bounds.min_capacity)),
        max: bounds.and_then(|bounds| count(bounds.max_capacity)),
    }
}
