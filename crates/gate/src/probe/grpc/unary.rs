//! A call of a team's own method, with one message each way.
//!
//! Types come from a descriptor set, or from the server itself. The response is judged as JSON. What is not known of the
//! types is errored; what the server answers is the release's doing.

use http::header::HeaderMap;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::super::request_url::RequestUrl;
use super::super::{ProbeContext, ProbeError, Trace, place, web_place};
use super::channel::{Answer, Channel};
use super::reflection::{self, MAX_DESCRIPTORS};
use super::schema::{self, MAX_JSON, MethodError, Schema, UnaryMethod};
use super::{Grpc, path_of};
use crate::body::Body;
use crate::evidence::{Evidence, Observation};
use crate::expect::{Actual, Finding};
use crate::json_template::JsonTemplate;
use crate::words::{self, MAX_RAW_BYTES};

/// How large a message may be, each way.
pub(super) const MAX_MESSAGE: usize = 256 * 1024;
/// What a message takes while it is read: each byte may be a value of its own.
pub(super) const MAX_VALUES: usize = 128 * MAX_MESSAGE;
/// What types take when they are read, with what is wrong with each: up to 1,400 bytes for each of
/// [`reflection::MAX_PARTS`], as measured, and their names.
pub(super) const MAX_TYPES: usize = 32 * MAX_DESCRIPTORS;

/// One message is read at a time in the whole process, as one body is.
static READING: Semaphore = Semaphore::const_new(1);

/// A method, and what is sent to it.
#[derive(Clone, Debug)]
pub(crate) struct MethodCall {
    /// `shop.Orders`
    pub(crate) service: String,
    /// `Get`
    pub(crate) method: String,
    pub(crate) message: JsonTemplate,
    /// Those that pass.
    pub(crate) codes: Vec<Code>,
    /// None: the server says its types.
    pub(crate) schema: Option<Schema>,
}

/// A status code of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) u8);

impl Code {
    pub(crate) const OK: Self = Self(0);

    /// <https://grpc.io/docs/guides/status-codes/>, by their numbers.
    pub(crate) const NAMES: [&'static str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    /// A server may send a number that is none.
    fn name(self) -> String {
        let known = Self::NAMES.get(usize::from(self.0));
        known.map_or_else(|| self.0.to_string(), |name| (*name).to_owned())
    }
}

pub(super) async fn execute(
    grpc: &Grpc,
    call: &MethodCall,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let url = grpc.place.url(context)?;
    let path = path_of(call);
    let called = RequestUrl {
        path: path.clone(),
        ..url.clone()
    };
    trace.request = Some(format!("gRPC {called}"));
    let of_release = place::admit(grpc.place.subject(context))?;
    let json = call.message.render(&context.values)?.to_string();
    let headers = web_place::headers(&url.origin, &grpc.headers, context)?;
    let mut channel = Channel::open(&url, headers, context).await?;
    let schema = match &call.schema {
        Some(schema) => schema.clone(),
        None => reflection::schema(&mut channel, &call.service).await?,
    };
    let method = schema
        .method(&call.service, &call.method)
        .map_err(|error| unknown(&error))?;
    let request = method
        .request(&json)
        .map_err(|why| ProbeError::errored(format!("message: {why}")))?;
    if request.len() > MAX_MESSAGE {
        let message = format!(
            "message: it is larger than {}; send less",
            words::bytes(MAX_MESSAGE)
        );
        return Err(ProbeError::errored(message));
    }
    let begun = Instant::now();
    let answer = channel.call(&path, &request, MAX_MESSAGE).await?;
    let latency = begun.elapsed();
    trace.status = Some(answer.status.as_u16());
    let (finding, body) = judge(call, &method, &answer).await;
    let mut headers = answer.headers;
    headers.extend(answer.trailers);
    Ok(Observation {
        findings: vec![finding],
        answer: Some(Evidence {
            status: None,
            headers,
            body: Body::new(body, MAX_JSON, &HeaderMap::new()),
            body_cut_at: None,
            latency,
            exchange: None,
        }),
        of_release,
    })
}

/// A method that the release does not have is its fault; one that can't be called here is not.
fn unknown(error: &MethodError) -> ProbeError {
    match error {
        MethodError::Streaming(_) => ProbeError::errored(error.to_string()),
        MethodError::NoService { .. } | MethodError::NoMethod { .. } => {
            ProbeError::failed(error.to_string())
        }
    }
}

/// What came of the status, and the message as JSON; none where there is none.
async fn judge(call: &MethodCall, method: &UnaryMethod, answer: &Answer) -> (Finding, Vec<u8>) {
    let demand = {
        let names: Vec<String> = call.codes.iter().map(|code| code.name()).collect();
        format!("the gRPC status {}", names.join(" or "))
    };
    let failed = |words: String| {
        (
            Finding::new(demand.clone(), Actual::Words(words), false),
            Vec::new(),
        )
    };
    if answer.status != http::StatusCode::OK {
        let status = answer.status.as_u16();
        return failed(format!("an answer with the HTTP status {status}"));
    }
    let code = answer.trailing("grpc-status");
    let code = code
        .and_then(|code| code.to_str().ok()?.parse().ok())
        .map(Code);
    if let Some(bound) = answer.cut_at {
        let why = format!(
            "the message is larger than {}, and is not judged",
            words::bytes(bound)
        );
        return (Finding::errored(demand, why), Vec::new());
    }
    let Some(code) = code else {
        return failed("an answer without a status of gRPC".to_owned());
    };
    let met = call.codes.contains(&code);
    let got = match (code, answer.trailing("grpc-message")) {
        (Code::OK, _) | (_, None) => Actual::Words(code.name()),
        (code, Some(why)) => {
            let why = String::from_utf8_lossy(why.as_bytes());
            let got = format!("{}: {why}", code.name());
            Actual::Value(words::head(&got, MAX_RAW_BYTES).to_owned())
        }
    };
    if code != Code::OK {
        return (Finding::new(demand, got, met), Vec::new());
    }
    let bytes = match answer.message() {
        Ok(bytes) => bytes,
        Err(words) => return failed(format!("OK with {words}")),
    };
    // Never closed.
    let _turn = READING.acquire().await;
    let message = match method.response(bytes) {
        Ok(message) => message,
        Err(words) => return failed(format!("OK with {words}")),
    };
    match schema::json(&message) {
        Ok(json) => (Finding::new(demand, got, met), json),
        Err(why) => (Finding::errored(demand, why), Vec::new()),
    }
}
