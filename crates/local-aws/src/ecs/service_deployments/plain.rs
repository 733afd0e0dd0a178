//! The records of deployments that nobody drives: plain rolling updates, and those given up.

use super::super::Ecs;
use super::super::model::{Rollout, Service, State};
use super::events::Change;
use super::outcome::Halt;
use super::record::{Status, StopRequest};

impl Ecs {
    /// Ends the record of a deployment that goes on; its driver notices.
    pub(in super::super) fn give_up_deployment(&self, state: &mut State, index: usize, why: &str) {
        let now = self.shared.clock.now();
        let Some(at) = state.services[index].deployment else {
            return;
        };
        let deployment = &mut state.service_deployments[at];
        if deployment.status.is_final() {
            return;
        }
        let reason = format!("Service deployment stopped because {why}.");
        deployment.end(Status::Stopped, Some(reason), now);
        deployment.stop = Some(StopRequest::Over);
        deployment.changes.send_replace(());
        let set = deployment.target.set.clone();
        if let Ok(set) = state.services[index].task_set(&set) {
            set.rollout = Rollout::Failed;
        }
    }

    /// A plain rolling update is over.
    pub(in super::super) fn complete_deployment(&self, state: &mut State, service: &Service) {
        let now = self.shared.clock.now();
        let Some(at) = service.deployment else {
            return;
        };
        let deployment = &mut state.service_deployments[at];
        if deployment.status == Status::InProgress {
            deployment.end(Status::Successful, None, now);
            if !is_counted(service, &deployment.target.set) {
                self.announce_deployment(deployment, Change::Completed);
            }
        }
    }

    /// Ends a plain rolling update on its way: back to what was before, or as it is.
    pub(super) fn stop_plain(&self, state: &mut State, index: usize, at: usize) {
        let now = self.shared.clock.now();
        let deployment = &state.service_deployments[at];
        let target = deployment.target.set.clone();
        let base = deployment.base_source().map(|base| base.set.clone());
        let aborted = deployment.status == Status::StopRequested;
        let service = &mut state.services[index];
        service.quiet = false;
        if let Ok(set) = service.task_set(&target) {
            set.rollout = Rollout::Failed;
        }
        let status = match base {
            _ if aborted => Status::Stopped,
            None => Status::RollbackFailed,
            Some(base) => {
                // Both are there: the old one goes only once the new one is complete.
                let _ = self.make_primary(state, index, &base);
                let _ = self.drain(state, index, &target, true);
                Status::RollbackSuccessful
            }
        };
        let reason = Halt::Stopped(StopRequest::Rollback).reason();
        state.service_deployments[at].end(status, Some(reason), now);
        self.follow(state, index);
    }
}

/// Whether the tasks of a set are numbers only.
pub(super) fn is_counted(service: &Service, set: &str) -> bool {
    let mut sets = service.task_sets.iter();
    sets.any(|known| (known.id == set || known.arn == set) && known.simulated.is_some())
}
