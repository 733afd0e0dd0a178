//! What a check measures, as one number: two runs of a check are alike only if their numbers are. How it weighs, when it
//! runs and how long an answer may take are no part of it: recorded measurements can be judged by others of these.

use std::collections::BTreeSet;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use strict_yaml::{Node, Value};

use super::{Check, filled_size};
use crate::template::{Reference, Var};

/// Keys of a check that change nothing of what is measured.
const UNMEASURED_KEYS: [&str; 5] = ["name", "on", "tags", "severity", "dry_run"];
/// Keys of the suite that change what its checks measure.
const SHARED_KEYS: [&str; 3] = ["host", "defaults", "revision"];

/// FNV-1a: enough to notice a change, and nothing that anybody has to trust.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint(pub(super) u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    pub(super) fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The same with what the check takes from files.
    pub(super) fn with_files(mut self, files: &[Bytes]) -> Self {
        for file in files {
            self.piece('f', &HEXLOWER.encode(&Sha256::digest(file)));
        }
        self
    }

    /// A piece with its end, so that `ab` and `c` are not `a` and `bc`.
    fn piece(&mut self, kind: char, text: &str) {
        self.add(&format!("{kind}{}:", text.len()));
        self.add(text);
    }

    /// A value; the order of keys does not count.
    fn node(&mut self, node: &Node, left_out: &[&str]) {
        match &node.value {
            Value::Null => self.piece('0', ""),
            Value::Bool(_, written) => self.piece('b', written),
            Value::Number(_, written) => self.piece('n', written),
            Value::Text(text) => self.piece('t', text),
            Value::List(items) => {
                self.piece('[', "");
                for item in items {
                    self.node(item, left_out);
                }
                self.piece(']', "");
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries
                    .iter()
                    .filter(|(key, _)| !left_out.contains(&key.text.as_str()))
                    .collect();
                entries.sort_by(|one, other| one.0.text.cmp(&other.0.text));
                for (key, value) in entries {
                    self.piece('k', &key.text);
                    self.node(value, &[]);
                }
            }
        }
    }
}

/// What all checks of the suite share.
pub(super) fn shared(root: &Node) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    for key in SHARED_KEYS {
        for value in values(root, key) {
            fingerprint.piece('k', key);
            fingerprint.node(value, &[]);
        }
    }
    fingerprint
}

/// What this check measures. `var` knows the values of variables.
pub(super) fn of<'v>(
    check: &Check,
    node: &Node,
    shared: Fingerprint,
    var: impl Fn(&str) -> Option<&'v Var>,
) -> u64 {
    let mut fingerprint = shared;
    let mut left_out = UNMEASURED_KEYS.to_vec();
    left_out.push("expect");
    fingerprint.node(node, &left_out);
    for expect in values(node, "expect") {
        fingerprint.piece('k', "expect");
        if let Value::List(items) = &expect.value {
            let only_latency = |item: &&Node| {
                matches!(&item.value, Value::Map(entries)
                    if entries.iter().all(|(key, _)| key.text == "latency"))
            };
            for item in items.iter().filter(|item| !only_latency(item)) {
                fingerprint.node(item, &["latency"]);
            }
        }
    }
    let mut names = BTreeSet::new();
    filled_size::templates(check, &mut |template| {
        names.extend(template.references().filter_map(|one| match one {
            Reference::Name(name) => Some(name.clone()),
            Reference::Target(_) | Reference::Function(_) => None,
        }));
    });
    for name in &names {
        if let Some(value) = var(name) {
            fingerprint.piece('v', name);
            fingerprint.piece('=', value.written());
        }
    }
    fingerprint.0
}

/// The same check with another value of a variable.
pub(super) fn with_other_var(definition: u64, name: &str, value: &str) -> u64 {
    let mut fingerprint = Fingerprint(definition);
    fingerprint.piece('v', name);
    fingerprint.piece('=', value);
    fingerprint.0
}

fn values<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = &'n Node> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    entries
        .iter()
        .filter(move |(known, _)| known.text == key)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use crate::Suite;

    const SUITE: &str = "\
version: 1
name: shop
vars: { page: cart, other: a }
checks:
  - name: the cart opens
    http: 'GET /{{ page }}'
    retries: 1
    expect: [{ status: 200 }, { latency: '< 800ms' }]
";

    fn definition(changes: &[(&str, &str)]) -> u64 {
        let text = changes.iter().fold(SUITE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let suite =
            Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        suite.checks[0].definition
    }

    #[test]
    fn what_a_check_weighs_and_how_long_it_may_take_is_no_part_of_what_it_measures() {
        let same: [&[(&str, &str)]; 6] = [
            &[("the cart opens", "the basket opens")],
            &[(
                "    retries: 1\n",
                "    retries: 1\n    severity: advisory\n    on: pre-traffic\n    tags: [slow]\n",
            )],
            &[("< 800ms", "<= 1s")],
            &[(", { latency: '< 800ms' }", "")],
            &[("other: a", "other: b")],
            &[("checks:", "traffic: { bake: 1m, every: 10s }\nchecks:")],
        ];
        for changes in same {
            assert_eq!(definition(changes), definition(&[]), "{changes:?}");
        }
    }

    #[test]
    fn whatever_changes_what_is_measured_changes_it() {
        let others: [&[(&str, &str)]; 6] = [
            &[("page: cart", "page: basket")],
            &[("retries: 1", "retries: 2")],
            &[("status: 200", "status: 2xx")],
            &[(
                "{ status: 200 }",
                "{ status: 200 }, { body: { contains: a } }",
            )],
            &[("checks:", "host: shop.example.com\nchecks:")],
            &[("checks:", "defaults: { http: { timeout: 1s } }\nchecks:")],
        ];
        for changes in others {
            assert_ne!(definition(changes), definition(&[]), "{changes:?}");
        }
    }
}
