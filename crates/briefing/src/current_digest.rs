//! What a decision would be bound to now. Asked at decision time, and compared with what was shown.

use std::time::Duration;

use approvals::decide::BoxFuture;
use approvals::pipeline::{PipelineError, every_action_of, execution_of};
use approvals::{ApprovalAction, Case, PausedDeployment, ShownDigest, Source};
use common::aws::Aws;
use futures::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::actions::Actions;
use crate::brief::basis_of;
use crate::change_sets::{self, ChangeSetRef, FoundChangeSet, PageError, ReadOptions};
use crate::digest::{self, DigestInput, Revisions};
use crate::ecs;

/// The time for all of it. Longer than a briefing's: a decision that can't be compared is none, and
/// somebody would have to click again.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// What the decision of a case would be bound to now: [`shown_now`] as [`approvals::decide`] takes it.
pub fn shown_now_of<'c>(
    aws: &'c Aws,
    case: &'c Case,
    execution_id: &'c str,
) -> BoxFuture<'c, Result<ShownDigest, PipelineError>> {
    match &case.source {
        Source::Pipeline(action) => Box::pin(shown_now(aws, action, execution_id, &case.shown)),
        Source::Ecs(paused) => Box::pin(pause_shown_now(aws, paused)),
        // The case's id is made from everything that was shown, and the gate reads answers to that id alone.
        Source::Gate(_) => Box::pin(std::future::ready(Ok(case.shown.clone()))),
    }
}

/// The same of a paused deployment.
async fn pause_shown_now(
    aws: &Aws,
    paused: &PausedDeployment,
) -> Result<ShownDigest, PipelineError> {
    match timeout(LOOKUP_TIMEOUT, ecs::shown_now(aws, paused)).await {
        Ok(shown) => shown,
        Err(_) => Err(PipelineError::Call {
            what: format!("what was shown of {paused}"),
            permission: "ecs:DescribeServiceDeployments and ecs:DescribeServiceRevisions",
            detail: format!("no answer within {LOOKUP_TIMEOUT:?}"),
            transient: true,
        }),
    }
}

/// What a decision would be bound to now, as far as it was known when the message was sent: equal to `earlier`
/// exactly if nothing of what was shown has changed.
///
/// What was unknown then ([`ShownDigest::unknown`]) was shown to nobody and is not compared; whether
/// anything may be approved without it is not decided here. A change set that
/// is gone makes a difference; a look-up that fails makes an error, never an equality.
pub async fn shown_now(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    earlier: &ShownDigest,
) -> Result<ShownDigest, PipelineError> {
    if is_unknown(earlier, digest::EXECUTION) {
        return Ok(earlier.clone());
    }
    let comparison = Comparison {
        aws,
        action,
        execution_id,
        earlier,
    };
    match timeout(LOOKUP_TIMEOUT, comparison.read()).await {
        Ok(shown) => shown,
        Err(_) => Err(PipelineError::Call {
            what: format!("what was shown of execution {execution_id}"),
            permission: "codepipeline:GetPipelineExecution, codepipeline:ListActionExecutions and cloudformation:DescribeChangeSet",
            detail: format!("no answer within {LOOKUP_TIMEOUT:?}"),
            transient: true,
        }),
    }
}

fn is_unknown(earlier: &ShownDigest, part: &str) -> bool {
    earlier.unknown.iter().any(|unknown| unknown == part)
}

struct Comparison<'a> {
    aws: &'a Aws,
    action: &'a ApprovalAction,
    execution_id: &'a str,
    earlier: &'a ShownDigest,
}

impl Comparison<'_> {
    async fn read(&self) -> Result<ShownDigest, PipelineError> {
        let (revisions, sets) = tokio::try_join!(self.revisions(), self.change_sets())?;
        let basis = DigestInput {
            action: self.action,
            execution_id: self.execution_id,
            revisions,
            sets: sets.as_ref().map(|(sets, _)| sets.as_slice()),
            more: sets.as_ref().map_or(0, |(_, more)| *more),
        };
        Ok(basis.shown())
    }

    async fn revisions(&self) -> Result<Option<Revisions>, PipelineError> {
        if is_unknown(self.earlier, digest::UNKNOWN_REVISIONS) {
            return Ok(None);
        }
        let execution = execution_of(self.aws, &self.action.pipeline, self.execution_id).await?;
        Ok(Some(basis_of(&execution)))
    }

    /// Those that are looked at, and how many more there are.
    async fn change_sets(&self) -> Result<Option<(Vec<FoundChangeSet>, usize)>, PipelineError> {
        if is_unknown(self.earlier, digest::CHANGE_SETS) {
            return Ok(None);
        }
        let details = every_action_of(self.aws, &self.action.pipeline, self.execution_id).await?;
        let (reference, more) = change_sets::pending(&Actions::of(&details), self.action);
        let abreast = Semaphore::new(change_sets::MAX_CONCURRENT);
        let how = ReadOptions {
            aws: self.aws,
            deadline: Instant::now() + LOOKUP_TIMEOUT,
            abreast: &abreast,
        };
        let found = reference
            .into_iter()
            .map(|reference| self.change_set(how, reference));
        Ok(Some((try_join_all(found).await?, more)))
    }

    /// As much of one change set as was known when the message was sent.
    async fn change_set(
        &self,
        how: ReadOptions<'_>,
        reference: ChangeSetRef,
    ) -> Result<FoundChangeSet, PipelineError> {
        if is_unknown(self.earlier, &digest::whole_set(&reference)) {
            return Ok(FoundChangeSet::unread(reference));
        }
        if is_unknown(self.earlier, &digest::content_of(&reference)) {
            let id = match change_sets::read_id(how, &reference).await {
                Ok(id) => id,
                Err(PageError { gone: true, .. }) => None,
                Err(unread) => return Err(unread.error),
            };
            return Ok(FoundChangeSet {
                id,
                ..FoundChangeSet::unread(reference)
            });
        }
        let found = change_sets::read(how, reference).await;
        match &found.failed {
            Some(unread) if !unread.gone => Err(unread.error.clone()),
            _ => Ok(found),
        }
    }
}
