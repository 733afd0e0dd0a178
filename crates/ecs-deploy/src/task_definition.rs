//! What a service runs now, for those who want to see what a deployment would change.

use aws_sdk_ecs::types::TaskDefinition;
use common::aws::Aws;

use crate::calls::CallError;

/// A task definition that is registered.
pub async fn describe(aws: &Aws, arn: &str) -> Result<TaskDefinition, CallError> {
    let call = || format!("DescribeTaskDefinition {arn}");
    let answer = aws
        .ecs()
        .describe_task_definition()
        .task_definition(arn)
        .send()
        .await
        .map_err(CallError::of(
            aws.identity(),
            call(),
            "ecs:DescribeTaskDefinition",
            "check its name",
        ))?;
    answer
        .task_definition
        .ok_or_else(|| CallError::missing(call(), "nothing was returned"))
}
