//! What a request carries beside its headers: credentials, cookies, files, and values that are new in each try.

use super::wire::{Wire, reply};
use super::*;

async fn carried(http: &str, expect: &str) -> (Outcome, Wire) {
    let wire = Wire::open(|asked| {
        let body = asked.body.clone();
        Some(reply("200 OK", &[], &body))
    })
    .await;
    let shop = Shop::open().await;
    let checks = format!(
        "  - name: it\n    retries: 1\n    retry_every: 1ms\n    tags: [smoke]\n    http: {http}\n    expect: [{expect}]"
    );
    let mut trial = Trial::of(&shop, &checks)
        .with("secrets: { password: 'env:PASSWORD' }")
        .secret("password", "hunter2-hunter2");
    trial.base_url = wire.url.clone();
    (trial.run().await, wire)
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let http = "{ url: /, basic: { user: reader, password: '{{ password }}' }, cookies: { theme: dark, sid: '{{ password }}' } }";
    let (outcome, wire) = carried(http, "{ status: 500 }").await;
    let asked = &wire.asked()[0];
    // reader:hunter2-hunter2
    assert_eq!(
        asked.header("authorization"),
        Some("Basic cmVhZGVyOmh1bnRlcjItaHVudGVyMg==")
    );
    assert_eq!(
        asked.header("cookie"),
        Some("theme=dark; sid=hunter2-hunter2")
    );
    let report = crate::report::json(&outcome.report);
    assert!(
        !report.contains("hunter2") && !report.contains("cmVhZGVyOmh1bnRlcjI"),
        "{report}"
    );
    assert_eq!(outcome.report.checks[0].tags, ["smoke"]);
    assert_eq!(outcome.report.seed, None);
}

#[tokio::test]
async fn files_are_sent_in_parts() {
    let http = "{ method: POST, url: /, multipart: { title: 'for {{ password }}', cover: { file: a.png, base64: aGVsbG8=, content_type: image/png } } }";
    let (outcome, wire) = carried(
        http,
        "{ body: { contains: hello } }, { body: { contains: 'for hunter2-hunter2' } }",
    )
    .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let asked = &wire.asked()[0];
    let boundary = asked
        .header("content-type")
        .and_then(|value| value.strip_prefix("multipart/form-data; boundary="));
    let body = String::from_utf8(asked.body.clone()).unwrap();
    let end = format!("--{}--\r\n", boundary.unwrap());
    assert!(body.ends_with(&end), "{body}");
    assert!(
        body.contains(
            "name=\"cover\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nhello\r\n"
        ),
        "{body}"
    );
}

#[tokio::test]
async fn an_empty_body_can_be_stated() {
    for (http, length) in [
        ("{ method: DELETE, url: /, body: '' }", Some("0")),
        ("{ method: DELETE, url: / }", None),
        ("{ method: POST, url: / }", Some("0")),
    ] {
        let (_, wire) = carried(http, "{ status: 200 }").await;
        assert_eq!(wire.asked()[0].header("content-length"), length, "{http}");
    }
}

#[tokio::test]
async fn a_value_is_the_same_within_a_try_and_new_in_the_next() {
    let body = "'{{ uuid() }} {{ uuid() }} {{ random(5) }} {{ now() }}'";
    let http = format!("{{ method: POST, url: /, body: {body} }}");
    let (outcome, wire) = carried(
        &http,
        &format!("{{ body: {{ equals: {body} }} }}, {{ status: 500 }}"),
    )
    .await;
    let bodies: Vec<String> = wire
        .asked()
        .iter()
        .map(|asked| String::from_utf8(asked.body.clone()).unwrap())
        .collect();
    let [first, second] = bodies.as_slice() else {
        panic!("{bodies:?}")
    };
    let words: Vec<&str> = first.split(' ').collect();
    assert_eq!(words[0], words[1]);
    assert_ne!(first[..36], second[..36]);
    let met = &outcome.report.checks[0].rounds[0].tries[1].expectations[0];
    assert_eq!(met.measurement, Measurement::Passed, "{met:?}");
    assert_eq!(outcome.report.seed.as_deref().map(str::len), Some(16));
}

#[tokio::test]
async fn the_seed_of_a_report_repeats_its_values() {
    let sent = |seed: Option<String>| async move {
        let wire = Wire::open(|_| Some(reply("200 OK", &[], b"ok"))).await;
        let shop = Shop::open().await;
        let check = "  - name: it\n    http: { method: POST, url: /, body: '{{ random(20) }}' }";
        let mut trial = Trial::of(&shop, check);
        if let Some(seed) = seed {
            trial = trial.with(&format!("seed: '{seed}'"));
        }
        trial.base_url = wire.url.clone();
        let outcome = trial.run().await;
        let body = String::from_utf8(wire.asked()[0].body.clone()).unwrap();
        (body, outcome.report.seed.unwrap())
    };
    let (first, seed) = sent(None).await;
    let (again, same) = sent(Some(seed.clone())).await;
    assert_eq!((first, &seed), (again, &same));
}
