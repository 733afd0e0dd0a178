//! Records every call, however it ends, also when the client goes away.

use http::request::Parts;
use tokio::time::Instant;

use super::{Answer, Gateway, identify, whole};
use crate::call_log::{CallLog, FinishedCall};
use crate::error::AwsError;
use crate::wire::Protocol;
use crate::wire::answer::error_answer;

/// A call on its way.
pub(super) struct CallRecorder {
    calls: CallLog,
    started: Instant,
    pub(super) record: FinishedCall,
}

impl CallRecorder {
    pub(super) fn start(gateway: &Gateway, parts: &Parts, service: String) -> Self {
        let user_agent = identify::header_text(&parts.headers, "user-agent").map(str::to_owned);
        let at = gateway.world.clock.now();
        let record = FinishedCall {
            at,
            service,
            user_agent,
            ..FinishedCall::default()
        };
        Self {
            calls: gateway.calls.clone(),
            started: Instant::now(),
            record,
        }
    }

    pub(super) fn end(&mut self, status: u16) {
        self.record.status = status;
    }

    pub(super) fn refuse(&mut self, protocol: &Protocol, error: &AwsError) -> Answer {
        self.record.status = error.status;
        self.record.error = Some(error.code.clone());
        whole(error_answer(protocol, error))
    }
}

impl Drop for CallRecorder {
    fn drop(&mut self) {
        let mut record = std::mem::take(&mut self.record);
        record.took = self.started.elapsed();
        if record.status == 0 {
            record
                .error
                .get_or_insert_with(|| "ClientWentAway".to_owned());
        }
        self.calls.record(record);
    }
}
