//! What is being deployed, as the suite sees it: an address, and facts for `{{ target.… }}`.
//! How the facts were found is the caller's business.

use std::collections::BTreeMap;

use http::HeaderMap;
use url::Url;

use crate::listener_rule::ListenerRule;

/// Every name that a suite may use as `{{ target.<name> }}`.
pub const TARGET_KEYS: &[&str] = &[
    "application",
    "deployment_group",
    "deployment_id",
    "platform",
    "cluster",
    "service",
    "task_definition",
    "old_task_definition",
    "image",
    "version",
    "old_image",
    "old_version",
    "image_digest",
    "old_image_digest",
    "container",
    "port",
    "url",
    "host",
    "test_url",
    "production_url",
    "function",
    "alias",
    "current_version",
    "target_version",
    "lifecycle_event",
    "revision",
    "old_revision",
    "route",
    "traffic_percent",
    "listener_rule",
    "target_group",
    "old_target_group",
    "load_balancer",
    "commit",
    "pipeline_execution_id",
];

/// The release under test: where it answers, and what is known of it.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Where relative URLs of the suite go. Only its scheme, host and port are used.
    ///
    /// None where nothing listens (a Lambda function without a URL): then a check with a path
    /// alone is errored, and one with an absolute URL works.
    pub base_url: Option<Url>,
    /// The name to speak to it by, where its listener rule demands one. The suite's own `host` comes first.
    pub host: Option<String>,
    /// Headers that its listener rule demands: sent with each request to it, unless a check sets them itself.
    pub headers: HeaderMap,
    /// What its listener leads to it. Any other request reaches something else, and is not sent.
    pub rule: ListenerRule,
    /// Only its own answers count, as before traffic: an earlier release serves customers.
    pub only_release: bool,
    /// Where two revisions answer there: the share of the one under test, in percent. Answers of the other one do not
    /// count; the suite says how to distinguish them.
    pub sampled_percent: Option<u32>,
    /// What is known; the keys are a subset of [`TARGET_KEYS`]. A check that uses a key that is
    /// not here is errored, and says which one.
    pub facts: BTreeMap<String, String>,
    /// For keys that are not in `facts`: why, and what to do so that they are. Shown to whoever uses one.
    pub unknown: BTreeMap<String, String>,
}
