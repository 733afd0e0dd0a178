//! The wire protocols of AWS that the services of this crate speak.

pub mod answer;
pub mod json;
pub mod query;
pub mod xml;

pub use answer::Protocol;
pub use query::QueryParams;
pub use xml::Xml;
