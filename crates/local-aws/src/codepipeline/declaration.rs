//! A pipeline's structure as `CreatePipeline` takes it, and the rules it has to keep.
//!
//! It only reads and refuses; nothing is looked up in the world.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::providers::{Provider, provider};
use super::validation::validation;
use crate::error::AwsError;

/// How executions of one pipeline stand to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Mode {
    /// A newer execution takes the place of one that waits to enter a stage.
    #[default]
    Superseded,
    /// They wait in a queue.
    Queued,
    /// They don't know of each other.
    Parallel,
}

impl Mode {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Superseded => "SUPERSEDED",
            Self::Queued => "QUEUED",
            Self::Parallel => "PARALLEL",
        }
    }
}

/// A pipeline's structure in one version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declaration {
    pub(super) name: String,
    #[serde(rename = "roleArn")]
    _role_arn: String,
    artifact_store: Option<ArtifactStore>,
    pub(super) stages: Vec<Stage>,
    #[serde(default)]
    pub(super) execution_mode: Mode,
    pub(super) pipeline_type: Option<String>,
    #[serde(default)]
    pub(super) variables: Vec<Variable>,
    #[serde(skip)]
    pub(super) version: u32,
    /// As it was given, with what AWS fills in.
    #[serde(skip)]
    pub(super) shown: Value,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct ArtifactStore {
    location: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(rename = "defaultValue")]
    pub(super) default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) name: String,
    #[serde(rename = "actionTypeId")]
    pub(super) type_id: TypeId,
    #[serde(default = "first")]
    pub(super) run_order: u32,
    #[serde(default)]
    pub(super) configuration: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) input_artifacts: Vec<Named>,
    #[serde(default)]
    pub(super) output_artifacts: Vec<Named>,
    pub(super) namespace: Option<String>,
    pub(super) timeout_in_minutes: Option<u32>,
    pub(super) role_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct TypeId {
    pub(super) category: String,
    pub(super) owner: String,
    pub(super) provider: String,
    pub(super) version: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

const fn first() -> u32 {
    1
}

impl Declaration {
    /// Reads and checks the `pipeline` of a call.
    pub(super) fn read(given: &Value, region: &str) -> Result<Self, AwsError> {
        let given = given.get("pipeline").unwrap_or(&Value::Null);
        let mut declaration = Self::deserialize(given).map_err(|error| unreadable(&error))?;
        declaration.check(region)?;
        declaration.shown = shown(given, region);
        Ok(declaration)
    }

    /// The place of a stage.
    pub(super) fn stage(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name == name)
    }

    /// The bucket in which artifacts are kept.
    pub(super) fn bucket(&self) -> Option<&str> {
        self.artifact_store
            .as_ref()
            .map(|store| store.location.as_str())
    }

    /// As `GetPipeline` shows it.
    pub(super) fn to_wire(&self) -> Value {
        let mut shown = self.shown.clone();
        shown["version"] = json!(self.version);
        shown["executionMode"] = json!(self.execution_mode.name());
        shown["pipelineType"] = json!(self.pipeline_type.as_deref().unwrap_or("V1"));
        shown
    }

    fn check(&self, region: &str) -> Result<(), AwsError> {
        if self.stages.len() < 2 {
            return Err(structure("Pipeline has less than two stages"));
        }
        if let Some(twice) = twice(self.stages.iter().map(|stage| stage.name.as_str())) {
            return Err(structure(format!("Duplicate stage name {twice}")));
        }
        self.check_type()?;
        let mut artifacts = BTreeSet::new();
        let mut namespaces = BTreeSet::new();
        for (n, stage) in self.stages.iter().enumerate() {
            if stage.actions.is_empty() {
                return Err(structure(format!("Stage {} has no actions", stage.name)));
            }
            if let Some(twice) = twice(stage.actions.iter().map(|action| action.name.as_str())) {
                return Err(structure(format!(
                    "Duplicate action name {twice} in stage {}",
                    stage.name
                )));
            }
            let mut in_order: Vec<&Action> = stage.actions.iter().collect();
            in_order.sort_by_key(|action| action.run_order);
            for action in in_order {
                let is_source = action.type_id.category == "Source";
                if is_source != (n == 0) {
                    return Err(structure(
                        "The first stage must contain source actions only, and no other stage any",
                    ));
                }
                action.check(region, &artifacts, &mut namespaces)?;
                let outputs = action.output_artifacts.iter();
                artifacts.extend(outputs.map(|artifact| artifact.name.clone()));
            }
        }
        Ok(())
    }

    /// What only pipelines of type V2 have.
    fn check_type(&self) -> Result<(), AwsError> {
        if self.pipeline_type.as_deref() == Some("V2") {
            return Ok(());
        }
        if self.execution_mode != Mode::Superseded {
            return Err(structure(format!(
                "The execution mode {} needs a pipeline of type V2",
                self.execution_mode.name()
            )));
        }
        if !self.variables.is_empty() {
            return Err(structure(
                "Pipeline-level variables need a pipeline of type V2",
            ));
        }
        Ok(())
    }
}

