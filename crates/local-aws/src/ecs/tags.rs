//! Tags of clusters, services, task sets and task definitions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::api::invalid;
use super::model::State;
use crate::error::AwsError;
use crate::wire::json::read;

#[derive(Deserialize)]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    resource_arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl Ecs {
    pub(super) fn tag_resource(&self, input: Value) -> Result<Value, AwsError> {
        let call: Call = read(input)?;
        tags_of(&mut self.state(), &call.resource_arn)?.extend(to_map(call.tags));
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&self, input: Value) -> Result<Value, AwsError> {
        let call: Call = read(input)?;
        tags_of(&mut self.state(), &call.resource_arn)?
            .retain(|key, _| !call.tag_keys.contains(key));
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&self, input: Value) -> Result<Value, AwsError> {
        let call: Call = read(input)?;
        let mut state = self.state();
        tags_of(&mut state, &call.resource_arn)?;
        Ok(json!({ "tags": render(&state, &call.resource_arn) }))
    }
}

fn tags_of<'a>(
    state: &'a mut State,
    arn: &str,
) -> Result<&'a mut BTreeMap<String, String>, AwsError> {
    state.tags.get_mut(arn).ok_or_else(|| {
        invalid(format!(
            "The specified resource cannot be found: {arn}. Check the ARN."
        ))
    })
}

pub(super) fn to_map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// The tags of a resource as answers have them.
pub(super) fn render(state: &State, arn: &str) -> Value {
    let tags = state.tags.get(arn).into_iter().flatten();
    tags.map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}
