//! One task an execution: it leads it through its stages and then ends.
//!
//! It decides nothing about entrances and ends; those are steps on the state (`stage_entry`, `state_changes`),
//! taken under its lock. It holds the lock across no await.

use futures::future::join_all;

use super::CodePipeline;
use super::model::{Execution, ExecutionStatus, RunStatus};

/// Which execution of which pipeline.
#[derive(Debug, Clone)]
pub(super) struct ExecutionKey {
    pub(super) pipeline: String,
    pub(super) execution: String,
}

/// What of a stage is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    FailedActions,
    AllActions,
}

/// How the work of a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StageOutcome {
    Succeeded,
    Failed,
    /// Before its last actions, because the execution is to stop.
    Halted,
    /// The execution ended under it.
    Gone,
}

impl CodePipeline {
    /// Starts the task that leads an execution from a stage on. With `retry` it is in the stage
    /// already.
    pub(super) fn launch(&self, key: ExecutionKey, from: usize, retry: Option<Retry>) {
        let service = self.clone();
        tokio::spawn(async move { service.drive(&key, from, retry).await });
    }

    async fn drive(&self, key: &ExecutionKey, from: usize, retry: Option<Retry>) {
        let Some(count) = self.with(key, |execution| execution.stages.len()) else {
            return;
        };
        for stage in from..count {
            let retry = retry.filter(|_| stage == from);
            if retry.is_none() && !self.enter(key, stage).await {
                return;
            }
            let worked = self.work(key, stage, retry).await;
            if !self.end_stage(key, stage, worked) {
                return;
            }
        }
    }

    /// Comes to a stage and waits to be let in; false when the execution ends before.
    async fn enter(&self, key: &ExecutionKey, stage: usize) -> bool {
        let now = self.now();
        {
            let mut all = self.state();
            let Ok(pipeline) = all.pipeline_mut(&key.pipeline) else {
                return false;
            };
            let execution = pipeline.execution(&key.execution);
            if execution.is_ok_and(|execution| execution.status.is_over()) {
                return false;
            }
            let happened = pipeline.arrive(&key.execution, stage, now);
            self.announce_entrances(pipeline, &key.pipeline, &happened);
        }
        let seen = |execution: &Execution| match execution.waits_for {
            _ if execution.status.is_over() => Some(false),
            None => Some(true),
            Some(_) => None,
        };
        self.until(key, seen).await.unwrap_or(false)
    }

    /// The actions of a stage, those of one run order together.
    async fn work(&self, key: &ExecutionKey, stage: usize, retry: Option<Retry>) -> StageOutcome {
        let orders = self.with(key, |execution| {
            let actions = &execution.declaration.stages[stage].actions;
            let mut orders: Vec<u32> = actions.iter().map(|action| action.run_order).collect();
            orders.sort_unstable();
            orders.dedup();
            orders
        });
        for order in orders.unwrap_or_default() {
            let due = match self.with(key, |execution| due(execution, stage, order, retry)) {
                None => return StageOutcome::Gone,
                Some(None) => return StageOutcome::Halted,
                Some(Some(due)) => due,
            };
            let acting = join_all(due.into_iter().map(|action| self.act(key, stage, action)));
            let over = self.until(key, |execution| execution.status.is_over().then_some(()));
            tokio::select! {
                succeeded = acting => if succeeded.contains(&false) {
                    return StageOutcome::Failed;
                },
                _ = over => return StageOutcome::Gone,
            }
        }
        StageOutcome::Succeeded
    }

    /// Waits until `seen` finds what it looks for; none when the pipeline is deleted.
    pub(super) async fn until<R>(
        &self,
        key: &ExecutionKey,
        seen: impl Fn(&Execution) -> Option<R>,
    ) -> Option<R> {
        loop {
            let (found, mut changed) = self.with(key, |execution| {
                (seen(execution), execution.changed.subscribe())
            })?;
            if found.is_some() {
                return found;
            }
            changed.changed().await.ok()?;
        }
    }

    /// Looks at an execution; none when the pipeline is deleted.
    pub(super) fn with<R>(
        &self,
        key: &ExecutionKey,
        look: impl FnOnce(&Execution) -> R,
    ) -> Option<R> {
        let all = self.state();
        let pipeline = all.pipeline(&key.pipeline).ok()?;
        pipeline.execution(&key.execution).ok().map(look)
    }
}

/// The actions of that order that are to run; none when the execution is to stop first.
fn due(
    execution: &Execution,
    stage: usize,
    order: u32,
    retry: Option<Retry>,
) -> Option<Vec<usize>> {
    if execution.status != ExecutionStatus::InProgress {
        return None;
    }
    let done = |action: usize| {
        let latest = execution.latest(stage, action);
        retry != Some(Retry::AllActions)
            && latest.is_some_and(|run| run.status == RunStatus::Succeeded)
    };
    let actions = execution.declaration.stages[stage]
        .actions
        .iter()
        .enumerate();
    let due = actions
        .filter(|(n, action)| action.run_order == order && !done(*n))
        .map(|(n, _)| n);
    Some(due.collect())
}
