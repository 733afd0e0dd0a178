//! The `websocket` probe.

use futures::{SinkExt, StreamExt};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::server::*;
use super::*;

/// Greets, echoes, and answers `order` with JSON, after something else.
async fn talking() -> Url {
    serving(|socket| async move {
        let Ok(mut socket) = accept_async(socket).await else {
            return;
        };
        socket.send(Message::text("welcome")).await.ok();
        while let Some(Ok(message)) = socket.next().await {
            let Ok(text) = message.to_text() else { return };
            let answer = match text {
                "order" => r#"{"state":"open","book":7}"#.to_owned(),
                "bye" => return,
                "flood" => loop {
                    if socket.send(Message::text("x".repeat(9_000))).await.is_err() {
                        return;
                    }
                },
                "huge" => "x".repeat(300_000),
                other => other.to_owned(),
            };
            socket.send(Message::text("noise")).await.ok();
            socket.send(Message::text(answer)).await.ok();
        }
    })
    .await
}

#[tokio::test]
async fn a_handshake_and_a_message_pass() {
    let base = talking().await;
    let open =
        "receives: { contains: state } }, expect: [{ json: { path: $.state, equals: open } }]";
    for check in [
        "websocket: /live".to_owned(),
        "websocket: { receives: { equals: welcome } }".to_owned(),
        format!("websocket: {{ url: /live, send: order, {open}"),
        "websocket: { send: x }, expect: [{ body: { equals: welcome } }, { latency: '< 2s' }, { header: { name: upgrade, equals: websocket } }]".to_owned(),
    ] {
        let outcome = checked(&base, Stage::PreTraffic, &check, "").await;
        assert!(outcome.verdict.passed, "{check}: {}", summary(&outcome));
        assert_eq!(outcome.report.checks[0].rounds[0].tries[0].status, Some(101));
    }
    let url = base.as_str().replace("http:", "ws:");
    let summary = summary_of(&base, &format!("websocket: '{url}live'"), "").await;
    assert!(summary.starts_with("passed"), "{summary}");
}

#[tokio::test]
async fn what_misbehaves_fails_and_the_reason_says_how() {
    let check = "timeout: 10s, websocket: { send: hello, receives: { contains: PONG } }";
    let quick = check.replace("10s", "500ms");
    insta::assert_snapshot!(summary_of(&refusing(), check, "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: Connection refused (os error 111)
    "#);
    insta::assert_snapshot!(summary_of(&silent().await, &quick, "").await, @r#"
    failed
    check "it" failed: no complete answer within 500ms
    "#);
    insta::assert_snapshot!(summary_of(&resetting().await, check, "").await, @r#"
    failed
    check "it" failed: the connection to 127.0.0.1:PORT broke off: Connection reset by peer (os error 104)
    "#);
    insta::assert_snapshot!(summary_of(&garbling().await, check, "").await, @r#"
    failed
    check "it" failed: 127.0.0.1:PORT does not speak WebSocket: WebSocket protocol error: httparse error: invalid HTTP version
    "#);
    let flooded = summary_of(&flooding().await, &quick, "").await;
    assert!(
        flooded.contains("does not speak WebSocket") || flooded.contains("no complete answer"),
        "{flooded}"
    );
    let shop = Shop::open().await;
    let summary = summary_of(&shop.url, "websocket: /health", "").await;
    insta::assert_snapshot!(summary, @r#"
    failed
    check "it" failed: 127.0.0.1:PORT answers the handshake with status 404, and not with 101
    "#);
    let base = talking().await;
    insta::assert_snapshot!(summary_of(&base, &quick, "").await, @r#"
    failed
    check "it" failed: no complete answer within 500ms
    "#);
    let patient = check.replace("10s", "3s");
    let outcome = checked(&base, Stage::PreTraffic, &patient, "").await;
    assert_eq!(
        outcome.report.checks[0].rounds[0].tries[0].notes,
        ["not what is waited for: hello"]
    );
    let with = |send: &str| {
        format!("timeout: 10s, websocket: {{ send: {send}, receives: {{ contains: PONG }} }}")
    };
    insta::assert_snapshot!(summary_of(&base, &with("bye"), "").await, @r#"
    failed
    check "it" failed: expected a message containing "PONG", got "welcome"
    "#);
    insta::assert_snapshot!(summary_of(&base, &with("huge"), "").await, @r#"
    failed
    check "it" errored: a message from 127.0.0.1:PORT is longer than 256 KiB, which is as much as is read
    "#);
    let flood = checked(&base, Stage::PreTraffic, &with("flood"), "").await;
    assert!(!flood.verdict.passed);
    let notes = flood.report.checks[0].rounds[0].tries[0].notes.concat();
    assert!(
        notes.contains("no more than 1000, or 4 MiB, are"),
        "{notes}"
    );
}

#[tokio::test]
async fn another_place_is_refused_before_traffic_and_secrets_are_masked() {
    let base = talking().await;
    let summary = summary_of(&base, "websocket: 'wss://live.example.com/x'", "").await;
    assert!(
        summary.contains("nothing says that live.example.com:443 is the release under test"),
        "{summary}"
    );
    let hidden = "secrets: { hidden: 'ssm:/x' }";
    let check = "timeout: 500ms, websocket: { url: '/{{ hidden }}', send: '{{ hidden }}', receives: { equals: '{{ hidden }}!' } }";
    let outcome = checked(&base, Stage::PreTraffic, check, hidden).await;
    assert!(!outcome.verdict.passed && is_masked(&outcome));
}
