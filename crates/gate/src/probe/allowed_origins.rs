//! Which origins a check may have answers from.
//!
//! Before traffic only an answer of the release under test counts: of the target's scheme, address and port.
//! The production listener often has the same address and another port, with the old release behind it.
//! After traffic other origins may be asked as well, but not at private addresses.

use super::ProbeContext;
use super::error::ProbeError;
use super::http::Request;
use super::release::Release;
use super::request_url::{Origin, RequestUrl};

/// The places that a check may have answers from.
pub(crate) struct AllowedOrigins<'a> {
    /// Answers of others don't count: before traffic, and where an earlier release serves customers.
    only_release: bool,
    release: &'a Release,
    /// The origin of the check's own URL, if that is the release by the check's word.
    stated: Option<Origin>,
    /// The host of the check's own URL: whoever wrote the check means it. None where an earlier answer says it.
    own_host: String,
    allowed: Vec<Origin>,
}

/// Whether a check may ask an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is the release, or the check names it.
    Allowed,
    /// After traffic, and nothing names it: only at a public address.
    PublicOnly,
    /// Only the release counts, and this is not it.
    Refused,
}

impl<'a> AllowedOrigins<'a> {
    pub(crate) fn of(
        request: &Request,
        origin: &Origin,
        context: &'a ProbeContext,
    ) -> Result<Self, ProbeError> {
        let own = !request.is_led_by_an_answer(&context.values);
        Ok(Self {
            only_release: context.clients.only_release,
            release: &context.clients.release,
            stated: (own && request.reaches_release).then(|| origin.clone()),
            own_host: if own {
                origin.host.clone()
            } else {
                String::new()
            },
            allowed: request.allowed(&context.values)?,
        })
    }

    /// Whether an answer from there is one of the release.
    pub(crate) fn is_release(&self, origin: &Origin) -> bool {
        self.release.is_at(origin) || self.stated.as_ref() == Some(origin)
    }

    pub(crate) fn admission(&self, origin: &Origin) -> Admission {
        let host = &origin.host;
        if self.is_release(origin) || self.allowed.contains(origin) {
            Admission::Allowed
        } else if self.only_release {
            Admission::Refused
        } else if *host == self.own_host || self.release.names_host(host) {
            Admission::Allowed
        } else {
            Admission::PublicOnly
        }
    }

    /// Whether the check's own URL may be asked. A run refuses most of these before it begins; what
    /// is left has a secret or a fact in its URL.
    pub(super) fn check_own_url(&self, url: &RequestUrl) -> Result<(), ProbeError> {
        match self.admission(&url.origin) {
            Admission::Refused => Err(ProbeError::errored(self.not_the_release(url))),
            Admission::Allowed | Admission::PublicOnly => Ok(()),
        }
    }

    /// Why `url` is refused where only the release counts, with what to write if it is meant.
    pub(crate) fn not_the_release(&self, url: &RequestUrl) -> String {
        let origin = &url.origin;
        let own = match &self.release.origin {
            Some(own) => format!("which answers at {own}"),
            None => "and this target has no address of its own".to_owned(),
        };
        format!(
            "nothing says that {origin} is the release under test, {own}; before traffic, and while an earlier release serves customers, only the \
             release counts: write a path, or `reaches_release: true` if the URL leads to the \
             version under test, or `allow_origins: [\"{origin}\"]` if another place is meant"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn admission(only_release: bool, other: &str) -> Admission {
        let origin = |text: &str| Origin::parse(text).unwrap();
        let release = Release {
            origin: Some(origin("http://10.0.0.7:8080")),
            names: BTreeSet::from(["shop.example.com".to_owned()]),
        };
        let allowed = AllowedOrigins {
            only_release,
            release: &release,
            stated: Some(origin("https://function.example.com")),
            own_host: "function.example.com".to_owned(),
            allowed: vec![origin("https://login.example.com")],
        };
        allowed.admission(&origin(other))
    }

    #[test]
    fn before_traffic_only_the_release_and_what_is_named_counts() {
        let pre = |other| admission(true, other);
        for meant in [
            "http://10.0.0.7:8080",
            "http://shop.example.com:8080",
            "https://function.example.com",
            "https://login.example.com",
        ] {
            assert_eq!(pre(meant), Admission::Allowed, "{meant}");
        }
        for elsewhere in [
            "http://10.0.0.7",
            "https://10.0.0.7:8080",
            "http://10.0.0.8:8080",
            "https://shop.example.com",
            "http://function.example.com",
            "https://login.example.com:8443",
            "https://www.example.com",
        ] {
            assert_eq!(pre(elsewhere), Admission::Refused, "{elsewhere}");
        }
    }

    #[test]
    fn after_traffic_a_host_that_is_named_may_be_inside() {
        let post = |other| admission(false, other);
        for meant in [
            "http://10.0.0.7",
            "https://shop.example.com",
            "http://function.example.com",
        ] {
            assert_eq!(post(meant), Admission::Allowed, "{meant}");
        }
        for unknown in [
            "http://169.254.169.254",
            "http://127.0.0.1:9001",
            "https://www.example.com",
        ] {
            assert_eq!(post(unknown), Admission::PublicOnly, "{unknown}");
        }
    }
}
