//! Drives one deployment from its creation to its end, event by event.
//!
//! One task a deployment. It decides nothing of its own: the order is `LifecycleEvent::ALL`, the
//! shift is a plan of `routing`, and what a failure leads to is `outcome`'s. Whatever
//! it waits for, a request to stop ends the wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::CodeDeploy;
use super::hooks::{Answer, HOOK_TIMEOUT, HookExecution, HookState};
use super::lifecycle::LifecycleEvent;
use super::model::{Deployment, StopRequest, TaskSetRecord, Waiting};
use super::outcome::{DeploymentStatus, Halt};
use super::plan::Plan;
use super::platform::Platform;
use super::settings::Ready;
use crate::clock::later;
use crate::ecs::{NewTaskSet, Stability, TaskSetStatus};

/// How long a replacement task set may take to become healthy, in virtual time.
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/troubleshooting-ecs.html>
const INSTALL_TIMEOUT: Duration = Duration::from_hours(1);
/// How often ECS is asked whether it is healthy, in real time: processes start in real time.
const INSTALL_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The driver of one deployment.
pub(super) struct Driver {
    pub(super) codedeploy: CodeDeploy,
    pub(super) id: String,
    wake: Arc<Notify>,
}

impl Driver {
    pub(super) fn new(codedeploy: CodeDeploy, id: String, wake: Arc<Notify>) -> Self {
        Self {
            codedeploy,
            id,
            wake,
        }
    }

    /// Runs the deployment to its end, its rollback included.
    pub(super) async fn run(self) {
        if let Err(halt) = self.deploy().await {
            self.codedeploy.halt(&self.id, &halt).await;
        }
    }

    async fn deploy(&self) -> Result<(), Halt> {
        self.begin();
        let platform = self.read(|deployment| Some(deployment.group.target.platform()));
        if platform == Some(Platform::Lambda) {
            return self.deploy_alias().await;
        }
        // Reading the revision is a call to S3, which may take as long as it likes.
        let plan = tokio::select! {
            plan = Plan::make(&self.codedeploy, &self.id) => plan?,
            stopped = self.wait_for(Timestamp::MAX, |_| None::<()>) => return stopped.map(drop),
        };
        self.change(|deployment| deployment.task_sets.push(plan.blue.record("Blue")));
        self.hook(&plan.spec.hooks, LifecycleEvent::BeforeInstall)
            .await?;
        self.start(LifecycleEvent::Install);
        let green = self.install(&plan).await?;
        self.succeed(LifecycleEvent::Install);
        self.hook(&plan.spec.hooks, LifecycleEvent::AfterInstall)
            .await?;
        self.start(LifecycleEvent::AllowTestTraffic);
        if let Some(test) = &plan.test_listener {
            self.codedeploy
                .forward(&self.id, "test", test, &plan.weights(100))?;
        }
        self.succeed(LifecycleEvent::AllowTestTraffic);
        self.hook(&plan.spec.hooks, LifecycleEvent::AfterAllowTestTraffic)
            .await?;
        self.wait_until_ready(&plan).await?;
        self.hook(&plan.spec.hooks, LifecycleEvent::BeforeAllowTraffic)
            .await?;
        self.start(LifecycleEvent::AllowTraffic);
        self.shift(&plan, &green).await?;
        self.succeed(LifecycleEvent::AllowTraffic);
        self.hook(&plan.spec.hooks, LifecycleEvent::AfterAllowTraffic)
            .await?;
        self.wait_for_termination(&plan).await?;
        self.finish(&plan)
    }

    fn begin(&self) {
        self.change(|deployment| {
            deployment.status = DeploymentStatus::InProgress;
            deployment.started = Some(deployment.updated);
        });
        let message = format!("Deployment {} started.", self.id);
        self.record("deployment", message, json!({ "status": "InProgress" }));
    }

