//! Finds the target: from a deployment id to what is deployed and where it answers.
//!
//! What the gate can't do without (deployment, AppSpec, deployment group, listener) is required, and
//! its absence fails the gate with the reason. The rest (images, versions, the old task set) is best
//! effort: a look-up that fails costs a fact, and only a check that uses the fact notices.

use std::future::Future;
use std::time::Duration;

use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codedeploy::types::{
    DeploymentCreator, DeploymentGroupInfo, DeploymentInfo, DeploymentStatus, DeploymentTarget,
    RevisionLocation, RevisionLocationType,
};
use common::aws::{Aws, explain};
use gate::Stage;

use crate::appspec::{AppSpec, AppSpecError, Resource};
use crate::ecs::{self, Wanted};
use crate::target::{self, Facts, note};
use crate::wiring;

/// Why the target could not be found; always fails the gate.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// A call failed.
    #[error("{call} failed: {detail}; the function's role needs {permission}")]
    Call {
        /// Operation and what it was about.
        call: String,
        /// AWS's code and message.
        detail: String,
        /// The IAM action.
        permission: &'static str,
    },
    /// The AppSpec is unusable.
    #[error(transparent)]
    AppSpec(#[from] AppSpecError),
    /// Something is not there that the gate needs.
    #[error("{0}")]
    Missing(String),
}

/// Shortens the making of [`LookupError::Call`].
macro_rules! failed {
    ($call:expr, $permission:literal) => {
        |error| $crate::lookup::LookupError::Call {
            call: $call,
            detail: common::aws::explain(&error),
            permission: $permission,
        }
    };
}

pub(crate) use failed;

/// The deployment that called, as far as a gate needs it.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `d-…`
    pub id: String,
    /// The CodeDeploy application.
    pub application: String,
    /// The deployment group.
    pub group: String,
    /// Set when this deployment undoes that one.
    pub rollback_of: Option<String>,
    /// Set when it is over already, with how it ended.
    pub over: Option<String>,
    revision: Option<RevisionLocation>,
}

/// How look-ups are made.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// How long a best-effort look-up may take, so that it never costs the gate its time.
    pub patience: Duration,
}

impl Reach<'_> {
    /// A look-up that costs only a fact when it fails or is slow.
    pub(crate) async fn best_effort<T, E>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Option<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match tokio::time::timeout(self.patience, call).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => tracing::warn!(error = explain(&error), "{what} failed"),
            Err(_) => tracing::warn!("{what} gave no answer in {:?}", self.patience),
        }
        None
    }
}

/// What is deployed and where it answers.
#[derive(Debug, Clone)]
pub struct Found {
    /// What is known, by the names of [`gate::TARGET_KEYS`].
    pub facts: Facts,
    /// The listener under test; none on the Lambda platform.
    pub url: Option<String>,
}

/// Reads the deployment.
pub async fn deployment(aws: &Aws, id: &str) -> Result<Deployment, LookupError> {
    let answer = aws
        .codedeploy()
        .get_deployment()
        .deployment_id(id)
        .send()
        .await;
    let info = answer
        .map_err(failed!(
            format!("GetDeployment {id}"),
            "codedeploy:GetDeployment"
        ))?
        .deployment_info
        .ok_or_else(|| LookupError::Missing(format!("GetDeployment {id} returned nothing")))?;
    let name = |value: Option<&str>, what| {
        value
            .map(str::to_owned)
            .ok_or_else(|| LookupError::Missing(format!("GetDeployment {id} returned no {what}")))
    };
    Ok(Deployment {
        id: id.to_owned(),
        application: name(info.application_name(), "application")?,
        group: name(info.deployment_group_name(), "deployment group")?,
        rollback_of: rollback_of(&info),
        over: over(&info),
        revision: info.revision,
    })
}

/// Pure: the deployment that this one undoes, if it is an automatic rollback.
fn rollback_of(info: &DeploymentInfo) -> Option<String> {
    let triggering = info
        .rollback_info()
        .and_then(|rollback| rollback.rollback_triggering_deployment_id())
        .filter(|id| !id.is_empty());
    let by_rollback = info.creator() == Some(&DeploymentCreator::CodeDeployRollback);
    match (triggering, by_rollback) {
        (Some(id), _) => Some(id.to_owned()),
        (None, true) => Some("an earlier deployment".to_owned()),
        (None, false) => None,
    }
}

/// Pure: how the deployment ended, if it has.
fn over(info: &DeploymentInfo) -> Option<String> {
    match info.status()? {
        ended @ (DeploymentStatus::Failed
        | DeploymentStatus::Stopped
        | DeploymentStatus::Succeeded) => Some(ended.as_str().to_owned()),
        _ => None,
    }
}

