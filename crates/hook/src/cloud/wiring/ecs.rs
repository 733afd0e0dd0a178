//! A deployment by ECS itself.

use std::time::Duration;

use aws_sdk_ecs::types::{
    CanaryConfiguration, DeploymentConfiguration, DeploymentLifecycleHook,
    DeploymentLifecycleHookAction as Action, DeploymentLifecycleHookTargetType as TargetType,
    DeploymentStrategy, LinearConfiguration, LoadBalancer,
};
use wiring::Fact;
use wiring::facts::{EcsDeployment, EcsRelease as Facts, EventRule, LifecycleHook, Strategy};

use super::{attached_alarms, event_rules, load_balancing, service, versions};
use crate::cloud::{Cloud, EcsRelease};

/// The facts.
pub(super) async fn facts(cloud: &Cloud, release: &EcsRelease) -> EcsDeployment {
    let deployment = &release.deployment;
    let config = deployment.deployment_configuration();
    // The one with rules is the one that blue/green shifts.
    let balancers = release.new.load_balancers();
    let balancer = balancers
        .iter()
        .find(|balancer| balancer.advanced_configuration().is_some())
        .or(balancers.first());
    let shape = Shape::of(balancer);
    let hooks: Vec<LifecycleHook> = config
        .map(DeploymentConfiguration::lifecycle_hooks)
        .unwrap_or_default()
        .iter()
        .map(hook)
        .collect();
    let alarms = config.and_then(|config| config.alarms());
    let alarms = alarms.filter(|alarms| alarms.enable());
    let names = alarms.map(|alarms| alarms.alarm_names().to_vec());
    let definition = async {
        let written = release.new.task_definition().unwrap_or_default();
        let definition = service::task_definition(cloud, written).await;
        let image = service::image(cloud, &definition, shape.container.as_deref()).await;
        (definition, image)
    };
    let arn = deployment.service_arn().unwrap_or_default();
    let service = async {
        let service = service::service(cloud, deployment.cluster_arn(), arn).await;
        let rules = event_rules(cloud, &service, &hooks).await;
        (service, rules)
    };
    let routes: Vec<String> = shape
        .test
        .iter()
        .chain(&shape.production)
        .cloned()
        .collect();
    let ((definition, image), (service, event_rules), target_groups, routes, attached) = tokio::join!(
        definition,
        service,
        load_balancing::target_groups(cloud, &shape.target_groups),
        load_balancing::rules(cloud, routes),
        attached_alarms(cloud, names.unwrap_or_default()),
    );
    let is_first = release.old.is_none();
    let breaker = config.and_then(|config| config.deployment_circuit_breaker());
    let bake_time = config.and_then(DeploymentConfiguration::bake_time_in_minutes);
    let strategy = config.and_then(DeploymentConfiguration::strategy);
    EcsDeployment {
        release: Facts {
            task_definition: definition,
            old_task_definition: old_task_definition(release),
            old_is_gone: false,
            container: shape.container,
            port: shape.port,
            service,
            named_target_groups: shape.target_groups,
            target_groups,
            image,
            versions: versions(cloud, is_first),
            alarms: attached,
        },
        production_rule: shape.production,
        test_rule: shape.test,
        routes,
        bake_time: minutes(bake_time.unwrap_or_default()),
        shift_time: config.map_or(Duration::ZERO, shift_time),
        strategy: match strategy {
            None | Some(DeploymentStrategy::Rolling) => Strategy::Rolling,
            Some(_) => Strategy::TrafficShift,
        },
        hooks,
        circuit_breaker: breaker.is_some_and(|breaker| breaker.enable() && breaker.rollback()),
        alarms_roll_back: alarms.is_some_and(aws_sdk_ecs::types::DeploymentAlarms::rollback),
        is_first,
        event_rules,
    }
}

fn minutes(number: i32) -> Duration {
    Duration::from_mins(number.try_into().unwrap_or_default())
}

/// A canary waits once; a linear deployment after each step but the last.
fn shift_time(config: &DeploymentConfiguration) -> Duration {
    match config.strategy() {
        Some(DeploymentStrategy::Canary) => {
            let canary = config.canary_configuration();
            let wait = canary.and_then(CanaryConfiguration::canary_bake_time_in_minutes);
            minutes(wait.unwrap_or(10))
        }
        Some(DeploymentStrategy::Linear) => {
            let linear = config.linear_configuration();
            let wait = linear.and_then(LinearConfiguration::step_bake_time_in_minutes);
            let percent = linear.and_then(LinearConfiguration::step_percent);
            // Steps of 3 % are the smallest that ECS takes.
            let step = percent.unwrap_or(10.0).max(3.0);
            let waits = (1..=33).take_while(|done| f64::from(*done) * step < 100.0);
            minutes(wait.unwrap_or(6)) * u32::try_from(waits.count()).unwrap_or_default()
        }
        _ => Duration::ZERO,
    }
}

/// How the revision is reached.
#[derive(Default)]
struct Shape {
    container: Option<String>,
    port: Option<u16>,
    target_groups: Vec<String>,
    production: Option<String>,
    test: Option<String>,
}

impl Shape {
    fn of(balancer: Option<&LoadBalancer>) -> Self {
        let Some(balancer) = balancer else {
            return Self::default();
        };
        let advanced = balancer.advanced_configuration();
        let text = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
        let alternate = advanced.and_then(|advanced| advanced.alternate_target_group_arn());
        Self {
            container: text(balancer.container_name()),
            port: balancer
                .container_port()
                .and_then(|port| u16::try_from(port).ok()),
            target_groups: balancer
                .target_group_arn()
                .into_iter()
                .chain(alternate)
                .map(str::to_owned)
                .collect(),
            production: text(advanced.and_then(|it| it.production_listener_rule())),
            test: text(advanced.and_then(|it| it.test_listener_rule())),
        }
    }
}

fn old_task_definition(release: &EcsRelease) -> Fact<Option<String>> {
    match &release.old {
        None => Ok(None),
        Some(old) => match old.task_definition() {
            Some(arn) => Ok(Some(arn.to_owned())),
            None => Err("ECS does not name the task definition of the earlier revision".to_owned()),
        },
    }
}

fn hook(hook: &DeploymentLifecycleHook) -> LifecycleHook {
    let is_pause = hook.target_type() == Some(&TargetType::Pause);
    let timeout = hook.timeout_configuration();
    let minutes = timeout.and_then(
        aws_sdk_ecs::types::DeploymentLifecycleHookTimeoutConfiguration::timeout_in_minutes,
    );
    LifecycleHook {
        function: (!is_pause).then(|| hook.hook_target_arn().unwrap_or_default().to_owned()),
        role: hook.role_arn().map(str::to_owned),
        stages: hook
            .lifecycle_stages()
            .iter()
            .map(|stage| stage.as_str().to_owned())
            .collect(),
        timeout: minutes
            .and_then(|minutes| u64::try_from(minutes).ok())
            .map(Duration::from_mins),
        continues_on_timeout: timeout.and_then(|timeout| timeout.action())
            == Some(&Action::Continue),
    }
}

/// Event rules matter only where a stack manages a service that pauses.
async fn event_rules(
    cloud: &Cloud,
    service: &Fact<Option<wiring::facts::Service>>,
    hooks: &[LifecycleHook],
) -> Fact<Vec<EventRule>> {
    let pauses = hooks.iter().any(|hook| hook.function.is_none());
    match service {
        Ok(Some(service)) if pauses && matches!(service.stack, Ok(Some(_))) => {
            event_rules::that_name(cloud, &service.arn).await
        }
        _ => Ok(Vec::new()),
    }
}
