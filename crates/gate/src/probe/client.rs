//! The HTTP clients of one run: built when first needed, shared by its checks, gone with it.
//!
//! Connections are shared, state is not: no cookie store, no redirects followed behind our back,
//! no proxy taken from the environment. The client's own faults must never be the target's: a
//! connection that the server closed while it was idle is no answer of the release.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;
use url::Url;

use super::connect::Router;
use super::connect_options::{ConnectOptions, HttpVersion};
use super::connection_error::{broke_off, refused_unseen};
use super::error::ProbeError;
use super::http_limits::{MAX_HEADER_BYTES, MAX_HEADERS};
use super::prepared_request::PreparedRequest;
use super::release::Release;
use super::request_url::{Origin, RequestUrl, UrlReference};
use super::timing::ConnectTimer;
use super::timing_connector::TimingConnector;
use super::trust::{self, Trust};
use crate::Stage;
use crate::evidence::ConnectTimes;
use crate::listener_rule::{ListenerRule, Miss, RuleRequest};

/// What differs from the open internet where the gate runs.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// Certificates to trust beside those of the system, for a private certificate authority: PEM,
    /// each text with one or several.
    pub ca_certificates: Vec<String>,
    /// The name servers of `dns` checks, in place of the system's.
    pub nameservers: Vec<SocketAddr>,
}

/// How long an unused connection is kept: well below the 60 s after which an Application Load
/// Balancer closes it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection that breaks later than this after a request was sent was not closed before: the server took the
/// request, and its time counts.
const STALE_CONNECTION_TIME: Duration = Duration::from_millis(100);

/// The clients of one run.
#[derive(Debug)]
pub(crate) struct Clients {
    /// Answers of others than the release don't count.
    pub(crate) only_release: bool,
    pub(crate) release: Arc<Release>,
    /// What the release's listener leads to it.
    rule: Arc<ListenerRule>,
    pub(crate) user_agent: String,
    pub(super) virtual_host: Option<String>,
    ca_certificates: Vec<String>,
    idle_connections: usize,
    tls: OnceLock<Result<Trust, ProbeError>>,
    /// With their idle connections.
    built: Mutex<HashMap<ClientKind, Http>>,
    /// Connections that have carried an answer, by both ends.
    used: Mutex<HashSet<(SocketAddr, SocketAddr)>>,
}

type Http = Client<TimingConnector, Full<Bytes>>;

/// What a [`Clients`] is made from.
#[derive(Debug)]
pub(crate) struct ClientPlan {
    pub(crate) ca_certificates: Vec<String>,
    pub(crate) stage: Stage,
    pub(crate) only_release: bool,
    pub(crate) concurrency: usize,
    /// The target's address.
    pub(crate) base: Option<Url>,
    /// The name to speak to it by, if another.
    pub(crate) virtual_host: Option<String>,
    /// Every name that a check speaks to it by.
    pub(crate) names: BTreeSet<String>,
    pub(crate) rule: ListenerRule,
}

