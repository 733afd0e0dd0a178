//! The `grpc` probe: the health check of gRPC (`grpc.health.v1`), which services and load balancers share.
//!
//! It is two fields in one call, so they are written and read here: a gRPC library would weigh more than all that
//! it would do.

use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::MAX_HEADER_BYTES;
use super::request_url::RequestUrl;
use super::web_place::{self, WebPlace};
use super::{
    Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace, place,
};
use crate::body::Body;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Finding, Got};
use crate::measurement::Measurement;
use crate::template::Template;
use crate::words::{self, RAW_KEEP};

const METHOD: &str = "/grpc.health.v1.Health/Check";
/// An answer has three bytes; more is none.
const MAX_RECEIVED: usize = 16 * 1024;
/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The health of one service.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pub(crate) place: WebPlace,
    /// None: the server as a whole.
    pub(crate) service: Option<Template>,
    pub(crate) headers: Vec<(HeaderName, Template)>,
}

impl ProbeKind for Grpc {
    fn profile(&self) -> Profile {
        Profile {
            key: "grpc",
            answer: &[Facet::Headers, Facet::Latency],
            // The windows of HTTP/2, and the headers.
            received: 64 * 1024 + MAX_HEADER_BYTES as usize,
            judged: 0,
            needs_traffic: true,
            sampling: Sampling::Repeat,
            silence: Measurement::Failed,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.place.url);
        self.service.iter().for_each(&mut *see);
        self.headers.iter().for_each(|(_, value)| see(value));
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        let url = self.place.url(context);
        let called = url.map(|url| RequestUrl {
            path: METHOD.to_owned(),
            ..url
        });
        called.into_iter().collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.place.subject(context)
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

async fn execute(
    grpc: &Grpc,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let url = RequestUrl {
        path: METHOD.to_owned(),
        ..grpc.place.url(context)?
    };
    let service = match &grpc.service {
        None => String::new(),
        Some(service) => service.render(&context.values)?,
    };
    trace.request = Some(format!("gRPC {url} {service}").trim_end().to_owned());
    let of_release = place::admit(grpc.subject(context))?;
    let mut headers = web_place::headers(&url.origin, &grpc.headers, context)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let unbuilt = |error: http::Error| {
        ProbeError::errored(format!("the request could not be built: {error}"))
    };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url.uri().map_err(unbuilt)?)
        .body(Full::new(question(&service)))
        .map_err(unbuilt)?;
    context.clients.meets_rule(&Method::POST, &url, &headers)?;
    *request.headers_mut() = headers;
    let begun = Instant::now();
    // Ends the connection when this is dropped.
    let mut connection = JoinSet::new();
    let response = call(request, &url, context, &mut connection).await?;
    let status = response.status();
    trace.status = Some(status.as_u16());
    let (head, body) = response.into_parts();
    let (message, trailers) = read(body, &url).await?;
    let latency = begun.elapsed();
    let subject = if service.is_empty() {
        "health of the server".to_owned()
    } else {
        format!("health of {service}")
    };
    let (got, is_serving) = judge(status, &head.headers, &trailers, &message);
    Ok(Observation {
        answer: Some(Evidence {
            status: None,
            headers: head.headers,
            body: Body::new(Vec::new(), 0, &HeaderMap::new()),
            body_cut_at: None,
            latency,
            exchange: None,
        }),
        findings: vec![Finding::new(format!("{subject} SERVING"), got, is_serving)],
        of_release,
    })
}

/// Over HTTP/2, which gRPC always is; without TLS it is begun unasked.
async fn call(
    request: Request<Full<Bytes>>,
    url: &RequestUrl,
    context: &ProbeContext,
    connection: &mut JoinSet<()>,
) -> Result<Response<Incoming>, ProbeError> {
    let place = url.host_and_port();
    let failed = |error: &hyper::Error| ProbeError::of_http2(error, &place);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .max_header_list_size(MAX_HEADER_BYTES)
        .initial_connection_window_size(64 * 1024)
        .initial_stream_window_size(64 * 1024);
    let stream = context.clients.dial(&url.origin).await?;
    let mut sender = if url.origin.secure {
        let stream = context
            .clients
            .secure(stream, &url.origin, &[b"h2"])
            .await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !is_http2 {
            let message = format!("{place} does not offer HTTP/2, which gRPC needs");
            return Err(ProbeError::failed(message));
        }
        let made = builder.handshake(TokioIo::new(stream)).await;
        let (sender, driver) = made.map_err(|error| failed(&error))?;
        connection.spawn(async move { driver.await.unwrap_or_default() });
        sender
    } else {
        let made = builder.handshake(TokioIo::new(stream)).await;
        let (sender, driver) = made.map_err(|error| failed(&error))?;
        connection.spawn(async move { driver.await.unwrap_or_default() });
        sender
    };
    let answered = sender.send_request(request).await;
    answered.map_err(|error| failed(&error))
}

/// The message and the trailers.
async fn read(mut body: Incoming, url: &RequestUrl) -> Result<(Vec<u8>, HeaderMap), ProbeError> {
    let (mut bytes, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ProbeError::of_http2(&error, &url.host_and_port()))?;
        match frame.into_data() {
            Ok(data) if bytes.len() + data.len() > MAX_RECEIVED => {
                let bound = words::bytes(MAX_RECEIVED);
                let message = format!("more than {bound} came, which is no answer about health");
                return Err(ProbeError::failed(message));
            }
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok((bytes, trailers))
}

/// `HealthCheckRequest { service = 1 }`, in its frame.
fn question(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
            length >>= 7;
        }
        message.push(u8::try_from(length).unwrap_or_default());
        message.extend(service.as_bytes());
    }
    let mut framed = vec![0];
    framed.extend(
        u32::try_from(message.len())
            .unwrap_or_default()
            .to_be_bytes(),
    );
    framed.extend(message);
    framed.into()
}