    /// Runs the function hooked to an event, if there is one, and waits for its answer.
    pub(super) async fn hook(
        &self,
        hooks: &BTreeMap<LifecycleEvent, String>,
        event: LifecycleEvent,
    ) -> Result<(), Halt> {
        self.start(event);
        if let Some(function) = hooks.get(&event) {
            let execution = HookExecution::new(event, function.clone());
            self.change(|deployment| deployment.hooks.push(execution.clone()));
            self.record(
                "hook",
                format!("{event} calls {function}."),
                json!({
                    "lifecycle_event": event, "function": function, "status": "InProgress",
                    "lifecycle_event_hook_execution_id": execution.id,
                }),
            );
            self.answer_of(&execution).await?;
        } else {
            // A stop request between two events is noticed here too.
            self.refuse_stopped()?;
        }
        self.succeed(event);
        Ok(())
    }

    async fn answer_of(&self, execution: &HookExecution) -> Result<(), Halt> {
        let function = execution.function.clone();
        let deadline = self.after(HOOK_TIMEOUT);
        let answered = |deployment: &Deployment| match deployment.hook(execution.event)?.state {
            HookState::Answered(answer) => Some(answer),
            HookState::Waiting | HookState::Over => None,
        };
        // An answer counts even while the call that brought the function to it has not returned.
        let refused = tokio::select! {
            biased;
            answer = self.wait_for(deadline, answered) => answer.map(|_| None)?,
            refused = self.refusal(execution) => {
                if refused.is_none() {
                    self.wait_for(deadline, answered).await?;
                }
                refused
            }
        };
        match (self.settle(execution.event), refused) {
            (Some(Answer::Succeeded), _) => Ok(()),
            (Some(Answer::Failed), _) => Err(Halt::HookFailed { function }),
            (None, Some(refused)) => Err(refused),
            (None, None) => Err(Halt::HookTimedOut { function }),
        }
    }

    /// The answer so far; no answer is accepted after this.
    fn settle(&self, event: LifecycleEvent) -> Option<Answer> {
        let mut state = self.codedeploy.state();
        let deployment = state.deployment_mut(&self.id).ok()?;
        let hook = deployment
            .hooks
            .iter_mut()
            .find(|hook| hook.event == event)?;
        if let HookState::Answered(answer) = hook.state {
            return Some(answer);
        }
        hook.state = HookState::Over;
        None
    }

    /// Calls the function; none when the call was accepted.
    async fn refusal(&self, execution: &HookExecution) -> Option<Halt> {
        let refused = self
            .codedeploy
            .hooks()
            .invoke(execution.call(&self.id))
            .await
            .err()?;
        let function = execution.function.clone();
        Some(Halt::HookNotInvoked {
            function,
            error: refused.error,
            missing: refused.missing,
        })
    }

    /// Makes the replacement task set and waits until it is healthy. Returns its id.
    async fn install(&self, plan: &Plan) -> Result<String, Halt> {
        self.clear_leftovers(plan)?;
        let spec = NewTaskSet {
            cluster: plan.service.cluster.clone(),
            service: plan.service.name.clone(),
            task_definition: plan.task_definition.clone(),
            target_group_arn: plan.green.arn.clone(),
            container_name: plan.spec.container_name.clone(),
            container_port: plan.spec.container_port,
            external_id: Some(self.id.clone()),
            started_by: Some("CODE_DEPLOY".to_owned()),
        };
        let ecs = &self.codedeploy.world().ecs;
        let made = ecs
            .create_task_set(spec)
            .map_err(|error| Halt::Ecs(error.to_string()))?;
        self.change(|deployment| {
            deployment.task_sets.push(TaskSetRecord {
                id: made.id.clone(),
                label: "Green",
                target_group: plan.green.arn.clone(),
                target_group_name: plan.green.name.clone(),
                last: None,
            });
        });
        self.record(
            "task-set",
            format!(
                "The replacement task set {} was created in {}.",
                made.id, plan.green.name
            ),
            json!({
                "task_set": made.id, "label": "Green", "status": made.status.to_string(),
                "target_group": plan.green.name, "task_definition": plan.task_definition,
            }),
        );
        let deadline = self.after(INSTALL_TIMEOUT);
        loop {
            let view = ecs
                .task_set(&plan.service.cluster, &plan.service.name, &made.id)
                .filter(|view| view.status != TaskSetStatus::Draining)
                .ok_or_else(|| Halt::Ecs(format!("the task set {} was deleted", made.id)))?;
            if view.stability == Stability::SteadyState {
                break;
            }
            if self.codedeploy.now() >= deadline {
                return Err(Halt::InstallTimedOut);
            }
            self.pause(INSTALL_POLL_INTERVAL).await?;
        }
        self.record(
            "task-set",
            format!("The replacement task set {} is healthy.", made.id),
            json!({ "task_set": made.id, "label": "Green", "stability": "STEADY_STATE" }),
        );
        Ok(made.id)
    }

