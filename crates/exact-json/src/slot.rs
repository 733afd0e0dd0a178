//! One value of a document, in the flat list of them all.

/// A value or a key of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The value's first byte in the text; what it is says what kind of value begins.
    pub(crate) start: u32,
    /// Past its last byte.
    pub(crate) end: u32,
    /// The slot after this one and all that is in it.
    pub(crate) next: u32,
    /// Of arrays and objects, how many elements or members; and the marks below.
    pub(crate) extra: u32,
}

impl Slot {
    /// A string with escapes.
    pub(crate) const ESCAPED: u32 = 1;
    /// A string that is a key.
    pub(crate) const KEY: u32 = 2;
    /// An object that has a key twice. The other bits count.
    pub(crate) const DUPLICATE: u32 = 1 << 31;
}
