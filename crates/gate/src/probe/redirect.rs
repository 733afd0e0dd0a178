//! Where a redirect leads, and what goes with it.
//!
//! Before traffic nothing that leaves the release is followed unless the check names the other place. After
//! traffic a redirect may lead anywhere but inside: a release must not make the gate ask a metadata service
//! for credentials. [`super::allowed_origins`] decides which origins those are.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION,
    USER_AGENT,
};
use http::{Method, Response, StatusCode};

use public_address::is_public;

use super::allowed_origins::{Admission, AllowedOrigins};
use super::connect_options::ConnectOptions;
use super::error::ProbeError;
use super::prepared_request::PreparedRequest;
use super::request_url::RequestUrl;

/// The headers that follow a redirect to another origin. Any other one may carry a secret.
const HEADERS_TO_OTHER_ORIGINS: [HeaderName; 6] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    USER_AGENT,
];

/// The request that a redirect asks for, as browsers do it: 303 becomes GET, 301 and 302 turn POST
/// into GET, 307 and 308 repeat. `None` if the answer is no redirect.
pub(super) fn follow<B>(
    request: &PreparedRequest,
    response: &Response<B>,
    allowed: &AllowedOrigins<'_>,
) -> Result<Option<PreparedRequest>, ProbeError> {
    let status = response.status();
    let Some(location) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    let to_get = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method == Method::POST,
        StatusCode::SEE_OTHER => request.method != Method::HEAD,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
        _ => return Ok(None),
    };
    let url = std::str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|location| request.url.join(location))
        .ok_or_else(|| {
            ProbeError::failed(format!("{status} with a location that is not an http URL"))
        })?;
    let (from, code) = (&request.url, status.as_u16());
    let guarded = match allowed.admission(&url.origin) {
        Admission::Allowed => false,
        Admission::PublicOnly => {
            refuse_private_address(&url, &format!("the redirect to {url} is not followed"))?;
            true
        }
        Admission::Refused => {
            return Err(ProbeError::failed(format!(
                "{code} leads away from the release, from {from} to {url}; before traffic only an \
                 answer of the release counts; if the other place is meant, write \
                 allow_origins: [\"{}\"]",
                url.origin
            )));
        }
    };
    let mut headers = request.headers.clone();
    let mut body = request.body.clone();
    let leaves = url.origin != from.origin;
    let mut connect = request.connect.clone();
    if leaves {
        connect = ConnectOptions {
            identity: None,
            ..connect
        };
        headers = HEADERS_TO_OTHER_ORIGINS
            .iter()
            .filter_map(|name| headers.remove(name).map(|value| (name.clone(), value)))
            .collect();
    }
    let mut method = request.method.clone();
    if to_get {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        (method, body) = (Method::GET, Bytes::new());
    } else if leaves && !body.is_empty() {
        return Err(ProbeError::failed(format!(
            "{code} asks for the body once more at {url}, another origin than {}; a body is sent \
             to the origin of the check only",
            from.origin
        )));
    }
    Ok(Some(PreparedRequest {
        method,
        url,
        headers,
        body,
        guarded,
        new_connection: request.new_connection,
        connect,
    }))
}

/// A host that is written as an address is never resolved, so the resolver would not refuse it.
pub(super) fn refuse_private_address(url: &RequestUrl, refusal: &str) -> Result<(), ProbeError> {
    let host = url.origin.host.trim_matches(['[', ']']);
    match host.parse() {
        Ok(address) if !is_public(address) => Err(ProbeError::failed(format!(
            "{refusal}: {host} is an address inside; if that is meant, write allow_origins: [\"{}\"]",
            url.origin
        ))),
        _ => Ok(()),
    }
}
