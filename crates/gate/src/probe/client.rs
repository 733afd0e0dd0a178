//! The HTTP clients of one run: built when first needed, shared by its checks, gone with it.
//!
//! Connections are shared, state is not: no cookie store, no redirects followed behind our back,
//! no proxy taken from the environment. The client's own faults must never be the target's: a
//! connection that the server closed while it was idle is no answer of the release.

use std::collections::{BTreeSet, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::Instant;
use url::Url;

use super::Trouble;
use super::connect::{Release, Router};
use super::place::{Origin, Place, Reference};
use super::tls;
use super::trouble::{broke_off, refused_unseen};
use crate::Stage;

/// How the caller's surroundings differ from the open internet.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// Certificates to trust beside those of the system, for a private certificate authority: PEM,
    /// each text with one or several.
    pub ca_certificates: Vec<String>,
}

/// How long an unused connection is kept: well below the 60 s after which an Application Load
/// Balancer closes it.
const IDLE: Duration = Duration::from_secs(20);

/// Headers of one answer, in number and in bytes: what browsers take, and a bound.
pub(super) const MAX_HEADERS: usize = 500;
pub(super) const MAX_HEADER_BYTES: u32 = 256 * 1024;

/// The clients of one run.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) stage: Stage,
    pub(crate) release: Arc<Release>,
    pub(crate) user_agent: String,
    virtual_host: Option<String>,
    ca_certificates: Vec<String>,
    idle_connections: usize,
    tls: OnceLock<Result<ClientConfig, Trouble>>,
    /// One for each [`Kind`].
    built: [OnceLock<Result<Http, Trouble>>; 8],
    /// Connections that have carried an answer, by both ends.
    used: Mutex<HashSet<(SocketAddr, SocketAddr)>>,
}

type Http = Client<HttpsConnector<Router>, Full<Bytes>>;

/// What a [`Clients`] is made from.
#[derive(Debug)]
pub(crate) struct ClientPlan {
    pub(crate) ca_certificates: Vec<String>,
    pub(crate) stage: Stage,
    pub(crate) concurrency: usize,
    /// The target's address.
    pub(crate) base: Option<Url>,
    /// The name to speak to it by, if another.
    pub(crate) virtual_host: Option<String>,
    /// Every name that a check speaks to it by.
    pub(crate) names: BTreeSet<String>,
}

/// A request ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) method: Method,
    pub(crate) place: Place,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Nobody vouches for this place: it must have a public address.
    pub(crate) guarded: bool,
}

/// The head of an answer.
pub(crate) struct Sent {
    pub(crate) response: Response<Incoming>,
    /// What a connection that was no longer there has cost.
    pub(crate) lost: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Kind {
    secure: bool,
    guarded: bool,
    /// Never on a connection that has carried another request.
    fresh: bool,
}

impl Clients {
    pub(crate) fn new(plan: ClientPlan) -> Self {
        let mut names = plan.names;
        names.extend(plan.virtual_host.clone());
        Self {
            stage: plan.stage,
            release: Arc::new(Release {
                origin: plan.base.as_ref().and_then(Origin::of),
                names: names.iter().map(|name| name.to_lowercase()).collect(),
            }),
            user_agent: format!(
                "deploy-hooks/{} ({})",
                env!("CARGO_PKG_VERSION"),
                plan.stage
            ),
            virtual_host: plan.virtual_host,
            ca_certificates: plan.ca_certificates,
            idle_connections: plan.concurrency,
            tls: OnceLock::new(),
            built: Default::default(),
            used: Mutex::default(),
        }
    }

    /// The place that `reference` names: a path on the target, spoken to as `host`, or an absolute URL.
    pub(crate) fn resolve(&self, reference: &str, host: Option<&str>) -> Result<Place, Trouble> {
        let path = match Reference::parse(reference) {
            Ok(Reference::Absolute(place)) => return Ok(place),
            Ok(Reference::Path(path)) => path,
            Err(why) => {
                return Err(Trouble::errored(format!(
                    "{reference:?} can't be asked for: {why}"
                )));
            }
        };
        let Some(own) = &self.release.origin else {
            return Err(Trouble::errored(format!(
                "{reference:?} is a path, and this target has no address of its own; write an \
                 absolute URL"
            )));
        };
        let host = host.or(self.virtual_host.as_deref()).unwrap_or(&own.host);
        let origin = Origin {
            host: host.to_lowercase(),
            ..own.clone()
        };
        Ok(Place { origin, path })
    }

