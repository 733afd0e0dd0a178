//! One request with its tries.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use tokio::time::Instant;

use super::backoff::{MAX_TRIES, pause, retry_after};
use super::guard::{self, NotResolved, UrlError};
use super::slack_host::{is_stand_in, leads_to_slack};
use super::{Http, TRY_TIMEOUT};

/// What is read of an answer. Those that we understand have some hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What a body says that came with a status of success.
pub(crate) type ResponseCheck = fn(&[u8]) -> Option<RequestError>;

/// A POST of JSON.
pub(crate) struct Request<'a> {
    /// Where to; may be a secret.
    pub(crate) url: &'a str,
    /// The body, the same in each try.
    pub(crate) body: Vec<u8>,
    /// Further headers; their values may be secrets.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The time now, by which a date in `Retry-After` is read.
    pub(crate) now: Timestamp,
    /// For all tries.
    pub(crate) within: Duration,
    /// For services whose status of success says nothing yet.
    pub(crate) judge: Option<ResponseCheck>,
    /// Whose address it is.
    pub(crate) destination: Destination<'a>,
}

/// Whose address a request goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Destination<'a> {
    /// The team's own: private ones count where a setting allows them.
    Webhook,
    /// Slack's, or that of the stand-in that this API names.
    Slack(&'a str),
}

impl Destination<'_> {
    fn allows_private(self, http: &Http) -> bool {
        match self {
            Self::Webhook => http.allow_private,
            // Both are needed: a stand-in, and the setting that allows what it needs.
            Self::Slack(api) => http.allow_private && is_stand_in(api),
        }
    }
}

/// An answer with a status of success.
#[derive(Debug)]
pub(crate) struct Response {
    /// The beginning of its body.
    pub(crate) body: Vec<u8>,
}

/// Why a request failed. Holds neither the URL nor a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The URL is not used.
    #[error("{0}")]
    Url(#[from] UrlError),
    /// A header can't hold its value.
    #[error("its secret has characters that no header takes; check for a line end at its end")]
    Header,
    /// The client can't be built.
    #[error("{0}")]
    Client(String),
    /// The name leads nowhere, or inside.
    #[error(
        "{0}; use a public address, or set ALLOW_PRIVATE_ADDRESSES=true if a private one is meant"
    )]
    Resolve(String),
    /// No connection.
    #[error("it could not be reached ({0})")]
    Unreachable(String),
    /// No answer in time.
    #[error("it did not answer in time")]
    Slow,
    /// It sends us elsewhere.
    #[error(
        "it answered with a redirect (HTTP {0}), which is never followed; configure the address that it leads to"
    )]
    Redirect(u16),
    /// It wants us to wait longer than there is time.
    #[error("it wants no further request for {} s (HTTP {status})", after.as_secs())]
    Wait {
        /// Its status.
        status: u16,
        /// How long.
        after: Duration,
    },
    /// It refuses in words of its own.
    #[error("it answered {code}")]
    Said {
        /// Its word for why.
        code: String,
        /// Whether that passes.
        passes: bool,
    },
    /// It refuses.
    #[error("it answered HTTP {status}{}", quoted(said))]
    Status {
        /// Its status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
}

fn quoted(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

impl RequestError {
    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Url(_) | Self::Header | Self::Client(_) | Self::Redirect(_) => false,
            Self::Resolve(_) | Self::Unreachable(_) | Self::Slow | Self::Wait { .. } => true,
            Self::Said { passes, .. } => *passes,
            Self::Status { status, .. } => is_retryable(*status),
        }
    }
}

fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// Posts JSON to the address that a message of Slack brought for an answer, its `response_url`. It must
/// be one of Slack's, or of the stand-in that `api` names. What is answered is of no interest.
pub async fn answer_slack(
    http: &Http,
    (url, api): (&str, &str),
    body: &serde_json::Value,
    within: Duration,
) -> Result<(), RequestError> {
    let request = Request {
        url,
        body: body.to_string().into_bytes(),
        headers: Vec::new(),
        // Only to read a date in Retry-After, which Slack never sends.
        now: Timestamp::UNIX_EPOCH,
        within,
        judge: None,
        destination: Destination::Slack(api),
    };
    if !leads_to_slack(url, api) {
        return Err(UrlError::NotSlack.into());
    }
    send(http, &request).await.map(|_| ())
}