/// Finds the target of `deployment` for a gate of `stage` in the function `function`.
pub async fn target(
    reach: Reach<'_>,
    stage: Stage,
    function: &str,
    deployment: &Deployment,
) -> Result<Found, LookupError> {
    let aws = reach.aws;
    let (spec, group, targets) = tokio::join!(
        app_spec(aws, deployment),
        deployment_group(aws, deployment),
        targets(reach, &deployment.id),
    );
    let (spec, group) = (spec?, group?);
    let running = target::events_in_progress(&targets);
    let event =
        wiring::lifecycle_event(stage, &spec, function, &running).map_err(LookupError::Missing)?;
    let mut facts = Facts::new();
    note(&mut facts, "application", Some(&deployment.application));
    note(&mut facts, "deployment_group", Some(&deployment.group));
    note(&mut facts, "deployment_id", Some(&deployment.id));
    note(&mut facts, "lifecycle_event", Some(event));
    let url = match &spec.resource {
        Resource::EcsService { .. } => {
            let wanted = Wanted {
                stage,
                resource: &spec.resource,
                group: &group,
            };
            Some(ecs::describe(reach, &wanted, &targets, &mut facts).await?)
        }
        Resource::LambdaFunction {
            name,
            alias,
            current_version,
            target_version,
        } => {
            note(&mut facts, "platform", Some("Lambda"));
            note(&mut facts, "function", Some(name));
            note(&mut facts, "alias", Some(alias));
            note(&mut facts, "current_version", Some(current_version));
            note(&mut facts, "target_version", Some(target_version));
            note(&mut facts, "version", Some(target_version));
            note(&mut facts, "old_version", Some(current_version));
            None
        }
    };
    Ok(Found { facts, url })
}

/// The AppSpec: from the deployment where it carries it, else from the stored revision, inline or
/// in S3.
async fn app_spec(aws: &Aws, deployment: &Deployment) -> Result<AppSpec, LookupError> {
    let revision = deployment.revision.as_ref().ok_or_else(|| {
        LookupError::Missing(format!("the deployment {} has no revision", deployment.id))
    })?;
    if let Some(text) = inline(revision) {
        return Ok(AppSpec::parse(text)?);
    }
    if revision.revision_type() == Some(&RevisionLocationType::S3) {
        return Ok(AppSpec::parse(&from_s3(aws, revision).await?)?);
    }
    let application = &deployment.application;
    let answer = aws
        .codedeploy()
        .get_application_revision()
        .application_name(application)
        .revision(revision.clone())
        .send()
        .await
        .map_err(failed!(
            format!("GetApplicationRevision for {application}"),
            "codedeploy:GetApplicationRevision"
        ))?;
    match answer.revision().and_then(inline) {
        Some(text) => Ok(AppSpec::parse(text)?),
        None => Err(LookupError::Missing(format!(
            "GetApplicationRevision for {application} returned no AppSpec content"
        ))),
    }
}

/// The AppSpec's text, where the revision carries it.
fn inline(revision: &RevisionLocation) -> Option<&str> {
    #[allow(
        deprecated,
        reason = "CodeDeploy still returns revisions of type String"
    )]
    let string = revision.string().and_then(|raw| raw.content());
    revision
        .app_spec_content()
        .and_then(|raw| raw.content())
        .or(string)
        .filter(|text| !text.trim().is_empty())
}

async fn from_s3(aws: &Aws, revision: &RevisionLocation) -> Result<String, LookupError> {
    let place = revision.s3_location();
    let (Some(bucket), Some(key)) = (
        place.and_then(|place| place.bucket()),
        place.and_then(|place| place.key()),
    ) else {
        return Err(LookupError::Missing(
            "the revision names no bucket and key".to_owned(),
        ));
    };
    let call = || format!("GetObject s3://{bucket}/{key} (the AppSpec)");
    let version = place.and_then(|place| place.version()).map(str::to_owned);
    let object = aws
        .s3()
        .get_object()
        .bucket(bucket)
        .key(key)
        .set_version_id(version)
        .send()
        .await
        .map_err(failed!(call(), "s3:GetObject"))?;
    let unreadable = |error: &dyn std::fmt::Display| {
        LookupError::Missing(format!("{} could not be read: {error}", call()))
    };
    let body = object
        .body
        .collect()
        .await
        .map_err(|error| unreadable(&error))?;
    String::from_utf8(body.into_bytes().to_vec()).map_err(|error| unreadable(&error))
}

async fn deployment_group(
    aws: &Aws,
    deployment: &Deployment,
) -> Result<DeploymentGroupInfo, LookupError> {
    let call = || {
        format!(
            "GetDeploymentGroup {}/{}",
            deployment.application, deployment.group
        )
    };
    aws.codedeploy()
        .get_deployment_group()
        .application_name(&deployment.application)
        .deployment_group_name(&deployment.group)
        .send()
        .await
        .map_err(failed!(call(), "codedeploy:GetDeploymentGroup"))?
        .deployment_group_info
        .ok_or_else(|| LookupError::Missing(format!("{} returned nothing", call())))
}

/// The deployment's targets; none where they can't be had.
async fn targets(reach: Reach<'_>, id: &str) -> Vec<DeploymentTarget> {
    let client = reach.aws.codedeploy();
    let list = client.list_deployment_targets().deployment_id(id).send();
    let Some(listed) = reach.best_effort("ListDeploymentTargets", list).await else {
        return Vec::new();
    };
    let ids = listed.target_ids.unwrap_or_default();
    if ids.is_empty() {
        return Vec::new();
    }
    let read = client
        .batch_get_deployment_targets()
        .deployment_id(id)
        .set_target_ids(Some(ids));
    let read = reach
        .best_effort("BatchGetDeploymentTargets", read.send())
        .await;
    read.and_then(|answer| answer.deployment_targets)
        .unwrap_or_default()
}
