//! TLS of listeners: an authority of this world alone, and from it a certificate for whatever name a client asks for.
//!
//! What AWS does differently: there a certificate comes from ACM and has its own names, and a client that asks for
//! another one is given it all the same, which it refuses.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::api::invalid;
use crate::error::AwsError;
use crate::sync::lock;
use crate::wire::{QueryParams, Xml};

/// What a client that names nobody is given.
const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];
/// AWS's default when a listener names none.
const SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// What a listener speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    /// With the ARN of its certificate.
    Https {
        certificate: String,
    },
}

impl Protocol {
    /// What the caller asks for.
    pub(crate) fn of(params: &QueryParams, protocol: &str) -> Result<Self, AwsError> {
        let certificates = params.members("Certificates");
        let certificate = certificates
            .iter()
            .find_map(|one| one.get("CertificateArn"))
            .map(str::to_owned);
        match (protocol, certificate) {
            ("HTTP", None) => Ok(Self::Http),
            ("HTTP", Some(_)) => Err(invalid(
                "Certificates can be specified for a listener with protocol HTTPS only",
            )),
            ("HTTPS", None) => Err(AwsError::client(
                "CertificateNotFound",
                "A certificate must be specified for HTTPS listeners",
            )),
            ("HTTPS", Some(certificate)) => {
                let service = certificate.split(':').nth(2);
                if matches!(service, Some("acm" | "iam")) {
                    return Ok(Self::Https { certificate });
                }
                Err(AwsError::client(
                    "CertificateNotFound",
                    format!("Certificate ARN '{certificate}' is not valid"),
                ))
            }
            _ => Err(AwsError::client(
                "UnsupportedProtocol",
                format!(
                    "local-aws balances HTTP and HTTPS only, not '{protocol}'; use Protocol=HTTP or HTTPS"
                ),
            )),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https { .. } => "HTTPS",
        }
    }

    /// What a description says of it.
    pub(crate) fn render(&self) -> Vec<Xml> {
        let mut members = vec![Xml::text("Protocol", self.name())];
        if let Self::Https { certificate } = self {
            let certificate = vec![Xml::text("CertificateArn", certificate)];
            members.push(Xml::list("Certificates", [certificate]));
            members.push(Xml::text("SslPolicy", SSL_POLICY));
        }
        members
    }
}

/// Who signs the certificates of a world; made when first needed.
#[derive(Debug, Default)]
pub(crate) struct Authority(OnceLock<Result<ServerCertificate, String>>);

struct ServerCertificate {
    pem: String,
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.pem)
    }
}

impl Authority {
    /// Its certificate, for those who are to trust it.
    pub(crate) fn pem(&self) -> Result<String, AwsError> {
        self.made().map(|made| made.pem.clone())
    }

    /// What speaks TLS on a listener's port; none where it speaks HTTP.
    pub(crate) fn acceptor(&self, protocol: &Protocol) -> Result<Option<TlsAcceptor>, AwsError> {
        match protocol {
            Protocol::Http => Ok(None),
            Protocol::Https { .. } => self.made().map(|made| Some(made.acceptor.clone())),
        }
    }

    fn made(&self) -> Result<&ServerCertificate, AwsError> {
        let made = self
            .0
            .get_or_init(|| make().map_err(|error| error.to_string()));
        made.as_ref().map_err(|why| {
            let message = format!("local-aws cannot make a certificate authority: {why}");
            AwsError::client("InvalidConfigurationRequest", message)
        })
    }
}

fn make() -> Result<ServerCertificate, Box<dyn std::error::Error>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "local-aws");
    let pem = params.self_signed(&key)?.pem();
    let certificates = Certificates {
        issuer: Issuer::new(params, key),
        made: Mutex::default(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(ServerCertificate { pem, acceptor })
}

/// A certificate for each name that was asked for.
#[derive(Debug)]
struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default().to_owned();
        if let Some(known) = lock(&self.made).get(&name) {
            return Some(known.clone());
        }
        let made = self
            .sign(&name)
            .inspect_err(|error| tracing::warn!("no certificate for {name:?}: {error}"));
        let made = Arc::new(made.ok()?);
        lock(&self.made).insert(name, made.clone());
        Some(made)
    }
}

impl Certificates {
    fn sign(&self, name: &str) -> Result<CertifiedKey, Box<dyn std::error::Error>> {
        let names: Vec<String> = match name {
            "" => LOOPBACK.map(str::to_owned).into(),
            name => vec![name.to_owned()],
        };
        let mut params = CertificateParams::new(names)?;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = ring::sign::any_supported_type(&key)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

/// Why a handshake came to nothing, in the log: a client that trusts nobody here, for example.
pub(crate) fn refused(port: u16, error: &impl Display) {
    tracing::debug!(%error, port, "a TLS handshake failed");
}
