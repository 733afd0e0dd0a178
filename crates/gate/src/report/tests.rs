//! The report as programs and people get it: nothing secret, nothing broken, nothing endless.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::{HttpOptions, Outcome, Run, Suite, Target, run};

const SECRET: &str = "hunter2/<&>\"+ü correct horse";

/// A page that echoes the whole request, and fails.
async fn gossip() -> url::Url {
    let router = Router::new()
        .route("/quiet", get(|| async { "ok" }))
        .fallback(any(
            |uri: axum::http::Uri, headers: axum::http::HeaderMap, body: String| async move {
                let key = headers
                    .get("x-custom")
                    .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
                let (json, key) = (
                    serde_json::json!({ "said": key }),
                    key.clone().unwrap_or_default(),
                );
                let reported = axum::http::HeaderValue::from_bytes(key.as_bytes()).unwrap();
                let cookie = axum::http::HeaderValue::from_static("sid=very-private");
                let set = [("x-said", reported), ("set-cookie", cookie)];
                let padding = "x".repeat(460);
                (
                    StatusCode::IM_A_TEAPOT,
                    set,
                    format!("{uri}\n{body}\n{json}\n{padding}{key}"),
                )
            },
        ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn outcome_of(suite: &str, stage: Stage) -> Outcome {
    run(Run {
        suite: Suite::parse("suite.yaml", suite).unwrap_or_else(|problems| panic!("{problems}")),
        stage,
        target: Target {
            base_url: Some(gossip().await),
            facts: BTreeMap::from([
                (
                    "image".to_owned(),
                    "registry.example.com/shop:1.2.0".to_owned(),
                ),
                (
                    "url".to_owned(),
                    format!("http://shop.example.com/?key={SECRET}"),
                ),
            ]),
            ..Target::default()
        },
        secrets: BTreeMap::from([("key".to_owned(), SECRET.to_owned())]),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(30),
    })
    .await
}

const LEAKY: &str = "version: 1
name: shop
secrets: { key: 'env:KEY' }
vars: { pass: open-sesame-123 }
defaults: { http: { retries: 0 } }
checks:
  - name: says everything
    http:
      method: POST
      url: '/a?token={{ pass }}'
      headers: { x-custom: '{{ key }}', authorization: 'Bearer {{ key }}' }
      query: { q: '{{ key }}', again: '{{ key }}', password: '{{ pass }}' }
      json: { user: bob, password: '{{ pass }}', key: '{{ key }}' }
    expect:
      - status: 200
      - header: { name: x-said, equals: '{{ key }}' }
      - header: { name: set-cookie, equals: 'sid={{ pass }}' }
      - body: { equals: 'x{{ key }}x' }
      - body: { matches: '^{{ key }}$' }
      - json: { path: $.password, equals: '{{ pass }}' }
  - name: in the path
    http: 'GET /a/{{ key }}?q={{ key }}&token={{ pass }}'
  - name: form
    http: { method: POST, url: /form, form: { key: '{{ key }}', secret: '{{ pass }}' } }
    expect: [{ status: 200 }, { json: { path: $.x, equals: 1 } }]
";

#[tokio::test]
async fn no_secret_is_in_the_report() {
    let outcome = outcome_of(LEAKY, Stage::PreTraffic).await;
    let texts = [
        json(&outcome.report),
        html(&outcome.report),
        outcome.verdict.reasons.join("\n"),
        format!("{:?}", outcome.report),
    ];
    for text in texts {
        for leak in [
            "hunter2",
            "correct horse",
            "correct%20horse",
            "correct+horse",
            "open-sesame",
            "very-private",
        ] {
            let at = text.find(leak);
            let around = at.map(|at| {
                text[text.floor_char_boundary(at.saturating_sub(80))..]
                    .chars()
                    .take(160)
                    .collect::<String>()
            });
            assert!(at.is_none(), "{leak}: {around:?}");
        }
        assert!(text.contains("***"));
    }
}

#[tokio::test]
async fn reasons_and_requests_stay_readable() {
    let outcome = outcome_of(LEAKY, Stage::PreTraffic).await;
    insta::assert_snapshot!(outcome.verdict.reasons.join("\n"), @r#"
    check "says everything" failed: expected status 200, got 418; expected header set-cookie equal to ***, got ***; expected body equal to "x***x", got "/a?token=***&q=***&again=***&password=***"user\":\"bob\",\"password\":\"***\",\"key\":\"***\"}\n{\"said\":\"***\"}\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…; expected body matching /^***$/, got "/a?token=***&q=***&again=***&password=***"us…
    check "form" failed: expected status 200, got 418; expected $.x in a JSON body, got a body that is not JSON: "/" at line 1, column 1, where a value is due
    check "in the path" errored: "/a/***?q=***&token=***" can't be asked for: '<' can't be sent as it is; write /a/***?q=***&token=***
    "#);
    let request = outcome.report.checks[0].rounds[0].tries[0]
        .request
        .clone()
        .unwrap();
    let request = request.replace(|c: char| c.is_ascii_digit(), "0");
    insta::assert_snapshot!(request.split_once("00/").unwrap().1, @"a?token=***&q=***&again=***&password=***");
}

#[test]
fn a_refusal_makes_a_report_too() {
    let facts = BTreeMap::from([("service".to_owned(), "shop".to_owned())]);
    let reasons =
        vec!["suite.yaml:3:1: unknown key \"chekcs\"; did you mean \"checks\"?".to_owned()];
    let outcome = Outcome::refused("shop", Stage::PreTraffic, facts, reasons.clone());
    assert!(!outcome.verdict.passed);
    assert_eq!(outcome.verdict.reasons, reasons);
    assert!(html(&outcome.report).contains("unknown key &#34;chekcs&#34;"));
    assert!(
        !Outcome::refused("", Stage::PostTraffic, BTreeMap::new(), Vec::new())
            .verdict
            .reasons
            .is_empty()
    );
}

#[test]
fn what_a_target_says_is_never_markup() {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>";
    let facts = BTreeMap::from([("image".to_owned(), evil.to_owned())]);
    let page =
        html(&Outcome::refused(evil, Stage::PreTraffic, facts, vec![evil.to_owned()]).report);
    assert!(!page.contains("<script") && !page.contains("<img"));
    // Nothing is loaded from anywhere.
    for asset in ["src=\"", "href=", "url(", "@import", "<link"] {
        assert!(!page.contains(asset), "{asset}");
    }
}

/// Every second check is advisory and fails.
fn numbered_check(number: usize) -> String {
    let (path, severity) = if number.is_multiple_of(2) {
        ("quiet", "required")
    } else {
        ("loud", "advisory")
    };
    format!(
        "  - name: check {number}
    severity: {severity}
    http: GET /{path}
    retries: 0
    expect: [{{ status: 200 }}, {{ body: {{ contains: ok }} }}]
"
    )
}

#[tokio::test]
async fn a_long_bake_of_many_checks_stays_small() {
    let checks: Vec<String> = (0..200).map(numbered_check).collect();
    let checks = checks.concat();
    let suite = format!(
        "version: 1\nname: many\nlimits: {{ concurrency: 100 }}\nchecks:\n{checks}traffic: {{ bake: 4s, every: 100ms }}\n"
    );
    let outcome = outcome_of(&suite, Stage::PostTraffic).await;
    assert!(
        outcome.verdict.passed,
        "{:?}",
        outcome.verdict.reasons.first()
    );
    for check in &outcome.report.checks {
        assert!(
            check.rounds.len() <= 12,
            "{}: {}",
            check.name,
            check.rounds.len()
        );
    }
    assert!(json(&outcome.report).len() < 4 * 1024 * 1024);
    assert!(html(&outcome.report).len() < 6 * 1024 * 1024);
}

#[tokio::test]
async fn the_page_is_complete() {
    let outcome = outcome_of(LEAKY, Stage::PreTraffic).await;
    let page = html(&outcome.report);
    for part in [
        "<html lang=\"en\">",
        "<main>",
        "<header>",
        "<footer>",
        "scope=\"row\"",
        "scope=\"col\"",
        "role=\"img\" aria-label=\"1 try, began after",
        "This release may not have traffic",
        "prefers-color-scheme",
        "Content-Security-Policy",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
