//! An installation of deploy-hooks: what AWS holds of it, compared with itself and with what will call it.
//!
//! A gate that can't reach its listener, a suite that nobody stored, a topic that nobody confirmed: each of these shows
//! at the next deployment, when people have other things to do. Typed [`Facts`] come in, and [`judge`] says of each
//! [`Rule`] whether it holds, with place and remedy where it does not.
//!
//! Pure: nothing here calls AWS or knows its SDK. A fact that could not be looked up is never taken for one that is in
//! order: its rules are [`Outcome::Unknown`].

pub mod facts;
mod finding;
mod judge;
mod network;
mod rule;

#[cfg(test)]
mod tests;

pub use facts::{Fact, Facts};
pub use finding::Finding;
pub use judge::judge;
pub use rule::Rule;
pub use wiring::Outcome;
