//! CloudFormation actions: change sets with a definition of their own, everything else in the
//! emulator's CloudFormation.
//!
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html>

use std::collections::BTreeMap;

use super::CodePipeline;
use super::actions::{ActionFailure, ActionSuccess, StartedAction, setting};
use super::code_deploy::POLL_INTERVAL;
use super::driver::ExecutionKey;
use super::model::ActionDetails;
use crate::error::AwsError;
use crate::upstream::{element, unescaped};

/// What an action does, with the names it does it to.
struct Work<'a> {
    action_run: &'a StartedAction,
    configuration: &'a BTreeMap<String, String>,
    stack: &'a str,
    change_set: &'a str,
}

/// How a change set of the emulator is.
enum RealSet {
    Pending,
    Ready,
    /// There is nothing to change.
    Empty,
    Failed(String),
}

impl CodePipeline {
    pub(super) async fn cloudformation(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let work = Work {
            action_run,
            configuration,
            stack: setting(configuration, "StackName"),
            change_set: setting(configuration, "ChangeSetName"),
        };
        let mode = setting(configuration, "ActionMode");
        if work.change_set.is_empty() && mode.starts_with("CHANGE_SET") {
            return Err(ActionFailure::configuration(format!(
                "The action mode {mode} needs a ChangeSetName"
            )));
        }
        let details = match mode {
            "CHANGE_SET_REPLACE" => self.replace(&work).await?,
            "CHANGE_SET_EXECUTE" => self.execute(&work).await?,
            other => {
                return Err(ActionFailure::configuration(format!(
                    "The action mode {other} is not served here; these are: CHANGE_SET_REPLACE, \
                     CHANGE_SET_EXECUTE"
                )));
            }
        };
        self.set_details(key, &action_run.run, details.clone());
        Ok(ActionSuccess {
            details,
            ..ActionSuccess::default()
        })
    }

    async fn replace(&self, work: &Work<'_>) -> Result<ActionDetails, ActionFailure> {
        let sets = self.change_sets();
        let (id, stack) = match sets.make(work.stack, work.change_set) {
            Some(id) => (id, sets.stack_id(work.stack).unwrap_or_default()),
            None => self.create_real(work).await?,
        };
        Ok(ActionDetails {
            summary: Some(format!("Change set {} was created.", work.change_set)),
            external_url: Some(format!(
                "https://console.aws.amazon.com/cloudformation/home?region={}#/stacks/changesets/changes?stackId={stack}&changeSetId={id}",
                self.world().region
            )),
            external_id: Some(id),
            ..ActionDetails::default()
        })
    }

    async fn execute(&self, work: &Work<'_>) -> Result<ActionDetails, ActionFailure> {
        let sets = self.change_sets();
        let stack = if sets.execute(work.stack, work.change_set) {
            sets.stack_id(work.stack).unwrap_or_default()
        } else {
            self.execute_real(work).await?
        };
        Ok(ActionDetails {
            summary: Some(format!("Stack {} was updated.", work.stack)),
            external_url: Some(format!(
                "https://console.aws.amazon.com/cloudformation/home?region={}#/stacks/stackinfo?stackId={stack}",
                self.world().region
            )),
            external_id: Some(stack),
            ..ActionDetails::default()
        })
    }

