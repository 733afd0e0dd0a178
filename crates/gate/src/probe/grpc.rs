//! The `grpc` probe: the health check of gRPC (`grpc.health.v1`), which services and load balancers share, or a call of a
//! team's own method (`unary`).
//!
//! What is needed of gRPC is one call over HTTP/2 with a message in a frame, so it is written here (`channel`): a gRPC library
//! would weigh more than all that it would do.

mod channel;
mod reflection;
mod schema;
mod unary;
mod wire;

use futures::FutureExt;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use tokio::time::Instant;

use self::channel::{Answer, Channel};
pub(crate) use self::schema::{MethodError, Schema};
pub(crate) use self::unary::{Code, MethodCall};
use self::wire::Field;
use super::http_limits::MAX_HEADER_BYTES;
use super::request_url::RequestUrl;
use super::web_place::{self, WebPlace};
use super::{
    Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace, place,
};
use crate::body::Body;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Actual, Finding};
use crate::measurement::Measurement;
use crate::template::Template;
use crate::words::{self, MAX_RAW_BYTES};

const HEALTH_METHOD: &str = "/grpc.health.v1.Health/Check";
/// An answer has three bytes; more is none.
const MAX_RECEIVED: usize = 16 * 1024;
/// The windows of HTTP/2, and the headers.
const CONNECTION_BYTES: usize = 64 * 1024 + MAX_HEADER_BYTES as usize;

/// A call of a server.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pub(crate) place: WebPlace,
    pub(crate) call: Call,
    pub(crate) headers: Vec<(HeaderName, Template)>,
}

/// What is called.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// The health of one service; none: of the server as a whole.
    Health(Option<Template>),
    Method(Box<MethodCall>),
}

/// The largest descriptor set that a suite may bring.
pub(crate) const MAX_DESCRIPTOR_SET: usize = reflection::MAX_DESCRIPTORS;

/// `/shop.Orders/Get`
fn path_of(call: &MethodCall) -> String {
    format!("/{}/{}", call.service, call.method)
}

impl ProbeKind for Grpc {
    fn profile(&self) -> Profile {
        let health = Profile {
            key: "grpc",
            answer: &[Facet::Headers, Facet::Latency],
            received: CONNECTION_BYTES,
            judged: 0,
            needs_traffic: true,
            sampling: Sampling::Repeat,
            silence: Measurement::Failed,
        };
        match &self.call {
            Call::Health(_) => health,
            Call::Method(_) => Profile {
                answer: &[Facet::Headers, Facet::Body, Facet::Latency],
                received: CONNECTION_BYTES
                    + unary::MAX_TYPES
                    + unary::MAX_MESSAGE
                    + schema::MAX_JSON,
                judged: unary::MAX_VALUES,
                sampling: Sampling::Once,
                ..health
            },
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.place.url);
        match &self.call {
            Call::Health(service) => service.iter().for_each(&mut *see),
            Call::Method(call) => call.message.templates(see),
        }
        self.headers.iter().for_each(|(_, value)| see(value));
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        let url = self.place.url(context);
        let path = match &self.call {
            Call::Health(_) => HEALTH_METHOD.to_owned(),
            Call::Method(call) => path_of(call),
        };
        let called = url.map(|url| RequestUrl { path, ..url });
        called.into_iter().collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.place.subject(context)
    }

    fn asks(&self) -> Vec<String> {
        let at = self.place.url.written();
        vec![match &self.call {
            Call::Health(None) => format!("the health of the server at {at}"),
            Call::Health(Some(service)) => format!("the health of {} at {at}", service.written()),
            Call::Method(call) => format!("{} at {at}", path_of(call)),
        }]
    }

    /// That it is serving, or the code.
    fn conditions(&self) -> usize {
        1
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        match &self.call {
            Call::Health(service) => health(self, service.as_ref(), context, trace).boxed(),
            Call::Method(call) => unary::execute(self, call, context, trace).boxed(),
        }
    }
}

