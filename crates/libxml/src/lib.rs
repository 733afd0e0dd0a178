//! A small stand-in for the crate `libxml`, with the part of its API that `hurl_core` uses.
//!
//! Why: `hurl_core` reads Hurl files, and asks libxml2 for one thing: where the XML of a body ends. The original is
//! a binding to that C library, which would have to be installed wherever `deploy-hooks` is built, with the
//! compiler front end that makes the binding. Here is what is needed of it: a scanner that takes XML character by
//! character and says when an element begins and ends ([`scanner`]), behind the functions of C that are called
//! ([`bindings`]). It must never be published.
//!
//! What it never does: read a file, resolve an entity, or keep more than the names of the elements that are open, up
//! to [`scanner::MAX_DEPTH`]. It is less strict than libxml2: it does not know namespaces, document types and which
//! characters a name may have. What it lets through is sent as the team wrote it.

pub mod bindings;
pub mod scanner;
