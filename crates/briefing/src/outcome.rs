//! What became of an execution after its approval: did the release go live, or was it taken back, and
//! what did the gates say.

use approvals::pipeline::{PipelineError, every_action_of, execution_of};
use approvals::{
    ApprovalAction, CodeDeployDeployment, DeploymentStatus, ExecutionOutcome, ExecutionStatus,
    FailedAction, Gap, Lookup,
};
use aws_sdk_codedeploy::config::Region;
use aws_sdk_codedeploy::types::{DeploymentInfo, DeploymentStatus as CodeDeployStatus};
use aws_sdk_codepipeline::types::PipelineExecutionStatus;
use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::actions::{Action, ActionStatus, Actions};
use crate::gates::{self, Deployment};
use crate::tokens::without_tokens;
use crate::{Lookups, limits, text};

const MAX_NAME_CHARS: usize = 128;
const MAX_MESSAGE_CHARS: usize = 600;

/// What became of the execution after the approval. Only the execution itself must be readable; what
/// else fails, or takes longer than the budget, is a gap.
pub async fn outcome(
    lookups: &Lookups<'_>,
    action: &ApprovalAction,
    execution_id: &str,
) -> Result<ExecutionOutcome, PipelineError> {
    let deadline = Instant::now() + lookups.budget;
    let details = every_action_of(lookups.aws, &action.pipeline, execution_id);
    let (execution, details) = tokio::join!(
        execution_of(lookups.aws, &action.pipeline, execution_id),
        timeout_at(deadline, details),
    );
    let status = status(execution?.status());
    let why = match details {
        Ok(Ok(details)) => {
            let actions = Actions::of(&details);
            let collected = behind(lookups, action, &actions, status, deadline).await;
            let bare = ExecutionOutcome::bare(status);
            return Ok(without_tokens(collected, &actions.tokens).unwrap_or(bare));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the execution's actions could not be read in time".to_owned(),
    };
    let mut collected = ExecutionOutcome::bare(status);
    collected.gaps.push(gap(Lookup::Actions, &why));
    Ok(collected)
}

async fn behind(
    lookups: &Lookups<'_>,
    approval: &ApprovalAction,
    actions: &Actions,
    status: ExecutionStatus,
    deadline: Instant,
) -> ExecutionOutcome {
    let after = actions.after(approval);
    let (deployments, more) = gates::deployments(after);
    let found = join_all(
        deployments
            .iter()
            .map(|deployment| deployed(lookups, deployment, deadline)),
    )
    .await;
    let mut collected = ExecutionOutcome {
        failed_action: failed_action(actions),
        ..ExecutionOutcome::bare(status)
    };
    for (deployed, gaps) in found {
        collected.deployments.push(deployed);
        collected.gaps.extend(gaps);
    }
    if more > 0 {
        let why = format!("{more} more deployments of the execution were not looked at");
        collected.gaps.push(gap(Lookup::Actions, &why));
    }
    collected
}

/// One deployment with its gates; what can't be read is unknown, never a success.
async fn deployed(
    lookups: &Lookups<'_>,
    deployment: &Deployment,
    deadline: Instant,
) -> (CodeDeployDeployment, Vec<Gap>) {
    let (info, reports) = tokio::join!(
        timeout_at(deadline, info(lookups, deployment)),
        timeout_at(deadline, gates::reports(lookups, deployment)),
    );
    let mut gaps = Vec::new();
    let late = || format!("deployment {} could not be read in time", deployment.id);
    let info = match info {
        Ok(Ok(info)) => Some(info),
        Ok(Err(error)) => {
            gaps.push(gap(Lookup::Actions, &error.to_string()));
            None
        }
        Err(_) => {
            gaps.push(gap(Lookup::Actions, &late()));
            None
        }
    };
    let gates = if let Ok((reports, its_gaps)) = reports {
        gaps.extend(its_gaps);
        reports
    } else {
        gaps.push(gap(Lookup::GateReport, &late()));
        Vec::new()
    };
    let error = info.as_ref().and_then(|info| info.error_information());
    let rollback = info.as_ref().and_then(|info| info.rollback_info());
    let deployed = CodeDeployDeployment {
        application: text::line(&deployment.application, MAX_NAME_CHARS),
        group: text::line(&deployment.group, MAX_NAME_CHARS),
        deployment: deployment.id.clone(),
        status: deployment_status(info.as_ref().and_then(|info| info.status())),
        rolled_back: text::some_line(
            rollback.and_then(|rollback| rollback.rollback_deployment_id()),
            MAX_NAME_CHARS,
        ),
        error: text::some_line(error.and_then(|error| error.message()), MAX_MESSAGE_CHARS),
        gates,
    };
    (deployed, gaps)
}

async fn info(
    lookups: &Lookups<'_>,
    deployment: &Deployment,
) -> Result<DeploymentInfo, PipelineError> {
    let what = || format!("deployment {}", deployment.id);
    let permission = "codedeploy:GetDeployment";
    let mut call = lookups
        .aws
        .codedeploy()
        .get_deployment()
        .deployment_id(&deployment.id)
        .customize();
    if let Some(region) = &deployment.region {
        let region = Region::new(region.clone());
        call = call.config_override(aws_sdk_codedeploy::config::Builder::new().region(region));
    }
    call.send()
        .await
        .map_err(|error| PipelineError::call(what(), permission, &error))?
        .deployment_info
        .ok_or_else(|| PipelineError::Call {
            what: what(),
            permission,
            detail: "AWS's answer is empty".to_owned(),
            transient: true,
        })
}

/// The action that failed last, whichever it was: an approval that was refused, too.
fn failed_action(actions: &Actions) -> Option<FailedAction> {
    let failed = actions
        .all
        .iter()
        .filter(|action| action.status == ActionStatus::Failed)
        .max_by_key(|action| action.updated)?;
    Some(told_of(failed))
}

fn told_of(action: &Action) -> FailedAction {
    FailedAction {
        stage: text::line(&action.stage, MAX_NAME_CHARS),
        action: text::line(&action.name, MAX_NAME_CHARS),
        message: text::some_line(action.message.as_deref(), MAX_MESSAGE_CHARS),
        link: text::https(action.link.as_deref()),
    }
}

fn gap(what: Lookup, why: &str) -> Gap {
    Gap {
        what,
        why: text::line(why, limits::MAX_WHY_CHARS),
    }
}

/// A word that is not known is never a success.
fn status(status: Option<&PipelineExecutionStatus>) -> ExecutionStatus {
    use PipelineExecutionStatus as P;
    match status {
        Some(P::Succeeded) => ExecutionStatus::Succeeded,
        Some(P::Failed) => ExecutionStatus::Failed,
        Some(P::Stopped | P::Cancelled) => ExecutionStatus::Stopped,
        Some(P::Superseded) => ExecutionStatus::Superseded,
        _ => ExecutionStatus::InProgress,
    }
}

fn deployment_status(status: Option<&CodeDeployStatus>) -> DeploymentStatus {
    use CodeDeployStatus as C;
    match status {
        Some(C::Succeeded) => DeploymentStatus::Succeeded,
        Some(C::Failed) => DeploymentStatus::Failed,
        Some(C::Stopped) => DeploymentStatus::Stopped,
        Some(C::Created | C::Queued | C::InProgress | C::Baking | C::Ready) => {
            DeploymentStatus::InProgress
        }
        _ => DeploymentStatus::Unknown,
    }
}
