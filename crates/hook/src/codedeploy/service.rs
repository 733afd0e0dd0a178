//! The ECS half of finding the target: listeners and their addresses, task definitions and images.

use std::fmt::Display;

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentTarget};
use aws_sdk_ecs::types::Service;
use common::aws::Aws;
use common::failure::Hints;
use common::load_balancing::{Listener, LoadBalancer, Rule};
use gate::Stage;

use super::forwarding::{self, PairedGroups, ReleaseRoute};
use super::routes::Routes;
use super::targets;
use crate::app_spec::Resource;
use crate::ecs::rule_demands::Demands;
use crate::facts::{self, KnownFacts, note};
use crate::listener::{self, Address, ListenerError, Scheme};
use crate::lookup::load_balancing::{listeners, load_balancers, rules};
use crate::lookup::release::{Release, release};
use crate::lookup::{LookupContext, LookupError};

/// Which service to look up.
pub(super) struct EcsQuery<'a> {
    /// Decides which listener is under test.
    pub stage: Stage,
    /// The AppSpec's resource.
    pub resource: &'a Resource,
    /// Names the service and the listeners.
    pub group: &'a DeploymentGroupInfo,
    /// The setting for listeners that don't say what they speak.
    pub tcp_scheme: Option<Scheme>,
}

/// The listeners of the deployment group.
#[derive(Debug, Clone)]
pub(super) struct Listeners {
    /// The one under test.
    pub under_test: Address,
    /// What a request needs so that it leads it to the release.
    pub demands: Demands,
    /// Why the production listener can't be measured, if so; a sentence.
    pub production: Result<(), String>,
}

/// Adds what is known of the service to `known`; returns where it answers.
pub(super) async fn describe(
    context: LookupContext<'_>,
    query: &EcsQuery<'_>,
    targets: &[DeploymentTarget],
    known: &mut KnownFacts,
) -> Result<Listeners, LookupError> {
    let Resource::EcsService {
        task_definition,
        container,
        port,
    } = query.resource
    else {
        return Err(LookupError::Missing(
            "the resource is no ECS service".to_owned(),
        ));
    };
    known.on_platform("ECS", facts::LAMBDA_KEYS);
    let facts = &mut known.facts;
    note(facts, "task_definition", Some(task_definition));
    note(facts, "container", container.as_ref());
    note(facts, "port", port.map(|port| port.to_string()));
    if let Some(names) = query.group.ecs_services().first() {
        note(facts, "cluster", names.cluster_name());
        note(facts, "service", names.service_name());
    }
    let (addresses, new, old) = tokio::join!(
        addresses(context, query, targets),
        release(context, task_definition, container.as_deref()),
        old(context, query.group, targets, task_definition),
    );
    known.learn("image", new.image);
    known.learn("image_digest", new.image_digest);
    known.learn("version", new.version);
    known.learn("commit", new.commit);
    known.learn("pipeline_execution_id", new.pipeline_execution_id);
    let (definition, old) = match old {
        Ok(old) => {
            let release = release(context, &old, container.as_deref()).await;
            (Ok(old), release)
        }
        Err(why) => (Err(why.clone()), Release::unknown(&why)),
    };
    known.learn("old_task_definition", definition);
    known.learn("old_image", old.image);
    known.learn("old_image_digest", old.image_digest);
    known.learn("old_version", old.version);
    let addresses = addresses?;
    let url = |address: &Result<Address, String>| match address {
        Ok(address) => Ok(address.url.clone()),
        Err(why) => Err(why.clone()),
    };
    known.learn("test_url", url(&addresses.test));
    known.learn("production_url", url(&addresses.production));
    let production = addresses.production.clone().map(|_| ());
    let production = production.and(addresses.production_later);
    let under_test = match query.stage {
        Stage::PreTraffic => addresses.test,
        Stage::PostTraffic => addresses.production,
    };
    let unreachable = |why| {
        LookupError::Missing(format!(
            "{why}; so the {} gate can't reach the new version",
            query.stage
        ))
    };
    let under_test = under_test.map_err(unreachable)?;
    let ReleaseRoute { demands, rule } = addresses.route.map_err(unreachable)?;
    let host = demands.host.as_ref().or(Some(&under_test.host));
    note(&mut known.facts, "host", host);
    note(&mut known.facts, "url", Some(&under_test.url));
    let rule = rule.ok_or_else(|| "the listener has no rules".to_owned());
    known.learn("listener_rule", rule);
    Ok(Listeners {
        under_test,
        demands,
        production,
    })
}

/// The task definition that served before.
async fn old(
    context: LookupContext<'_>,
    group: &DeploymentGroupInfo,
    targets: &[DeploymentTarget],
    new: &str,
) -> Result<String, String> {
    let service = service(context, group).await?;
    targets::old_task_definition(&service, targets, new)
        .ok_or_else(|| "no task set of an earlier release serves beside the new one".to_owned())
}

