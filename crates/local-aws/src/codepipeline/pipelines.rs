//! Calls that make, show, change and tag pipelines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::declaration::Declaration;
use super::history::page;
use super::model::Pipeline;
use super::validation::{ANY, Check, NAME};
use super::{CodePipeline, Request};
use crate::error::AwsError;
use crate::wire::json::epoch;

/// Tags a resource may have.
const MAX_TAGS: usize = 50;

impl CodePipeline {
    pub(super) fn create_pipeline(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let declaration = self.declaration(request)?;
        let tags = tags(&request.input["tags"])?;
        let mut state = self.state();
        let name = declaration.name.clone();
        if state.pipelines.contains_key(&name) {
            return Err(AwsError::client(
                "PipelineNameInUseException",
                format!(
                    "A pipeline with the name '{name}' already exists in account '{}'",
                    self.world().account
                ),
            ));
        }
        let mut pipeline = Pipeline::new(declaration, self.now());
        pipeline.tags = tags;
        let shown =
            json!({ "pipeline": pipeline.current().to_wire(), "tags": wire_tags(&pipeline.tags) });
        state.pipelines.insert(name, pipeline);
        Ok(shown)
    }

    pub(super) fn update_pipeline(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let declaration = self.declaration(request)?;
        let mut state = self.state();
        let pipeline = state.pipeline_mut(&declaration.name.clone())?;
        pipeline.update(declaration, self.now());
        Ok(json!({ "pipeline": pipeline.current().to_wire() }))
    }

    pub(super) fn get_pipeline(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let name = name(request)?;
        let state = self.state();
        let pipeline = state.pipeline(name)?;
        let version = request.input["version"].as_u64();
        let shown = match version {
            None => pipeline.current(),
            Some(wanted) => pipeline
                .versions
                .iter()
                .find(|version| u64::from(version.version) == wanted)
                .ok_or_else(|| {
                    AwsError::client(
                        "PipelineVersionNotFoundException",
                        format!("Pipeline '{name}' does not have a version {wanted}"),
                    )
                })?,
        };
        Ok(json!({
            "pipeline": shown.to_wire(),
            "metadata": {
                "pipelineArn": self.arn(name),
                "created": epoch(pipeline.created),
                "updated": epoch(pipeline.updated),
            },
        }))
    }

    /// Deleting what is not there succeeds, as with AWS. Executions under way end with it.
    pub(super) fn delete_pipeline(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let name = name(request)?;
        self.state().pipelines.remove(name);
        Ok(json!({}))
    }

    pub(super) fn list_pipelines(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let state = self.state();
        let all: Vec<Value> = state
            .pipelines
            .values()
            .map(|pipeline| {
                let current = pipeline.current().to_wire();
                json!({
                    "name": current["name"],
                    "version": current["version"],
                    "pipelineType": current["pipelineType"],
                    "executionMode": current["executionMode"],
                    "created": epoch(pipeline.created),
                    "updated": epoch(pipeline.updated),
                })
            })
            .collect();
        page(request.input, "pipelines", all)
    }

    pub(super) fn list_tags(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut state = self.state();
        let pipeline = self.tagged(&mut state, request)?;
        let all = wire_tags(&pipeline.tags);
        page(request.input, "tags", all)
    }

    pub(super) fn tag_resource(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let more = tags(&request.input["tags"])?;
        let mut state = self.state();
        let pipeline = self.tagged(&mut state, request)?;
        let mut all = pipeline.tags.clone();
        all.extend(more);
        if all.len() > MAX_TAGS {
            return Err(too_many());
        }
        pipeline.tags = all;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut state = self.state();
        let pipeline = self.tagged(&mut state, request)?;
        let keys = request.input["tagKeys"].as_array().into_iter().flatten();
        for key in keys.filter_map(Value::as_str) {
            pipeline.tags.remove(key);
        }
        Ok(json!({}))
    }

    fn declaration(&self, request: &Request<'_>) -> Result<Declaration, AwsError> {
        let mut check = Check::of(request.input);
        check.text("pipeline.name", NAME);
        check.done()?;
        Declaration::read(request.input, &self.world().region)
    }

    /// The pipeline that `resourceArn` names.
    fn tagged<'s>(
        &self,
        state: &'s mut super::State,
        request: &Request<'_>,
    ) -> Result<&'s mut Pipeline, AwsError> {
        let mut check = Check::of(request.input);
        let arn = check.text("resourceArn", ANY);
        check.done()?;
        let prefix = self.arn("");
        let name = arn.strip_prefix(&prefix).ok_or_else(|| {
            AwsError::client(
                "InvalidArnException",
                format!("The ARN '{arn}' is not one of a pipeline here; these begin with {prefix}"),
            )
        })?;
        state.pipelines.get_mut(name).ok_or_else(|| {
            AwsError::client(
                "ResourceNotFoundException",
                format!("There is no pipeline {arn}"),
            )
        })
    }
}

fn name<'a>(request: &Request<'a>) -> Result<&'a str, AwsError> {
    let mut check = Check::of(request.input);
    let name = check.text("name", NAME);
    check.done()?;
    Ok(name)
}

fn tags(given: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in given.as_array().into_iter().flatten() {
        let key = tag["key"]
            .as_str()
            .filter(|key| (1..=128).contains(&key.chars().count()));
        let value = tag["value"]
            .as_str()
            .filter(|value| value.chars().count() <= 256);
        let (Some(key), Some(value)) = (key, value) else {
            return Err(AwsError::client(
                "InvalidTagsException",
                format!(
                    "The tag {tag} is not valid: a key of 1 to 128 characters, a value of 256 at most"
                ),
            ));
        };
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > MAX_TAGS {
        return Err(too_many());
    }
    Ok(tags)
}

fn too_many() -> AwsError {
    AwsError::client(
        "TooManyTagsException",
        format!("A pipeline has at most {MAX_TAGS} tags"),
    )
}

fn wire_tags(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}