/// Sends a request until it succeeds, can't, or its time is over.
pub(crate) async fn send(http: &Http, request: &Request<'_>) -> Result<Response, RequestError> {
    let started = Instant::now();
    let end = started + request.within;
    let allow_private = request.destination.allows_private(http);
    let url = guard::check(request.url, allow_private)?;
    let client = http.client(allow_private).map_err(RequestError::Client)?;
    let headers = headers(request)?;
    let mut tried = 0;
    loop {
        tried += 1;
        let call = client
            .post(url.clone())
            .headers(headers.clone())
            .body(request.body.clone());
        let left = end
            .saturating_duration_since(Instant::now())
            .min(TRY_TIMEOUT);
        let failed = match tokio::time::timeout(left, once(client, call, request.judge)).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(failed)) => failed,
            Err(_) => Failed {
                error: RequestError::Slow,
                retry_after: None,
            },
        };
        if tried == MAX_TRIES || !failed.error.retryable() {
            return Err(failed.error);
        }
        let now = request
            .now
            .saturating_add(started.elapsed())
            .unwrap_or(request.now);
        let said = failed
            .retry_after
            .and_then(|header| retry_after(&header, now));
        let rest = said.unwrap_or_else(|| pause(tried));
        let next = Instant::now().checked_add(rest);
        if next.is_none_or(|next| next >= end) {
            return Err(match (failed.error, said) {
                (RequestError::Status { status, .. }, Some(after)) => {
                    RequestError::Wait { status, after }
                }
                (error, _) => error,
            });
        }
        tokio::time::sleep(rest).await;
    }
}

fn headers(request: &Request<'_>) -> Result<HeaderMap, RequestError> {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(CONTENT_TYPE, json);
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value).map_err(|_| RequestError::Header)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

struct Failed {
    error: RequestError,
    retry_after: Option<String>,
}

impl From<RequestError> for Failed {
    fn from(error: RequestError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

async fn once(
    client: &Client,
    call: reqwest::RequestBuilder,
    judge: Option<ResponseCheck>,
) -> Result<Response, Failed> {
    let call = call.build().map_err(|error| explain(&error))?;
    let mut answer = client
        .execute(call)
        .await
        .map_err(|error| explain(&error))?;
    let status = answer.status();
    let header = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|header| header.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER_BYTES {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // What it says of a failure is nice to have; a success that is cut off may be none.
            Err(_) if !status.is_success() => break,
            Err(error) => return Err(explain(&error).into()),
        }
    }
    body.truncate(MAX_ANSWER_BYTES);
    match status {
        status if status.is_success() => match judge.and_then(|judge| judge(&body)) {
            None => Ok(Response { body }),
            Some(error) => Err(Failed {
                error,
                retry_after: header,
            }),
        },
        status if status.is_redirection() => Err(RequestError::Redirect(status.as_u16()).into()),
        status => Err(Failed {
            error: refused(status, &body),
            retry_after: header,
        }),
    }
}

fn refused(status: StatusCode, body: &[u8]) -> RequestError {
    let said = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
    let said = text::clean::line(&said);
    RequestError::Status {
        status: status.as_u16(),
        said: text::clean::cut(&said, 160),
    }
}

/// What happened, by kind: reqwest's own text holds the URL.
fn explain(error: &reqwest::Error) -> RequestError {
    if error.is_timeout() {
        return RequestError::Slow;
    }
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut innermost = String::new();
    while let Some(inner) = source {
        if let Some(unresolved) = inner.downcast_ref::<NotResolved>() {
            return RequestError::Resolve(unresolved.to_string());
        }
        innermost = inner.to_string();
        source = inner.source();
    }
    // The innermost error is the system's or the TLS library's, and knows no URL.
    RequestError::Unreachable(if innermost.is_empty() {
        "no connection".to_owned()
    } else {
        innermost
    })
}
