//! Traffic and task sets, changed on behalf of a deployment: each change also goes to the timeline.

use serde_json::json;

use super::CodeDeploy;
use super::model::Service;
use super::outcome::Halt;
use super::plan::{Weights, not_behind};

impl CodeDeploy {
    /// Sets the weights of a listener: of its default action and of its rules, where they forward to one of the pair.
    pub(super) fn forward(
        &self,
        id: &str,
        listener: &str,
        arn: &str,
        weights: &Weights,
    ) -> Result<(), Halt> {
        let elb = &self.world().elb;
        let shifted = elb
            .shift(arn, &weights.forwards())
            .map_err(|error| Halt::LoadBalancer(error.to_string()))?;
        if !shifted {
            return Err(not_behind());
        }
        let (blue, green) = (100 - weights.green_percent, weights.green_percent);
        self.record(
            id,
            "traffic",
            format!(
                "The {listener} listener sends {blue} % to {} and {green} % to {}.",
                weights.blue.name, weights.green.name
            ),
            json!({
                "listener": listener,
                "listener_arn": arn,
                "weights": { &weights.blue.name: blue, &weights.green.name: green },
            }),
        );
        Ok(())
    }

    /// Makes a task set the service's primary one.
    pub(super) fn make_primary(
        &self,
        id: &str,
        service: &Service,
        task_set: &str,
    ) -> Result<(), Halt> {
        let ecs = &self.world().ecs;
        ecs.set_primary_task_set(&service.cluster, &service.name, task_set)
            .map_err(|error| Halt::Ecs(error.to_string()))?;
        let message = format!("The task set {task_set} is the primary one.");
        self.record(
            id,
            "task-set",
            message,
            json!({ "task_set": task_set, "status": "PRIMARY" }),
        );
        Ok(())
    }

    /// Starts to drain a task set and does not wait for it. `which` is for the message.
    pub(super) fn delete_task_set(
        &self,
        id: &str,
        service: &Service,
        task_set: &str,
        which: &str,
    ) -> Result<(), Halt> {
        let ecs = &self.world().ecs;
        ecs.delete_task_set(&service.cluster, &service.name, task_set)
            .map_err(|error| Halt::Ecs(error.to_string()))?;
        let message = format!("The {which} task set {task_set} is being deleted.");
        self.record(
            id,
            "task-set",
            message,
            json!({ "task_set": task_set, "status": "DRAINING" }),
        );
        Ok(())
    }
}
