//! Manual approvals: the message that asks, the answer, and the end of the time for it.
//!
//! A token is good for one answer, while its action waits. Time-out and answer are decided under one
//! lock, so that one of them wins. The token goes into the SNS message and into answers of the API,
//! as AWS has it, and nowhere else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::actions::{ActionFailure, ActionSuccess, StartedAction, setting};
use super::driver::ExecutionKey;
use super::model::{Execution, Pipeline, Run, RunStatus};
use super::validation::{Check, NAME, Rule, SUMMARY, UUID};
use super::{CodePipeline, Request};
use crate::error::AwsError;
use crate::wire::json::epoch;

const STATUSES: Rule = Rule::one_of(&["Approved", "Rejected"]);
/// SNS takes no longer subject.
const MAX_SUBJECT_LENGTH: usize = 100;

impl CodePipeline {
    pub(super) fn put_approval_result(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("pipelineName", NAME);
        let stage = check.text("stageName", NAME);
        let action = check.text("actionName", NAME);
        let status = check.text("result.status", STATUSES);
        let summary = check.text("result.summary", SUMMARY);
        let token = check.text("token", UUID);
        check.done()?;
        let now = self.now();
        let mut all = self.state();
        let pipeline = all.pipeline_mut(name)?;
        let place = pipeline.stage(stage)?;
        let declared = pipeline.current().stages[place].actions.iter();
        if !declared.clone().any(|declared| declared.name == action) {
            return Err(AwsError::client(
                "ActionNotFoundException",
                format!(
                    "Stage '{stage}' of pipeline '{name}' does not have an action with name '{action}'"
                ),
            ));
        }
        let execution = asked(pipeline, stage, action, token).ok_or_else(invalid_token)?;
        let run = execution
            .runs
            .iter_mut()
            .find(|run| run.token.as_deref() == Some(token))
            .ok_or_else(invalid_token)?;
        refuse(run, now)?;
        let answer = match status {
            "Approved" => RunStatus::Succeeded,
            _ => RunStatus::Failed,
        };
        run.end(answer, now);
        run.updated_by = Some(request.caller.to_owned());
        run.details.summary = Some(summary.to_owned()).filter(|summary| !summary.is_empty());
        execution.touch(now);
        Ok(json!({ "approvedAt": epoch(now) }))
    }

    /// Asks, and waits for the answer.
    pub(super) async fn approval(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let topic = setting(configuration, "NotificationArn");
        if !topic.is_empty() {
            let asked = self.ask(key, action_run, configuration, topic).await;
            asked.map_err(|error| {
                ActionFailure::configuration(format!(
                    "The topic {topic} cannot be published to: {error}"
                ))
            })?;
        }
        let answered = self.until(key, |execution| {
            let run = execution.run(&action_run.run)?;
            (run.status != RunStatus::InProgress).then_some(run.status)
        });
        let status = tokio::select! {
            status = answered => status,
            () = self.world().clock.sleep_until(action_run.deadline) => None,
        };
        match status {
            Some(RunStatus::Succeeded) => Ok(ActionSuccess::default()),
            // An answer that came first is kept where the run ends.
            _ => Err(ActionFailure::default()),
        }
    }

    async fn ask(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
        topic: &str,
    ) -> Result<(), AwsError> {
        let subject = subject(&key.pipeline, &action_run.name);
        let message = self.message(key, action_run, configuration).to_string();
        let params = [
            ("TopicArn", topic),
            ("Subject", &subject),
            ("Message", &message),
            ("Version", "2010-03-31"),
        ];
        self.shared
            .upstream
            .query("sns", "Publish", &params)
            .await?;
        self.shared.sinks.published(topic, &subject, &message).await;
        Ok(())
    }

    /// <https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html>
    fn message(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Value {
        let region = &self.world().region;
        let pipeline = &key.pipeline;
        let token = action_run.token.as_deref().unwrap_or_default();
        let view = format!(
            "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/view?region={region}"
        );
        json!({
            "region": region,
            "consoleLink": view,
            "approval": {
                "pipelineName": pipeline,
                "stageName": action_run.stage,
                "actionName": action_run.name,
                "token": token,
                "expires": to_the_minute(action_run.deadline),
                "externalEntityLink": configuration.get("ExternalEntityLink"),
                "approvalReviewLink": format!("{view}#/{}/{}/approve/{token}", action_run.stage, action_run.name),
                "customData": configuration.get("CustomData"),
            },
        })
    }
}

/// `2022-08-30T11:09Z`: without seconds.
fn to_the_minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// A subject is cut without a sign of it.
fn subject(pipeline: &str, action: &str) -> String {
    let whole = format!("APPROVAL NEEDED: AWS CodePipeline {pipeline} for action {action}");
    whole.chars().take(MAX_SUBJECT_LENGTH).collect()
}

/// The execution in which that action was asked with that token.
fn asked<'a>(
    pipeline: &'a mut Pipeline,
    stage: &str,
    action: &str,
    token: &str,
) -> Option<&'a mut Execution> {
    pipeline.executions.iter_mut().find(|execution| {
        execution.runs.iter().any(|run| {
            run.token.as_deref() == Some(token)
                && execution.stage_name(run) == stage
                && execution.action(run).name == action
        })
    })
}

fn refuse(run: &Run, now: Timestamp) -> Result<(), AwsError> {
    match run.status {
        RunStatus::InProgress if run.expires.is_some_and(|expires| now >= expires) => {
            Err(invalid_token())
        }
        RunStatus::InProgress => Ok(()),
        _ if run.updated_by.is_some() => Err(AwsError::client(
            "ApprovalAlreadyCompletedException",
            "The approval action has already been approved or rejected.",
        )),
        _ => Err(invalid_token()),
    }
}

fn invalid_token() -> AwsError {
    AwsError::client(
        "InvalidApprovalTokenException",
        "The approval request already received a response or has expired.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_expiry_has_no_seconds_and_the_subject_is_cut() {
        let at: Timestamp = "2022-08-30T11:09:59.9Z".parse().unwrap();
        assert_eq!(to_the_minute(at), "2022-08-30T11:09Z");
        assert_eq!(subject(&"p".repeat(100), "Ask").len(), 100);
        assert_eq!(
            subject("shop", "Ask"),
            "APPROVAL NEEDED: AWS CodePipeline shop for action Ask"
        );
    }
}
