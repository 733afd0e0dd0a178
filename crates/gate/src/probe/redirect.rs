//! What counts as the release, and where a redirect may lead.
//!
//! Before traffic only an answer of the release under test counts: of the target's scheme, address
//! and port. The production listener often has the same address and another port, and the old
//! release behind it. So what leaves the target's origin is never followed, unless the check names
//! the other place. After traffic a redirect may lead anywhere but inside: a release must not make
//! the gate ask a metadata service for credentials.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION,
    USER_AGENT,
};
use http::{Method, Response, StatusCode};

use super::address::is_public;
use super::client::Message;
use super::connect::Release;
use super::http::Request;
use super::place::{Origin, Place};
use super::{Probe, Surroundings, Trouble};
use crate::Stage;
use crate::suite::{Check, Severity};

/// The headers that follow a redirect to another origin. Any other one may carry a secret.
const FOLLOW_ANYWHERE: [HeaderName; 6] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    USER_AGENT,
];

/// The places that a check may have answers from.
pub(super) struct Vouched<'a> {
    stage: Stage,
    release: &'a Release,
    /// The origin of the check's own URL, if that is the release by the check's word.
    stated: Option<Origin>,
    /// The host of the check's own URL: whoever wrote the check means it.
    own_host: String,
    allowed: Vec<Origin>,
}

/// What to make of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Meant,
    /// After traffic, and nobody's word for it.
    Unknown,
    /// Before traffic, and not the release.
    Elsewhere,
}

impl<'a> Vouched<'a> {
    pub(super) fn of(
        request: &Request,
        origin: &Origin,
        around: &'a Surroundings,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            stage: around.clients.stage,
            release: &around.clients.release,
            stated: request.reaches_release.then(|| origin.clone()),
            own_host: origin.host.clone(),
            allowed: request.allowed(&around.values)?,
        })
    }

    /// Whether an answer from there is one of the release.
    fn is_release(&self, origin: &Origin) -> bool {
        self.release.is_at(origin) || self.stated.as_ref() == Some(origin)
    }

    fn standing(&self, origin: &Origin) -> Standing {
        let host = &origin.host;
        if self.is_release(origin) || self.allowed.contains(origin) {
            Standing::Meant
        } else if self.stage == Stage::PreTraffic {
            Standing::Elsewhere
        } else if *host == self.own_host || self.release.names_host(host) {
            Standing::Meant
        } else {
            Standing::Unknown
        }
    }

    /// Whether the check's own URL may be asked. A run refuses most of these before it begins; what
    /// is left has a secret or a fact in its URL.
    pub(super) fn first(&self, place: &Place) -> Result<(), Trouble> {
        match self.standing(&place.origin) {
            Standing::Elsewhere => Err(Trouble::errored(self.not_the_release(place))),
            Standing::Meant | Standing::Unknown => Ok(()),
        }
    }

    fn not_the_release(&self, place: &Place) -> String {
        let origin = &place.origin;
        let own = match &self.release.origin {
            Some(own) => format!("which answers at {own}"),
            None => "and this target has no address of its own".to_owned(),
        };
        format!(
            "nothing says that {origin} is the release under test, {own}; before traffic only the \
             release counts: write a path, or `reaches_release: true` if the URL leads to the \
             version under test, or `allow_origins: [\"{origin}\"]` if another place is meant"
        )
    }
}

/// Why a run can't begin before traffic: checks that ask another place, or that nothing required
/// measures the release at all.
pub(crate) fn refusals(checks: &[Check], around: &Surroundings) -> Vec<String> {
    if around.clients.stage != Stage::PreTraffic {
        return Vec::new();
    }
    let mut refusals = Vec::new();
    let mut others = 0;
    let mut of_release = 0;
    for check in checks {
        #[cfg_attr(not(test), allow(irrefutable_let_patterns))]
        let Probe::Http(request) = &check.probe else {
            of_release += 1;
            continue;
        };
        let place = request.place(around);
        let vouched = place
            .as_ref()
            .ok()
            .and_then(|place| Vouched::of(request, &place.origin, around).ok());
        let (Ok(place), Some(vouched)) = (place, vouched) else {
            // The check itself will say why it can't be asked, and does not pass.
            of_release += 1;
            continue;
        };
        if vouched.standing(&place.origin) == Standing::Elsewhere {
            refusals.push(format!(
                "check {:?} (line {}): {}; or `on: post-traffic`",
                check.name,
                request.line,
                vouched.not_the_release(&place)
            ));
        } else if check.severity == Severity::Required {
            let own = vouched.is_release(&place.origin);
            of_release += usize::from(own);
            others += usize::from(!own);
        }
    }
    if refusals.is_empty() && of_release == 0 && others > 0 {
        refusals.push(
            "nothing required measures the release: every required check asks another place; write \
             one with a path, or with `reaches_release: true`"
                .to_owned(),
        );
    }
    refusals
}

