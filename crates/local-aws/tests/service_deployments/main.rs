//! Deployments by ECS itself: stages, hooks and their answers, pauses, traffic, alarms, and the way back.
//!
//! Most services here have tasks without processes, so that only what is asked for takes time.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

mod bench;
mod emulator;
mod hooks;
mod pauses;
mod refusals;
mod rollbacks;
mod rolling;
mod stages;
