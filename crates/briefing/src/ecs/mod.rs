//! What helps to decide about a paused deployment of ECS: the step, both revisions, how their task
//! definitions differ, what the gates said; and what a decision is bound to.
//!
//! Service revisions and revisions of task definitions never change, so their ARNs and the images'
//! digests say what would be deployed. Who could not be shown how the revisions differ has nothing to
//! approve. What must never be in it: the value of a variable, or of a secret.

mod differences;
mod shown;

use approvals::ecs;
use approvals::pipeline::PipelineError;
use approvals::{
    Briefing, CodeDeployDeployment, DeploymentBriefing, DeploymentStatus, ExecutionOutcome,
    ExecutionStatus, Gap, GateReport, Lookup, PausedDeployment, ShownDigest,
};
use aws_sdk_ecs::types::{
    ServiceDeployment, ServiceRevision, ServiceRevisionSummary, TaskDefinition,
};
use common::arn::last_name;
use common::aws::Aws;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

pub(crate) use self::shown::shown_now;
use self::shown::{describe, find, target_arn};
use crate::gates::{self, Deployment};
use crate::{Lookups, limits, text};

const MAX_ERROR_CHARS: usize = 600;

/// A pause as ECS describes it.
#[derive(Debug, Clone)]
pub struct Pause {
    /// What waits: the stage as its event says it, and what happens at the end as ECS has it.
    pub paused: PausedDeployment,
    /// Whether it still waits for an answer.
    pub open: bool,
    /// When ECS gives up waiting.
    pub expires: Option<Timestamp>,
    /// What helps to decide.
    pub briefing: Briefing,
    /// What a decision is bound to.
    pub shown: ShownDigest,
}

/// Reads a pause and what helps to decide it. Only the deployment itself must be readable; what else
/// fails, or takes longer than the budget, is a gap.
pub async fn brief_pause(
    lookups: &Lookups<'_>,
    mut paused: PausedDeployment,
) -> Result<Pause, PipelineError> {
    let deadline = Instant::now() + lookups.budget;
    let deployment = ecs::read(lookups.aws, &paused.deployment_arn).await?;
    let open = ecs::is_open(&deployment, &paused);
    let hook = ecs::hook(&deployment, &paused);
    paused.timeout_action = hook.and_then(ecs::timeout_action);
    let expires = hook.and_then(ecs::expires);
    let (revisions, (gates, mut gaps)) = tokio::join!(
        timeout_at(deadline, revisions(lookups.aws, &deployment)),
        gates(lookups, &paused, deadline)
    );
    let revisions = match revisions {
        Ok(Ok(revisions)) => Ok(revisions),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the service revisions could not be read in time".to_owned()),
    };
    let (differences, shown) = match revisions {
        Ok(revisions) => (
            differences::between(revisions.old.as_ref(), &revisions.new),
            shown::of(&paused, Some(&revisions.new.revision)),
        ),
        Err(why) => {
            gaps.push(Gap {
                what: Lookup::Deployment,
                why: text::line(&why, limits::MAX_WHY_CHARS),
            });
            (Vec::new(), shown::of(&paused, None))
        }
    };
    let weight = |percent: Option<f64>| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage"
        )]
        percent.map(|percent| percent.clamp(0.0, 100.0).round() as u32)
    };
    let target = deployment.target_service_revision();
    let configuration = deployment.deployment_configuration();
    let briefing = Briefing {
        deployment: Some(DeploymentBriefing {
            strategy: configuration
                .and_then(|configuration| configuration.strategy())
                .map(|strategy| text::line(strategy.as_str(), 40)),
            production_percent: weight(
                target.and_then(ServiceRevisionSummary::requested_production_traffic_weight),
            ),
            old_revision: old_arn(&deployment).map(shown_name),
            new_revision: target.and_then(|target| target.arn()).map(shown_name),
            differences,
        }),
        gates,
        gaps,
        ..Briefing::default()
    };
    Ok(Pause {
        paused,
        open,
        expires,
        briefing: limits::fit(briefing),
        shown,
    })
}

/// What a decision about a pause that ECS can't be asked about is bound to: nothing, so that there is no
/// yes.
pub fn nothing_shown(why: &str) -> (Briefing, ShownDigest) {
    let briefing = Briefing {
        gaps: vec![Gap {
            what: Lookup::Deployment,
            why: text::line(why, limits::MAX_WHY_CHARS),
        }],
        ..Briefing::default()
    };
    (briefing, shown::nothing())
}

