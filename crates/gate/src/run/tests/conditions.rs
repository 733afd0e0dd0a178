//! One value meets all conditions of an expectation, and a value that is not there meets none.

use super::*;

async fn verdict_on(expect: &str) -> String {
    let shop = Shop::open().await;
    let check =
        format!("  - name: it\n    retries: 0\n    http: GET /cookies\n    expect: [{expect}]");
    told(&Trial::of(&shop, &check).run().await)
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
    ] {
        assert_eq!(verdict_on(met).await, PASSED, "{met}");
    }
    for unmet in [
        "{ header: { name: set-cookie, matches: '^theme', contains: session } }",
        "{ header: { name: set-cookie, contains: session, not_contains: Path } }",
        // Alone it is asked of every value.
        "{ header: { name: set-cookie, not_contains: HttpOnly } }",
        "{ header: { name: set-cookie, exists: true, not_contains: session } }",
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
