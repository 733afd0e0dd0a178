//! The `http` probe: one request, answered to the last byte of the body.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use data_encoding::BASE64;
use futures::FutureExt;
use http::Method;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap,
    HeaderName, HeaderValue, USER_AGENT,
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Duration, Instant};

use super::allowed_origins::{Admission, AllowedOrigins};
use super::client::ResponseHead;
use super::connect_options::{ClientIdentity, ConnectOptions, HttpVersion, IpVersion};
use super::cookie_jar::CookieJar;
use super::error::ProbeError;
use super::multipart::{self, Content, Part};
use super::prepared_request::PreparedRequest;
use super::redirect;
use super::request_url::{Origin, RequestUrl};
use super::{Execution, ProbeContext, ProbeKind, Profile, Sampling, Subject, Trace};
use crate::body::{self, Body as ReceivedBody};
use crate::cloud::SigningRequest;
use crate::evidence::{ConnectTimes, Evidence, Exchange, Facet, Observation};
use crate::expect::{Expectation, StatusRange};
use crate::json_template::JsonTemplate;
use crate::measurement::Measurement;
use crate::template::{Reference, Template, Values};
use crate::words::{self, MAX_RAW_BYTES};

/// How many redirects are followed when a check asks for it.
const MAX_REDIRECTS: usize = 10;

/// How much of a body is read, unless the suite says otherwise.
pub(crate) const DEFAULT_MAX_BODY: usize = 1024 * 1024;

/// How large the headers of a request may be, filled. Most servers take 8 KiB.
const MAX_REQUEST_HEADER_BYTES: usize = 64 * 1024;

/// A request as the suite describes it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// A path on the target, or an absolute URL.
    pub(crate) url: Template,
    /// The name to speak to the target by, if another than the suite's.
    pub(crate) host: Option<String>,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) cookies: Vec<(String, Template)>,
    /// User and password.
    pub(crate) basic: Option<(Template, Template)>,
    pub(crate) aws_sigv4: Option<AwsSignature>,
    pub(crate) connect: Connect,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) body: Body,
    pub(crate) follow_redirects: bool,
    /// Origins beside the release that the check may ask, or be redirected to.
    pub(crate) allow_origins: Vec<Template>,
    /// The absolute URL leads to the release under test.
    pub(crate) reaches_release: bool,
    pub(crate) max_body: usize,
}

/// The request is signed with the identity that the gate runs as (AWS Signature Version 4).
#[derive(Clone, Debug)]
pub(crate) struct AwsSignature {
    /// `execute-api`
    pub(crate) service: String,
    /// Without one, that of the gate.
    pub(crate) region: Option<String>,
}

/// How its connection is made, where the suite says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connect {
    pub(crate) http_version: HttpVersion,
    pub(crate) ip_version: Option<IpVersion>,
    /// Certificate and key, as PEM.
    pub(crate) client_certificate: Option<(Template, Template)>,
}

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(JsonTemplate),
    Text(Template),
    /// A file that lies beside the suite, as it is.
    File(Bytes),
    Form(Vec<(String, Template)>),
    Multipart(Vec<Part>),
}

impl ProbeKind for Request {
    fn profile(&self) -> Profile {
        let is_safe = matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        Profile {
            key: "http",
            answer: &Facet::ALL,
            received: self.max_body + self.body.copied(),
            judged: 0,
            needs_traffic: true,
            sampling: if is_safe {
                Sampling::Repeat
            } else {
                Sampling::Once
            },
            silence: Measurement::Failed,
        }
    }

    fn presumed(&self) -> Vec<Expectation> {
        vec![Expectation::Status(vec![StatusRange::SUCCESS])]
    }

