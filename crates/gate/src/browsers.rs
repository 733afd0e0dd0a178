//! Where checks get a browser from. Whoever runs a gate answers: the gate itself starts no process.

use std::fmt;
use std::sync::Arc;

pub use browser::Endpoint;
use futures::FutureExt;
use futures::future::BoxFuture;

/// A browser that is being opened.
pub type Opening<'a> = BoxFuture<'a, Result<OpenBrowser, NoBrowser>>;

/// Gives browsers to checks.
pub trait Browsers: fmt::Debug + Send + Sync {
    /// A browser for one try of a check. Each of `hosts` (`shop.example.com:8443`) must lead to the address beside it,
    /// if it can.
    fn open<'a>(&'a self, hosts: &'a [(String, String)]) -> Opening<'a>;

    /// Ends what was opened for the run, once no check uses it any more.
    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

/// A browser that a check may use until this is dropped.
pub struct OpenBrowser {
    /// Where it listens for the Chrome `DevTools` Protocol.
    pub endpoint: Endpoint,
    /// Whether names lead to the release in it, as they were to.
    pub maps_hosts: bool,
    /// What ends with the check: a session, a program.
    pub lease: Arc<dyn Send + Sync>,
}

impl fmt::Debug for OpenBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBrowser")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Why there is no browser; says nothing of the release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoBrowser(pub String);

/// A browser that somebody else runs, for all checks alike. Each check has a context of its own in it.
#[derive(Clone, Debug)]
pub struct RemoteBrowser(pub Endpoint);

impl Browsers for RemoteBrowser {
    fn open<'a>(&'a self, _: &'a [(String, String)]) -> Opening<'a> {
        let open = OpenBrowser {
            endpoint: self.0.clone(),
            maps_hosts: false,
            lease: Arc::new(()),
        };
        std::future::ready(Ok(open)).boxed()
    }
}
