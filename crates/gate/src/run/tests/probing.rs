//! What is asked, and what comes of each expectation.

use super::*;

/// Runs one check against the shop and returns what came of it.
async fn verdict_on(check: &str) -> String {
    let shop = Shop::open().await;
    let lines = indented(check);
    let trial = Trial::of(&shop, &format!("  - name: it\n    retries: 0\n{lines}"));
    summary(&trial.secret("key", "hunter2-hunter2").run().await)
}

#[tokio::test]
async fn the_suite_of_the_sample_shop_passes() {
    let shop = Shop::open().await;
    let mut trial = Trial::of(&shop, "");
    trial.suite = include_str!("../../../../../examples/suites/shop.yaml").to_owned();
    let outcome = trial.run().await;
    insta::assert_snapshot!(summary(&outcome), @"
    passed
    all 5 required checks passed
    ");
    assert_eq!(outcome.report.checks.len(), 5);
}

#[tokio::test]
async fn statuses() {
    insta::assert_snapshot!(verdict_on("http: GET /").await, @"
    passed
    the required check passed
    ");
    insta::assert_snapshot!(verdict_on("http: GET /down").await, @r#"
    failed
    check "it" failed: expected status 2xx, got 503
    "#);
    insta::assert_snapshot!(verdict_on("http: GET /down\nexpect: [{ status: [200, 503] }]").await, @"
    passed
    the required check passed
    ");
    insta::assert_snapshot!(verdict_on("http: GET /\nexpect: [{ status: [201, 3xx, 400-404] }]").await, @r#"
    failed
    check "it" failed: expected status 201 or 3xx or 400-404, got 200
    "#);
}

#[tokio::test]
async fn headers_and_bodies() {
    let check = "http: GET /
expect:
  - header: { name: Content-Type, contains: text/html, matches: '^text/', not_contains: json }
  - header: { name: etag, exists: false }
  - body: { contains: Welcome, not_contains: Error, matches: '<h1>\\w+</h1>', equals: <h1>Welcome</h1> }";
    insta::assert_snapshot!(verdict_on(check).await, @"
    passed
    the required check passed
    ");
    let check = "http: GET /
expect:
  - header: { name: content-type, equals: text/html }
  - header: { name: etag, exists: true }
  - header: { name: etag, contains: x }
  - body: { contains: Goodbye }
  - body: { not_contains: Welcome }
  - body: { matches: '^Welcome' }";
    insta::assert_snapshot!(verdict_on(check).await, @r#"
    failed
    check "it" failed: expected header content-type equal to "text/html", got "text/html; charset=utf-8"; expected header etag to be there, got none; expected header etag containing "x", got none; expected body containing "Goodbye", got "<h1>Welcome</h1>"; expected body without "Welcome", got "<h1>Welcome</h1>"; expected body matching /^Welcome/, got "<h1>Welcome</h1>"
    "#);
}

#[tokio::test]
async fn json_that_is_right() {
    let check = "http: GET /api/books
expect:
  - json: { path: $, type: array, length: 2 }
  - json: { path: '$[*].price', type: number, greater_than: 5, less_than: 100 }
  - json: { path: '$[0].title', equals: Dune, not_equals: Emma, matches: ^D, length: '>= 4' }
  - json: { path: '$[1].price', equals: 7.0, type: integer }
  - json: { path: '$[0].tags', contains: sand, length: '> 1' }
  - json: { path: '$[0]', contains: price, type: object }
  - json: { path: '$[?@.id == 2].tags', equals: [] }
  - json: { path: '$[5]', exists: false }
  - json: { path: $..id, exists: true }";
    insta::assert_snapshot!(verdict_on(check).await, @"
    passed
    the required check passed
    ");
}

#[tokio::test]
async fn json_that_is_wrong() {
    let check = "http: GET /api/books
expect:
  - json: { path: '$[*].price', greater_than: 10 }
  - json: { path: $, length: '> 2' }
  - json: { path: '$[0].titel', equals: Dune }
  - json: { path: '$[0].title', type: integer }
  - json: { path: '$[0].id', equals: '1' }
  - json: { path: '$[9]', exists: true }";
    insta::assert_snapshot!(verdict_on(check).await, @r#"
    failed
    check "it" failed: expected $[*].price > 10, got 12.5, 7; expected $ of length > 2, got 2; expected $[0].titel equal to "Dune", got nothing there; expected $[0].title of type integer, got "Dune"; expected $[0].id equal to "1", got 1; expected $[9] to be there, got nothing there
    "#);
    let check = "http: GET /not-json\nexpect: [{ json: { path: $.total, equals: 1 } }]";
    insta::assert_snapshot!(verdict_on(check).await, @r#"
    failed
    check "it" failed: expected $.total in a JSON body, got a body that is not JSON: it ends at line 1, column 12, where a value is due
    "#);
}

#[tokio::test]
async fn latency_is_to_the_last_byte() {
    insta::assert_snapshot!(verdict_on("http: GET /slow\nexpect: [{ latency: '< 5s' }]").await, @"
    passed
    the required check passed
    ");
    let summary = verdict_on("http: GET /slow\nexpect: [{ latency: '<= 50ms' }]").await;
    assert!(
        summary.starts_with("failed\ncheck \"it\" failed: expected latency <= 50ms, got 1"),
        "{summary}"
    );
}

#[tokio::test]
async fn requests_carry_what_the_suite_says() {
    let check = "http:
  method: POST
  url: /echo?a=1
  headers: { x-api-key: '{{ key }}', x-count: 3 }
  query: { b: 'x & y', v: '{{ target.version }}' }
  json: { n: '{{ number }}', text: 'v{{ target.version }}', deep: [true, null, 1.5] }
expect:
  - json: { path: $.query, equals: { a: '1', b: 'x & y', v: 1.2.0 } }
  - json: { path: \"$.headers['x-count']\", equals: '3' }
  - json: { path: \"$.headers['content-type']\", equals: application/json }
  - json: { path: \"$.headers['user-agent']\", matches: '^deploy-hooks/[0-9.]+ \\(pre-traffic\\)$' }
  - json: { path: $.body, equals: '{\"n\":7,\"text\":\"v1.2.0\",\"deep\":[true,null,1.5]}' }
  - json: { path: \"$.headers['x-api-key']\", equals: '{{ key }}' }";
    let shop = Shop::open().await;
    let lines = indented(check);
    let outcome = Trial::of(&shop, &format!("  - name: it\n{lines}"))
        .with("vars: { number: 7 }\nsecrets: { key: 'env:KEY' }")
        .secret("key", "hunter2-hunter2")
        .run()
        .await;
    insta::assert_snapshot!(summary(&outcome), @"
    passed
    the required check passed
    ");
    let form = "http: { method: POST, url: /form, form: { a: x y, b: '&' } }\nexpect: [{ body: { equals: a=x+y&b=%26 } }]";
    insta::assert_snapshot!(verdict_on(form).await, @"
    passed
    the required check passed
    ");
}

#[tokio::test]
async fn redirects_are_answers_unless_followed() {
    insta::assert_snapshot!(verdict_on("http: GET /moved\nexpect: [{ status: 307 }, { header: { name: location, equals: /version } }]").await, @"
    passed
    the required check passed
    ");
    let followed = "http: { url: /moved, follow_redirects: true }\nexpect: [{ json: { path: $.version, exists: true } }]";
    insta::assert_snapshot!(verdict_on(followed).await, @"
    passed
    the required check passed
    ");
    let posted = "http: { method: POST, url: /posted, body: x, follow_redirects: true }\nexpect: [{ json: { path: $.body, equals: '' } }]";
    insta::assert_snapshot!(verdict_on(posted).await, @"
    passed
    the required check passed
    ");
    let round = verdict_on("http: { url: /round, follow_redirects: true }").await;
    assert!(
        round.contains("more than 10 redirects; the last to http://127.0.0.1:"),
        "{round}"
    );
}

#[tokio::test]
async fn the_virtual_host_is_spoken_to_at_the_targets_address() {
    let shop = Shop::open().await;
    let port = shop.url.port().unwrap();
    let check = format!(
        "  - name: it
    retries: 0
    http: GET /echo
    expect: [{{ json: {{ path: $.headers.host, equals: 'shop.example.com:{port}' }} }}]"
    );
    let outcome = Trial::of(&shop, &check)
        .with("host: shop.example.com")
        .run()
        .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let request = outcome.report.checks[0].rounds[0].tries[0].request.clone();
    assert_eq!(
        request,
        Some(format!("GET http://shop.example.com:{port}/echo"))
    );
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let shop = Shop::open().await;
    let checks = "  - { name: a, http: GET /cookie }
  - { name: b, http: GET /echo, expect: [{ json: { path: $.headers.cookie, exists: false } }] }";
    let outcome = Trial::of(&shop, checks)
        .with("limits: { concurrency: 1 }")
        .run()
        .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn a_fact_that_is_not_known_is_an_error_of_the_check() {
    let check = "http: 'GET /{{ target.function }}'";
    insta::assert_snapshot!(verdict_on(check).await, @r#"
    failed
    check "it" errored: target.function is not known for this deployment
    "#);
}

#[tokio::test]
async fn only_checks_of_the_stage_run() {
    let shop = Shop::open().await;
    let checks = "  - { name: a, http: GET /, on: [pre-traffic] }
  - { name: b, http: GET /, on: [post-traffic] }";
    let outcome = Trial::of(&shop, checks).on(Stage::PostTraffic).run().await;
    assert!(outcome.verdict.passed);
    let names: Vec<&str> = outcome
        .report
        .checks
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names, ["b"]);
    let none = "  - { name: a, http: GET /, on: [post-traffic] }";
    insta::assert_snapshot!(summary(&Trial::of(&shop, none).run().await), @"
    failed
    no check of the suite runs at the pre-traffic stage, so nothing was measured; give one check `on: [pre-traffic]`
    ");
    let advice = "  - { name: a, http: GET /, severity: advisory }";
    insta::assert_snapshot!(summary(&Trial::of(&shop, advice).run().await), @"
    failed
    nothing required was measured: no check of the pre-traffic stage may block (1 advisory or in a dry run); make one of them required
    ");
}

#[tokio::test]
async fn a_secret_that_was_not_resolved_is_an_error_of_its_checks() {
    let shop = Shop::open().await;
    let checks = "  - { name: it, http: { url: /, headers: { x-key: '{{ key }}' } }, retries: 0 }
  - { name: other, http: GET / }";
    let outcome = Trial::of(&shop, checks)
        .with("secrets: { key: 'env:KEY' }")
        .run()
        .await;
    assert_eq!((strip(&outcome, 0), strip(&outcome, 1)), ("E", "P"));
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" errored: the variable, secret or capture "key" has no value in this run
    "#);
}

#[test]
fn a_run_does_not_show_its_secrets() {
    let run = Run {
        suite: Suite::parse(
            "s",
            "version: 1\nname: s\nchecks: [{ name: a, http: GET / }]",
        )
        .unwrap(),
        stage: Stage::PreTraffic,
        target: Target {
            base_url: "http://h/".parse().ok(),
            ..Target::default()
        },
        secrets: BTreeMap::from([("key".to_owned(), "hunter2".to_owned())]),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now(),
    };
    let context = probe_context(&run).unwrap();
    let summary = format!("{run:?} {context:?}");
    assert!(
        summary.contains("key") && !summary.contains("hunter2"),
        "{summary}"
    );
}
