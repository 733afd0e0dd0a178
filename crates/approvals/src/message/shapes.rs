//! One message, recognised by its shape: the keys that no other message has. Subjects are never
//! read: they are cut, and anybody's.

use serde_json::Value;
use text::mask::Masker;

use super::{
    Alarm, ApprovalMessage, ExecutionChange, Incoming, Origin, State, StateChange, Trigger,
    WaitingMessage, ecs, fields, gate, plain,
};
use crate::{ApprovalAction, Token, redact};

/// A token is 36 characters today.
const TOKEN_LIMIT: usize = 256;

pub(super) fn known(message: &Value, origin: &Origin) -> Option<Incoming> {
    let shapes = [approval, pipeline, ecs::event, gate::event, trigger, alarm];
    shapes.into_iter().find_map(|shape| shape(message, origin))
}

/// `{"region", "consoleLink", "approval": {"pipelineName", …, "token"}}`
fn approval(message: &Value, origin: &Origin) -> Option<Incoming> {
    let approval = message.get("approval")?;
    let secret = fields::text(approval, "token").filter(|token| {
        token.len() <= TOKEN_LIMIT && token.chars().all(|c| c.is_ascii_graphic())
    })?;
    let named = |key| fields::name(approval, key);
    let (region, account) = place(message, origin);
    let action = ApprovalAction {
        account,
        region,
        pipeline: named("pipelineName")?,
        stage: named("stageName")?,
        action: named("actionName")?,
    };
    let known = Masker::new().value(secret);
    // Names that carry the token are no names.
    let parts = [&action.pipeline, &action.stage, &action.action];
    if parts.into_iter().any(|name| known.finds(name)) {
        return None;
    }
    let console_link = fields::text(message, "consoleLink")
        .and_then(fields::console_link)
        .filter(|link| !known.finds(link));
    Some(Incoming::Approval(ApprovalMessage {
        action,
        token: Token::new(secret),
        expires: fields::time(approval, "expires"),
        console_link,
        external_link: fields::text(approval, "externalEntityLink")
            .map(|link| fields::external_link(&known, link)),
        comment: fields::text(approval, "customData")
            .map(|text| redact::prose_with(&known, text, plain::PROSE_LIMIT)),
        origin: origin.clone(),
    }))
}

/// Events of CodePipeline: as EventBridge sends them (`detail-type`), or a notification rule
/// (`detailType`).
fn pipeline(message: &Value, origin: &Origin) -> Option<Incoming> {
    if message.get("source")?.as_str()? != "aws.codepipeline" {
        return None;
    }
    let notification = fields::text(message, "detailType");
    let kind = notification.or_else(|| fields::text(message, "detail-type"))?;
    match kind {
        "CodePipeline Action Execution State Change" => {
            action_changed(message, notification.is_some(), origin)
        }
        "CodePipeline Pipeline Execution State Change" => {
            execution_changed(message, notification.is_some(), origin)
        }
        _ => None,
    }
}

fn action_changed(message: &Value, notification: bool, origin: &Origin) -> Option<Incoming> {
    let detail = message.get("detail")?;
    let (region, account) = place(message, origin);
    let action = ApprovalAction {
        account,
        region,
        pipeline: fields::name(detail, "pipeline")?,
        stage: fields::name(detail, "stage")?,
        action: fields::name(detail, "action")?,
    };
    let kind = detail.get("type").unwrap_or(&Value::Null);
    let result = detail.get("execution-result").unwrap_or(&Value::Null);
    let change = StateChange {
        action,
        execution_id: fields::id(detail, "execution-id")?,
        category: fields::word(kind, "category").unwrap_or_default(),
        provider: fields::word(kind, "provider").unwrap_or_default(),
        state: state(detail)?,
        summary: fields::prose(result, "external-execution-summary"),
        notified: notification,
        time: fields::time(message, "time"),
        origin: origin.clone(),
    };
    if notification && change.is_manual_approval() && change.state == State::Started {
        let more = message.get("additionalAttributes").unwrap_or(&Value::Null);
        return Some(Incoming::Waiting(WaitingMessage {
            action: change.action,
            execution_id: change.execution_id,
            external_link: fields::text(more, "externalEntityLink")
                .map(|link| fields::external_link(&Masker::new(), link)),
            comment: fields::prose(more, "customData"),
            time: change.time,
            origin: change.origin,
        }));
    }
    Some(Incoming::ActionChanged(change))
}

