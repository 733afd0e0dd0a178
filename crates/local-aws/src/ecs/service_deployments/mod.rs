//! Deployments by ECS itself: service revisions, the stages from one to the next, hooks, and the way back.
//!
//! A plain rolling update is the scheduler's (`ecs::deployments`) and only has a record here. Every
//! other deployment has a task of its own, which drives it (`driver`): it changes what is wanted of task
//! sets and listener rules, and waits. Decisions are pure (`configuration`, `stage`, `outcome`).
//! Waits that AWS measures in minutes are virtual time; processes and functions run in real time.

mod begin;
mod calls;
mod configuration;
mod driver;
mod events;
mod hooks;
mod monitors;
mod outcome;
mod plain;
mod record;
mod render;
mod rollback;
mod stage;
mod traffic;

pub(super) use self::configuration::DeploymentConfiguration;
pub(super) use self::record::{ServiceDeployment, ServiceRevision};
pub(super) use self::traffic::check as check_routing;
