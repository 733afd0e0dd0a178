//! A browser behind TLS, whose certificate is of an authority that only this machine's settings name.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use browser::{Decision, Endpoint, Page, PageOptions, PageRequest, RequestPolicy, Viewport};
use futures::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

struct All;

impl RequestPolicy for All {
    fn decide(&mut self, _: &PageRequest<'_>) -> Decision {
        Decision::Send
    }
}

/// Where a browser is that this process is to open a page in.
const AT: &str = "BROWSER_BEHIND_TLS";

#[allow(clippy::disallowed_methods, reason = "what the test told itself")]
fn told() -> Option<String> {
    std::env::var(AT).ok()
}

async fn opened(url: &str) -> Result<(), String> {
    let options = PageOptions {
        viewport: Viewport {
            width: 800,
            height: 600,
            mobile: false,
        },
        user_agent: String::new(),
        accept_dialogs: false,
    };
    let endpoint = Endpoint::parse(url).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let page = Page::open(&endpoint, options, Box::new(All), until).await;
    page.map(drop).map_err(|why| why.to_string())
}

/// Answers over TLS as a browser does that has a page.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut socket = accept_async(stream).await.unwrap();
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
                let answer = serde_json::json!({ "id": asked["id"], "result": {
                    "product": "Chrome/1", "userAgent": "Mozilla", "browserContextId": "c", "targetId": "t",
                    "sessionId": "s"
                } });
                let answer = Message::text(answer.to_string());
                socket.send(answer).await.ok();
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_behind_tls_is_as_trusted_as_its_authority() {
    if let Some(url) = told() {
        // The process below.
        println!("it came to {:?}", opened(&url).await);
        return;
    }
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));

    let url = format!("wss://localhost:{port}/devtools/browser/x");
    let untrusted = opened(&url).await.unwrap_err();
    assert!(untrusted.contains("UnknownIssuer"), "{untrusted}");
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("authority.pem");
    std::fs::write(&trusted, pem).unwrap();
    let came = |url: String| {
        let trusted = trusted.clone();
        let process = move || {
            let output = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "--nocapture",
                    "a_browser_behind_tls_is_as_trusted_as_its_authority",
                ])
                .env("SSL_CERT_FILE", trusted)
                .env(AT, url)
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        tokio::task::spawn_blocking(process)
    };
    let opened = came(url.clone()).await.unwrap();
    assert!(opened.contains("it came to Ok(())"), "{opened}");
    // Its certificate is for another name.
    let renamed = came(url.replace("localhost", "127.0.0.1")).await.unwrap();
    assert!(
        renamed.contains("it came to Err(") && renamed.contains("not valid for name"),
        "{renamed}"
    );
}
