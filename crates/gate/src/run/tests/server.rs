//! Servers on loopback ports that do with a connection what a test wants.

use std::future::Future;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;

/// Serves each connection with `handle`; an `http` URL of the address.
pub(super) async fn serving<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> Url
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(handle(socket));
        }
    });
    url.parse().unwrap()
}

/// Nobody listens at the port of the discard service, and no test is ever given it.
pub(super) fn refusing() -> Url {
    "http://127.0.0.1:9/".parse().unwrap()
}

/// Takes connections and says nothing.
pub(super) async fn silent() -> Url {
    serving(|socket| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(socket);
    })
    .await
}

/// Breaks off when something has come.
pub(super) async fn resetting() -> Url {
    serving(|mut socket| async move {
        socket.read_u8().await.ok();
        socket.set_zero_linger().ok();
    })
    .await
}

/// Sends without end.
pub(super) async fn flooding() -> Url {
    serving(|mut socket| async move {
        let bytes = [b'x'; 16 * 1024];
        while tokio::io::AsyncWriteExt::write_all(&mut socket, &bytes)
            .await
            .is_ok()
        {}
    })
    .await
}

/// Sends what no protocol has.
pub(super) async fn garbling() -> Url {
    serving(|mut socket| async move {
        let bytes: Vec<u8> = (0..=255_u8).rev().cycle().take(2_000).collect();
        tokio::io::AsyncWriteExt::write_all(&mut socket, &bytes)
            .await
            .ok();
    })
    .await
}

/// One check named `it`, at this stage.
pub(super) async fn checked(base: &Url, stage: Stage, check: &str, more: &str) -> Outcome {
    measured(base, stage, check, more, HttpOptions::default()).await
}

pub(super) async fn measured(
    base: &Url,
    stage: Stage,
    check: &str,
    more: &str,
    http: HttpOptions,
) -> Outcome {
    let text = format!(
        "version: 1\nname: shop\n{more}\nchecks:\n  - {{ name: it, retries: 0, {check} }}\n"
    );
    let suite = Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}"));
    measured_by(suite, base, stage, http).await
}

/// A whole suite, with the secrets that tests know.
pub(super) async fn measured_by(
    suite: Suite,
    base: &Url,
    stage: Stage,
    http: HttpOptions,
) -> Outcome {
    let secrets = BTreeMap::from([
        ("hidden".to_owned(), "PLANTED-SECRET".to_owned()),
        ("ca".to_owned(), secure::CA.to_owned()),
    ]);
    run(Run {
        suite,
        stage,
        target: Target {
            base_url: Some(base.clone()),
            ..Target::default()
        },
        secrets,
        http,
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

/// The verdict before traffic, with what differs between two runs left out.
pub(super) async fn summary_of(base: &Url, check: &str, more: &str) -> String {
    let outcome = checked(base, Stage::PreTraffic, check, more).await;
    let address = format!(
        "{}:{}",
        base.host_str().unwrap(),
        base.port_or_known_default().unwrap()
    );
    let port = format!(":{}", base.port_or_known_default().unwrap());
    let text = summary(&outcome).replace(&address, "127.0.0.1:PORT");
    text.replace(&port, ":PORT")
}

/// Whether nothing of the planted secret can be read in the report or the page.
pub(super) fn is_masked(outcome: &Outcome) -> bool {
    let texts = [
        report::json(&outcome.report),
        report::html(&outcome.report),
        outcome.verdict.reasons.concat(),
    ];
    texts.iter().all(|text| !text.contains("PLANTED"))
}
