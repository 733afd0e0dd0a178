//! The look-ups of a briefing, side by side, and what they come to.
//!
//! Who started it ∥ what the actions did, then change sets ∥ gate reports ∥ the version before: none
//! waits for another that it does not need, and each has until the common deadline.

use approvals::pipeline::{PipelineError, every_action_of, execution_of};
use approvals::{ApprovalAction, Briefing, Gap, GateReport, Lookup, ShownDigest, Variable};
use aws_sdk_codepipeline::types::{
    PipelineExecution, PipelineExecutionFilter, SucceededInStageFilter,
};
use common::aws::Aws;
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::actions::Actions;
use crate::change_sets::{self, FoundChangeSet, ReadOptions};
use crate::digest::{self, DigestInput};
use crate::tokens::without_tokens;
use crate::{Lookups, gates, limits, revisions, started_by, text, version};

/// Variables that are kept; a pipeline has at most 50.
const MAX_VARIABLES: usize = 50;
const MAX_NAME_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;
/// Executions among which the one before is looked for.
const MAX_EARLIER_EXECUTIONS: i32 = 10;

/// What helps to decide, and what a decision is bound to. Never fails, never takes longer than the
/// budget. Without an execution there is nothing to look at, and the briefing says so.
pub async fn brief(
    lookups: &Lookups<'_>,
    action: &ApprovalAction,
    execution_id: Option<&str>,
) -> (Briefing, ShownDigest) {
    let Some(execution_id) = execution_id else {
        let why =
            "which execution waits could not be found out; look at the pipeline in the console";
        let briefing = Briefing {
            gaps: vec![gap(Lookup::Execution, why)],
            ..Briefing::default()
        };
        return (briefing, digest::nothing());
    };
    let inquiry = LookupContext {
        lookups,
        action,
        execution_id,
        deadline: Instant::now() + lookups.budget,
    };
    let (origin, behind, earlier) = tokio::join!(
        inquiry.origin(),
        inquiry.actions_and_behind(),
        inquiry.earlier(),
    );
    inquiry.assemble(origin, behind, earlier)
}

/// What all look-ups need.
struct LookupContext<'a> {
    lookups: &'a Lookups<'a>,
    action: &'a ApprovalAction,
    execution_id: &'a str,
    deadline: Instant,
}

/// The actions and what is known through them.
struct ActionFacts {
    actions: Result<Actions, Gap>,
    sets: Vec<FoundChangeSet>,
    /// How many more change sets there are than are looked at.
    more: usize,
    gates: Vec<GateReport>,
    gaps: Vec<Gap>,
}

