//! What every function shares: settings, telemetry, AWS clients, the state table and the notification sink.
//!
//! Nothing here knows a gate, a schedule or an approval: a function crate brings its own meaning.

pub mod arn;
pub mod aws;
pub mod backoff;
pub mod cloud_formation;
pub mod console;
pub mod ecs;
pub mod failure;
pub mod invocation;
pub mod json_api;
pub mod lambda_invoke;
pub mod load_balancing;
pub mod location;
pub mod lookup;
pub mod metrics;
pub mod notify;
pub mod provenance;
pub mod query_api;
#[cfg(test)]
mod replay;
pub mod rest_api;
pub mod secret;
pub mod service;
pub mod settings;
pub mod signed_call;
pub mod state;
pub mod stored_values;
pub mod telemetry;
