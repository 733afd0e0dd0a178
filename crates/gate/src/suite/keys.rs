//! Every key that a suite may have, object by object. The decoder reads from these tables and
//! from nothing else, and a test holds the published JSON Schema against them.

/// Keys that other versions of the suite know.
const LATER: &[&str] = &[
    "journey", "always", "capture", "lambda", "ecs_task", "metric", "metrics", "targets", "wiring",
    "css", "that", "verdict",
];

strict_yaml::tables! {
    later: LATER;
    SUITE: "suite", "the suite",
        ["version", "name", "host", "ca_certificates", "vars", "secrets", "limits", "defaults", "checks",
         "traffic", "revision", "inconclusive", "dry_run"];
    LIMITS: "limits", "limits", ["concurrency", "overall"];
    DEFAULTS: "defaults", "defaults", ["http"];
    DEFAULTS_HTTP: "defaults_http", "defaults.http",
        ["timeout", "retries", "retry_every", "headers", "max_body"];
    CHECK: "check", "a check",
        ["name", "on", "severity", "dry_run", "http", "alarms", "tcp", "dns", "tls", "websocket", "grpc", "crawl", "timeout", "retries", "retry_every", "within", "expect"];
    HTTP: "http", "http",
        ["method", "url", "host", "headers", "query", "json", "body", "form", "follow_redirects",
         "allow_origins", "reaches_release", "max_body"];
    TCP: "tcp", "tcp", ["host", "port", "reaches_release", "send", "receives"];
    RECEIVES: "receives", "receives", ["equals", "contains", "matches"];
    DNS: "dns", "dns", ["name", "type", "contains", "equals", "count"];
    TLS: "tls", "tls", ["host", "port", "reaches_release", "expires_in", "names", "min_version"];
    WEBSOCKET: "websocket", "websocket", ["url", "reaches_release", "headers", "send", "receives"];
    GRPC: "grpc", "grpc", ["service", "url", "reaches_release", "headers"];
    CRAWL: "crawl", "crawl",
        ["start", "reaches_release", "max_pages", "max_depth", "max_body", "ignore", "landmarks"];
    EXPECT: "expectation", "an expectation", ["status", "header", "body", "json", "latency"];
    HEADER: "expect_header", "header",
        ["name", "equals", "contains", "not_contains", "matches", "exists"];
    BODY: "expect_body", "body", ["equals", "contains", "not_contains", "matches"];
    JSON: "expect_json", "json",
        ["path", "equals", "not_equals", "contains", "matches", "exists", "length",
         "greater_than", "less_than", "type"];
    TRAFFIC: "traffic", "traffic", ["bake", "count", "every", "initial_delay", "failure_limit", "error_limit", "consecutive_error_limit",
         "inconclusive_limit", "consecutive_success", "no_data"];
}
