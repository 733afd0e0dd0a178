//! Environments that sleep at night and wake exactly as they were.
//!
//! The way through this crate: [`gather`](gather::gather) reads what is, [`plan`](plan::plan) says what
//! shall be, and [`apply`](apply::apply) does it. The plan is a pure function of facts, memory,
//! configuration and an instant.
//!
//! - [`config`]: what people wrote: schedules, selection, guard rails, tiers, prices.
//! - [`select`]: which services are ours, by which schedule ([`want`], [`overrides`], [`asked`]), and why not.
//! - [`condition`]: what is not as it was asked for, and is reported until it is.
//! - [`missed`]: what scheduled actions would have done meanwhile.
//! - [`decide`]: the step of one service, from what is ([`facts`]) and what is remembered ([`record`]).
//! - [`store`] and [`backup`]: where that is kept, in the state table and in a tag.
//! - [`limiter`]: how fast AWS is asked.
//! - [`kinds`]: databases and Auto Scaling groups, behind the same plan.
//! - [`explain`], [`summary`], [`savings`]: for people.
//!
//! What must never happen: a count that is lost, a service that is touched without having opted in, a
//! change over what somebody else has changed, a start of what was not running before.

pub mod apply;
pub mod backup_tag;
pub mod condition;
pub mod config;
pub mod decide;
pub mod explain;
pub mod gather;
pub mod kinds;
pub mod missed_actions;
mod mistyped_tags;
pub mod overrides;
pub mod plan;
pub mod rate_limiter;
pub mod read;
pub mod record_store;
pub mod request_index;
pub mod resource;
pub mod run_report;
pub mod savings;
pub mod schedule_state;
pub mod select;
pub mod sleep_record;

#[cfg(test)]
mod notice_tests;
