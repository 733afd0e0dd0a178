//! How a connection is made where a check says more than its URL does: the version of HTTP, the family of the
//! address, the certificate that the gate shows.
//!
//! Requests share a connection only where all of that is the same.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::error::ProbeError;
use super::trust::certificates;

/// How connections for a request are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ConnectOptions {
    pub(crate) http_version: HttpVersion,
    pub(crate) ip_version: Option<IpVersion>,
    pub(crate) identity: Option<Arc<ClientIdentity>>,
}

/// The version of HTTP that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum HttpVersion {
    /// What TLS agrees on; without TLS, HTTP/1.1.
    #[default]
    Negotiated,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS with prior knowledge (RFC 9113, 3.3).
    Http2,
}

/// The family of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IpVersion {
    V4,
    V6,
}

impl IpVersion {
    pub(super) fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A certificate and its key, as PEM. Shows neither.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ClientIdentity {
    certificate: String,
    key: String,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(***)")
    }
}

impl ClientIdentity {
    pub(crate) fn new(certificate: String, key: String) -> Self {
        Self { certificate, key }
    }

    /// What TLS shows to servers that ask.
    pub(super) fn resolver(&self) -> Result<Arc<dyn ResolvesClientCert>, ProbeError> {
        let wrong = |why: String| ProbeError::errored(format!("client_certificate: {why}"));
        let chain = certificates(&self.certificate).map_err(wrong)?;
        let key = key(&self.key).map_err(|why| wrong(why.to_owned()))?;
        let pair =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
                wrong(format!(
                    "certificate and key can't be used together: {error}"
                ))
            })?;
        Ok(Arc::new(SingleCertAndKey::from(pair)))
    }
}

/// The first private key of a PEM text. What is wrong with one is not said in more detail: it would show a part of it.
fn key(pem: &str) -> Result<PrivateKeyDer<'static>, &'static str> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "the key is no private key as PEM: its BEGIN line is missing, or what stands below that is damaged"
    })
}
