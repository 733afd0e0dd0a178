//! What a team wrote is what is sent and compared: numbers and booleans keep their text.

use super::*;

/// What the shop was sent, checked by one expectation on its echo.
async fn sent(vars: &str, http: &str, expect: &str) -> String {
    let shop = Shop::open().await;
    let check = format!("  - name: it\n    retries: 0\n    http: {http}\n    expect: [{expect}]");
    let trial = Trial::of(&shop, &check).with(&format!("vars: {vars}"));
    summary(&trial.run().await)
}

const PASSED: &str = "passed\nthe required check passed";

#[tokio::test]
async fn variables_stand_in_text_as_they_were_written() {
    let shop = Shop::open().await;
    let outcome = Trial::of(
        &shop,
        "  - name: it
    retries: 0
    http: { method: POST, url: '/echo?sha={{ sha }}', headers: { x-release: '{{ release }}' }, body: 'build {{ build }} {{ flag }}' }
    expect:
      - json: { path: $.query.sha, equals: '6063e25' }
      - json: { path: \"$.headers['x-release']\", equals: '1.10' }
      - json: { path: $.body, equals: 'build 0192117 True' }
      - body: { contains: '{{ release }}', matches: '{{ build }}' }",
    )
    .with("vars: { sha: 6063e25, release: 1.10, build: 0192117, flag: True }")
    .run()
    .await;
    assert_eq!(summary(&outcome), PASSED);
}

#[tokio::test]
async fn every_kind_of_number_keeps_its_text() {
    for written in [
        "1e2",
        "0x1F",
        "0o17",
        "+1",
        ".5",
        "5.",
        "-0",
        "0777",
        "1_000",
        "1.0",
        "12345678901234567890123",
        "0.10000000000000000001",
        "1E400",
        "2026-11-29",
        "12:30:45",
        "yes",
        "Off",
        "FALSE",
    ] {
        let vars = format!("{{ v: {written} }}");
        let http = "{ method: POST, url: /form, body: '{{ v }};' }";
        let expect = format!("{{ body: {{ equals: '{written};' }} }}");
        assert_eq!(sent(&vars, http, &expect).await, PASSED, "{written}");
        // The same without a variable.
        let http = format!("{{ method: POST, url: /form, body: {written} }}");
        let expect = format!("{{ body: {{ equals: {written} }} }}");
        assert_eq!(sent("{}", &http, &expect).await, PASSED, "{written}");
    }
}

#[tokio::test]
async fn json_is_sent_with_the_numbers_that_were_written() {
    let http = "{ method: POST, url: /form, json: { a: '{{ v }}', b: [1.10, 1e400, -0], c: '{{ big }}' } }";
    let expect =
        r#"{ body: { equals: '{"a":1.10,"b":[1.10,1e400,-0],"c":18446744073709551617}' } }"#;
    let vars = "{ v: 1.10, big: 18446744073709551617 }";
    assert_eq!(sent(vars, http, expect).await, PASSED);
}
