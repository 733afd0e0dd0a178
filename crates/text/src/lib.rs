//! Texts of others, made fit to be shown. Two steps, always in this order: [`clean`] takes out what can't
//! be seen or turns the writing, [`mask`] takes out approval tokens.
//!
//! Masking is last, as a token that an invisible character splits is not found before; and whoever masks
//! must do so before a text is cut, as half a token is not found either.

pub mod clean;
pub mod json;
pub mod mask;
mod view;
