//! What is sent: the request with its references filled, its headers and its signature.

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use http::Method;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap,
    HeaderName, HeaderValue, USER_AGENT,
};

use super::{AwsSignature, Body, Connect, Request};
use crate::body;
use crate::cloud::SigningRequest;
use crate::probe::connect_options::{ClientIdentity, ConnectOptions};
use crate::probe::prepared_request::PreparedRequest;
use crate::probe::request_url::{Origin, RequestUrl};
use crate::probe::{ProbeContext, ProbeError, multipart};
use crate::template::{Reference, Template, Values};
use crate::words;

/// How large the headers of a request may be, filled. Most servers take 8 KiB.
const MAX_REQUEST_HEADER_BYTES: usize = 64 * 1024;

impl Request {
    /// Where the request goes, without its `query`.
    pub(crate) fn url(&self, context: &ProbeContext) -> Result<RequestUrl, ProbeError> {
        let url = self.url.render(&context.values).map_err(missing)?;
        context.clients.resolve(&url, self.host.as_deref())
    }

    /// Whether an earlier answer says where this request goes: then it is trusted no more than a redirect.
    pub(in crate::probe) fn is_led_by_an_answer(&self, values: &Values) -> bool {
        let names = self
            .url
            .references()
            .filter_map(|reference| match reference {
                Reference::Name(name) => Some(name),
                Reference::Target(_) | Reference::Function(_) => None,
            });
        names
            .into_iter()
            .any(|name| values.captures.contains_key(name))
    }

    pub(in crate::probe) fn allowed(&self, values: &Values) -> Result<Vec<Origin>, ProbeError> {
        let origins = self.allow_origins.iter().map(|template| {
            let written = template.render(values).map_err(missing)?;
            Origin::parse(&written).ok_or_else(|| {
                ProbeError::errored(format!(
                    "allow_origins: {written:?} is not an origin such as https://login.example.com"
                ))
            })
        });
        origins.collect()
    }

    pub(in crate::probe) fn prepare(
        &self,
        context: &ProbeContext,
    ) -> Result<PreparedRequest, ProbeError> {
        let values = &context.values;
        let mut url = self.url(context)?;
        if !self.query.is_empty() {
            let pairs = render_pairs(&self.query, values)?;
            let mut encoder = url::form_urlencoded::Serializer::new(String::new());
            url = url.with_query(&encoder.extend_pairs(pairs).finish());
        }
        let (content_type, body) = self.body.fill(values)?;
        let mut headers = self.headers(content_type, &body, context)?;
        if context.clients.release.is_at(&url.origin) {
            self.demand(&mut headers, &context.release_headers);
        }
        Ok(PreparedRequest {
            method: self.method.clone(),
            url,
            headers,
            body,
            guarded: false,
            new_connection: false,
            connect: self.connect.fill(values)?,
        })
    }

    /// What the listener rule demands, over what the gate says of itself. What the check says stays, and is held against
    /// the rule when it is sent; a demanded cookie stands beside those of the check.
    fn demand(&self, headers: &mut HeaderMap, demanded: &HeaderMap) {
        for (name, value) in demanded {
            let own = headers.get(name).filter(|_| self.says(name));
            let both = own.filter(|_| name == COOKIE).and_then(|own| {
                let both = [own.as_bytes(), b"; ", value.as_bytes()].concat();
                HeaderValue::from_bytes(&both).ok()
            });
            match (own, both) {
                (_, Some(both)) => drop(headers.insert(name, both)),
                (None, None) => drop(headers.insert(name, value.clone())),
                (Some(_), None) => {}
            }
        }
    }

