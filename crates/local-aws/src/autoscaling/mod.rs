//! Application Auto Scaling for ECS services: bounds that desired counts are pulled into, and what
//! is suspended of it.
//!
//! Bounds hold where AWS says they do: at each `RegisterScalableTarget`, and at each scaling activity.
//! Setting a desired count outside of them is not refused and by itself undone by nobody. There are no
//! metrics: alarms are ordered through the control API, and a service that has a policy and is out of
//! bounds is taken to get one after a virtual minute. Scheduled actions are kept and never done.

mod activities;
mod model;
mod policies;
mod tags;
mod targets;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use self::model::State;
use crate::WorldOptions;
use crate::clock::Clock;
use crate::ecs::Ecs;
use crate::error::AwsError;
use crate::timeline::Timeline;
use crate::wire::json::without_nulls;

pub use self::watch::{Alarm, Direction, Reaction};

/// The operations served.
pub const OPERATIONS: &[&str] = &[
    "DeleteScalingPolicy",
    "DeleteScheduledAction",
    "DeregisterScalableTarget",
    "DescribeScalableTargets",
    "DescribeScalingActivities",
    "DescribeScalingPolicies",
    "DescribeScheduledActions",
    "ListTagsForResource",
    "PutScalingPolicy",
    "PutScheduledAction",
    "RegisterScalableTarget",
    "TagResource",
    "UntagResource",
];

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
        watch::spawn(&shared);
        Self { shared }
    }

    /// Answers a call of the wire API.
    #[expect(clippy::unused_async, reason = "all services are called alike")]
    pub async fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let answer = match operation {
            "DeleteScalingPolicy" => self.delete_scaling_policy(&input),
            "DeleteScheduledAction" => self.delete_scheduled_action(&input),
            "DeregisterScalableTarget" => self.deregister_scalable_target(input),
            "DescribeScalableTargets" => self.describe_scalable_targets(input),
            "DescribeScalingActivities" => self.describe_scaling_activities(input),
            "DescribeScalingPolicies" => self.describe_scaling_policies(input),
            "DescribeScheduledActions" => self.describe_scheduled_actions(input),
            "ListTagsForResource" => self.list_tags_for_resource(input),
            "PutScalingPolicy" => self.put_scaling_policy(input),
            "PutScheduledAction" => self.put_scheduled_action(&input),
            "RegisterScalableTarget" => self.register_scalable_target(input),
            "TagResource" => self.tag_resource(input),
            "UntagResource" => self.untag_resource(input),
            other => Err(AwsError::client(
                "UnknownOperationException",
                format!(
                    "local-aws has no Application Auto Scaling operation {other}; it has {}.",
                    OPERATIONS.join(", ")
                ),
            )),
        }?;
        self.shared.changed.notify_one();
        Ok(without_nulls(answer))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:REST`
    fn arn(&self, service: &str, rest: &str) -> String {
        let Shared {
            region, account, ..
        } = &*self.shared;
        format!("arn:aws:{service}:{region}:{account}:{rest}")
    }
}
