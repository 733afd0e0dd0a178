//! What may call the gates: deployment groups of CodeDeploy, and services that ECS deploys itself.

use ::doctor::facts::{Deployment, Fact, Listener, Stack};
use common::aws::{Aws, Identity};
use common::failure::Failure as AwsFailure;
use common::load_balancing::{Listeners, LoadBalancers};
use common::query_api::{self, ELASTIC_LOAD_BALANCING, list_parameter};
use futures::StreamExt as _;
use futures::stream;
use hook::{AppSpec, DeploymentQuery, Resource, last_app_spec, wiring_facts};
use wiring::Platform;

use super::failed;
use super::functions::GateNames;
use crate::deployed::settings;

/// More are not looked at: each costs some ten calls.
const MAX_CALLERS: usize = 50;
/// So many are looked at side by side.
const CONCURRENT_LOOKUPS: usize = 4;

/// What may call the gates.
#[derive(Clone)]
enum CallerName {
    Group { application: String, group: String },
    Service { cluster: String, service: String },
}

/// A caller, and by what names its suite is found.
pub(super) struct FoundDeployment {
    pub(super) deployment: Deployment,
    /// What the rules of the wiring compare; none of what calls no gate.
    pub(super) facts: Option<Fact<wiring::Facts>>,
    pub(super) application: String,
    pub(super) group: String,
}

impl CallerName {
    /// What it deployed last.
    fn deployed(&self) -> DeploymentQuery {
        match self.clone() {
            Self::Group { application, group } => DeploymentQuery::Group { application, group },
            Self::Service { cluster, service } => DeploymentQuery::Service { cluster, service },
        }
    }
}

/// All that the stack's parameters name.
pub(super) async fn read(
    aws: &Aws,
    stack: &Stack,
    gates: &GateNames,
) -> Fact<Vec<FoundDeployment>> {
    let mut candidates = groups(aws, stack.parameter("ApplicationPattern")).await?;
    candidates.extend(services(aws, stack.parameter("EcsServices")).await?);
    if candidates.len() > MAX_CALLERS {
        return Err(format!(
            "there are {} deployment groups and services, and at most {MAX_CALLERS} are looked at; narrow ApplicationPattern and EcsServices",
            candidates.len()
        ));
    }
    let looking = stream::iter(candidates).map(|candidate| describe(aws, candidate, gates));
    Ok(looking.buffered(CONCURRENT_LOOKUPS).collect().await)
}

async fn groups(aws: &Aws, pattern: &str) -> Fact<Vec<CallerName>> {
    let mut found = Vec::new();
    let mut pages = aws.codedeploy().list_applications().into_paginator().send();
    let mut applications = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let failure = AwsFailure::of(&error);
            failed(
                aws,
                "ListApplications",
                "codedeploy:ListApplications",
                &failure,
            )
        })?;
        let names = page.applications().iter();
        applications.extend(
            names
                .filter(|name| text::glob::matches(pattern, name))
                .cloned(),
        );
    }
    for application in applications {
        let call = aws.codedeploy().list_deployment_groups();
        let mut pages = call.application_name(&application).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                let call = format!("ListDeploymentGroups {application}");
                let failure = AwsFailure::of(&error);
                failed(aws, &call, "codedeploy:ListDeploymentGroups", &failure)
            })?;
            found.extend(
                page.deployment_groups()
                    .iter()
                    .map(|group| CallerName::Group {
                        application: application.clone(),
                        group: group.clone(),
                    }),
            );
        }
    }
    Ok(found)
}

