//! `that` and `json_schema` in a run: in checks and steps, and that no report has what is secret.

use super::wire::{Wire, reply};
use super::*;

const SECRET: &str = "hunter2-hunter2";

/// The whole report of a run against an answer in which secrets were planted.
async fn reported(checks: &str) -> (Outcome, String) {
    let wire = Wire::open(|_| {
        let body = format!(
            r#"{{ "note": "it is {SECRET}", "list": ["a", "{SECRET}"], "token": "PLANTED-1", "id": 7, "{SECRET}": 1 }}"#
        );
        let note = format!("x-note: {SECRET}");
        let headers = [note.as_str(), "set-cookie: sid=PLANTED-22222"];
        Some(reply("200 OK", &headers, body.as_bytes()))
    })
    .await;
    let shop = Shop::open().await;
    let mut trial = Trial::of(&shop, checks)
        .with("secrets: { password: 'env:PASSWORD' }\nvars: { note: x }")
        .secret("password", SECRET);
    trial.base_url = wire.url.clone();
    let outcome = trial.run().await;
    let report = [
        crate::report::json(&outcome.report),
        crate::report::html(&outcome.report),
    ]
    .concat();
    (outcome, report)
}

#[tokio::test]
async fn no_report_has_a_secret_that_an_expression_saw() {
    for that in [
        "json.note == 'x'",
        "headers['x-note'] == 'x'",
        "headers['set-cookie'] == 'x'",
        "body == 'x'",
        "secrets.password == body",
        "json.list.all(x, x == 'a')",
        "json.list == [1]",
        "json.token == 'x'",
        "json.note > 5",
        "json.exists(k, k == 'x')",
        "json.note.contains('zzz') || json.list[1] == secrets.password + 'x'",
        "json[secrets.password] == 2",
        "json[secrets.password + 'x'] == 2",
    ] {
        let (outcome, report) = reported(&format!(
            "  - {{ name: it, http: GET /, retries: 0, expect: [{{ that: \"{that}\" }}] }}"
        ))
        .await;
        assert!(!outcome.verdict.passed, "{that}");
        assert!(
            outcome.verdict.reasons[0].contains("expected"),
            "{:?}",
            outcome.verdict.reasons
        );
        assert!(
            !report.contains("hunter2") && !report.contains("PLANTED"),
            "{that}: {report}"
        );
        assert!(!summary(&outcome).contains("hunter2"), "{that}");
    }
    let schema = "{ properties: { note: { type: integer }, list: { items: { maxLength: 1 } }, token: { maxLength: 1 } }, additionalProperties: false }";
    let (_, report) = reported(&format!(
        "  - {{ name: it, http: GET /, retries: 0, expect: [{{ json_schema: {schema} }}] }}"
    ))
    .await;
    assert!(
        !report.contains("hunter2") && !report.contains("PLANTED"),
        "{report}"
    );
}

#[tokio::test]
async fn no_report_has_a_captured_secret_that_an_expression_saw() {
    let journey = "  - name: it
    retries: 0
    journey:
      - http: GET /a
        capture: { first: { json: '$.list[0]' }, hidden: { json: $.note, secret: true } }
      - http: GET /b
        expect:
          - that: \"captures.first == 'a' && json.id == 7\"
          - that: \"captures.hidden != json.note\"
          - json_schema: { required: [id] }";
    let (outcome, report) = reported(journey).await;
    assert!(!outcome.verdict.passed);
    assert!(
        !report.contains("hunter2") && !report.contains("PLANTED"),
        "{report}"
    );
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: step 2: expected captures.hidden != json.note, got captures.hidden "***", json.note "***"
    "#);
}