    fn asks(&self) -> Vec<String> {
        vec![format!("{} {}", self.method, self.url.written())]
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.url);
        self.allow_origins.iter().for_each(&mut *see);
        self.headers.iter().for_each(|(_, value)| see(value));
        self.query.iter().for_each(|(_, value)| see(value));
        self.cookies.iter().for_each(|(_, value)| see(value));
        if let Some((user, password)) = &self.basic {
            see(user);
            see(password);
        }
        if let Some((certificate, key)) = &self.connect.client_certificate {
            see(certificate);
            see(key);
        }
        match &self.body {
            Body::None | Body::File(_) => {}
            Body::Json(template) => template.templates(see),
            Body::Text(text) => see(text),
            Body::Form(fields) => fields.iter().for_each(|(_, value)| see(value)),
            Body::Multipart(parts) => {
                for part in parts {
                    part.file.iter().for_each(&mut *see);
                    if let Content::Text(text) = &part.content {
                        see(text);
                    }
                }
            }
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.host.iter().cloned().collect()
    }

    fn urls(&self, context: &ProbeContext) -> Vec<RequestUrl> {
        self.url(context).into_iter().collect()
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        let url = self.url(context);
        let allowed = url
            .as_ref()
            .ok()
            .and_then(|url| AllowedOrigins::of(self, &url.origin, context).ok());
        let (Ok(url), Some(allowed)) = (url, allowed) else {
            // The check itself will say why it can't be asked, and does not pass.
            return Subject::Release;
        };
        if allowed.admission(&url.origin) == Admission::Refused {
            Subject::Refused(allowed.not_the_release(&url))
        } else if allowed.is_release(&url.origin) {
            Subject::Release
        } else {
            Subject::Other
        }
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

impl Request {
    /// Where the request goes, without its `query`.
    pub(crate) fn url(&self, context: &ProbeContext) -> Result<RequestUrl, ProbeError> {
        let url = self.url.render(&context.values).map_err(missing)?;
        context.clients.resolve(&url, self.host.as_deref())
    }

    /// Whether an earlier answer says where this request goes: then it is trusted no more than a redirect.
    pub(super) fn is_led_by_an_answer(&self, values: &Values) -> bool {
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

    pub(super) fn allowed(&self, values: &Values) -> Result<Vec<Origin>, ProbeError> {
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

    pub(super) fn prepare(&self, context: &ProbeContext) -> Result<PreparedRequest, ProbeError> {
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
    async fn sign(
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
    fn copied(&self) -> usize {
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

/// Sends the request and reads the answer. Where the check does not need the body to its end, a body beyond the limit is
/// only noted.
pub(super) async fn execute(
    request: &Request,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let mut prepared = request.prepare(context)?;
    prepared.new_connection = context.new_connection;
    trace.request = Some(format!("{} {}", prepared.method, prepared.url));
    let allowed = AllowedOrigins::of(request, &prepared.url.origin, context)?;
    allowed.check_own_url(&prepared.url)?;
    prepared.guarded = allowed.admission(&prepared.url.origin) == Admission::PublicOnly;
    if prepared.guarded {
        let refusal = format!(
            "{} is not asked, as an answer of the target leads there",
            prepared.url
        );
        redirect::refuse_private_address(&prepared.url, &refusal)?;
    }
    if let Some(signature) = &request.aws_sigv4 {
        signature.sign(&mut prepared, context).await?;
    }
    context.clients.prepare(&prepared)?;
    let begun = Instant::now();
    let mut lost = Duration::ZERO;
    let mut redirects = Vec::new();
    let (response, connecting) = loop {
        let (response, connecting) = send(&prepared, context, &mut lost, trace).await?;
        if !request.follow_redirects {
            break (response, connecting);
        }
        let Some(next) = redirect::follow(&prepared, &response, &allowed)? else {
            break (response, connecting);
        };
        if redirects.len() == MAX_REDIRECTS {
            return Err(ProbeError::failed(format!(
                "more than {MAX_REDIRECTS} redirects; the last to {}",
                words::head(&next.url.to_string(), MAX_RAW_BYTES)
            )));
        }
        let status = response.status().as_u16();
        let to = next.url.to_string();
        trace.notes.push(format!(
            "{status} redirects to {}",
            words::head(&to, MAX_RAW_BYTES)
        ));
        redirects.push(next.url.clone());
        prepared = next;
        if context.clients.release.is_at(&prepared.url.origin) {
            // Another name of the release: what only its listener asks for goes there, too.
            for (name, value) in context.release_headers.iter() {
                prepared
                    .headers
                    .entry(name)
                    .or_insert_with(|| value.clone());
            }
        }
    };
    let first_byte = begun.elapsed().saturating_sub(lost);
    let status = response.status().as_u16();
    trace.status = Some(status);
    let (head, body) = response.into_parts();
    let (body, body_cut_at) = read(body, request.max_body).await?;
    let latency = begun.elapsed().saturating_sub(lost);
    if let (Some(limit), false) = (body_cut_at, context.whole_body) {
        trace.notes.push(format!(
            "the body was not read beyond {}",
            words::bytes(limit)
        ));
    }
    let of_release = allowed.is_release(&prepared.url.origin);
    Ok(Observation {
        answer: Some(Evidence {
            status: Some(status),
            body: ReceivedBody::new(body, request.max_body, &head.headers),
            headers: head.headers,
            body_cut_at,
            latency,
            exchange: Some(Exchange {
                first_byte,
                connecting,
                url: prepared.url,
                redirects,
            }),
        }),
        findings: Vec::new(),
        of_release,
    })
}

/// With the cookies of the journey that go to its URL. Those that the step itself says stay.
fn with_cookies(
    prepared: &PreparedRequest,
    jar: &Mutex<CookieJar>,
    trace: &mut Trace,
) -> PreparedRequest {
    let mut prepared = prepared.clone();
    let jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
    for name in jar.held_back(&prepared.url) {
        let note = format!(
            "the cookie {name} is Secure, so it is not sent to {}",
            prepared.url.origin
        );
        if !trace.notes.contains(&note) {
            trace.notes.push(note);
        }
    }
    let own = prepared
        .headers
        .get(COOKIE)
        .and_then(|value| value.to_str().ok());
    let mut pairs: Vec<String> = own.iter().map(|own| (*own).to_owned()).collect();
    let says = |name: &str| {
        let mut names = own
            .unwrap_or_default()
            .split(';')
            .filter_map(|pair| pair.split_once('='));
        names.any(|(own, _)| own.trim() == name)
    };
    let kept = jar
        .pairs(&prepared.url)
        .into_iter()
        .filter(|(name, _)| !says(name));
    pairs.extend(kept.map(|(name, value)| format!("{name}={value}")));
    if let (false, Ok(value)) = (pairs.is_empty(), HeaderValue::from_str(&pairs.join("; "))) {
        prepared.headers.insert(COOKIE, value);
    }
    prepared
}

async fn send(
    prepared: &PreparedRequest,
    context: &ProbeContext,
    lost: &mut Duration,
    trace: &mut Trace,
) -> Result<(http::Response<Incoming>, Option<ConnectTimes>), ProbeError> {
    let ResponseHead {
        response,
        lost: more,
        repeated,
        connecting,
    } = match &context.jar {
        None => context.clients.send(prepared).await?,
        Some(jar) => {
            let with_cookies = with_cookies(prepared, jar, trace);
            let head = context.clients.send(&with_cookies).await?;
            let mut jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
            jar.keep(&prepared.url, head.response.headers(), context.now());
            head
        }
    };
    *lost += more.unwrap_or_default();
    if repeated {
        trace.notes.push(format!(
            "the server had closed the connection; {} {} was asked once more on a new one",
            prepared.method, prepared.url
        ));
    }
    Ok((response, connecting))
}

/// Reads until the end or the limit, whichever comes first.
pub(super) async fn read(
    mut body: Incoming,
    limit: usize,
) -> Result<(Vec<u8>, Option<usize>), ProbeError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ProbeError::of_body(&error))?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        let room = limit - bytes.len();
        if chunk.len() > room {
            bytes.extend_from_slice(&chunk[..room]);
            return Ok((bytes, Some(limit)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes, None))
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
