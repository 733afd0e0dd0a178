//! What CodeDeploy says of the targets of a deployment. Pure; [`super::target`] makes the calls.

use aws_sdk_codedeploy::types::{
    DeploymentTarget, EcsTarget, LambdaTarget, LifecycleEvent, LifecycleEventStatus, TargetLabel,
};
use aws_sdk_ecs::types::Service;
use jiff::Timestamp;

/// The task definition that serves now: that of the Blue task set, as CodeDeploy labels it, else of
/// the service's primary one, unless that is the new one already.
pub(super) fn old_task_definition(
    service: &Service,
    targets: &[DeploymentTarget],
    new: &str,
) -> Option<String> {
    let blue = targets
        .iter()
        .filter_map(|target| target.ecs_target())
        .flat_map(EcsTarget::task_sets_info)
        .find(|set| set.task_set_label() == Some(&TargetLabel::Blue))
        .and_then(|set| set.identifer());
    let sets = service.task_sets();
    sets.iter()
        .find(|set| {
            blue.is_some_and(|blue| {
                // CodeDeploy says `ecs-svc/123`, as ECS does in `id`.
                set.id() == Some(blue) || set.task_set_arn().is_some_and(|arn| arn.ends_with(blue))
            })
        })
        .or_else(|| {
            sets.iter()
                .find(|set| set.status() == Some("PRIMARY") && set.task_definition() != Some(new))
        })
        .and_then(|set| set.task_definition())
        .map(str::to_owned)
}

/// The lifecycle events of a deployment, of either platform.
pub(super) fn lifecycle_events(
    targets: &[DeploymentTarget],
) -> impl Iterator<Item = &LifecycleEvent> {
    let of_ecs = targets
        .iter()
        .filter_map(|t| t.ecs_target())
        .flat_map(EcsTarget::lifecycle_events);
    let of_lambda = targets
        .iter()
        .filter_map(|t| t.lambda_target())
        .flat_map(LambdaTarget::lifecycle_events);
    of_ecs.chain(of_lambda)
}

/// The lifecycle events that CodeDeploy reports as running.
pub(super) fn events_in_progress(targets: &[DeploymentTarget]) -> Vec<String> {
    lifecycle_events(targets)
        .filter(|event| event.status() == Some(&LifecycleEventStatus::InProgress))
        .filter_map(|event| event.lifecycle_event_name())
        .map(str::to_owned)
        .collect()
}

/// Since when CodeDeploy waits for a lifecycle event, if it says so: whoever runs it again after an invocation that died has
/// less than the whole hour.
pub(super) fn waits_since(targets: &[DeploymentTarget]) -> Option<Timestamp> {
    lifecycle_events(targets)
        .filter(|event| event.status() == Some(&LifecycleEventStatus::InProgress))
        .filter_map(|event| Timestamp::from_second(event.start_time()?.secs()).ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_codedeploy::types::EcsTaskSet;
    use aws_sdk_ecs::types::TaskSet;

    fn set(id: &str, status: &str, definition: &str) -> TaskSet {
        TaskSet::builder()
            .id(id)
            .status(status)
            .task_definition(definition)
            .build()
    }

    #[test]
    fn the_old_version_is_the_blue_task_set_even_after_the_new_one_became_primary() {
        let service = Service::builder()
            .task_sets(set("ecs-svc/2", "PRIMARY", "shop:2"))
            .task_sets(set("ecs-svc/1", "ACTIVE", "shop:1"))
            .build();
        let blue = EcsTaskSet::builder()
            .identifer("ecs-svc/1")
            .task_set_label(TargetLabel::Blue)
            .build();
        let target = DeploymentTarget::builder()
            .ecs_target(EcsTarget::builder().task_sets_info(blue).build())
            .build();
        let old = old_task_definition(&service, &[target], "shop:2");
        assert_eq!(old.as_deref(), Some("shop:1"));
        assert_eq!(
            old_task_definition(&service, &[], "shop:2"),
            None,
            "better none than a wrong one"
        );
    }
}
