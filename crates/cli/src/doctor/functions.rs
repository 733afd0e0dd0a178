//! The functions of the stack, as Lambda has them.

use ::doctor::facts::{Function, FunctionConfiguration};
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure};
use futures::future::join_all;

use super::failed;
use super::stack::Resource;

/// The functions that decide about releases.
const GATES: [&str; 2] = ["PreTraffic", "PostTraffic"];

/// All of them.
pub(super) async fn read(aws: &Aws, resources: &[Resource]) -> Vec<Function> {
    let functions = resources
        .iter()
        .filter(|it| it.kind == "AWS::Lambda::Function");
    join_all(functions.map(async |resource| Function {
        logical_id: resource.logical_id.clone(),
        name: resource.physical_id.clone(),
        configuration: configuration(aws, &resource.physical_id).await,
    }))
    .await
}

/// The names of the gates.
pub(super) fn gates(functions: &[Function]) -> Vec<String> {
    let gates = functions
        .iter()
        .filter(|it| GATES.contains(&it.logical_id.as_str()));
    gates.map(|function| function.name.clone()).collect()
}

async fn configuration(aws: &Aws, name: &str) -> Result<Option<FunctionConfiguration>, String> {
    let call = aws
        .lambda()
        .get_function_configuration()
        .function_name(name);
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let failure = AwsFailure::of(&error);
            if failure.cause == Cause::Absent {
                return Ok(None);
            }
            let call = format!("GetFunctionConfiguration {name}");
            return Err(failed(
                aws,
                &call,
                "lambda:GetFunctionConfiguration",
                &failure,
            ));
        }
    };
    let environment = answer.environment().and_then(|it| it.variables().cloned());
    let vpc = answer.vpc_config();
    let reasons = [answer.state_reason(), answer.last_update_status_reason()];
    let why: Vec<&str> = reasons.into_iter().flatten().collect();
    Ok(Some(FunctionConfiguration {
        // Those that were never in another state have none.
        state: answer.state().map_or("Active", |it| it.as_str()).to_owned(),
        last_update: answer
            .last_update_status()
            .map_or("Successful", |it| it.as_str())
            .to_owned(),
        why: why.join("; "),
        timeout: answer
            .timeout()
            .and_then(|it| it.try_into().ok())
            .unwrap_or_default(),
        environment: environment.unwrap_or_default().into_iter().collect(),
        subnets: vpc.map(|it| it.subnet_ids().to_vec()).unwrap_or_default(),
        security_groups: vpc
            .map(|it| it.security_group_ids().to_vec())
            .unwrap_or_default(),
        vpc: vpc
            .and_then(|it| it.vpc_id())
            .unwrap_or_default()
            .to_owned(),
    }))
}
