//! The `websocket` probe: a handshake, and the message that is waited for.

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, SinkExt, StreamExt};
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, UPGRADE};
use http::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::received;
use super::request_url::RequestUrl;
use super::web_place::{self, WebPlace};
use super::{
    Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace, place,
};
use crate::body::Body;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Actual, Finding, TextCondition};
use crate::measurement::Measurement;
use crate::template::{Template, Values};
use crate::words::{self, MAX_RAW_BYTES};

/// How long a message may be.
const MAX_MESSAGE: usize = 256 * 1024;
/// How many messages are looked at, and how many bytes in all.
const MAX_MESSAGES: usize = 1_000;
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long a farewell may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// A conversation over a WebSocket.
#[derive(Clone, Debug)]
pub(crate) struct WebSocket {
    pub(crate) place: WebPlace,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) send: Option<Template>,
    /// Which message is waited for; without it, after something was sent, the first one.
    pub(crate) receives: Vec<TextCondition>,
}

impl WebSocket {
    fn reads(&self) -> bool {
        self.send.is_some() || !self.receives.is_empty()
    }
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

type Socket = WebSocketStream<Box<dyn Connection>>;

impl ProbeKind for WebSocket {
    fn profile(&self) -> Profile {
        Profile {
            key: "websocket",
            answer: if self.reads() {
                &[Facet::Headers, Facet::Body, Facet::Latency]
            } else {
                &[Facet::Headers, Facet::Latency]
            },
            // The message, and the buffer that it is read into.
            received: 2 * MAX_MESSAGE,
            judged: 4 * MAX_MESSAGE,
            needs_traffic: true,
            sampling: if self.send.is_some() {
                Sampling::Once
            } else {
                Sampling::Repeat
            },
            silence: Measurement::Failed,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.place.url);
        self.headers.iter().for_each(|(_, value)| see(value));
        self.send.iter().for_each(&mut *see);
        for test in &self.receives {
            test.templates(see);
        }
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        self.place.url(context).into_iter().collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.place.subject(context)
    }

    fn asks(&self) -> Vec<String> {
        let does = match (&self.send, self.reads()) {
            (Some(_), _) => ", sends a message and waits for one",
            (None, true) => ", and waits for a message",
            (None, false) => "",
        };
        vec![format!("{}{does}", self.place.url.written())]
    }