impl Action {
    /// What it does.
    pub(super) fn provider(&self) -> Option<&'static Provider> {
        provider(&self.type_id)
    }

    fn check(
        &self,
        region: &str,
        artifacts: &BTreeSet<String>,
        namespaces: &mut BTreeSet<String>,
    ) -> Result<(), AwsError> {
        let TypeId {
            category,
            owner,
            provider,
            version,
        } = &self.type_id;
        let Some(known) = self.provider() else {
            return Err(invalid(format!(
                "ActionType (Category: '{category}', Provider: '{provider}', Owner: '{owner}', \
                 Version: '{version}') in action '{}' is not available in region {}",
                self.name,
                region.to_uppercase().replace('-', "_")
            )));
        };
        for key in known.required {
            if !self.configuration.contains_key(*key) {
                return Err(invalid(format!(
                    "Action configuration for action '{}' is missing required configuration '{key}'",
                    self.name
                )));
            }
        }
        for (key, value) in &self.configuration {
            if !known.knows(key) {
                return Err(invalid(format!(
                    "Action configuration for action '{}' contains unknown configuration '{key}'",
                    self.name
                )));
            }
            if value.is_empty() || value.chars().count() > 1000 {
                return Err(validation(format!(
                    "1 validation error detected: Value at 'pipeline.stages.actions.configuration' \
                     failed to satisfy constraint: the value of {key} must have length between 1 \
                     and 1000"
                )));
            }
        }
        if let Some(input) = self
            .input_artifacts
            .iter()
            .find(|input| !artifacts.contains(&input.name))
        {
            return Err(invalid(format!(
                "Input Artifact Bundle {} in action {} is not declared as Output Artifact Bundle in \
                 any of the preceding actions",
                input.name, self.name
            )));
        }
        if let Some(namespace) = &self.namespace
            && !namespaces.insert(namespace.clone())
        {
            return Err(invalid(format!(
                "The namespace {namespace} is used by more than one action"
            )));
        }
        match self.timeout_in_minutes {
            Some(minutes) if !(5..=86_400).contains(&minutes) => Err(validation(format!(
                "1 validation error detected: Value '{minutes}' at \
                 'pipeline.stages.actions.timeoutInMinutes' failed to satisfy constraint: Member \
                 must have value between 5 and 86400"
            ))),
            _ => Ok(()),
        }
    }
}

fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// What AWS fills in where a caller left something out.
fn shown(given: &Value, region: &str) -> Value {
    let mut shown = given.clone();
    let stages = shown["stages"].as_array_mut().into_iter().flatten();
    for action in stages
        .filter_map(|stage| stage["actions"].as_array_mut())
        .flatten()
    {
        let Some(action) = action.as_object_mut() else {
            continue;
        };
        for (name, value) in [
            ("runOrder", json!(1)),
            ("configuration", json!({})),
            ("outputArtifacts", json!([])),
            ("inputArtifacts", json!([])),
            ("region", json!(region)),
        ] {
            action.entry(name).or_insert(value);
        }
    }
    shown
}

