//! One invocation: event → what it brings → each by itself → the errors of all.
//!
//! One bad record never blocks the others: each has its own result, its own time and its own panic.
//! In the end the invocation fails if any record could not be handled, so that Lambda runs the event
//! again and finally hands it to the queue for what could not be delivered. What was done is then
//! skipped, as each delivery is claimed once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use approvals::message::{self, DeploymentRef, Incoming};
use approvals::records::Records;
use approvals::source::SERVICE_DEPLOYMENTS;
use channels::Outgoing;
use common::invocation::{self, Invocation};
use common::state::Table;
use futures::FutureExt;
use futures::future::join_all;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use tracing::Instrument;

use crate::context::{EventContext, SharedContext};
use crate::error::{NotifierError, all};
use crate::{Notifier, ask, follow, forward, remind, service_deployments};

/// What is kept of an invocation's time, to say that the rest was not enough.
const SHUTDOWN_RESERVE: Duration = Duration::from_millis(750);

/// More records than an event may bring: all are handled at once. SNS brings one, SQS ten unless its
/// event source mapping says more.
const MAX_RECORDS: usize = 100;

/// One delivery with all its tries: well within the lease of its claim.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// Some records of the event could not be handled. Lambda runs it again.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct UnhandledRecords(Vec<NotifierError>);

impl From<UnhandledRecords> for Diagnostic {
    fn from(error: UnhandledRecords) -> Self {
        invocation::diagnostic("Unfinished", error)
    }
}

/// Handles one event. The value returned is for people who invoke the function by hand.
pub async fn handle(
    notifier: Arc<Notifier>,
    event: LambdaEvent<Value>,
) -> Result<Value, UnhandledRecords> {
    let span = invocation::span(&event.context);
    let invocation = Invocation::of(&event.context);
    each(&notifier, invocation, &event.payload)
        .instrument(span)
        .await
}

async fn each(
    notifier: &Notifier,
    invocation: Invocation,
    payload: &Value,
) -> Result<Value, UnhandledRecords> {
    let time = invocation.time_left().saturating_sub(SHUTDOWN_RESERVE);
    let settings = match &notifier.settings {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!("{error}");
            return Err(UnhandledRecords(vec![error.clone().into()]));
        }
    };
    let table = Table {
        aws: &notifier.aws,
        name: &settings.state_table,
    };
    let kept = SharedContext {
        aws: &notifier.aws,
        settings,
        keyring: notifier.keyring(&settings.keys_secret),
        outgoing: Outgoing {
            aws: &notifier.aws,
            http: notifier.http(settings),
            slack_api: &settings.slack_api_url,
            within: DELIVERY_TIMEOUT.min(time * 2 / 3),
        },
    };
    let records = Records::new(table, &notifier.clock, &notifier.new_id)
        .with_audit_retention(settings.audit_retention);
    let context = EventContext::new(kept, records, invocation);
    let incoming = message::incoming(payload);
    let count = incoming.len();
    if count > MAX_RECORDS {
        let error = NotifierError::TooMany {
            count,
            most: MAX_RECORDS,
        };
        tracing::error!("{error}");
        return Err(UnhandledRecords(vec![error]));
    }
    let handling = incoming
        .into_iter()
        .enumerate()
        .map(|(number, record)| guarded(&context, number, record, time));
    let errors: Vec<NotifierError> = join_all(handling)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    for error in &errors {
        tracing::error!("{error}");
    }
    if errors.is_empty() {
        Ok(json!({ "records": count }))
    } else {
        Err(UnhandledRecords(errors))
    }
}

/// One record under its own guard.
async fn guarded(
    context: &EventContext<'_>,
    number: usize,
    record: Incoming,
    time: Duration,
) -> Result<(), NotifierError> {
    let work = AssertUnwindSafe(one(context, number, record)).catch_unwind();
    match tokio::time::timeout(time, work).await {
        Ok(Ok(result)) => result,
        // Not what it says: a panic may quote what it was about.
        Ok(Err(_)) => Err(NotifierError::Panicked),
        Err(_) => Err(NotifierError::OutOfTime),
    }
}

