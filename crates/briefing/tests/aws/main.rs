//! Briefings, decisions and outcomes over a small AWS on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "a test has no outside")]

mod brief;
mod change_sets;
mod outcome;
mod shown_now;
mod support;
