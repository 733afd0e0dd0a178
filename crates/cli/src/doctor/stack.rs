//! The stack: which one it is, what it was given and what it made.

use std::collections::BTreeMap;

use ::doctor::facts::{Fact, Stack};
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure};

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
    let found = match described(aws, Some(named.unwrap_or(DEFAULT_STACK))).await? {
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
async fn described(aws: &Aws, name: Option<&str>) -> Result<Option<Stack>, Failure> {
    let call = aws.cloudformation().describe_stacks();
    let answer = call.set_stack_name(name.map(str::to_owned)).send().await;
    match answer {
        Ok(answer) => Ok(answer.stacks().first().map(stack)),
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
    let mut found = Vec::new();
    let mut pages = aws
        .cloudformation()
        .describe_stacks()
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let failure = AwsFailure::of(&error);
            let call = "DescribeStacks";
            Failure::Unknown(failed(aws, call, "cloudformation:DescribeStacks", &failure))
        })?;
        let ours = page.stacks().iter().filter(|stack| {
            let mut outputs = stack.outputs().iter();
            outputs.any(|output| output.output_key() == Some(OWN_OUTPUT))
        });
        found.extend(ours.map(stack));
    }
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

fn stack(stack: &aws_sdk_cloudformation::types::Stack) -> Stack {
    let parameters = stack.parameters().iter().filter_map(|parameter| {
        let value = parameter.parameter_value()?;
        Some((parameter.parameter_key()?.to_owned(), value.to_owned()))
    });
    Stack {
        name: stack.stack_name().unwrap_or_default().to_owned(),
        status: stack
            .stack_status()
            .map_or_else(String::new, |status| status.as_str().to_owned()),
        parameters: parameters.collect::<BTreeMap<String, String>>(),
    }
}

async fn resources(aws: &Aws, name: &str) -> Fact<Vec<Resource>> {
    let call = aws.cloudformation().list_stack_resources().stack_name(name);
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let failure = AwsFailure::of(&error);
            let call = format!("ListStackResources {name}");
            failed(aws, &call, "cloudformation:ListStackResources", &failure)
        })?;
        found.extend(
            page.stack_resource_summaries()
                .iter()
                .filter_map(|resource| {
                    Some(Resource {
                        logical_id: resource.logical_resource_id()?.to_owned(),
                        physical_id: resource.physical_resource_id()?.to_owned(),
                        kind: resource.resource_type()?.to_owned(),
                    })
                }),
        );
    }
    Ok(found)
}
