//! The people's side, through the function's door: who gets which message, who may ask for what, and what
//! comes of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "its modules are its own")]

mod commands;
mod fixture;
mod links;
mod mornings;
mod notices;
use test_support::environments as support;
mod wording;
