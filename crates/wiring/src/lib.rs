//! The wiring of a deployment: what AWS holds before traffic moves, compared with itself.
//!
//! Most releases that fail at night fail for what anybody could have read in the afternoon: a placeholder in the
//! AppSpec, a port that no container listens on, a rollback that nobody switched on. Typed [`Facts`] come in, and
//! [`judge`] says of each [`Rule`] whether it holds, with the remedy where it does not.
//!
//! Pure: nothing here calls AWS or knows its SDK. A fact that could not be looked up is never taken for one that is in
//! order: its rules are [`Outcome::Unknown`].

pub mod facts;
mod finding;
mod image;
mod judge;
mod lambda;
mod lifecycle_hooks;
mod load_balancing;
mod rollback;
mod rule;
mod service;
mod version;

#[cfg(test)]
mod doc_tests;
#[cfg(test)]
mod tests;

pub use facts::{Fact, Facts};
pub use finding::{Finding, Mismatch, Outcome, mismatch};
pub use judge::{Options, judge};
pub use rollback::FirstDeployment;
pub use rule::{Platform, Rule};
