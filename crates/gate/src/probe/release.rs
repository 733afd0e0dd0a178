//! What counts as the release under test: its origin by address, and the names that lead to it.

use std::collections::BTreeSet;

use http::Uri;

use super::request_url::Origin;

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
    pub(super) fn connect_to(&self, uri: Uri) -> Uri {
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
}
