//! The actions of an execution, as much of them as a briefing needs. Pure.
//!
//! The external execution id of a manual approval is its token: it is kept apart here, only to be looked
//! for in what is shown.

use std::collections::HashMap;

use approvals::pipeline::timestamp;
use approvals::{ApprovalAction, Token};
use aws_sdk_codepipeline::types::{ActionCategory, ActionExecutionDetail, ActionExecutionStatus};
use jiff::Timestamp;

/// One run of one action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Action {
    pub(crate) stage: String,
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) region: Option<String>,
    /// The role that it runs with, where that is not the pipeline's.
    pub(crate) role: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) status: ActionStatus,
    pub(crate) started: Option<Timestamp>,
    pub(crate) updated: Option<Timestamp>,
    /// Configuration, variables resolved.
    pub(crate) configuration: HashMap<String, String>,
    pub(crate) outputs: HashMap<String, String>,
    pub(crate) artifacts: Vec<String>,
    /// `CodeDeploy`'s deployment, for example; never an approval's token.
    pub(crate) external_id: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) link: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    Source,
    Approval,
    #[default]
    Other,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ActionStatus {
    Succeeded,
    Failed,
    #[default]
    Other,
}

/// All actions of an execution in the order in which they started, and the tokens of its approvals.
#[derive(Debug, Clone, Default)]
pub(crate) struct Actions {
    pub(crate) all: Vec<Action>,
    pub(crate) tokens: Vec<Token>,
}

impl Actions {
    /// Of a retried action only the last run is kept: what the earlier ones made is gone or replaced.
    pub(crate) fn of(details: &[ActionExecutionDetail]) -> Self {
        let mut runs: Vec<(Action, Option<Token>)> = details.iter().map(read).collect();
        // AWS lists the newest first; runs of one second keep the order in which they began.
        runs.reverse();
        runs.sort_by_key(|(action, _)| action.started);
        let mut actions = Self::default();
        for (action, token) in runs {
            actions.tokens.extend(token);
            actions
                .all
                .retain(|other| (&other.stage, &other.name) != (&action.stage, &action.name));
            actions.all.push(action);
        }
        actions
    }

    /// Those that started before the approval did; all, if it isn't among them.
    pub(crate) fn before(&self, approval: &ApprovalAction) -> &[Action] {
        &self.all[..self.place(approval).unwrap_or(self.all.len())]
    }

    /// Those that started after it.
    pub(crate) fn after(&self, approval: &ApprovalAction) -> &[Action] {
        match self.place(approval) {
            Some(place) => &self.all[place + 1..],
            None => &self.all,
        }
    }

    fn place(&self, approval: &ApprovalAction) -> Option<usize> {
        self.all
            .iter()
            .position(|action| action.stage == approval.stage && action.name == approval.action)
    }

    /// The output variables of all actions, in their order.
    pub(crate) fn outputs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for action in &self.all {
            let mut own: Vec<_> = action.outputs.clone().into_iter().collect();
            own.sort_unstable();
            pairs.extend(own);
        }
        pairs
    }
}

fn read(detail: &ActionExecutionDetail) -> (Action, Option<Token>) {
    let input = detail.input();
    let output = detail.output();
    let result = output.and_then(|output| output.execution_result());
    let id = input.and_then(|input| input.action_type_id());
    let kind = match id.map(aws_sdk_codepipeline::types::ActionTypeId::category) {
        Some(ActionCategory::Source) => Kind::Source,
        Some(ActionCategory::Approval) => Kind::Approval,
        _ => Kind::Other,
    };
    let external_id = result
        .and_then(|result| result.external_execution_id())
        .filter(|id| !id.is_empty())
        .map(str::to_owned);
    // Unless AWS says what it is, it may be a token.
    let (external_id, token) = if kind == Kind::Approval || id.is_none() {
        (None, external_id.map(Token::new))
    } else {
        (external_id, None)
    };
    let configuration = input.and_then(|input| {
        input
            .resolved_configuration()
            .filter(|resolved| !resolved.is_empty())
            .or(input.configuration())
    });
    let detail_text = result
        .and_then(|result| result.error_details())
        .and_then(|error| error.message())
        .or_else(|| result.and_then(|result| result.external_execution_summary()));
    let action = Action {
        stage: detail.stage_name().unwrap_or_default().to_owned(),
        name: detail.action_name().unwrap_or_default().to_owned(),
        provider: id.map(|id| id.provider().to_owned()).unwrap_or_default(),
        region: input.and_then(|input| input.region()).map(str::to_owned),
        role: input.and_then(|input| input.role_arn()).map(str::to_owned),
        kind,
        status: match detail.status() {
            Some(ActionExecutionStatus::Succeeded) => ActionStatus::Succeeded,
            Some(ActionExecutionStatus::Failed) => ActionStatus::Failed,
            _ => ActionStatus::Other,
        },
        started: detail.start_time().and_then(timestamp),
        updated: detail.last_update_time().and_then(timestamp),
        configuration: configuration.cloned().unwrap_or_default(),
        outputs: output
            .and_then(|output| output.output_variables())
            .cloned()
            .unwrap_or_default(),
        artifacts: output
            .map(aws_sdk_codepipeline::types::ActionExecutionOutput::output_artifacts)
            .unwrap_or_default()
            .iter()
            .filter_map(|artifact| artifact.name().map(str::to_owned))
            .collect(),
        external_id,
        message: detail_text.map(str::to_owned),
        link: result
            .and_then(|result| result.external_execution_url())
            .map(str::to_owned),
    };
    (action, token)
}
