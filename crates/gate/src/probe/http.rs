//! The `http` probe: one request, answered to the last byte of the body.

mod fill;

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use http::Method;
use http::header::{COOKIE, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Duration, Instant};

use super::allowed_origins::{Admission, AllowedOrigins};
use super::client::ResponseHead;
use super::connect_options::{HttpVersion, IpVersion};
use super::cookie_jar::CookieJar;
use super::error::ProbeError;
use super::multipart::{Content, Part};
use super::prepared_request::PreparedRequest;
use super::redirect;
use super::request_url::RequestUrl;
use super::{Execution, ProbeContext, ProbeKind, Profile, Sampling, Subject, Trace};
use crate::body::Body as ReceivedBody;
use crate::evidence::{ConnectTimes, Evidence, Exchange, Facet, Observation};
use crate::expect::{Expectation, StatusRange};
use crate::json_template::JsonTemplate;
use crate::measurement::Measurement;
use crate::template::Template;
use crate::words::{self, MAX_RAW_BYTES};

pub(crate) use self::fill::is_cookie_value;

/// How many redirects are followed when a check asks for it.
const MAX_REDIRECTS: usize = 10;

/// How much of a body is read, unless the suite says otherwise.
pub(crate) const DEFAULT_MAX_BODY: usize = 1024 * 1024;

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
