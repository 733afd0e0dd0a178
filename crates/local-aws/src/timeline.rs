//! The timeline: what happened in this local world, in order, in sentences for people and in
//! details for programs.
//!
//! It only reports. No decision may depend on it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::sync::lock;

/// Events that are kept; the oldest go first.
const MAX_EVENTS: usize = 50_000;

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub struct TimelineEvent {
    /// `deployment`, `lifecycle`, `hook`, `traffic`, `task-set`, `task`, `target`, `listener`,
    /// `pipeline`, `stage`, `action`, `event`, `scaling`, `schedule`, `clock` or `fault`.
    pub kind: String,
    /// The CodeDeploy deployment (id) or the service deployment of ECS (ARN) it belongs to, where it does.
    pub deployment_id: Option<String>,
    /// A plain sentence.
    pub message: String,
    /// The same for programs.
    pub detail: Value,
}

/// An event with its place in the order.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedEvent {
    /// Grows by one with each event, from 1.
    pub seq: u64,
    /// Virtual time.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: TimelineEvent,
}

/// The shared timeline; clones write to the same one.
#[derive(Clone, Debug)]
pub struct Timeline {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    events: Mutex<VecDeque<RecordedEvent>>,
    last: watch::Sender<u64>,
}

impl Timeline {
    /// An empty timeline whose events are stamped by `clock`.
    pub fn new(clock: Clock) -> Self {
        let shared = Shared {
            clock,
            events: Mutex::default(),
            last: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Adds an event.
    pub fn record(&self, event: TimelineEvent) {
        let at = self.shared.clock.now();
        let mut events = self.events();
        let seq = *self.shared.last.borrow() + 1;
        tracing::info!(seq, kind = event.kind, "{}", event.message);
        events.push_back(RecordedEvent { seq, at, event });
        if events.len() > MAX_EVENTS {
            events.pop_front();
        }
        self.shared.last.send_replace(seq);
    }

    /// The events after `seq`.
    pub fn after(&self, seq: u64) -> Vec<RecordedEvent> {
        self.events()
            .iter()
            .filter(|events| events.seq > seq)
            .cloned()
            .collect()
    }

    /// The events after `seq`; when there is none yet, waits for one, `wait` of real time at most.
    pub async fn wait_after(&self, seq: u64, wait: Duration) -> Vec<RecordedEvent> {
        let mut last = self.shared.last.subscribe();
        // A time-out leaves the answer empty, which is what it means.
        let _ = tokio::time::timeout(wait, last.wait_for(|last| *last > seq)).await;
        self.after(seq)
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<RecordedEvent>> {
        lock(&self.shared.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> TimelineEvent {
        TimelineEvent {
            kind: "task".to_owned(),
            deployment_id: None,
            message: message.to_owned(),
            detail: Value::Null,
        }
    }

    #[tokio::test]
    async fn events_come_in_order_and_a_reader_continues_where_it_stopped() {
        let timeline = Timeline::new(Clock::new());
        timeline.record(event("one"));
        timeline.record(event("two"));
        let seen: Vec<_> = timeline
            .after(1)
            .into_iter()
            .map(|t| (t.seq, t.event.message))
            .collect();
        assert_eq!(seen, [(2, "two".to_owned())]);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_the_next_event() {
        let timeline = Timeline::new(Clock::new());
        let reader = {
            let timeline = timeline.clone();
            tokio::spawn(async move { timeline.wait_after(0, Duration::from_secs(30)).await })
        };
        tokio::task::yield_now().await;
        timeline.record(event("at last"));
        assert_eq!(reader.await.unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_no_longer_than_it_asked() {
        let timeline = Timeline::new(Clock::new());
        assert!(
            timeline
                .wait_after(0, Duration::from_secs(30))
                .await
                .is_empty()
        );
    }
}
