//! One value meets all conditions of an expectation, and a value that is not there meets none.

use super::*;

async fn verdict_on(expect: &str) -> String {
    let shop = Shop::open().await;
    let check =
        format!("  - name: it\n    retries: 0\n    http: GET /cookies\n    expect: [{expect}]");
    summary(&Trial::of(&shop, &check).run().await)
}

const PASSED: &str = "passed\nthe required check passed";

#[tokio::test]
async fn one_header_value_meets_all_conditions() {
    for met in [
        "{ header: { name: set-cookie, matches: '^session=', contains: Path=/ } }",
        "{ header: { name: set-cookie, matches: '^theme=', contains: HttpOnly, not_contains: Path } }",
        // Two expectations may be met by two values.
        "{ header: { name: set-cookie, matches: '^session=' } }, { header: { name: set-cookie, contains: HttpOnly } }",
        "{ header: { name: set-cookie, equals: theme=dark; HttpOnly } }",
        "{ header: { name: set-cookie, exists: true, not_contains: Secure } }",
        "{ header: { name: set-cookie, count: 2 } }",
        "{ header: { name: srever, count: 0 } }",
        "{ header: { name: set-cookie, not_matches: Secure } }",
        "{ header: { name: set-cookie, not_equals: a=b } }",
        "{ header: { name: set-cookie, matches: '^theme=', not_matches: Path } }",
    ] {
        assert_eq!(verdict_on(met).await, PASSED, "{met}");
    }
    for unmet in [
        "{ header: { name: set-cookie, matches: '^theme', contains: session } }",
        "{ header: { name: set-cookie, contains: session, not_contains: Path } }",
        // Alone it is asked of every value.
        "{ header: { name: set-cookie, not_contains: HttpOnly } }",
        "{ header: { name: set-cookie, exists: true, not_contains: session } }",
        "{ header: { name: set-cookie, not_matches: HttpOnly } }",
        "{ header: { name: set-cookie, not_equals: theme=dark; HttpOnly } }",
        "{ header: { name: srever, not_equals: nginx } }",
        "{ header: { name: srever, count: '< 3' } }",
    ] {
        assert!(verdict_on(unmet).await.starts_with("failed"), "{unmet}");
    }
    insta::assert_snapshot!(verdict_on("{ header: { name: set-cookie, matches: '^session=', contains: HttpOnly } }").await, @r#"
    failed
    check "it" failed: expected header set-cookie (one value of 2 for all conditions) containing ***, got ***
    "#);
}

#[tokio::test]
async fn a_value_that_is_not_there_meets_no_condition() {
    for unmet in [
        "{ header: { name: srever, not_contains: nginx } }",
        "{ header: { name: srever, not_contains: nginx, exists: true } }",
        "{ header: { name: srever, equals: '' } }",
        "{ json: { path: $.typo, not_equals: 1 } }",
        "{ json: { path: '$.items[*].price', less_than: 5 } }",
        "{ json: { path: '$.items[9:]', type: array } }",
    ] {
        assert!(verdict_on(unmet).await.starts_with("failed"), "{unmet}");
    }
    for met in [
        "{ header: { name: srever, exists: false } }",
        "{ json: { path: $.typo, exists: false } }",
        "{ json: { path: '$.items[*]', greater_than: 0, less_than: 5, type: integer } }",
    ] {
        assert_eq!(verdict_on(met).await, PASSED, "{met}");
    }
    // Every selected value meets all conditions, not one this and another one that.
    assert!(
        verdict_on("{ json: { path: '$.items[*]', greater_than: 1, less_than: 4 } }")
            .await
            .starts_with("failed")
    );
    insta::assert_snapshot!(verdict_on("{ header: { name: srever, not_contains: nginx } }").await, @r#"
    failed
    check "it" failed: expected header srever without "nginx", got none
    "#);
}

// Several threads, as in a function: with one, tasks begin in their order anyway.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn checks_begin_in_the_order_of_the_suite() {
    for concurrency in [1, 3] {
        let shop = Shop::open().await;
        let checks: Vec<String> = (0..8)
            .map(|n| format!("  - {{ name: c{n}, http: GET /slow?{n} }}\n"))
            .collect();
        let checks = checks.concat();
        let outcome = Trial::of(&shop, &checks)
            .with(&format!("limits: {{ concurrency: {concurrency} }}"))
            .run()
            .await;
        assert!(outcome.verdict.passed);
        let begun: Vec<u64> = outcome
            .report
            .checks
            .iter()
            .map(|c| c.rounds[0].started_ms)
            .collect();
        assert!(begun.is_sorted(), "{concurrency} at once: {begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_round_with_one_at_a_time_follows_the_suite_with_retries_too() {
    let shop = Shop::open().await;
    let checks = "  - { name: a, http: GET /flaky, retries: 2, retry_every: 10ms }
  - { name: b, http: GET /, retries: 0 }
  - { name: c, http: GET /slow, retries: 0 }
  - { name: d, http: GET /, retries: 0 }";
    let outcome = Trial::of(&shop, checks)
        .with("limits: { concurrency: 1 }")
        .run()
        .await;
    let spans: Vec<(u64, u64)> = outcome
        .report
        .checks
        .iter()
        .map(|c| (c.rounds[0].started_ms, c.rounds[0].duration_ms))
        .collect();
    for pair in spans.windows(2) {
        assert!(pair[0].0 + pair[0].1 <= pair[1].0 + 1, "{spans:?}");
    }
}

#[tokio::test]
async fn bytes_of_a_body_are_judged() {
    // `printf '{"items":[1,2,4]}' | sha256sum`
    let hash = "59a62b0d46eaf3fbfab7170c96e1b6469a23db3bc64b148ee1b7a0ffbe73fe7d";
    for met in [
        "{ body: { size: 17, charset: utf8 } }".to_owned(),
        format!("{{ body: {{ sha256: {hash}, contains: items }} }}"),
        "{ body: { size: '< 1KiB', not_matches: '<html' , not_equals: '' } }".to_owned(),
    ] {
        assert_eq!(verdict_on(&met).await, PASSED, "{met}");
    }
    insta::assert_snapshot!(verdict_on("{ body: { size: '< 17' } }").await, @r#"
    failed
    check "it" failed: expected body of < 17 bytes, got 17 bytes
    "#);
    insta::assert_snapshot!(verdict_on("{ body: { charset: latin1 } }").await, @r#"
    failed
    check "it" failed: expected body in the charset windows-1252, got UTF-8
    "#);
    let other = hash.replace(&hash[..1], "0");
    let summary = verdict_on(&format!("{{ body: {{ sha256: {other} }} }}")).await;
    assert!(summary.contains(&format!("got {hash}")), "{summary}");
}

async fn followed(url: &str, expect: &str) -> String {
    let shop = Shop::open().await;
    let check = format!(
        "  - name: it\n    retries: 0\n    http: {{ url: {url}, follow_redirects: true }}\n    expect: [{expect}]"
    );
    summary(&Trial::of(&shop, &check).run().await).replace(shop.url.as_str(), "SHOP/")
}

#[tokio::test]
async fn redirects_that_were_followed_are_judged() {
    for met in [
        "{ redirects: { count: 1, through: [/version], url: { matches: '/version$', not_contains: https } } }",
        "{ redirects: { count: '< 3' } }",
    ] {
        assert_eq!(followed("/moved", met).await, PASSED, "{met}");
    }
    assert_eq!(
        followed("/version", "{ redirects: { count: 0 } }").await,
        PASSED
    );
    insta::assert_snapshot!(followed("/moved", "{ redirects: { count: 0, through: [/login, /home], url: 'https://shop.example.com/' } }").await, @r#"
    failed
    check "it" failed: expected 0 redirects, got 1 redirect; expected redirects to /login, then /home, got SHOP/version; expected final URL equal to "https://shop.example.com/", got "SHOP/version"
    "#);
    insta::assert_snapshot!(followed("/version", "{ redirects: { through: [/login] } }").await, @r#"
    failed
    check "it" failed: expected redirects to /login, got none
    "#);
}

#[tokio::test]
async fn phases_of_an_answer_are_judged_on_a_connection_of_its_own() {
    let shop = Shop::open().await;
    // The first check leaves a connection that the second one must not take.
    let checks = "  - { name: warm, http: GET /, retries: 0 }
  - name: it
    retries: 0
    http: GET /
    expect: [{ latency: { total: '< 5s', first_byte: '< 5s', connect: '< 5s' } }]";
    let outcome = Trial::of(&shop, checks)
        .with("limits: { concurrency: 1 }")
        .run()
        .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let shown = &outcome.report.checks[1].rounds[0].tries[0].expectations;
    let words: Vec<&str> = shown.iter().map(|one| one.expected.as_str()).collect();
    assert_eq!(
        words,
        [
            "latency < 5s",
            "latency to the first byte < 5s",
            "time of connecting < 5s"
        ]
    );
}

#[tokio::test]
async fn a_phase_that_did_not_take_place_is_not_known() {
    insta::assert_snapshot!(verdict_on("{ latency: { dns: '< 1s', tls: '< 1s', total: '< 5s' } }").await, @r#"
    failed
    check "it" errored: could not check time of the look-up of the name < 1s: the host is an address, so no name was looked up; could not check time of the TLS handshake < 1s: the URL is http, so there is no TLS
    "#);
}
