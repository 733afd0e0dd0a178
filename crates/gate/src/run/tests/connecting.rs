//! How connections are made where a check says so: the version of HTTP, the family of the address, the certificate
//! that the gate shows.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::secure::{CA, acceptor};
use super::wire::{Wire, reply};
use super::*;
use crate::cloud::{Alarm, CloudError, CloudProbes, SigningRequest};

const CERTIFICATE: &str = include_str!("../../../tests/tls/client.pem");
const KEY: &str = include_str!("../../../tests/tls/client.key");
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Serves HTTP/1.1 over TLS, and notes what TLS agreed on.
async fn over_tls(acceptor: TlsAcceptor, agreed: Arc<Mutex<Vec<String>>>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, agreed) = (acceptor.clone(), Arc::clone(&agreed));
            tokio::spawn(async move {
                let Ok(mut socket) = acceptor.accept(socket).await else {
                    return;
                };
                let protocol = socket.get_ref().1.alpn_protocol().unwrap_or(b"none");
                let protocol = String::from_utf8(protocol.to_vec()).unwrap();
                agreed.lock().unwrap().push(protocol);
                let mut request = [0; 4096];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
                    if socket.write_all(OK).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url.parse().unwrap()
}

/// TLS that wants a certificate which [`CERTIFICATE`] has signed: that one.
fn wanting_a_certificate() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let client = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    roots.add(client).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let chain = CertificateDer::from_pem_slice(include_bytes!("../../../tests/tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../tests/tls/server.key"));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![chain.unwrap()], key.unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn outcome(base: Url, request: &str, secrets: &[(&str, &str)]) -> Outcome {
    let shop = Shop::open().await;
    let check = format!("  - {{ name: it, retries: 0, http: {{ url: /version, {request} }} }}");
    let mut trial = Trial::of(&shop, &check);
    trial.base_url = base;
    let mut trial = trial
        .with("host: shop.example.internal\nca_certificates: '{{ ca }}'")
        .with("secrets: { ca: 'ssm:/ca', key: 'ssm:/key', certificate: 'ssm:/certificate' }")
        .secret("ca", CA);
    for (name, value) in secrets {
        trial = trial.secret(name, value);
    }
    trial.run().await
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_is_shown_one() {
    let agreed = Arc::default();
    let base = over_tls(wanting_a_certificate(), agreed).await;
    let shown = "client_certificate: { certificate: '{{ certificate }}', key: '{{ key }}' }";
    let pair = [("certificate", CERTIFICATE), ("key", KEY)];
    let with = outcome(base.clone(), shown, &pair).await;
    assert!(with.verdict.passed, "{}", summary(&with));
    let key = KEY.lines().nth(1).unwrap();
    assert!(!format!("{with:?}").contains(key));

    let without = outcome(base.clone(), "method: GET", &pair).await;
    let text = summary(&without);
    assert!(
        text.starts_with("failed") && text.contains("CertificateRequired"),
        "{text}"
    );

    let damaged = KEY.replace(key, &key[1..]);
    let wrong = [("certificate", CERTIFICATE), ("key", damaged.as_str())];
    let wrong = outcome(base.clone(), shown, &wrong).await;
    let text = summary(&wrong);
    assert!(text.contains("errored: client_certificate: "), "{text}");
    assert!(
        !text.contains(&key[1..]) && !text.contains(&key[8..24]),
        "{text}"
    );

    let swapped = [("certificate", KEY), ("key", CERTIFICATE)];
    let text = summary(&outcome(base, shown, &swapped).await);
    assert!(
        text.contains("client_certificate: it has no certificate"),
        "{text}"
    );
    assert!(!text.contains(&key[8..24]), "{text}");
}

#[tokio::test]
async fn the_version_of_http_is_the_one_that_is_asked_for() {
    let agreed: Arc<Mutex<Vec<String>>> = Arc::default();
    let base = over_tls(acceptor(&[b"h2", b"http/1.1"]), Arc::clone(&agreed)).await;
    let old = outcome(base.clone(), "http_version: 1.1", &[]).await;
    assert!(old.verdict.passed, "{}", summary(&old));
    // This server agrees on HTTP/2, and does not speak it.
    let new = outcome(base, "http_version: 2", &[]).await;
    assert!(!new.verdict.passed);
    assert_eq!(agreed.lock().unwrap()[..2], ["none", "h2"]);
}

#[tokio::test]
async fn http_2_is_spoken_without_tls_where_it_is_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut connection) = h2::server::handshake(socket).await else {
                    return;
                };
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let answer = http::Response::builder().status(204).body(());
                    let _ = respond.send_response(answer.unwrap(), true);
                }
            });
        }
    });
    let new = outcome(base.clone(), "http_version: 2", &[]).await;
    assert!(new.verdict.passed, "{}", summary(&new));
    let old = outcome(base, "http_version: 1.1", &[]).await;
    assert!(!old.verdict.passed, "{}", summary(&old));
}

#[tokio::test]
async fn an_address_of_the_other_family_is_not_taken() {
    let shop = Shop::open().await;
    let v4 = outcome(shop.url.clone(), "ip_version: 4", &[]).await;
    assert!(v4.verdict.passed, "{}", summary(&v4));
    let v6 = outcome(shop.url.clone(), "ip_version: 6", &[]).await;
    let text = summary(&v6);
    assert!(
        text.starts_with("failed") && text.contains("\"127.0.0.1\" has no address of IPv6"),
        "{text}"
    );
}

