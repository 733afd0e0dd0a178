//! The contract with CodeDeploy: event in, target found, answer out, deadline guard.
//!
//! CodeDeploy waits an hour for a hook that says nothing, ignores what the function returns, and
//! takes one of two words for an answer. So everything here serves one promise: whatever happens,
//! the caller hears exactly one answer before the function's own time-out, from one place
//! ([`answer`]), and never `Succeeded` unless the gate has passed.

pub mod answer;
pub mod appspec;
pub mod budget;
pub mod event;
pub mod facts;
pub mod flow;
pub mod guard;
pub mod lifecycle_event;
pub mod listener;
pub mod lookup;
pub mod post_traffic_check;
pub mod publish;
pub mod rollback;
pub mod secrets;
pub mod settings;
pub mod suite_source;
pub mod version;

pub use flow::{GateFunction, handle};
