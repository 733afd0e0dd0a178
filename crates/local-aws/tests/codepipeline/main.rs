//! CodePipeline and the sinks behind the front door, driven by the AWS SDK: approvals and every way
//! they can end, execution modes, change sets, jobs, deployments, and the limits of chat services.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics when its world is not as it has to be"
)]

mod actions;
mod approvals;
mod bench;
mod change_sets;
mod emulator;
mod events;
mod faults;
mod history;
mod modes;
mod refusals;
mod schedules;
mod sinks;
mod slack;
mod stops;

/// The shop that CodeDeploy's own tests deploy.
#[path = "../codedeploy/bench.rs"]
#[allow(dead_code, reason = "only the shop is needed of it")]
mod shop;
