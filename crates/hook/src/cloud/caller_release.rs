//! What a caller found out about its release, as AWS said it.

use std::time::Duration;

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentTarget, EcsTarget, TargetLabel};
use aws_sdk_ecs::types::{ServiceDeployment, ServiceRevision};
use jiff::Timestamp;

use crate::app_spec::AppSpec;

/// A release, as its caller describes it.
#[derive(Debug, Clone)]
pub(crate) enum DescribedRelease {
    /// One that CodeDeploy deploys.
    CodeDeploy(Box<CodeDeployRelease>),
    /// One that ECS deploys itself.
    Ecs(Box<EcsRelease>),
    /// A pipeline says only what its parameters say.
    Pipeline,
}

/// What CodeDeploy says of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct CodeDeployRelease {
    pub(crate) spec: AppSpec,
    pub(crate) group: DeploymentGroupInfo,
    pub(crate) targets: Vec<DeploymentTarget>,
    /// When it began.
    pub(crate) begun: Option<Timestamp>,
    /// It has ended.
    pub(crate) is_over: bool,
}

/// What ECS says of its own deployment.
#[derive(Debug, Clone)]
pub(crate) struct EcsRelease {
    pub(crate) deployment: ServiceDeployment,
    pub(crate) new: ServiceRevision,
    /// None at a service's first deployment.
    pub(crate) old: Option<ServiceRevision>,
}

/// The target groups of a release, as the deployment names them: by name or ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedGroups {
    pub(crate) new: Result<String, String>,
    pub(crate) old: Result<String, String>,
    /// How many tasks of the release there are to be.
    pub(crate) desired: Result<u32, String>,
}

impl DescribedRelease {
    /// When the deployment began: nothing from before says anything of it.
    pub(crate) fn begun(&self) -> Option<Timestamp> {
        match self {
            Self::CodeDeploy(release) => release.begun,
            Self::Ecs(release) => {
                let deployment = &release.deployment;
                let begun = deployment.started_at().or(deployment.created_at());
                begun.and_then(timestamp)
            }
            Self::Pipeline => None,
        }
    }

    /// The target groups.
    pub(crate) fn target_groups(&self) -> NamedGroups {
        match self {
            Self::CodeDeploy(release) => NamedGroups::of_targets(&release.targets),
            Self::Ecs(release) => of_ecs(release),
            Self::Pipeline => NamedGroups::unknown(
                "a pipeline's action names no target group; let CodeDeploy or ECS call the gate",
            ),
        }
    }
}

impl NamedGroups {
    /// As CodeDeploy names them.
    pub(crate) fn of_targets(targets: &[DeploymentTarget]) -> Self {
        of_code_deploy(targets)
    }

    fn unknown(why: &str) -> Self {
        Self {
            new: Err(why.to_owned()),
            old: Err(why.to_owned()),
            desired: Err(why.to_owned()),
        }
    }
}

fn of_code_deploy(targets: &[DeploymentTarget]) -> NamedGroups {
    let sets = targets.iter();
    let sets: Vec<_> = sets
        .filter_map(|target| target.ecs_target())
        .flat_map(EcsTarget::task_sets_info)
        .collect();
    let labelled = |label: &TargetLabel| {
        sets.iter()
            .find(|set| set.task_set_label() == Some(label))
            .ok_or_else(|| {
                format!(
                    "CodeDeploy names no task set {} of the deployment",
                    label.as_str()
                )
            })
    };
    let group = |label: &TargetLabel| {
        let set = labelled(label)?;
        let name = set.target_group().and_then(|group| group.name());
        name.map(str::to_owned).ok_or_else(|| {
            format!(
                "CodeDeploy names no target group of the task set {}",
                label.as_str()
            )
        })
    };
    NamedGroups {
        new: group(&TargetLabel::Green),
        old: group(&TargetLabel::Blue),
        desired: labelled(&TargetLabel::Green)
            .map(|set| u32::try_from(set.desired_count()).unwrap_or_default()),
    }
}

fn of_ecs(release: &EcsRelease) -> NamedGroups {
    let group = |revision: &ServiceRevision| {
        let resolved = revision.resolved_configuration();
        let balancers = resolved.map_or(&[][..], |resolved| resolved.load_balancers());
        // The one with a rule is the one that blue/green shifts.
        let balancer = balancers
            .iter()
            .find(|balancer| balancer.production_listener_rule().is_some())
            .or(balancers.first());
        let arn = balancer.and_then(|balancer| balancer.target_group_arn());
        arn.map(str::to_owned).ok_or_else(|| {
            "ECS does not say which target group the revision has; give the service a load balancer"
                .to_owned()
        })
    };
    let wanted = release.deployment.target_service_revision();
    NamedGroups {
        new: group(&release.new),
        old: match &release.old {
            Some(old) => group(old),
            None => Err("there is no earlier revision".to_owned()),
        },
        desired: wanted
            .and_then(|revision| u32::try_from(revision.requested_task_count()).ok())
            .ok_or_else(|| "ECS does not say how many tasks the revision is to have".to_owned()),
    }
}

/// An instant as AWS gives it.
pub(crate) fn timestamp(time: &aws_sdk_ecs::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}

/// The instant a `window` before `now`, but not before `begun`.
pub(crate) fn window_start(
    now: Timestamp,
    window: Duration,
    begun: Option<Timestamp>,
) -> Timestamp {
    let start = now.saturating_sub(window).unwrap_or(now);
    begun.map_or(start, |begun| start.max(begun).min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_never_begins_before_the_deployment() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let minute = Duration::from_mins(1);
        assert_eq!(window_start(at(1_000), minute, None), at(940));
        assert_eq!(window_start(at(1_000), minute, Some(at(970))), at(970));
        assert_eq!(window_start(at(1_000), minute, Some(at(100))), at(940));
        assert_eq!(window_start(at(1_000), minute, Some(at(2_000))), at(1_000));
    }
}
