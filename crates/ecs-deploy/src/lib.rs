//! A deploy step for services that ECS deploys itself, as `CodePipeline` has no action for ECS's blue/green, canary
//! and linear deployments: what is registered, which calls begin and describe a deployment, what is new of it, and how
//! it ended.
//!
//! Callers go by the end alone: what can't be known is never a success, and a rollback is a failure.

pub mod calls;
pub mod deployment;
mod fields;
pub mod outcome;
pub mod progress;
pub mod task_definition;
pub mod template;