/// The request that a redirect asks for, as browsers do it: 303 becomes GET, 301 and 302 turn POST
/// into GET, 307 and 308 repeat. None if the answer is no redirect.
pub(super) fn after<B>(
    message: &Message,
    response: &Response<B>,
    vouched: &Vouched<'_>,
) -> Result<Option<Message>, Trouble> {
    let status = response.status();
    let Some(location) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    let to_get = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => message.method == Method::POST,
        StatusCode::SEE_OTHER => message.method != Method::HEAD,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
        _ => return Ok(None),
    };
    let place = std::str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|location| message.place.join(location))
        .ok_or_else(|| {
            Trouble::failed(format!("{status} with a location that is not an http URL"))
        })?;
    let (from, code) = (&message.place, status.as_u16());
    let guarded = match vouched.standing(&place.origin) {
        Standing::Meant => false,
        Standing::Unknown => {
            may_be_public(&place)?;
            true
        }
        Standing::Elsewhere => {
            return Err(Trouble::failed(format!(
                "{code} leads away from the release, from {from} to {place}; before traffic only an \
                 answer of the release counts; if the other place is meant, write \
                 allow_origins: [\"{}\"]",
                place.origin
            )));
        }
    };
    let mut headers = message.headers.clone();
    let mut body = message.body.clone();
    let leaves = place.origin != from.origin;
    if leaves {
        headers = FOLLOW_ANYWHERE
            .iter()
            .filter_map(|name| headers.remove(name).map(|value| (name.clone(), value)))
            .collect();
    }
    let mut method = message.method.clone();
    if to_get {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        (method, body) = (Method::GET, Bytes::new());
    } else if leaves && !body.is_empty() {
        return Err(Trouble::failed(format!(
            "{code} asks for the body once more at {place}, another origin than {}; a body is sent \
             to the origin of the check only",
            from.origin
        )));
    }
    Ok(Some(Message {
        method,
        place,
        headers,
        body,
        guarded,
    }))
}

/// A host that is written as an address is never resolved, so it is looked at here.
fn may_be_public(place: &Place) -> Result<(), Trouble> {
    let host = place.origin.host.trim_matches(['[', ']']);
    match host.parse() {
        Ok(address) if !is_public(address) => Err(Trouble::failed(format!(
            "the redirect to {place} is not followed: {host} is an address inside; if that is \
             meant, write allow_origins: [\"{}\"]",
            place.origin
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn standing(stage: Stage, other: &str) -> Standing {
        let origin = |text: &str| Origin::parse(text).unwrap();
        let release = Release {
            origin: Some(origin("http://10.0.0.7:8080")),
            names: BTreeSet::from(["shop.example.com".to_owned()]),
        };
        let vouched = Vouched {
            stage,
            release: &release,
            stated: Some(origin("https://function.example.com")),
            own_host: "function.example.com".to_owned(),
            allowed: vec![origin("https://login.example.com")],
        };
        vouched.standing(&origin(other))
    }

    #[test]
    fn before_traffic_only_the_release_and_what_is_named_counts() {
        let pre = |other| standing(Stage::PreTraffic, other);
        for meant in [
            "http://10.0.0.7:8080",
            "http://shop.example.com:8080",
            "https://function.example.com",
            "https://login.example.com",
        ] {
            assert_eq!(pre(meant), Standing::Meant, "{meant}");
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
            assert_eq!(pre(elsewhere), Standing::Elsewhere, "{elsewhere}");
        }
    }

    #[test]
    fn after_traffic_a_host_that_is_named_may_be_inside() {
        let post = |other| standing(Stage::PostTraffic, other);
        for meant in [
            "http://10.0.0.7",
            "https://shop.example.com",
            "http://function.example.com",
        ] {
            assert_eq!(post(meant), Standing::Meant, "{meant}");
        }
        for unknown in [
            "http://169.254.169.254",
            "http://127.0.0.1:9001",
            "https://www.example.com",
        ] {
            assert_eq!(post(unknown), Standing::Unknown, "{unknown}");
        }
    }
}