/// What the answer says, and whether that is SERVING.
fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    trailers: &HeaderMap,
    message: &[u8],
) -> (Got, bool) {
    let words = |words: &str| (Got::Words(words.to_owned()), false);
    if status != StatusCode::OK {
        return words(&format!(
            "an answer with the HTTP status {}",
            status.as_u16()
        ));
    }
    // An answer without a message has these in its head.
    let either = |name: &str| trailers.get(name).or_else(|| headers.get(name));
    let Some(code) = either("grpc-status") else {
        return words("an answer without a status of gRPC");
    };
    match code.as_bytes() {
        b"0" => {}
        b"5" => return words("NOT_FOUND: the server does not know this service"),
        b"12" => return words("UNIMPLEMENTED: the server has no health service (grpc.health.v1)"),
        code => {
            let code = String::from_utf8_lossy(code);
            let why = either("grpc-message").map(|why| String::from_utf8_lossy(why.as_bytes()));
            let got = format!("the status {code} of gRPC: {}", why.unwrap_or_default());
            return (Got::Value(words::head(&got, RAW_KEEP).to_owned()), false);
        }
    }
    match serving_status(message) {
        Some(0) => words("UNKNOWN"),
        Some(1) => (Got::Words("SERVING".to_owned()), true),
        Some(2) => words("NOT_SERVING"),
        Some(3) => words("SERVICE_UNKNOWN"),
        _ => words("a message that is no answer about health"),
    }
}

/// `HealthCheckResponse { status = 1 }`: other fields are skipped, and a missing one is 0, as protobuf has it.
fn serving_status(framed: &[u8]) -> Option<u64> {
    let (prefix, message) = framed.split_at_checked(PREFIX)?;
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    if prefix[0] != 0 || usize::try_from(length).ok()? != message.len() {
        return None;
    }
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match key & 7 {
            0 => {
                let value = varint(&mut rest)?;
                if key >> 3 == 1 {
                    status = value;
                }
            }
            1 => rest = rest.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                rest = rest.get(length..)?;
            }
            5 => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some(status)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_frame_with_the_name_of_the_service() {
        assert_eq!(question("").as_ref(), [0, 0, 0, 0, 0]);
        assert_eq!(
            question("shop").as_ref(),
            b"\x00\x00\x00\x00\x06\x0a\x04shop"
        );
        let long = question(&"x".repeat(300));
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    }

    #[test]
    fn an_answer_is_read_whatever_else_is_in_it() {
        let status = |message: &[u8]| {
            let mut framed = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
            framed.extend(message);
            serving_status(&framed)
        };
        assert_eq!(status(&[8, 1]), Some(1));
        assert_eq!(status(&[]), Some(0));
        assert_eq!(status(&[0x12, 2, 8, 2, 8, 2]), Some(2));
        for garbage in [&[8][..], &[8, 0xff], &[0x12, 9], &[7, 1], &[0xff; 12]] {
            assert_eq!(status(garbage), None, "{garbage:?}");
        }
        assert_eq!(serving_status(&[1, 0, 0, 0, 2, 8, 1]), None, "compressed");
        assert_eq!(serving_status(&[0, 0, 0, 0, 9, 8, 1]), None, "broken off");
    }
}
