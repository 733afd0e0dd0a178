//! The HTTP clients of one run: built when first needed, shared by its checks, gone with it.
//!
//! Connections are shared, state is not: no cookie store, no redirects followed behind our back,
//! no proxy taken from the environment.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder};
use url::Url;

use super::Trouble;
use crate::Stage;

/// How the caller's surroundings differ from the open internet.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// Certificates to trust beside those of the system, for a private certificate authority.
    pub extra_roots: Vec<Certificate>,
}

/// A name that could not be turned into an address.
#[derive(Debug, thiserror::Error)]
#[error(
    "the name {name:?} could not be resolved: {cause}; check the name, and the network of the function"
)]
pub(crate) struct NotResolved {
    name: String,
    cause: std::io::Error,
}

/// How long an unused connection is kept: well below the 60 s after which an Application Load
/// Balancer closes it, as a request sent at that very moment is reset and would count as failed.
const IDLE: Duration = Duration::from_secs(20);

/// The clients of one run.
#[derive(Debug)]
pub(crate) struct Clients {
    options: HttpOptions,
    user_agent: String,
    idle_connections: usize,
    lookup: Arc<Lookup>,
    base: Option<Url>,
    plain: OnceLock<Result<Client, Trouble>>,
    tls: OnceLock<Result<Client, Trouble>>,
}

/// What a [`Clients`] is made from.
#[derive(Debug)]
pub(crate) struct ClientPlan {
    pub(crate) options: HttpOptions,
    pub(crate) stage: Stage,
    pub(crate) concurrency: usize,
    /// The target's address.
    pub(crate) base: Option<Url>,
    /// The name to speak to it by, if another.
    pub(crate) virtual_host: Option<String>,
}

impl Clients {
    pub(crate) fn new(plan: ClientPlan) -> Self {
        let mut base = plan.base;
        let mut lookup = Lookup {
            virtual_host: None,
            address: String::new(),
        };
        if let (Some(name), Some(base)) = (plan.virtual_host, &mut base) {
            // The brackets of an IPv6 address belong to the URL.
            let address = base.host_str().unwrap_or_default();
            let address = address.trim_matches(['[', ']']).to_owned();
            if base.set_host(Some(&name)).is_ok() {
                lookup = Lookup {
                    virtual_host: Some(name.to_lowercase()),
                    address,
                };
            }
        }
        Self {
            options: plan.options,
            user_agent: format!(
                "deploy-hooks/{} ({})",
                env!("CARGO_PKG_VERSION"),
                plan.stage
            ),
            idle_connections: plan.concurrency,
            lookup: Arc::new(lookup),
            base,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        }
    }

    /// The absolute URL of `reference`, a path on the target or an absolute URL.
    pub(crate) fn resolve(&self, reference: &str) -> Result<Url, Trouble> {
        let parsed = if reference.starts_with('/') {
            let Some(base) = &self.base else {
                return Err(Trouble::errored(format!(
                    "{reference:?} is a path, and this target has no address of its own; write an \
                     absolute URL"
                )));
            };
            // Not `join`: it would take `//host` for another host.
            let origin = base.origin().ascii_serialization();
            Url::parse(&format!("{origin}{reference}"))
        } else {
            Url::parse(reference)
        };
        match parsed {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            Ok(_) => Err(Trouble::errored(format!(
                "{reference:?} is not an http or https URL"
            ))),
            Err(error) => Err(Trouble::errored(format!(
                "{reference:?} is not a URL: {error}"
            ))),
        }
    }

    /// The client for a scheme. Reading the system's certificates costs milliseconds, which a
    /// suite that speaks plain HTTP does not pay.
    pub(crate) fn get(&self, scheme: &str) -> Result<&Client, Trouble> {
        let (cell, secure) = if scheme == "https" {
            (&self.tls, true)
        } else {
            (&self.plain, false)
        };
        cell.get_or_init(|| self.build(secure))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn build(&self, secure: bool) -> Result<Client, Trouble> {
        // An error says that another part of the process has chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = ClientBuilder::new()
            .user_agent(&self.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(self.idle_connections)
            .pool_idle_timeout(IDLE)
            .dns_resolver(Arc::clone(&self.lookup));
        let builder = if secure {
            builder.tls_certs_merge(self.options.extra_roots.iter().cloned())
        } else {
            builder.tls_certs_only([])
        };
        builder
            .build()
            .map_err(|error| Trouble::errored(format!("no HTTP client: {error}")))
    }
}

/// Resolves names; the virtual host to the target's address.
#[derive(Debug)]
struct Lookup {
    virtual_host: Option<String>,
    address: String,
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let wanted = name.as_str().to_lowercase();
        let host = if self.virtual_host.as_ref() == Some(&wanted) {
            self.address.clone()
        } else {
            wanted
        };
        Box::pin(async move {
            // Port 0 is replaced by that of the URL.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found = found.map(Iterator::collect::<Vec<SocketAddr>>);
            match found {
                Ok(found) => Ok(Box::new(found.into_iter()) as Addrs),
                Err(cause) => Err(NotResolved { name: host, cause }.into()),
            }
        })
    }
}
