//! Passing a call on to the emulator, unchanged: bodies are streamed, byte for byte, in both
//! directions; `Host`, signature and checksums stay as the client wrote them.

use http::{Request, Response, Uri, header};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::BoxError;
use crate::elb::remove_hop_by_hop;
use crate::error::AwsError;

/// Sends a request to the emulator, on a connection of its own: one kept from before could be closed
/// under it.
pub(super) async fn forward<B>(
    upstream: &Url,
    mut request: Request<B>,
) -> Result<Response<Incoming>, AwsError>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let uri: Uri = path
        .parse()
        .map_err(|_| AwsError::internal("the path cannot be passed on"))?;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    remove_hop_by_hop(headers);
    // Answered here already, when the body was asked for.
    headers.remove(header::EXPECT);
    let mut answer = exchange(upstream, request).await.map_err(|error| AwsError {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
        message: format!("the emulator at {upstream} does not answer ({error}); start it, or name another with --upstream"),
    })?;
    remove_hop_by_hop(answer.headers_mut());
    Ok(answer)
}

async fn exchange<B>(upstream: &Url, request: Request<B>) -> Result<Response<Incoming>, BoxError>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let host = upstream
        .host_str()
        .ok_or("the address has no host")?
        .trim_matches(['[', ']']);
    let port = upstream
        .port_or_known_default()
        .ok_or("the address has no port")?;
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
