//! The `http` probe: one request, answered to the last byte of the body.

use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{Method, Response, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::{Surroundings, Trail, Trouble};
use crate::expect::{Evidence, Shape};
use crate::template::{Template, Values};
use crate::text;

/// How many redirects are followed when a check asks for it.
const REDIRECT_LIMIT: usize = 10;

/// The headers that follow a redirect to another origin. Any other one may carry a secret.
const FOLLOW_ANYWHERE: [HeaderName; 3] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE];

/// How much of a body is read, unless the suite says otherwise.
pub(crate) const DEFAULT_MAX_BODY: usize = 1024 * 1024;

/// A request as the suite describes it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// A path on the target, or an absolute URL.
    pub(crate) url: Template,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) body: Body,
    pub(crate) follow_redirects: bool,
    pub(crate) max_body: usize,
}

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(Shape),
    Text(Template),
    Form(Vec<(String, Template)>),
}

impl Request {
    fn fill(&self, around: &Surroundings) -> Result<Message, Trouble> {
        let values = &around.values;
        let url = self
            .url
            .render(values)
            .map_err(|e| Trouble::errored(e.to_string()))?;
        let mut url = around.clients.resolve(&url)?;
        if !self.query.is_empty() {
            let pairs = render_pairs(&self.query, values)?;
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let (content_type, body) = self.body.fill(values)?;
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, template) in &self.headers {
            let value = template
                .render(values)
                .map_err(|e| Trouble::errored(e.to_string()))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                Trouble::errored(format!(
                    "the value of the header {name} has characters that no header may have"
                ))
            })?;
            headers.insert(name.clone(), value);
        }
        Ok(Message {
            method: self.method.clone(),
            url,
            headers,
            body,
        })
    }
}

impl Body {
    fn fill(&self, values: &Values) -> Result<(Option<&'static str>, Vec<u8>), Trouble> {
        let missing = |error: crate::template::Missing| Trouble::errored(error.to_string());
        Ok(match self {
            Self::None => (None, Vec::new()),
            Self::Json(shape) => {
                let value = shape.render(values).map_err(missing)?;
                (Some("application/json"), value.to_string().into_bytes())
            }
            Self::Text(template) => (None, template.render(values).map_err(missing)?.into_bytes()),
            Self::Form(fields) => {
                let encoded = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(render_pairs(fields, values)?)
                    .finish();
                (
                    Some("application/x-www-form-urlencoded"),
                    encoded.into_bytes(),
                )
            }
        })
    }
}

/// A request ready to be sent.
#[derive(Debug)]
struct Message {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Sends the request and reads the answer. `whole` says whether the check needs the body to the
/// end; if not, a body beyond the limit is only noted.
pub(super) async fn look(
    request: &Request,
    around: &Surroundings,
    whole: bool,
    trail: &mut Trail,
) -> Result<Evidence, Trouble> {
    let mut message = request.fill(around)?;
    trail.request = Some(format!("{} {}", message.method, message.url));
    // Built before the clock starts: the first use of TLS reads the system's certificates.
    around.clients.get(message.url.scheme())?;
    let begun = Instant::now();
    let mut response = send(&message, around).await?;
    if request.follow_redirects {
        let mut hops = 0;
        while let Some(next) = message.after(&response)? {
            hops += 1;
            if hops > REDIRECT_LIMIT {
                return Err(Trouble::failed(format!(
                    "more than {REDIRECT_LIMIT} redirects; the last to {}",
                    next.url
                )));
            }
            trail.notes.push(format!(
                "{} redirects to {}",
                response.status().as_u16(),
                next.url
            ));
            message = next;
            response = send(&message, around).await?;
        }
    }
    trail.status = Some(response.status().as_u16());
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let place = place(&message.url);
    let (body, body_cut_at) = read(response, request.max_body, &place).await?;
    if let (Some(limit), false) = (body_cut_at, whole) {
        trail.notes.push(format!(
            "the body was not read beyond {}",
            text::bytes(limit)
        ));
    }
    Ok(Evidence {
        status,
        headers,
        body,
        body_cut_at,
        latency: begun.elapsed(),
    })
}

async fn send(message: &Message, around: &Surroundings) -> Result<Response, Trouble> {
    let client = around.clients.get(message.url.scheme())?;
    let mut request = client
        .request(message.method.clone(), message.url.clone())
        .headers(message.headers.clone());
    if !message.body.is_empty() {
        request = request.body(message.body.clone());
    }
    request
        .send()
        .await
        .map_err(|error| Trouble::of_request(error, &place(&message.url)))
}

/// Reads until the end or the limit, whichever comes first.
async fn read(
    mut response: Response,
    limit: usize,
    place: &str,
) -> Result<(Vec<u8>, Option<usize>), Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Trouble::of_request(error, place))?
    {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, Some(limit)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, None))
}

impl Message {
    /// The request that a redirect asks for, as browsers do it: 303 becomes GET, 301 and 302 turn
    /// POST into GET, 307 and 308 repeat.
    fn after(&self, response: &Response) -> Result<Option<Self>, Trouble> {
        let status = response.status();
        let Some(location) = response.headers().get(LOCATION) else {
            return Ok(None);
        };
        let to_get = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
            _ => return Ok(None),
        };
        let url = location
            .to_str()
            .ok()
            .and_then(|location| self.url.join(location).ok())
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
                Trouble::failed(format!("{status} with a location that is not an http URL"))
            })?;
        let mut headers = self.headers.clone();
        if url.origin() != self.url.origin() {
            headers = FOLLOW_ANYWHERE
                .iter()
                .filter_map(|name| headers.remove(name).map(|value| (name.clone(), value)))
                .collect();
        }
        let (method, body) = if to_get {
            headers.remove(CONTENT_TYPE);
            (Method::GET, Vec::new())
        } else {
            (self.method.clone(), self.body.clone())
        };
        Ok(Some(Self {
            method,
            url,
            headers,
            body,
        }))
    }
}

/// `shop.example.com:8443`
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn render_pairs<'a>(
    pairs: &'a [(String, Template)],
    values: &Values,
) -> Result<Vec<(&'a str, String)>, Trouble> {
    pairs
        .iter()
        .map(|(name, template)| {
            let value = template
                .render(values)
                .map_err(|e| Trouble::errored(e.to_string()))?;
            Ok((name.as_str(), value))
        })
        .collect()
}
