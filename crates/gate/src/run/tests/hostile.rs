//! What a target, or a probe, may do to the engine.

use super::*;
use crate::probe::{Misbehaviour, Probe};

async fn against(url: Url, check: &str) -> String {
    against_within("200ms", url, check).await
}

async fn against_within(timeout: &str, url: Url, check: &str) -> String {
    let shop = Shop::open().await;
    let lines = format!("  - name: it\n    retries: 0\n    timeout: {timeout}\n    {check}\n");
    let mut trial = Trial::of(&shop, &lines);
    trial.base_url = url;
    // Ports differ from run to run.
    summary(&trial.run().await)
        .replace(|c: char| c.is_ascii_digit(), "0")
        .replace(":00000", ":0")
}

#[tokio::test]
async fn a_closed_port_is_the_targets_fault() {
    insta::assert_snapshot!(against(Shop::closed().await, "http: GET /").await, @r#"
    failed
    check "it" failed: no connection to 000.0.0.0:0: Connection refused (os error 000)
    "#);
}

#[tokio::test]
async fn a_server_that_hangs_or_hangs_up_is_the_targets_fault() {
    insta::assert_snapshot!(against(Shop::mute(false).await, "http: GET /").await, @r#"
    failed
    check "it" failed: no complete answer within 000ms
    "#);
    insta::assert_snapshot!(against(Shop::mute(true).await, "http: GET /").await, @r#"
    failed
    check "it" failed: no answer from 000.0.0.0:0: connection closed before message completed
    "#);
}

#[tokio::test]
async fn broken_tls_is_the_targets_fault() {
    let shop = Shop::open().await;
    let url = shop
        .url
        .as_str()
        .replace("http:", "https:")
        .parse()
        .unwrap();
    // The first use of TLS reads the certificates of the system, which takes its time on a busy machine.
    insta::assert_snapshot!(against_within("5s", url, "http: GET /").await, @r#"
    failed
    check "it" failed: no connection to 000.0.0.0:0: received corrupt message of type InvalidContentType; what answers there does not speak TLS: correct the port, or write http instead of https
    "#);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_an_error() {
    let summary = against("http://shop.invalid/".parse().unwrap(), "http: GET /").await;
    assert!(
        summary.contains("check \"it\" errored: the name \"shop.invalid\" could not be resolved"),
        "{summary}"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_or_never_ends_is_the_targets_fault() {
    let shop = Shop::open().await;
    insta::assert_snapshot!(against(shop.url.clone(), "http: GET /trickle").await, @r#"
    failed
    check "it" failed: no complete answer within 000ms
    "#);
    insta::assert_snapshot!(against(shop.url.clone(), "http: GET /broken").await, @r#"
    failed
    check "it" failed: no answer from 000.0.0.0:0: connection closed before message completed
    "#);
}

#[tokio::test]
async fn a_huge_body_is_not_read_to_the_end() {
    let shop = Shop::open().await;
    let check = "http: GET /huge\n    expect: [{ body: { contains: y } }]";
    insta::assert_snapshot!(against(shop.url.clone(), check).await, @r#"
    failed
    check "it" errored: could not check body: the body is larger than max_body (0 MiB); raise max_body
    "#);
    let outcome = Trial::of(&shop, "  - { name: it, http: GET /huge }")
        .run()
        .await;
    assert!(outcome.verdict.passed);
    let notes = &outcome.report.checks[0].rounds[0].tries[0].notes;
    assert_eq!(notes, &["the body was not read beyond 1 MiB"]);
    let check = "  - { name: it, http: { url: /huge, max_body: 3MiB }, expect: [{ body: { contains: x } }] }";
    assert!(Trial::of(&shop, check).run().await.verdict.passed);
}

#[tokio::test]
async fn a_panic_is_an_errored_measurement() {
    let shop = Shop::open().await;
    let outcome = Trial::of(
        &shop,
        "  - { name: it, http: GET /, retries: 0 }\n  - { name: other, http: GET / }",
    )
    .run_changed(|suite| suite.checks[0].probe = Probe::Misbehave(Misbehaviour::Panic))
    .await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" errored: the probe panicked: the probe fell over
    "#);
    assert_eq!(strip(&outcome, 1), "P");
}

#[tokio::test]
async fn a_probe_that_hangs_is_cut_at_its_limits() {
    let shop = Shop::open().await;
    let hang = |suite: &mut Suite| suite.checks[0].probe = Probe::Misbehave(Misbehaviour::Hang);
    let begun = Instant::now();
    let checks = "  - { name: it, http: GET /, retries: 1, timeout: 100ms, retry_every: 10ms }";
    let outcome = Trial::of(&shop, checks).run_changed(hang).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(outcome.report.checks[0].rounds[0].tries.len(), 2);
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: no complete answer within 100ms
    "#);
    let checks = "  - { name: it, http: GET /, within: 150ms }";
    let outcome = Trial::of(&shop, checks).run_changed(hang).await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: no complete answer: all tries together may take 150ms
    "#);
    let outcome = Trial::of(&shop, checks)
        .with("limits: { overall: 1s }")
        .within(Duration::from_millis(100))
        .run_changed(hang)
        .await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" was not measured before the deadline
    "#);
}

#[tokio::test]
async fn what_was_measured_before_the_deadline_is_in_the_report() {
    let shop = Shop::open().await;
    let checks = "  - { name: quick, http: GET / }\n  - { name: hangs, http: GET /, timeout: 1m }";
    let outcome = Trial::of(&shop, checks)
        .within(Duration::from_secs(1))
        .run_changed(|suite| suite.checks[1].probe = Probe::Misbehave(Misbehaviour::Hang))
        .await;
    assert_eq!((strip(&outcome, 0), strip(&outcome, 1)), ("P", "-"));
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "hangs" was not measured before the deadline
    "#);
}

#[test]
fn a_path_that_never_ends_is_cut_and_the_runtime_stays_awake() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        let shop = Shop::open().await;
        // Every value against every value, 8,000 times 8,000: cut by the time or by the steps, whichever
        // is used up first on this machine.
        let path = "$..[?$..[?$[?@ == 2]]]";
        let checks = format!(
            "  - name: it
    retries: 0
    timeout: 500ms
    http: GET /wild
    expect: [{{ json: {{ path: '{path}', exists: false }} }}]
  - {{ name: other, http: GET / }}"
        );
        Trial::of(&shop, &checks)
            .within(Duration::from_secs(5))
            .run()
            .await
    });
    runtime.shutdown_background();
    assert_eq!(strip(&outcome, 1), "P");
    let summary = summary(&outcome);
    assert!(
        summary.starts_with("failed\ncheck \"it\" errored: "),
        "{summary}"
    );
    let cut = summary.contains("could not be judged in time")
        || summary.contains("takes more than 10000000 steps");
    assert!(cut, "{summary}");
}

#[tokio::test]
async fn no_more_checks_at_once_than_allowed() {
    let shop = Shop::open().await;
    let checks: Vec<String> = (0..12)
        .map(|n| format!("  - {{ name: c{n}, http: GET /slow }}\n"))
        .collect();
    let outcome = Trial::of(&shop, &checks.concat())
        .with("limits: { concurrency: 3 }")
        .run()
        .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    assert_eq!(
        shop.seen
            .most_at_once
            .load(std::sync::atomic::Ordering::SeqCst),
        3
    );
}

#[tokio::test]
async fn failures_are_tried_again() {
    let shop = Shop::open().await;
    let check = "  - { name: it, http: GET /flaky, retries: 2, retry_every: 10ms }";
    let outcome = Trial::of(&shop, check).run().await;
    assert!(outcome.verdict.passed);
    let tries = &outcome.report.checks[0].rounds[0].tries;
    let statuses: Vec<Option<u16>> = tries.iter().map(|t| t.status).collect();
    assert_eq!(statuses, [Some(502), Some(502), Some(200)]);
    let check = "  - { name: it, http: GET /flaky, retries: 1, retry_every: 10ms }";
    insta::assert_snapshot!(summary(&Trial::of(&shop, check).run().await), @r#"
    failed
    check "it" failed: expected status 2xx, got 502
    "#);
    assert_eq!(shop.requests(), 5);
    let check = "  - { name: it, http: GET /down, retries: 9, retry_every: 60ms, within: 200ms }";
    let tries = Trial::of(&shop, check).run().await.report.checks[0].rounds[0]
        .tries
        .len();
    assert!((1..=4).contains(&tries), "{tries}");
}

#[tokio::test]
async fn long_values_that_are_named_often_are_refused_before_they_are_filled() {
    let shop = Shop::open().await;
    let long = "x".repeat(60_000);
    let many = "'{{ key }}', ".repeat(300);
    for check in [
        format!("http: {{ method: POST, url: /form, json: [{many}] }}"),
        format!("http: GET /\n    expect: [{{ json: {{ path: $, equals: [{many}] }} }}]"),
        format!(
            "http: {{ url: /, query: {{ a: '{}' }} }}",
            "{{ key }}".repeat(300)
        ),
    ] {
        let outcome = Trial::of(&shop, &format!("  - name: it\n    {check}"))
            .with("secrets: { key: 'env:KEY' }")
            .secret("key", &long)
            .run()
            .await;
        let summary = summary(&outcome);
        assert!(
            summary.starts_with("failed\nthe texts of the suite take 180"),
            "{summary}"
        );
        assert!(
            summary.contains("they may take 16 MiB together: name long values less often"),
            "{summary}"
        );
    }
    assert_eq!(shop.requests(), 0);
}

#[tokio::test]
async fn patterns_over_large_headers_do_not_hold_the_gate_up() {
    let value = "a".repeat(30_000);
    let wire = super::wire::Wire::open(move |_| {
        let header = format!("x-a: {value}");
        Some(super::wire::reply("200 OK", &[&header], b"ok"))
    })
    .await;
    let shop = Shop::open().await;
    let check = |name: &str| {
        format!(
            "  - {{ name: {name}, http: GET /, timeout: 1s, retries: 0, expect: [{{ header: {{ name: x-a, matches: '[a-z]{{400}}[0-9]' }} }}] }}\n"
        )
    };
    let checks: String = ["a", "b", "c"].into_iter().map(check).collect();
    let mut trial = Trial::of(&shop, &checks);
    trial.base_url = wire.url.clone();
    // Whether it is in time is asserted by the run itself.
    let outcome = trial.within(Duration::from_secs(4)).run().await;
    assert!(!outcome.verdict.passed);
}

#[tokio::test]
async fn an_advisory_check_that_is_slow_to_judge_costs_the_others_nothing() {
    let body = format!("[{}1]", "[[],[[]],{}],".repeat(40_000));
    let wire =
        super::wire::Wire::open(move |_| Some(super::wire::reply("200 OK", &[], body.as_bytes())))
            .await;
    let shop = Shop::open().await;
    let slow = "{ json: { path: '$..[0,0,0,0,0,0,0,0][?@..*]', exists: false } }";
    let slow = [slow; 20].join(", ");
    let checks = format!(
        "  - {{ name: slow, severity: advisory, http: GET /, timeout: 1s, retries: 0, expect: [{slow}] }}\n  - {{ name: it, http: GET /, timeout: 1s, retries: 0, expect: [{{ json: {{ path: '$[0]', type: array }} }}] }}"
    );
    let mut trial = Trial::of(&shop, &checks);
    trial.base_url = wire.url.clone();
    let outcome = trial.run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}
