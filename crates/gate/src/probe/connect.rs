//! How connections are made: names of the release lead to the target's address, and where a
//! redirect of a stranger leads is looked at once more at the moment of connecting.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::is_public;
use super::place::Origin;

/// A name that could not be turned into an address.
#[derive(Debug, thiserror::Error)]
#[error(
    "the name {name:?} could not be resolved: {cause}; check the name, and the network of the function"
)]
pub(crate) struct NotResolved {
    name: String,
    cause: std::io::Error,
}

/// A name that leads to addresses inside only, in a redirect that nobody vouches for.
#[derive(Debug, thiserror::Error)]
#[error("the name {0:?} leads to an address inside")]
pub(crate) struct Inside(pub(crate) String);

/// What is the release's: its origin by address, and the names that it is spoken to by.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) origin: Option<Origin>,
    /// In lower case.
    pub(crate) names: BTreeSet<String>,
}

impl Release {
    /// Whether a connection to this origin reaches the target's address, at the target's port.
    pub(crate) fn is_at(&self, other: &Origin) -> bool {
        self.origin.as_ref().is_some_and(|own| {
            (own.secure, own.port) == (other.secure, other.port)
                && (own.host == other.host || self.names.contains(&other.host))
        })
    }

    /// Whether the suite or the target names this host, at whatever port.
    pub(crate) fn names_host(&self, host: &str) -> bool {
        self.names.contains(host) || self.origin.as_ref().is_some_and(|own| own.host == host)
    }

    /// Where the connection for `uri` is made: a name of the release is at the target's address,
    /// but only at the target's own port. Behind another port of it another release may answer.
    fn connect_to(&self, uri: Uri) -> Uri {
        let Some(own) = &self.origin else { return uri };
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let named = uri
            .host()
            .is_some_and(|host| self.names.contains(&host.to_ascii_lowercase()));
        if !named || (secure, port) != (own.secure, own.port) {
            return uri;
        }
        Uri::builder()
            .scheme(own.scheme())
            .authority(format!("{}:{}", own.host, own.port))
            .path_and_query("/")
            .build()
            .unwrap_or(uri)
    }
}

/// Connects to where the release is.
#[derive(Clone)]
pub(super) struct Router {
    tcp: HttpConnector<Resolver>,
    release: Arc<Release>,
}

impl Router {
    /// `guarded`: names may lead to public addresses only.
    pub(super) fn new(release: Arc<Release>, guarded: bool) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver { guarded });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { tcp, release }
    }
}

impl Service<Uri> for Router {
    type Response = <HttpConnector<Resolver> as Service<Uri>>::Response;
    type Error = <HttpConnector<Resolver> as Service<Uri>>::Error;
    type Future = <HttpConnector<Resolver> as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        self.tcp.call(self.release.connect_to(uri))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Resolver {
    guarded: bool,
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
        let guarded = self.guarded;
        Box::pin(async move {
            // The connector replaces the port.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = match found {
                Ok(found) => found.collect(),
                Err(cause) => {
                    let name = name.to_string();
                    return Err(NotResolved { name, cause }.into());
                }
            };
            let usable: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| !guarded || is_public(address.ip()))
                .collect();
            if guarded && usable.is_empty() {
                return Err(Inside(name.to_string()).into());
            }
            Ok(usable.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    fn release(own: &str) -> Release {
        Release {
            origin: Some(origin(own)),
            names: BTreeSet::from(["shop.example.com".to_owned(), "api.example.com".to_owned()]),
        }
    }

    #[test]
    fn the_release_is_one_scheme_one_address_one_port() {
        let release = release("http://10.0.0.7:8080");
        let at = |text: &str| release.is_at(&origin(text));
        assert!(at("http://10.0.0.7:8080"));
        assert!(at("http://SHOP.example.com:8080") && at("http://api.example.com:8080"));
        assert!(!at("http://10.0.0.7") && !at("http://10.0.0.7:8081"));
        assert!(!at("https://10.0.0.7:8080") && !at("http://10.0.0.8:8080"));
        assert!(!at("http://shop.example.com") && !at("http://www.example.com:8080"));
        let nowhere = Release {
            origin: None,
            ..release
        };
        assert!(!nowhere.is_at(&origin("http://shop.example.com:8080")));
    }

    #[test]
    fn names_of_the_release_lead_to_its_address_at_its_port_only() {
        let to = |own: &str, uri: &str| release(own).connect_to(uri.parse().unwrap()).to_string();
        assert_eq!(
            to("http://10.0.0.7:8080", "http://Shop.example.com:8080/x"),
            "http://10.0.0.7:8080/"
        );
        assert_eq!(
            to("https://[::1]", "https://api.example.com/x"),
            "https://[::1]:443/"
        );
        for elsewhere in [
            "http://shop.example.com/x",
            "https://shop.example.com:8080/",
            "http://a.b:8080/",
        ] {
            assert_eq!(to("http://10.0.0.7:8080", elsewhere), elsewhere);
        }
    }

    #[tokio::test]
    async fn a_guarded_name_does_not_lead_inside() {
        let resolve = |guarded| Resolver { guarded }.call("localhost".parse().unwrap());
        assert!(resolve(false).await.is_ok());
        let why = resolve(true).await.unwrap_err().to_string();
        assert_eq!(why, "the name \"localhost\" leads to an address inside");
    }
}
