//! The stack: which one it is, what it was given and what it made.

use std::collections::BTreeMap;

use ::doctor::facts::{Fact, Stack};
use common::aws::Aws;
use common::cloud_formation::{self, StackResources, Stacks};
use common::failure::{Cause, Failure as AwsFailure};
use common::query_api::{self, CLOUD_FORMATION, parameter};

use super::failed;
use crate::failure::Failure;

/// The name that `make deploy` gives it.
pub(crate) const DEFAULT_STACK: &str = "deploy-hooks";
/// An output that every installation has.
const OWN_OUTPUT: &str = "PreTrafficFunction";

/// A stack and what it made.
pub(super) struct FoundStack {
    pub(super) stack: Stack,
    pub(super) resources: Fact<Vec<Resource>>,
}

/// What a stack made.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: String,
}

/// Finds the stack.
pub(super) async fn find(aws: &Aws, named: Option<&str>) -> Result<FoundStack, Failure> {
    let found = match described(aws, named.unwrap_or(DEFAULT_STACK)).await? {
        Some(found) => found,
        None if named.is_none() => the_only_one(aws).await?,
        None => {
            let named = named.unwrap_or_default();
            return Err(Failure::Wrong(format!(
                "there is no stack {named} in this account and region; see `aws cloudformation list-stacks`, and set AWS_REGION"
            )));
        }
    };
    let resources = resources(aws, &found.name).await;
    Ok(FoundStack {
        stack: found,
        resources,
    })
}

/// A stack by its name; none: there is no such.
async fn described(aws: &Aws, name: &str) -> Result<Option<Stack>, Failure> {
    let parameters = [parameter("StackName", name)];
    let answer =
        query_api::read::<Stacks>(aws, CLOUD_FORMATION, "DescribeStacks", &parameters).await;
    match answer {
        Ok(answer) => Ok(answer.stacks.into_iter().next().map(stack)),
        Err(error) => {
            let failure = AwsFailure::of(&error);
            // CloudFormation has no code of its own for it.
            let absent =
                failure.cause == Cause::Absent || failure.detail.contains("does not exist");
            if absent {
                return Ok(None);
            }
            let call = "DescribeStacks";
            let why = failed(aws, call, "cloudformation:DescribeStacks", &failure);
            Err(Failure::Unknown(why))
        }
    }
}

async fn the_only_one(aws: &Aws) -> Result<Stack, Failure> {
    let call = "DescribeStacks";
    let all = query_api::list::<Stacks>(aws, CLOUD_FORMATION, call, &[]).await;
    let all = all.map_err(|error| {
        let failure = AwsFailure::of(&error);
        Failure::Unknown(failed(aws, call, "cloudformation:DescribeStacks", &failure))
    })?;
    let ours = all.into_iter().filter(|stack| {
        let mut outputs = stack.outputs.iter();
        outputs.any(|output| output.output_key.as_deref() == Some(OWN_OUTPUT))
    });
    let found: Vec<Stack> = ours.map(stack).collect();
    let names: Vec<String> = found.iter().map(|stack| stack.name.clone()).collect();
    match <[Stack; 1]>::try_from(found) {
        Ok([only]) => Ok(only),
        Err(_) if names.is_empty() => Err(Failure::Wrong(format!(
            "there is no installation in this account and region: no stack {DEFAULT_STACK}, and none with the output {OWN_OUTPUT}; set AWS_REGION \
             or AWS_PROFILE, or name it with --stack"
        ))),
        Err(_) => Err(Failure::Wrong(format!(
            "there are several installations here, {}; choose one with --stack",
            names.join(", ")
        ))),
    }
}

fn stack(stack: cloud_formation::Stack) -> Stack {
    let parameters = stack.parameters.into_iter();
    let parameters = parameters
        .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?)));
    Stack {
        name: stack.stack_name.unwrap_or_default(),
        status: stack.stack_status.unwrap_or_default(),
        parameters: parameters.collect::<BTreeMap<String, String>>(),
    }
}

async fn resources(aws: &Aws, name: &str) -> Fact<Vec<Resource>> {
    let parameters = [parameter("StackName", name)];
    let operation = "ListStackResources";
    let all = query_api::list::<StackResources>(aws, CLOUD_FORMATION, operation, &parameters).await;
    let all = all.map_err(|error| {
        let failure = AwsFailure::of(&error);
        let call = format!("{operation} {name}");
        failed(aws, &call, "cloudformation:ListStackResources", &failure)
    })?;
    let found = all.into_iter().filter_map(|resource| {
        Some(Resource {
            logical_id: resource.logical_resource_id?,
            physical_id: resource.physical_resource_id?,
            kind: resource.resource_type?,
        })
    });
    Ok(found.collect())
}
