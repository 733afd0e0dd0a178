//! The `tcp` probe.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::*;
use super::*;

/// Greets, and answers PING with PONG, in pieces.
async fn talking() -> Url {
    serving(|mut socket| async move {
        socket.write_all(b"220 shop ready\r\n").await.ok();
        let mut bytes = [0; 100];
        while let Ok(count @ 1..) = socket.read(&mut bytes).await {
            if bytes[..count].starts_with(b"PING") {
                socket.write_all(b"+PO").await.ok();
                tokio::time::sleep(Duration::from_millis(30)).await;
                socket.write_all(b"NG\r\n").await.ok();
            } else {
                socket.write_all(&bytes[..count]).await.ok();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_and_what_comes_over_it_pass() {
    let base = talking().await;
    for check in [
        "tcp: {}",
        "tcp: {}, expect: [{ latency: '< 2s' }]",
        "tcp: { receives: { contains: '220 shop' } }",
        "tcp: { send: \"PING\\r\\n\", receives: { contains: +PONG, matches: '^220' } }",
    ] {
        let outcome = checked(&base, Stage::PreTraffic, check, "").await;
        assert!(outcome.verdict.passed, "{check}: {}", summary(&outcome));
        let one = &outcome.report.checks[0].rounds[0].tries[0];
        assert!(one.latency_ms.is_some() && one.body_excerpt.is_none());
    }
}

#[tokio::test]
async fn what_misbehaves_fails_and_the_reason_says_how() {
    let receives = "timeout: 10s, tcp: { send: hello, receives: { contains: PONG } }";
    insta::assert_snapshot!(summary_of(&refusing(), "tcp: {}", "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: Connection refused (os error 111)
    "#);
    insta::assert_snapshot!(summary_of(&silent().await, &receives.replace("10s", "300ms"), "").await, @r#"
    failed
    check "it" failed: no complete answer within 300ms
    "#);
    insta::assert_snapshot!(summary_of(&resetting().await, receives, "").await, @r#"
    failed
    check "it" failed: the connection to 127.0.0.1:PORT broke off: Connection reset by peer (os error 104)
    "#);
    let flooded = summary_of(&flooding().await, receives, "").await;
    assert!(
        flooded.starts_with(
            "failed\ncheck \"it\" failed: expected what was received containing \"PONG\", got "
        ),
        "{flooded}"
    );
    let garbled = summary_of(&garbling().await, receives, "").await;
    assert!(
        garbled.contains("failed: expected what was received containing"),
        "{garbled}"
    );
}

#[tokio::test]
async fn a_server_that_closes_early_is_said_to() {
    let base = serving(|mut socket| async move {
        socket.write_all(b"bye").await.ok();
    })
    .await;
    let outcome = checked(
        &base,
        Stage::PreTraffic,
        "tcp: { receives: { contains: PONG } }",
        "",
    )
    .await;
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert_eq!(
        one.notes,
        ["the other side closed the connection after 3 bytes"]
    );
    assert_eq!(one.body_excerpt.as_deref(), Some("bye"));
}

#[tokio::test]
async fn before_traffic_only_the_release_is_connected_to() {
    let (base, other) = (talking().await, talking().await);
    let port = other.port().unwrap();
    let check = format!("tcp: {{ host: 127.0.0.1, port: {port} }}");
    let refused = summary_of(&base, &check, "")
        .await
        .replace(&port.to_string(), "OTHER");
    insta::assert_snapshot!(refused, @r#"
    failed
    check "it" (line 5): nothing says that 127.0.0.1:OTHER is the release under test, which answers at http://127.0.0.1:PORT; before traffic, and while an earlier release serves customers, only the release counts: leave out `host` and `port`, or write `reaches_release: true` if it leads to the version under test, or `reaches_release: false` if another place is meant; or `on: post-traffic`
    "#);
    // Said to be the release, it counts; said to be another place, it alone makes no pass.
    let stated =
        |word| format!("tcp: {{ host: 127.0.0.1, port: {port}, reaches_release: {word} }}");
    let summary = summary_of(&base, &stated("true"), "").await;
    assert!(summary.starts_with("passed"), "{summary}");
    let summary = summary_of(&base, &stated("false"), "").await;
    assert!(
        summary.contains("nothing required measures the release"),
        "{summary}"
    );
    let after = checked(&base, Stage::PostTraffic, &check, "").await;
    assert!(after.verdict.passed);
    // A name of the release leads to its address.
    let own = base.port().unwrap();
    let named = format!("tcp: {{ host: shop.example.com, port: {own} }}");
    let summary = summary_of(&base, &named, "host: shop.example.com").await;
    assert!(summary.starts_with("passed"), "{summary}");
}

#[tokio::test]
async fn where_two_revisions_answer_nobody_knows_whose_connection_it_is() {
    let base = talking().await;
    let text = "version: 1\nname: s\nrevision: { header: { name: x-version, equals: v } }\nchecks: [{ name: it, retries: 0, tcp: {} }]";
    let outcome = run(Run {
        suite: Suite::parse("s", text).unwrap(),
        stage: Stage::PostTraffic,
        target: Target {
            base_url: Some(base),
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
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "it" was inconclusive: two revisions answer at this address, and what `tcp` sees does not say which one it was; measure it before traffic, or when all traffic has moved
    "#);
}

#[tokio::test]
async fn what_is_sent_and_what_comes_is_masked() {
    let base = talking().await;
    let check =
        "timeout: 300ms, tcp: { send: 'x {{ hidden }}', receives: { contains: '{{ hidden }}!' } }";
    let hidden = "secrets: { hidden: 'ssm:/x' }";
    let outcome = checked(&base, Stage::PreTraffic, check, hidden).await;
    assert!(!outcome.verdict.passed && is_masked(&outcome));
    let check = "tcp: { host: '{{ hidden }}', port: 1, reaches_release: true }";
    let outcome = checked(&base, Stage::PreTraffic, check, hidden).await;
    assert!(
        !outcome.verdict.passed && is_masked(&outcome),
        "{}",
        summary(&outcome)
    );
}

#[tokio::test]
async fn what_came_before_the_time_was_over_is_noted() {
    let base = talking().await;
    let check = "timeout: 2s, tcp: { receives: { contains: 250 } }";
    let outcome = checked(&base, Stage::PreTraffic, check, "").await;
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert_eq!(one.notes.len(), 1);
    assert!(
        one.notes[0].starts_with("received so far: 220 shop ready"),
        "{:?}",
        one.notes
    );
}
