//! Headers are judged as they were received, bodies as browsers read them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::wire::{Wire, reply};
use super::*;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// What comes of one check's expectations on an answer.
async fn summary_of(headers: &'static [&'static str], body: Vec<u8>, check: &str) -> String {
    let wire = Wire::open(move |_| Some(reply("200 OK", headers, &body))).await;
    summary(&on_wire(&wire, check).await)
}

async fn on_wire(wire: &Wire, check: &str) -> Outcome {
    let shop = Shop::open().await;
    let lines = indented(check);
    let mut trial = Trial::of(&shop, &format!("  - name: it\n    retries: 0\n{lines}"));
    trial.base_url = wire.url.clone();
    trial.run().await
}

#[tokio::test]
async fn headers_are_those_of_the_wire_though_the_body_is_decoded() {
    let body = gzip(&b"<h1>Welcome</h1>".repeat(50));
    let length = body.len();
    let check = format!(
        "http: GET /
expect:
  - header: {{ name: content-encoding, equals: gzip }}
  - header: {{ name: content-length, equals: '{length}' }}
  - body: {{ contains: Welcome }}"
    );
    insta::assert_snapshot!(summary_of(&["content-encoding: gzip"], body.clone(), &check).await, @"
    passed
    the required check passed
    ");
    let check = "http: GET /
expect:
  - header: { name: content-encoding, exists: false }
  - header: { name: content-length, exists: false }";
    let summary = summary_of(&["content-encoding: gzip"], body, check).await;
    assert!(
        summary.contains("expected no header content-encoding, got \"gzip\""),
        "{summary}"
    );
    assert!(
        summary.contains(&format!(
            "expected no header content-length, got \"{length}\""
        )),
        "{summary}"
    );
}

#[tokio::test]
async fn compression_is_asked_for_unless_the_check_asks_for_something_else() {
    let wire = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
    on_wire(&wire, "http: GET /").await;
    on_wire(
        &wire,
        "http: { url: /, headers: { Accept-Encoding: identity } }",
    )
    .await;
    let accepted: Vec<_> = wire
        .asked()
        .iter()
        .map(|asked| asked.header("accept-encoding").map(str::to_owned))
        .collect();
    assert_eq!(
        accepted,
        [
            Some("gzip, deflate, br, zstd".to_owned()),
            Some("identity".to_owned())
        ]
    );
}

#[tokio::test]
async fn a_chunked_answer_keeps_its_header() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let wire = Wire::open(|_| Some(answer.to_vec())).await;
    let check = "http: GET /\nexpect: [{ header: { name: transfer-encoding, equals: chunked } }, { body: { equals: ok } }]";
    let outcome = on_wire(&wire, check).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn json_with_a_mark_is_json() {
    let check = "http: GET /\nexpect: [{ json: { path: $.version, equals: 1.2.0 } }]";
    let body = b"\xef\xbb\xbf{\"version\": \"1.2.0\"}".to_vec();
    insta::assert_snapshot!(summary_of(&["content-type: application/json; charset=utf-8"], body, check).await, @"
    passed
    the required check passed
    ");
}

#[tokio::test]
async fn a_page_is_read_in_its_charset() {
    let page = b"Willkommen, sch\xf6ne Gr\xfc\xdfe, Gr\xf6\xdfe".to_vec();
    let headers = &["content-type: text/html; charset=ISO-8859-1"];
    insta::assert_snapshot!(summary_of(headers, page.clone(), "http: GET /\nexpect: [{ body: { contains: Grüße } }]").await, @"
    passed
    the required check passed
    ");
    insta::assert_snapshot!(summary_of(headers, page, "http: GET /\nexpect: [{ body: { not_contains: Größe } }]").await, @r#"
    failed
    check "it" failed: expected body without "Größe", got "Willkommen, schöne Grüße, Größe"
    "#);
}

#[tokio::test]
async fn what_can_not_be_decoded_is_errored_and_never_met() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"Internal error").unwrap();
    let deflated = encoder.finish().unwrap();
    let missing = "http: GET /\nexpect: [{ body: { not_contains: error } }]";
    insta::assert_snapshot!(summary_of(&["content-encoding: deflate"], deflated.clone(), missing).await, @r#"
    failed
    check "it" failed: expected body without "error", got "Internal error"
    "#);
    insta::assert_snapshot!(summary_of(&["content-encoding: aes128gcm"], deflated, missing).await, @r#"
    failed
    check "it" errored: could not check body: the body has the content coding "aes128gcm", which is not decoded here; gzip, deflate, br and zstd are
    "#);
    for condition in ["matches: '.*'", r#"equals: "\ufffd""#, "not_contains: x"] {
        let check = format!("http: GET /\nexpect: [{{ body: {{ {condition} }} }}]");
        let summary = summary_of(&[], vec![0xff], &check).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(summary, @r#"
            failed
            check "it" errored: could not check body: the body is not UTF-8: byte FF at offset 0
            "#);
        }
    }
    let json = "http: GET /\nexpect: [{ json: { path: $.a, exists: false } }, { status: 200 }]";
    insta::assert_snapshot!(summary_of(&["content-encoding: br"], b"{}".to_vec(), json).await, @r#"
    failed
    check "it" errored: could not check $.a: the body can't be decoded as br: Invalid Data
    "#);
    let status = "http: GET /\nexpect: [{ status: 200 }, { header: { name: content-encoding, equals: br } }]";
    insta::assert_snapshot!(summary_of(&["content-encoding: br"], b"{}".to_vec(), status).await, @"
    passed
    the required check passed
    ");
}

#[tokio::test]
async fn a_bomb_is_errored_within_max_body() {
    let bomb = gzip(&vec![b'x'; 1024 * 1024]);
    let check = "http: { url: /, max_body: 64KiB }\nexpect: [{ body: { contains: x } }]";
    insta::assert_snapshot!(summary_of(&["content-encoding: gzip"], bomb, check).await, @r#"
    failed
    check "it" errored: could not check body: the body is larger than max_body (64 KiB) once decoded; raise max_body
    "#);
}

#[tokio::test]
async fn headers_that_are_not_utf_8_are_read_as_latin_1() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-city: K\xf6ln\r\nx-bad: \xff\r\n\r\n";
    let wire = Wire::open(|_| Some(answer.to_vec())).await;
    let check = "http: GET /\nexpect: [{ header: { name: x-city, equals: Köln } }, { header: { name: x-bad, equals: \"\\ufffd\" } }]";
    insta::assert_snapshot!(summary(&on_wire(&wire, check).await), @r#"
    failed
    check "it" failed: expected header x-bad equal to "�", got "ÿ"
    "#);
}
