//! CloudFormation actions: change sets with a definition of their own, everything else in the
//! emulator's CloudFormation.
//!
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html>

use std::collections::BTreeMap;

use super::CodePipeline;
use super::actions::{Begun, Done, Failure, set};
use super::deploy::LOOK;
use super::driver::Key;
use super::model::Told;
use crate::error::AwsError;
use crate::upstream::{element, unescaped};

/// What an action does, with the names it does it to.
struct Work<'a> {
    begun: &'a Begun,
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
        key: &Key,
        begun: &Begun,
        configuration: &BTreeMap<String, String>,
    ) -> Result<Done, Failure> {
        let work = Work {
            begun,
            configuration,
            stack: set(configuration, "StackName"),
            change_set: set(configuration, "ChangeSetName"),
        };
        let mode = set(configuration, "ActionMode");
        if work.change_set.is_empty() && mode.starts_with("CHANGE_SET") {
            return Err(Failure::configuration(format!(
                "The action mode {mode} needs a ChangeSetName"
            )));
        }
        let told = match mode {
            "CHANGE_SET_REPLACE" => self.replace(&work).await?,
            "CHANGE_SET_EXECUTE" => self.execute(&work).await?,
            other => {
                return Err(Failure::configuration(format!(
                    "The action mode {other} is not served here; these are: CHANGE_SET_REPLACE, \
                     CHANGE_SET_EXECUTE"
                )));
            }
        };
        self.tell(key, &begun.run, told.clone());
        Ok(Done {
            told,
            ..Done::default()
        })
    }

    async fn replace(&self, work: &Work<'_>) -> Result<Told, Failure> {
        let sets = self.change_sets();
        let (id, stack) = match sets.make(work.stack, work.change_set) {
            Some(id) => (id, sets.stack_id(work.stack).unwrap_or_default()),
            None => self.create_real(work).await?,
        };
        Ok(Told {
            summary: Some(format!("Change set {} was created.", work.change_set)),
            external_url: Some(format!(
                "https://console.aws.amazon.com/cloudformation/home?region={}#/stacks/changesets/changes?stackId={stack}&changeSetId={id}",
                self.world().region
            )),
            external_id: Some(id),
            ..Told::default()
        })
    }

    async fn execute(&self, work: &Work<'_>) -> Result<Told, Failure> {
        let sets = self.change_sets();
        let stack = if sets.execute(work.stack, work.change_set) {
            sets.stack_id(work.stack).unwrap_or_default()
        } else {
            self.execute_real(work).await?
        };
        Ok(Told {
            summary: Some(format!("Stack {} was updated.", work.stack)),
            external_url: Some(format!(
                "https://console.aws.amazon.com/cloudformation/home?region={}#/stacks/stackinfo?stackId={stack}",
                self.world().region
            )),
            external_id: Some(stack),
            ..Told::default()
        })
    }

    /// Gives the ids of the change set and of its stack.
    async fn create_real(&self, work: &Work<'_>) -> Result<(String, String), Failure> {
        let template = set(work.configuration, "TemplatePath");
        let Some((artifact, path)) = template.split_once("::") else {
            return Err(Failure::configuration(
                "TemplatePath is to be the name of an input artifact, ::, and the path of a file in it",
            ));
        };
        let body = self.text(work.begun, artifact, path).await?;
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
        let made = made.map_err(|error| Failure::of(&error))?;
        loop {
            match self.real_set(&named).await? {
                // AWS's action succeeds with nothing to change.
                RealSet::Ready | RealSet::Empty => break,
                RealSet::Failed(reason) => return Err(Failure::job(reason)),
                RealSet::Pending => tokio::time::sleep(LOOK).await,
            }
        }
        let id = |name: &str| element(&made, name).unwrap_or_default().to_owned();
        Ok((id("Id"), id("StackId")))
    }

    /// Gives the id of the stack.
    async fn execute_real(&self, work: &Work<'_>) -> Result<String, Failure> {
        let named = [
            ("ChangeSetName", work.change_set),
            ("StackName", work.stack),
        ];
        if let RealSet::Empty = self.real_set(&named).await? {
            let (_, id) = self
                .stack_status(work.stack)
                .await
                .map_err(|e| Failure::of(&e))?;
            return Ok(id);
        }
        let begun = self.cfn("ExecuteChangeSet", &named).await;
        begun.map_err(|error| Failure::of(&error))?;
        loop {
            let (status, id) = self
                .stack_status(work.stack)
                .await
                .map_err(|error| Failure::of(&error))?;
            if status.ends_with("_IN_PROGRESS") {
                tokio::time::sleep(LOOK).await;
            } else if matches!(status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") {
                return Ok(id);
            } else {
                return Err(Failure::job(format!(
                    "The stack {} is {status}.",
                    work.stack
                )));
            }
        }
    }

    async fn real_set(&self, named: &[(&str, &str)]) -> Result<RealSet, Failure> {
        let shown = self.cfn("DescribeChangeSet", named).await;
        let shown = shown.map_err(|error| Failure::of(&error))?;
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
fn members(configuration: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, Failure> {
    let capabilities = set(configuration, "Capabilities").split(',');
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
    let overrides = match set(configuration, "ParameterOverrides") {
        "" => "{}",
        given => given,
    };
    let overrides: BTreeMap<String, String> = serde_json::from_str(overrides).map_err(|error| {
        Failure::configuration(format!(
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
