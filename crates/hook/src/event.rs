//! The event of a CodeDeploy lifecycle hook, for the ECS and Lambda compute platforms alike.
//!
//! Read tolerantly: unknown fields are ignored, as AWS adds some. It names neither its lifecycle
//! event nor its target; [`crate::lookup`] finds those.

use serde::Deserialize;
use serde_json::Value;

/// Who is to be answered: both ids go back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HookEvent {
    /// `d-` and nine characters.
    #[serde(rename = "DeploymentId", alias = "deploymentId")]
    pub deployment_id: String,
    /// An opaque string of some hundred characters; valid for this one lifecycle event.
    #[serde(
        rename = "LifecycleEventHookExecutionId",
        alias = "lifecycleEventHookExecutionId"
    )]
    pub execution_id: String,
}

/// The event is not one that can be answered.
#[derive(Debug, thiserror::Error)]
#[error(
    "this is not a CodeDeploy lifecycle hook event ({0}); expected \
     {{\"DeploymentId\":\"d-…\",\"LifecycleEventHookExecutionId\":\"…\"}}. Nobody can be answered: \
     check what invokes this function"
)]
pub struct NotAHookEvent(String);

impl HookEvent {
    /// Reads an event as Lambda hands it over.
    pub fn decode(event: Value) -> Result<Self, NotAHookEvent> {
        let event: Self =
            serde_json::from_value(event).map_err(|error| NotAHookEvent(error.to_string()))?;
        for (name, id) in [
            ("DeploymentId", &event.deployment_id),
            ("LifecycleEventHookExecutionId", &event.execution_id),
        ] {
            if id.trim().is_empty() {
                return Err(NotAHookEvent(format!("{name} is empty")));
            }
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_sample_event_of_this_contract_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("codedeploy-") {
                continue;
            }
            let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let event = HookEvent::decode(value).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(event.deployment_id.starts_with("d-"), "{name}");
            read += 1;
        }
        assert!(read >= 3, "only {read} sample events");
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let event = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x",
            "Region": null, "Extra": {"deep": [1, 2]}});
        assert_eq!(HookEvent::decode(event).unwrap().execution_id, "x");
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_the_shape_that_is_expected() {
        for event in [
            json!({}),
            json!(null),
            json!([1]),
            json!({"DeploymentId": "d-1"}),
            json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": " "}),
            json!({"DeploymentId": 7, "LifecycleEventHookExecutionId": "x"}),
        ] {
            let error = HookEvent::decode(event.clone()).unwrap_err().to_string();
            assert!(
                error.contains("LifecycleEventHookExecutionId\":\"…\""),
                "{event}: {error}"
            );
        }
    }
}
