//! Desired counts, as `UpdateService` and Application Auto Scaling change them.

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use super::Ecs;
use super::model::{ServiceStatus, State};

/// What Application Auto Scaling sees of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scalable {
    /// How many tasks are wanted.
    pub(crate) desired: u32,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Whether it is neither deleted nor about to be.
    pub(crate) active: bool,
    /// Whether its count cannot be set.
    pub(crate) daemon: bool,
}

impl Ecs {
    /// A service, by the names of its cluster and its own.
    pub(crate) fn scalable(&self, cluster: &str, service: &str) -> Option<Scalable> {
        let state = self.state();
        let service = &state.services[state.place(cluster, service)?];
        Some(Scalable {
            desired: service.desired,
            since: service.desired_at,
            active: service.status == ServiceStatus::Active,
            daemon: service.daemon,
        })
    }

    /// Sets the desired count of an active service.
    pub(crate) fn scale(&self, cluster: &str, service: &str, desired: u32) {
        let mut state = self.state();
        let place = state.place(cluster, service);
        if let Some(place) = place.filter(|p| state.services[*p].status == ServiceStatus::Active) {
            self.set_desired(&mut state, place, desired);
            self.follow(&mut state, place);
            self.shared.changed.notify_one();
        }
    }

    /// Tells whoever waits on it that a desired count was changed.
    pub(crate) fn count_changes(&self) -> watch::Receiver<()> {
        self.shared.counts.subscribe()
    }

    pub(super) fn set_desired(&self, state: &mut State, index: usize, desired: u32) {
        let at = self.shared.clock.now();
        let service = &mut state.services[index];
        let (before, name) = (service.desired, service.name.clone());
        if before == desired {
            return;
        }
        service.desired = desired;
        service.desired_at = at;
        service.quiet = false;
        service.note(
            at,
            format!("(service {name}) desired count changed from {before} to {desired}."),
        );
        let message = format!("Service {name} is to run {desired} tasks instead of {before}.");
        let detail = json!({
            "service": name, "cluster": service.cluster, "desired_count": desired,
        });
        self.record("task", message, detail);
        self.shared.counts.send_replace(());
    }
}
