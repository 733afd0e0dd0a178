//! Where a probe goes without a URL: a host and a port, or the target's own.
//!
//! The rule of what counts as the release is the same as for URLs: the target's address at the target's port, and what
//! the check states to lead there. Nothing else is asked where only the release counts, unless the check says that
//! another place is meant.

use std::net::Ipv6Addr;

use url::Host;

use super::error::ProbeError;
use super::release::Release;
use super::request_url::Origin;
use super::{ProbeContext, Subject};
use crate::template::Template;

/// `host`, `port` and `reaches_release` of a check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// None: the target's.
    pub(crate) host: Option<Template>,
    /// None: the target's, or what the protocol uses.
    pub(crate) port: Option<Template>,
    /// Whether it leads to the release under test, where the check says so.
    pub(crate) reaches_release: Option<bool>,
}

impl Place {
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.host.iter().chain(&self.port).for_each(see);
    }

    /// Where it leads, with references as they are.
    pub(crate) fn written(&self) -> String {
        match (&self.host, &self.port) {
            (None, None) => "the release".to_owned(),
            (None, Some(port)) => format!("the release, port {}", port.written()),
            (Some(host), None) => host.written(),
            (Some(host), Some(port)) => format!("{}:{}", host.written(), port.written()),
        }
    }

    /// The host to connect to. `usual` is the protocol's own port, for a host without one.
    pub(crate) fn origin(
        &self,
        usual: Option<u16>,
        context: &ProbeContext,
    ) -> Result<Origin, ProbeError> {
        let host = match &self.host {
            None => None,
            Some(host) => {
                let written = host.render(&context.values)?;
                let host = host_name(&written);
                Some(host.ok_or_else(|| {
                    ProbeError::errored(format!(
                        "host: {written:?} is not a host name or an address"
                    ))
                })?)
            }
        };
        let port = match &self.port {
            None => None,
            Some(port) => {
                let written = port.render(&context.values)?;
                let port = port_number(&written);
                Some(port.ok_or_else(|| {
                    ProbeError::errored(format!("port: {written:?} is not a port"))
                })?)
            }
        };
        let own = context.clients.release.origin.as_ref();
        let (host, port) = match (host, port, own) {
            (Some(host), Some(port), _) => (host, port),
            (Some(host), None, own) => match usual.or(own.map(|own| own.port)) {
                Some(port) => (host, port),
                None => {
                    return Err(ProbeError::errored(
                        "this target has no port of its own; write `port`",
                    ));
                }
            },
            (None, port, Some(own)) => match port {
                // At another port nothing of the release's name is known.
                Some(port) if port != own.port => (own.host.clone(), port),
                _ => (context.clients.own_name(own), own.port),
            },
            (None, _, None) => {
                let message = "this target has no address of its own; write `host` and `port`";
                return Err(ProbeError::errored(message));
            }
        };
        let secure = own.is_some_and(|own| own.port == port && own.secure);
        Ok(Origin { secure, host, port })
    }

    pub(crate) fn subject(&self, usual: Option<u16>, context: &ProbeContext) -> Subject {
        match self.origin(usual, context) {
            Ok(origin) => subject(
                &origin,
                self.reaches_release,
                "leave out `host` and `port`",
                context,
            ),
            // The check itself will say why, and does not pass.
            Err(_) => Subject::Release,
        }
    }
}

/// Whether a probe that goes to `origin` measures the release. `instead` is what to write so that it does.
pub(crate) fn subject(
    origin: &Origin,
    stated: Option<bool>,
    instead: &str,
    context: &ProbeContext,
) -> Subject {
    let release = &context.clients.release;
    match stated {
        _ if release.is_at(origin) => Subject::Release,
        Some(true) => Subject::Release,
        None if context.clients.only_release => {
            Subject::Refused(not_the_release(origin, instead, release))
        }
        None | Some(false) => Subject::Other,
    }
}

/// Whether what answers there is the release; an error where it must not be asked. A run refuses most of these before it
/// begins; what is left has a secret or a fact in it.
pub(crate) fn admit(subject: Subject) -> Result<bool, ProbeError> {
    match subject {
        Subject::Release => Ok(true),
        Subject::Other => Ok(false),
        Subject::Refused(why) => Err(ProbeError::errored(why)),
    }
}

fn not_the_release(origin: &Origin, instead: &str, release: &Release) -> String {
    let Origin { host, port, .. } = origin;
    let own = match &release.origin {
        Some(own) => format!("which answers at {own}"),
        None => "and this target has no address of its own".to_owned(),
    };
    format!(
        "nothing says that {host}:{port} is the release under test, {own}; before traffic, and while an earlier release \
         serves customers, only the release counts: {instead}, or write `reaches_release: true` if it leads to the version under \
         test, or `reaches_release: false` if another place is meant"
    )
}

/// A name in lower case, or an address; IPv6 in brackets.
pub(crate) fn host_name(written: &str) -> Option<String> {
    if written.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("[{written}]"));
    }
    Host::parse(written).ok().map(|host| host.to_string())
}

pub(crate) fn port_number(written: &str) -> Option<u16> {
    written.parse().ok().filter(|port| *port > 0)
}
