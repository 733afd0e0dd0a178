//! EventBridge for the events of AWS services.
//!
//! `PutEvents` takes no source that begins with `aws.`, neither in AWS nor in the emulator, so events
//! are delivered here: the rules of the default bus and their targets are read from the emulator, its
//! own matching is asked, and targets are called. In the order in which things happened.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::World;
use crate::error::AwsError;
use crate::sinks::Sinks;
use crate::timeline::{Timeline, TimelineEvent};
use crate::upstream::Upstream;

/// Where events are put. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct EventBus {
    queue: mpsc::UnboundedSender<Value>,
}

struct Delivery {
    upstream: Upstream,
    timeline: Timeline,
    sinks: Sinks,
}

impl EventBus {
    /// Starts the task that delivers; it ends with the last clone.
    pub(crate) fn start(upstream: Upstream, world: &World, sinks: Sinks) -> Self {
        let (queue, mut events) = mpsc::unbounded_channel();
        let delivery = Arc::new(Delivery {
            upstream,
            timeline: world.timeline.clone(),
            sinks,
        });
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Err(error) = delivery.deliver(&event).await {
                    tracing::debug!(%error, "no rule can be read");
                }
            }
        });
        Self { queue }
    }

    /// Puts an event.
    pub(crate) fn put(&self, event: Value) {
        // The task only ends with the world.
        let _ = self.queue.send(event);
    }
}

impl Delivery {
    async fn deliver(&self, event: &Value) -> Result<(), AwsError> {
        let rules = self
            .events("ListRules", &json!({ "EventBusName": "default" }))
            .await?;
        for rule in rules["Rules"].as_array().into_iter().flatten() {
            let pattern = rule["EventPattern"].as_str();
            let (Some(pattern), Some(name)) = (pattern, rule["Name"].as_str()) else {
                continue;
            };
            if rule["State"] == "DISABLED" {
                continue;
            }
            let question = json!({ "EventPattern": pattern, "Event": event.to_string() });
            let matched = self.events("TestEventPattern", &question).await?;
            if matched["Result"] != true {
                continue;
            }
            let targets = self
                .events("ListTargetsByRule", &json!({ "Rule": name }))
                .await?;
            for target in targets["Targets"].as_array().into_iter().flatten() {
                if let Err(error) = self.call(target, event).await {
                    self.record(name, target, &error);
                }
            }
        }
        Ok(())
    }

    async fn call(&self, target: &Value, event: &Value) -> Result<(), AwsError> {
        let arn = target["Arn"].as_str().unwrap_or_default();
        let payload = payload(target, event);
        match arn.split(':').nth(2) {
            Some("lambda") => self.upstream.invoke(arn, &payload).await,
            Some("sns") => {
                let params = [
                    ("TopicArn", arn),
                    ("Message", &payload),
                    ("Version", "2010-03-31"),
                ];
                self.upstream.query("sns", "Publish", &params).await?;
                self.sinks.published(arn, "", &payload).await;
                Ok(())
            }
            Some("sqs") => {
                let url = self.queue_url(arn).await?;
                let input = json!({ "QueueUrl": url, "MessageBody": payload });
                let sent = self
                    .upstream
                    .json("sqs", "AmazonSQS.SendMessage", &input)
                    .await;
                sent.map(drop)
            }
            _ => Err(AwsError::client(
                "UnsupportedTarget",
                format!(
                    "{arn} is no function, topic or queue; events of AWS services are delivered to these only"
                ),
            )),
        }
    }

    async fn queue_url(&self, arn: &str) -> Result<String, AwsError> {
        let name = arn.rsplit(':').next().unwrap_or_default();
        let input = json!({ "QueueName": name });
        let found = self
            .upstream
            .json("sqs", "AmazonSQS.GetQueueUrl", &input)
            .await?;
        Ok(found["QueueUrl"].as_str().unwrap_or_default().to_owned())
    }

    async fn events(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        let target = format!("AWSEvents.{operation}");
        self.upstream.json("events", &target, input).await
    }

    fn record(&self, rule: &str, target: &Value, error: &AwsError) {
        self.timeline.record(TimelineEvent {
            kind: "event".to_owned(),
            deployment_id: None,
            message: format!(
                "The rule {rule} matched, but its target {} was not called: {error}",
                target["Arn"]
            ),
            detail: json!({ "rule": rule, "target": target["Arn"] }),
        });
    }
}

/// What a target is called with.
fn payload(target: &Value, event: &Value) -> String {
    if let Some(input) = target["Input"].as_str() {
        return input.to_owned();
    }
    if let Some(path) = target["InputPath"].as_str() {
        return at(event, path).unwrap_or(event).to_string();
    }
    if let Some(transformer) = target["InputTransformer"].as_object() {
        return transform(transformer, event);
    }
    event.to_string()
}

/// Fills `<name>` in a template with the values at the paths.
fn transform(transformer: &Map<String, Value>, event: &Value) -> String {
    let mut text = transformer
        .get("InputTemplate")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let paths = transformer.get("InputPathsMap").and_then(Value::as_object);
    for (name, path) in paths.into_iter().flatten() {
        let found = at(event, path.as_str().unwrap_or_default());
        let value = match found {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        text = text.replace(&format!("<{name}>"), &value);
    }
    text
}

/// The value at a path such as `$.detail.pipeline`.
fn at<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    let mut names = path
        .trim_start_matches('$')
        .split('.')
        .filter(|name| !name.is_empty());
    names.try_fold(event, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_gets_the_event_or_what_is_made_of_it() {
        let event = json!({ "source": "aws.codepipeline", "detail": { "pipeline": "shop", "version": 5.0 } });
        assert_eq!(payload(&json!({}), &event), event.to_string());
        assert_eq!(payload(&json!({ "Input": "{}" }), &event), "{}");
        assert_eq!(
            payload(&json!({ "InputPath": "$.detail" }), &event),
            r#"{"pipeline":"shop","version":5.0}"#
        );
        let transformer = json!({ "InputTransformer": {
            "InputPathsMap": { "p": "$.detail.pipeline", "v": "$.detail.version" },
            "InputTemplate": "\"<p> is at <v>\"",
        }});
        assert_eq!(payload(&transformer, &event), "\"shop is at 5.0\"");
    }
}
