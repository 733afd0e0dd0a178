//! A WebSocket that is passed on, byte for byte, once both sides have shaken hands.

use std::future::Future;

use http::header::{CONNECTION, HOST, UPGRADE};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::AwsError;

/// Headers of a handshake that are the client's own.
const HANDSHAKE: [&str; 3] = [
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
];

/// Connects the client of `request` with the browser at `to`: what to answer, and what passes on what follows.
pub(super) async fn connect(
    mut request: Request<Incoming>,
    to: &Uri,
) -> Result<(Response<()>, impl Future<Output = ()> + Send + use<>), AwsError> {
    let failed = |why: &dyn std::fmt::Display| {
        AwsError::internal(format!("the browser could not be connected to: {why}"))
    };
    let place = to.authority().map_or("", |at| at.as_str()).to_owned();
    let stream = TcpStream::connect(&place)
        .await
        .map_err(|error| failed(&error))?;
    stream.set_nodelay(true).map_err(|error| failed(&error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    tokio::spawn(connection.with_upgrades());
    let mut onward = Request::builder()
        .uri(to.path())
        .header(HOST, &place)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket");
    for name in HANDSHAKE {
        if let Some(value) = request.headers().get(name) {
            onward = onward.header(name, value);
        }
    }
    let onward = onward
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let mut answer = sender
        .send_request(onward)
        .await
        .map_err(|error| failed(&error))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(failed(&answer.status()));
    }
    let mut accepted = Response::new(());
    *accepted.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *accepted.headers_mut() = answer.headers().clone();
    let (client, browser) = (
        hyper::upgrade::on(&mut request),
        hyper::upgrade::on(&mut answer),
    );
    let tunnel = async move {
        let (Ok(client), Ok(browser)) = tokio::join!(client, browser) else {
            return;
        };
        let (mut client, mut browser) = (TokioIo::new(client), TokioIo::new(browser));
        tokio::io::copy_bidirectional(&mut client, &mut browser)
            .await
            .ok();
        drop(sender);
    };
    Ok((accepted, tunnel))
}
