//! The deployment that called: what a gate needs of it, and whether a gate can stand there at all.

use aws_sdk_codedeploy::types::{
    DeploymentCreator, DeploymentInfo, DeploymentStatus, RevisionLocation,
};
use common::aws::Aws;
use jiff::Timestamp;

use super::rollback;
use crate::lookup::LookupError;

/// The deployment that called, as far as a gate needs it.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    /// `d-…`
    pub id: String,
    /// The CodeDeploy application.
    pub application: String,
    /// The deployment group.
    pub group: String,
    /// Set when this deployment undoes that one.
    pub rollback_of: Option<String>,
    /// Set when it is over already, with how it ended.
    pub ended: Option<String>,
    /// When it began.
    pub begun: Option<Timestamp>,
    pub(super) revision: Option<RevisionLocation>,
}

impl Deployment {
    /// One in progress, for tests.
    #[cfg(test)]
    pub(super) fn sample(id: &str, begun: Option<Timestamp>) -> Self {
        Self {
            id: id.to_owned(),
            application: "shop".to_owned(),
            group: "production".to_owned(),
            rollback_of: None,
            ended: None,
            begun,
            revision: None,
        }
    }
}

/// Reads the deployment.
pub(crate) async fn read(aws: &Aws, id: &str) -> Result<Deployment, LookupError> {
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
            "codedeploy:GetDeployment",
            absent(id),
        ))?
        .deployment_info
        .ok_or_else(|| LookupError::Missing(format!("GetDeployment {id} returned nothing")))?;
    if let Some(unsupported) = unsupported(&info) {
        return Err(LookupError::Missing(unsupported.to_owned()));
    }
    let rollback_of = rollback::undone_by(&info);
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
        ended: ended(&info),
        begun: info
            .create_time()
            .and_then(|time| Timestamp::from_second(time.secs()).ok()),
        revision: info.revision,
    })
}

/// The ids of the events in `events/`.
const SAMPLE_IDS: [&str; 2] = ["d-ABCDEF123", "d-LMNOPQ456"];

/// What to do where a deployment does not exist.
pub(crate) fn absent(id: &str) -> &'static str {
    if SAMPLE_IDS.contains(&id) {
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
    (by_stack && bare && rollback::undone_by(info).is_none()).then_some(
        "this is a blue/green deployment of CloudFormation (AWS::CodeDeploy::BlueGreen), which is not supported: it has no AppSpec that a gate could read. Let CodeDeploy deploy the service by an AppSpec instead",
    )
}

/// Pure: how the deployment ended, if it has.
fn ended(info: &DeploymentInfo) -> Option<String> {
    match info.status()? {
        ended @ (DeploymentStatus::Failed
        | DeploymentStatus::Stopped
        | DeploymentStatus::Succeeded) => Some(ended.as_str().to_owned()),
        _ => None,
    }
}