/// A revision with its task definition.
struct DescribedRevision {
    revision: ServiceRevision,
    task: TaskDefinition,
}

/// Both revisions of a deployment; none before the first.
struct Revisions {
    old: Option<DescribedRevision>,
    new: DescribedRevision,
}

async fn revisions(aws: &Aws, deployment: &ServiceDeployment) -> Result<Revisions, PipelineError> {
    let new = target_arn(deployment)?;
    let old = old_arn(deployment);
    let arns = std::iter::once(new).chain(old).map(str::to_owned);
    let found = describe(aws, arns.collect()).await?;
    let new = described(aws, find(found.clone(), new)?);
    let old = async {
        match old {
            Some(arn) => described(aws, find(found, arn)?).await.map(Some),
            None => Ok(None),
        }
    };
    let (new, old) = tokio::try_join!(new, old)?;
    Ok(Revisions { old, new })
}

async fn described(
    aws: &Aws,
    revision: ServiceRevision,
) -> Result<DescribedRevision, PipelineError> {
    let arn = revision.task_definition().unwrap_or_default().to_owned();
    let what = || format!("the task definition {arn}");
    let task = common::ecs::task_definition(aws, &arn).await;
    let task = task
        .map_err(|error| PipelineError::call(what(), "ecs:DescribeTaskDefinition", &error))?
        .ok_or_else(|| PipelineError::Absent { what: what() })?;
    Ok(DescribedRevision { revision, task })
}

fn old_arn(deployment: &ServiceDeployment) -> Option<&str> {
    let target = deployment.target_service_revision();
    let new = target.and_then(|target| target.arn());
    let mut sources = deployment.source_service_revisions().iter();
    sources.find_map(|source| source.arn().filter(|arn| Some(*arn) != new))
}

fn shown_name(arn: &str) -> String {
    text::line(last_name(arn), 128)
}

/// What the gates said of the same deployment.
async fn gates(
    lookups: &Lookups<'_>,
    paused: &PausedDeployment,
    deadline: Instant,
) -> (Vec<GateReport>, Vec<Gap>) {
    let deployment = Deployment {
        application: paused.service.clone(),
        group: paused.cluster.clone(),
        id: paused.deployment_id().to_owned(),
        region: None,
    };
    if let Ok(found) = timeout_at(deadline, gates::reports(lookups, &deployment)).await {
        return found;
    }
    let gap = Gap {
        what: Lookup::GateReport,
        why: "the gates' reports could not be read in time".to_owned(),
    };
    (Vec::new(), vec![gap])
}

/// What became of the deployment after the decision. Only the deployment itself must be readable.
pub async fn pause_outcome(
    lookups: &Lookups<'_>,
    paused: &PausedDeployment,
) -> Result<ExecutionOutcome, PipelineError> {
    let deadline = Instant::now() + lookups.budget;
    let deployment = ecs::read(lookups.aws, &paused.deployment_arn).await?;
    let status = ecs::outcome(&deployment);
    if status == ExecutionStatus::InProgress {
        return Ok(ExecutionOutcome::bare(status));
    }
    let (gates, gaps) = gates(lookups, paused, deadline).await;
    let rollback = deployment.rollback();
    let deployed = CodeDeployDeployment {
        application: paused.cluster.clone(),
        group: paused.service.clone(),
        deployment: text::line(paused.deployment_id(), 128),
        status: match status {
            ExecutionStatus::Succeeded => DeploymentStatus::Succeeded,
            ExecutionStatus::Failed => DeploymentStatus::Failed,
            ExecutionStatus::Stopped => DeploymentStatus::Stopped,
            ExecutionStatus::Superseded | ExecutionStatus::InProgress => DeploymentStatus::Unknown,
        },
        rolled_back: rollback.map(|rollback| {
            let to = rollback.service_revision_arn().unwrap_or_default();
            shown_name(to)
        }),
        error: Some(deployment.status_reason().unwrap_or_default())
            .filter(|reason| status != ExecutionStatus::Succeeded && !reason.is_empty())
            .map(|reason| text::line(reason, MAX_ERROR_CHARS)),
        gates,
    };
    Ok(ExecutionOutcome {
        deployments: vec![deployed],
        gaps,
        ..ExecutionOutcome::bare(status)
    })
}