    /// Whether the check itself sets this header.
    fn says(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|(own, _)| own == name)
            || (name == COOKIE && !self.cookies.is_empty())
            || (name == AUTHORIZATION && self.basic.is_some())
            || (name == CONTENT_TYPE && !matches!(self.body, Body::None))
    }

    fn headers(
        &self,
        content_type: Option<HeaderValue>,
        body: &Bytes,
        context: &ProbeContext,
    ) -> Result<HeaderMap, ProbeError> {
        let values = &context.values;
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::from_str(&context.clients.user_agent);
        headers.extend(agent.ok().map(|agent| (USER_AGENT, agent)));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let accepted = HeaderValue::from_static(body::ACCEPT_ENCODING);
        headers.insert(ACCEPT_ENCODING, accepted);
        headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
        let expects_body = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        let is_stated = !matches!(self.body, Body::None);
        if body.is_empty() && (expects_body || is_stated) {
            // RFC 9110, 8.6: some servers answer 411 otherwise.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut size = 0;
        let mut insert = |name: HeaderName, value: String| {
            size += name.as_str().len() + value.len();
            let value = HeaderValue::from_str(&value).map_err(|_| {
                ProbeError::errored(format!(
                    "the value of the header {name} has characters that no header may have"
                ))
            })?;
            headers.insert(name, value);
            Ok::<(), ProbeError>(())
        };
        for (name, template) in &self.headers {
            insert(name.clone(), template.render(values).map_err(missing)?)?;
        }
        if !self.cookies.is_empty() {
            insert(COOKIE, self.cookie_header(values)?)?;
        }
        if let Some((user, password)) = &self.basic {
            let user = user.render(values).map_err(missing)?;
            if user.contains(':') {
                return Err(ProbeError::errored("the user of `basic` has a colon"));
            }
            let password = password.render(values).map_err(missing)?;
            let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
            insert(AUTHORIZATION, format!("Basic {pair}"))?;
        }
        if size > MAX_REQUEST_HEADER_BYTES {
            return Err(ProbeError::errored(format!(
                "the headers of the request are larger than {}; send less",
                words::bytes(MAX_REQUEST_HEADER_BYTES)
            )));
        }
        Ok(headers)
    }

    fn cookie_header(&self, values: &Values) -> Result<String, ProbeError> {
        let mut pairs = Vec::new();
        for (name, value) in render_pairs(&self.cookies, values)? {
            if !is_cookie_value(&value) {
                return Err(ProbeError::errored(format!(
                    "the value of the cookie {name} has characters that no cookie may have; \
                     percent-encode it"
                )));
            }
            pairs.push(format!("{name}={value}"));
        }
        Ok(pairs.join("; "))
    }
}

/// Headers that AWS wants signed, beside those of its own.
const SIGNED_HEADERS: [&str; 2] = ["content-type", "x-amz-"];

impl AwsSignature {
    pub(super) async fn sign(
        &self,
        prepared: &mut PreparedRequest,
        context: &ProbeContext,
    ) -> Result<(), ProbeError> {
        let signed = prepared.headers.iter().filter(|(name, _)| {
            let name = name.as_str();
            SIGNED_HEADERS.iter().any(|begin| name.starts_with(begin))
        });
        let headers = signed.filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let request = SigningRequest {
            service: self.service.clone(),
            region: self.region.clone(),
            method: prepared.method.to_string(),
            url: prepared.url.to_string(),
            headers: headers.collect(),
            body: prepared.body.clone(),
        };
        let cloud = context.cloud("a signature of AWS")?;
        for (name, value) in cloud.sign(&request).await? {
            let header = HeaderName::try_from(name)
                .ok()
                .zip(HeaderValue::try_from(value).ok());
            let (name, mut value) = header
                .ok_or_else(|| ProbeError::errored("a header of the signature can't be sent"))?;
            value.set_sensitive(true);
            prepared.headers.insert(name, value);
        }
        Ok(())
    }
}

impl Connect {
    fn fill(&self, values: &Values) -> Result<ConnectOptions, ProbeError> {
        let identity = match &self.client_certificate {
            Some((certificate, key)) => Some(Arc::new(ClientIdentity::new(
                certificate.render(values).map_err(missing)?,
                key.render(values).map_err(missing)?,
            ))),
            None => None,
        };
        Ok(ConnectOptions {
            http_version: self.http_version,
            ip_version: self.ip_version,
            identity,
        })
    }
}

/// What a cookie may hold (RFC 6265, 4.1.1), and what browsers send besides: spaces, commas and quotes.
pub(crate) fn is_cookie_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) && byte != b';')
}

impl Body {
    /// Bytes that are copied for each request, beside what was received.
    pub(super) fn copied(&self) -> usize {
        match self {
            Self::Multipart(parts) => multipart::copied(parts),
            _ => 0,
        }
    }

    fn fill(&self, values: &Values) -> Result<(Option<HeaderValue>, Bytes), ProbeError> {
        let fixed = |written| Some(HeaderValue::from_static(written));
        Ok(match self {
            Self::None => (None, Bytes::new()),
            Self::Json(template) => {
                let value = template.render(values).map_err(missing)?;
                (fixed("application/json"), value.to_string().into())
            }
            Self::Text(template) => (None, template.render(values).map_err(missing)?.into()),
            Self::File(bytes) => (None, bytes.clone()),
            Self::Form(fields) => {
                let encoded = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(render_pairs(fields, values)?)
                    .finish();
                (fixed("application/x-www-form-urlencoded"), encoded.into())
            }
            Self::Multipart(parts) => {
                let (content_type, body) = multipart::fill(parts, values).map_err(missing)?;
                (HeaderValue::try_from(content_type).ok(), body)
            }
        })
    }
}

fn render_pairs<'a>(
    pairs: &'a [(String, Template)],
    values: &Values,
) -> Result<Vec<(&'a str, String)>, ProbeError> {
    pairs
        .iter()
        .map(|(name, template)| Ok((name.as_str(), template.render(values).map_err(missing)?)))
        .collect()
}

/// By value, so that it serves `map_err`.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the signature that `map_err` wants"
)]
fn missing(error: crate::template::Missing) -> ProbeError {
    ProbeError::errored(error.to_string())
}
