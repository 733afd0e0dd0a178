//! The `tls` probe: a handshake, and the certificate that comes with it.
//!
//! The certificate is always verified as HTTP's is. Its end is asked of the same verifier, by letting it judge at a later
//! instant, so that intermediates count as well and nothing parses certificates a second time.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http::HeaderMap;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, ProtocolVersion};
use tokio::time::Instant;

use super::dial::server_name;
use super::place::{self, Place};
use super::{Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace};
use crate::body::Body;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Actual, Finding};
use crate::measurement::Measurement;
use crate::template::Template;

/// For a host without a port.
const PORT: Option<u16> = Some(443);

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// An instant after the end of every certificate.
const FAR_FUTURE: UnixTime =
    UnixTime::since_unix_epoch(Duration::from_secs(400 * 365 * DAY_SECONDS));

/// A handshake and its conditions.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) place: Place,
    /// All certificates are still valid then.
    pub(crate) expires_in: Option<MinAge>,
    /// Names for which the certificate must be valid, beside the one that is connected to.
    pub(crate) names: Vec<Template>,
    pub(crate) min_version: Option<TlsVersion>,
}

/// How long certificates must still be valid, in whole days: `> 14d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MinAge {
    pub(crate) days: u64,
    pub(crate) inclusive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    V1_2,
    V1_3,
}

impl ProbeKind for Tls {
    fn profile(&self) -> Profile {
        Profile {
            key: "tls",
            answer: &[Facet::Latency],
            // rustls reads a handshake up to 64 KiB.
            received: 64 * 1024,
            judged: 0,
            needs_traffic: true,
            // A connection does not say which revision it is with.
            sampling: Sampling::Indistinct,
            silence: Measurement::Failed,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.place.templates(see);
        self.names.iter().for_each(see);
    }

    fn subject(&self, context: &ProbeContext) -> Subject {
        self.place.subject(PORT, context)
    }

    fn asks(&self) -> Vec<String> {
        vec![format!("a handshake with {}", self.place.written())]
    }

    fn conditions(&self) -> usize {
        let others =
            usize::from(self.expires_in.is_some()) + usize::from(self.min_version.is_some());
        self.names.len() + others
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

async fn execute(
    tls: &Tls,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let origin = tls.place.origin(PORT, context)?;
    trace.request = Some(format!("TLS {}:{}", origin.host, origin.port));
    let of_release = place::admit(tls.subject(context))?;
    let name = server_name(&origin.host)?;
    let names = tls.names.iter().map(|name| name.render(&context.values));
    let names: Vec<String> = names.collect::<Result<_, _>>()?;
    let verifier = context.clients.trust()?.verifier;
    let begun = Instant::now();
    let stream = context.clients.dial(&origin).await?;
    let stream = context.clients.secure(stream, &origin, &[]).await?;
    let latency = begun.elapsed();
    let (_, connection) = stream.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    let [leaf, others @ ..] = chain else {
        return Err(ProbeError::failed("no certificate came"));
    };
    let presented = PresentedCertificates {
        leaf,
        others,
        verifier,
    };
    let mut findings = vec![Finding::new(
        format!("a trusted certificate for {}", origin.host),
        Actual::Words(presented.validity(&name)),
        true,
    )];
    findings.extend(tls.expires_in.map(|limit| presented.lasts(limit, &name)));
    findings.extend(names.iter().map(|name| presented.is_valid_for(name)));
    let version = connection.protocol_version();
    findings.extend(tls.min_version.map(|min| min.judge(version)));
    Ok(Observation {
        answer: Some(Evidence {
            status: None,
            headers: HeaderMap::new(),
            body: Body::new(Vec::new(), 0, &HeaderMap::new()),
            body_cut_at: None,
            latency,
            exchange: None,
        }),
        findings,
        of_release,
    })
}

/// The certificates of a handshake, and who judges them.
struct PresentedCertificates<'a> {
    leaf: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
    verifier: Arc<dyn ServerCertVerifier>,
}

impl PresentedCertificates<'_> {
    fn verify(&self, name: &ServerName<'_>, at: UnixTime) -> Result<(), Error> {
        let verified = self
            .verifier
            .verify_server_cert(self.leaf, self.others, name, &[], at);
        verified.map(drop)
    }

    /// When the certificates end, if some have ended by `at`.
    fn ended(&self, name: &ServerName<'_>, at: UnixTime) -> Option<UnixTime> {
        match self.verify(name, at) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            })) => Some(not_after),
            _ => None,
        }
    }

    fn validity(&self, name: &ServerName<'_>) -> String {
        match self.ended(name, FAR_FUTURE) {
            Some(end) => format!("valid for {}", days(end)),
            None => "valid".to_owned(),
        }
    }

    fn lasts(&self, limit: MinAge, name: &ServerName<'_>) -> Finding {
        let sign = if limit.inclusive { ">=" } else { ">" };
        let demand = format!("expires in {sign} {} days", limit.days);
        // Whole days are counted: more than 14 days are 15.
        let least = limit.days + u64::from(!limit.inclusive);
        let then = UnixTime::now().as_secs() + least * DAY_SECONDS;
        let then = UnixTime::since_unix_epoch(Duration::from_secs(then));
        match self.verify(name, then) {
            Ok(()) => {
                let end = self.ended(name, FAR_FUTURE);
                let got = end.map_or_else(|| "later".to_owned(), days);
                Finding::new(demand, Actual::Words(got), true)
            }
            Err(error) => match self.ended(name, then) {
                Some(end) => Finding::new(demand, Actual::Words(days(end)), false),
                None => Finding::errored(demand, error.to_string()),
            },
        }
    }

    fn is_valid_for(&self, name: &str) -> Finding {
        let demand = format!("a certificate for {name}");
        let Ok(server_name) = server_name(name) else {
            return Finding::errored(demand, "no certificate can have this name");
        };
        match self.verify(&server_name, UnixTime::now()) {
            Ok(()) => Finding::new(demand, Actual::Words("valid".to_owned()), true),
            Err(error) => Finding::new(demand, Actual::Value(error.to_string()), false),
        }
    }
}

impl TlsVersion {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }

    fn judge(self, spoken: Option<ProtocolVersion>) -> Finding {
        let demand = format!("TLS {} or later", self.as_str());
        let spoken = match spoken {
            Some(ProtocolVersion::TLSv1_3) => Self::V1_3,
            Some(ProtocolVersion::TLSv1_2) => Self::V1_2,
            _ => return Finding::errored(demand, "the version is not known"),
        };
        let got = Actual::Words(format!("TLS {}", spoken.as_str()));
        Finding::new(demand, got, spoken >= self)
    }
}

/// From now: `9 days`.
fn days(end: UnixTime) -> String {
    let left = end.as_secs().saturating_sub(UnixTime::now().as_secs()) / DAY_SECONDS;
    if left == 1 {
        "1 day".to_owned()
    } else {
        format!("{left} days")
    }
}
