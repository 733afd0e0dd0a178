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
use common::aws::Aws;
use common::failure::{Cause, Failure, Hints};
use common::location::{self, Object};
use gate::Stage;
use strict_yaml::words;

use crate::appspec::{APP_SPEC_LIMIT, AppSpec, AppSpecError, Resource};
use crate::ecs::{self, Listeners, Wanted};
use crate::listener::Scheme;
use crate::target::{self, Known, note};
use crate::wiring;

/// Why the target could not be found; always fails the gate.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// A call failed.
    #[error("{call} failed: {detail}")]
    Call {
        /// Operation and what it was about.
        call: String,
        /// Why, as one of a few causes.
        cause: Cause,
        /// AWS's words and the remedy that fits the cause.
        detail: String,
    },
    /// The AppSpec is unusable.
    #[error(transparent)]
    AppSpec(#[from] AppSpecError),
    /// Something is not there that the gate needs.
    #[error("{0}")]
    Missing(String),
}

impl LookupError {
    /// For `map_err`: the call that failed, with the remedy that fits why it failed.
    pub(crate) fn of<E>(
        aws: &Aws,
        call: impl Into<String>,
        hints: Hints<'_>,
    ) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| {
            let failure = Failure::of(&error);
            Self::Call {
                call: call.into(),
                cause: failure.cause,
                detail: failure.sentence(aws.identity(), hints),
            }
        }
    }
}

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
    /// A look-up that costs only a fact when it fails or is slow. The error is a sentence for whoever
    /// misses that fact.
    pub(crate) async fn best_effort<T, E>(
        &self,
        what: &str,
        hints: Hints<'_>,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, String>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let why = match tokio::time::timeout(self.patience, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Failure::of(&error).sentence(self.aws.identity(), hints),
            Err(_) => format!("no answer in {}", words::duration(self.patience)),
        };
        let sentence = format!("{what} failed: {why}");
        tracing::warn!("{sentence}");
        Err(sentence)
    }
}

/// What is deployed and where it answers.
#[derive(Debug, Clone)]
pub struct Found {
    /// What is known, by the names of [`gate::TARGET_KEYS`], and why the rest is not.
    pub known: Known,
    /// The listeners; none on the Lambda platform.
    pub listeners: Option<Listeners>,
    /// Whether the AppSpec hooks the post-traffic gate that the asker knows.
    pub hooks_post_traffic: bool,
}

/// Who asks for a target.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The gate.
    pub stage: Stage,
    /// The function's name.
    pub function: &'a str,
    /// The setting for listeners that don't say what they speak.
    pub tcp_scheme: Option<Scheme>,
    /// The name of the post-traffic gate, for the one that stands before it.
    pub post_traffic: Option<&'a str>,
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
        .map_err(LookupError::of(
            aws,
            format!("GetDeployment {id}"),
            Hints {
                permission: "codedeploy:GetDeployment",
                absent: absent_deployment(id),
            },
        ))?
        .deployment_info
        .ok_or_else(|| LookupError::Missing(format!("GetDeployment {id} returned nothing")))?;
    if let Some(unsupported) = unsupported(&info) {
        return Err(LookupError::Missing(unsupported.to_owned()));
    }
    let rollback_of = rollback_of(&info);
    let name = |value: Option<&str>, what| match value {
        Some(value) => Ok(value.to_owned()),
        // Nothing is asked of it.
        None if rollback_of.is_some() => Ok(String::new()),
        None => Err(LookupError::Missing(format!(
            "GetDeployment {id} returned no {what}"
        ))),
    };
    let application = name(info.application_name(), "application")?;
    let group = name(info.deployment_group_name(), "deployment group")?;
    Ok(Deployment {
        id: id.to_owned(),
        application,
        group,
        rollback_of,
        over: over(&info),
        revision: info.revision,
    })
}

/// The ids of the events in `events/`.
const SAMPLES: [&str; 2] = ["d-ABCDEF123", "d-LMNOPQ456"];

/// What to do where a deployment does not exist.
pub(crate) fn absent_deployment(id: &str) -> &'static str {
    if SAMPLES.contains(&id) {
        return "this is a sample event: put the DeploymentId of a deployment of yours that is in progress into it, and the LifecycleEventHookExecutionId that CodeDeploy sent for it";
    }
    "check the DeploymentId of the event, and that this function runs in the deployment's account and region"
}

/// Pure: what kind of deployment this is, if it is one that has no AppSpec to read.
fn unsupported(info: &DeploymentInfo) -> Option<&'static str> {
    // CloudFormation also starts the deployments of SAM's Lambda functions; those have both.
    let by_stack = matches!(
        info.creator(),
        Some(DeploymentCreator::CloudFormation | DeploymentCreator::CloudFormationRollback)
    );
    let bare = info.deployment_group_name().is_none() || info.revision().is_none();
    (by_stack && bare && rollback_of(info).is_none()).then_some(
        "this is a blue/green deployment of CloudFormation (AWS::CodeDeploy::BlueGreen), which is not supported: it has no AppSpec that a gate could read. Let CodeDeploy deploy the service by an AppSpec instead",
    )
}

