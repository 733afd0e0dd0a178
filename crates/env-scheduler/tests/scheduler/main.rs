//! The function as Lambda invokes it, over a small AWS inside the test.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that can't go on fails where it stands, and is a crate of its own"
)]

mod accounts;
mod configurations;
mod fixture;
mod nights;
mod refusals;
mod rests;
use test_support::environments as support;
