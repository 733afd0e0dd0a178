//! Drives one deployment through its stages. One task a deployment.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::Ecs;
use super::super::model::{Rollout, TaskSet};
use super::configuration::DeploymentConfiguration;
use super::events::Change;
use super::hooks::TrafficShares;
use super::outcome::Halt;
use super::record::{ServiceDeployment, Status};
use super::stage::{Share, Stage};
use super::traffic::{Route, Rules};
use crate::clock::{Clock, Hold};
use crate::error::AwsError;
use crate::sync::lock;
use crate::timeline::TimelineEvent;
use crate::upstream::Upstream;

/// How often tasks are looked at, in real time: processes start in real time.
const TASK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The driver of one deployment.
pub(super) struct Driver {
    pub(super) ecs: Ecs,
    /// Where the record is.
    pub(super) at: usize,
    /// Where the service is.
    pub(super) service: usize,
    pub(super) configuration: DeploymentConfiguration,
    pub(super) routes: Vec<Route>,
    /// From waking up in virtual time until the next wait: nobody puts the clock forward meanwhile.
    pub(super) awake: Mutex<Option<Hold>>,
}

impl Driver {
    /// Runs the deployment to its end, the way back included.
    pub(super) async fn run(self) {
        let outcome = tokio::select! {
            biased;
            halt = self.interrupted() => Err(halt),
            done = self.deploy() => done,
        };
        if let Err(halt) = outcome {
            self.halt(&halt).await;
        }
    }

    async fn deploy(&self) -> Result<(), Halt> {
        self.ignore_old_alarms().await;
        self.reconcile().await?;
        self.ecs.check_routes(&self.routes)?;
        self.stage(Stage::PreScaleUp, TrafficShares::default())
            .await?;
        self.enter(Stage::ScaleUp);
        self.scale(&self.target_set(), 100.0);
        self.until_healthy().await;
        self.stage(Stage::PostScaleUp, TrafficShares::default())
            .await?;
        if self.configuration.shifts_traffic() {
            self.shift_test_traffic().await?;
            self.shift_production_traffic().await?;
            self.stage(Stage::PostProductionTrafficShift, TrafficShares::default())
                .await?;
        }
        self.enter(Stage::BakeTime);
        self.bake(self.configuration.bake).await?;
        self.enter(Stage::CleanUp);
        let sources = self.read(|deployment| deployment.sources.clone());
        let sources: Vec<String> = sources.into_iter().map(|source| source.set).collect();
        self.drain(&sources).await;
        self.finish();
        Ok(())
    }

    /// Clears away what is left of a deployment that was stopped on its way.
    async fn reconcile(&self) -> Result<(), Halt> {
        let surplus = self.read(|deployment| {
            let base = deployment.base_source().map(|base| base.set.clone());
            let sources = deployment.sources.iter().map(|source| source.set.clone());
            sources
                .filter(|set| Some(set) != base.as_ref())
                .collect::<Vec<_>>()
        });
        if surplus.is_empty() {
            return Ok(());
        }
        self.enter(Stage::ReconcileService);
        self.forward(Rules::Production, Share::NONE)?;
        self.forward(Rules::Test, Share::NONE)?;
        if self.configuration.shifts_traffic() {
            // Its target group is the new revision's.
            self.drain(&surplus).await;
        }
        // So AWS's example of the event has it.
        let shares = TrafficShares {
            test: Some(Share::ALL),
            production: Some(Share::ALL),
        };
        self.hooks(Stage::ReconcileService, shares).await
    }

    async fn shift_test_traffic(&self) -> Result<(), Halt> {
        self.enter(Stage::TestTrafficShift);
        self.forward(Rules::Test, Share::ALL)?;
        let shares = TrafficShares {
            test: Some(Share::ALL),
            production: None,
        };
        self.hooks(Stage::TestTrafficShift, shares).await?;
        self.stage(Stage::PostTestTrafficShift, TrafficShares::default())
            .await
    }

    async fn shift_production_traffic(&self) -> Result<(), Halt> {
        let alone = self.read(|deployment| deployment.sources.is_empty());
        let mut before = Share::NONE;
        for step in self.configuration.strategy.steps(alone) {
            let shares = |share| TrafficShares {
                test: None,
                production: Some(share),
            };
            self.stage(Stage::PreProductionTrafficShift, shares(before))
                .await?;
            self.enter(Stage::ProductionTrafficShift);
            self.forward(Rules::Production, step.share)?;
            self.hooks(Stage::ProductionTrafficShift, shares(step.share))
                .await?;
            self.bake(step.bake).await?;
            before = step.share;
        }
        Ok(())
    }

    /// Waits in virtual time, and looks at the alarms before it goes on.
    async fn bake(&self, wait: Duration) -> Result<(), Halt> {
        self.sleep(wait).await;
        self.check_alarms().await
    }

    /// Sleeps in virtual time.
    pub(super) async fn sleep(&self, d: Duration) {
        self.rest();
        let awake = self.clock().sleep_held(d).await;
        *lock(&self.awake) = awake;
    }

