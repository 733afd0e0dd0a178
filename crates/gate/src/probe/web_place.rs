//! Where a probe goes that a URL leads to: a path on the target, or an absolute one.

use http::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::error::ProbeError;
use super::place;
use super::request_url::{Origin, RequestUrl};
use super::{ProbeContext, Subject};
use crate::template::Template;

/// `url` and `reaches_release` of a check.
#[derive(Clone, Debug)]
pub(crate) struct WebPlace {
    pub(crate) url: Template,
    /// Whether it leads to the release under test, where the check says so.
    pub(crate) reaches_release: Option<bool>,
}

impl WebPlace {
    pub(crate) fn url(&self, context: &ProbeContext) -> Result<RequestUrl, ProbeError> {
        let url = self.url.render(&context.values)?;
        context.clients.resolve(&as_http(&url), None)
    }

    pub(crate) fn subject(&self, context: &ProbeContext) -> Subject {
        match self.url(context) {
            Ok(url) => place::subject(&url.origin, self.reaches_release, "write a path", context),
            // The check itself will say why, and does not pass.
            Err(_) => Subject::Release,
        }
    }
}

/// The URL with the scheme that HTTP has for it: `ws` is `http`, and `wss` is `https`.
pub(crate) fn as_http(url: &str) -> String {
    match url.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        _ => url.to_owned(),
    }
}

/// What every request says; `own` replaces it. To the release, what its listener's rule demands as well.
pub(super) fn headers(
    origin: &Origin,
    own: &[(HeaderName, Template)],
    context: &ProbeContext,
) -> Result<HeaderMap, ProbeError> {
    let mut headers = HeaderMap::new();
    let agent = HeaderValue::from_str(&context.clients.user_agent);
    headers.extend(agent.ok().map(|agent| (USER_AGENT, agent)));
    if context.clients.release.is_at(origin) {
        headers.extend((*context.release_headers).clone());
    }
    for (name, template) in own {
        let value = template.render(&context.values)?;
        let value = HeaderValue::from_str(&value).map_err(|_| {
            ProbeError::errored(format!(
                "the value of the header {name} has characters that no header may have"
            ))
        })?;
        headers.insert(name.clone(), value);
    }
    Ok(headers)
}
