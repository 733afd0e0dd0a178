//! What a function is handed, and what is in it: records of SNS or SQS, an event of EventBridge, a batch
//! of a pipe, our own reminder, and any of these inside of another. An approval counts by whichever way it
//! comes; what isn't known stays whole, so that it is passed on and nothing is dropped.

use jiff::Timestamp;
use serde_json::Value;

use super::{Incoming, Origin, fields, plain, shapes};
use crate::CaseId;

/// How many envelopes inside of each other are opened.
const MAX_DEPTH: usize = 6;
/// A text that is longer is not read as JSON: SNS and SQS carry 1 MiB at most.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_TEXT: usize = 1024 * 1024;
/// Where programs that hand an event on put it: a queue's or a gateway's body, an event's detail, what a
/// failed invocation was called with.
const WRAPPER_KEYS: [&str; 7] = [
    "body",
    "Body",
    "Message",
    "message",
    "detail",
    "requestPayload",
    "payload",
];

pub(super) fn open(event: &Value) -> Vec<Incoming> {
    opened(event, &Context::default(), 0).unwrap_or_else(|| {
        let origin = Origin {
            message_id: fields::id(event, "id"),
            ..Origin::default()
        };
        vec![Incoming::Other(plain::of_json(None, event, origin))]
    })
}

/// What the envelopes around a message say about it.
#[derive(Clone, Default)]
struct Context {
    origin: Origin,
    subject: Option<String>,
}

/// What is in an envelope, or the message itself; none if it is neither.
fn opened(value: &Value, context: &Context, depth: usize) -> Option<Vec<Incoming>> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(Value::Array(records)) = value.get("Records") {
        return Some(all(records, context, depth));
    }
    match value {
        // A batch of a pipe has no name.
        Value::Array(records) if is_batch(records) => return Some(all(records, context, depth)),
        Value::Object(_) => {}
        _ => return None,
    }
    // Never from a topic: whoever may publish there is nobody who may remind.
    if context.origin.topic_arn.is_none()
        && let Some(reminder) = value.get("reminder").and_then(reminder)
    {
        return Some(vec![reminder]);
    }
    let origin = Origin {
        message_id: context
            .origin
            .message_id
            .clone()
            .or_else(|| fields::id(value, "id")),
        ..context.origin.clone()
    };
    if let Some(known) = shapes::known(value, &origin) {
        return Some(vec![known]);
    }
    if let Some(sns) = sns(value) {
        return Some(inside(
            sns.get("Message"),
            sns,
            &of_sns(sns, context),
            depth,
        ));
    }
    if is_sqs(value) {
        return Some(inside(
            value.get("body"),
            value,
            &of_sqs(value, context),
            depth,
        ));
    }
    WRAPPER_KEYS.iter().find_map(|wrapper| {
        let inner = parsed(value.get(wrapper)?)?;
        let found = opened(&inner, context, depth + 1)?;
        // Only what is understood: else it is the whole that is passed on.
        let known = |incoming: &Incoming| !matches!(incoming, Incoming::Other(_));
        found.iter().all(known).then_some(found)
    })
}

fn all(records: &[Value], context: &Context, depth: usize) -> Vec<Incoming> {
    let one = |record: &Value| {
        opened(record, context, depth + 1).unwrap_or_else(|| {
            vec![Incoming::Other(plain::of_json(
                None,
                record,
                context.origin.clone(),
            ))]
        })
    };
    records.iter().flat_map(one).collect()
}

fn is_batch(records: &[Value]) -> bool {
    let envelope = |record: &Value| is_sqs(record) || sns(record).is_some();
    !records.is_empty() && records.iter().all(envelope)
}

/// The message in an envelope, whatever it is.
fn inside(
    message: Option<&Value>,
    whole: &Value,
    context: &Context,
    depth: usize,
) -> Vec<Incoming> {
    let subject = context.subject.as_deref();
    let other = |plain| vec![Incoming::Other(plain)];
    let origin = || context.origin.clone();
    let Some(message) = message else {
        return other(plain::of_json(subject, whole, origin()));
    };
    match (parsed(message), message) {
        (Some(inner), _) => opened(&inner, context, depth + 1)
            .unwrap_or_else(|| other(plain::of_json(subject, &inner, origin()))),
        // Not JSON, or a single word or number: text.
        (None, Value::String(text)) => other(plain::of_text(subject, text, origin())),
        (None, _) => other(plain::of_json(subject, whole, origin())),
    }
}

/// An object or a list, as such or as text.
fn parsed(value: &Value) -> Option<Value> {
    let compound = |value: &Value| value.is_object() || value.is_array();
    match value {
        Value::String(text) if text.len() <= MAX_TEXT => {
            let json: Value = serde_json::from_str(&text::json::mended(text)).ok()?;
            compound(&json).then_some(json)
        }
        value => compound(value).then(|| value.clone()),
    }
}

/// The message of SNS in a record of Lambda, or as a queue or a web server is sent it.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>
fn sns(value: &Value) -> Option<&Value> {
    if let Some(sns) = value.get("Sns") {
        return sns.is_object().then_some(sns);
    }
    let notification = fields::text(value, "Type") == Some("Notification");
    let named = fields::topic(value, "TopicArn").is_some();
    (value.get("Message").is_some() && (notification || named)).then_some(value)
}

fn of_sns(sns: &Value, around: &Context) -> Context {
    let event = sns.pointer("/MessageAttributes/event/Value");
    let outer = &around.origin;
    Context {
        origin: Origin {
            message_id: fields::id(sns, "MessageId").or_else(|| outer.message_id.clone()),
            topic_arn: fields::topic(sns, "TopicArn").or_else(|| outer.topic_arn.clone()),
            sent: fields::time(sns, "Timestamp").or(outer.sent),
            own: outer.own || is_own(event),
        },
        subject: fields::text(sns, "Subject").map(str::to_owned),
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
fn is_sqs(value: &Value) -> bool {
    let source = fields::text(value, "eventSource") == Some("aws:sqs");
    value.get("body").is_some() && (source || value.get("receiptHandle").is_some())
}

fn of_sqs(record: &Value, around: &Context) -> Context {
    let sent = record
        .pointer("/attributes/SentTimestamp")
        .and_then(Value::as_str);
    let sent = sent.and_then(|text| text.parse().ok());
    let sent = sent.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let event = record.pointer("/messageAttributes/event/stringValue");
    Context {
        origin: Origin {
            message_id: fields::id(record, "messageId"),
            topic_arn: None,
            sent: sent.or(around.origin.sent),
            own: around.origin.own || is_own(event),
        },
        subject: None,
    }
}

/// Whether a message is what we told a topic ourselves: passed on, it would come back without end. Such
/// messages say what they are in an attribute, whichever topic they were told.
fn is_own(event: Option<&Value>) -> bool {
    let event = event.and_then(Value::as_str);
    event.is_some_and(|event| event.starts_with("approval."))
}

/// `{"case": ID, "number": n}`
fn reminder(reminder: &Value) -> Option<Incoming> {
    let case = CaseId::try_from(fields::text(reminder, "case")?.to_owned()).ok()?;
    let number = u32::try_from(reminder.get("number")?.as_u64()?).ok()?;
    (number > 0).then_some(Incoming::Reminder { case, number })
}
