//! A deployment by CodeDeploy, Lambda compute platform.

use common::rest_api::{self, LAMBDA, path_segment};
use gate::cloud::CloudError;
use serde_json::Value;
use wiring::Fact;
use wiring::facts::CodeDeployLambda;

use super::{attached_alarms, code_deploy};
use crate::app_spec::Resource;
use crate::cloud::{Cloud, CodeDeployRelease, existing, function_version};

/// The facts.
pub(super) async fn facts(
    cloud: &Cloud,
    release: &CodeDeployRelease,
) -> Result<CodeDeployLambda, CloudError> {
    let Resource::LambdaFunction {
        name,
        alias,
        current_version,
        target_version,
    } = &release.spec.resource
    else {
        return Err(CloudError("the deployment is of no function".to_owned()));
    };
    let (state, versions, alarms) = tokio::join!(
        state(cloud, name, target_version),
        alias_versions(cloud, name, alias),
        attached_alarms(cloud, code_deploy::alarm_names(&release.group)),
    );
    Ok(CodeDeployLambda {
        function: name.clone(),
        alias: alias.clone(),
        current_version: current_version.clone(),
        target_version: target_version.clone(),
        target_state: state,
        alias_versions: versions,
        rollback: code_deploy::rollback(&release.group),
        alarms,
    })
}

async fn state(cloud: &Cloud, name: &str, version: &str) -> Fact<Option<String>> {
    let aws = cloud.aws();
    let call = function_version::configuration(aws, name, version);
    let what = format!("GetFunctionConfiguration {name}:{version}");
    let answer = existing(aws, what, "lambda:GetFunctionConfiguration", call).await?;
    // Versions from before there were states say none.
    Ok(answer.map(|answer| answer["State"].as_str().unwrap_or("Active").to_owned()))
}

async fn alias_versions(cloud: &Cloud, name: &str, alias: &str) -> Fact<Option<Vec<String>>> {
    let aws = cloud.aws();
    let path = format!(
        "/2015-03-31/functions/{}/aliases/{}",
        path_segment(name),
        path_segment(alias)
    );
    let route = ("GET", path.as_str());
    let call = rest_api::call(aws, LAMBDA, "GetAlias", route, Value::Null);
    let what = format!("GetAlias {name}:{alias}");
    let Some(answer) = existing(aws, what, "lambda:GetAlias", call).await? else {
        return Ok(None);
    };
    let more = answer["RoutingConfig"]["AdditionalVersionWeights"].as_object();
    let more = more.into_iter().flat_map(|weights| weights.keys().cloned());
    let main = answer["FunctionVersion"].as_str().map(str::to_owned);
    Ok(Some(main.into_iter().chain(more).collect()))
}