/// The two listeners, each with why it can't be measured.
struct Addresses {
    test: Result<Address, String>,
    production: Result<Address, String>,
    /// How the one under test leads to the release.
    route: Result<ReleaseRoute, String>,
    /// Before traffic, why the rules of the production listener can't be met later on.
    production_later: Result<(), String>,
}

async fn addresses(
    context: LookupContext<'_>,
    query: &EcsQuery<'_>,
    targets: &[DeploymentTarget],
) -> Result<Addresses, LookupError> {
    let aws = context.aws;
    let routes = Routes::of(query.group);
    let (test, production) = (routes.test.as_ref(), routes.production.as_ref());
    let under_test = match query.stage {
        Stage::PreTraffic => test.filter(|arn| Some(*arn) != production),
        Stage::PostTraffic => production,
    };
    let later = production.filter(|_| query.stage == Stage::PreTraffic);
    let (found, own_rules, later_rules) = tokio::join!(
        described(aws, routes.listeners()),
        rules(aws, under_test.cloned()),
        tokio::time::timeout(context.timeout, rules(aws, later.cloned())),
    );
    let ((listeners, balancers), own_rules) = (found?, own_rules?);
    let find = |arn: Option<&String>| {
        let arn = arn?;
        listeners
            .iter()
            .find(|it| it.listener_arn.as_ref() == Some(arn))
    };
    let group = query.group.deployment_group_name().unwrap_or_default();
    let named = |role: &str, arn: &str, why: &dyn Display| {
        format!("the {role} listener {arn} of the deployment group {group} {why}")
    };
    let of = |role: &str, setting: &str, arn: Option<&String>, other: Option<&String>| {
        let Some(arn) = arn else {
            return Err(format!(
                "the deployment group {group} has no {role} listener; set {setting} in its loadBalancerInfo.targetGroupPairInfoList"
            ));
        };
        let known = listener::SchemeHints {
            other: find(other),
            balancers: &balancers,
            setting: query.tcp_scheme,
        };
        let found = if role == "test" && Some(arn) == other {
            Err(ListenerError::Production)
        } else {
            find(Some(arn)).ok_or(ListenerError::Absent)
        };
        found
            .and_then(|listener| listener::address(listener, known))
            .map_err(|why| named(role, arn, &why))
    };
    let led = |role: &str, arn: Option<&String>, rules: &[Rule], groups: &PairedGroups| {
        // Why there is none is said of its address.
        let Some((arn, listener)) = arn.zip(find(arn)) else {
            return Ok(ReleaseRoute::default());
        };
        forwarding::route(listener, rules, groups).map_err(|why| named(role, arn, &why))
    };
    let role = match query.stage {
        Stage::PreTraffic => "test",
        Stage::PostTraffic => "production",
    };
    let production_later = match later_rules {
        Ok(Ok(rules)) => {
            let pair = PairedGroups::of_pair(query.group);
            led("production", later, &rules, &pair).map(drop)
        }
        // The gate that needs them reads them itself.
        Ok(Err(_)) | Err(_) => Ok(()),
    };
    let of_release = PairedGroups::of_release(query.group, targets);
    Ok(Addresses {
        test: of("test", "testTrafficRoute", test, production),
        production: of("production", "prodTrafficRoute", production, test),
        route: led(role, under_test, &own_rules, &of_release),
        production_later,
    })
}

/// Listeners and their load balancers.
async fn described(
    aws: &Aws,
    arns: Vec<String>,
) -> Result<(Vec<Listener>, Vec<LoadBalancer>), LookupError> {
    if arns.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let listeners = listeners(aws, arns).await?;
    let mut balancers: Vec<String> = listeners
        .iter()
        .filter_map(|it| it.load_balancer_arn.clone())
        .collect();
    balancers.dedup();
    let balancers = load_balancers(aws, balancers).await?;
    Ok((listeners, balancers))
}

async fn service(
    context: LookupContext<'_>,
    group: &DeploymentGroupInfo,
) -> Result<Service, String> {
    let nameless = || "the deployment group names no ECS service".to_owned();
    let names = group.ecs_services().first().ok_or_else(nameless)?;
    let name = names.service_name().ok_or_else(nameless)?;
    let call = context
        .aws
        .ecs()
        .describe_services()
        .set_cluster(names.cluster_name().map(str::to_owned))
        .services(name)
        .send();
    let hints = Hints {
        permission: "ecs:DescribeServices",
        absent: "the service is gone; correct the deployment group's ecsServices",
    };
    let what = format!("DescribeServices {name}");
    let answer = context.best_effort(&what, hints, call).await?;
    let mut services = answer.services.unwrap_or_default().into_iter();
    services
        .next()
        .ok_or_else(|| format!("{what} returned nothing"))
}
