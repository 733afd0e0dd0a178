//! The wiring of what was deployed last. Only reads, and nothing is measured.

use aws_sdk_codedeploy::types::DeploymentGroupInfo;
use common::aws::Aws;
use gate::Stage;
use gate::cloud::CloudProbes as _;

use super::{DeploymentQuery, LOOKUP_TIMEOUT};
use crate::app_spec::AppSpec;
use crate::cloud::DescribedRelease;
use crate::codedeploy;
use crate::ecs::deployed::LastDeployment;
use crate::facts::KnownFacts;
use crate::lookup::{LookupContext, LookupError};
use crate::settings::Settings;

/// What AWS holds of its last deployment, and which one that is.
///
/// # Errors
/// If the deployment can't be found: why, and what to do.
pub async fn wiring_facts(
    aws: Aws,
    settings: Settings,
    deployed: &DeploymentQuery,
) -> Result<(String, wiring::Facts), String> {
    let context = LookupContext {
        aws: &aws,
        timeout: LOOKUP_TIMEOUT,
    };
    let (id, release, known) = match deployed {
        DeploymentQuery::Deployment { id } => of_deployment(context, &settings, id).await,
        DeploymentQuery::Group { application, group } => {
            of_group(context, &settings, application, group).await
        }
        DeploymentQuery::Service { cluster, service } => {
            of_service(context, cluster, service).await
        }
    }
    .map_err(|error| error.to_string())?;
    let cloud = super::cloud(Stage::PostTraffic, aws, settings, release, known);
    let facts = cloud.wiring().await.map_err(|error| error.0)?;
    Ok((id, facts))
}

/// The AppSpec of a group's last deployment. None where the group has deployed nothing yet.
///
/// # Errors
/// If these can't be found out: why, and what to do.
pub async fn last_app_spec(
    aws: &Aws,
    application: &str,
    group: &str,
) -> Result<Option<AppSpec>, String> {
    let read = async {
        let described = codedeploy::group(aws, application, group).await?;
        let Some(last) = last_deployment(&described) else {
            return Ok(None);
        };
        let deployment = codedeploy::deployment::read(aws, &last).await?;
        let spec = codedeploy::app_spec_source::read(aws, &deployment).await?;
        Ok(Some(spec))
    };
    read.await.map_err(|error: LookupError| error.to_string())
}

type Found = (String, DescribedRelease, KnownFacts);

async fn of_group(
    context: LookupContext<'_>,
    settings: &Settings,
    application: &str,
    group: &str,
) -> Result<Found, LookupError> {
    let described = codedeploy::group(context.aws, application, group).await?;
    let nothing = || codedeploy::deployed::nothing_deployed(application, group);
    let last = last_deployment(&described).ok_or_else(nothing)?;
    of_deployment(context, settings, &last).await
}

async fn of_deployment(
    context: LookupContext<'_>,
    settings: &Settings,
    id: &str,
) -> Result<Found, LookupError> {
    let deployment = codedeploy::deployment::read(context.aws, id).await?;
    let (release, known) = codedeploy::release(context, settings.tcp_scheme, &deployment).await?;
    Ok((id.to_owned(), release, known))
}

fn last_deployment(group: &DeploymentGroupInfo) -> Option<String> {
    let attempted = group.last_attempted_deployment();
    let last = attempted.or(group.last_successful_deployment());
    last.and_then(|last| last.deployment_id())
        .map(str::to_owned)
}

async fn of_service(
    context: LookupContext<'_>,
    cluster: &str,
    service: &str,
) -> Result<Found, LookupError> {
    let last = LastDeployment::read(context.aws, cluster, service).await?;
    let known = last.facts(context).await?;
    let id = common::arn::last_name(last.arn()).to_owned();
    Ok((id, last.release(), known))
}
