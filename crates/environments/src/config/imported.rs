//! Tags of other tools: which of a service's tags is one, and how it is read.
//!
//! They are found as the tool itself finds them. Cloud Custodian compares keys in any case (`t['Key'].lower()` in
//! c7n's off-hours filters); a key that it would take and we would not leaves a service running for ever.

use std::collections::BTreeMap;

use schedule::Syntax;
use schedule::custodian::Policy;

use super::Config;

/// How the tag of another tool is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedSyntax {
    /// Its grammar.
    pub syntax: Syntax,
    /// What Cloud Custodian's policy says about values that leave something out, where the configuration says it.
    pub policy: Option<Policy>,
}

/// A service's tag that is one of another tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'c, 's> {
    /// The key in the configuration.
    pub(crate) configured: &'c str,
    /// How it is read.
    pub(crate) imported: &'c ImportedSyntax,
    /// The key on the service.
    pub(crate) key: &'s str,
    /// What it says.
    pub(crate) value: &'s str,
    /// A further tag whose key differs in case only, and which says something else.
    pub(crate) contradicted_by: Option<&'s str>,
}

impl ImportedSyntax {
    /// Whether the tool would take a tag of this key for its own.
    fn is_key(&self, configured: &str, key: &str) -> bool {
        let any_case = self.syntax == Syntax::Custodian;
        configured == key || (any_case && same_in_any_case(configured, key))
    }
}

pub(super) fn same_in_any_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
}

impl Config {
    /// Whether a tag of this key is read as another tool's.
    pub(crate) fn is_imported(&self, key: &str) -> bool {
        let mut tags = self.import_tags.iter();
        tags.any(|(configured, imported)| imported.is_key(configured, key))
    }

    /// The tag of another tool that a service follows: the first in the order of the configuration's keys.
    pub(crate) fn imported<'c, 's>(
        &'c self,
        tags: &'s BTreeMap<String, String>,
    ) -> Option<Found<'c, 's>> {
        self.import_tags.iter().find_map(|(configured, imported)| {
            let mut own = tags
                .iter()
                .filter(|(key, _)| imported.is_key(configured, key));
            let (key, value) = own.next()?;
            let contradicted_by = own
                .find(|(_, other)| *other != value)
                .map(|(key, _)| key.as_str());
            Some(Found {
                configured,
                imported,
                key,
                value,
                contradicted_by,
            })
        })
    }
}
