//! What a service runs now, for those who want to see what a deployment would change.

use aws_sdk_ecs::types::TaskDefinition;
use common::aws::Aws;

use crate::calls::CallError;

/// A task definition that is registered.
pub async fn describe(aws: &Aws, arn: &str) -> Result<TaskDefinition, CallError> {
    let call = || format!("DescribeTaskDefinition {arn}");
    let failed = CallError::of(
        aws.identity(),
        call(),
        "ecs:DescribeTaskDefinition",
        "check its name",
    );
    let registered = common::ecs::task_definition(aws, arn).await;
    registered
        .map_err(failed)?
        .ok_or_else(|| CallError::missing(call(), "nothing was returned"))
}
