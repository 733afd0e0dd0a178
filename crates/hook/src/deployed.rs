//! The wiring of what is deployed, asked by hand: of a deployment group of CodeDeploy, or of a service that ECS deploys
//! itself. Only reads, and nothing is measured.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_codedeploy::types::DeploymentGroupInfo;
use common::aws::Aws;
use common::failure::Hints;
use gate::Stage;
use gate::cloud::CloudProbes as _;

use crate::cloud::{Cloud, DescribedRelease, EcsRelease};
use crate::codedeploy;
use crate::ecs;
use crate::event::EcsEvent;
use crate::facts::KnownFacts;
use crate::flow::GateFunction;
use crate::lookup::{LookupContext, LookupError};
use crate::settings::Settings;

/// For a look-up that costs a fact if it fails.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(20);

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployed {
    /// The last deployment of a group of CodeDeploy.
    Group {
        /// The application.
        application: String,
        /// The deployment group.
        group: String,
    },
    /// The last deployment of a service by ECS itself.
    Service {
        /// The cluster.
        cluster: String,
        /// The service.
        service: String,
    },
}

/// What AWS holds of its last deployment, and which one that is.
///
/// # Errors
/// If the deployment can't be found: why, and what to do.
pub async fn wiring_facts(
    aws: Aws,
    settings: Settings,
    deployed: &Deployed,
) -> Result<(String, wiring::Facts), String> {
    let context = LookupContext {
        aws: &aws,
        timeout: LOOKUP_TIMEOUT,
    };
    let (id, release, known) = match deployed {
        Deployed::Group { application, group } => {
            of_group(context, &settings, application, group).await
        }
        Deployed::Service { cluster, service } => of_service(context, cluster, service).await,
    }
    .map_err(|error| error.to_string())?;
    let function = GateFunction {
        stage: Stage::PostTraffic,
        settings: Ok(settings.without_places_to_write()),
        aws,
    };
    let cloud = Cloud {
        function: Arc::new(function),
        release,
        known,
    };
    let facts = cloud.wiring().await.map_err(|error| error.0)?;
    Ok((id, facts))
}

/// The functions that the AppSpec of a group's last deployment names as hooks: names or ARNs. None where the group has
/// deployed nothing yet.
///
/// # Errors
/// If these can't be found out: why, and what to do.
pub async fn hooked_functions(
    aws: &Aws,
    application: &str,
    group: &str,
) -> Result<Option<Vec<String>>, String> {
    let read = async {
        let described = codedeploy::group(aws, application, group).await?;
        let Some(last) = last_deployment(&described) else {
            return Ok(None);
        };
        let deployment = codedeploy::deployment::read(aws, &last).await?;
        let spec = codedeploy::app_spec_source::read(aws, &deployment).await?;
        let functions = spec.hooks.into_iter().map(|hook| hook.function);
        Ok(Some(functions.collect()))
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
    let last = last_deployment(&described).ok_or_else(|| {
        LookupError::Missing(format!(
            "the deployment group {application}/{group} has deployed nothing yet, so there is no revision to look at"
        ))
    })?;
    let deployment = codedeploy::deployment::read(context.aws, &last).await?;
    let (release, known) = codedeploy::release(context, settings.tcp_scheme, &deployment).await?;
    Ok((last, release, known))
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
    let aws = context.aws;
    let call = format!("ListServiceDeployments {cluster}/{service}");
    let listed = aws
        .ecs()
        .list_service_deployments()
        .cluster(cluster)
        .service(service)
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call.clone(),
            Hints {
                permission: "ecs:ListServiceDeployments",
                absent: "check the names of cluster and service, the account and the region",
            },
        ))?;
    // The newest is the first.
    let newest = listed.service_deployments().first();
    let arn = newest.and_then(|brief| brief.service_deployment_arn());
    let arn = arn.ok_or_else(|| {
        LookupError::Missing(format!(
            "{call} returned nothing: the service was deployed by another controller, or not in the last 90 days"
        ))
    })?;
    let deployment = ecs::deployment::read(aws, arn).await?;
    let target = deployment.described.target_service_revision();
    let event = EcsEvent {
        execution_id: String::new(),
        lifecycle_stage: String::new(),
        deployment_arn: arn.to_owned(),
        target_revision_arn: target
            .and_then(|target| target.arn())
            .unwrap_or_default()
            .to_owned(),
        test_weights: Vec::new(),
        production_weights: Vec::new(),
        suite: None,
        run: None,
    };
    let revisions = ecs::deployment::revisions(aws, &event, &deployment).await?;
    let known = ecs::facts_of_release(context, &event, &revisions).await?;
    let (new, old) = revisions.described;
    let release = EcsRelease {
        deployment: deployment.described,
        new,
        old,
    };
    Ok((
        common::arn::last_name(arn).to_owned(),
        DescribedRelease::Ecs(Box::new(release)),
        known,
    ))
}
