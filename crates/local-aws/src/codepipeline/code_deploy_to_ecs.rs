//! `CodeDeployToECS`: task definition and AppSpec from the artifacts, with the image and the new
//! task definition put in.
//!
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECSbluegreen.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::CodePipeline;
use super::actions::{ActionFailure, ActionSuccess, StartedAction, setting};
use super::driver::ExecutionKey;

impl CodePipeline {
    pub(super) async fn code_deploy_to_ecs(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let or = |name: &str, default: &'static str| match setting(configuration, name) {
            "" => default.to_owned(),
            given => given.to_owned(),
        };
        let task_definition = self
            .text(
                action_run,
                setting(configuration, "TaskDefinitionTemplateArtifact"),
                &or("TaskDefinitionTemplatePath", "taskdef.json"),
            )
            .await?;
        let appspec = self
            .text(
                action_run,
                setting(configuration, "AppSpecTemplateArtifact"),
                &or("AppSpecTemplatePath", "appspec.yaml"),
            )
            .await?;
        let task_definition = self
            .with_images(action_run, configuration, task_definition)
            .await?;
        let definition: Value = serde_json::from_str(&task_definition).map_err(|error| {
            ActionFailure::configuration(format!(
                "The task definition template is not valid JSON: {error}"
            ))
        })?;
        let registered = self.world().ecs.call("RegisterTaskDefinition", definition);
        let registered = registered.map_err(|error| {
            ActionFailure::configuration(format!(
                "Exception while trying to register the task definition: {}",
                error.message
            ))
        })?;
        let arn = registered["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .unwrap_or_default();
        let content = appspec.replace("<TASK_DEFINITION>", arn);
        let revision = json!({
            "revisionType": "AppSpecContent", "appSpecContent": { "content": content },
        });
        self.deploy(key, action_run, configuration, revision).await
    }

    /// `<IMAGE1_NAME>` and the like, from the `imageDetail.json` of their artifacts.
    async fn with_images(
        &self,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
        mut text: String,
    ) -> Result<String, ActionFailure> {
        for n in 1..=4 {
            let artifact = setting(configuration, &format!("Image{n}ArtifactName")).to_owned();
            let placeholder = setting(configuration, &format!("Image{n}ContainerName")).to_owned();
            if artifact.is_empty() || placeholder.is_empty() {
                continue;
            }
            let detail = self.text(action_run, &artifact, "imageDetail.json").await?;
            let detail: Value = serde_json::from_str(&detail).unwrap_or_default();
            let image = detail["ImageURI"].as_str().ok_or_else(|| {
                ActionFailure::configuration(format!(
                    "The imageDetail.json of the artifact {artifact} has no ImageURI"
                ))
            })?;
            text = text.replace(&format!("<{placeholder}>"), image);
        }
        Ok(text)
    }

    /// A file of one of the action's input artifacts.
    pub(super) async fn text(
        &self,
        action_run: &StartedAction,
        artifact: &str,
        path: &str,
    ) -> Result<String, ActionFailure> {
        let mut inputs = action_run.inputs.iter();
        let (_, at) = inputs.find(|(name, _)| name == artifact).ok_or_else(|| {
            ActionFailure::configuration(format!(
                "The artifact {artifact} is not an input artifact of the action"
            ))
        })?;
        let text = self.shared.store.file(at, path).await;
        text.map_err(ActionFailure::configuration)
    }
}
