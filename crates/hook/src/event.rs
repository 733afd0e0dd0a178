//! The event of a CodeDeploy lifecycle hook, for the ECS and Lambda compute platforms alike.
//!
//! Read tolerantly: unknown fields are ignored, as AWS adds some. It names neither its lifecycle
//! event nor its target; [`crate::lookup`] finds those.
//!
//! Read in passing, without a tree of it in memory: an event of 6 MB is what Lambda lets through, and as
//! a tree that is a hundred times as much. Events of other services are recognised by their shape, so that the
//! refusal names them; what they carry (credentials, among other things) is never kept, logged or repeated.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// AWS's execution ids have some hundred characters.
const MAX_ID_BYTES: usize = 8 * 1024;

/// Who is to be answered: both ids go back unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// `d-` and nine characters.
    pub deployment_id: String,
    /// An opaque string of some hundred characters; valid for this one lifecycle event.
    pub execution_id: String,
}

/// Any event that Lambda hands over. Reading it never fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Result<HookEvent, NotAHookEvent>);

/// The event is not one that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a CodeDeploy lifecycle hook event ({0}); expected \
     {{\"DeploymentId\":\"d-…\",\"LifecycleEventHookExecutionId\":\"…\"}}. Nobody can be answered: \
     check what invokes this function"
)]
pub struct NotAHookEvent(pub OtherEvent);

/// What came instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtherEvent {
    /// A hook of ECS's own blue/green deployments.
    #[error(
        "it is a deployment lifecycle hook of Amazon ECS itself, which is not supported yet: let CodeDeploy deploy the service"
    )]
    EcsNative,
    /// It carries credentials.
    #[error(
        "it is a job of CodePipeline's Lambda action, which is not supported: hook the function in the AppSpec instead"
    )]
    CodePipeline,
    /// `AWS::CloudFormation::CustomResource`.
    #[error(
        "it is a request of a CloudFormation custom resource, which is not supported: hook the function in the AppSpec instead"
    )]
    CustomResource,
    /// A CloudFormation Hook, which judges templates.
    #[error("it is an invocation of a CloudFormation Hook, which is not supported")]
    CloudFormationHook,
    /// A rule of EventBridge, or EventBridge Scheduler.
    #[error(
        "it is an event of EventBridge, which waits for no answer: a gate is hooked in the AppSpec"
    )]
    EventBridge,
    /// A topic, queue, bucket or stream.
    #[error(
        "it is a message of Amazon SNS or a record of SQS, S3 or a stream, which waits for no answer: a gate is hooked in the AppSpec"
    )]
    Records,
    /// A function URL, API Gateway or a load balancer.
    #[error("it is an HTTP request; a gate has no URL")]
    Http,
    /// What the console sends by default.
    #[error(
        "it is the test event of the Lambda console: take the DeploymentId of a deployment that is in progress"
    )]
    ConsoleTest,
    /// No object at all.
    #[error("it is no JSON object")]
    NotAnObject,
    /// Nothing of the two ids.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// There, and of no use.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// There, and of another kind.
    #[error("{0} is no text")]
    NotText(&'static str),
    /// There, and beyond the limit.
    #[error("{0} is longer than 8 KiB")]
    TooLong(&'static str),
}

const DEPLOYMENT_ID: &str = "DeploymentId";
const EXECUTION_ID: &str = "LifecycleEventHookExecutionId";

impl Payload {
    /// The event, or what came instead.
    pub fn decode(self) -> Result<HookEvent, NotAHookEvent> {
        self.0
    }

    fn other(other: OtherEvent) -> Self {
        Self(Err(NotAHookEvent(other)))
    }
}

/// A field that matters.
#[derive(Clone, Copy)]
enum Field {
    DeploymentId,
    ExecutionId,
    Mark(OtherEvent),
    Other,
}

impl Field {
    /// Marks are what other services' events have and CodeDeploy's has not.
    fn of(name: &str) -> Self {
        match name {
            "DeploymentId" | "deploymentId" => Self::DeploymentId,
            "LifecycleEventHookExecutionId" | "lifecycleEventHookExecutionId" => Self::ExecutionId,
            "lifecycleStage" | "executionDetails" => Self::Mark(OtherEvent::EcsNative),
            "CodePipeline.job" => Self::Mark(OtherEvent::CodePipeline),
            "ResponseURL" => Self::Mark(OtherEvent::CustomResource),
            "actionInvocationPoint" => Self::Mark(OtherEvent::CloudFormationHook),
            "detail-type" => Self::Mark(OtherEvent::EventBridge),
            "requestContext" | "rawPath" | "httpMethod" => Self::Mark(OtherEvent::Http),
            "Records" | "TopicArn" => Self::Mark(OtherEvent::Records),
            "key1" => Self::Mark(OtherEvent::ConsoleTest),
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfPayload)
    }
}

/// Answers each kind of JSON value that is no object, after reading it to its end.
macro_rules! no_object {
    ($($visit:ident($kind:ty)),*) => {
        $(fn $visit<E>(self, _: $kind) -> Result<Self::Value, E> {
            Ok(<Self::Value>::OTHER)
        })*
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(<Self::Value>::OTHER)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(<Self::Value>::OTHER)
        }
    };
}

impl Payload {
    const OTHER: Self = Self(Err(NotAHookEvent(OtherEvent::NotAnObject)));
}

struct OfPayload;