    /// Builds what `message` needs, so that no clock runs meanwhile: the first use of TLS reads the
    /// system's certificates, which a suite that speaks plain HTTP does not pay for.
    pub(crate) fn prepare(&self, message: &Message) -> Result<(), Trouble> {
        self.get(Kind::of(message)).map(|_| ())
    }

    /// Sends the request; once more, on a fresh connection, if the connection was no longer there
    /// and the request may be repeated (RFC 9112, 9.3.1; RFC 9113, 8.7).
    pub(crate) async fn send(&self, message: &Message) -> Result<Sent, Trouble> {
        let kind = Kind::of(message);
        let begun = Instant::now();
        match self.try_send(kind, message).await? {
            Ok((response, reused)) => {
                // What a server sends when it gives up on an idle connection.
                let given_up = response.status() == StatusCode::REQUEST_TIMEOUT && reused;
                if !(given_up && is_idempotent(&message.method)) {
                    return Ok(Sent {
                        response,
                        lost: None,
                    });
                }
            }
            Err((error, reused)) => {
                let gone = reused && is_idempotent(&message.method) && broke_off(&error);
                if !gone && !refused_unseen(&error) {
                    return Err(Trouble::of_sending(&error, message));
                }
            }
        }
        let lost = Some(begun.elapsed());
        let fresh = Kind {
            fresh: true,
            ..kind
        };
        match self.try_send(fresh, message).await? {
            Ok((response, _)) => Ok(Sent { response, lost }),
            Err((error, _)) => Err(Trouble::of_sending(&error, message)),
        }
    }

    /// One try, and whether its connection had carried an answer before.
    #[allow(
        clippy::type_complexity,
        reason = "the answer or the error, each with a flag"
    )]
    async fn try_send(
        &self,
        kind: Kind,
        message: &Message,
    ) -> Result<Result<(Response<Incoming>, bool), (Error, bool)>, Trouble> {
        let client = self.get(kind)?;
        Ok(match client.request(Self::request(message)?).await {
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

    fn request(message: &Message) -> Result<Request<Full<Bytes>>, Trouble> {
        let built = message.place.uri().and_then(|uri| {
            Request::builder()
                .method(message.method.clone())
                .uri(uri)
                .body(Full::new(message.body.clone()))
        });
        let mut request = built.map_err(|error| {
            Trouble::errored(format!("the request could not be built: {error}"))
        })?;
        *request.headers_mut() = message.headers.clone();
        Ok(request)
    }

    fn get(&self, kind: Kind) -> Result<&Http, Trouble> {
        let index = usize::from(kind.secure)
            | usize::from(kind.guarded) << 1
            | usize::from(kind.fresh) << 2;
        self.built[index]
            .get_or_init(|| self.build(kind))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn build(&self, kind: Kind) -> Result<Http, Trouble> {
        let config = if kind.secure {
            let build = || tls::trusting(&self.ca_certificates);
            self.tls.get_or_init(build).clone()?
        } else {
            tls::none()?
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Router::new(Arc::clone(&self.release), kind.guarded));
        let idle = if kind.fresh { 0 } else { self.idle_connections };
        Ok(Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle)
            .http1_max_headers(MAX_HEADERS)
            .http1_max_buf_size(MAX_HEADER_BYTES as usize)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .build(connector))
    }

    fn used(&self) -> std::sync::MutexGuard<'_, HashSet<(SocketAddr, SocketAddr)>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn of(message: &Message) -> Self {
        Self {
            secure: message.place.origin.secure,
            guarded: message.guarded,
            // It could not be repeated if the connection were gone.
            fresh: !is_idempotent(&message.method),
        }
    }
}

fn is_idempotent(method: &Method) -> bool {
    !matches!(*method, Method::POST | Method::PATCH)
}

fn ends(info: &HttpInfo) -> (SocketAddr, SocketAddr) {
    (info.local_addr(), info.remote_addr())
}
