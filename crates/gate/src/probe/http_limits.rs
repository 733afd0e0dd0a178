//! How much of the head of an answer over HTTP is read.

/// Headers of one answer, in number and in bytes: what browsers take, and a bound.
pub(super) const MAX_HEADERS: usize = 500;

pub(super) const MAX_HEADER_BYTES: u32 = 256 * 1024;
