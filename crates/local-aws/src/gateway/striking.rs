//! Ordered faults at the front door: told, waited for, and answered in the words of the service.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::noting::Noting;
use super::{Answer, CutOff, Gateway, whole};
use crate::error::AwsError;
use crate::faults::{Strike, StrikeEnd};
use crate::sinks;
use crate::timeline::TimelineEvent;
use crate::wire::Protocol;

impl Gateway {
    /// The fault that strikes this call, told to the timeline.
    pub(super) fn struck(&self, call: &Noting, body: &[u8]) -> Option<Strike> {
        let (service, operation) = (&call.ended.service, &call.ended.operation);
        let strike = self.faults.strike(service, operation, body)?;
        let what = match &strike.end {
            StrikeEnd::Normally => format!("is {} ms late", strike.delay.as_millis()),
            StrikeEnd::Error(error) => format!("is answered {} {}", error.status, error.code),
            StrikeEnd::Disconnect => "is cut off".to_owned(),
        };
        let when = if strike.after {
            " after it was performed"
        } else {
            ""
        };
        self.world.timeline.tell(TimelineEvent {
            kind: "fault".to_owned(),
            deployment_id: None,
            message: format!("As ordered, a call of {service} {operation} {what}{when}."),
            detail: serde_json::json!({
                "service": service, "operation": operation, "after": strike.after,
            }),
        });
        Some(strike)
    }

    /// Waits as ordered; gives the answer that takes the place of the service's, if one does.
    pub(super) async fn strike(
        call: &mut Noting,
        protocol: &Protocol,
        strike: &Strike,
    ) -> Result<Option<Answer>, CutOff> {
        wait(strike.delay).await;
        match &strike.end {
            StrikeEnd::Normally => Ok(None),
            StrikeEnd::Error(error) => Ok(Some(refuse(call, protocol, error, &strike.headers))),
            StrikeEnd::Disconnect => {
                call.ended.status = 0;
                call.ended.error = Some("ConnectionClosed".to_owned());
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
    call: &mut Noting,
    protocol: &Protocol,
    error: &AwsError,
    headers: &BTreeMap<String, String>,
) -> Answer {
    let mut answer = call.refuse(protocol, error);
    let service = &call.ended.service;
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
