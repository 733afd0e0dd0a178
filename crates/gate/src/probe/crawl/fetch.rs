//! One request of a walk.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use tokio::time::timeout;

use super::super::connect_options::ConnectOptions;
use super::super::http::read;
use super::super::prepared_request::PreparedRequest;
use super::super::request_url::{Origin, RequestUrl};
use super::super::web_place;
use super::page::{self, Page};
use crate::body::{self, Body};
use crate::measurement::Measurement;
use crate::probe::{ProbeContext, ProbeError};
use crate::words;

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A URL to ask for.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) url: RequestUrl,
    /// Links from the first page.
    pub(super) depth: usize,
    /// The path of the page that names it; none of the first one.
    pub(super) from: Option<String>,
    /// A visitor goes there, so it may be a page.
    pub(super) is_page: bool,
}

impl Fetch {
    /// `/x (in /y)`
    pub(super) fn place(&self) -> String {
        match &self.from {
            None => self.url.path.clone(),
            Some(from) => format!("{} (in {from})", self.url.path),
        }
    }
}

/// What came of a fetch.
#[derive(Debug)]
pub(super) enum Outcome {
    Page(Page),
    /// It is there, and no page.
    File,
    Redirect(RequestUrl),
    /// A status of 4xx.
    Missing(u16),
    /// A status of 5xx, or no answer.
    Broken(String),
}

/// What goes with each request of a walk.
pub(super) fn headers(origin: &Origin, context: &ProbeContext) -> Result<HeaderMap, ProbeError> {
    let mut headers = web_place::headers(origin, &[], context)?;
    let accepted = HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8");
    headers.entry(ACCEPT).or_insert(accepted);
    let codings = HeaderValue::from_static(body::ACCEPT_ENCODING);
    headers.entry(ACCEPT_ENCODING).or_insert(codings);
    Ok(headers)
}

/// Asks once. An error is one of our own: the whole walk is worth nothing then.
pub(super) async fn send(
    fetch: Fetch,
    headers: HeaderMap,
    max_body: usize,
    context: &ProbeContext,
) -> Result<(Fetch, Outcome), ProbeError> {
    let outcome = match timeout(ANSWER_TIMEOUT, ask(&fetch, headers, max_body, context)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) if error.measurement == Measurement::Failed => {
            Outcome::Broken(error.message)
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => Outcome::Broken(format!(
            "no complete answer within {}",
            words::duration(ANSWER_TIMEOUT)
        )),
    };
    Ok((fetch, outcome))
}

async fn ask(
    fetch: &Fetch,
    headers: HeaderMap,
    max_body: usize,
    context: &ProbeContext,
) -> Result<Outcome, ProbeError> {
    let request = PreparedRequest {
        connect: ConnectOptions::default(),
        method: Method::GET,
        url: fetch.url.clone(),
        headers,
        body: Bytes::new(),
        guarded: false,
        new_connection: false,
    };
    let response = context.clients.send(&request).await?.response;
    let status = response.status();
    if status.is_client_error() {
        return Ok(Outcome::Missing(status.as_u16()));
    }
    if status.is_server_error() {
        return Ok(Outcome::Broken(status.as_u16().to_string()));
    }
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if status.is_redirection()
        && let Some(location) = header(LOCATION)
    {
        return Ok(match fetch.url.join(location) {
            Some(to) => Outcome::Redirect(to),
            None => Outcome::Broken(format!("it redirects to {location:?}, which is no URL")),
        });
    }
    let is_html = header(CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml+xml")
    });
    let (head, body) = response.into_parts();
    let (bytes, cut) = read(body, max_body).await?;
    if !is_html || !fetch.is_page {
        return Ok(Outcome::File);
    }
    if cut.is_some() {
        let bound = words::bytes(max_body);
        return Err(ProbeError::errored(format!(
            "{} is larger than max_body ({bound}); raise max_body",
            fetch.place()
        )));
    }
    let body = Body::new(bytes, max_body, &head.headers);
    let reading = tokio::task::spawn_blocking(move || match body.text() {
        Ok(text) => Outcome::Page(page::read(&text)),
        Err(why) => Outcome::Broken(why.to_string()),
    });
    let read = reading.await;
    read.map_err(|error| ProbeError::errored(format!("reading {} broke: {error}", fetch.place())))
}
