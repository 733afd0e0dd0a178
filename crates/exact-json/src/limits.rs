//! How large a text of JSON may be.

/// The largest text. Bodies are cut long before; this keeps offsets within 32 bits.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How deep arrays and objects may be nested, as in most readers of JSON.
pub const MAX_DEPTH: usize = 128;

/// How many values and keys a text may have: 64 MiB of them.
pub const MAX_VALUES: usize = 4 * 1024 * 1024;
