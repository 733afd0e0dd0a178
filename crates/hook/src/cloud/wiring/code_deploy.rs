//! A deployment by CodeDeploy, ECS compute platform.

use std::time::Duration;

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, InstanceAction, TargetLabel};
use wiring::Fact;
use wiring::facts::{AutomaticRollback, CodeDeployEcs, EcsRelease};

use super::{attached_alarms, load_balancing, service, versions};
use crate::app_spec::Resource;
use crate::cloud::{Cloud, CodeDeployRelease};
use crate::codedeploy::routes::Routes;

/// The lifecycle event that only a test listener makes sense of.
const ON_TEST_TRAFFIC: &str = "AfterAllowTestTraffic";

/// The facts.
pub(super) async fn facts(cloud: &Cloud, release: &CodeDeployRelease) -> CodeDeployEcs {
    let (written, container, port) = match &release.spec.resource {
        Resource::EcsService {
            task_definition,
            container,
            port,
        } => (task_definition.clone(), container.clone(), *port),
        Resource::LambdaFunction { .. } => (String::new(), None, None),
    };
    let group = &release.group;
    let names = group.ecs_services().first();
    let service = async {
        match names.and_then(|names| names.service_name()) {
            None => Ok(None),
            Some(name) => {
                let cluster = names.and_then(|names| names.cluster_name());
                service::service(cloud, cluster, name).await
            }
        }
    };
    let group_names = named_target_groups(group);
    let routes = Routes::of(group);
    let definition = async {
        let definition = service::task_definition(cloud, &written).await;
        let image = service::image(cloud, &definition, container.as_deref()).await;
        (definition, image)
    };
    let ((definition, image), service, target_groups, listeners, alarms) = tokio::join!(
        definition,
        service,
        load_balancing::target_groups(cloud, &group_names),
        load_balancing::listeners(cloud, routes.listeners()),
        attached_alarms(cloud, alarm_names(group)),
    );
    let is_first = has_no_blue(release);
    let old = old_task_definition(cloud, is_first);
    // Where the service can be read, only its earlier task set can be missing.
    let old_is_gone = release.is_over && old.is_err() && matches!(service, Ok(Some(_)));
    CodeDeployEcs {
        release: EcsRelease {
            task_definition: definition,
            old_task_definition: old,
            old_is_gone,
            container,
            port,
            service,
            named_target_groups: group_names,
            target_groups,
            image,
            versions: versions(cloud, is_first),
            alarms,
        },
        written_task_definition: written,
        production_listener: routes.production,
        test_listener: routes.test,
        events_on_test_traffic: release
            .spec
            .hooks
            .iter()
            .filter(|hook| hook.event.eq_ignore_ascii_case(ON_TEST_TRAFFIC))
            .map(|hook| hook.event.clone())
            .collect(),
        routes: listeners,
        rollback: rollback(group),
        termination_wait: termination_wait(group),
    }
}

/// CodeDeploy names the task set that serves, if there is one.
fn has_no_blue(release: &CodeDeployRelease) -> bool {
    let targets = release.targets.iter();
    let mut sets = targets
        .filter_map(|target| target.ecs_target())
        .flat_map(aws_sdk_codedeploy::types::EcsTarget::task_sets_info)
        .peekable();
    sets.peek().is_some() && sets.all(|set| set.task_set_label() != Some(&TargetLabel::Blue))
}

fn old_task_definition(cloud: &Cloud, is_first: bool) -> Fact<Option<String>> {
    if is_first {
        return Ok(None);
    }
    let old = cloud.needed("old_task_definition");
    old.map(|arn| Some(arn.to_owned())).map_err(|error| error.0)
}

fn named_target_groups(group: &DeploymentGroupInfo) -> Vec<String> {
    let pair = group
        .load_balancer_info()
        .and_then(|info| info.target_group_pair_info_list().first());
    let groups = pair
        .map(aws_sdk_codedeploy::types::TargetGroupPairInfo::target_groups)
        .unwrap_or_default();
    groups
        .iter()
        .filter_map(|group| group.name().map(str::to_owned))
        .collect()
}

/// The alarms of the group, where they are on.
pub(super) fn alarm_names(group: &DeploymentGroupInfo) -> Vec<String> {
    let config = group.alarm_configuration();
    let alarms = config.filter(|config| config.enabled());
    alarms
        .map(aws_sdk_codedeploy::types::AlarmConfiguration::alarms)
        .unwrap_or_default()
        .iter()
        .filter_map(|alarm| alarm.name().map(str::to_owned))
        .collect()
}

/// What the group does with a failure.
pub(super) fn rollback(group: &DeploymentGroupInfo) -> AutomaticRollback {
    let config = group.auto_rollback_configuration();
    AutomaticRollback {
        group: group.deployment_group_name().unwrap_or_default().to_owned(),
        enabled: config.is_some_and(aws_sdk_codedeploy::types::AutoRollbackConfiguration::enabled),
        events: config
            .map(aws_sdk_codedeploy::types::AutoRollbackConfiguration::events)
            .unwrap_or_default()
            .iter()
            .map(|event| event.as_str().to_owned())
            .collect(),
    }
}

/// None where the earlier task set is kept.
fn termination_wait(group: &DeploymentGroupInfo) -> Option<Duration> {
    let termination = group
        .blue_green_deployment_configuration()?
        .terminate_blue_instances_on_deployment_success()?;
    if termination.action() == Some(&InstanceAction::KeepAlive) {
        return None;
    }
    let minutes = u64::try_from(termination.termination_wait_time_in_minutes()).ok()?;
    Some(Duration::from_mins(minutes))
}
