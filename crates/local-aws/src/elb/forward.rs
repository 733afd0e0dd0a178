//! The data plane: an open port that passes requests on to targets, as an application load balancer
//! does. Each request asks anew where it goes, so that a change of weights holds at once, on
//! connections that are already open too.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::conditions::RequestFacts;
use super::model::Busy;
use super::routing::Route;
use super::{Elb, tls};
use crate::ids;

/// How long a target may take until its answer's head: the default idle time-out of AWS.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

type LbBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// Binds a port of the loopback interface.
pub(crate) fn bind(port: u16) -> std::io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Accepts connections for a listener, for ever.
pub(crate) async fn accept(listener: ListenerPort, socket: TcpListener) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, or a connection gone already: neither ends the listener.
                    tracing::warn!(%error, port = listener.port, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let listener = listener.clone();
        connections.spawn(async move {
            match listener.tls.clone() {
                None => listener.serve(stream).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => listener.serve(stream).await,
                    Err(error) => tls::refused(listener.port, &error),
                },
            }
        });
    }
}

/// One connection's view of its listener.
#[derive(Clone)]
pub(crate) struct ListenerPort {
    pub(crate) elb: Elb,
    pub(crate) listener_arn: String,
    pub(crate) port: u16,
    /// Of an HTTPS listener.
    pub(crate) tls: Option<TlsAcceptor>,
}

impl ListenerPort {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(move |request| {
            let listener = self.clone();
            async move { Ok::<_, Infallible>(listener.answer(request).await) }
        });
        let serving = server::Builder::new()
            .timer(TokioTimer::new())
            .preserve_header_case(true)
            .serve_connection(TokioIo::new(stream), service);
        // A client that goes away in the middle is no error here.
        let _ = serving.await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<LbBody> {
        let (address, busy) = match self.route(&request) {
            Route::Target { address, busy } => (address, busy),
            Route::Fixed {
                status,
                content_type,
                body,
            } => {
                return fixed(status, &content_type, body);
            }
            Route::NoTarget => return own_error(StatusCode::SERVICE_UNAVAILABLE),
        };
        let request = self.prepare(request);
        match tokio::time::timeout(ANSWER_TIMEOUT, forward(address, request)).await {
            Ok(Ok(answer)) => {
                let (mut parts, body) = answer.into_parts();
                remove_hop_by_hop(&mut parts.headers);
                Response::from_parts(parts, TargetAnswer { body, _busy: busy }.boxed_unsync())
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, %address, "target gave no answer");
                own_error(StatusCode::BAD_GATEWAY)
            }
            Err(_) => own_error(StatusCode::GATEWAY_TIMEOUT),
        }
    }

    fn route(&self, request: &Request<Incoming>) -> Route {
        let host = request.headers().get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let facts = RequestFacts {
            method: request.method().as_str(),
            host: request.uri().host().or(host).unwrap_or_default(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        self.elb.route(&self.listener_arn, &facts)
    }

    /// The request as the target sees it.
    fn prepare(&self, mut request: Request<Incoming>) -> Request<Incoming> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let uri = path.parse().unwrap_or_else(|_| http::Uri::from_static("/"));
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST).to_string();
        let forwarded_for = match headers.get("x-forwarded-for").and_then(|v| v.to_str().ok()) {
            Some(before) => format!("{before}, {client}"),
            None => client,
        };
        set(headers, "x-forwarded-for", &forwarded_for);
        set(headers, "x-forwarded-port", &self.port.to_string());
        let spoken = if self.tls.is_some() { "https" } else { "http" };
        set(headers, "x-forwarded-proto", spoken);
        if !headers.contains_key("x-amzn-trace-id") {
            set(
                headers,
                "x-amzn-trace-id",
                &format!("Root=1-{}-{}", ids::hex(8), ids::hex(24)),
            );
        }
        request
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Sends a request on a connection of its own: a pooled one could be closed under it.
async fn forward(
    address: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = client::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// Headers that belong to one connection and are not passed on.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in always.into_iter().chain(named) {
        headers.remove(name);
    }
}

/// The short page AWS answers itself.
fn own_error(status: StatusCode) -> Response<LbBody> {
    let title = match status {
        StatusCode::SERVICE_UNAVAILABLE => "503 Service Temporarily Unavailable",
        StatusCode::GATEWAY_TIMEOUT => "504 Gateway Time-out",
        _ => "502 Bad Gateway",
    };
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
         <center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    fixed(status.as_u16(), "text/html", page)
}

fn fixed(status: u16, content_type: &str, body: String) -> Response<LbBody> {
    let body = Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    set(answer.headers_mut(), "server", "awselb/2.0");
    set(answer.headers_mut(), "content-type", content_type);
    answer
}

/// A target's answer; the target counts as busy until it has been passed on whole.
struct TargetAnswer {
    body: Incoming,
    _busy: Busy,
}

impl Body for TargetAnswer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
