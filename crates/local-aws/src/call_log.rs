//! The log of AWS calls that came through the front door, so that a test can ask what a function
//! really called.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::faults::canonical;
use crate::sync::lock;

/// Calls that are kept; the oldest go first.
const MAX_CALLS: usize = 100_000;

/// One call.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedCall {
    /// Grows by one with each call that finished, from 1.
    pub seq: u64,
    /// Virtual time of its arrival.
    pub at: Timestamp,
    /// The service's signing name, `-` when the request does not say.
    pub service: String,
    /// The operation; method and path when it is not known.
    pub operation: String,
    /// Status of the answer; 0 when the connection was closed without one.
    pub status: u16,
    /// The error code, for errors of the services of this crate and for ordered faults.
    pub error: Option<String>,
    /// Real time until the answer's head.
    pub duration_ms: u64,
    /// The caller's `User-Agent`.
    pub user_agent: Option<String>,
}

/// A call that finished; the log numbers it.
#[derive(Debug, Default)]
pub(crate) struct FinishedCall {
    pub(crate) at: Timestamp,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) took: Duration,
    pub(crate) user_agent: Option<String>,
}

/// The shared log of calls.
#[derive(Debug, Clone, Default)]
pub struct CallLog {
    shared: Arc<Mutex<(u64, VecDeque<LoggedCall>)>>,
}

impl CallLog {
    /// Notes a call.
    pub(crate) fn record(&self, finished: FinishedCall) {
        let FinishedCall {
            at,
            service,
            operation,
            status,
            error,
            took,
            user_agent,
        } = finished;
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(service, operation, status, duration_ms, error, "call");
        let mut log = self.lock();
        log.0 += 1;
        let seq = log.0;
        let call = LoggedCall {
            seq,
            at,
            service,
            operation,
            status,
            error,
            duration_ms,
            user_agent,
        };
        log.1.push_back(call);
        if log.1.len() > MAX_CALLS {
            log.1.pop_front();
        }
    }

    /// The calls after `seq`, of a service and an operation where they are given.
    pub fn after(
        &self,
        seq: u64,
        service: Option<&str>,
        operation: Option<&str>,
    ) -> Vec<LoggedCall> {
        let wanted = |call: &&LoggedCall| {
            call.seq > seq
                && service.is_none_or(|s| canonical(s) == call.service)
                && operation.is_none_or(|o| o == call.operation)
        };
        self.lock().1.iter().filter(wanted).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, VecDeque<LoggedCall>)> {
        lock(&self.shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(service: &str, operation: &str) -> FinishedCall {
        FinishedCall {
            at: Timestamp::UNIX_EPOCH,
            service: service.to_owned(),
            operation: operation.to_owned(),
            status: 200,
            error: None,
            took: Duration::from_millis(3),
            user_agent: None,
        }
    }

    #[test]
    fn calls_are_found_by_service_operation_and_place() {
        let calls = CallLog::default();
        calls.record(finished("ecs", "ListTasks"));
        calls.record(finished("elasticloadbalancing", "DescribeListeners"));
        calls.record(finished("ecs", "DescribeTasks"));
        let seqs = |after, service, operation| -> Vec<u64> {
            calls
                .after(after, service, operation)
                .into_iter()
                .map(|call| call.seq)
                .collect()
        };
        assert_eq!(seqs(0, None, None), [1, 2, 3]);
        assert_eq!(seqs(1, Some("ecs"), None), [3]);
        assert_eq!(seqs(0, Some("elbv2"), None), [2]);
        assert_eq!(seqs(0, Some("ecs"), Some("ListTasks")), [1]);
    }
}
