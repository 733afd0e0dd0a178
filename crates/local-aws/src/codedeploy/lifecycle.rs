//! The lifecycle events of a deployment and the rules by which their statuses change.
//!
//! Pure: no clock, no lock, no call. The order of the events is AWS's
//! (<https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-ecs.html>): all eight
//! are listed from the start, and one without a hook function succeeds at once.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// A lifecycle event of a deployment, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum LifecycleEvent {
    /// Hook: before the replacement task set exists.
    BeforeInstall,
    /// The replacement task set is made and becomes healthy.
    Install,
    /// Hook: the replacement task set runs; no listener leads to it yet.
    AfterInstall,
    /// The test listener forwards to the replacement task set.
    AllowTestTraffic,
    /// Hook: the replacement can be tried through the test listener.
    AfterAllowTestTraffic,
    /// Hook: the last one before production traffic shifts.
    BeforeAllowTraffic,
    /// Production traffic shifts, by the deployment configuration.
    AllowTraffic,
    /// Hook: the replacement has all production traffic.
    AfterAllowTraffic,
}

impl LifecycleEvent {
    /// All events, in order.
    pub(super) const ALL: [Self; 8] = [
        Self::BeforeInstall,
        Self::Install,
        Self::AfterInstall,
        Self::AllowTestTraffic,
        Self::AfterAllowTestTraffic,
        Self::BeforeAllowTraffic,
        Self::AllowTraffic,
        Self::AfterAllowTraffic,
    ];

    /// The name on the wire and in an AppSpec.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BeforeInstall => "BeforeInstall",
            Self::Install => "Install",
            Self::AfterInstall => "AfterInstall",
            Self::AllowTestTraffic => "AllowTestTraffic",
            Self::AfterAllowTestTraffic => "AfterAllowTestTraffic",
            Self::BeforeAllowTraffic => "BeforeAllowTraffic",
            Self::AllowTraffic => "AllowTraffic",
            Self::AfterAllowTraffic => "AfterAllowTraffic",
        }
    }

    /// Whether a function can be hooked to it.
    pub(super) const fn is_hook(self) -> bool {
        !matches!(
            self,
            Self::Install | Self::AllowTestTraffic | Self::AllowTraffic
        )
    }

    /// The event a function can be hooked to, by its name in an AppSpec.
    pub(super) fn hook_named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event| event.is_hook() && event.name() == name)
    }
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The status of one lifecycle event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum EventStatus {
    /// Not started.
    Pending,
    /// Running.
    InProgress,
    /// Over, well.
    Succeeded,
    /// Over, badly.
    Failed,
    /// Never ran, because an earlier one failed or the deployment was stopped.
    Skipped,
}

/// Why a lifecycle event failed, in the four fields AWS has for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Diagnostics {
    /// A value of AWS's `LifecycleErrorCode`.
    pub(super) error_code: &'static str,
    /// The hook function.
    pub(super) script_name: String,
    /// What happened.
    pub(super) message: String,
    /// Always empty here: the function's log is the function's.
    pub(super) log_tail: String,
}

/// What is known of one lifecycle event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EventRecord {
    pub(super) event: LifecycleEvent,
    pub(super) status: EventStatus,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) diagnostics: Option<Diagnostics>,
}

/// The events of one deployment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lifecycle(Vec<EventRecord>);

impl Lifecycle {
    /// Only these events, pending.
    pub(super) fn of(events: &[LifecycleEvent]) -> Self {
        let pending = |event: &LifecycleEvent| EventRecord {
            event: *event,
            status: EventStatus::Pending,
            started: None,
            ended: None,
            diagnostics: None,
        };
        Self(events.iter().map(pending).collect())
    }

    pub(super) fn records(&self) -> &[EventRecord] {
        &self.0
    }

    /// An event begins.
    pub(super) fn start(&mut self, event: LifecycleEvent, now: Timestamp) {
        self.change(event, |record| {
            record.status = EventStatus::InProgress;
            record.started = Some(now);
        });
    }

    /// An event ends well.
    pub(super) fn succeed(&mut self, event: LifecycleEvent, now: Timestamp) {
        self.change(event, |record| {
            record.status = EventStatus::Succeeded;
            record.ended = Some(now);
        });
    }

    /// The deployment ends badly: what runs has failed, what did not start yet is skipped.
    pub(super) fn abort(&mut self, diagnostics: &Diagnostics, now: Timestamp) {
        for record in &mut self.0 {
            match record.status {
                EventStatus::InProgress => {
                    record.status = EventStatus::Failed;
                    record.ended = Some(now);
                    record.diagnostics = Some(diagnostics.clone());
                }
                EventStatus::Pending => record.status = EventStatus::Skipped,
                EventStatus::Succeeded | EventStatus::Failed | EventStatus::Skipped => {}
            }
        }
    }

    fn change(&mut self, event: LifecycleEvent, change: impl FnOnce(&mut EventRecord)) {
        if let Some(record) = self.0.iter_mut().find(|record| record.event == event) {
            change(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::UNIX_EPOCH;

    fn why() -> Diagnostics {
        Diagnostics {
            error_code: "ScriptFailed",
            script_name: "check".to_owned(),
            message: "no".to_owned(),
            log_tail: String::new(),
        }
    }

    #[test]
    fn the_running_event_fails_and_the_later_ones_are_skipped() {
        let mut lifecycle = Lifecycle::of(&LifecycleEvent::ALL);
        lifecycle.start(LifecycleEvent::BeforeInstall, T);
        lifecycle.succeed(LifecycleEvent::BeforeInstall, T);
        lifecycle.start(LifecycleEvent::Install, T);
        lifecycle.abort(&why(), T);
        let seen: Vec<_> = lifecycle
            .records()
            .iter()
            .map(|r| format!("{} {:?}", r.event, r.status))
            .collect();
        insta::assert_snapshot!(seen.join("\n"), @r"
        BeforeInstall Succeeded
        Install Failed
        AfterInstall Skipped
        AllowTestTraffic Skipped
        AfterAllowTestTraffic Skipped
        BeforeAllowTraffic Skipped
        AllowTraffic Skipped
        AfterAllowTraffic Skipped
        ");
    }

    #[test]
    fn only_the_failed_event_carries_the_diagnostics() {
        let mut lifecycle = Lifecycle::of(&LifecycleEvent::ALL);
        lifecycle.start(LifecycleEvent::BeforeInstall, T);
        lifecycle.abort(&why(), T);
        let carrying: Vec<_> = lifecycle
            .records()
            .iter()
            .filter_map(|r| r.diagnostics.clone())
            .collect();
        assert_eq!(carrying, [why()]);
    }

    #[test]
    fn an_event_that_is_over_stays_as_it_was() {
        let mut lifecycle = Lifecycle::of(&LifecycleEvent::ALL);
        for event in LifecycleEvent::ALL {
            lifecycle.start(event, T);
            lifecycle.succeed(event, T);
        }
        let before = lifecycle.clone();
        lifecycle.abort(&why(), T);
        assert_eq!(lifecycle, before);
    }

    #[test]
    fn functions_can_be_hooked_to_five_events_only() {
        assert_eq!(LifecycleEvent::hook_named("Install"), None);
        assert_eq!(LifecycleEvent::hook_named("beforeInstall"), None);
        assert_eq!(
            LifecycleEvent::ALL
                .iter()
                .filter(|event| event.is_hook())
                .count(),
            5
        );
    }
}
