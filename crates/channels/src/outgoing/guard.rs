//! What stands between a configured URL and a connection. A name is looked at by where it really leads,
//! at the very moment of connecting: what a name resolved to a second ago says nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use public_address::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a URL is not used. Never holds the URL: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("its URL can't be read; write https://HOST/PATH")]
    Unreadable,
    /// Not https.
    #[error("its URL is not https; use an https URL")]
    NotHttps,
    /// `https://user:password@host`
    #[error("its URL has a user name or a password in it; leave them out")]
    Userinfo,
    /// An address for answers that isn't Slack's.
    #[error("its URL does not lead to Slack")]
    NotSlack,
    /// An address inside.
    #[error(
        "its URL leads to a private address; use a public one, or set ALLOW_PRIVATE_ADDRESSES=true if that is meant"
    )]
    Private,
}

/// The URL, if it may be used: https, nobody's name in it, and no private address.
pub(super) fn check(text: &str, allow_private: bool) -> Result<Url, UrlError> {
    let url = Url::parse(text.trim()).map_err(|_| UrlError::Unreadable)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(UrlError::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Userinfo);
    }
    // Written as an address, a host is never resolved, and so never seen by the resolver below.
    let address = match url.host().ok_or(UrlError::Unreadable)? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    match address {
        Some(address) if !allow_private && !is_public(address) => Err(UrlError::Private),
        _ => Ok(url),
    }
}

/// A name that leads nowhere, or inside.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotResolved {
    #[error("its name could not be resolved; check the name, and the network of the function")]
    Unknown,
    #[error("its name leads to private addresses only")]
    Private,
}

/// Resolves names, and leaves out what is private: the connection is made to what is left.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    allow_private: bool,
    #[cfg(test)]
    fixed: Option<Vec<IpAddr>>,
}

impl Resolver {
    pub(super) fn new(allow_private: bool) -> Arc<Self> {
        Arc::new(Self {
            allow_private,
            #[cfg(test)]
            fixed: None,
        })
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        #[cfg(test)]
        let fixed = self.fixed.clone();
        #[cfg(not(test))]
        let fixed: Option<Vec<IpAddr>> = None;
        Box::pin(async move {
            let found: Vec<SocketAddr> = match fixed {
                Some(fixed) => fixed.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect(),
                // Port 0 is replaced by that of the URL.
                None => tokio::net::lookup_host((name.as_str(), 0))
                    .await
                    .map_err(|_| NotResolved::Unknown)?
                    .collect(),
            };
            Ok(Box::new(allowed(found, allow_private)?.into_iter()) as Addrs)
        })
    }
}

fn allowed(found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, NotResolved> {
    if found.is_empty() {
        return Err(NotResolved::Unknown);
    }
    let usable: Vec<SocketAddr> = found
        .into_iter()
        .filter(|address| allow_private || is_public(address.ip()))
        .collect();
    if usable.is_empty() {
        Err(NotResolved::Private)
    } else {
        Ok(usable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_without_names_and_not_private() {
        let why = |text| check(text, false).unwrap_err();
        assert_eq!(why("nonsense"), UrlError::Unreadable);
        assert_eq!(why("http://example.com/"), UrlError::NotHttps);
        assert_eq!(why("file:///etc/passwd"), UrlError::NotHttps);
        assert_eq!(why("https://a:b@example.com/"), UrlError::Userinfo);
        for inside in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1:8443/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00:ec2::254]/",
        ] {
            assert_eq!(why(inside), UrlError::Private, "{inside}");
            assert!(check(inside, true).is_ok());
        }
        assert!(check("https://example.com:8443/hook?sig=x", false).is_ok());
        assert!(check("http://127.0.0.1:1/", true).is_ok());
        assert!(check("ftp://127.0.0.1/", true).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let told = async |fixed: &[&str], allow_private| {
            let fixed = Some(fixed.iter().map(|ip| ip.parse().unwrap()).collect());
            let resolver = Resolver {
                allow_private,
                fixed,
            };
            let name: Name = "example.com".parse().unwrap();
            let found = resolver.resolve(name).await;
            found
                .map(|found| found.map(|a| a.ip().to_string()).collect::<Vec<_>>())
                .map_err(|e| e.to_string())
        };
        assert_eq!(
            told(&["10.0.0.1", "1.1.1.1", "::1"], false).await,
            Ok(vec!["1.1.1.1".into()])
        );
        assert_eq!(
            told(&["127.0.0.1", "::ffff:10.0.0.1"], false).await,
            Err("its name leads to private addresses only".into())
        );
        assert_eq!(
            told(&["127.0.0.1"], true).await,
            Ok(vec!["127.0.0.1".into()])
        );
    }
}
