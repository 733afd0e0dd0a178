//! What ECS says of a deployment, of revisions and of a task definition: look-ups that several crates make.
//!
//! Each says of the error what that means for whoever asked.

use std::cmp::Reverse;

use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::describe_service_deployments::DescribeServiceDeploymentsError;
use aws_sdk_ecs::operation::describe_service_revisions::DescribeServiceRevisionsError;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionError;
use aws_sdk_ecs::operation::list_service_deployments::ListServiceDeploymentsError;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    ServiceDeployment, ServiceDeploymentBrief, ServiceRevision, TaskDefinition,
};

use crate::aws::Aws;

/// `ListServiceDeployments` gives no more at once.
const MAX_LISTED_DEPLOYMENTS: i32 = 100;

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

/// The deployments of a service that ECS lists at once, the newest first. AWS does not say in which order it lists them.
pub async fn newest_service_deployments(
    aws: &Aws,
    cluster: &str,
    service: &str,
) -> Result<Vec<ServiceDeploymentBrief>, SdkError<ListServiceDeploymentsError>> {
    let call = aws
        .ecs()
        .list_service_deployments()
        .cluster(cluster)
        .service(service)
        .max_results(MAX_LISTED_DEPLOYMENTS);
    let mut listed = call.send().await?.service_deployments.unwrap_or_default();
    listed.sort_by_key(|brief| Reverse(brief.created_at().map(DateTime::as_nanos)));
    Ok(listed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::replay;

    #[tokio::test]
    async fn the_newest_deployment_is_the_first_in_whatever_order_they_are_listed() {
        let listed = r#"{"serviceDeployments":[
            {"serviceDeploymentArn":"older","createdAt":1700000000.5},{"serviceDeploymentArn":"unknown"},
            {"serviceDeploymentArn":"newest","createdAt":1700000001.0},{"serviceDeploymentArn":"old","createdAt":1700000000.9}]}"#;
        let (aws, _client) = replay(&[(200, listed)]);
        let found = newest_service_deployments(&aws, "production", "shop").await;
        let found = found.unwrap();
        let arns: Vec<&str> = found
            .iter()
            .filter_map(|brief| brief.service_deployment_arn())
            .collect();
        assert_eq!(arns, ["newest", "old", "older", "unknown"]);
    }
}
