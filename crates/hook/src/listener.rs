//! Where a listener answers: scheme and port from it, the host from its load balancer.
//!
//! A Network Load Balancer that passes bytes through says `TCP`, and that does not say whether HTTP or
//! HTTPS is spoken. Then something is assumed by a fixed rule, and what was assumed is said, as a wrong
//! assumption looks like a broken release. Pure; [`crate::lookup`] makes the calls.

use std::fmt;

use common::load_balancing::{Listener, LoadBalancer};

/// What is spoken behind a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err("expected http or https"),
        }
    }

    fn own_port(self) -> i32 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Where a listener answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Scheme, host, and the port where it is not the scheme's own.
    pub url: String,
    /// The load balancer's name.
    pub host: String,
    /// What was assumed of the scheme, as a sentence; none where the listener says it.
    pub assumed: Option<String>,
}

/// Why a listener of the deployment group can't be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListenerError {
    /// AWS did not return it.
    #[error("was not returned by DescribeListeners; correct its ARN in the deployment group")]
    Absent,
    /// The test listener is the production listener: before traffic, the earlier release answers there.
    #[error(
        "is its production listener, too, where the earlier release still answers; set testTrafficRoute to a listener of its own"
    )]
    Production,
    /// Nothing that HTTP runs over.
    #[error(
        "speaks {0}, and checks speak HTTP and HTTPS; use a listener of HTTP, HTTPS, TLS or TCP"
    )]
    NotHttp(String),
    /// It has no port, or its load balancer no name.
    #[error("has no address: DescribeLoadBalancers returned no DNS name of its load balancer")]
    NoName,
}

/// What decides about the scheme and the host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SchemeHints<'a> {
    /// The group's other listener: what it speaks is a hint.
    pub other: Option<&'a Listener>,
    /// All load balancers that were returned.
    pub balancers: &'a [LoadBalancer],
    /// The setting for listeners that don't say what they speak.
    pub setting: Option<Scheme>,
}

/// The address of `listener`.
pub(crate) fn address(
    listener: &Listener,
    known: SchemeHints<'_>,
) -> Result<Address, ListenerError> {
    let (scheme, assumed) = scheme(listener, known)?;
    let balancer = known
        .balancers
        .iter()
        .find(|balancer| balancer.load_balancer_arn == listener.load_balancer_arn);
    let host = balancer
        .and_then(|balancer| balancer.dns_name.as_ref())
        .filter(|name| !name.is_empty())
        .ok_or(ListenerError::NoName)?;
    let port = listener.port.ok_or(ListenerError::NoName)?;
    Ok(Address {
        url: if port == scheme.own_port() {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        },
        host: host.to_owned(),
        assumed,
    })
}

fn scheme(
    listener: &Listener,
    known: SchemeHints<'_>,
) -> Result<(Scheme, Option<String>), ListenerError> {
    if let Some(scheme) = says(listener) {
        return Ok((scheme, None));
    }
    let protocol = listener.protocol.as_deref().unwrap_or("nothing");
    if !matches!(protocol, "TCP" | "TCP_UDP" | "TCP_QUIC") {
        return Err(ListenerError::NotHttp(protocol.to_owned()));
    }
    if let Some(scheme) = known.setting {
        return Ok((scheme, None));
    }
    let port = listener.port.unwrap_or_default();
    let of_other = known
        .other
        .and_then(|other| Some((says(other).or_else(|| by_own_port(other))?, other)));
    let (scheme, why) = if let Some(scheme) = by_own_port(listener) {
        (scheme, format!("as {port} is its usual port"))
    } else if let Some((scheme, other)) = of_other {
        let protocol = other.protocol.as_deref().unwrap_or_default();
        let port = other.port.unwrap_or_default();
        let why = format!("as on the group's other listener ({protocol}:{port})");
        (scheme, why)
    } else if port == 8443 {
        (Scheme::Https, "as 8443 is often used for it".to_owned())
    } else {
        (Scheme::Http, "as nothing says otherwise".to_owned())
    };
    let assumed = format!(
        "the listener ({protocol}:{port}) does not say whether HTTP or HTTPS is spoken; {scheme} was assumed, {why}. If that is wrong, set TCP_LISTENER_SCHEME"
    );
    Ok((scheme, Some(assumed)))
}

/// The scheme, where the protocol names it.
fn says(listener: &Listener) -> Option<Scheme> {
    match listener.protocol.as_deref()? {
        "HTTP" => Some(Scheme::Http),
        "HTTPS" | "TLS" => Some(Scheme::Https),
        _ => None,
    }
}

