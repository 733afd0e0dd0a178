//! What a connection that failed says: whose fault it is, in words that a reader can act upon.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;

use super::connect::{NotResolved, OtherFamily, PrivateAddress};
use super::error::ProbeError;
use super::http_limits::{MAX_HEADER_BYTES, MAX_HEADERS};
use super::prepared_request::PreparedRequest;
use crate::words;

impl ProbeError {
    /// There was no head of an answer.
    pub(super) fn of_sending(error: &legacy::Error, request: &PreparedRequest) -> Self {
        let host = request.url.host_and_port();
        if let Some(PrivateAddress(name)) = find::<PrivateAddress>(error) {
            return Self::failed(format!(
                "the redirect to {} is not followed: {name:?} is an address inside; if that is \
                 meant, write allow_origins: [\"{}\"]",
                request.url, request.url.origin
            ));
        }
        if let Some(unconnected) = of_ourselves(error, &host) {
            return unconnected;
        }
        if let Some(other) = find::<OtherFamily>(error) {
            return Self::failed(format!("no connection to {host}: {other}"));
        }
        if error.is_connect() {
            return Self::of_connecting(error, &host);
        }
        let cause = deepest(error);
        let hyper = find::<hyper::Error>(error);
        if hyper.is_some_and(has_too_large_a_head) {
            return Self::errored(format!(
                "the answer from {host} has more headers than are read ({MAX_HEADERS}, or {})",
                words::bytes(MAX_HEADER_BYTES as usize)
            ));
        }
        if hyper.is_some_and(hyper::Error::is_user) {
            return Self::errored(format!("the request could not be built: {cause}"));
        }
        Self::failed(format!("no answer from {host}: {cause}"))
    }

    /// There was no connection, or no TLS over it.
    pub(super) fn of_connecting(error: &(dyn Error + 'static), place: &str) -> Self {
        if let Some(unconnected) = of_ourselves(error, place) {
            return unconnected;
        }
        let cause = deepest(error);
        Self::failed(format!(
            "no connection to {place}: {cause}{}",
            remedy(&cause)
        ))
    }

    /// A connection of our own broke off.
    pub(super) fn of_broken(place: &str, error: &io::Error) -> Self {
        let message = format!("the connection to {place} broke off: {error}");
        if is_own(error) {
            Self::errored(message)
        } else {
            Self::failed(message)
        }
    }

    /// HTTP/2 did not come to an answer.
    pub(super) fn of_http2(error: &hyper::Error, place: &str) -> Self {
        let own = find::<io::Error>(error).filter(|error| is_own(error));
        if let Some(own) = own {
            return Self::of_broken(place, own);
        }
        Self::failed(format!(
            "no answer by HTTP/2 from {place}: {}",
            deepest(error)
        ))
    }

    /// There was a head, and its body broke off.
    pub(super) fn of_body(error: &hyper::Error) -> Self {
        Self::failed(format!("the body broke off: {}", deepest(error)))
    }
}

/// What kept us from connecting that is not the target's doing.
fn of_ourselves(error: &(dyn Error + 'static), place: &str) -> Option<ProbeError> {
    if let Some(lookup) = find::<NotResolved>(error) {
        return Some(ProbeError::errored(lookup.to_string()));
    }
    let own = find::<io::Error>(error).filter(|error| is_own(error))?;
    Some(ProbeError::errored(format!(
        "the gate itself could not connect to {place}: {own}; lower limits.concurrency, or \
         check the network that the gate runs in"
    )))
}

/// By its words: hyper names this error to servers only, and a package holds no server.
fn has_too_large_a_head(error: &hyper::Error) -> bool {
    error.is_parse() && error.to_string().contains("message head is too large")
}

fn remedy(cause: &str) -> &'static str {
    if cause.contains("not valid for name") {
        "; set `host:` in the suite to a name on the certificate"
    } else if cause.contains("UnknownIssuer") {
        "; if a private certificate authority has signed it, name that one in `ca_certificates:` of the suite"
    } else if cause.contains("InvalidContentType") {
        "; what answers there does not speak TLS: correct the port, or write http instead of https"
    } else if cause.contains("deadline has elapsed") || cause.contains("timed out") {
        "; check that firewalls, security groups and routes let the gate reach that address"
    } else {
        ""
    }
}

/// Whether the connection was gone before an answer came.
pub(super) fn broke_off(error: &legacy::Error) -> bool {
    let gone = find::<hyper::Error>(error).is_some_and(|error| {
        error.is_incomplete_message() || error.is_canceled() || error.is_closed()
    });
    gone || find::<io::Error>(error).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        )
    })
}

/// Whether the server says of HTTP/2 that it has not looked at the request: any one may be repeated.
pub(super) fn refused_unseen(error: &legacy::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        let going = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (going || refused)
    })
}

/// Whether a connection failed for want of something of our own: file handles, ports, memory,
/// leave, a network.
fn is_own(error: &io::Error) -> bool {
    const EPERM: i32 = 1;
    const ENOMEM: i32 = 12;
    const EACCES: i32 = 13;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    // As Linux numbers them, where the functions run.
    const EADDRNOTAVAIL: i32 = 99;
    const ENETUNREACH: i32 = 101;
    const ENOBUFS: i32 = 105;
    matches!(
        error.raw_os_error(),
        Some(EPERM | ENOMEM | EACCES | ENFILE | EMFILE | EADDRNOTAVAIL | ENETUNREACH | ENOBUFS)
    )
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The innermost cause: the outer ones only say that sending a request failed.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_function_lacks_is_not_the_targets_fault() {
        let own = |number| is_own(&io::Error::from_raw_os_error(number));
        assert!(own(24) && own(23) && own(99) && own(101));
        // Refused, reset, timed out, no route to the host.
        assert!(!own(111) && !own(104) && !own(110) && !own(113));
    }
}
