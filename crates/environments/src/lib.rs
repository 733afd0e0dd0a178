//! Environments that sleep at night and wake exactly as they were.
//!
//! The way through this crate: [`gather`](gather::gather) reads what is, [`plan`](plan::plan) says what to do and
//! why, and [`apply`](apply::apply) does it. The plan is a pure function of facts, records, configuration and an
//! instant.
//!
//! - [`config`]: what people wrote: schedules, selection, guard rails, tiers, prices.
//! - [`select`]: which resources are ours, by which schedule ([`schedule_state`], [`schedule_overrides`], [`request_index`]), and
//!   why the others are not.
//! - [`decide`]: the step of one [`resource`], from what is and from its [`sleep_record`].
//! - [`record_store`] and [`backup_tag`]: where records are kept: in the state table, and in a tag.
//! - [`condition`]: what is not as it was asked for, and is reported until it is.
//! - [`missed_actions`]: what scheduled actions would have done meanwhile.
//! - `kinds`: what differs between ECS services, RDS instances, Aurora clusters and Auto Scaling groups, behind one trait.
//! - [`read`], `write` and [`rate_limiter`]: how AWS is called, how fast, and why a call failed.
//! - [`outlook`]: what a plan says of services that somebody wants awake.
//! - [`explain`], [`run_report`], [`savings`], [`problem`]: for people.
//!
//! What must never happen: a count that is lost, a resource that is touched without having opted in, a change over what
//! somebody else has changed, a start of what was not running before.

pub mod apply;
pub mod backup_tag;
pub mod condition;
pub mod config;
pub mod decide;
pub mod explain;
pub mod gather;
mod kinds;
pub mod missed_actions;
mod mistyped_tags;
pub mod outlook;
pub mod plan;
pub mod problem;
pub mod rate_limiter;
pub mod read;
pub mod record_store;
pub mod request_index;
pub mod resource;
pub mod run_report;
pub mod savings;
pub mod schedule_overrides;
pub mod schedule_state;
pub mod select;
pub mod sleep_record;
mod step;
pub mod write;

#[cfg(test)]
mod notice_tests;
