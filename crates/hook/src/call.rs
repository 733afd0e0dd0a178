//! What a call is known by, whatever its contract.

use std::borrow::Cow;

use common::arn::last_name;
use gate::Stage;
use signing::OpaqueId;

use crate::ask::pending_question::PendingQuestion;
use crate::caller::Caller;
use crate::event::Call;
use crate::facts::{Facts, note};
use crate::publish::ReportName;
use crate::{codedeploy, codepipeline, ecs};

impl Call {
    /// Who called.
    pub fn caller(&self) -> Caller {
        match self {
            Self::CodeDeploy(_) => Caller::CodeDeploy,
            Self::Ecs(_) => Caller::Ecs,
            Self::CodePipeline(_) => Caller::CodePipeline,
        }
    }

    /// What people know the call by: the deployment or the job.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::CodeDeploy(event) => &event.deployment_id,
            Self::Ecs(event) => last_name(&event.deployment_arn),
            Self::CodePipeline(job) => codepipeline::run_id(job),
        }
    }

    /// What tells this call from others of the same deployment. The same for each part of a run.
    pub(crate) fn execution_id(&self) -> Cow<'_, str> {
        match self {
            Self::CodeDeploy(event) => event.execution_id.as_str().into(),
            Self::Ecs(event) => ecs::run_id(event),
            Self::CodePipeline(job) => codepipeline::run_id(job).into(),
        }
    }

    /// What the event itself says of the target.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        note(&mut facts, "deployment_id", Some(self.id()));
        if let Self::Ecs(event) = self {
            facts.extend(ecs::facts_of(event));
        }
        facts
    }

    /// Names this run of the gate for what lies elsewhere meanwhile, so that it serves no other one.
    pub(crate) fn run_key(&self, stage: Stage) -> OpaqueId {
        // Nothing says that each step of a canary has an `executionId` of its own.
        let step = match self {
            Self::Ecs(event) => ecs::step(event),
            Self::CodeDeploy(_) | Self::CodePipeline(_) => String::new(),
        };
        OpaqueId::of(&[
            "deploy-hooks run of a gate",
            &self.caller().to_string(),
            stage.as_str(),
            self.id(),
            &self.execution_id(),
            &step,
        ])
    }

    /// The question that an earlier invocation of this run has asked, as it was handed on.
    pub(crate) fn pending_question(&self) -> Option<PendingQuestion> {
        match self {
            Self::CodeDeploy(event) => codedeploy::pending_question(event),
            Self::Ecs(event) => ecs::pending_question(event),
            Self::CodePipeline(job) => codepipeline::pending_question(job),
        }
    }

    /// By what its report is found again.
    pub(crate) fn report_name<'a>(&'a self, stage: Stage, facts: &'a Facts) -> ReportName<'a> {
        ReportName {
            caller: self.caller(),
            stage,
            facts,
            execution_id: self.execution_id(),
        }
    }
}
