//! What there is: pipelines, their executions, and the runs of actions.
//!
//! Only data and what follows from it at once. Who may enter a stage is decided in `stage_entry`, what an
//! action does in `actions`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::declaration::{Action, Declaration};
use super::driver::ExecutionKey;
use super::stage_entry::StageEntrance;
use super::variables::Namespaces;
use crate::error::AwsError;

/// All pipelines.
pub(super) struct State {
    account: String,
    pub(super) pipelines: BTreeMap<String, Pipeline>,
    /// Orders the runs of all actions.
    next_run: u64,
}

/// A pipeline with its history.
pub(super) struct Pipeline {
    /// The last is in force.
    pub(super) versions: Vec<Arc<Declaration>>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    /// By the stage's name.
    pub(super) entrances: BTreeMap<String, StageEntrance>,
    /// The oldest first.
    pub(super) executions: Vec<Execution>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExecutionStatus {
    InProgress,
    Stopping,
    Stopped,
    Succeeded,
    Superseded,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StageStatus {
    InProgress,
    Stopping,
    Stopped,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunStatus {
    InProgress,
    Abandoned,
    Succeeded,
    Failed,
}

/// One way of a revision through a pipeline.
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) declaration: Arc<Declaration>,
    pub(super) status: ExecutionStatus,
    pub(super) started: Timestamp,
    pub(super) updated: Timestamp,
    /// `triggerType` and `triggerDetail`.
    pub(super) trigger: (&'static str, String),
    pub(super) stop_reason: Option<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) overrides: Vec<Override>,
    pub(super) revisions: Vec<Revision>,
    pub(super) artifacts: BTreeMap<String, Artifact>,
    pub(super) outputs: Namespaces,
    /// By the stage's place; none until it was entered.
    pub(super) stages: Vec<Option<StageStatus>>,
    /// The oldest first.
    pub(super) runs: Vec<Run>,
    /// How often it was begun, retries included.
    pub(super) attempt: u32,
    /// The stage at whose entrance it waits.
    pub(super) waits_for: Option<usize>,
    /// Woken by every change.
    pub(super) changed: watch::Sender<u64>,
}

/// What a caller wants a source action to take.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) action: String,
    pub(super) kind: String,
    pub(super) value: String,
}

/// What a source action found.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    pub(super) action: String,
    /// The output artifact, where the action has one.
    pub(super) artifact: Option<String>,
    pub(super) id: String,
    pub(super) summary: String,
    pub(super) url: String,
    pub(super) created: Timestamp,
}

/// Where an artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Artifact {
    pub(super) bucket: String,
    pub(super) key: String,
}

/// One run of an action; a retry makes another.
#[derive(Debug)]
pub(super) struct Run {
    /// Grows over all pipelines.
    pub(super) seq: u64,
    pub(super) id: String,
    pub(super) stage: usize,
    pub(super) action: usize,
    pub(super) status: RunStatus,
    pub(super) started: Timestamp,
    pub(super) updated: Timestamp,
    /// The ARN of who answered it.
    pub(super) updated_by: Option<String>,
    pub(super) details: ActionDetails,
    /// An approval's.
    pub(super) token: Option<String>,
    /// An approval's.
    pub(super) expires: Option<Timestamp>,
    /// The configuration with its variables resolved.
    pub(super) configuration: BTreeMap<String, String>,
    pub(super) inputs: Vec<(String, Artifact)>,
    pub(super) outputs: Vec<(String, Artifact)>,
    pub(super) output_variables: BTreeMap<String, String>,
    pub(super) job: Option<Job>,
}

/// What an action reports about itself.
#[derive(Debug, Clone, Default)]
pub(super) struct ActionDetails {
    pub(super) summary: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) external_url: Option<String>,
    pub(super) percent: Option<u32>,
    /// Code and message.
    pub(super) error: Option<(String, String)>,
}

/// The job of a function that an action invoked.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    /// The function wants to be called again with this.
    pub(super) continuation: Option<String>,
}

impl State {
    pub(super) fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            pipelines: BTreeMap::new(),
            next_run: 0,
        }
    }

    pub(super) fn pipeline(&self, name: &str) -> Result<&Pipeline, AwsError> {
        let found = self.pipelines.get(name);
        found.ok_or_else(|| no_pipeline(&self.account, name))
    }

    pub(super) fn pipeline_mut(&mut self, name: &str) -> Result<&mut Pipeline, AwsError> {
        let found = self.pipelines.get_mut(name);
        found.ok_or_else(|| no_pipeline(&self.account, name))
    }

    pub(super) fn execution_mut(&mut self, key: &ExecutionKey) -> Result<&mut Execution, AwsError> {
        let pipeline = self.pipeline_mut(&key.pipeline)?;
        pipeline.execution_mut(&key.execution)
    }

    /// The place of the next run in the order of all.
    pub(super) fn next_run(&mut self) -> u64 {
        self.next_run += 1;
        self.next_run
    }
}

