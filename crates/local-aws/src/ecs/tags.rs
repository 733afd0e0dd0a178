//! Tags of clusters, services, task sets and task definitions, with AWS's rules for them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::api::invalid;
use super::model::State;
use crate::error::AwsError;
use crate::wire::json::read;

/// Tags of one resource, at most.
const MAX_TAGS: usize = 50;
/// Characters of a key, at most.
const MAX_KEY_LENGTH: usize = 128;
/// Characters of a value, at most.
const MAX_VALUE_LENGTH: usize = 256;

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
        check(&call.tags)?;
        let mut state = self.state();
        let tags = tags_of(&mut state, &call.resource_arn)?;
        let new = call.tags.iter().filter(|tag| !tags.contains_key(&tag.key));
        if tags.len() + new.count() > MAX_TAGS {
            return Err(too_many());
        }
        tags.extend(to_map(call.tags));
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

/// Refuses tags that AWS refuses.
pub(super) fn check(tags: &[Tag]) -> Result<(), AwsError> {
    if tags.len() > MAX_TAGS {
        return Err(too_many());
    }
    for Tag { key, value } in tags {
        if !(1..=MAX_KEY_LENGTH).contains(&key.chars().count()) {
            return Err(invalid(format!(
                "The tag key '{key}' is to have between 1 and {MAX_KEY_LENGTH} characters."
            )));
        }
        if value.chars().count() > MAX_VALUE_LENGTH {
            return Err(invalid(format!(
                "The value of the tag '{key}' has more than {MAX_VALUE_LENGTH} characters."
            )));
        }
        if [key, value].iter().any(|text| is_reserved(text)) {
            return Err(invalid(
                "Tags that start with aws: are reserved for AWS use.",
            ));
        }
        if !key.chars().chain(value.chars()).all(is_legal) {
            return Err(invalid(
                "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, \
                 numbers and _ . / = + - : @.",
            ));
        }
    }
    Ok(())
}

fn too_many() -> AwsError {
    invalid(format!("Tags can not have more than {MAX_TAGS} elements."))
}

fn is_reserved(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
fn is_legal(c: char) -> bool {
    let separator = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || separator || "_.:/=+-@".contains(c)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &str, value: &str) -> bool {
        let (key, value) = (key.to_owned(), value.to_owned());
        check(&[Tag { key, value }]).is_err()
    }

    #[test]
    fn what_aws_takes_is_taken() {
        assert!(!refused(
            "deploy-hooks:schedule",
            "Mon-Fri 09:00-22:00 + a/b=c@d_e."
        ));
        assert!(!refused("größe", "überall ١٢٣"));
        assert!(!refused("k", ""));
        assert!(!refused(&"k".repeat(128), &"ü".repeat(256)));
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        for (key, value) in [
            ("", "v"),
            ("k", "a,b"),
            ("k", "(a)"),
            ("k", "off=[a]"),
            ("k", "a;b"),
            ("k", "a\tb"),
            ("aws:k", "v"),
            ("AWS:k", "v"),
            ("k", "aws:v"),
            (&"k".repeat(129), "v"),
            ("k", &"v".repeat(257)),
        ] {
            assert!(refused(key, value), "{key}={value}");
        }
    }
}