    /// Gives the ids of the change set and of its stack.
    async fn create_real(&self, work: &Work<'_>) -> Result<(String, String), ActionFailure> {
        let template = setting(work.configuration, "TemplatePath");
        let Some((artifact, path)) = template.split_once("::") else {
            return Err(ActionFailure::configuration(
                "TemplatePath is to be the name of an input artifact, ::, and the path of a file in it",
            ));
        };
        let body = self.text(work.action_run, artifact, path).await?;
        let exists = self.stack_status(work.stack).await.is_ok();
        let named = [
            ("ChangeSetName", work.change_set),
            ("StackName", work.stack),
        ];
        if exists {
            // One that is not there is as good as deleted.
            let _ = self.cfn("DeleteChangeSet", &named).await;
        }
        let mut params: Vec<(String, String)> = named
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let kind = if exists { "UPDATE" } else { "CREATE" };
        params.push(("ChangeSetType".to_owned(), kind.to_owned()));
        params.push(("TemplateBody".to_owned(), body));
        params.extend(members(work.configuration)?);
        let params: Vec<(&str, &str)> = params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let made = self.cfn("CreateChangeSet", &params).await;
        let made = made.map_err(|error| ActionFailure::of(&error))?;
        loop {
            match self.real_set(&named).await? {
                // AWS's action succeeds with nothing to change.
                RealSet::Ready | RealSet::Empty => break,
                RealSet::Failed(reason) => return Err(ActionFailure::job(reason)),
                RealSet::Pending => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
        let id = |name: &str| element(&made, name).unwrap_or_default().to_owned();
        Ok((id("Id"), id("StackId")))
    }

    /// Gives the id of the stack.
    async fn execute_real(&self, work: &Work<'_>) -> Result<String, ActionFailure> {
        let named = [
            ("ChangeSetName", work.change_set),
            ("StackName", work.stack),
        ];
        if let RealSet::Empty = self.real_set(&named).await? {
            let (_, id) = self
                .stack_status(work.stack)
                .await
                .map_err(|e| ActionFailure::of(&e))?;
            return Ok(id);
        }
        let action_run = self.cfn("ExecuteChangeSet", &named).await;
        action_run.map_err(|error| ActionFailure::of(&error))?;
        loop {
            let (status, id) = self
                .stack_status(work.stack)
                .await
                .map_err(|error| ActionFailure::of(&error))?;
            if status.ends_with("_IN_PROGRESS") {
                tokio::time::sleep(POLL_INTERVAL).await;
            } else if matches!(status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") {
                return Ok(id);
            } else {
                return Err(ActionFailure::job(format!(
                    "The stack {} is {status}.",
                    work.stack
                )));
            }
        }
    }

    async fn real_set(&self, named: &[(&str, &str)]) -> Result<RealSet, ActionFailure> {
        let shown = self.cfn("DescribeChangeSet", named).await;
        let shown = shown.map_err(|error| ActionFailure::of(&error))?;
        let reason = unescaped(element(&shown, "StatusReason").unwrap_or_default());
        Ok(match element(&shown, "Status") {
            Some("FAILED") if reason.contains("didn't contain changes") => RealSet::Empty,
            Some("FAILED") => RealSet::Failed(reason),
            Some("CREATE_COMPLETE") => RealSet::Ready,
            _ => RealSet::Pending,
        })
    }

    async fn stack_status(&self, stack: &str) -> Result<(String, String), AwsError> {
        let shown = self.cfn("DescribeStacks", &[("StackName", stack)]).await?;
        let text = |name: &str| element(&shown, name).unwrap_or_default().to_owned();
        Ok((text("StackStatus"), text("StackId")))
    }

    async fn cfn(&self, action: &str, params: &[(&str, &str)]) -> Result<String, AwsError> {
        let params: Vec<(&str, &str)> = params
            .iter()
            .copied()
            .chain([("Version", "2010-05-15")])
            .collect();
        self.shared
            .upstream
            .query("cloudformation", action, &params)
            .await
    }
}

/// Capabilities and parameters as the query protocol has them.
fn members(
    configuration: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, ActionFailure> {
    let capabilities = setting(configuration, "Capabilities").split(',');
    let mut members: Vec<(String, String)> = capabilities
        .filter(|capability| !capability.is_empty())
        .enumerate()
        .map(|(n, capability)| {
            (
                format!("Capabilities.member.{}", n + 1),
                capability.trim().to_owned(),
            )
        })
        .collect();
    let overrides = match setting(configuration, "ParameterOverrides") {
        "" => "{}",
        given => given,
    };
    let overrides: BTreeMap<String, String> = serde_json::from_str(overrides).map_err(|error| {
        ActionFailure::configuration(format!(
            "ParameterOverrides is to be a JSON object of texts: {error}"
        ))
    })?;
    for (n, (name, value)) in overrides.into_iter().enumerate() {
        let place = format!("Parameters.member.{}", n + 1);
        members.push((format!("{place}.ParameterKey"), name));
        members.push((format!("{place}.ParameterValue"), value));
    }
    Ok(members)
}
