//! The task definition, its container, and the service.

use crate::facts::{CodeDeployEcs, Container, EcsRelease, TaskDefinition};
use crate::finding::{Outcome, RuleResult, existing, join, known, mismatch, not_judged};

/// The AppSpec's `TaskDefinition` is a full ARN with a revision.
pub(crate) fn written_arn(facts: &CodeDeployEcs) -> RuleResult {
    let written = facts.written_task_definition.as_str();
    let place = "the AppSpec's TaskDefinition";
    if written.contains("TASK_DEFINITION") || written.starts_with('<') {
        return Err(mismatch(
            place,
            format!("is still the placeholder {written}"),
            "let the pipeline's CodeDeployToECS action fill it in, or write the ARN that RegisterTaskDefinition returned",
        ));
    }
    let is_arn = written.starts_with("arn:") && written.contains(":task-definition/");
    let has_revision = written
        .rsplit_once(':')
        .is_some_and(|(_, revision)| revision.parse::<u32>().is_ok());
    if is_arn && has_revision {
        return Ok(());
    }
    Err(mismatch(
        place,
        format!("is {written:?}, which is no full ARN with a revision"),
        "write arn:…:task-definition/FAMILY:REVISION, as RegisterTaskDefinition returned it",
    ))
}

/// The task definition exists and is active.
pub(crate) fn definition(release: &EcsRelease) -> RuleResult {
    match known(&release.task_definition)? {
        None => Err(mismatch(
            "the task definition",
            "does not exist",
            "register it in this account and region, and deploy the ARN that RegisterTaskDefinition returns",
        )),
        Some(definition) if !definition.is_active => Err(mismatch(
            format!("the task definition {}", short(&definition.arn)),
            "is not active: somebody has deregistered it",
            "register it again and deploy the new revision",
        )),
        Some(_) => Ok(()),
    }
}

/// The new task definition is of the family of the one that serves.
pub(crate) fn family(release: &EcsRelease) -> RuleResult {
    let new = existing(&release.task_definition, "task definition")?;
    still_there(release)?;
    let old = existing(
        &release.old_task_definition,
        "task definition that serves already",
    )?;
    let (new, old) = (family_of(&new.arn), family_of(old));
    if new == old {
        return Ok(());
    }
    Err(mismatch(
        "the task definition",
        format!("is of the family {new}, and {old} serves"),
        format!(
            "deploy a revision of {old}; if the family was renamed on purpose, except this rule"
        ),
    ))
}

/// What the deployment replaces can be compared with it.
pub(crate) fn still_there(release: &EcsRelease) -> RuleResult {
    if !release.old_is_gone {
        return Ok(());
    }
    Err(not_judged(
        "the deployment is over, and CodeDeploy no longer says what served before it",
    ))
}

/// `shop:12` of its ARN.
pub(crate) fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn family_of(arn: &str) -> &str {
    let short = short(arn);
    short.rsplit_once(':').map_or(short, |(family, _)| family)
}

/// The container that the load balancer names.
pub(crate) fn container(release: &EcsRelease) -> RuleResult {
    of_balancer(release).map(|_| ())
}

/// The container behind the load balancer.
pub(crate) fn of_balancer(release: &EcsRelease) -> Result<&Container, Outcome> {
    let definition = existing(&release.task_definition, "task definition")?;
    let names: Vec<&str> = definition
        .containers
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let Some(name) = &release.container else {
        return Err(mismatch(
            "the load balancer's ContainerName",
            "is missing",
            format!("name one of {}", join(names.iter().copied())),
        ));
    };
    let found = definition.containers.iter().find(|it| it.name == *name);
    found.ok_or_else(|| {
        mismatch(
            "the load balancer's ContainerName",
            format!(
                "is {name:?}, and {} has no such container",
                short(&definition.arn)
            ),
            format!("name one of {}", join(names.iter().copied())),
        )
    })
}

/// It maps the load balancer's port.
pub(crate) fn container_port(release: &EcsRelease) -> RuleResult {
    let Ok(container) = of_balancer(release) else {
        known(&release.task_definition)?;
        return Err(not_judged("the container is not known"));
    };
    let mapped = if container.ports.is_empty() {
        "it maps no port".to_owned()
    } else {
        let ports: Vec<String> = container.ports.iter().map(u16::to_string).collect();
        format!("it maps {}", join(ports.iter().map(String::as_str)))
    };
    let place = "the load balancer's ContainerPort";
    match release.port {
        None => Err(mismatch(
            place,
            "is missing",
            format!("write the port that {} listens on", container.name),
        )),
        Some(port) if !container.ports.contains(&port) => Err(mismatch(
            place,
            format!(
                "is {port}, and the container {} has no port mapping for it ({mapped})",
                container.name
            ),
            format!("add the containerPort {port} to its portMappings, or correct ContainerPort"),
        )),
        Some(_) => Ok(()),
    }
}

/// The service exists and is active.
pub(crate) fn exists(release: &EcsRelease) -> RuleResult {
    match known(&release.service)? {
        None => Err(mismatch(
            "the service",
            "does not exist",
            "correct the names of cluster and service, or make the service first",
        )),
        Some(service) if !service.is_active => Err(mismatch(
            format!("the service {}", short(&service.arn)),
            "is not active: it is being deleted, or was",
            "make it again before you deploy",
        )),
        Some(_) => Ok(()),
    }
}

/// The service is deployed by whom it says.
pub(crate) fn controller(release: &EcsRelease, wanted: &str) -> RuleResult {
    let service = existing(&release.service, "service")?;
    if service.controller == wanted {
        return Ok(());
    }
    Err(mismatch(
        format!("the service {}", short(&service.arn)),
        format!(
            "has the deployment controller {}, and {wanted} is needed here",
            service.controller
        ),
        format!("set the service's deploymentController.type to {wanted}"),
    ))
}

/// Every host port that a container names.
pub(crate) fn host_ports(definition: &TaskDefinition) -> Vec<u16> {
    definition
        .containers
        .iter()
        .flat_map(|container| container.host_ports.iter().copied())
        .collect()
}
