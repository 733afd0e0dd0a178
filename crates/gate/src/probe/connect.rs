//! How connections are made: names of the release lead to the target's address, and the address behind an
//! unknown redirect is checked again at the moment of connecting.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use public_address::is_public;
use tokio::time::{Instant, timeout};
use tower_service::Service;

use super::connect_options::IpVersion;
use super::release::Release;
use super::timing::{ConnectTimer, TimedStream};

/// How long connecting may take, all addresses of a name together: each gets its part, so that one that does not
/// answer leaves time for the next.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the name service may take: less than a try, whose end would be the target's fault.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A name that could not be turned into an address.
#[derive(Debug, thiserror::Error)]
#[error(
    "the name {name:?} could not be resolved: {cause}; check the name, and the network that the gate runs in"
)]
pub(crate) struct NotResolved {
    name: String,
    cause: io::Error,
}

/// A name that leads to private addresses only, in a redirect to an origin that nothing names.
#[derive(Debug, thiserror::Error)]
#[error("the name {0:?} leads to an address inside")]
pub(crate) struct PrivateAddress(pub(crate) String);

/// A name or address that is not of the family that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} has no address of {family}")]
pub(crate) struct OtherFamily {
    name: String,
    family: IpVersion,
}

/// Connects to where the release is.
#[derive(Clone)]
pub(super) struct Router {
    release: Arc<Release>,
    guarded: bool,
    family: Option<IpVersion>,
}

impl Router {
    /// `guarded`: names may lead to public addresses only.
    pub(super) fn new(release: Arc<Release>, guarded: bool) -> Self {
        Self {
            release,
            guarded,
            family: None,
        }
    }

    /// Over addresses of this family only.
    pub(super) fn over(self, family: Option<IpVersion>) -> Self {
        Self { family, ..self }
    }
}

impl Service<Uri> for Router {
    type Response = TimedStream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TimedStream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let noted = ConnectTimer::default();
        // One for each connection, as the resolver notes how long the look-up for this one took.
        let mut tcp = HttpConnector::new_with_resolver(Resolver {
            guarded: self.guarded,
            family: self.family,
            noted: noted.clone(),
        });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let begun = Instant::now();
        noted.begin(begun);
        let place = self.release.connect_to(uri);
        // The resolver doesn't see a host that is written as an address.
        let refused = self.family.and_then(|family| other_family(&place, family));
        if let Some(refused) = refused {
            return Box::pin(async move { Err(refused.into()) });
        }
        let connecting = tcp.call(place);
        Box::pin(async move {
            let stream = connecting.await?;
            noted.connected(begun.elapsed());
            Ok(TimedStream { stream, noted })
        })
    }
}

fn other_family(uri: &Uri, family: IpVersion) -> Option<OtherFamily> {
    let host = uri.host()?.trim_matches(['[', ']']);
    let address = host.parse().ok()?;
    let name = host.to_owned();
    (!family.admits(address)).then_some(OtherFamily { name, family })
}

#[derive(Clone, Debug)]
pub(super) struct Resolver {
    guarded: bool,
    family: Option<IpVersion>,
    noted: ConnectTimer,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (guarded, family, noted) = (self.guarded, self.family, self.noted.clone());
        Box::pin(async move {
            let begun = Instant::now();
            // The connector replaces the port.
            let lookup = tokio::net::lookup_host((name.as_str(), 0));
            let found = timeout(RESOLVE_TIMEOUT, lookup).await;
            let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let found: Vec<SocketAddr> = match found {
                Ok(found) => found.collect(),
                Err(cause) => {
                    let name = name.to_string();
                    return Err(NotResolved { name, cause }.into());
                }
            };
            noted.looked_up(begun.elapsed());
            let found: Vec<SocketAddr> = match family {
                None => found,
                Some(family) => {
                    let mut found = found;
                    found.retain(|address| family.admits(address.ip()));
                    if found.is_empty() {
                        let name = name.to_string();
                        return Err(OtherFamily { name, family }.into());
                    }
                    found
                }
            };
            let usable: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| !guarded || is_public(address.ip()))
                .collect();
            if guarded && usable.is_empty() {
                return Err(PrivateAddress(name.to_string()).into());
            }
            Ok(usable.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_guarded_name_does_not_lead_inside() {
        let resolve = |guarded| {
            let noted = ConnectTimer::default();
            Resolver {
                guarded,
                family: None,
                noted,
            }
            .call("localhost".parse().unwrap())
        };
        assert!(resolve(false).await.is_ok());
        let why = resolve(true).await.unwrap_err().to_string();
        assert_eq!(why, "the name \"localhost\" leads to an address inside");
    }
}
