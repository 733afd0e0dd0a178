//! One invocation: event → what it brings → each by itself → the troubles of all.
//!
//! One bad record never blocks the others: each has its own result, its own time and its own panic.
//! In the end the invocation fails if any record could not be handled, so that Lambda runs the event
//! again and finally hands it to the queue for what could not be delivered. What was done is then
//! skipped, as each delivery is claimed once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use approvals::message::{self, Incoming};
use approvals::records::Records;
use channels::Outgoing;
use common::state::Table;
use common::telemetry;
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::desk::{Desk, Invocation, Kept};
use crate::trouble::Trouble;
use crate::{Notifier, ask, follow, plain, remind};

/// What is kept of an invocation's time, to say that the rest was not enough.
const RESERVE: Duration = Duration::from_millis(750);

/// One delivery with all its tries: well within the lease of its claim.
const DELIVERY: Duration = Duration::from_secs(20);

/// Some records of the event could not be handled. Lambda runs it again.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Unfinished(Vec<Trouble>);

impl From<Unfinished> for Diagnostic {
    fn from(error: Unfinished) -> Self {
        Self {
            error_type: "Unfinished".to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// Handles one event. The value returned is for people who invoke the function by hand.
pub async fn handle(
    notifier: Arc<Notifier>,
    event: LambdaEvent<Value>,
) -> Result<Value, Unfinished> {
    let context = &event.context;
    let span = telemetry::invocation(
        &context.request_id,
        &context.invoked_function_arn,
        context.xray_trace_id.as_deref(),
    );
    let invocation = Invocation {
        function_arn: context.invoked_function_arn.clone(),
        request_id: context.request_id.clone(),
    };
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    let time = left.saturating_sub(RESERVE);
    each(&notifier, invocation, &event.payload, time)
        .instrument(span)
        .await
}

async fn each(
    notifier: &Notifier,
    invocation: Invocation,
    payload: &Value,
    time: Duration,
) -> Result<Value, Unfinished> {
    let settings = match &notifier.settings {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!("{error}");
            return Err(Unfinished(vec![error.clone().into()]));
        }
    };
    let table = Table {
        aws: &notifier.aws,
        name: &settings.state_table,
    };
    let kept = Kept {
        aws: &notifier.aws,
        settings,
        keyring: notifier.keyring(&settings.keys_secret),
        outgoing: Outgoing {
            aws: &notifier.aws,
            http: notifier.http(settings),
            slack_api: &settings.slack_api_url,
            within: DELIVERY.min(time * 2 / 3),
        },
    };
    let records = Records::new(table, &notifier.clock, &notifier.new_id)
        .keeping_audits_for(settings.audit_kept);
    let desk = Desk::new(kept, records, invocation);
    let incoming = message::incoming(payload);
    let count = incoming.len();
    let handling = incoming.into_iter().enumerate().map(|(number, record)| {
        let origin = Origin {
            number,
            sent: sent_at(payload, number),
            own: is_own(payload, number),
        };
        guarded(&desk, origin, record, time)
    });
    let troubles: Vec<Trouble> = join_all(handling)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    for trouble in &troubles {
        tracing::error!("{trouble}");
    }
    if troubles.is_empty() {
        Ok(json!({ "records": count }))
    } else {
        Err(Unfinished(troubles))
    }
}

/// Where a record stands in its event, when it was sent, and whether by us.
#[derive(Clone, Copy)]
struct Origin {
    number: usize,
    sent: Option<Timestamp>,
    own: bool,
}

/// When SNS took a record's message: the same whenever it is delivered again.
fn sent_at(payload: &Value, number: usize) -> Option<Timestamp> {
    let record = payload.get("Records")?.get(number)?;
    record.get("Sns")?.get("Timestamp")?.as_str()?.parse().ok()
}

/// Whether a record is what we told a topic ourselves: passed on, it would come back without end. Such
/// messages say what they are in an attribute, whichever topic they were told.
fn is_own(payload: &Value, number: usize) -> bool {
    let event = format!("/Records/{number}/Sns/MessageAttributes/event/Value");
    let event = payload.pointer(&event).and_then(Value::as_str);
    event.is_some_and(|event| event.starts_with("approval."))
}

/// One record under its own guard.
async fn guarded(
    desk: &Desk<'_>,
    origin: Origin,
    record: Incoming,
    time: Duration,
) -> Result<(), Trouble> {
    let work = AssertUnwindSafe(one(desk, origin, record)).catch_unwind();
    match tokio::time::timeout(time, work).await {
        Ok(Ok(result)) => result,
        // Not what it says: a panic may quote what it was about.
        Ok(Err(_)) => Err(Trouble::Panicked),
        Err(_) => Err(Trouble::OutOfTime),
    }
}

async fn one(desk: &Desk<'_>, origin: Origin, record: Incoming) -> Result<(), Trouble> {
    let Origin { number, sent, own } = origin;
    if own {
        let topic = record.origin().and_then(|it| it.topic_arn.as_deref());
        tracing::warn!(
            topic,
            "what was told to a topic came back from it and is not passed on; give channels of kind sns and amazon_q topics that approvals do not arrive on"
        );
        return Ok(());
    }
    let id = record
        .origin()
        .and_then(|origin| origin.message_id.clone())
        .unwrap_or_else(|| format!("{}-{number}", desk.invocation.request_id));
    // Boxed, here and where calls branch out: a call of the SDK is a large future, and a thread of the
    // runtime has 2 MB of stack.
    match record {
        Incoming::Approval(message) => Box::pin(ask::approval(desk, message, sent)).await,
        Incoming::Waiting(message) => Box::pin(ask::notification(desk, message)).await,
        Incoming::ActionChanged(change) => {
            let (pipeline, execution) = (change.action.pipeline, change.execution_id);
            Box::pin(follow::execution(desk, &pipeline, &execution)).await
        }
        Incoming::ExecutionChanged(change) => {
            let (pipeline, execution) = (change.pipeline, change.execution_id);
            Box::pin(follow::execution(desk, &pipeline, &execution)).await
        }
        Incoming::Reminder { case, number } => Box::pin(remind::remind(desk, &case, number)).await,
        Incoming::CodeDeploy(trigger) => {
            plain::pass_on(desk, &id, &plain::of_trigger(&trigger)).await
        }
        Incoming::Alarm(alarm) => plain::pass_on(desk, &id, &plain::of_alarm(&alarm)).await,
        Incoming::Other(message) => plain::pass_on(desk, &id, &plain::of_other(&message)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::aws::Aws;
    use common::settings::SettingsError;

    #[test]
    fn an_invocation_is_a_small_future() {
        let wrong = SettingsError {
            problems: Vec::new(),
        };
        let notifier = Notifier::new(Err(wrong), Aws::new(&|_| None));
        let future = each(&notifier, Invocation::default(), &Value::Null, DELIVERY);
        assert!(size_of_val(&future) < 8 * 1024, "{}", size_of_val(&future));
    }

    #[test]
    fn a_record_of_sns_says_when_it_was_sent() {
        let sent = "2026-05-04T10:00:00.000Z";
        let payload = json!({"Records": [{"Sns": {"Timestamp": 7}}, {"Sns": {"Timestamp": sent}}]});
        assert_eq!(sent_at(&payload, 1), sent.parse().ok());
        for (payload, number) in [(&payload, 0), (&payload, 2), (&Value::Null, 0)] {
            assert_eq!(sent_at(payload, number), None, "{payload} {number}");
        }
    }

    #[test]
    fn only_what_approvals_told_is_our_own() {
        let record = |event: Value| {
            let attributes = json!({"event": {"Type": "String", "Value": event}});
            json!({"Records": [{"Sns": {"MessageAttributes": attributes}}]})
        };
        assert!(is_own(&record(json!("approval.plain")), 0));
        assert!(!is_own(&record(json!("approval.plain")), 1));
        for other in [json!("environment.notice"), json!("approvals"), json!(7)] {
            assert!(!is_own(&record(other.clone()), 0), "{other}");
        }
        assert!(!is_own(&json!({"Records": [{"Sns": null}]}), 0));
    }

    #[tokio::test]
    async fn wrong_settings_fail_each_event_with_all_problems() {
        let settings = crate::settings::Settings::read(&|_| None);
        let notifier = Arc::new(Notifier::new(settings, Aws::new(&|_| None)));
        let mut context = lambda_runtime::Context::default();
        context.deadline = u64::MAX / 2;
        let event = LambdaEvent::new(json!({}), context);
        let error = handle(notifier, event).await.unwrap_err().to_string();
        assert!(
            error.contains("STATE_TABLE") && error.contains("DECISION_URL"),
            "{error}"
        );
    }
}