fn execution_changed(message: &Value, notified: bool, origin: &Origin) -> Option<Incoming> {
    let detail = message.get("detail")?;
    let (region, account) = place(message, origin);
    Some(Incoming::ExecutionChanged(ExecutionChange {
        account,
        region,
        pipeline: fields::name(detail, "pipeline")?,
        execution_id: fields::id(detail, "execution-id")?,
        state: state(detail)?,
        notified,
        time: fields::time(message, "time"),
        origin: origin.clone(),
    }))
}

/// Region and account that the message names, else those of the topic: an approval and its topic are
/// of one region, and but for rare set-ups of one account.
fn place(message: &Value, origin: &Origin) -> (String, String) {
    let topic = origin.topic_arn.as_deref().unwrap_or_default();
    let (topic_region, topic_account) = fields::place_of(topic);
    let or = |own: String, other| if own.is_empty() { other } else { own };
    (
        or(fields::region(message, "region"), topic_region),
        or(fields::account(message, "account"), topic_account),
    )
}

fn state(detail: &Value) -> Option<State> {
    let word = fields::word(detail, "state")?;
    Some(match word.as_str() {
        "STARTED" => State::Started,
        "RESUMED" => State::Resumed,
        "SUCCEEDED" => State::Succeeded,
        "FAILED" => State::Failed,
        "STOPPING" => State::Stopping,
        "STOPPED" => State::Stopped,
        "SUPERSEDED" => State::Superseded,
        "CANCELED" => State::Canceled,
        "ABANDONED" => State::Abandoned,
        _ => State::Other(word.chars().take(40).collect()),
    })
}

/// A trigger of CodeDeploy.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-sns-event-notifications-json-format.html>
fn trigger(message: &Value, origin: &Origin) -> Option<Incoming> {
    let name = fields::label(message, "eventTriggerName")?;
    let deployment = fields::id(message, "deploymentId")?;
    let status =
        fields::word(message, "status").or_else(|| fields::word(message, "instanceStatus"));
    let details: Vec<String> = [
        nested_text(message, "errorInformation", "ErrorMessage"),
        nested_text(message, "rollbackInformation", "RollbackMessage"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(Incoming::CodeDeploy(Trigger {
        account: fields::account(message, "accountId"),
        region: fields::region(message, "region"),
        name,
        application: fields::label(message, "applicationName"),
        group: fields::label(message, "deploymentGroupName"),
        deployment,
        instance: fields::label(message, "instanceId"),
        status: status?,
        detail: (!details.is_empty()).then(|| details.join("\n")),
        origin: origin.clone(),
    }))
}

/// A text in an object that travels as an object, as JSON in a string, or as the text itself.
fn nested_text(message: &Value, key: &str, inner: &str) -> Option<String> {
    let found = message.get(key)?;
    if let Some(text) = found.as_str()
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(text)
    {
        return fields::prose(&object, inner);
    }
    fields::prose(found, inner).or_else(|| fields::prose(message, key))
}

/// An alarm of CloudWatch, plain or composite.
fn alarm(message: &Value, origin: &Origin) -> Option<Incoming> {
    let name = fields::label(message, "AlarmName")?;
    let state = fields::word(message, "NewStateValue")?;
    let (region, account) = fields::place_of(fields::text(message, "AlarmArn").unwrap_or_default());
    let named = fields::account(message, "AWSAccountId");
    Some(Incoming::Alarm(Alarm {
        account: if named.is_empty() { account } else { named },
        region,
        name,
        description: fields::prose(message, "AlarmDescription"),
        state,
        reason: fields::prose(message, "NewStateReason"),
        time: fields::time(message, "StateChangeTime"),
        origin: origin.clone(),
    }))
}