impl<'de> Visitor<'de> for OfPayload {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    no_object!(
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_f64(f64),
        visit_str(&str)
    );

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
        let (mut deployment, mut execution, mut mark) = (Id::Absent, Id::Absent, None);
        while let Some(Name(field)) = map.next_key::<Name>()? {
            match field {
                Field::DeploymentId => deployment = map.next_value()?,
                Field::ExecutionId => execution = map.next_value()?,
                Field::Mark(other) => {
                    map.next_value::<IgnoredAny>()?;
                    mark = mark.or(Some(other));
                }
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let (Id::Absent, Id::Absent, Some(other)) = (&deployment, &execution, mark) {
            return Ok(Payload::other(other));
        }
        let event = deployment.read(DEPLOYMENT_ID).and_then(|deployment_id| {
            Ok(HookEvent {
                deployment_id,
                execution_id: execution.read(EXECUTION_ID)?,
            })
        });
        Ok(Payload(event.map_err(NotAHookEvent)))
    }
}

struct Name(Field);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfName;
        impl Visitor<'_> for OfName {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Field::of(name)))
            }
        }
        deserializer.deserialize_identifier(OfName)
    }
}

/// An id of the event.
#[derive(Debug)]
enum Id {
    Absent,
    Text(String),
    TooLong,
    NotText,
}

impl Id {
    const OTHER: Self = Self::NotText;

    fn read(self, name: &'static str) -> Result<String, OtherEvent> {
        match self {
            Self::Absent => Err(OtherEvent::Missing(name)),
            Self::NotText => Err(OtherEvent::NotText(name)),
            Self::TooLong => Err(OtherEvent::TooLong(name)),
            Self::Text(text) if text.trim().is_empty() => Err(OtherEvent::Empty(name)),
            Self::Text(text) => Ok(text),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfId;
        impl<'de> Visitor<'de> for OfId {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }
            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                Ok(if text.len() > MAX_ID_BYTES {
                    Id::TooLong
                } else {
                    Id::Text(text.to_owned())
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Id, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Id::NotText)
            }
            no_object!(
                visit_bool(bool),
                visit_i64(i64),
                visit_u64(u64),
                visit_f64(f64)
            );
        }
        deserializer.deserialize_any(OfId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn decode(event: &Value) -> Result<HookEvent, NotAHookEvent> {
        serde_json::from_str::<Payload>(&event.to_string())
            .unwrap()
            .decode()
    }

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
            let payload: Payload = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let event = payload.decode().unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(event.deployment_id.starts_with("d-"), "{name}");
            read += 1;
        }
        assert!(read >= 3, "only {read} sample events");
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let event = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x",
            "Region": null, "Extra": {"deep": [1, 2]}, "Records": [], "key1": "x"});
        assert_eq!(decode(&event).unwrap().execution_id, "x");
        let event = json!({"deploymentId": "d-1", "lifecycleEventHookExecutionId": "x"});
        assert_eq!(decode(&event).unwrap().deployment_id, "d-1");
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_the_shape_that_is_expected() {
        for event in [
            json!({}),
            json!(null),
            json!([1, {"a": []}]),
            json!("DeploymentId"),
            json!(7.5),
            json!({"DeploymentId": "d-1"}),
            json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": " "}),
            json!({"DeploymentId": 7, "LifecycleEventHookExecutionId": "x"}),
            json!({"DeploymentId": {"a": [1]}, "LifecycleEventHookExecutionId": ["x"]}),
            json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x".repeat(MAX_ID_BYTES + 1)}),
        ] {
            let error = decode(&event).unwrap_err().to_string();
            assert!(
                error.contains("LifecycleEventHookExecutionId\":\"…\""),
                "{event}: {error}"
            );
        }
    }

    #[test]
    fn events_of_other_services_are_named_and_what_they_carry_is_not_repeated() {
        for (event, named) in [
            (
                json!({"CodePipeline.job": {"id": "1", "data": {"artifactCredentials": {"secretAccessKey": "hunter2"}}}}),
                "CodePipeline's Lambda action",
            ),
            (
                json!({"executionId": "1", "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT", "executionDetails": {}}),
                "Amazon ECS itself",
            ),
            (
                json!({"RequestType": "Create", "ResponseURL": "https://b.s3.test/?X-Amz-Signature=hunter2"}),
                "CloudFormation custom resource",
            ),
            (
                json!({"actionInvocationPoint": "CREATE_PRE_PROVISION", "requestData": {"callerCredentials": "hunter2"}}),
                "CloudFormation Hook",
            ),
            (
                json!({"source": "aws.codedeploy", "detail-type": "CodeDeploy Deployment State-change Notification"}),
                "EventBridge",
            ),
            (
                json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "hunter2"}}]}),
                "SNS",
            ),
            (
                json!({"Type": "Notification", "TopicArn": "arn", "Message": "hunter2"}),
                "SNS",
            ),
            (
                json!({"version": "2.0", "rawPath": "/", "headers": {"authorization": "hunter2"}}),
                "HTTP request",
            ),
            (
                json!({"key1": "value1", "key2": "value2", "key3": "value3"}),
                "test event",
            ),
        ] {
            let error = decode(&event).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(named), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    /// Six megabytes, as a tree, would be more than a function has.
    #[test]
    fn a_huge_or_deep_event_is_read_in_passing() {
        let flat = format!("[{}0]", "[0],".repeat(1_500_000));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for payload in [flat, deep] {
            let event = format!(
                r#"{{"Extra":{payload},"DeploymentId":"d-1","LifecycleEventHookExecutionId":"x"}}"#
            );
            let read: Payload = serde_json::from_str(&event).unwrap();
            assert_eq!(read.decode().unwrap().deployment_id, "d-1");
        }
    }
}
