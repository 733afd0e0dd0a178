//! Every key that a suite may have, object by object. The decoder reads from these tables and
//! from nothing else, and a test holds the published JSON Schema against them.

/// Keys that other versions of the suite know.
const ANNOUNCED: &[&str] = &["metrics", "verdict"];

strict_yaml::tables! {
    later: ANNOUNCED;
    SUITE: "suite", "the suite",
        ["version", "name", "include", "host", "ca_certificates", "vars", "secrets", "limits", "defaults", "checks",
         "traffic", "revision", "inconclusive", "dry_run", "overridable", "seed"];
    INCLUDED: "included", "an included file", ["version", "include", "vars", "secrets", "defaults", "checks"];
    LIMITS: "limits", "limits", ["concurrency", "overall"];
    DEFAULTS: "defaults", "defaults", ["http"];
    DEFAULTS_HTTP: "defaults_http", "defaults.http",
        ["timeout", "retries", "retry_every", "headers", "max_body"];
    CHECK: "check", "a check",
        ["name", "on", "tags", "severity", "dry_run", "http", "journey", "hurl", "always", "alarms", "tcp", "dns", "tls", "websocket", "grpc",
         "crawl", "browser", "agent", "targets", "lambda", "metric", "load", "ecs_task", "logs", "wiring", "timeout", "retries", "retry_every", "within", "expect"];
    HTTP: "http", "http",
        ["method", "url", "host", "headers", "cookies", "basic", "aws_sigv4", "query", "json", "body", "body_file", "form", "multipart",
         "follow_redirects", "allow_origins", "reaches_release", "max_body", "http_version", "ip_version", "client_certificate"];
    STEP: "step", "a step", ["name", "http", "expect", "capture", "timeout", "retries", "retry_every"];
    CAPTURE: "capture", "a capture", ["json", "header", "cookie", "regex", "css", "attribute", "secret"];
    CLIENT_CERTIFICATE: "client_certificate", "client_certificate", ["certificate", "key"];
    AWS_SIGV4: "aws_sigv4", "aws_sigv4", ["service", "region"];
    BASIC: "basic", "basic", ["user", "password"];
    MULTIPART: "part", "a part", ["content", "base64", "content_file", "file", "content_type"];
    TCP: "tcp", "tcp", ["host", "port", "reaches_release", "send", "receives"];
    RECEIVES: "receives", "receives", ["equals", "contains", "matches"];
    DNS: "dns", "dns", ["name", "type", "contains", "equals", "count"];
    TLS: "tls", "tls", ["host", "port", "reaches_release", "expires_in", "names", "min_version"];
    WEBSOCKET: "websocket", "websocket", ["url", "reaches_release", "headers", "send", "receives"];
    GRPC: "grpc", "grpc",
        ["service", "method", "message", "code", "descriptor_set", "descriptor_set_file", "url", "reaches_release", "headers"];
    CRAWL: "crawl", "crawl",
        ["start", "reaches_release", "max_pages", "max_depth", "max_body", "ignore", "landmarks"];
    BROWSER: "browser", "browser",
        ["steps", "screens", "reaches_release", "allow_origins", "allow", "dialogs", "vitals", "mask", "compare_to", "tolerance",
         "step_timeout"];
    BROWSER_SCREEN: "browser_screen", "a screen", ["name", "width", "height", "mobile"];
    BROWSER_STEP: "browser_step", "a step",
        ["name", "go", "click", "type", "select", "press", "wait_for", "expect", "timeout"];
    BROWSER_ELEMENT: "browser_element", "an element", ["role", "name", "text", "css"];
    BROWSER_NAME: "browser_name", "a name", ["equals", "contains"];
    BROWSER_TYPE: "browser_type", "type", ["into", "text"];
    BROWSER_SELECT: "browser_select", "select", ["from", "option"];
    BROWSER_EXPECT: "browser_expect", "an expectation of a page", ["text", "title", "url", "element"];
    BROWSER_TEXT: "browser_text", "a text",
        ["equals", "not_equals", "contains", "not_contains", "matches", "not_matches"];
    BROWSER_EXPECT_ELEMENT: "browser_expect_element", "element",
        ["role", "name", "text", "css", "attribute", "count", "exists", "equals", "not_equals", "contains", "not_contains",
         "matches", "not_matches"];
    BROWSER_VITALS: "browser_vitals", "vitals", ["lcp", "cls", "ttfb", "long_task"];
    AGENT: "agent", "agent",
        ["goal", "start", "proof", "model", "persona", "data", "bounds", "price", "recorded", "screen", "reaches_release",
         "allow_origins", "allow", "dialogs", "mask", "step_timeout"];
    AGENT_BOUNDS: "agent_bounds", "bounds", ["steps", "tokens", "time", "usd"];
    AGENT_PRICE: "agent_price", "price", ["input", "output"];
    TARGETS: "targets", "targets", ["at_least"];
    LAMBDA: "lambda", "lambda", ["payload"];
    METRIC: "metric", "metric",
        ["queries", "expression", "unit", "period", "window", "delay", "aggregate", "fail_when", "min_samples", "samples",
         "compare_to", "direction", "tolerance", "significance"];
    METRIC_QUERY: "metric_query", "a query", ["namespace", "metric", "dimensions", "statistic"];
    LOAD: "load", "load",
        ["http", "rate", "for", "timeout", "errors", "latency", "min_samples", "compare_to", "tolerance", "significance"];
    LOAD_ERRORS: "load_errors", "errors", ["fail_when", "tolerance"];
    LOAD_LATENCY: "load_latency", "latency", ["statistic", "fail_when"];
    ECS_TASK: "ecs_task", "ecs_task",
        ["task_definition", "container", "cluster", "subnets", "security_groups", "assign_public_ip", "command",
         "environment", "exit_code", "results"];
    TASK_RESULTS: "task_results", "results", ["format", "from", "tests", "failed", "skipped"];
    LOGS: "logs", "logs", ["group", "streams", "filter", "window", "fail_when"];
    WIRING: "wiring", "wiring", ["allow_downgrade", "first_deployment", "except"];
    EXPECT: "expectation", "an expectation",
        ["status", "header", "body", "json", "json_schema", "that", "css", "redirects", "latency"];
    HEADER: "expect_header", "header",
        ["name", "equals", "not_equals", "contains", "not_contains", "matches", "not_matches", "exists", "count"];
    BODY: "expect_body", "body",
        ["equals", "not_equals", "contains", "not_contains", "matches", "not_matches", "size", "sha256", "charset"];
    JSON: "expect_json", "json",
        ["path", "equals", "not_equals", "contains", "not_contains", "matches", "not_matches", "exists", "count",
         "length", "greater_than", "less_than", "at_least", "at_most", "type"];
    CSS: "expect_css", "css",
        ["select", "attribute", "text", "equals", "not_equals", "contains", "not_contains", "matches", "not_matches",
         "exists", "count"];
    REDIRECTS: "expect_redirects", "redirects", ["count", "through", "url"];
    REDIRECTS_URL: "expect_redirects_url", "url",
        ["equals", "not_equals", "contains", "not_contains", "matches", "not_matches"];
    LATENCY: "expect_latency", "latency", ["total", "first_byte", "dns", "connect", "tls"];
    TRAFFIC: "traffic", "traffic", ["bake", "count", "every", "initial_delay", "failure_limit", "error_limit", "consecutive_error_limit",
         "inconclusive_limit", "consecutive_success", "no_data"];
}
