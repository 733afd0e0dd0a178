//! What a function is handed: SNS records, an event of EventBridge, or our own reminder.

use serde_json::Value;

use super::{Incoming, Origin, fields, plain, read};
use crate::CaseId;

pub(super) fn open(event: &Value) -> Vec<Incoming> {
    if let Some(Value::Array(records)) = event.get("Records") {
        return records.iter().map(record).collect();
    }
    if let Some(reminder) = event.get("reminder").and_then(reminder) {
        return vec![reminder];
    }
    let origin = Origin {
        message_id: fields::id(event, "id"),
        topic_arn: None,
    };
    vec![read::message(event, None, origin)]
}

/// `{"case": ID, "number": n}`
fn reminder(reminder: &Value) -> Option<Incoming> {
    let case = CaseId::try_from(fields::text(reminder, "case")?.to_owned()).ok()?;
    let number = u32::try_from(reminder.get("number")?.as_u64()?).ok()?;
    (number > 0).then_some(Incoming::Reminder { case, number })
}

fn record(record: &Value) -> Incoming {
    let Some(sns) = record.get("Sns").filter(|sns| sns.is_object()) else {
        return Incoming::Other(plain::of_json(None, record, Origin::default()));
    };
    let origin = Origin {
        message_id: fields::id(sns, "MessageId"),
        topic_arn: fields::topic(sns, "TopicArn"),
    };
    let subject = fields::text(sns, "Subject");
    match sns.get("Message") {
        Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(message @ (Value::Object(_) | Value::Array(_))) => {
                read::message(&message, subject, origin)
            }
            // Not JSON, or a single word or number: text.
            _ => Incoming::Other(plain::of_text(subject, text, origin)),
        },
        Some(message @ Value::Object(_)) => read::message(message, subject, origin),
        _ => Incoming::Other(plain::of_json(subject, sns, origin)),
    }
}