fn by_own_port(listener: &Listener) -> Option<Scheme> {
    let port = listener.port?;
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| scheme.own_port() == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(protocol: &str, port: i32) -> Listener {
        Listener {
            load_balancer_arn: Some("lb".to_owned()),
            protocol: Some(protocol.to_owned()),
            port: Some(port),
            ..Listener::default()
        }
    }

    fn balancers() -> [LoadBalancer; 1] {
        [LoadBalancer {
            load_balancer_arn: Some("lb".to_owned()),
            dns_name: Some("internal-shop.elb.test".to_owned()),
            ..LoadBalancer::default()
        }]
    }

    fn with(
        (protocol, port): (&str, i32),
        other: Option<(&str, i32)>,
        setting: Option<Scheme>,
    ) -> Result<Address, ListenerError> {
        let other = other.map(|(protocol, port)| listener(protocol, port));
        let known = SchemeHints {
            other: other.as_ref(),
            balancers: &balancers(),
            setting,
        };
        address(&listener(protocol, port), known)
    }

    #[test]
    fn a_listener_that_says_its_protocol_needs_no_assumption() {
        for (protocol, port, url) in [
            ("HTTP", 80, "http://internal-shop.elb.test"),
            ("HTTP", 443, "http://internal-shop.elb.test:443"),
            ("HTTPS", 443, "https://internal-shop.elb.test"),
            ("HTTPS", 8443, "https://internal-shop.elb.test:8443"),
            ("TLS", 9000, "https://internal-shop.elb.test:9000"),
        ] {
            let address = with((protocol, port), Some(("TCP", 80)), None).unwrap();
            assert_eq!(address.url, url);
            assert_eq!(address.assumed, None);
            assert_eq!(address.host, "internal-shop.elb.test");
        }
    }

    #[test]
    fn where_tcp_does_not_tell_the_other_listener_does() {
        for (test, production, scheme) in [
            // The usual pair of a Network Load Balancer that passes TLS through.
            (("TCP", 8443), Some(("TCP", 443)), "https"),
            (("TCP", 8080), Some(("TCP", 443)), "https"),
            (("TCP", 9000), Some(("TLS", 7000)), "https"),
            (("TCP_UDP", 9000), Some(("TLS", 443)), "https"),
            (("TCP", 9000), Some(("TCP", 80)), "http"),
            (("TCP", 8443), Some(("TCP", 80)), "http"),
            // Its own port comes first.
            (("TCP", 443), Some(("TCP", 80)), "https"),
            (("TCP", 80), Some(("TLS", 443)), "http"),
            // Nothing tells.
            (("TCP", 8443), None, "https"),
            (("TCP", 8443), Some(("TCP", 9443)), "https"),
            (("TCP", 9000), None, "http"),
            (("TCP", 9000), Some(("UDP", 53)), "http"),
        ] {
            let address = with(test, production, None).unwrap();
            let case = format!("{test:?} beside {production:?}");
            assert!(address.url.starts_with(&format!("{scheme}://")), "{case}");
            let assumed = address.assumed.expect(&case);
            assert!(
                assumed.contains(&format!("{scheme} was assumed")),
                "{assumed}"
            );
        }
        let assumed = with(("TCP", 8443), Some(("TCP", 443)), None)
            .unwrap()
            .assumed;
        insta::assert_snapshot!(assumed.unwrap(), @"the listener (TCP:8443) does not say whether HTTP or HTTPS is spoken; https was assumed, as on the group's other listener (TCP:443). If that is wrong, set TCP_LISTENER_SCHEME");
    }

    #[test]
    fn the_setting_settles_it() {
        for (scheme, url) in [
            (Scheme::Http, "http://internal-shop.elb.test:8443"),
            (Scheme::Https, "https://internal-shop.elb.test:8443"),
        ] {
            let address = with(("TCP", 8443), Some(("TCP", 80)), Some(scheme)).unwrap();
            assert_eq!((address.url.as_str(), address.assumed), (url, None));
        }
        let https = with(("HTTPS", 443), None, Some(Scheme::Http)).unwrap();
        assert!(
            https.url.starts_with("https:"),
            "only where it does not tell"
        );
    }

    #[test]
    fn what_http_does_not_run_over_is_refused() {
        for protocol in ["UDP", "GENEVE", "QUIC"] {
            let refused = with((protocol, 443), Some(("TCP", 443)), Some(Scheme::Https));
            assert_eq!(refused, Err(ListenerError::NotHttp(protocol.to_owned())));
        }
        let known = SchemeHints {
            other: None,
            balancers: &[],
            setting: None,
        };
        let nameless = address(&listener("HTTP", 80), known);
        assert_eq!(nameless, Err(ListenerError::NoName));
    }
}