/// Services that the pattern `CLUSTER/SERVICE` names.
async fn services(aws: &Aws, pattern: &str) -> Fact<Vec<CallerName>> {
    let Some((of_cluster, of_service)) = pattern.split_once('/') else {
        return Ok(Vec::new());
    };
    let name = |arn: &String| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let mut clusters = Vec::new();
    let mut pages = aws.ecs().list_clusters().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            failed(
                aws,
                "ListClusters",
                "ecs:ListClusters",
                &AwsFailure::of(&error),
            )
        })?;
        let names = page.cluster_arns().iter().map(name);
        clusters.extend(names.filter(|name| text::glob::matches(of_cluster, name)));
    }
    let mut found = Vec::new();
    for cluster in clusters {
        let mut pages = aws
            .ecs()
            .list_services()
            .cluster(&cluster)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                let call = format!("ListServices {cluster}");
                failed(aws, &call, "ecs:ListServices", &AwsFailure::of(&error))
            })?;
            let names = page.service_arns().iter().map(name);
            let names = names.filter(|name| text::glob::matches(of_service, name));
            found.extend(names.map(|service| CallerName::Service {
                cluster: cluster.clone(),
                service,
            }));
        }
    }
    Ok(found)
}

async fn describe(aws: &Aws, caller: CallerName, gates: &GateNames) -> FoundDeployment {
    let (place, application, group) = match &caller {
        CallerName::Group { application, group } => (
            format!("the deployment group {application}/{group}"),
            application.clone(),
            group.clone(),
        ),
        // As the gates name what ECS deploys itself.
        CallerName::Service { cluster, service } => (
            format!("the service {cluster}/{service}"),
            service.clone(),
            cluster.clone(),
        ),
    };
    let (platform, gates) = match hooked(aws, &caller).await {
        Ok((platform, hooked)) => (platform, Ok(gates.named_by(&hooked))),
        Err(why) => (None, Err(format!("{place}: {why}"))),
    };
    let mut deployment = Deployment {
        place,
        platform,
        gates,
        wiring: Ok(Vec::new()),
        listeners: Ok(Vec::new()),
    };
    let mut facts = None;
    if deployment.calls_gates() {
        let read = wired(aws, &caller.deployed()).await;
        deployment.listeners = match &read {
            Ok(facts) => listeners_of(aws, facts).await,
            Err(why) => Err(why.clone()),
        };
        facts = Some(read);
    }
    FoundDeployment {
        deployment,
        facts,
        application,
        group,
    }
}

/// What is deployed there, if anything was, and the functions that are named as hooks.
async fn hooked(aws: &Aws, caller: &CallerName) -> Fact<(Option<Platform>, Vec<String>)> {
    match caller {
        CallerName::Group { application, group } => {
            let spec = last_app_spec(aws, application, group).await?;
            Ok(spec.map_or_else(Default::default, |spec| {
                (Some(platform(&spec)), functions(spec))
            }))
        }
        CallerName::Service { cluster, service } => {
            let call = aws.ecs().describe_services().cluster(cluster);
            let answer = call.services(service).send().await.map_err(|error| {
                let call = format!("DescribeServices {cluster}/{service}");
                failed(aws, &call, "ecs:DescribeServices", &AwsFailure::of(&error))
            })?;
            let service = answer.services().first();
            let configuration =
                service.and_then(aws_sdk_ecs::types::Service::deployment_configuration);
            let hooks = configuration
                .map(aws_sdk_ecs::types::DeploymentConfiguration::lifecycle_hooks)
                .unwrap_or_default();
            let targets = hooks.iter().filter_map(|hook| hook.hook_target_arn());
            Ok((Some(Platform::Ecs), targets.map(str::to_owned).collect()))
        }
    }
}

fn platform(spec: &AppSpec) -> Platform {
    match spec.resource {
        Resource::EcsService { .. } => Platform::CodeDeployEcs,
        Resource::LambdaFunction { .. } => Platform::CodeDeployLambda,
    }
}

fn functions(spec: AppSpec) -> Vec<String> {
    spec.hooks.into_iter().map(|hook| hook.function).collect()
}

/// Clients of its own, which it keeps.
fn own(aws: &Aws) -> Aws {
    Aws::from_config(aws.config().clone()).called_by(Identity::Person)
}

