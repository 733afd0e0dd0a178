//! The `load` probe, against servers that are fast, slow, flaky, silent, and gone.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use tokio::net::TcpListener;

use super::server::{flooding, garbling, is_masked, refusing, resetting, silent};
use super::*;
use crate::measurement::Measurement;

/// A version of a service.
struct Version {
    url: Url,
    asked: Arc<AtomicUsize>,
    /// Requests with the header that the listener rule of the release demands.
    marked: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Behaviour {
    takes: Duration,
    /// Each so-many-th answer is a 503.
    breaks_each: usize,
    asked: Arc<AtomicUsize>,
    marked: Arc<AtomicUsize>,
}

async fn version(takes: u64, breaks_each: usize) -> Version {
    let behaviour = Behaviour {
        takes: Duration::from_millis(takes),
        breaks_each,
        asked: Arc::default(),
        marked: Arc::default(),
    };
    let (asked, marked) = (Arc::clone(&behaviour.asked), Arc::clone(&behaviour.marked));
    let answer = |State(it): State<Behaviour>, headers: HeaderMap| async move {
        let number = it.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let marked = headers.contains_key("x-test");
        it.marked.fetch_add(usize::from(marked), Ordering::SeqCst);
        tokio::time::sleep(it.takes).await;
        if it.breaks_each > 0 && number.is_multiple_of(it.breaks_each) {
            return (StatusCode::SERVICE_UNAVAILABLE, "x".repeat(4_000));
        }
        (StatusCode::OK, "x".repeat(4_000))
    };
    let router = Router::new().fallback(get(answer)).with_state(behaviour);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Version {
        url: url.parse().unwrap(),
        asked,
        marked,
    }
}

impl Version {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A load of one second, before traffic.
async fn loaded(new: &Url, old: Option<&Url>, load: &str) -> Outcome {
    loaded_at(Stage::PreTraffic, new, old, load).await
}

async fn loaded_at(stage: Stage, new: &Url, old: Option<&Url>, load: &str) -> Outcome {
    let fact = |url: &Url| ("production_url".to_owned(), url.to_string());
    loaded_with(stage, new, old.map(fact).into_iter().collect(), load).await
}

async fn loaded_with(
    stage: Stage,
    new: &Url,
    facts: BTreeMap<String, String>,
    load: &str,
) -> Outcome {
    let text = format!(
        "version: 1\nname: shop\nsecrets: {{ hidden: 'ssm:/x' }}\nchecks:\n  - name: it\n    load: {{ for: 1s, {load} }}\n"
    );
    run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage,
        target: Target {
            base_url: Some(new.clone()),
            headers: [(
                http::HeaderName::from_static("x-test"),
                "1".parse().unwrap(),
            )]
            .into_iter()
            .collect(),
            facts,
            ..Target::default()
        },
        secrets: BTreeMap::from([("hidden".to_owned(), "PLANTED-SECRET".to_owned())]),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

fn measurement(outcome: &Outcome) -> Measurement {
    outcome.report.checks[0].rounds[0].tries[0].measurement
}

fn notes(outcome: &Outcome) -> String {
    outcome.report.checks[0].rounds[0].tries[0].notes.join("\n")
}

const LIMIT: &str = "http: GET /search, rate: 30/s, latency: { fail_when: '> 1500ms' }";

#[tokio::test]
async fn a_fast_release_passes_with_its_numbers_in_the_report() {
    let new = version(1, 0).await;
    let outcome = loaded(&new.url, None, LIMIT).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    assert_eq!((new.asked(), new.marked.load(Ordering::SeqCst)), (30, 30));
    let notes = notes(&outcome);
    assert!(
        notes.starts_with("new version: 30 requests, 30 good answers; p50 "),
        "{notes}"
    );
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert!(
        one.request
            .as_ref()
            .unwrap()
            .ends_with("/search 30/s for 1s"),
        "{:?}",
        one.request
    );
}

#[tokio::test]
async fn a_slow_release_fails_and_is_asked_no_more_gently() {
    let new = version(2_000, 0).await;
    let outcome = loaded(&new.url, None, LIMIT).await;
    assert_eq!(new.asked(), 30);
    let summary = summary(&outcome);
    assert!(
        summary.starts_with(
            "failed\ncheck \"it\" failed: expected latency p95 not > 1500 ms, got latency p95: 2"
        ),
        "{summary}"
    );
    assert!(
        summary.ends_with(" ms in 30 samples, limit 1500 ms"),
        "{summary}"
    );
}

#[tokio::test]
async fn errors_are_counted_against_their_limit() {
    let new = version(1, 10).await;
    let outcome = loaded(&new.url, None, "http: GET /, rate: 30/s").await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: expected errors not > 0 %, got errors: 10 % in 30 samples, limit 0 %: status 503 (3)
    "#);
    let outcome = loaded(
        &new.url,
        None,
        "http: GET /, rate: 30/s, errors: { fail_when: '> 15%' }",
    )
    .await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn what_gives_no_answer_fails() {
    let load = "http: GET /, rate: 20/s, timeout: 300ms, errors: { fail_when: '> 50%' }";
    for base in [
        refusing(),
        silent().await,
        resetting().await,
        flooding().await,
        garbling().await,
    ] {
        let outcome = loaded(&base, None, load).await;
        assert_eq!(
            measurement(&outcome),
            Measurement::Failed,
            "{}",
            summary(&outcome)
        );
    }
    let outcome = loaded(&silent().await, None, load).await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: expected errors not > 50 %, got errors: 100 % in 20 samples, limit 50 %: no complete answer within 300ms (20)
    "#);
    // Where errors are let pass, a release that hangs is slow.
    let load = "http: GET /, rate: 20/s, timeout: 300ms, errors: { fail_when: '>= 100%' }, latency: { fail_when: '> 250ms' }";
    let outcome = loaded(&silent().await, None, load).await;
    assert!(
        summary(&outcome).contains("latency p95: 300 ms in 20 samples"),
        "{}",
        summary(&outcome)
    );
}

#[tokio::test]
async fn what_is_our_own_doing_is_errored() {
    let nowhere = "http://shop.invalid/".parse().unwrap();
    let outcome = loaded(&nowhere, None, "http: GET /, rate: 20/s").await;
    assert_eq!(
        measurement(&outcome),
        Measurement::Errored,
        "{}",
        summary(&outcome)
    );
    let new = version(1, 0).await;
    let outcome = loaded(
        &new.url,
        None,
        "http: { url: /, max_body: 1KiB }, rate: 20/s",
    )
    .await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" errored: 20 of 20 requests say nothing of the target: a body is larger than max_body (1 KiB), so how long it takes is not known; raise max_body
    "#);
}

const COMPARED: &str = "http: GET /search, rate: 20/s, compare_to: old, tolerance: '100%'";

#[tokio::test]
async fn a_release_slower_than_the_old_version_fails_with_both_numbers() {
    let (new, old) = (version(250, 0).await, version(50, 0).await);
    let outcome = loaded(&new.url, Some(&old.url), COMPARED).await;
    assert_eq!((new.asked(), old.asked()), (20, 20));
    // What leads to the release is not said to the old version.
    assert_eq!(old.marked.load(Ordering::SeqCst), 0);
    let summary = summary(&outcome);
    assert!(
        summary.contains("got latency p95: ") && summary.contains("; old version "),
        "{summary}"
    );
    assert!(
        summary.contains(": higher than the old version (p ")
            && summary.ends_with("tolerated 100 %)"),
        "{summary}"
    );
    assert!(
        notes(&outcome).contains("\nold version: 20 requests, 20 good answers; p50 "),
        "{}",
        notes(&outcome)
    );
    let outcome = loaded(&old.url, Some(&new.url), COMPARED).await;
    assert!(outcome.verdict.passed, "{:?}", outcome.verdict.reasons);
}

#[tokio::test]
async fn a_release_with_more_errors_than_the_old_version_fails() {
    let (new, old) = (version(1, 3).await, version(1, 0).await);
    let load = "http: GET /, rate: 30/s, timeout: 2s, errors: { tolerance: '5%' }, compare_to: old, tolerance: '1000%'";
    let outcome = loaded(&new.url, Some(&old.url), load).await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" failed: expected errors no worse than the old version, got errors: 33.3 % in 30 samples; old version 0 %: more than the old version (p = 0.000399, 33.3 points more, tolerated 5): status 503 (10)
    "#);
    let (new, old) = (version(1, 0).await, version(1, 3).await);
    let outcome = loaded(&new.url, Some(&old.url), load).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn an_old_version_that_gives_no_good_answers_is_nothing_to_compare_with() {
    let (new, old) = (version(1, 0).await, version(1, 1).await);
    let outcome = loaded(&new.url, Some(&old.url), COMPARED).await;
    assert_eq!(measurement(&outcome), Measurement::Inconclusive);
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" was inconclusive: expected latency no worse than the old version's, got 0 answers of the old version are too few to be compared with, 20 are needed: status 503 (20)
    "#);
}

#[tokio::test]
async fn where_the_old_version_is_not_known_nothing_is_asked() {
    let new = version(1, 0).await;
    let outcome = loaded(&new.url, None, COMPARED).await;
    assert_eq!(measurement(&outcome), Measurement::NoData);
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" has no data: expected latency no worse than the old version's, got nothing was asked: target.production_url is not known for this deployment
    "#);
    let same = loaded(&new.url, Some(&new.url), COMPARED).await;
    assert_eq!(measurement(&same), Measurement::NoData);
    let old = version(1, 0).await;
    let after = loaded_at(Stage::PostTraffic, &new.url, Some(&old.url), COMPARED).await;
    assert_eq!(measurement(&after), Measurement::NoData);
    insta::assert_snapshot!(summary(&after), @r#"
    failed
    check "it" has no data: expected latency no worse than the old version's, got nothing was asked: after traffic has moved, the old version answers nowhere; write `on: pre-traffic`, or leave out compare_to
    "#);
    // At a step of a canary the production address leads to both.
    let fact = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let facts = [
        fact("production_url", old.url.as_str()),
        fact("traffic_percent", "10"),
    ];
    let both = loaded_with(Stage::PreTraffic, &new.url, facts.into(), COMPARED).await;
    assert_eq!(measurement(&both), Measurement::NoData);
    assert!(
        summary(&both).contains("10 % of the production traffic"),
        "{}",
        summary(&both)
    );
    assert_eq!((new.asked(), old.asked()), (0, 0));
}

#[tokio::test]
async fn nothing_but_the_release_gets_load() {
    let (new, other) = (version(1, 0).await, version(1, 0).await);
    let load = format!("http: 'GET {}x', rate: 20/s", other.url);
    let before = loaded(&new.url, None, &load).await;
    let after = loaded_at(Stage::PostTraffic, &new.url, None, &load).await;
    assert!(!before.verdict.passed && !after.verdict.passed);
    assert_eq!(measurement(&after), Measurement::Errored);
    assert!(
        summary(&after).contains("is not the release under test, and nothing else gets load"),
        "{}",
        summary(&after)
    );
    assert_eq!((new.asked(), other.asked()), (0, 0));
    let stated = format!(
        "http: {{ url: '{}x', reaches_release: true }}, rate: 20/s",
        other.url
    );
    let outcome = loaded(&new.url, None, &stated).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn a_load_that_the_deadline_would_cut_is_refused() {
    let shop = Shop::open().await;
    let checks = "  - name: it\n    load: { http: GET /, rate: 5/s, for: 2m }";
    let outcome = Trial::of(&shop, checks).run().await;
    assert!(outcome.refused);
    let reasons = outcome.verdict.reasons.concat();
    assert!(
        reasons.starts_with("check \"it\" (line 5): the load takes up to 2m10s, and 19"),
        "{reasons}"
    );
    assert!(
        reasons.ends_with(" are left before the deadline; shorten it or allow the gate more time"),
        "{reasons}"
    );
}

#[tokio::test]
async fn where_two_revisions_answer_a_load_is_inconclusive() {
    let new = version(1, 0).await;
    let text = "version: 1\nname: s\nrevision: { header: { name: x-version, equals: a } }\nchecks:\n  - name: it\n    load: { http: GET /, rate: 20/s, for: 1s }\n";
    let outcome = run(Run {
        suite: Suite::parse("suite.yaml", text).unwrap(),
        stage: Stage::PostTraffic,
        target: Target {
            base_url: Some(new.url.clone()),
            sampled_percent: Some(10),
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await;
    assert_eq!(measurement(&outcome), Measurement::Inconclusive);
    assert_eq!(new.asked(), 0);
}

#[tokio::test]
async fn a_secret_in_the_request_is_masked() {
    let (new, old) = (version(1, 2).await, version(1, 2).await);
    let load = "http: { url: '/{{ hidden }}', query: { token: '{{ hidden }}' }, headers: { authorization: 'Bearer {{ hidden }}' } }, rate: 20/s, compare_to: old";
    let outcome = loaded(&new.url, Some(&old.url), load).await;
    assert!(
        !outcome.verdict.passed && is_masked(&outcome),
        "{}",
        summary(&outcome)
    );
    let outcome = loaded(&refusing(), Some(&old.url), load).await;
    assert!(
        !outcome.verdict.passed && is_masked(&outcome),
        "{}",
        summary(&outcome)
    );
}
