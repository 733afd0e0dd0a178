//! `CodeDeployToECS`: task definition and AppSpec from the artifacts, with the image and the new
//! task definition put in.
//!
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECSbluegreen.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::CodePipeline;
use super::actions::{Begun, Done, Failure, set};
use super::driver::Key;

impl CodePipeline {
    pub(super) async fn code_deploy_to_ecs(
        &self,
        key: &Key,
        begun: &Begun,
        configuration: &BTreeMap<String, String>,
    ) -> Result<Done, Failure> {
        let or = |name: &str, default: &'static str| match set(configuration, name) {
            "" => default.to_owned(),
            given => given.to_owned(),
        };
        let task_definition = self
            .text(
                begun,
                set(configuration, "TaskDefinitionTemplateArtifact"),
                &or("TaskDefinitionTemplatePath", "taskdef.json"),
            )
            .await?;
        let appspec = self
            .text(
                begun,
                set(configuration, "AppSpecTemplateArtifact"),
                &or("AppSpecTemplatePath", "appspec.yaml"),
            )
            .await?;
        let task_definition = self
            .with_images(begun, configuration, task_definition)
            .await?;
        let definition: Value = serde_json::from_str(&task_definition).map_err(|error| {
            Failure::configuration(format!(
                "The task definition template is not valid JSON: {error}"
            ))
        })?;
        let registered = self
            .world()
            .ecs
            .call("RegisterTaskDefinition", definition)
            .await;
        let registered = registered.map_err(|error| {
            Failure::configuration(format!(
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
        self.deploy(key, begun, configuration, revision).await
    }

    /// `<IMAGE1_NAME>` and the like, from the `imageDetail.json` of their artifacts.
    async fn with_images(
        &self,
        begun: &Begun,
        configuration: &BTreeMap<String, String>,
        mut text: String,
    ) -> Result<String, Failure> {
        for n in 1..=4 {
            let artifact = set(configuration, &format!("Image{n}ArtifactName")).to_owned();
            let placeholder = set(configuration, &format!("Image{n}ContainerName")).to_owned();
            if artifact.is_empty() || placeholder.is_empty() {
                continue;
            }
            let detail = self.text(begun, &artifact, "imageDetail.json").await?;
            let detail: Value = serde_json::from_str(&detail).unwrap_or_default();
            let image = detail["ImageURI"].as_str().ok_or_else(|| {
                Failure::configuration(format!(
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
        begun: &Begun,
        artifact: &str,
        path: &str,
    ) -> Result<String, Failure> {
        let mut inputs = begun.inputs.iter();
        let (_, at) = inputs.find(|(name, _)| name == artifact).ok_or_else(|| {
            Failure::configuration(format!(
                "The artifact {artifact} is not an input artifact of the action"
            ))
        })?;
        let text = self.shared.store.file(at, path).await;
        text.map_err(Failure::configuration)
    }
}
