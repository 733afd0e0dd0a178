//! Scaling activities without a call: an alarm goes off.
//!
//! AWS leaves a count that is out of bounds alone until an alarm of a policy goes off. There are no
//! metrics here, so the worst is taken: a service with a policy gets its alarm a virtual minute after it
//! left its bounds. One without a policy, or with that direction suspended, stays as it is.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::Target;
use super::{AutoScaling, Shared};

/// Virtual time from leaving the bounds to the alarm: the period of most metrics.
const ALARM_AFTER: Duration = Duration::from_mins(1);
/// Real time between two rounds, so that many changes at once cost one.
const ROUND_DELAY: Duration = Duration::from_millis(20);

/// Where an alarm wants a count to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More tasks.
    Out,
    /// Fewer.
    In,
}

/// An alarm of a scaling policy that goes off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// `service/CLUSTER/SERVICE`
    pub resource_id: String,
    /// Which way.
    pub direction: Direction,
    /// How many tasks more or fewer.
    #[serde(default = "one")]
    pub by: u32,
}

fn one() -> u32 {
    1
}

/// What came of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The desired count after it.
    pub desired: u32,
    /// Why nothing was done, if so.
    pub reason: Option<&'static str>,
}

impl AutoScaling {
    /// Lets an alarm go off, and scales as AWS documents it. None without such a target or service.
    pub fn alarm(&self, alarm: &Alarm) -> Option<Reaction> {
        let mut state = self.state();
        let target = state.targets.get(&alarm.resource_id)?;
        let service = &target.service;
        let found = self.shared.ecs.scalable(&service.cluster, &service.name)?;
        let decided = if found.active {
            target.after(alarm, found.desired)
        } else {
            Err("the service is not active")
        };
        match decided {
            Ok(desired) => {
                let way = match alarm.direction {
                    Direction::Out => "out",
                    Direction::In => "in",
                };
                let cause = format!("monitor alarm to scale {way} was triggered");
                self.scale(&mut state, &alarm.resource_id, desired, &cause);
                Some(Reaction {
                    desired,
                    reason: None,
                })
            }
            Err(reason) => Some(Reaction {
                desired: found.desired,
                reason: Some(reason),
            }),
        }
    }

    /// Lets the alarms go off that are due; gives when the next is.
    fn round(&self) -> Option<Timestamp> {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let mut next: Option<Timestamp> = None;
        let mut due = Vec::new();
        for (id, target) in &state.targets {
            match self.alarm_at(target) {
                Some(at) if at <= now => due.push(id.clone()),
                Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
                None => {}
            }
        }
        for id in due {
            self.pull_into_bounds(&mut state, &id);
        }
        next
    }

    /// When the alarm of a target goes off that pulls its service into its bounds.
    fn alarm_at(&self, target: &Target) -> Option<Timestamp> {
        if target.policies.is_empty() {
            return None;
        }
        let service = &target.service;
        let found = self.shared.ecs.scalable(&service.cluster, &service.name)?;
        let below = found.desired < target.min && !target.suspended.scaling_out;
        let above = found.desired > target.max && !target.suspended.scaling_in;
        let since = found.since.max(target.changed_at);
        let at = since.checked_add(ALARM_AFTER).unwrap_or(Timestamp::MAX);
        (found.active && (below || above)).then_some(at)
    }
}

impl Target {
    /// The count after an alarm, or why it stays.
    fn after(&self, alarm: &Alarm, desired: u32) -> Result<u32, &'static str> {
        let wanted = match alarm.direction {
            Direction::Out if self.suspended.scaling_out => {
                return Err("scaling out is suspended");
            }
            Direction::In if self.suspended.scaling_in => return Err("scaling in is suspended"),
            Direction::Out if desired >= self.max => return Err("the maximum is reached"),
            Direction::In if desired <= self.min => return Err("the minimum is reached"),
            // From outside, the count goes to the bound first.
            Direction::Out => desired.max(self.min).saturating_add(alarm.by),
            Direction::In => desired.min(self.max).saturating_sub(alarm.by),
        };
        Ok(wanted.clamp(self.min, self.max))
    }
}

/// Watches over the bounds for as long as the service is there.
pub(super) fn spawn(shared: &Arc<Shared>) {
    tokio::spawn(run(Arc::downgrade(shared)));
}

async fn run(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let (changed, clock) = (strong.changed.clone(), strong.clock.clone());
        let mut counts = strong.ecs.count_changes();
        let next = AutoScaling { shared: strong }.round();
        tokio::select! {
            () = changed.notified() => {}
            ended = counts.changed() => if ended.is_err() { return },
            () = clock.sleep_until_optional(next) => {}
        }
        tokio::time::sleep(ROUND_DELAY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::model::{ServiceName, Suspended};
    use super::*;

    fn target(min: u32, max: u32) -> Target {
        Target {
            service: ServiceName {
                cluster: "dev".to_owned(),
                name: "web".to_owned(),
            },
            arn: String::new(),
            role: String::new(),
            min,
            max,
            suspended: Suspended::default(),
            created_at: Timestamp::UNIX_EPOCH,
            changed_at: Timestamp::UNIX_EPOCH,
            tags: BTreeMap::new(),
            policies: BTreeMap::new(),
            actions: BTreeMap::new(),
        }
    }

    fn alarm(direction: Direction, by: u32) -> Alarm {
        Alarm {
            resource_id: "service/dev/web".to_owned(),
            direction,
            by,
        }
    }

    #[test]
    fn an_alarm_scales_within_the_bounds_and_from_outside_through_the_bound() {
        let target = target(2, 5);
        let out = |desired, by| target.after(&alarm(Direction::Out, by), desired);
        let r#in = |desired, by| target.after(&alarm(Direction::In, by), desired);
        assert_eq!(out(3, 1), Ok(4));
        assert_eq!(out(0, 1), Ok(3));
        assert_eq!(out(4, 9), Ok(5));
        assert_eq!(out(7, 1), Err("the maximum is reached"));
        assert_eq!(r#in(4, 1), Ok(3));
        assert_eq!(r#in(9, 1), Ok(4));
        assert_eq!(r#in(3, 9), Ok(2));
        assert_eq!(r#in(0, 1), Err("the minimum is reached"));
    }

    #[test]
    fn what_is_suspended_is_not_done() {
        let mut target = target(1, 5);
        target.suspended.scaling_out = true;
        let out = target.after(&alarm(Direction::Out, 1), 2);
        assert_eq!(out, Err("scaling out is suspended"));
        assert_eq!(target.after(&alarm(Direction::In, 1), 2), Ok(1));
    }
}