/// The head of an answer.
pub(crate) struct ResponseHead {
    pub(crate) response: Response<Incoming>,
    /// What a connection that was no longer there has cost, where it cost no more than that takes to be seen.
    pub(crate) lost: Option<Duration>,
    /// It was asked once more.
    pub(crate) repeated: bool,
    /// How long connecting took, if this request had a connection made.
    pub(crate) connecting: Option<ConnectTimes>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct ClientKind {
    secure: bool,
    guarded: bool,
    /// Never on a connection that has carried another request.
    fresh: bool,
    connect: ConnectOptions,
}

impl Clients {
    pub(crate) fn new(plan: ClientPlan) -> Self {
        let mut names = plan.names;
        names.extend(plan.virtual_host.clone());
        Self {
            only_release: plan.only_release,
            release: Arc::new(Release {
                origin: plan.base.as_ref().and_then(Origin::of),
                names: names.iter().map(|name| name.to_lowercase()).collect(),
            }),
            rule: Arc::new(plan.rule),
            user_agent: format!(
                "deploy-hooks/{} ({})",
                env!("CARGO_PKG_VERSION"),
                plan.stage
            ),
            virtual_host: plan.virtual_host,
            ca_certificates: plan.ca_certificates,
            idle_connections: plan.concurrency,
            tls: OnceLock::new(),
            built: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// The same for another address of the target, which the names of the release lead to as well.
    pub(super) fn at(&self, origin: Origin) -> Self {
        Self {
            only_release: self.only_release,
            release: Arc::new(Release {
                origin: Some(origin),
                names: self.release.names.clone(),
            }),
            // Nothing is known of the rules there.
            rule: Arc::default(),
            user_agent: self.user_agent.clone(),
            virtual_host: self.virtual_host.clone(),
            ca_certificates: self.ca_certificates.clone(),
            idle_connections: self.idle_connections,
            tls: self.tls.clone(),
            built: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// The URL that `reference` names: a path on the target, spoken to as `host`, or an absolute URL.
    pub(crate) fn resolve(
        &self,
        reference: &str,
        host: Option<&str>,
    ) -> Result<RequestUrl, ProbeError> {
        let path = match UrlReference::parse(reference) {
            Ok(UrlReference::Absolute(url)) => return Ok(url),
            Ok(UrlReference::Path(path)) => path,
            Err(why) => {
                return Err(ProbeError::errored(format!(
                    "{reference:?} can't be asked for: {why}"
                )));
            }
        };
        let Some(own) = &self.release.origin else {
            return Err(ProbeError::errored(format!(
                "{reference:?} is a path, and this target has no address of its own; write an \
                 absolute URL"
            )));
        };
        let host = host.or(self.virtual_host.as_deref()).unwrap_or(&own.host);
        let origin = Origin {
            host: host.to_lowercase(),
            ..own.clone()
        };
        Ok(RequestUrl { origin, path })
    }

    /// Builds what `request` needs, so that no clock runs meanwhile: the first use of TLS reads the
    /// system's certificates, which a suite that speaks plain HTTP does not pay for. A request that would not reach the
    /// release is refused before any of a load is sent.
    pub(crate) fn prepare(&self, request: &PreparedRequest) -> Result<(), ProbeError> {
        self.meets_rule(&request.method, &request.url, &request.headers)?;
        self.get(&ClientKind::of(request)).map(drop)
    }

    /// Whether the listener of the release leads this request to it; one to another place needs no rule.
    pub(super) fn meets_rule(
        &self,
        method: &Method,
        url: &RequestUrl,
        headers: &HeaderMap,
    ) -> Result<(), ProbeError> {
        if !self.release.is_at(&url.origin) {
            return Ok(());
        }
        let miss = self.rule.miss(RuleRequest {
            method,
            host: &url.origin.host,
            path: &url.path,
            headers,
        });
        match miss {
            None => Ok(()),
            Some(miss) => Err(ProbeError::errored(format!(
                "{method} {url} does not reach the release, as its listener rule {miss}"
            ))),
        }
    }

    /// Why host and path alone keep this URL from the release, at whose address it is.
    pub(crate) fn miss_of_url(&self, url: &RequestUrl) -> Option<Miss<'_>> {
        let rule = Some(&self.rule).filter(|_| self.release.is_at(&url.origin));
        rule?.miss_of_url(&url.origin.host, &url.path)
    }

    /// Lets go of idle connections. A round must not measure the one task that an earlier round was led to, and a
    /// release that takes no new connections is down.
    pub(crate) fn forget_connections(&self) {
        self.built().clear();
        self.used().clear();
    }

    /// Sends the request; once more, on a fresh connection, if the connection was no longer there
    /// and the request may be repeated (RFC 9112, 9.3.1; RFC 9113, 8.7).
    pub(crate) async fn send(&self, request: &PreparedRequest) -> Result<ResponseHead, ProbeError> {
        self.meets_rule(&request.method, &request.url, &request.headers)?;
        let kind = ClientKind::of(request);
        let begun = Instant::now();
        match self.try_send(&kind, request).await? {
            Ok((response, reused)) => {
                // What a server sends when it gives up on an idle connection.
                let given_up = response.status() == StatusCode::REQUEST_TIMEOUT && reused;
                if !(given_up && is_idempotent(&request.method)) {
                    return Ok(ResponseHead {
                        connecting: connect_times(&response, begun),
                        response,
                        lost: None,
                        repeated: false,
                    });
                }
            }
            Err((error, reused)) => {
                let gone = reused && is_idempotent(&request.method) && broke_off(&error);
                if !gone && !refused_unseen(&error) {
                    return Err(ProbeError::of_sending(&error, request));
                }
            }
        }
        let passed = begun.elapsed();
        let lost = (passed <= STALE_CONNECTION_TIME).then_some(passed);
        let fresh = ClientKind {
            fresh: true,
            ..kind
        };
        let retried = Instant::now();
        match self.try_send(&fresh, request).await? {
            Ok((response, _)) => Ok(ResponseHead {
                connecting: connect_times(&response, retried),
                response,
                lost,
                repeated: true,
            }),
            Err((error, _)) => Err(ProbeError::of_sending(&error, request)),
        }
    }

    /// One try, and whether its connection had carried an answer before.
    #[allow(
        clippy::type_complexity,
        reason = "the answer or the error, each with a flag"
    )]
    async fn try_send(
        &self,
        kind: &ClientKind,
        request: &PreparedRequest,
    ) -> Result<Result<(Response<Incoming>, bool), (Error, bool)>, ProbeError> {
        let client = self.get(kind)?;
        Ok(match client.request(Self::build_request(request)?).await {
            Ok(response) => {
                let ends = response.extensions().get::<HttpInfo>().map(ends);
                let reused = ends.is_some_and(|ends| !self.used().insert(ends));
                Ok((response, reused))
            }
            Err(error) => {
                let mut known = http::Extensions::new();
                if let Some(connection) = error.connect_info() {
                    connection.get_extras(&mut known);
                }
                let ends = known.get::<HttpInfo>().map(ends);
                let reused = ends.is_some_and(|ends| self.used().contains(&ends));
                Err((error, reused))
            }
        })
    }

    fn build_request(request: &PreparedRequest) -> Result<Request<Full<Bytes>>, ProbeError> {
        let built = request.url.uri().and_then(|uri| {
            Request::builder()
                .method(request.method.clone())
                .uri(uri)
                .body(Full::new(request.body.clone()))
        });
        let mut built = built.map_err(|error| {
            ProbeError::errored(format!("the request could not be built: {error}"))
        })?;
        *built.headers_mut() = request.headers.clone();
        Ok(built)
    }

    fn get(&self, kind: &ClientKind) -> Result<Http, ProbeError> {
        let mut built = self.built();
        if let Some(client) = built.get(kind) {
            return Ok(client.clone());
        }
        let client = self.build(kind)?;
        built.insert(kind.clone(), client.clone());
        Ok(client)
    }

    /// What TLS trusts in this run.
    pub(super) fn trust(&self) -> Result<Trust, ProbeError> {
        let build = || trust::trusting(&self.ca_certificates);
        self.tls.get_or_init(build).clone()
    }

    fn built(&self) -> MutexGuard<'_, HashMap<ClientKind, Http>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn build(&self, kind: &ClientKind) -> Result<Http, ProbeError> {
        let mut config = if kind.secure {
            self.trust()?.config
        } else {
            trust::none()?
        };
        let ConnectOptions {
            http_version,
            ip_version,
            identity,
        } = &kind.connect;
        if let Some(identity) = identity {
            config.client_auth_cert_resolver = identity.resolver()?;
        }
        let router = Router::new(Arc::clone(&self.release), kind.guarded).over(*ip_version);
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http();
        let connector = match http_version {
            HttpVersion::Negotiated => builder.enable_all_versions().wrap_connector(router),
            HttpVersion::Http1 => builder.enable_http1().wrap_connector(router),
            HttpVersion::Http2 => builder.enable_http2().wrap_connector(router),
        };
        let idle = if kind.fresh { 0 } else { self.idle_connections };
        Ok(Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(idle)
            .http2_only(*http_version == HttpVersion::Http2)
            .http1_max_headers(MAX_HEADERS)
            .http1_max_buf_size(MAX_HEADER_BYTES as usize)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .build(TimingConnector(connector)))
    }

    fn used(&self) -> MutexGuard<'_, HashSet<(SocketAddr, SocketAddr)>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientKind {
    fn of(request: &PreparedRequest) -> Self {
        Self {
            secure: request.url.origin.secure,
            guarded: request.guarded,
            // It could not be repeated if the connection were gone.
            fresh: request.new_connection || !is_idempotent(&request.method),
            connect: request.connect.clone(),
        }
    }
}

fn is_idempotent(method: &Method) -> bool {
    !matches!(*method, Method::POST | Method::PATCH)
}

/// The times of the connection that the answer came over, if it was made for this request.
fn connect_times(response: &Response<Incoming>, asked: Instant) -> Option<ConnectTimes> {
    response.extensions().get::<ConnectTimer>()?.since(asked)
}

fn ends(info: &HttpInfo) -> (SocketAddr, SocketAddr) {
    (info.local_addr(), info.remote_addr())
}