async fn one(
    context: &EventContext<'_>,
    number: usize,
    record: Incoming,
) -> Result<(), NotifierError> {
    let origin = record.origin().cloned().unwrap_or_default();
    if origin.own {
        let topic = origin.topic_arn.as_deref();
        tracing::warn!(
            topic,
            "a message sent to a topic came back from it and is not passed on; give channels of kind sns and amazon_q topics that approvals do not arrive on"
        );
        return Ok(());
    }
    let id = origin
        .message_id
        .unwrap_or_else(|| format!("{}-{number}", context.invocation.request_id));
    // Boxed, here and where calls branch out: a call of the SDK is a large future, and a thread of the
    // runtime has 2 MB of stack.
    match record {
        Incoming::Approval(message) => Box::pin(ask::approval(context, message, origin.sent)).await,
        Incoming::Waiting(message) => Box::pin(ask::notification(context, message)).await,
        Incoming::ActionChanged(change) => {
            let (pipeline, execution) = (&change.action.pipeline, &change.execution_id);
            let followed = Box::pin(follow::execution(context, pipeline, execution)).await;
            // Whoever made a notification rule wants to be told; of approvals people are told anyhow.
            if change.notified && !change.is_manual_approval() {
                let told = forward::pass_on(context, &id, &forward::of_action(&change)).await;
                return all([followed, told]);
            }
            followed
        }
        Incoming::ExecutionChanged(change) => {
            let (pipeline, execution) = (&change.pipeline, &change.execution_id);
            let followed = Box::pin(follow::execution(context, pipeline, execution)).await;
            if change.notified {
                let told = forward::pass_on(context, &id, &forward::of_execution(&change)).await;
                return all([followed, told]);
            }
            followed
        }
        Incoming::Paused(event) => Box::pin(ask::pause(context, event)).await,
        Incoming::DeploymentChanged(event) => match event.deployment {
            DeploymentRef::Arn(arn) => {
                Box::pin(follow::execution(context, SERVICE_DEPLOYMENTS, &arn)).await
            }
            DeploymentRef::OfService(cluster, service) => {
                Box::pin(service_deployments::follow_service(
                    context, &cluster, &service,
                ))
                .await
            }
        },
        Incoming::GateAsks(event) => Box::pin(ask::gate(context, *event)).await,
        Incoming::GateDecided(event) => {
            let followed = match &event.case {
                Some(case) => Box::pin(ask::gate_decided(context, case)).await,
                None => Ok(()),
            };
            let told = match &event.stopped {
                Some(decision) => {
                    let case = event.case.as_ref();
                    Box::pin(forward::decision(context, decision, case)).await
                }
                None => Ok(()),
            };
            all([followed, told])
        }
        Incoming::Reminder { case, number } => {
            Box::pin(remind::remind(context, &case, number)).await
        }
        Incoming::CodeDeploy(trigger) => {
            forward::pass_on(context, &id, &forward::of_trigger(&trigger)).await
        }
        Incoming::Alarm(alarm) => forward::pass_on(context, &id, &forward::of_alarm(&alarm)).await,
        Incoming::Other(message) => {
            tracing::warn!(
                message = id,
                "a message of a shape that is not known is passed on as text, its tokens masked; an approval must come as CodePipeline publishes it, by SNS, SQS or a pipe"
            );
            forward::pass_on(context, &id, &forward::of_other(&message)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::aws::Aws;
    use common::settings::SettingsError;

    #[tokio::test]
    async fn an_invocation_is_a_small_future() {
        let wrong = SettingsError {
            problems: Vec::new(),
        };
        let notifier = Notifier::new(Err(wrong), Aws::new(&|_| None));
        let invocation = Invocation::of(&lambda_runtime::Context::default());
        let future = each(&notifier, invocation, &Value::Null);
        assert!(size_of_val(&future) < 8 * 1024, "{}", size_of_val(&future));
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
