//! From AWS's shapes to the target of a gate: what is known of a release, and why the rest is not.
//!
//! Pure; [`crate::lookup`] makes the calls.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::types::{
    DeploymentTarget, EcsTarget, LambdaTarget, LifecycleEvent, LifecycleEventStatus, TargetLabel,
};
use aws_sdk_ecs::types::Service;

/// What is known of a target, by the names in [`gate::TARGET_KEYS`].
pub type Facts = BTreeMap<String, String>;

/// What is known of a target, and why the rest is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownFacts {
    /// What is known.
    pub facts: Facts,
    /// For keys that are not in `facts`: why, and what to do so that they are.
    pub unknown: Facts,
}

/// Keys of the ECS platform alone.
pub const ECS_KEYS: &[&str] = &[
    "cluster",
    "container",
    "host",
    "image",
    "old_image",
    "old_task_definition",
    "port",
    "production_url",
    "service",
    "task_definition",
    "test_url",
    "url",
];
/// Keys of the Lambda platform alone.
pub const LAMBDA_KEYS: &[&str] = &["alias", "current_version", "function", "target_version"];

impl KnownFacts {
    /// Notes a fact, or why it is not known.
    pub fn learn(&mut self, key: &'static str, fact: Result<String, String>) {
        match fact {
            Ok(fact) => note(&mut self.facts, key, Some(fact)),
            Err(why) => {
                self.unknown.insert(key.to_owned(), why);
            }
        }
    }

    /// Says of the keys of the other platform that they are not this one's.
    pub fn on_platform(&mut self, platform: &'static str, others: &[&str]) {
        note(&mut self.facts, "platform", Some(platform));
        for key in others {
            let why = format!("deployments of the platform {platform} have none");
            self.unknown.insert((*key).to_owned(), why);
        }
    }
}

/// The task definition that serves now: that of the Blue task set, as CodeDeploy labels it, else of
/// the service's primary one, unless that is the new one already.
pub fn old_task_definition(
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
pub fn lifecycle_events(targets: &[DeploymentTarget]) -> impl Iterator<Item = &LifecycleEvent> {
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
pub fn events_in_progress(targets: &[DeploymentTarget]) -> Vec<String> {
    lifecycle_events(targets)
        .filter(|event| event.status() == Some(&LifecycleEventStatus::InProgress))
        .filter_map(|event| event.lifecycle_event_name())
        .map(str::to_owned)
        .collect()
}

/// Notes a fact that is known.
pub fn note(facts: &mut Facts, key: &'static str, value: Option<impl Into<String>>) {
    debug_assert!(
        gate::TARGET_KEYS.contains(&key),
        "{key} is no name a suite can use"
    );
    if let Some(value) = value
        .map(Into::into)
        .filter(|value: &String| !value.is_empty())
    {
        facts.insert(key.to_owned(), value);
    }
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