#[test]
fn what_a_suite_says_wrong_of_its_connections_is_refused() {
    let refused = |request: &str| {
        let text = format!(
            "version: 1\nname: s\nchecks: [{{ name: a, http: {{ url: 'http://a.example/', {request} }} }}]"
        );
        Suite::parse("s", &text).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("http_version: 3"), @r#"s:3:69: http_version: "3" is not spoken here; write 1.1 or 2; without the key TLS agrees on one"#);
    insta::assert_snapshot!(refused("ip_version: six"), @r#"s:3:67: ip_version: "six" is no version of IP; write 4 or 6"#);
    insta::assert_snapshot!(refused("follow_redirects: true, aws_sigv4: { service: Execute API }"), @r#"
    s:3:90: aws_sigv4: a signature is good for one URL, and not for that of a redirect; remove follow_redirects
    s:3:101: service: "Execute API" is not such a name; write it as AWS does: execute-api, lambda, s3; eu-central-1
    "#);
    insta::assert_snapshot!(refused("follow_redirects: true, aws_sigv4: { service: s3 }, basic: { user: a, password: '{{ p }}' }"), @"
    s:3:90: aws_sigv4 and basic both set the header authorization; remove one of them
    s:3:90: aws_sigv4: a signature is good for one URL, and not for that of a redirect; remove follow_redirects
    s:3:135: {{ p }} refers to nothing; declare it under vars or secrets
    ");
    insta::assert_snapshot!(refused("client_certificate: { certificate: nonsense, key: secret-key }"), @r#"
    s:3:75: client_certificate: is shown over TLS only, and the URL is http; write an https URL
    s:3:90: client_certificate: it has no certificate: -----BEGIN CERTIFICATE----- is missing; write a certificate as PEM (-----BEGIN CERTIFICATE-----), its chain after it
    s:3:105: the key of `client_certificate` stands in the suite; declare it under `secrets`, and refer to it: "{{ client_key }}"
    "#);
}

#[test]
fn a_key_that_is_no_secret_is_refused() {
    let text = "version: 1\nname: s\nvars: { k: nonsense }\nsecrets: { c: 'ssm:/c' }\n\
        checks: [{ name: a, http: { url: /, client_certificate: { certificate: '{{ c }}', key: '{{ k }}' } } }]";
    let problems = Suite::parse("s", text).unwrap_err().to_string();
    insta::assert_snapshot!(problems, @r#"s:5:88: the key of `client_certificate` stands in the suite; declare it under `secrets`, and refer to it: "{{ client_key }}""#);
}

/// Signs by counting what it was given to sign.
#[derive(Debug)]
struct Signer;

impl CloudProbes for Signer {
    fn alarms<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn sign<'a>(
        &'a self,
        request: &'a SigningRequest,
    ) -> BoxFuture<'a, Result<Vec<(String, String)>, CloudError>> {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let SigningRequest {
            service,
            region,
            method,
            body,
            headers,
            ..
        } = request;
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let signed = format!("AWS4 {service} {region:?} {method} {body:?} {names:?}");
        async move {
            Ok(vec![
                header("authorization", signed),
                header("x-amz-security-token", "PLANTED-TOKEN".to_owned()),
            ])
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_request_is_signed_with_what_is_sent() {
    let wire = Wire::open(|_| Some(reply("200 OK", &[], b"{}"))).await;
    let shop = Shop::open().await;
    let check = "  - name: it
    retries: 0
    http: { method: POST, url: '/a?b=1', json: {}, headers: { x-plain: no, x-amz-meta: yes }, aws_sigv4: { service: execute-api, region: eu-west-1 } }";
    let mut trial = Trial::of(&shop, check);
    trial.base_url = wire.url.clone();
    trial.cloud = Some(Arc::new(Signer));
    let outcome = trial.run().await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let asked = wire.asked();
    assert_eq!(
        asked[0].header("authorization"),
        Some(r#"AWS4 execute-api Some("eu-west-1") POST b"{}" ["content-type", "x-amz-meta"]"#)
    );
    assert_eq!(
        asked[0].header("x-amz-security-token"),
        Some("PLANTED-TOKEN")
    );
}

#[tokio::test]
async fn a_target_that_shows_what_it_was_sent_shows_no_token() {
    let body =
        b"X-Amz-Security-Token: PLANTED-TOKEN\nAuthorization: AWS4-HMAC-SHA256 PLANTED-TOKEN\n";
    let wire = Wire::open(|_| Some(reply("500 Oh", &[], body))).await;
    let shop = Shop::open().await;
    let check = "  - { name: it, retries: 0, http: { url: /, aws_sigv4: { service: lambda } }, expect: [{ body: { contains: fine } }] }";
    let mut trial = Trial::of(&shop, check);
    trial.base_url = wire.url.clone();
    trial.cloud = Some(Arc::new(Signer));
    let outcome = trial.run().await;
    assert!(!outcome.verdict.passed);
    assert!(!format!("{outcome:?}").contains("PLANTED-TOKEN"));
}

#[tokio::test]
async fn without_aws_a_request_that_is_to_be_signed_is_not_sent() {
    let text = summary(
        &outcome(
            Shop::open().await.url.clone(),
            "aws_sigv4: { service: lambda }",
            &[],
        )
        .await,
    );
    assert!(
        text.contains("errored: a signature of AWS can't be asked for here"),
        "{text}"
    );
}
