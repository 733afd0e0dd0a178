//! Every key that a suite may have, object by object. The decoder reads from these tables and
//! from nothing else, and a test holds the published JSON Schema against them.

/// The keys of one kind of object.
#[derive(Debug)]
pub(crate) struct Table {
    /// The object's name under `$defs` in the schema.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only the test against the schema reads it")
    )]
    pub(crate) schema: &'static str,
    /// What problems call it.
    pub(crate) told: &'static str,
    pub(crate) keys: &'static [&'static str],
}

macro_rules! tables {
    ($($name:ident: $schema:literal, $told:literal, [$($key:literal),+ $(,)?];)+) => {
        $(pub(crate) static $name: Table =
            Table { schema: $schema, told: $told, keys: &[$($key),+] };)+

        /// Every table, for the test against the schema.
        #[cfg(test)]
        pub(crate) static ALL: &[&Table] = &[$(&$name),+];
    };
}

tables! {
    SUITE: "suite", "the suite",
        ["version", "name", "host", "vars", "secrets", "limits", "defaults", "checks", "traffic"];
    LIMITS: "limits", "limits", ["concurrency", "overall"];
    DEFAULTS: "defaults", "defaults", ["http"];
    DEFAULTS_HTTP: "defaults_http", "defaults.http",
        ["timeout", "retries", "retry_every", "headers", "max_body"];
    CHECK: "check", "a check",
        ["name", "on", "severity", "http", "timeout", "retries", "retry_every", "within", "expect"];
    HTTP: "http", "http",
        ["method", "url", "headers", "query", "json", "body", "form", "follow_redirects", "max_body"];
    EXPECT: "expectation", "an expectation", ["status", "header", "body", "json", "latency"];
    HEADER: "expect_header", "header",
        ["name", "equals", "contains", "not_contains", "matches", "exists"];
    BODY: "expect_body", "body", ["equals", "contains", "not_contains", "matches"];
    JSON: "expect_json", "json",
        ["path", "equals", "not_equals", "contains", "matches", "exists", "length",
         "greater_than", "less_than", "type"];
    TRAFFIC: "traffic", "traffic", ["bake", "every", "failure_limit", "error_limit"];
}
