//! CodeDeploy against ECS services and listeners of the same world: the order of events, the
//! answers of hook functions, virtual time, traffic and rollbacks.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics when its world is not as it has to be"
)]

mod bench;
mod deployments;
mod groups;
mod hooks;
mod lambda;
mod shop;
mod traffic;
