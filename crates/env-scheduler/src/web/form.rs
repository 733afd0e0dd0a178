//! What proves that a form was sent from the page that this browser was shown: a random number in a
//! cookie that other sites' requests don't carry, and a seal over it and the link in a hidden field.

use approval_decision::event::Request;
use approvals::sign::Keys;
use url::form_urlencoded;

const PURPOSE: &str = "environment form";
/// Browsers refuse it without `Secure`, with a domain or for another path.
const COOKIE: &str = "__Host-environment";
/// How long a page that was opened can be sent, in seconds.
const OPEN_FOR: u32 = 3600;

/// One showing of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What stands in the hidden field.
    pub seal: String,
    nonce: String,
}

impl Form {
    /// A form for a link; `nonce` is fresh.
    pub fn new(keys: &Keys, sealed: &str, nonce: String) -> Self {
        Self {
            seal: keys.seal_text(PURPOSE, &bound(sealed, &nonce)),
            nonce,
        }
    }

    /// The cookie that goes with it.
    pub fn cookie(&self) -> String {
        let nonce = &self.nonce;
        format!("{COOKIE}={nonce}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={OPEN_FOR}")
    }
}

fn bound(sealed: &str, nonce: &str) -> String {
    format!("{sealed}\0{nonce}")
}

/// The number of the showing that a request was sent from; none if it was sent from none of ours.
pub fn sent(keys: &Keys, sealed: &str, request: &Request) -> Option<String> {
    let site = request.header("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") || !request.is_form() {
        return None;
    }
    let nonce = request.cookie(COOKIE).filter(|nonce| !nonce.is_empty())?;
    let seal = field(request, "seal")?;
    let ours = keys.text_sealed(&seal, PURPOSE, &bound(sealed, nonce));
    ours.then(|| nonce.to_owned())
}

/// A field of a form that came exactly once.
pub fn field(request: &Request, name: &str) -> Option<String> {
    let fields = form_urlencoded::parse(&request.body);
    let mut values = fields
        .filter(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}
