//! What the tests of several crates share: a small AWS under the real SDK clients, and the programs that
//! tests start.
//!
//! A dev-dependency and nothing else: no crate may depend on it outside its tests and benches. Each part
//! has a feature, so that a crate's tests build only what they use.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::new_without_default,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    reason = "as in tests: names say what it is, and a test ends where it is surprised"
)]

#[cfg(feature = "approvals")]
pub mod approvals;
#[cfg(feature = "chromium")]
pub mod chromium;
pub mod dynamodb;
#[cfg(feature = "environments")]
pub mod environments;
#[cfg(feature = "gates")]
pub mod gates;
#[cfg(feature = "loopback")]
pub mod loopback;
pub mod paced_time;
pub mod ports;
pub mod programs;
#[cfg(feature = "scripted")]
pub mod scripted;
#[cfg(feature = "sdk")]
pub mod sdk;
#[cfg(feature = "world")]
pub mod world;

use serde_json::{Value, json};

/// An answer of a service of the JSON protocols, or an error with status 400.
pub type Reply = Result<Value, Value>;

/// An error of a service of the JSON protocols.
pub fn error(code: &str, message: &str) -> Value {
    json!({"__type": code, "message": message})
}
