//! What ECS says of a deployment, of revisions and of a task definition: look-ups that several crates make.
//!
//! Each says of the error what that means for whoever asked.

use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::describe_service_deployments::DescribeServiceDeploymentsError;
use aws_sdk_ecs::operation::describe_service_revisions::DescribeServiceRevisionsError;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionError;
use aws_sdk_ecs::types::{ServiceDeployment, ServiceRevision, TaskDefinition};

use crate::aws::Aws;

/// The service deployment of this ARN; none, where ECS knows none.
pub async fn service_deployment(
    aws: &Aws,
    arn: &str,
) -> Result<Option<ServiceDeployment>, SdkError<DescribeServiceDeploymentsError>> {
    let call = aws.ecs().describe_service_deployments();
    let answer = call.service_deployment_arns(arn).send().await?;
    Ok(answer
        .service_deployments
        .and_then(|all| all.into_iter().next()))
}

/// Those of these service revisions that ECS knows.
pub async fn service_revisions(
    aws: &Aws,
    arns: Vec<String>,
) -> Result<Vec<ServiceRevision>, SdkError<DescribeServiceRevisionsError>> {
    let call = aws.ecs().describe_service_revisions();
    let answer = call.set_service_revision_arns(Some(arns)).send().await?;
    Ok(answer.service_revisions.unwrap_or_default())
}

/// The task definition of this ARN or name, without its tags.
pub async fn task_definition(
    aws: &Aws,
    named: &str,
) -> Result<Option<TaskDefinition>, SdkError<DescribeTaskDefinitionError>> {
    let call = aws.ecs().describe_task_definition();
    Ok(call.task_definition(named).send().await?.task_definition)
}
