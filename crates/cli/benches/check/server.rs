//! A server as a process of its own, so that its memory and its threads are not measured: HTTP/1.1, plain or over TLS,
//! each answer after a while.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{LOOP, SERVE};

/// Signs the certificate of [`HOST`].
pub(super) const CA: &str = include_str!("../../../gate/tests/tls/ca.pem");
pub(super) const HOST: &str = "shop.example.internal";
const CERTIFICATE: &[u8] = include_bytes!("../../../gate/tests/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../../gate/tests/tls/server.key");
const BODY: &str = r#"{"books":[{"title":"Dune","price":12.5},{"title":"Emma","price":7}]}"#;

/// One that runs until this is dropped.
pub(super) struct Server {
    child: Option<Child>,
    /// Scheme, address and port.
    pub(super) base: String,
    pub(super) tls: bool,
}

impl Server {
    pub(super) fn start(latency: Duration, tls: bool) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([SERVE, &latency.as_millis().to_string(), &tls.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        Self {
            child: Some(child),
            base: line.trim().to_owned(),
            tls,
        }
    }

    /// Somebody else's.
    pub(super) fn at(base: String) -> Self {
        Self {
            child: None,
            base,
            tls: false,
        }
    }

    /// The peer.
    pub(super) fn bare_loop(&self, checks: usize) -> Command {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args([LOOP, &self.base, &checks.to_string()]);
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Serves until it is killed.
pub(super) fn serve(millis: u64, tls: bool) {
    let latency = Duration::from_millis(millis);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls { "https" } else { "http" };
        println!("{scheme}://{}", listener.local_addr().unwrap());
        let acceptor = tls.then(acceptor);
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            tokio::spawn(connection(socket, acceptor.clone(), latency));
        }
    });
}

async fn connection(socket: TcpStream, acceptor: Option<TlsAcceptor>, latency: Duration) {
    match acceptor {
        None => answer(socket, latency).await,
        Some(acceptor) => {
            if let Ok(socket) = acceptor.accept(socket).await {
                answer(socket, latency).await;
            }
        }
    }
}

async fn answer(mut socket: impl AsyncRead + AsyncWrite + Unpin, latency: Duration) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..read]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        request.clear();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        let _ = socket.flush().await;
    }
}

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
