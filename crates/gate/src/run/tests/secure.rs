//! TLS: a private certificate authority can be named, and the reason says how where it is not; and
//! HTTP/2, which is spoken over it.

use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

pub(super) const CA: &str = include_str!("../../../tests/tls/ca.pem");

/// What a server needs whose certificate for `shop.example.internal` is signed by [`CA`].
pub(super) fn acceptor(protocols: &[&[u8]]) -> TlsAcceptor {
    accepting(protocols, rustls::ALL_VERSIONS)
}

pub(super) fn only_tls_1_2() -> TlsAcceptor {
    accepting(&[], &[&rustls::version::TLS12])
}

fn accepting(
    protocols: &[&[u8]],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(include_bytes!("../../../tests/tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../tests/tls/server.key"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain.unwrap()], key.unwrap())
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

pub(super) async fn private() -> Url {
    let acceptor = acceptor(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut socket) = acceptor.accept(socket).await else {
                    return;
                };
                let mut request = [0; 4096];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if socket.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url.parse().unwrap()
}

/// Speaks HTTP/2; refuses the streams of its first connection, unseen.
async fn refusing_once(asked: Arc<Mutex<Vec<String>>>) -> Url {
    let acceptor = acceptor(&[b"h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut first = true;
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
            let refuses = std::mem::take(&mut first);
            tokio::spawn(async move {
                let socket = acceptor.accept(socket).await.unwrap();
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let path = request.uri().path_and_query().unwrap().to_string();
                    asked
                        .lock()
                        .unwrap()
                        .push(format!("{} {path}", request.method()));
                    if refuses {
                        respond.send_reset(h2::Reason::REFUSED_STREAM);
                    } else {
                        let answer = http::Response::builder().status(204).body(());
                        respond.send_response(answer.unwrap(), true).unwrap();
                    }
                }
            });
        }
    });
    url.parse().unwrap()
}

#[tokio::test]
async fn what_http_2_refused_unseen_is_asked_once_more() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let shop = Shop::open().await;
    let check = "  - { name: it, http: 'POST /a/../%2e//b?', retries: 0 }";
    let mut trial = Trial::of(&shop, check);
    trial.base_url = refusing_once(Arc::clone(&asked)).await;
    let lines =
        "host: shop.example.internal\nsecrets: { ca: 'ssm:/ca' }\nca_certificates: '{{ ca }}'";
    let outcome = trial.with(lines).secret("ca", CA).run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    assert_eq!(
        *asked.lock().unwrap(),
        ["POST /a/../%2e//b?", "POST /a/../%2e//b?"]
    );
}

async fn ask(lines: &str, secret: Option<&str>) -> String {
    let shop = Shop::open().await;
    let checks = "  - { name: it, http: GET /health, retries: 0 }";
    let mut trial = Trial::of(&shop, checks);
    trial.base_url = private().await;
    let trial = trial.with("host: shop.example.internal").with(lines);
    let trial = match secret {
        Some(secret) => trial.secret("ca", secret),
        None => trial,
    };
    summary(&trial.run().await)
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted_and_the_reason_says_what_to_do() {
    let text = ask("", None).await;
    assert!(text.contains("invalid peer certificate: UnknownIssuer; if a private certificate authority has signed it, name that one in `ca_certificates:` of the suite"), "{text}");
}

#[tokio::test]
async fn an_authority_is_trusted_that_the_suite_names() {
    let inline: Vec<String> = CA.lines().map(|line| format!("  {line}\n")).collect();
    let text = ask(&format!("ca_certificates: |\n{}", inline.concat()), None).await;
    assert!(text.starts_with("passed"), "{text}");
    let by_secret = "secrets: { ca: 'ssm:/shop/ca' }\nca_certificates: ['{{ ca }}']";
    let text = ask(by_secret, Some(CA)).await;
    assert!(text.starts_with("passed"), "{text}");
    let text = ask(by_secret, Some("nonsense")).await;
    assert!(
        text.contains("errored: a certificate authority can't be trusted: it has no certificate"),
        "{text}"
    );
    let text = ask(by_secret, None).await;
    assert!(
        text.contains(
            "ca_certificates: the variable, secret or capture \"ca\" has no value in this run"
        ),
        "{text}"
    );
}

#[test]
fn what_is_no_certificate_is_refused_when_the_suite_is_loaded() {
    let summary = |pem: &str| {
        let text = format!(
            "version: 1\nname: s\nca_certificates: {pem}\nchecks: [{{ name: a, http: GET / }}]"
        );
        Suite::parse("s", &text).unwrap_err().to_string()
    };
    insta::assert_snapshot!(summary("shop-ca.pem"), @"s:3:18: ca_certificates: it has no certificate: -----BEGIN CERTIFICATE----- is missing; write a certificate as PEM (-----BEGIN CERTIFICATE-----), or a reference to a secret that holds it");
}
