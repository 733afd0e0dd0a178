//! What is known of a release, and why the rest is not.
//!
//! Pure; [`crate::lookup`] makes the calls.

use std::collections::BTreeMap;

/// What is known of a target, by the names in [`gate::TARGET_KEYS`].
pub(crate) type Facts = BTreeMap<String, String>;

/// What is known of a target, and why the rest is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownFacts {
    /// What is known.
    pub facts: Facts,
    /// For keys that are not in `facts`: why, and what to do so that they are.
    pub unknown: Facts,
}

/// Keys of the ECS platform alone.
pub(crate) const ECS_KEYS: &[&str] = &[
    "cluster",
    "commit",
    "container",
    "host",
    "image",
    "image_digest",
    "listener_rule",
    "load_balancer",
    "old_image",
    "old_image_digest",
    "old_target_group",
    "old_task_definition",
    "pipeline_execution_id",
    "port",
    "production_url",
    "service",
    "target_group",
    "task_definition",
    "test_url",
    "url",
];
/// Keys of the Lambda platform alone.
pub(crate) const LAMBDA_KEYS: &[&str] = &["alias", "current_version", "function", "target_version"];

impl KnownFacts {
    /// Notes a fact, or why it is not known.
    pub(crate) fn learn(&mut self, key: &'static str, fact: Result<String, String>) {
        match fact {
            Ok(fact) => note(&mut self.facts, key, Some(fact)),
            Err(why) => {
                self.unknown.insert(key.to_owned(), why);
            }
        }
    }

    /// Says of the keys of the other platform that they are not this one's.
    pub(crate) fn on_platform(&mut self, platform: &'static str, others: &[&str]) {
        note(&mut self.facts, "platform", Some(platform));
        for key in others {
            let why = format!("deployments of the platform {platform} have none");
            self.unknown.insert((*key).to_owned(), why);
        }
    }
}

/// Notes a fact that is known.
pub(crate) fn note(facts: &mut Facts, key: &'static str, value: Option<impl Into<String>>) {
    debug_assert!(
        gate::TARGET_KEYS.contains(&key),
        "{key} is no name a suite can use"
    );
    if let Some(value) = value
        .map(Into::into)
        .filter(|value: &String| !value.is_empty())
    {
        facts.insert(key.to_owned(), value);
    }
}
