//! One rule for each thing that is done with texts: cleaning and masking what others wrote, links, patterns,
//! catalogues, and how values are written for people.
//!
//! Texts of others become fit to be shown in two steps, always in this order: [`clean`] takes out what can't be
//! seen or turns the writing, [`mask`] takes out approval tokens. Masking is last, as a token that an invisible
//! character splits is not found before. Whoever masks must do so before a text is cut, as half a token is not
//! found either.

pub mod arn;
pub mod catalogue;
pub mod clean;
pub mod glob;
pub mod json;
pub mod links;
pub mod mask;
mod view;
pub mod words;