impl Pipeline {
    pub(super) fn new(declaration: Declaration, now: Timestamp) -> Self {
        let mut pipeline = Self {
            versions: Vec::new(),
            created: now,
            updated: now,
            tags: BTreeMap::new(),
            entrances: BTreeMap::new(),
            executions: Vec::new(),
        };
        pipeline.update(declaration, now);
        pipeline
    }

    /// Takes a new structure; running executions keep theirs.
    pub(super) fn update(&mut self, mut declaration: Declaration, now: Timestamp) {
        declaration.version = u32::try_from(self.versions.len() + 1).unwrap_or(u32::MAX);
        for stage in &declaration.stages {
            self.entrances.entry(stage.name.clone()).or_default();
        }
        self.updated = now;
        self.versions.push(Arc::new(declaration));
    }

    /// The structure in force.
    pub(super) fn current(&self) -> &Arc<Declaration> {
        self.versions
            .last()
            .expect("a pipeline is made with a version")
    }

    /// The place of a stage in the structure in force.
    pub(super) fn stage(&self, name: &str) -> Result<usize, AwsError> {
        let current = self.current();
        current.stage(name).ok_or_else(|| {
            AwsError::client(
                "StageNotFoundException",
                format!(
                    "Pipeline '{}' does not have a stage with name '{name}'",
                    current.name
                ),
            )
        })
    }

    pub(super) fn execution(&self, id: &str) -> Result<&Execution, AwsError> {
        let found = self.executions.iter().find(|execution| execution.id == id);
        found.ok_or_else(|| self.no_execution(id))
    }

    pub(super) fn execution_mut(&mut self, id: &str) -> Result<&mut Execution, AwsError> {
        let missing = self.no_execution(id);
        let found = self
            .executions
            .iter_mut()
            .find(|execution| execution.id == id);
        found.ok_or(missing)
    }

    /// The newest run of an action over all executions.
    pub(super) fn newest_run(&self, stage: &str, action: &str) -> Option<&Run> {
        let runs = self.executions.iter().flat_map(|execution| {
            let of_it = move |run: &&Run| {
                execution.stage_name(run) == stage && execution.action(run).name == action
            };
            execution.runs.iter().filter(of_it)
        });
        runs.max_by_key(|run| run.seq)
    }

    fn no_execution(&self, id: &str) -> AwsError {
        AwsError::client(
            "PipelineExecutionNotFoundException",
            format!(
                "Execution with id '{id}' does not exist in pipeline '{}'",
                self.current().name
            ),
        )
    }
}

impl ExecutionStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Succeeded => "Succeeded",
            Self::Superseded => "Superseded",
            Self::Failed => "Failed",
        }
    }

    pub(super) const fn is_over(self) -> bool {
        !matches!(self, Self::InProgress | Self::Stopping)
    }
}

impl StageStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

impl RunStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Abandoned => "Abandoned",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

impl Execution {
    /// Wakes whoever follows it.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.updated = now;
        self.changed.send_modify(|n| *n += 1);
    }

    pub(super) fn stage_name(&self, run: &Run) -> &str {
        &self.declaration.stages[run.stage].name
    }

    pub(super) fn action(&self, run: &Run) -> &Action {
        &self.declaration.stages[run.stage].actions[run.action]
    }

    pub(super) fn run(&self, id: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    pub(super) fn run_mut(&mut self, id: &str) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// The newest run of an action in this execution.
    pub(super) fn latest(&self, stage: usize, action: usize) -> Option<&Run> {
        let mut newest_first = self.runs.iter().rev();
        newest_first.find(|run| run.stage == stage && run.action == action)
    }

    /// What variables may refer to.
    pub(super) fn namespaces(&self) -> Namespaces {
        let mut known = self.outputs.clone();
        known.insert(
            "variables".to_owned(),
            self.variables.iter().cloned().collect(),
        );
        let own = [("PipelineExecutionId".to_owned(), self.id.clone())];
        known.insert("codepipeline".to_owned(), BTreeMap::from(own));
        known
    }
}

impl Run {
    /// Ends it; one that is over stays as it is.
    pub(super) fn end(&mut self, status: RunStatus, now: Timestamp) -> bool {
        if self.status != RunStatus::InProgress {
            return false;
        }
        self.status = status;
        self.updated = now;
        true
    }
}

fn no_pipeline(account: &str, name: &str) -> AwsError {
    AwsError::client(
        "PipelineNotFoundException",
        format!("Account '{account}' does not have a pipeline with name '{name}'"),
    )
}