fn unreadable(error: &serde_json::Error) -> AwsError {
    let message = error.to_string();
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    match missing {
        Some(field) => validation(format!(
            "1 validation error detected: Value null at 'pipeline.{field}' failed to satisfy \
             constraint: Member must not be null"
        )),
        None if message.starts_with("invalid type: null") => validation(
            "1 validation error detected: Value null at 'pipeline' failed to satisfy constraint: \
             Member must not be null",
        ),
        None => AwsError::client("SerializationException", message),
    }
}

fn structure(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidStructureException", message)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidActionDeclarationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline() -> Value {
        json!({ "pipeline": {
            "name": "shop", "roleArn": "arn:aws:iam::000000000000:role/pipeline",
            "artifactStore": { "type": "S3", "location": "artifacts" },
            "stages": [
                { "name": "Source", "actions": [{
                    "name": "Source",
                    "actionTypeId": { "category": "Source", "owner": "AWS", "provider": "S3", "version": "1" },
                    "configuration": { "S3Bucket": "source", "S3ObjectKey": "shop.zip" },
                    "outputArtifacts": [{ "name": "source" }],
                }]},
                { "name": "Approval", "actions": [{
                    "name": "Ask",
                    "actionTypeId": { "category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1" },
                }]},
            ],
        }})
    }

    fn refused(change: impl FnOnce(&mut Value)) -> String {
        let mut given = pipeline();
        change(&mut given["pipeline"]);
        Declaration::read(&given, "us-east-1")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_good_structure_is_shown_with_what_aws_fills_in() {
        let declaration = Declaration::read(&pipeline(), "us-east-1").unwrap();
        assert_eq!(declaration.bucket(), Some("artifacts"));
        let shown = declaration.to_wire();
        assert_eq!(shown["pipelineType"], "V1");
        assert_eq!(shown["stages"][1]["actions"][0]["runOrder"], 1);
        assert_eq!(
            shown["stages"][1]["actions"][0]["inputArtifacts"],
            json!([])
        );
    }

    #[test]
    fn structures_that_aws_refuses_are_refused() {
        insta::assert_snapshot!(refused(|p| { p["stages"].as_array_mut().unwrap().pop(); }),
            @"InvalidStructureException: Pipeline has less than two stages");
        insta::assert_snapshot!(refused(|p| { p["executionMode"] = json!("PARALLEL"); }),
            @"InvalidStructureException: The execution mode PARALLEL needs a pipeline of type V2");
        insta::assert_snapshot!(refused(|p| { p.as_object_mut().unwrap().remove("roleArn"); }),
            @"ValidationException: 1 validation error detected: Value null at 'pipeline.roleArn' failed to satisfy constraint: Member must not be null");
        insta::assert_snapshot!(refused(|p| { p["stages"][1]["actions"][0]["actionTypeId"]["provider"] = json!("Jenkins"); }),
            @"InvalidActionDeclarationException: ActionType (Category: 'Approval', Provider: 'Jenkins', Owner: 'AWS', Version: '1') in action 'Ask' is not available in region US_EAST_1");
        insta::assert_snapshot!(refused(|p| { p["stages"][1]["actions"][0]["configuration"] = json!({ "Who": "me" }); }),
            @"InvalidActionDeclarationException: Action configuration for action 'Ask' contains unknown configuration 'Who'");
        insta::assert_snapshot!(refused(|p| { p["stages"][0]["actions"][0]["configuration"] = json!({ "S3Bucket": "b" }); }),
            @"InvalidActionDeclarationException: Action configuration for action 'Source' is missing required configuration 'S3ObjectKey'");
        insta::assert_snapshot!(refused(|p| { p["stages"][1]["actions"][0]["inputArtifacts"] = json!([{ "name": "build" }]); }),
            @"InvalidActionDeclarationException: Input Artifact Bundle build in action Ask is not declared as Output Artifact Bundle in any of the preceding actions");
    }
}
