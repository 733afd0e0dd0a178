//! Tags of scalable targets.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::AutoScaling;
use super::model::{State, invalid};
use crate::error::AwsError;
use crate::wire::json::read;

/// Tags of one target, at most.
const MAX_TAGS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Call {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl AutoScaling {
    pub(super) fn tag_resource(&self, input: Value) -> Result<Value, AwsError> {
        let call: Call = read(input)?;
        if call
            .tags
            .keys()
            .any(|key| key.to_lowercase().starts_with("aws:"))
        {
            return Err(invalid(
                "Tags that start with aws: are reserved for AWS use.",
            ));
        }
        let mut state = self.state();
        let tags = tags_of(&mut state, &call.arn)?;
        let mut new = tags.clone();
        new.extend(call.tags);
        if new.len() > MAX_TAGS {
            return Err(AwsError::client(
                "TooManyTagsException",
                format!("A scalable target has {MAX_TAGS} tags at most."),
            ));
        }
        *tags = new;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&self, input: Value) -> Result<Value, AwsError> {
        let call: Call = read(input)?;
        tags_of(&mut self.state(), &call.arn)?.retain(|key, _| !call.tag_keys.contains(key));
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&self, input: Value) -> Result<Value, AwsError> {
        let call: Call = read(input)?;
        Ok(json!({ "Tags": tags_of(&mut self.state(), &call.arn)? }))
    }
}

fn tags_of<'a>(
    state: &'a mut State,
    arn: &str,
) -> Result<&'a mut BTreeMap<String, String>, AwsError> {
    let found = state.targets.values_mut().find(|target| target.arn == arn);
    found.map(|target| &mut target.tags).ok_or_else(|| {
        AwsError::client(
            "ResourceNotFoundException",
            format!("There is no scalable target {arn}."),
        )
    })
}
