//! The keys that each kind of object may have. A decoder reads from tables and from nothing else, so
//! that a test can hold its published JSON Schema against them.

/// The keys of one kind of object.
#[derive(Debug)]
pub struct KeyTable {
    /// The object's name under `$defs` in the schema.
    pub schema: &'static str,
    /// What problems call it.
    pub label: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// Keys that other versions of the file know. Refused with a word of their own, because a
    /// similar known key would be a misleading remedy.
    pub later: &'static [&'static str],
}

/// Declares tables and `ALL`, the list of them for the test against the schema.
///
/// ```
/// strict_yaml::tables! {
///     later: &["journey"];
///     FILE: "file", "the file", ["version", "items"];
///     ITEM: "item", "an item", ["name"];
/// }
/// # fn main() { assert_eq!((FILE.keys.len(), ITEM.keys.len()), (2, 1)) }
/// ```
#[macro_export]
macro_rules! tables {
    (later: $later:expr; $($name:ident: $schema:literal, $label:literal, [$($key:literal),+ $(,)?];)+) => {
        $(pub(crate) static $name: $crate::KeyTable = $crate::KeyTable {
            schema: $schema,
            label: $label,
            keys: &[$($key),+],
            later: $later,
        };)+

        /// Every table, for the test against the schema.
        #[cfg(test)]
        pub(crate) static ALL: &[&$crate::KeyTable] = &[$(&$name),+];
    };
}
