//! The events that EventBridge gets when an execution, a stage or an action changes its state.
//!
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html>
//! An approval's token is in none of them, and never in the timeline.

use serde_json::{Map, Value, json};

use super::CodePipeline;
use super::driver::ExecutionKey;
use super::model::{Artifact, Execution, Pipeline, Run};
use super::stage_entry::EntryEvent;
use crate::timeline::TimelineEvent;
use crate::wire::json::without_nulls;

/// What changed.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Execution,
    /// By its place.
    Stage(usize),
    /// By the run's id.
    Action(&'a str),
}

/// A change of state, ready to be sent.
pub(super) struct Event {
    pub(super) detail_type: &'static str,
    pub(super) pipeline: String,
    pub(super) detail: Value,
    kind: &'static str,
    sentence: String,
}

impl Event {
    pub(super) fn new(
        subject: Subject<'_>,
        state: &str,
        key: &ExecutionKey,
        execution: &Execution,
    ) -> Self {
        let version = f64::from(execution.declaration.version);
        let mut detail = Map::new();
        let mut put = |name: &str, value: Value| {
            detail.insert(name.to_owned(), value);
        };
        put("pipeline", json!(key.pipeline));
        put("execution-id", json!(key.execution));
        put("state", json!(state));
        put("version", json!(version));
        put(
            "pipeline-execution-attempt",
            json!(f64::from(execution.attempt)),
        );
        let (detail_type, kind, what) = match subject {
            Subject::Execution => {
                let (kind, by) = &execution.trigger;
                put(
                    "execution-trigger",
                    json!({ "trigger-type": kind, "trigger-detail": by }),
                );
                (
                    "CodePipeline Pipeline Execution State Change",
                    "pipeline",
                    "Execution".to_owned(),
                )
            }
            Subject::Stage(place) => {
                let name = &execution.declaration.stages[place].name;
                put("stage", json!(name));
                put("start-time", json!(millis(execution.updated)));
                (
                    "CodePipeline Stage Execution State Change",
                    "stage",
                    format!("Stage {name}"),
                )
            }
            Subject::Action(run) => {
                let run = execution
                    .run(run)
                    .expect("an event is made of a run there is");
                for (name, value) in action_members(execution, run) {
                    put(&name, value);
                }
                let name = &execution.action(run).name;
                (
                    "CodePipeline Action Execution State Change",
                    "action",
                    format!("Action {name}"),
                )
            }
        };
        let sentence = format!(
            "{what} of pipeline {} is {state} (execution {}).",
            key.pipeline, key.execution
        );
        Self {
            detail_type,
            pipeline: key.pipeline.clone(),
            detail: Value::Object(detail),
            kind,
            sentence,
        }
    }
}

fn action_members(execution: &Execution, run: &Run) -> Map<String, Value> {
    let action = execution.action(run);
    let details = &run.details;
    let result = without_nulls(json!({
        "external-execution-id": details.external_id,
        "external-execution-summary": details.summary.as_ref().or(details.error.as_ref().map(|(_, message)| message)),
        "external-execution-url": details.external_url,
        "error-code": details.error.as_ref().map(|(code, _)| code),
    }));
    let mut members = json!({
        "stage": execution.stage_name(run),
        "action": action.name,
        "action-execution-id": run.id,
        "start-time": millis(run.started),
        "type": {
            "owner": action.type_id.owner,
            "provider": action.type_id.provider,
            "category": action.type_id.category,
            "version": action.type_id.version,
        },
    });
    if result != json!({}) {
        members["execution-result"] = result;
    }
    for (name, artifacts) in [
        ("input-artifacts", &run.inputs),
        ("output-artifacts", &run.outputs),
    ] {
        if !artifacts.is_empty() {
            members[name] = artifacts.iter().map(artifact).collect();
        }
    }
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn artifact((name, at): &(String, Artifact)) -> Value {
    json!({ "name": name, "s3location": { "bucket": at.bucket, "key": at.key } })
}

/// An instant as the events have it.
fn millis(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

impl CodePipeline {
    /// Tells the timeline, and EventBridge.
    pub(super) fn announce(&self, event: &Event) {
        let mut detail = event.detail.clone();
        if event.kind == "action" {
            detail["region"] = json!(self.world().region);
        }
        self.world().timeline.record(TimelineEvent {
            kind: event.kind.to_owned(),
            deployment_id: None,
            message: event.sentence.clone(),
            detail: detail.clone(),
        });
        self.shared.bus.put(json!({
            "version": "0",
            "id": crate::ids::uuid(),
            "detail-type": event.detail_type,
            "source": "aws.codepipeline",
            "account": self.world().account,
            "time": self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": self.world().region,
            "resources": [self.arn(&event.pipeline)],
            "detail": detail,
        }));
    }

    /// Tells who entered a stage and who gave way.
    pub(super) fn announce_entrances(
        &self,
        pipeline: &Pipeline,
        name: &str,
        happened: &[EntryEvent],
    ) {
        for happened in happened {
            let (id, subject, state) = match happened {
                EntryEvent::Superseded(id) => (id, Subject::Execution, "SUPERSEDED"),
                EntryEvent::Entered(id, stage) => (id, Subject::Stage(*stage), "STARTED"),
            };
            let key = ExecutionKey {
                pipeline: name.to_owned(),
                execution: id.clone(),
            };
            if let Ok(execution) = pipeline.execution(id) {
                self.announce(&Event::new(subject, state, &key, execution));
            }
        }
    }
}
