//! A deployment of CodeDeploy, looked at by hand, in progress or over.
//!
//! No hook calls, so nothing says that the deployment waits where the gate's question can be asked. What can't be known to
//! reach the release is refused.

use aws_sdk_codedeploy::types::LifecycleEventStatus;
use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentStatus, LastDeploymentInfo};
use gate::{Stage, Suite};
use jiff::Timestamp;

use super::deployment::{self, Deployment};
use super::lifecycle_event::why_not;
use super::target::{DescribedDeployment, facts_of, of_gate};
use super::targets::lifecycle_events;
use crate::app_spec::Resource;
use crate::caller::{Prepared, Refusal};
use crate::cloud::NamedGroups;
use crate::listener::Scheme;
use crate::lookup::{LookupContext, LookupError};

/// The deployment of a group that its release is of: the last one, unless that has failed.
pub(crate) async fn of_group(
    context: LookupContext<'_>,
    application: &str,
    group: &str,
) -> Result<String, LookupError> {
    let described = super::group(context.aws, application, group).await?;
    let attempted = described.last_attempted_deployment();
    let last = if attempted.is_none_or(has_failed) {
        described.last_successful_deployment().or(attempted)
    } else {
        attempted
    };
    let id = last.and_then(LastDeploymentInfo::deployment_id);
    id.map(str::to_owned)
        .ok_or_else(|| nothing_deployed(application, group))
}

/// The group has no deployment.
pub(crate) fn nothing_deployed(application: &str, group: &str) -> LookupError {
    LookupError::Missing(format!(
        "the deployment group {application}/{group} has deployed nothing yet, so there is no revision to look at"
    ))
}

/// What the gate of this stage would measure of a deployment just now.
pub(crate) async fn prepare(
    context: LookupContext<'_>,
    (stage, tcp_scheme): (Stage, Option<Scheme>),
    id: &str,
    suite: Suite,
) -> Result<Prepared, Refusal> {
    let deployment = deployment::read(context.aws, id).await?;
    let described = DescribedDeployment::read(context, &deployment).await?;
    let refuse = |reason: String| Refusal::of(vec![reason], None);
    let is_function = matches!(described.spec.resource, Resource::LambdaFunction { .. });
    // Before traffic, a function is invoked by its version.
    if !(is_function && stage == Stage::PreTraffic) {
        superseded(&deployment, &described.group).map_err(refuse)?;
        shifted(stage, &described).map_err(refuse)?;
    }
    if is_function
        && stage == Stage::PostTraffic
        && deployment
            .ended
            .as_deref()
            .is_some_and(|end| end != "Succeeded")
    {
        let end = deployment.ended.unwrap_or_default();
        return Err(refuse(format!(
            "the deployment {id} has ended ({end}), so nobody knows whether its version has traffic; deploy again"
        )));
    }
    let mut known = facts_of(&deployment);
    let why = "no lifecycle event calls here; the deployment was named by hand".to_owned();
    known.learn("lifecycle_event", Err(why));
    let found = described
        .learn(context, (stage, tcp_scheme), &mut known)
        .await?;
    if found.is_some() {
        // No hook calls, so nothing says that the listener has shifted.
        let new = NamedGroups::of_targets(&described.targets).new;
        new.map_err(|why| refuse(format!("nobody knows which tasks are the release's: {why}")))?;
    }
    let target = of_gate(&known, found.as_ref()).map_err(refuse)?;
    let rollback = deployment.rollback_of.as_ref().map(|undone| {
        format!("the deployment rolls back {undone}: a gate would have let it pass without a measurement")
    });
    Ok(Prepared {
        assumed: found
            .and_then(|found| found.under_test.assumed)
            .into_iter()
            .collect(),
        notes: rollback.into_iter().collect(),
        release: described.release(&deployment),
        ..Prepared::new(suite, target)
    })
}

/// Why the group's listeners may belong to another deployment. Pure.
fn superseded(deployment: &Deployment, group: &DeploymentGroupInfo) -> Result<(), String> {
    let Some(last) = group.last_attempted_deployment() else {
        return Ok(());
    };
    let id = last.deployment_id().unwrap_or_default();
    let successful = group.last_successful_deployment();
    let is_last_good =
        successful.and_then(LastDeploymentInfo::deployment_id) == Some(&*deployment.id);
    let began = last
        .create_time()
        .and_then(|time| Timestamp::from_second(time.secs()).ok());
    // CodeDeploy may be slow to count one that has just begun.
    let is_older = matches!((began, deployment.begun), (Some(last), Some(own)) if last < own);
    if id == deployment.id || is_older || (is_last_good && has_failed(last)) {
        return Ok(());
    }
    Err(format!(
        "the deployment group has gone on to {id} since {}, so its listeners may lead to another release; name that one",
        deployment.id
    ))
}

fn has_failed(last: &LastDeploymentInfo) -> bool {
    matches!(
        last.status(),
        Some(DeploymentStatus::Failed | DeploymentStatus::Stopped)
    )
}

/// Why the traffic that the stage is about has not moved. Pure.
fn shifted(stage: Stage, described: &DescribedDeployment) -> Result<(), String> {
    let shift = match stage {
        Stage::PreTraffic => "AllowTestTraffic",
        Stage::PostTraffic => "AllowTraffic",
    };
    let mut events = lifecycle_events(&described.targets);
    let event = events.find(|event| event.lifecycle_event_name() == Some(shift));
    match event.and_then(|event| event.status()) {
        Some(LifecycleEventStatus::Succeeded) => Ok(()),
        Some(status) => Err(format!(
            "the lifecycle event {shift} of the deployment is {}: {}; try again once it has succeeded",
            status.as_str(),
            why_not(stage, "")
        )),
        None => Err(format!(
            "CodeDeploy says nothing of the lifecycle event {shift} of the deployment, so nobody knows whose answers would be measured"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_codedeploy::primitives::DateTime;

    fn last(id: &str, status: DeploymentStatus, second: i64) -> LastDeploymentInfo {
        LastDeploymentInfo::builder()
            .deployment_id(id)
            .status(status)
            .create_time(DateTime::from_secs(second))
            .build()
    }

    fn judged(attempted: LastDeploymentInfo, successful: &str) -> Result<(), String> {
        let group = DeploymentGroupInfo::builder()
            .last_attempted_deployment(attempted)
            .last_successful_deployment(last(successful, DeploymentStatus::Succeeded, 1))
            .build();
        superseded(
            &Deployment::sample("d-2", Timestamp::from_second(100).ok()),
            &group,
        )
    }

    #[test]
    fn only_the_groups_last_deployment_or_the_one_before_a_failed_one_is_measured() {
        use DeploymentStatus::{Failed, InProgress, Succeeded};
        assert_eq!(judged(last("d-2", InProgress, 100), "d-1"), Ok(()));
        assert_eq!(
            judged(last("d-1", Succeeded, 50), "d-1"),
            Ok(()),
            "not counted yet"
        );
        assert_eq!(
            judged(last("d-3", Failed, 200), "d-2"),
            Ok(()),
            "the listeners are looked at"
        );
        assert!(judged(last("d-3", InProgress, 200), "d-2").is_err());
        assert!(judged(last("d-3", Succeeded, 200), "d-3").is_err());
        insta::assert_snapshot!(judged(last("d-3", Failed, 200), "d-1").unwrap_err(), @"the deployment group has gone on to d-3 since d-2, so its listeners may lead to another release; name that one");
    }
}
