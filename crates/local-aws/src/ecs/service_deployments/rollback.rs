//! The end of a deployment that does not go on, and the way back to the revision before.
//!
//! AWS has no stage for it: production and test traffic are shifted once more, the other way, and the
//! hooks of these two stages run again. What they answer no longer changes where the traffic is.

use serde_json::json;

use super::super::model::Rollout;
use super::driver::Driver;
use super::events::Change;
use super::hooks::TrafficShares;
use super::outcome::{Consequence, Halt};
use super::record::{Rollback, Status, StopRequest};
use super::stage::{Share, Stage};
use super::traffic::Rules;

impl Driver {
    /// Ends the deployment as the halt asks for.
    pub(super) async fn halt(&self, halt: &Halt) {
        let base = self.read(|deployment| deployment.base_source().cloned());
        let reason = halt.reason();
        match (halt.consequence(&self.configuration, base.is_some()), base) {
            (Consequence::Nothing, _) => {}
            (Consequence::Stop, _) => {
                let reason = reason.replacen("rolled back", "stopped", 1);
                self.fail(&reason);
                self.end(Status::Stopped, &reason);
            }
            (Consequence::RollBack, Some(base)) => {
                self.fail(&reason);
                let now = self.clock().now();
                self.change(|deployment| {
                    deployment.status = Status::RollbackInProgress;
                    deployment.reason = Some(reason.clone());
                    deployment.rollback = Some(Rollback {
                        reason: reason.clone(),
                        started_at: now,
                        revision: base.arn.clone(),
                    });
                });
                tokio::select! {
                    biased;
                    () = self.over() => {}
                    () = self.roll_back(&base.set, &reason) => {}
                }
            }
            (Consequence::NothingToRollBackTo | Consequence::RollBack, _) => {
                self.fail(&reason);
                self.scale(&self.target_set(), 0.0);
                let reason =
                    format!("{reason} No rollback candidate was found to run the rollback.");
                self.end(Status::RollbackFailed, &reason);
            }
        }
    }

    async fn roll_back(&self, base: &str, reason: &str) {
        let reached = self.read(|deployment| deployment.stage);
        let mut undone = Ok(());
        if self.configuration.shifts_traffic() && reached >= Some(Stage::ScaleUp) {
            undone = self.shift_back().await;
        }
        self.enter(Stage::CleanUp);
        self.bring_back(base);
        let target = self.target_set();
        self.drain(std::slice::from_ref(&target)).await;
        self.roll_out(base, Rollout::Completed);
        match undone {
            Ok(()) => self.end(Status::RollbackSuccessful, reason),
            Err(halt) => {
                let reason = format!("{reason} The rollback failed: {}", halt.reason());
                self.end(Status::RollbackFailed, &reason);
            }
        }
    }

    /// Shifts all traffic back, then runs the hooks that go with it.
    async fn shift_back(&self) -> Result<(), Halt> {
        self.enter(Stage::ProductionTrafficShift);
        let production = self.forward(Rules::Production, Share::NONE);
        let shares = TrafficShares {
            test: None,
            production: Some(Share::NONE),
        };
        let first = self.hooks(Stage::ProductionTrafficShift, shares).await;
        self.enter(Stage::TestTrafficShift);
        let test = self.forward(Rules::Test, Share::NONE);
        let shares = TrafficShares {
            test: Some(Share::NONE),
            production: None,
        };
        let second = self.hooks(Stage::TestTrafficShift, shares).await;
        production.and(first).and(test).and(second)
    }

    /// The service is what it was before.
    fn bring_back(&self, base: &str) {
        let mut state = self.ecs.state();
        if let Err(error) = self.ecs.make_primary(&mut state, self.service, base) {
            tracing::warn!(%error, "the revision before is gone");
        }
        if let Ok(set) = state.services[self.service].task_set(base) {
            set.scale = 100.0;
        }
    }

    /// The deployment failed, whatever comes then.
    fn fail(&self, reason: &str) {
        let target = self.target_set();
        self.roll_out(&target, Rollout::Failed);
        self.read(|deployment| {
            self.ecs
                .announce_deployment(deployment, Change::Failed(reason));
        });
        self.note(&format!(
            "(deployment {target}) deployment failed: {reason}"
        ));
        let message = format!("The deployment {target} failed: {reason}");
        self.record(
            "deployment",
            message,
            json!({ "status": "FAILED", "reason": reason }),
        );
    }

    fn end(&self, status: Status, reason: &str) {
        let now = self.clock().now();
        self.change(|deployment| deployment.end(status, Some(reason.to_owned()), now));
        let status = status.as_str();
        let message = format!("The deployment {} is {status}.", self.target_set());
        self.record(
            "deployment",
            message,
            json!({ "status": status, "reason": reason }),
        );
    }

    /// Waits until the record was ended by somebody else.
    async fn over(&self) {
        let mut changes = self.read(|deployment| deployment.changes.subscribe());
        while self.read(|deployment| deployment.stop) != Some(StopRequest::Over) {
            // The sender lives in the record, which is never removed.
            let _ = changes.changed().await;
        }
    }
}
