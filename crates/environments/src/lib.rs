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
//! - [`decide`]: the step of one service, from what is ([`facts`]) and what is remembered ([`memory`]).
//! - [`records`] and [`mirror`]: where that is kept, in the state table and in a tag.
//! - [`pace`]: how fast AWS is asked.
//! - [`kinds`]: databases and Auto Scaling groups, behind the same plan.
//! - [`explain`], [`summary`], [`savings`]: for people.
//!
//! What must never happen: a count that is lost, a service that is touched without having opted in, a
//! change over what somebody else has changed, a start of what was not running before.

pub mod apply;
pub mod asked;
pub mod condition;
pub mod config;
pub mod decide;
pub mod explain;
pub mod facts;
pub mod gather;
pub mod kinds;
pub mod look;
pub mod memory;
pub mod mirror;
pub mod missed;
mod mistyped;
pub mod overrides;
pub mod pace;
pub mod plan;
pub mod records;
pub mod savings;
pub mod select;
pub mod summary;
pub mod want;

#[cfg(test)]
mod people_tests;
