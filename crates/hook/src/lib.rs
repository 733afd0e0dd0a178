//! The contract with CodeDeploy: event in, target found, answer out, deadline guard.
//!
//! CodeDeploy waits an hour for a hook that says nothing, ignores what the function returns, and
//! takes one of two words for an answer. So everything here serves one promise: whatever happens,
//! the caller hears exactly one answer before the function's own time-out, from one place
//! ([`answer`]), and never `Succeeded` unless the gate has passed.

pub mod ahead;
pub mod answer;
pub mod appspec;
pub mod budget;
pub mod ecr;
pub mod ecs;
pub mod event;
pub mod flow;
pub mod guard;
pub mod listener;
pub mod lookup;
pub mod outcome;
pub mod secrets;
pub mod settings;
pub mod suite_source;
pub mod target;
pub mod version;
pub mod wiring;

pub use flow::{GateFunction, handle};
