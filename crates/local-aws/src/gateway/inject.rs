//! Injects ordered faults at the front door, and answers in the words of the service.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::recorder::CallRecorder;
use super::{Answer, CutOff, Gateway, whole};
use crate::error::AwsError;
use crate::faults::{FaultOutcome, InjectedFault};
use crate::sinks;
use crate::timeline::TimelineEvent;
use crate::wire::Protocol;

impl Gateway {
    /// The fault that was ordered for this call, if any; it goes to the timeline.
    pub(super) fn ordered_fault(&self, call: &CallRecorder, body: &[u8]) -> Option<InjectedFault> {
        let (service, operation) = (&call.record.service, &call.record.operation);
        let fault = self.faults.next_for(service, operation, body)?;
        let what = match &fault.outcome {
            FaultOutcome::DelayOnly => format!("is {} ms late", fault.delay.as_millis()),
            FaultOutcome::Error(error) => format!("is answered {} {}", error.status, error.code),
            FaultOutcome::Disconnect => "is cut off".to_owned(),
        };
        let when = if fault.after {
            " after it was performed"
        } else {
            ""
        };
        self.world.timeline.record(TimelineEvent {
            kind: "fault".to_owned(),
            deployment_id: None,
            message: format!("As ordered, a call of {service} {operation} {what}{when}."),
            detail: serde_json::json!({
                "service": service, "operation": operation, "after": fault.after,
            }),
        });
        Some(fault)
    }

    /// Waits as ordered; gives the answer that takes the place of the service's, if one does.
    pub(super) async fn inject(
        call: &mut CallRecorder,
        protocol: &Protocol,
        fault: &InjectedFault,
    ) -> Result<Option<Answer>, CutOff> {
        wait(fault.delay).await;
        match &fault.outcome {
            FaultOutcome::DelayOnly => Ok(None),
            FaultOutcome::Error(error) => Ok(Some(refuse(call, protocol, error, &fault.headers))),
            FaultOutcome::Disconnect => {
                call.record.status = 0;
                call.record.error = Some("ConnectionClosed".to_owned());
                Err(CutOff)
            }
        }
    }
}

async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn refuse(
    call: &mut CallRecorder,
    protocol: &Protocol,
    error: &AwsError,
    headers: &BTreeMap<String, String>,
) -> Answer {
    let mut answer = call.refuse(protocol, error);
    let service = &call.record.service;
    if sinks::is_service(service) {
        answer = whole(sinks::fault_answer(service, error));
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}
