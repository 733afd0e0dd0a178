//! The `grpc` probe, against servers of HTTP/2 that the tests write frame by frame.

use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use super::server::*;
use super::*;

/// `shop.Orders` serves, `shop.Stock` does not, and `shop.Secret` shows one; no other is known.
async fn answer<S>(socket: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(mut connection) = h2::server::handshake(socket).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::spawn(async move {
            assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
            assert_eq!(request.headers()["content-type"], "application/grpc");
            let mut body = request.into_body();
            let mut asked = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                asked.extend_from_slice(&data);
            }
            let asked = String::from_utf8_lossy(&asked).into_owned();
            let is = |name: &str| asked.ends_with(name);
            let (status, code, message) = match () {
                () if is("shop.Orders") || asked.len() == 5 => {
                    (200, "0", vec![0, 0, 0, 0, 2, 8, 1])
                }
                () if is("shop.Stock") => (200, "0", vec![0, 0, 0, 0, 2, 8, 2]),
                () if is("shop.Old") => (200, "12", vec![]),
                () if is("shop.Broken") => (503, "", vec![]),
                () if is("shop.Garbage") => (200, "0", vec![0xff; 9]),
                () if is("shop.Flood") => (200, "0", vec![0; 60_000]),
                () if is("shop.Secret") => (200, "13", vec![]),
                () => (200, "5", vec![]),
            };
            let head = Response::builder()
                .status(status)
                .header("content-type", "application/grpc")
                .header("x-version", "1.2.0");
            let mut stream = respond
                .send_response(head.body(()).unwrap(), false)
                .unwrap();
            if !message.is_empty() {
                stream.send_data(Bytes::from(message), false).ok();
            }
            let mut trailers = HeaderMap::new();
            if !code.is_empty() {
                trailers.insert("grpc-status", code.parse().unwrap());
                trailers.insert("grpc-message", "PLANTED-SECRET".parse().unwrap());
            }
            stream.send_trailers(trailers).ok();
        });
    }
}

async fn plain() -> Url {
    serving(answer).await
}

/// By TLS, with these protocols.
async fn secured(protocols: &'static [&'static [u8]]) -> Url {
    let base = serving(move |socket| async move {
        if let Ok(socket) = secure::acceptor(protocols).accept(socket).await {
            answer(socket).await;
        }
    })
    .await;
    base.as_str().replace("http:", "https:").parse().unwrap()
}

#[tokio::test]
async fn a_service_that_serves_passes() {
    let base = plain().await;
    for check in [
        "grpc: {}",
        "grpc: shop.Orders",
        "grpc: { service: shop.Orders, headers: { authorization: Bearer x } }, expect: [{ latency: '< 2s' }, { header: { name: x-version, equals: 1.2.0 } }]",
    ] {
        let outcome = checked(&base, Stage::PreTraffic, check, "").await;
        assert!(outcome.verdict.passed, "{check}: {}", summary(&outcome));
    }
    let trusted =
        "host: shop.example.internal\nsecrets: { ca: 'ssm:/ca' }\nca_certificates: '{{ ca }}'";
    let summary = summary_of(&secured(&[b"h2"]).await, "grpc: shop.Orders", trusted).await;
    assert!(summary.starts_with("passed"), "{summary}");
    let summary = summary_of(&secured(&[]).await, "grpc: shop.Orders", trusted).await;
    assert!(
        summary.contains("does not offer HTTP/2, which gRPC needs"),
        "{summary}"
    );
}

#[tokio::test]
async fn what_does_not_serve_fails_and_the_reason_says_how() {
    let base = plain().await;
    let mut reasons = String::new();
    for service in ["Stock", "Typo", "Old", "Broken", "Garbage", "Flood"] {
        let outcome = checked(
            &base,
            Stage::PreTraffic,
            &format!("grpc: shop.{service}"),
            "",
        )
        .await;
        assert!(!outcome.verdict.passed);
        reasons.push_str(&outcome.verdict.reasons.concat());
        reasons.push('\n');
    }
    insta::assert_snapshot!(reasons, @r#"
    check "it" failed: expected health of shop.Stock SERVING, got NOT_SERVING
    check "it" failed: expected health of shop.Typo SERVING, got NOT_FOUND: the server does not know this service
    check "it" failed: expected health of shop.Old SERVING, got UNIMPLEMENTED: the server has no health service (grpc.health.v1)
    check "it" failed: expected health of shop.Broken SERVING, got an answer with the HTTP status 503
    check "it" failed: expected health of shop.Garbage SERVING, got a message that is no answer about health
    check "it" failed: more than 16 KiB came, which is no answer about health
    "#);
    let check = "timeout: 10s, grpc: {}";
    let quick = "timeout: 500ms, grpc: {}";
    insta::assert_snapshot!(summary_of(&refusing(), check, "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: Connection refused (os error 111)
    "#);
    insta::assert_snapshot!(summary_of(&silent().await, quick, "").await, @r#"
    failed
    check "it" failed: no complete answer within 500ms
    "#);
    for base in [resetting().await, flooding().await, garbling().await] {
        let summary = summary_of(&base, check, "").await;
        assert!(summary.contains("failed: no "), "{summary}");
    }
}

#[tokio::test]
async fn another_place_is_refused_before_traffic_and_secrets_are_masked() {
    let base = plain().await;
    let summary = summary_of(&base, "grpc: { url: 'https://orders.example.com' }", "").await;
    assert!(
        summary.contains("nothing says that orders.example.com:443 is the release under test"),
        "{summary}"
    );
    let hidden = "secrets: { hidden: 'ssm:/x' }";
    for check in ["grpc: shop.Secret", "grpc: '{{ hidden }}'"] {
        let outcome = checked(&base, Stage::PreTraffic, check, hidden).await;
        assert!(!outcome.verdict.passed && is_masked(&outcome));
    }
}
