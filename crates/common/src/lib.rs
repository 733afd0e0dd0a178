//! What every function shares: settings, telemetry, AWS clients and the notification sink.
//!
//! Nothing here knows a gate, a schedule or an approval: a function crate brings its own meaning.

pub mod aws;
pub mod notify;
pub mod settings;
pub mod telemetry;
