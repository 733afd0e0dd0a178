//! Browsers of `AgentCore` as gates use them: a session over a real Chromium, let in by its signature, and stopped whatever
//! ends the run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use common::aws::Aws;
use gate::browsers::Browsers;
use gate::{HttpOptions, Outcome, Run, Stage, Suite, Target};
use hook::browsers::{AgentCore, BrowserId};
use local_aws::{Server, WorldOptions};
use tokio::time::{Instant, sleep};

const PAGE: &str = "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Shop</title><link rel=icon href='data:,'><main><h1>Shop</h1></main>";

async fn server(name: &str) -> Server {
    let folder = format!("local-aws-agentcore-{name}-{}", std::process::id());
    let options = WorldOptions {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        upstream: "http://127.0.0.1:1".parse().unwrap(),
        data_dir: std::env::temp_dir().join(folder),
        images: BTreeMap::from([("chromium".to_owned(), test_support::chromium::program())]),
    };
    Server::start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap()
}

fn aws(server: &Server, secret: &str) -> Arc<Aws> {
    let base = Aws::new(&|name| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ENDPOINT_URL" => Some(format!("http://{}", server.address())),
        _ => None,
    });
    let credentials = Credentials::new("AKID", secret, Some("TOKEN".to_owned()), None, "test");
    let config: SdkConfig = base
        .config()
        .to_builder()
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Arc::new(Aws::from_config(config))
}

fn browsers(aws: Arc<Aws>, time: Duration) -> Arc<AgentCore> {
    let id = BrowserId::parse("aws.browser.v1").unwrap();
    Arc::new(AgentCore::new(aws, id, Instant::now() + time))
}

#[allow(clippy::similar_names, reason = "short in a test")]
async fn run(browsers: Arc<AgentCore>, checks: &str, time: Duration) -> Outcome {
    let site = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let base = format!("http://{}", site.local_addr().unwrap());
    let router = Router::new().route("/", get(|| async { Html(PAGE) }));
    tokio::spawn(async move { axum::serve(site, router).await });
    let suite = format!("version: 1\nname: shop\nchecks:\n{checks}");
    gate::run(Run {
        suite: Suite::parse("suite.yaml", &suite).unwrap_or_else(|p| panic!("{p}")),
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(base.parse().unwrap()),
            ..Target::default()
        },
        secrets: BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: None,
        browsers: Some(browsers),
        memory: None,
        deadline: Instant::now() + time,
    })
    .await
}

fn statuses(server: &Server) -> Vec<String> {
    let sessions = server.world().agentcore.sessions();
    let statuses = sessions
        .iter()
        .map(|it| it["status"].as_str().unwrap().to_owned());
    statuses.collect()
}

/// Waits until no session goes on.
async fn all_end(server: &Server, count: usize) {
    for _ in 0..200 {
        let statuses = statuses(server);
        if statuses.len() == count && statuses.iter().all(|status| status == "TERMINATED") {
            return;
        }
        sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", server.world().agentcore.sessions());
}

const TWO: &str = "  - { name: one, browser: { screens: [desktop], steps: [{ go: / }, { expect: [{ title: Shop }] }] } }
  - { name: two, browser: { screens: [phone], steps: [{ go: / }, { expect: [{ text: Shop }] }] } }
";
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn checks_share_sessions_which_end_with_the_run() {
    let server = server("share").await;
    let browsers = browsers(aws(&server, "test"), MINUTE);
    let outcome = run(browsers.clone(), TWO, MINUTE).await;
    assert!(outcome.verdict.passed, "{:?}", outcome.verdict.reasons);
    let open = statuses(&server);
    assert!(open.iter().all(|status| status == "READY"), "{open:?}");
    // One that was used is used again.
    let outcome = run(browsers.clone(), TWO, MINUTE).await;
    assert!(outcome.verdict.passed, "{:?}", outcome.verdict.reasons);
    assert_eq!(statuses(&server).len(), open.len());
    browsers.close().await;
    all_end(&server, open.len()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_a_run_that_is_cut_or_dropped() {
    let server = server("cut").await;
    let slow = "  - { name: one, browser: { step_timeout: 50s, steps: [{ go: / }, { wait_for: { css: '#never' } }] } }\n";
    let cut = browsers(aws(&server, "test"), MINUTE);
    let begun = Instant::now();
    let outcome = run(cut, slow, Duration::from_secs(5)).await;
    assert!(!outcome.verdict.passed && begun.elapsed() < Duration::from_secs(30));
    // Nobody closes it.
    all_end(&server, 1).await;
    // Given up while the session is being started.
    let dropped = browsers(aws(&server, "test"), MINUTE);
    drop(tokio::time::timeout(Duration::from_millis(1), dropped.open(&[])).await);
    drop(dropped);
    sleep(Duration::from_millis(500)).await;
    let sessions = server.world().agentcore.sessions().len();
    all_end(&server, sessions).await;
    // AWS ends it by itself, a little after the run must have ended.
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_right_signature_is_let_in() {
    let server = server("signature").await;
    let browsers = browsers(aws(&server, "wrong"), MINUTE);
    let one =
        "  - { name: one, retries: 0, browser: { screens: [desktop], steps: [{ go: / }] } }\n";
    let outcome = run(browsers.clone(), one, MINUTE).await;
    let why = outcome.verdict.reasons.join("; ");
    assert_eq!(outcome.report.checks[0].strip, "E", "{why}");
    assert!(
        why.contains("the handshake is answered with status 403"),
        "{why}"
    );
    browsers.close().await;
    all_end(&server, 1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_agentcore_refuses_the_check_is_errored_and_says_why() {
    let server = server("refuses").await;
    let fault = serde_json::json!({ "service": "bedrock-agentcore", "operation": "StartBrowserSession",
        "code": "AccessDeniedException", "status": 403, "message": "no" });
    let client = reqwest::Client::new();
    let at = format!("http://{}/_local/faults", server.address());
    let ordered = client.post(at).json(&fault).send().await.unwrap();
    assert!(
        ordered.status().is_success(),
        "{}",
        ordered.text().await.unwrap()
    );
    let browsers = browsers(aws(&server, "test"), MINUTE);
    let one =
        "  - { name: one, retries: 0, browser: { screens: [desktop], steps: [{ go: / }] } }\n";
    let outcome = run(browsers, one, MINUTE).await;
    let why = outcome.verdict.reasons.join("; ");
    assert_eq!(outcome.report.checks[0].strip, "E", "{why}");
    assert!(
        why.contains("bedrock-agentcore:StartBrowserSession"),
        "{why}"
    );
    assert!(server.world().agentcore.sessions().is_empty());
    server.stop().await;
}