    /// A failed deployment that was not rolled back leaves its task set behind; the next deployment
    /// needs the target group.
    fn clear_leftovers(&self, plan: &Plan) -> Result<(), Halt> {
        if plan.leftovers.is_empty() {
            return Ok(());
        }
        let listeners = [
            ("production", Some(&plan.production_listener)),
            ("test", plan.test_listener.as_ref()),
        ];
        for (name, listener) in listeners {
            if let Some(listener) = listener {
                self.codedeploy
                    .forward(&self.id, name, listener, &plan.weights(0))?;
            }
        }
        for id in &plan.leftovers {
            self.codedeploy
                .delete_task_set(&self.id, &plan.service, id, "left over")?;
        }
        Ok(())
    }

    /// With `STOP_DEPLOYMENT`, traffic waits for `ContinueDeployment`.
    async fn wait_until_ready(&self, plan: &Plan) -> Result<(), Halt> {
        let Ready::OnRequest { wait_minutes } = plan.blue_green.ready else {
            return Ok(());
        };
        // Before anybody can see that it waits: whoever then moves the clock means this wait too.
        let deadline = self.after(Duration::from_mins(wait_minutes.into()));
        self.change(|deployment| {
            deployment.status = DeploymentStatus::Ready;
            deployment.waiting = Waiting::Ready;
        });
        self.record(
            "deployment",
            format!(
                "Deployment {} is ready and waits {wait_minutes} minutes for ContinueDeployment.",
                self.id
            ),
            json!({ "status": "Ready", "wait_minutes": wait_minutes }),
        );
        if self.wait_for(deadline, continued).await?.is_none() {
            return Err(Halt::ReadyTimedOut {
                minutes: wait_minutes,
            });
        }
        self.change(|deployment| deployment.status = DeploymentStatus::InProgress);
        let message = format!("Deployment {} was continued.", self.id);
        self.record("deployment", message, json!({ "status": "InProgress" }));
        Ok(())
    }

    /// Shifts production traffic step by step. The replacement becomes the service's primary task
    /// set when it has all of it.
    async fn shift(&self, plan: &Plan, green: &str) -> Result<(), Halt> {
        plan.check_production(&self.codedeploy)?;
        let begin = self.codedeploy.now();
        for step in plan.routing.steps() {
            let due = later(begin, step.after);
            self.wait_for(due, |_| None::<()>).await?;
            let weights = plan.weights(step.green);
            self.codedeploy
                .forward(&self.id, "production", &plan.production_listener, &weights)?;
        }
        self.codedeploy.make_primary(&self.id, &plan.service, green)
    }

    /// The original task set stays for a while, so that a stop request can still bring it back.
    async fn wait_for_termination(&self, plan: &Plan) -> Result<(), Halt> {
        let wait = plan.blue_green.termination_wait();
        if wait.is_zero() {
            return Ok(());
        }
        let deadline = self.after(wait);
        self.change(|deployment| {
            deployment.waiting = Waiting::Termination;
            deployment.termination_wait_started = true;
        });
        let minutes = plan.blue_green.termination_wait_minutes;
        self.record(
            "deployment",
            format!(
                "The original task set {} is kept for {minutes} minutes.",
                plan.blue.id
            ),
            json!({ "status": "InProgress", "termination_wait_minutes": minutes }),
        );
        self.wait_for(deadline, continued).await.map(drop)
    }

