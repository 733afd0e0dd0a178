//! The functions of the stack, as Lambda has them.

use ::doctor::facts::{Function, FunctionConfiguration};
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure};
use common::rest_api::{self, LAMBDA, path_segment};
use futures::future::join_all;
use serde_json::Value;

use super::failed;
use super::stack::Resource;

/// The functions that decide about releases, before traffic and after.
const GATES: [&str; 2] = ["PreTraffic", "PostTraffic"];

/// The names of the gates, before traffic and after; none of one that is not known.
#[derive(Debug, Default)]
pub(super) struct GateNames(pub(super) [Option<String>; 2]);

impl GateNames {
    /// Those of a stack's functions.
    pub(super) fn of(functions: &[Function]) -> Self {
        Self(GATES.map(|gate| {
            let found = functions.iter().find(|it| it.logical_id == gate)?;
            Some(found.name.clone())
        }))
    }

    /// Which of them are among these functions, by name or ARN.
    pub(super) fn named_by(&self, hooked: &[String]) -> [bool; 2] {
        let names = hooked.iter().map(|it| common::arn::function_name(it));
        let names: Vec<&str> = names.collect();
        self.0
            .each_ref()
            .map(|gate| gate.as_deref().is_some_and(|gate| names.contains(&gate)))
    }
}

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

async fn configuration(aws: &Aws, name: &str) -> Result<Option<FunctionConfiguration>, String> {
    let path = format!("/2015-03-31/functions/{}/configuration", path_segment(name));
    let route = ("GET", path.as_str());
    let call = rest_api::call(aws, LAMBDA, "GetFunctionConfiguration", route, Value::Null);
    let answer = match call.await {
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
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let reasons = [text("/StateReason"), text("/LastUpdateStatusReason")];
    let why: Vec<&str> = reasons.into_iter().flatten().collect();
    let variables = answer.pointer("/Environment/Variables");
    let variables = variables.and_then(Value::as_object).into_iter().flatten();
    Ok(Some(FunctionConfiguration {
        // Those that were never in another state have none.
        state: text("/State").unwrap_or("Active").to_owned(),
        last_update: text("/LastUpdateStatus").unwrap_or("Successful").to_owned(),
        why: why.join("; "),
        timeout: answer["Timeout"]
            .as_u64()
            .and_then(|it| it.try_into().ok())
            .unwrap_or_default(),
        environment: variables
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        subnets: texts(&answer["VpcConfig"]["SubnetIds"]),
        security_groups: texts(&answer["VpcConfig"]["SecurityGroupIds"]),
        vpc: text("/VpcConfig/VpcId").unwrap_or_default().to_owned(),
    }))
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}
