//! What TLS trusts: the system's certificate authorities, and those that the suite or the function
//! names. Certificates are always checked.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::ProbeError;

/// The certificates of a PEM text; at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("it is not PEM: {error:?}"))?;
    if found.is_empty() {
        return Err("it has no certificate: -----BEGIN CERTIFICATE----- is missing".to_owned());
    }
    let mut store = RootCertStore::empty();
    for certificate in &found {
        store
            .add(certificate.clone())
            .map_err(|error| format!("a certificate in it can't be used: {error}"))?;
    }
    Ok(found)
}

/// The system's certificate authorities and those that are named: read once in a run.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    /// For connections.
    pub(super) config: ClientConfig,
    /// What decides whether a certificate is trusted.
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
}

/// TLS that trusts the system's certificate authorities and these.
pub(super) fn trusting(pems: &[String]) -> Result<Trust, ProbeError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(pems)?;
    let config = config(&provider, Arc::clone(&verifier))?;
    Ok(Trust { config, verifier })
}

fn verifier(pems: &[String]) -> Result<Arc<dyn ServerCertVerifier>, ProbeError> {
    let provider = Arc::new(ring::default_provider());
    let mut extra = Vec::new();
    for pem in pems {
        let found = certificates(pem).map_err(|why| {
            ProbeError::errored(format!("a certificate authority can't be trusted: {why}"))
        })?;
        extra.extend(found);
    }
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider)
        .map_err(|error| ProbeError::errored(format!("TLS could not be set up: {error}")))?;
    Ok(Arc::new(verifier))
}

/// For clients that speak plain HTTP.
pub(super) fn none() -> Result<ClientConfig, ProbeError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    builder
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        })
        .map_err(|error| ProbeError::errored(format!("no HTTP client: {error}")))
}

fn config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, ProbeError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
    builder
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth()
        })
        .map_err(|error| ProbeError::errored(format!("TLS could not be set up: {error}")))
}
