//! The calls of ECS, each with what to do where it fails.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::{DeploymentControllerType, Service};
use common::aws::{Aws, Identity};
use common::failure::{Cause, Failure as Reason, Hints};
use serde_json::{Map, Value};

use crate::deployment::Deployment;

/// `DescribeServiceRevisions` takes no more.
const MAX_REVISIONS: usize = 20;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed: {sentence}")]
pub struct CallError {
    call: String,
    sentence: String,
    cause: Cause,
}

impl CallError {
    pub(crate) fn of<E>(
        identity: Identity,
        call: String,
        permission: &'static str,
        absent: &'static str,
    ) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| {
            let reason = Reason::of(&error);
            let hints = Hints { permission, absent };
            Self {
                call,
                sentence: reason.sentence(identity, hints),
                cause: reason.cause,
            }
        }
    }

    pub(crate) fn missing(call: String, sentence: &str) -> Self {
        Self {
            call,
            sentence: sentence.to_owned(),
            cause: Cause::Absent,
        }
    }

    /// Whether AWS refused it for what it says: the same call will fail again.
    pub fn is_refused(&self) -> bool {
        matches!(self.cause, Cause::Absent | Cause::Refused)
    }

    /// Whether it is open what became of the call: it may work in a while, or has worked and its answer was not
    /// understood.
    pub fn leaves_it_open(&self) -> bool {
        self.may_pass() || self.cause == Cause::Client
    }

    /// Whether the call may work in a while, where an earlier one like it has: what was just made is not listed yet, and
    /// credentials are renewed.
    pub fn may_pass_by_now(&self) -> bool {
        self.leaves_it_open() || matches!(self.cause, Cause::Absent | Cause::Credentials)
    }

    /// Whether the call may work in a while.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.cause,
            Cause::Throttled | Cause::NoAnswer | Cause::Unreachable | Cause::Service
        )
    }
}

/// The service that is updated.
pub async fn service(aws: &Aws, cluster: &str, name: &str) -> Result<Service, CallError> {
    const ABSENT_REMEDY: &str = "check cluster, service, account and region";
    let call = || format!("DescribeServices {cluster}/{name}");
    let answer = aws
        .ecs()
        .describe_services()
        .cluster(cluster)
        .services(name)
        .send()
        .await
        .map_err(CallError::of(
            aws.identity(),
            call(),
            "ecs:DescribeServices",
            ABSENT_REMEDY,
        ))?;
    let found = answer.services.unwrap_or_default().into_iter().next();
    found
        .filter(|service| service.status() == Some("ACTIVE"))
        .ok_or_else(|| {
            CallError::missing(
                call(),
                &format!("there is no active service; {ABSENT_REMEDY}"),
            )
        })
}

/// Why ECS doesn't deploy a service itself.
pub fn foreign_controller(service: &Service) -> Option<&str> {
    let controller = service.deployment_controller()?.r#type();
    (*controller != DeploymentControllerType::Ecs).then_some(controller.as_str())
}

/// Registers a task definition as it is written; returns its ARN.
pub async fn register(aws: &Aws, definition: &Map<String, Value>) -> Result<String, CallError> {
    let call = || "RegisterTaskDefinition".to_owned();
    let body = Value::Object(definition.clone()).to_string();
    // The file has the names of the wire: through the SDK's own types, fields that they lack would get lost.
    let answer = aws
        .ecs()
        .register_task_definition()
        .customize()
        .mutate_request(move |request| {
            let length = body.len().to_string();
            request.headers_mut().insert("content-length", length);
            *request.body_mut() = body.clone().into();
        })
        .send()
        .await
        .map_err(CallError::of(
            aws.identity(),
            call(),
            "ecs:RegisterTaskDefinition, and iam:PassRole on its roles",
            "check what it names",
        ))?;
    let registered = answer.task_definition.and_then(|it| it.task_definition_arn);
    registered.ok_or_else(|| CallError::missing(call(), "no ARN was returned"))
}

/// Begins the deployment.
pub async fn update(aws: &Aws, service: &Service, task_definition: &str) -> Result<(), CallError> {
    let name = service.service_arn().unwrap_or_default();
    aws.ecs()
        .update_service()
        .set_cluster(service.cluster_arn().map(str::to_owned))
        .service(name)
        .task_definition(task_definition)
        .send()
        .await
        .map_err(CallError::of(
            aws.identity(),
            format!("UpdateService {name}"),
            "ecs:UpdateService",
            "the service was deleted meanwhile",
        ))?;
    Ok(())
}

/// The ARN of the deployment of this task definition; none as long as ECS doesn't list it.
pub async fn find(
    aws: &Aws,
    service: &Service,
    task_definition: &str,
) -> Result<Option<String>, CallError> {
    let name = service.service_arn().unwrap_or_default();
    let cluster = service.cluster_arn().unwrap_or_default();
    let mut listed = common::ecs::newest_service_deployments(aws, cluster, name)
        .await
        .map_err(CallError::of(
            aws.identity(),
            format!("ListServiceDeployments {name}"),
            "ecs:ListServiceDeployments",
            "the service was deleted meanwhile",
        ))?;
    listed.truncate(MAX_REVISIONS);
    let revisions: Vec<String> = listed
        .iter()
        .filter_map(|brief| brief.target_service_revision_arn().map(str::to_owned))
        .collect();
    if revisions.is_empty() {
        return Ok(None);
    }
    let described = common::ecs::service_revisions(aws, revisions).await;
    let described = described.map_err(CallError::of(
        aws.identity(),
        format!("DescribeServiceRevisions of {name}"),
        "ecs:DescribeServiceRevisions",
        "the service was deleted meanwhile",
    ))?;
    // Just registered, so no other deployment has it.
    let ours = described
        .iter()
        .find(|revision| revision.task_definition() == Some(task_definition))
        .and_then(|revision| revision.service_revision_arn());
    let found = listed
        .iter()
        .find(|brief| ours.is_some() && brief.target_service_revision_arn() == ours);
    Ok(found.and_then(|brief| brief.service_deployment_arn().map(str::to_owned)))
}

/// What ECS says of a deployment.
pub async fn deployment(aws: &Aws, arn: &str) -> Result<Deployment, CallError> {
    let call = || format!("DescribeServiceDeployments {arn}");
    let described = common::ecs::service_deployment(aws, arn).await;
    let described = described.map_err(CallError::of(
        aws.identity(),
        call(),
        "ecs:DescribeServiceDeployments",
        "check the ARN, and account and region",
    ))?;
    described.as_ref().map(Deployment::of).ok_or_else(|| {
        CallError::missing(call(), "there is none; check the ARN, account and region")
    })
}
