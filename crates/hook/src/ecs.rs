//! The ECS half of finding the target: listeners and their addresses, task definitions and images.

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentTarget};
use aws_sdk_ecs::types::{Service, TaskDefinition};
use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer};
use common::aws::Aws;
use common::failure::Hints;
use gate::Stage;

use crate::appspec::Resource;
use crate::lookup::{LookupError, Reach};
use crate::target::{self, Facts, Routes, note};

/// What is looked for.
pub struct Wanted<'a> {
    /// Decides which listener is under test.
    pub stage: Stage,
    /// The AppSpec's resource.
    pub resource: &'a Resource,
    /// Names the service and the listeners.
    pub group: &'a DeploymentGroupInfo,
}

/// Adds what is known of the service to `facts`; returns the URL of the listener under test.
pub async fn describe(
    reach: Reach<'_>,
    wanted: &Wanted<'_>,
    targets: &[DeploymentTarget],
    facts: &mut Facts,
) -> Result<String, LookupError> {
    let Resource::EcsService {
        task_definition,
        container,
        port,
    } = wanted.resource
    else {
        return Err(LookupError::Missing(
            "the resource is no ECS service".to_owned(),
        ));
    };
    note(facts, "platform", Some("ECS"));
    note(facts, "task_definition", Some(task_definition));
    note(facts, "container", container.as_ref());
    note(facts, "port", port.map(|port| port.to_string()));
    let (addresses, new, service) = tokio::join!(
        addresses(reach.aws, wanted),
        task_definition_of(reach, task_definition),
        service(reach, wanted.group),
    );
    let image = new
        .as_ref()
        .and_then(|new| target::image(new, container.as_deref()));
    note(
        facts,
        "version",
        image.as_deref().map(target::image_version),
    );
    note(facts, "image", image);
    if let Some(names) = wanted.group.ecs_services().first() {
        note(facts, "cluster", names.cluster_name());
        note(facts, "service", names.service_name());
    }
    if let Some(old) = service
        .as_ref()
        .and_then(|service| target::old_task_definition(service, targets, task_definition))
    {
        let definition = task_definition_of(reach, &old).await;
        let image = definition
            .as_ref()
            .and_then(|it| target::image(it, container.as_deref()));
        note(
            facts,
            "old_version",
            image.as_deref().map(target::image_version),
        );
        note(facts, "old_image", image);
        note(facts, "old_task_definition", Some(old));
    }
    let addresses = addresses?;
    note(facts, "test_url", addresses.test.as_ref());
    note(facts, "production_url", addresses.production.as_ref());
    let url = under_test(wanted, addresses)?;
    note(facts, "host", target::host(&url));
    note(facts, "url", Some(&url));
    Ok(url)
}

/// The URLs of the two listeners.
struct Addresses {
    test: Option<String>,
    production: Option<String>,
}

/// Pure: the address that this stage measures.
fn under_test(wanted: &Wanted<'_>, addresses: Addresses) -> Result<String, LookupError> {
    let group = wanted.group.deployment_group_name().unwrap_or_default();
    let (url, what, setting) = match wanted.stage {
        Stage::PreTraffic => (addresses.test, "test", "testTrafficRoute"),
        Stage::PostTraffic => (addresses.production, "production", "prodTrafficRoute"),
    };
    url.ok_or_else(|| {
        LookupError::Missing(format!(
            "the deployment group {group} has no {what} listener, so the {} gate can't reach the new \
             version; set {setting} in its loadBalancerInfo.targetGroupPairInfoList",
            wanted.stage
        ))
    })
}

async fn addresses(aws: &Aws, wanted: &Wanted<'_>) -> Result<Addresses, LookupError> {
    let routes = Routes::of(wanted.group);
    let arns = routes.listeners();
    if arns.is_empty() {
        return Ok(Addresses {
            test: None,
            production: None,
        });
    }
    let listeners = listeners(aws, arns).await?;
    let mut balancers: Vec<String> = listeners
        .iter()
        .filter_map(|it| it.load_balancer_arn().map(str::to_owned))
        .collect();
    balancers.dedup();
    let balancers = load_balancers(aws, balancers).await?;
    let url = |arn: Option<&String>| {
        let arn = arn?;
        let listener = listeners
            .iter()
            .find(|it| it.listener_arn() == Some(arn.as_str()))?;
        target::listener_url(listener, &balancers)
    };
    Ok(Addresses {
        test: url(routes.test.as_ref()),
        production: url(routes.production.as_ref()),
    })
}

async fn listeners(aws: &Aws, arns: Vec<String>) -> Result<Vec<Listener>, LookupError> {
    let call = format!("DescribeListeners {}", arns.join(", "));
    let answer = aws
        .elb()
        .describe_listeners()
        .set_listener_arns(Some(arns))
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call,
            Hints {
                permission: "elasticloadbalancing:DescribeListeners",
                absent: "correct the listeners in the deployment group's loadBalancerInfo",
            },
        ))?;
    Ok(answer.listeners.unwrap_or_default())
}

async fn load_balancers(aws: &Aws, arns: Vec<String>) -> Result<Vec<LoadBalancer>, LookupError> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let call = format!("DescribeLoadBalancers {}", arns.join(", "));
    let answer = aws
        .elb()
        .describe_load_balancers()
        .set_load_balancer_arns(Some(arns))
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call,
            Hints {
                permission: "elasticloadbalancing:DescribeLoadBalancers",
                absent: "the load balancer is gone; correct the deployment group",
            },
        ))?;
    Ok(answer.load_balancers.unwrap_or_default())
}

async fn task_definition_of(reach: Reach<'_>, arn: &str) -> Result<TaskDefinition, String> {
    let call = reach
        .aws
        .ecs()
        .describe_task_definition()
        .task_definition(arn)
        .send();
    let what = format!("DescribeTaskDefinition {arn}");
    let hints = Hints {
        permission: "ecs:DescribeTaskDefinition",
        absent: "the task definition is gone; register it again",
    };
    reach
        .best_effort(&what, hints, call)
        .await?
        .task_definition
        .ok_or_else(|| format!("{what} returned nothing"))
}

async fn service(reach: Reach<'_>, group: &DeploymentGroupInfo) -> Option<Service> {
    let names = group.ecs_services().first()?;
    let call = reach
        .aws
        .ecs()
        .describe_services()
        .set_cluster(names.cluster_name().map(str::to_owned))
        .services(names.service_name()?)
        .send();
    let hints = Hints {
        permission: "ecs:DescribeServices",
        absent: "the service is gone; correct the deployment group's ecsServices",
    };
    let answer = reach
        .best_effort("DescribeServices", hints, call)
        .await
        .ok()?;
    answer.services.unwrap_or_default().into_iter().next()
}
