//! The task definition, its image, and the service.

use aws_sdk_ecs::types::{
    DeploymentController, NetworkMode, Service as EventDescription, ServiceField, Tag,
    TaskDefinition as Registered, TaskDefinitionField, TaskDefinitionStatus,
};
use wiring::Fact;
use wiring::facts::{Container, Registry, Service, TaskDefinition};

use super::first;
use crate::cloud::{Cloud, existing};
use crate::lookup::ecr::Repository;
use crate::version::{self, Image};

/// The tag that CloudFormation gives what it manages.
pub(super) const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// A task definition by its ARN or name.
pub(super) async fn task_definition(cloud: &Cloud, named: &str) -> Fact<Option<TaskDefinition>> {
    let aws = cloud.aws();
    let call = aws
        .ecs()
        .describe_task_definition()
        .task_definition(named)
        .include(TaskDefinitionField::Tags)
        .send();
    let what = format!("DescribeTaskDefinition {named}");
    let answer = existing(aws, what, "ecs:DescribeTaskDefinition", call).await?;
    let registered = answer.and_then(|answer| {
        let tags = answer.tags.unwrap_or_default();
        Some((answer.task_definition?, tags))
    });
    Ok(registered.map(|(definition, tags)| read(definition, &tags)))
}

fn read(registered: Registered, tags: &[Tag]) -> TaskDefinition {
    let containers = registered.container_definitions().iter();
    TaskDefinition {
        is_active: registered.status() != Some(&TaskDefinitionStatus::Inactive)
            && registered.status() != Some(&TaskDefinitionStatus::DeleteInProgress),
        network_mode: registered
            .network_mode()
            .map_or("bridge", NetworkMode::as_str)
            .to_owned(),
        containers: containers
            .map(|container| Container {
                name: container.name().unwrap_or_default().to_owned(),
                image: container.image().unwrap_or_default().to_owned(),
                ports: container
                    .port_mappings()
                    .iter()
                    .filter_map(|mapping| u16::try_from(mapping.container_port()?).ok())
                    .collect(),
                host_ports: container
                    .port_mappings()
                    .iter()
                    .filter_map(|mapping| u16::try_from(mapping.host_port()?).ok())
                    .filter(|port| *port > 0)
                    .collect(),
                versions: version::named(tags, container),
            })
            .collect(),
        arn: registered.task_definition_arn.unwrap_or_default(),
    }
}

/// A service with its tags.
pub(super) async fn service(
    cloud: &Cloud,
    cluster: Option<&str>,
    name: &str,
) -> Fact<Option<Service>> {
    let aws = cloud.aws();
    let call = aws
        .ecs()
        .describe_services()
        .set_cluster(cluster.map(str::to_owned))
        .services(name)
        .include(ServiceField::Tags)
        .send();
    let what = format!("DescribeServices {name}");
    let answer = existing(aws, what, "ecs:DescribeServices", call).await;
    let services = answer.map(|answer| answer.and_then(|answer| answer.services));
    Ok(first(services)?.map(|service| of_service(&service)))
}

fn of_service(service: &EventDescription) -> Service {
    Service {
        arn: service.service_arn().unwrap_or_default().to_owned(),
        is_active: service.status().is_none_or(|status| status == "ACTIVE"),
        controller: service
            .deployment_controller()
            .map(DeploymentController::r#type)
            .map_or("ECS", |kind| kind.as_str())
            .to_owned(),
        stack: Ok(stack(service.tags())),
    }
}

fn stack(tags: &[Tag]) -> Option<String> {
    let tag = tags.iter().find(|tag| tag.key() == Some(STACK_TAG))?;
    tag.value().map(str::to_owned)
}

/// What the registry says of the image of `container`, or of the only container.
pub(super) async fn image(
    cloud: &Cloud,
    definition: &Fact<Option<TaskDefinition>>,
    container: Option<&str>,
) -> Fact<Registry> {
    let containers = match definition {
        Ok(Some(definition)) => definition.containers.as_slice(),
        // Other rules say so.
        Ok(None) | Err(_) => return Ok(Registry::NotAsked),
    };
    let named = containers
        .iter()
        .find(|it| container.is_none_or(|name| it.name == name));
    let Some(container) = named else {
        return Ok(Registry::NotAsked);
    };
    let image = Image::parse(&container.image);
    let Some(repository) = Repository::of(&image) else {
        return Ok(Registry::NotAsked);
    };
    let call = repository.describe_image(cloud.aws(), &image);
    let what = format!("DescribeImages {}", container.image);
    let permission = "ecr:DescribeImages on the repository";
    let details = existing(cloud.aws(), what, permission, call).await?;
    let there = details.is_some_and(|details| !details.is_empty());
    Ok(if there {
        Registry::Present
    } else {
        Registry::Absent
    })
}