    fn finish(&self, plan: &Plan) -> Result<(), Halt> {
        self.refuse_stopped_or(|deployment| deployment.closing = true)?;
        let deleted =
            self.codedeploy
                .delete_task_set(&self.id, &plan.service, &plan.blue.id, "original");
        // Traffic has shifted for good; a task set that cannot be deleted is worth a word, no
        // failure.
        if let Err(halt) = deleted {
            let message = halt.error().message;
            self.record("task-set", message, json!({ "task_set": plan.blue.id }));
        }
        self.codedeploy.freeze_target(&self.id);
        let now = self.codedeploy.now();
        self.change(|deployment| deployment.end(DeploymentStatus::Succeeded, now));
        let message = format!("Deployment {} succeeded.", self.id);
        self.record("deployment", message, json!({ "status": "Succeeded" }));
        Ok(())
    }

    pub(super) fn start(&self, event: LifecycleEvent) {
        let now = self.codedeploy.now();
        self.change(|deployment| deployment.lifecycle.start(event, now));
        self.record(
            "lifecycle",
            format!("{event} started."),
            json!({ "lifecycle_event": event, "status": "InProgress" }),
        );
    }

    pub(super) fn succeed(&self, event: LifecycleEvent) {
        let now = self.codedeploy.now();
        self.change(|deployment| deployment.lifecycle.succeed(event, now));
        let started = self.read(|deployment| {
            deployment
                .lifecycle
                .records()
                .iter()
                .find(|record| record.event == event)?
                .started
        });
        let milliseconds = started.map(|at| now.duration_since(at).as_millis());
        self.record(
            "lifecycle",
            format!("{event} succeeded."),
            json!({ "lifecycle_event": event, "status": "Succeeded", "duration_ms": milliseconds }),
        );
    }

    /// Waits until `seen` finds something; none once virtual time has reached the deadline. Ends
    /// with `Halt::Stopped` as soon as somebody stops the deployment.
    pub(super) async fn wait_for<T>(
        &self,
        deadline: Timestamp,
        seen: impl Fn(&Deployment) -> Option<T>,
    ) -> Result<Option<T>, Halt> {
        loop {
            self.refuse_stopped()?;
            if let found @ Some(_) = self.read(&seen) {
                return Ok(found);
            }
            if self.codedeploy.now() >= deadline {
                return Ok(None);
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.codedeploy.world().clock.sleep_until(deadline) => {}
            }
        }
    }

    /// A stretch of real time, unless somebody stops the deployment.
    async fn pause(&self, d: Duration) -> Result<(), Halt> {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(d) => {}
        }
        self.refuse_stopped()
    }

    fn refuse_stopped(&self) -> Result<(), Halt> {
        self.refuse_stopped_or(|_| ())
    }

    /// Changes the deployment, unless somebody has stopped it; both happen under one lock.
    pub(super) fn refuse_stopped_or(
        &self,
        change: impl FnOnce(&mut Deployment),
    ) -> Result<(), Halt> {
        let mut state = self.codedeploy.state();
        let Ok(deployment) = state.deployment_mut(&self.id) else {
            return Ok(());
        };
        if let Some(StopRequest { roll_back }) = deployment.stop {
            return Err(Halt::Stopped { roll_back });
        }
        change(deployment);
        Ok(())
    }

    pub(super) fn read<T>(&self, seen: impl Fn(&Deployment) -> Option<T>) -> Option<T> {
        self.codedeploy
            .state()
            .deployment(&self.id)
            .ok()
            .and_then(seen)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Deployment)) {
        self.codedeploy.change(&self.id, change);
    }

    fn after(&self, d: Duration) -> Timestamp {
        later(self.codedeploy.now(), d)
    }

    pub(super) fn record(&self, kind: &str, message: String, detail: Value) {
        self.codedeploy.record(&self.id, kind, message, detail);
    }
}

fn continued(deployment: &Deployment) -> Option<()> {
    (deployment.waiting == Waiting::No).then_some(())
}
