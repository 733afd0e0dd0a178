//! ECS services of many kinds and Application Auto Scaling behind the front door, driven by the AWS
//! SDK: bounds, counts that lag behind, deployments, pages, tags, throttling and faults.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics when its world is not as it has to be"
)]

mod alarms;
mod bench;
mod bounds;
mod counts;
mod deployments;
mod kinds;
mod lists;
mod tags;
mod throttles;