    fn conditions(&self) -> usize {
        self.receives.len()
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

async fn execute(
    probe: &WebSocket,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let url = probe.place.url(context)?;
    trace.request = Some(format!("WebSocket {url}"));
    let of_release = place::admit(probe.subject(context))?;
    let text = match &probe.send {
        None => None,
        Some(text) => Some(text.render(&context.values)?),
    };
    let request = request(&url, &probe.headers, context)?;
    context
        .clients
        .meets_rule(request.method(), &url, request.headers())?;
    let begun = Instant::now();
    let (mut socket, headers) = connect(request, &url, context, trace).await?;
    let made = Actual::Words("made".to_owned());
    let mut findings = vec![Finding::new("a WebSocket handshake", made, true)];
    if let Some(text) = text {
        let sent = socket.send(Message::text(text)).await;
        sent.map_err(|error| broken(&url, &error))?;
    }
    let mut body = Bytes::new();
    if probe.reads() {
        let (message, found) =
            message(&mut socket, &probe.receives, &url, &context.values, trace).await?;
        body = message;
        findings.extend(found);
    }
    let latency = begun.elapsed();
    // Whoever does not answer a farewell is left.
    timeout(CLOSE_TIMEOUT, socket.close(None)).await.ok();
    Ok(Observation {
        answer: Some(Evidence {
            status: None,
            headers,
            // Of the handshake are the headers; they say nothing of how a message is written.
            body: Body::new(body.to_vec(), MAX_MESSAGE, &HeaderMap::new()),
            body_cut_at: None,
            latency,
            exchange: None,
        }),
        findings,
        of_release,
    })
}

fn request(
    url: &RequestUrl,
    own: &[(HeaderName, Template)],
    context: &ProbeContext,
) -> Result<Request<()>, ProbeError> {
    let unbuilt = |error: http::Error| {
        ProbeError::errored(format!("the request could not be built: {error}"))
    };
    let uri = url.uri().map_err(unbuilt)?;
    let host = uri.authority().map(ToString::to_string);
    let mut parts = uri.into_parts();
    let scheme = if url.origin.secure { "wss" } else { "ws" };
    parts.scheme = scheme.parse().ok();
    let uri = http::Uri::from_parts(parts).map_err(|error| unbuilt(error.into()))?;
    let mut request = Request::builder().uri(uri).body(()).map_err(unbuilt)?;
    let headers = request.headers_mut();
    *headers = web_place::headers(&url.origin, own, context)?;
    let host = host.as_deref().unwrap_or_default();
    for (name, value) in [
        (HOST, host),
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (HeaderName::from_static("sec-websocket-version"), "13"),
        (
            HeaderName::from_static("sec-websocket-key"),
            &generate_key(),
        ),
    ] {
        let value = HeaderValue::from_str(value).map_err(|error| unbuilt(error.into()))?;
        headers.insert(name, value);
    }
    Ok(request)
}

/// The socket, and the headers that came with it.
async fn connect(
    request: Request<()>,
    url: &RequestUrl,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<(Socket, HeaderMap), ProbeError> {
    let stream = context.clients.dial(&url.origin).await?;
    let stream: Box<dyn Connection> = if url.origin.secure {
        let protocols: [&[u8]; 1] = [b"http/1.1"];
        Box::new(
            context
                .clients
                .secure(stream, &url.origin, &protocols)
                .await?,
        )
    } else {
        Box::new(stream)
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(16 * 1024);
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, response)) => {
            trace.status = Some(response.status().as_u16());
            Ok((socket, response.into_parts().0.headers))
        }
        Err(Error::Http(response)) => {
            let status = response.status().as_u16();
            trace.status = Some(status);
            Err(ProbeError::failed(format!(
                "{} answers the handshake with status {status}, and not with 101",
                url.host_and_port()
            )))
        }
        Err(error) => Err(broken(url, &error)),
    }
}

/// The message that is waited for, and what came of the conditions on it; else those of the last one.
async fn message(
    socket: &mut Socket,
    receives: &[TextCondition],
    url: &RequestUrl,
    values: &Values,
    trace: &mut Trace,
) -> Result<(Bytes, Vec<Finding>), ProbeError> {
    let (mut last, mut count, mut bytes) = (None, 0, 0);
    let noted = trace.notes.len();
    let why = loop {
        if count >= MAX_MESSAGES || bytes >= MAX_BYTES {
            let bound = words::bytes(MAX_BYTES);
            break format!(
                "{count} messages were read; no more than {MAX_MESSAGES}, or {bound}, are"
            );
        }
        let data = match socket.next().await {
            Some(Ok(Message::Text(text))) => Bytes::from(text),
            Some(Ok(Message::Binary(data))) => data,
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| format!(" with code {}", frame.code));
                let code = code.unwrap_or_default();
                break format!("the other side closed the connection{code} after {count} messages");
            }
            Some(Ok(_)) => {
                // Answered by the library; but nobody may send nothing else for ever.
                count += 1;
                continue;
            }
            None => break format!("the other side closed the connection after {count} messages"),
            Some(Err(error)) if last.is_none() || matches!(error, Error::Capacity(_)) => {
                return Err(broken(url, &error));
            }
            Some(Err(error)) => break broken(url, &error).message,
        };
        count += 1;
        bytes += data.len();
        if receives.is_empty() {
            let got = Actual::Words(words::bytes(data.len()));
            return Ok((data, vec![Finding::new("a message", got, true)]));
        }
        let text = String::from_utf8_lossy(&data).into_owned();
        let findings = received::judge("a message", text, receives, values).await?;
        let is_met = findings
            .iter()
            .all(|finding| finding.measurement == Measurement::Passed);
        trace.notes.truncate(noted);
        if is_met {
            return Ok((data, findings));
        }
        // Where the time is over before what is waited for comes, this is what is known.
        let text = String::from_utf8_lossy(&data);
        let text = words::head(&text, MAX_RAW_BYTES);
        trace.notes.push(format!("not what is waited for: {text}"));
        last = Some((data, findings));
    };
    trace.notes.push(why.clone());
    Ok(last.unwrap_or_else(|| {
        let finding = Finding::new("a message", Actual::Words(format!("none: {why}")), false);
        (Bytes::new(), vec![finding])
    }))
}

fn broken(url: &RequestUrl, error: &Error) -> ProbeError {
    let place = url.host_and_port();
    match error {
        Error::Io(error) => ProbeError::of_broken(&place, error),
        Error::Capacity(_) => ProbeError::errored(format!(
            "a message from {place} is longer than {}, which is as much as is read",
            words::bytes(MAX_MESSAGE)
        )),
        error => ProbeError::failed(format!("{place} does not speak WebSocket: {error}")),
    }
}