    /// Lets the clock go on: what comes is waited for in real time, or is somebody else's.
    pub(super) fn rest(&self) {
        lock(&self.awake).take();
    }

    /// Gives the new revision a share of the traffic.
    pub(super) fn forward(&self, rules: Rules, share: Share) -> Result<(), Halt> {
        let networking = |error: AwsError| Halt::Networking(error.message);
        self.ecs
            .forward(&self.routes, rules, share)
            .map_err(networking)?;
        self.change(|deployment| {
            let base = deployment.base_source().map(|base| base.set.clone());
            let sources = deployment.sources.iter_mut();
            let old = sources.map(|source| {
                let is_base = Some(&source.set) == base.as_ref();
                let rest = if is_base { share.rest() } else { Share::NONE };
                (source, rest)
            });
            for (revision, share) in old.chain([(&mut deployment.target, share)]) {
                match rules {
                    Rules::Test => revision.test = share,
                    Rules::Production => revision.production = share,
                }
            }
        });
        let what = match rules {
            Rules::Test => "test",
            Rules::Production => "production",
        };
        let percent = share.percent();
        let message = format!("{percent} % of {what} traffic goes to the new revision.");
        self.record(
            "traffic",
            message,
            json!({ "traffic": what, "percent": percent }),
        );
        Ok(())
    }

    async fn until_healthy(&self) {
        self.rest();
        let target = self.target_set();
        let healthy = || {
            let state = self.ecs.state();
            let service = &state.services[self.service];
            let set = service.task_sets.iter().find(|set| set.id == target);
            set.is_some_and(|set| self.ecs.is_steady(&state, service.desired, set))
        };
        while !healthy() {
            tokio::time::sleep(TASK_POLL_INTERVAL).await;
        }
    }

    /// Sets how much of the desired count a task set has.
    pub(super) fn scale(&self, set: &str, percent: f64) {
        let mut state = self.ecs.state();
        if let Ok(set) = state.services[self.service].task_set(set) {
            set.scale = percent;
            set.steady = false;
        }
        self.ecs.follow(&mut state, self.service);
        drop(state);
        self.ecs.shared.changed.notify_one();
    }

    /// Lets task sets go, and waits until they have.
    pub(super) async fn drain(&self, sets: &[String]) {
        self.rest();
        {
            let mut state = self.ecs.state();
            for set in sets {
                // One that is gone is as good.
                let _ = self.ecs.drain(&mut state, self.service, set, true);
            }
            self.ecs.follow(&mut state, self.service);
        }
        let there = || {
            let state = self.ecs.state();
            let mut left = state.services[self.service].task_sets.iter();
            left.any(|set| sets.contains(&set.id))
        };
        while there() {
            tokio::time::sleep(TASK_POLL_INTERVAL).await;
        }
    }

    fn finish(&self) {
        let target = self.target_set();
        self.roll_out(&target, Rollout::Completed);
        let now = self.clock().now();
        self.change(|deployment| {
            deployment.end(Status::Successful, None, now);
            self.ecs.announce_deployment(deployment, Change::Completed);
        });
        self.note(&format!("(deployment {target}) deployment completed."));
        let message = format!("The deployment {target} is complete.");
        self.record("deployment", message, json!({ "status": "SUCCESSFUL" }));
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.change(|deployment| deployment.stage = Some(stage));
        let detail = json!({ "lifecycle_stage": stage.name() });
        self.record("lifecycle", format!("{stage} began."), detail);
    }

    pub(super) fn roll_out(&self, set: &str, rollout: Rollout) {
        let now = self.clock().now();
        let mut state = self.ecs.state();
        let service = &mut state.services[self.service];
        service.quiet = false;
        if let Ok(TaskSet {
            rollout: known,
            updated_at,
            ..
        }) = service.task_set(set)
        {
            *known = rollout;
            *updated_at = now;
        }
    }

    pub(super) fn target_set(&self) -> String {
        self.ecs.state().service_deployments[self.at]
            .target
            .set
            .clone()
    }

    pub(super) fn read<T>(&self, seen: impl FnOnce(&ServiceDeployment) -> T) -> T {
        seen(&self.ecs.state().service_deployments[self.at])
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut ServiceDeployment)) {
        let now = self.clock().now();
        let mut state = self.ecs.state();
        let deployment = &mut state.service_deployments[self.at];
        deployment.updated_at = now;
        change(deployment);
    }

    /// Adds to the service's events.
    pub(super) fn note(&self, what: &str) {
        let now = self.clock().now();
        let mut state = self.ecs.state();
        let service = &mut state.services[self.service];
        let note = format!("(service {}) {what}", service.name);
        service.note(now, note);
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.ecs.shared.clock
    }

    pub(super) fn upstream(&self) -> &Upstream {
        &self.ecs.shared.upstream
    }

    pub(super) fn record(&self, kind: &str, message: String, detail: Value) {
        let arn = self.read(|deployment| deployment.arn.clone());
        self.ecs.shared.timeline.record(TimelineEvent {
            kind: kind.to_owned(),
            deployment_id: Some(arn),
            message,
            detail,
        });
    }
}