/// Pure: the deployment that this one undoes, if it is an automatic rollback.
fn rollback_of(info: &DeploymentInfo) -> Option<String> {
    let triggering = info
        .rollback_info()
        .and_then(|rollback| rollback.rollback_triggering_deployment_id())
        .filter(|id| !id.is_empty());
    let by_rollback = matches!(
        info.creator(),
        Some(DeploymentCreator::CodeDeployRollback | DeploymentCreator::CloudFormationRollback)
    );
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

/// Finds the target of `deployment` for the gate that asks.
pub async fn target(
    reach: Reach<'_>,
    asker: Asker<'_>,
    deployment: &Deployment,
) -> Result<Found, LookupError> {
    let aws = reach.aws;
    let Asker {
        stage, function, ..
    } = asker;
    let (spec, group, targets) = tokio::join!(
        app_spec(aws, deployment),
        deployment_group(aws, deployment),
        targets(reach, &deployment.id),
    );
    let (spec, group) = (spec?, group?);
    let running = target::events_in_progress(&targets);
    let event =
        wiring::lifecycle_event(stage, &spec, function, &running).map_err(LookupError::Missing)?;
    let mut known = Known::default();
    let facts = &mut known.facts;
    note(facts, "application", Some(&deployment.application));
    note(facts, "deployment_group", Some(&deployment.group));
    note(facts, "deployment_id", Some(&deployment.id));
    note(facts, "lifecycle_event", Some(event));
    let listeners = match &spec.resource {
        Resource::EcsService { .. } => {
            let wanted = Wanted {
                stage,
                resource: &spec.resource,
                group: &group,
                tcp_scheme: asker.tcp_scheme,
            };
            Some(ecs::describe(reach, &wanted, &targets, &mut known).await?)
        }
        Resource::LambdaFunction {
            name,
            alias,
            current_version,
            target_version,
        } => {
            known.on_platform("Lambda", target::ECS_KEYS);
            let facts = &mut known.facts;
            note(facts, "function", Some(name));
            note(facts, "alias", Some(alias));
            note(facts, "current_version", Some(current_version));
            note(facts, "target_version", Some(target_version));
            note(facts, "version", Some(target_version));
            note(facts, "old_version", Some(current_version));
            None
        }
    };
    let hooks_post_traffic = asker.post_traffic.is_some_and(|function| {
        let mut events = spec.events_of(function);
        events.any(|event| event.eq_ignore_ascii_case("AfterAllowTraffic"))
    });
    Ok(Found {
        known,
        listeners,
        hooks_post_traffic,
    })
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
        .map_err(LookupError::of(
            aws,
            format!("GetApplicationRevision for {application}"),
            Hints {
                permission: "codedeploy:GetApplicationRevision",
                absent: "the revision is gone: was the application deleted or renamed?",
            },
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
    let object = Object {
        bucket,
        key,
        version: place.and_then(|place| place.version()),
    };
    let call = format!("GetObject s3://{bucket}/{key} (the AppSpec)");
    let absent = "the AppSpec is gone: was it deleted since the deployment began?";
    let bytes = object.read(aws, APP_SPEC_LIMIT).await.map_err(|error| {
        let detail = error.sentence(aws, absent);
        LookupError::Missing(format!("{call} failed: {detail}"))
    })?;
    location::text(bytes).map_err(|problem| LookupError::Missing(format!("{call}: {problem}")))
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
        .map_err(LookupError::of(
            aws,
            call(),
            Hints {
                permission: "codedeploy:GetDeploymentGroup",
                absent: "the group is gone: was it deleted or renamed?",
            },
        ))?
        .deployment_group_info
        .ok_or_else(|| LookupError::Missing(format!("{} returned nothing", call())))
}

/// The deployment's targets; none where they can't be had.
async fn targets(reach: Reach<'_>, id: &str) -> Vec<DeploymentTarget> {
    let client = reach.aws.codedeploy();
    let hints = |permission| Hints {
        permission,
        absent: "the deployment has no targets",
    };
    let list = client.list_deployment_targets().deployment_id(id).send();
    let listed = reach.best_effort(
        "ListDeploymentTargets",
        hints("codedeploy:ListDeploymentTargets"),
        list,
    );
    let Ok(listed) = listed.await else {
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
    let read = reach.best_effort(
        "BatchGetDeploymentTargets",
        hints("codedeploy:BatchGetDeploymentTargets"),
        read.send(),
    );
    let read = read.await.ok();
    read.and_then(|answer| answer.deployment_targets)
        .unwrap_or_default()
}