async fn health(
    grpc: &Grpc,
    service: Option<&Template>,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let url = RequestUrl {
        path: HEALTH_METHOD.to_owned(),
        ..grpc.place.url(context)?
    };
    let service = match service {
        None => String::new(),
        Some(service) => service.render(&context.values)?,
    };
    trace.request = Some(format!("gRPC {url} {service}").trim_end().to_owned());
    let of_release = place::admit(grpc.subject(context))?;
    let headers = web_place::headers(&url.origin, &grpc.headers, context)?;
    let begun = Instant::now();
    let mut channel = Channel::open(&url, headers, context).await?;
    let answer = channel
        .call(HEALTH_METHOD, &question(&service), MAX_RECEIVED)
        .await?;
    let latency = begun.elapsed();
    trace.status = Some(answer.status.as_u16());
    if let Some(bound) = answer.cut_at {
        let bound = words::bytes(bound);
        let message = format!("more than {bound} came, which is no answer about health");
        return Err(ProbeError::failed(message));
    }
    let subject = if service.is_empty() {
        "health of the server".to_owned()
    } else {
        format!("health of {service}")
    };
    let (got, is_serving) = judge(&answer);
    Ok(Observation {
        answer: Some(Evidence {
            status: None,
            headers: answer.headers,
            body: Body::new(Vec::new(), 0, &HeaderMap::new()),
            body_cut_at: None,
            latency,
            exchange: None,
        }),
        findings: vec![Finding::new(format!("{subject} SERVING"), got, is_serving)],
        of_release,
    })
}

/// `HealthCheckRequest { service = 1 }`
fn question(service: &str) -> Vec<u8> {
    if service.is_empty() {
        return Vec::new();
    }
    wire::bytes_field(1, service.as_bytes())
}

/// What the answer says, and whether that is SERVING.
fn judge(answer: &Answer) -> (Actual, bool) {
    let words = |words: &str| (Actual::Words(words.to_owned()), false);
    if answer.status != StatusCode::OK {
        return words(&format!(
            "an answer with the HTTP status {}",
            answer.status.as_u16()
        ));
    }
    let Some(code) = answer.trailing("grpc-status") else {
        return words("an answer without a status of gRPC");
    };
    match code.as_bytes() {
        b"0" => {}
        b"5" => return words("NOT_FOUND: the server does not know this service"),
        b"12" => return words("UNIMPLEMENTED: the server has no health service (grpc.health.v1)"),
        code => {
            let code = String::from_utf8_lossy(code);
            let why = answer
                .trailing("grpc-message")
                .map(|why| String::from_utf8_lossy(why.as_bytes()));
            let got = format!("the status {code} of gRPC: {}", why.unwrap_or_default());
            return (
                Actual::Value(words::head(&got, MAX_RAW_BYTES).to_owned()),
                false,
            );
        }
    }
    match answer.message().ok().and_then(serving_status) {
        Some(0) => words("UNKNOWN"),
        Some(1) => (Actual::Words("SERVING".to_owned()), true),
        Some(2) => words("NOT_SERVING"),
        Some(3) => words("SERVICE_UNKNOWN"),
        _ => words("a message that is no answer about health"),
    }
}

/// `HealthCheckResponse { status = 1 }`: other fields are skipped, and a missing one is 0, as protobuf has it.
fn serving_status(message: &[u8]) -> Option<u64> {
    let mut status = 0;
    for (number, field) in wire::fields(message)? {
        if let (1, Field::Varint(value)) = (number, field) {
            status = value;
        }
    }
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whatever_else_is_in_it() {
        assert_eq!(serving_status(&[8, 1]), Some(1));
        assert_eq!(serving_status(&[]), Some(0));
        assert_eq!(serving_status(&[0x12, 2, 8, 2, 8, 2]), Some(2));
        assert_eq!(question(""), b"");
        assert_eq!(question("shop"), b"\x0a\x04shop");
        for garbage in [&[8][..], &[8, 0xff], &[0x12, 9], &[7, 1], &[0xff; 12]] {
            assert_eq!(serving_status(garbage), None, "{garbage:?}");
        }
    }
}