async fn wired(aws: &Aws, deployed: &DeploymentQuery) -> Fact<wiring::Facts> {
    let settings = settings().map_err(|failure| failure.to_string())?;
    let (_, facts) = wiring_facts(own(aws), settings, deployed).await?;
    Ok(facts)
}

async fn listeners_of(aws: &Aws, facts: &wiring::Facts) -> Fact<Vec<Listener>> {
    let routes = match facts {
        wiring::Facts::CodeDeployEcs(facts) => &facts.routes,
        wiring::Facts::Ecs(facts) => &facts.routes,
        wiring::Facts::CodeDeployLambda(_) => return Ok(Vec::new()),
    };
    match routes {
        Ok(routes) => listeners(aws, routes).await,
        Err(why) => Err(why.clone()),
    }
}

async fn listeners(aws: &Aws, routes: &[wiring::facts::Route]) -> Fact<Vec<Listener>> {
    let mut found = Vec::new();
    for route in routes {
        let arn = listener_of(&route.arn);
        let named = list_parameter("ListenerArns", &[&arn]);
        let call =
            query_api::read::<Listeners>(aws, ELASTIC_LOAD_BALANCING, "DescribeListeners", &named);
        let answer = call.await.map_err(|error| {
            let call = format!("DescribeListeners {arn}");
            failed(
                aws,
                &call,
                "elasticloadbalancing:DescribeListeners",
                &AwsFailure::of(&error),
            )
        })?;
        let port = answer.listeners.first().and_then(|listener| listener.port);
        let named = list_parameter("LoadBalancerArns", &[&route.load_balancer]);
        let call = query_api::read::<LoadBalancers>(
            aws,
            ELASTIC_LOAD_BALANCING,
            "DescribeLoadBalancers",
            &named,
        );
        let answer = call.await.map_err(|error| {
            let call = format!("DescribeLoadBalancers {}", route.load_balancer);
            failed(
                aws,
                &call,
                "elasticloadbalancing:DescribeLoadBalancers",
                &AwsFailure::of(&error),
            )
        })?;
        let balancer = answer.load_balancers.into_iter().next();
        let Some((port, balancer)) = port.zip(balancer) else {
            return Err(format!("the listener {arn} could not be read"));
        };
        found.push(Listener {
            is_internal: balancer.is_internal(),
            load_balancer: balancer.load_balancer_name.unwrap_or_default(),
            port: port.try_into().unwrap_or_default(),
            vpc: balancer.vpc_id.unwrap_or_default(),
            security_groups: balancer.security_groups,
        });
    }
    Ok(found)
}

/// The listener of a rule; of a listener, itself.
fn listener_of(arn: &str) -> String {
    match arn.split_once(":listener-rule/") {
        Some((head, path)) => {
            let listener = path.rsplit_once('/').map_or(path, |(listener, _)| listener);
            format!("{head}:listener/{listener}")
        }
        None => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_leads_to_its_listener() {
        let head = "arn:aws:elasticloadbalancing:eu-central-1:111122223333";
        assert_eq!(
            listener_of(&format!("{head}:listener-rule/app/shop/1/2/3")),
            format!("{head}:listener/app/shop/1/2")
        );
        let listener = format!("{head}:listener/app/shop/1/2");
        assert_eq!(listener_of(&listener), listener);
    }

    #[test]
    fn a_hook_is_a_gate_by_name_and_by_arn_and_a_prefix_is_another_function() {
        let name = "CodeDeployHook_pre-traffic";
        let gates = GateNames([Some(name.to_owned()), None]);
        let named = |hooked: &str| gates.named_by(&[hooked.to_owned()]);
        let arn = format!("arn:aws:lambda:eu-central-1:111122223333:function:{name}");
        for hooked in [name, &arn, &format!("{arn}:live")] {
            assert_eq!(named(hooked), [true, false], "{hooked}");
        }
        for other in ["CodeDeployHook_pre", "CodeDeployHook_pre-traffic-eu", ""] {
            assert_eq!(named(other), [false, false], "{other}");
        }
    }
}
