//! Noting every call, however it ends, also when the client goes away.

use http::request::Parts;
use tokio::time::Instant;

use super::{Answer, Gateway, identify, whole};
use crate::calls::{Calls, Ended};
use crate::error::AwsError;
use crate::wire::Protocol;
use crate::wire::answer::error_answer;

/// A call on its way.
pub(super) struct Noting {
    calls: Calls,
    started: Instant,
    pub(super) ended: Ended,
}

impl Noting {
    pub(super) fn start(gateway: &Gateway, parts: &Parts, service: String) -> Self {
        let user_agent = identify::header_text(&parts.headers, "user-agent").map(str::to_owned);
        let at = gateway.world.clock.now();
        let ended = Ended {
            at,
            service,
            user_agent,
            ..Ended::default()
        };
        Self {
            calls: gateway.calls.clone(),
            started: Instant::now(),
            ended,
        }
    }

    pub(super) fn end(&mut self, status: u16) {
        self.ended.status = status;
    }

    pub(super) fn refuse(&mut self, protocol: &Protocol, error: &AwsError) -> Answer {
        self.ended.status = error.status;
        self.ended.error = Some(error.code.clone());
        whole(error_answer(protocol, error))
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        let mut ended = std::mem::take(&mut self.ended);
        ended.took = self.started.elapsed();
        if ended.status == 0 {
            ended
                .error
                .get_or_insert_with(|| "ClientWentAway".to_owned());
        }
        self.calls.note(ended);
    }
}