impl LookupContext<'_> {
    fn aws(&self) -> &Aws {
        self.lookups.aws
    }

    /// The look-up's answer, or its gap at the latest at the deadline.
    async fn by_deadline<T>(
        &self,
        what: Lookup,
        call: impl Future<Output = Result<T, PipelineError>>,
    ) -> Result<T, Gap> {
        match timeout_at(self.deadline, call).await {
            Ok(answer) => answer.map_err(|error| gap(what, &error.to_string())),
            Err(_) => Err(self.late(what)),
        }
    }

    fn late(&self, what: Lookup) -> Gap {
        let subject = match what {
            Lookup::Execution | Lookup::Origin => "the execution",
            Lookup::Actions | Lookup::OwnerWords => "the execution's actions",
            Lookup::OldVersion => "the version before",
            Lookup::ChangeSet => "the change sets",
            Lookup::GateReport => "the gates' reports",
            Lookup::Deployment => "the deployment",
        };
        let budget = self.lookups.budget;
        gap(
            what,
            &format!("{subject} could not be read within {budget:?}; look in the console"),
        )
    }

    async fn origin(&self) -> Result<PipelineExecution, Gap> {
        let call = execution_of(self.aws(), &self.action.pipeline, self.execution_id);
        self.by_deadline(Lookup::Origin, call).await
    }

    async fn actions_and_behind(&self) -> ActionFacts {
        let call = every_action_of(self.aws(), &self.action.pipeline, self.execution_id);
        let actions = self.by_deadline(Lookup::Actions, call).await;
        let mut behind = ActionFacts {
            actions: actions.map(|details| Actions::of(&details)),
            sets: Vec::new(),
            more: 0,
            gates: Vec::new(),
            gaps: Vec::new(),
        };
        if let Ok(actions) = &behind.actions {
            let (sets, gates) = tokio::join!(self.change_sets(actions), self.gates(actions));
            (behind.sets, behind.more, behind.gates) = (sets.0, sets.1, gates.0);
            behind.gaps = [sets.2, gates.1].concat();
        }
        behind
    }

    async fn change_sets(&self, actions: &Actions) -> (Vec<FoundChangeSet>, usize, Vec<Gap>) {
        let (reference, more) = change_sets::pending(actions, self.action);
        let abreast = Semaphore::new(change_sets::MAX_CONCURRENT);
        let how = ReadOptions {
            aws: self.aws(),
            deadline: self.deadline,
            abreast: &abreast,
        };
        let found = join_all(
            reference
                .into_iter()
                .map(|reference| change_sets::read(how, reference)),
        )
        .await;
        let mut gaps: Vec<Gap> = found.iter().filter_map(FoundChangeSet::gap).collect();
        if more > 0 {
            let why = format!("{more} more change sets of the execution were not looked at");
            gaps.push(gap(Lookup::ChangeSet, &why));
        }
        (found, more, gaps)
    }

    async fn gates(&self, actions: &Actions) -> (Vec<GateReport>, Vec<Gap>) {
        let call = gates::before(self.lookups, self.action, actions);
        match timeout_at(self.deadline, call).await {
            Ok(found) => found,
            Err(_) => (Vec::new(), vec![self.late(Lookup::GateReport)]),
        }
    }

    /// The version that the last execution had that passed the approval's stage; none if there is none.
    async fn earlier(&self) -> Result<Option<String>, Gap> {
        self.by_deadline(Lookup::OldVersion, self.earlier_version())
            .await
    }

    async fn earlier_version(&self) -> Result<Option<String>, PipelineError> {
        let pipeline = &self.action.pipeline;
        let Some(id) = self.earlier_execution().await? else {
            return Ok(None);
        };
        let names = self.lookups.version_names();
        let execution = execution_of(self.aws(), pipeline, &id).await?;
        let own = variables(&execution);
        if let Some(found) = version::among(&own, &[], &names) {
            return Ok(Some(found.to_owned()));
        }
        let actions = every_action_of(self.aws(), pipeline, &id).await?;
        let outputs = Actions::of(&actions).outputs();
        Ok(version::among(&[], &outputs, &names).map(str::to_owned))
    }

    async fn earlier_execution(&self) -> Result<Option<String>, PipelineError> {
        let pipeline = &self.action.pipeline;
        let stage = &self.action.stage;
        let filter = PipelineExecutionFilter::builder()
            .succeeded_in_stage(SucceededInStageFilter::builder().stage_name(stage).build())
            .build();
        let listed = self
            .aws()
            .codepipeline()
            .list_pipeline_executions()
            .pipeline_name(pipeline)
            .filter(filter)
            .max_results(MAX_EARLIER_EXECUTIONS)
            .send()
            .await
            .map_err(|error| {
                let what = format!("the executions of pipeline {pipeline} that passed {stage}");
                PipelineError::call(what, "codepipeline:ListPipelineExecutions", &error)
            })?;
        let found = listed
            .pipeline_execution_summaries()
            .iter()
            .filter_map(|summary| summary.pipeline_execution_id())
            .find(|id| *id != self.execution_id);
        Ok(found.map(str::to_owned))
    }

    /// Pure: all of it together.
    fn assemble(
        &self,
        origin: Result<PipelineExecution, Gap>,
        behind: ActionFacts,
        earlier: Result<Option<String>, Gap>,
    ) -> (Briefing, ShownDigest) {
        let mut gaps = behind.gaps;
        let mut noted = |gap: Gap| gaps.push(gap);
        let origin = origin.map_err(&mut noted).ok();
        let actions = behind.actions.map_err(&mut noted).ok();
        let earlier = earlier.map_err(&mut noted).ok().flatten();
        let shown = DigestInput {
            action: self.action,
            execution_id: self.execution_id,
            revisions: origin.as_ref().map(basis_of),
            sets: actions.as_ref().map(|_| behind.sets.as_slice()),
            more: behind.more,
        }
        .shown();
        let own = origin.as_ref().map(variables).unwrap_or_default();
        let outputs = actions.as_ref().map(Actions::outputs).unwrap_or_default();
        let names = self.lookups.version_names();
        let briefing = Briefing {
            starter: origin
                .as_ref()
                .and_then(|origin| origin.trigger())
                .and_then(started_by::of),
            variables: shown_variables(&own),
            revisions: revisions::of(
                origin.as_ref().map(PipelineExecution::artifact_revisions),
                actions.as_ref(),
            ),
            version: match version::among(&own, &outputs, &names) {
                Some(to) => version::change(earlier.as_deref(), to),
                None => of_images(&behind.sets),
            },
            deployment: None,
            gate: None,
            gates: behind.gates,
            gaps,
            change_sets: behind
                .sets
                .into_iter()
                .filter_map(|set| set.shown)
                .collect(),
        };
        let tokens = actions.map(|actions| actions.tokens).unwrap_or_default();
        let briefing = without_tokens(briefing, &tokens).unwrap_or_default();
        (limits::fit(briefing), shown)
    }
}

fn gap(what: Lookup, why: &str) -> Gap {
    Gap {
        what,
        why: text::line(why, limits::MAX_WHY_CHARS),
    }
}

/// The execution's variables as AWS has them.
fn variables(execution: &PipelineExecution) -> Vec<(String, String)> {
    execution
        .variables()
        .iter()
        .filter_map(|variable| {
            let name = variable.name()?.to_owned();
            Some((
                name,
                variable.resolved_value().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

fn shown_variables(own: &[(String, String)]) -> Vec<Variable> {
    own.iter()
        .take(MAX_VARIABLES)
        .map(|(name, value)| Variable {
            name: text::line(name, MAX_NAME_CHARS),
            value: text::value(name, value, MAX_VALUE_CHARS),
        })
        .collect()
}

/// Name and id of each artifact.
pub(crate) fn basis_of(execution: &PipelineExecution) -> digest::Revisions {
    execution
        .artifact_revisions()
        .iter()
        .map(|artifact| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            (text(artifact.name()), text(artifact.revision_id()))
        })
        .collect()
}

/// The version as the change sets have it: where all images that change agree.
fn of_images(sets: &[FoundChangeSet]) -> Option<approvals::VersionChange> {
    let mut images: Vec<_> = sets.iter().flat_map(|set| &set.images).collect();
    images.sort_unstable();
    images.dedup();
    let [(before, Some(after))] = images.as_slice() else {
        return None;
    };
    version::change(before.as_deref(), after)
}
