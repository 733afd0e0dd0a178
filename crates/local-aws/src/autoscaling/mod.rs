//! Application Auto Scaling for ECS services: bounds that desired counts are pulled into, and what
//! is suspended of it.
//!
//! Bounds hold where AWS says they do: at each `RegisterScalableTarget`, and at each scaling activity.
//! A desired count outside of them is not refused, and nothing undoes it by itself. There are no
//! metrics: the control API raises alarms, and a service that has a policy and is out of bounds gets one
//! after a virtual minute. Scheduled actions are kept but never run.

mod activities;
mod alarms;
mod model;
mod policies;
mod tags;
mod targets;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use tokio::sync::Notify;

use self::model::State;
use crate::WorldOptions;
use crate::clock::Clock;
use crate::ecs::Ecs;
use crate::error::AwsError;
use crate::service::{Call, Operations, Service};
use crate::sync::lock;
use crate::timeline::Timeline;
use crate::wire::json::without_nulls;

pub use self::alarms::{Alarm, Direction, Reaction};

type Operation = fn(&AutoScaling, Value) -> Result<Value, AwsError>;

/// Every operation that is served.
const OPERATIONS: Operations<Operation> = Operations {
    unknown: "UnknownOperationException",
    table: &[
        ("DeleteScalingPolicy", |this, input| {
            this.delete_scaling_policy(&input)
        }),
        ("DeleteScheduledAction", |this, input| {
            this.delete_scheduled_action(&input)
        }),
        (
            "DeregisterScalableTarget",
            AutoScaling::deregister_scalable_target,
        ),
        (
            "DescribeScalableTargets",
            AutoScaling::describe_scalable_targets,
        ),
        (
            "DescribeScalingActivities",
            AutoScaling::describe_scaling_activities,
        ),
        (
            "DescribeScalingPolicies",
            AutoScaling::describe_scaling_policies,
        ),
        (
            "DescribeScheduledActions",
            AutoScaling::describe_scheduled_actions,
        ),
        ("ListTagsForResource", AutoScaling::list_tags_for_resource),
        ("PutScalingPolicy", AutoScaling::put_scaling_policy),
        ("PutScheduledAction", |this, input| {
            this.put_scheduled_action(&input)
        }),
        (
            "RegisterScalableTarget",
            AutoScaling::register_scalable_target,
        ),
        ("TagResource", AutoScaling::tag_resource),
        ("UntagResource", AutoScaling::untag_resource),
    ],
};

/// The Application Auto Scaling of one world. Clones share all state.
#[derive(Clone, Debug)]
pub struct AutoScaling {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    timeline: Timeline,
    ecs: Ecs,
    account: String,
    region: String,
    state: Mutex<State>,
    /// Wakes the watch over bounds.
    changed: Arc<Notify>,
}

impl Service for AutoScaling {
    fn signing_name(&self) -> &'static str {
        "application-autoscaling"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        call.json(|input| self.call(call.operation, input))
    }
}

impl AutoScaling {
    /// Without any scalable target. Needs a Tokio runtime.
    pub fn new(options: &WorldOptions, clock: Clock, timeline: Timeline, ecs: Ecs) -> Self {
        let shared = Arc::new(Shared {
            clock,
            timeline,
            ecs,
            account: options.account.clone(),
            region: options.region.clone(),
            state: Mutex::default(),
            changed: Arc::default(),
        });
        alarms::spawn(&shared);
        Self { shared }
    }

    /// Performs an operation of the wire API.
    pub fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let output = OPERATIONS.find(operation)?(self, input)?;
        self.shared.changed.notify_one();
        Ok(without_nulls(output))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:REST`
    fn arn(&self, service: &str, rest: &str) -> String {
        let Shared {
            region, account, ..
        } = &*self.shared;
        format!("arn:aws:{service}:{region}:{account}:{rest}")
    }
}
