//! The form of the page, and what proves that an answer was sent from it: a random number in a cookie
//! that other sites' requests don't carry, and a seal over it and the link in a hidden field.

use approvals::sign::Keys;
use approvals::sign::link::Link;
use url::form_urlencoded;

use crate::event::Request;

/// The name of the hidden field.
const SEAL: &str = "seal";
/// The name of the comment's field.
const COMMENT: &str = "comment";
/// How long a page that was opened can be answered, in seconds.
const OPEN_FOR: u32 = 3600;
/// Enough of a link's number to tell several open pages apart.
const NUMBER: usize = 12;
const PURPOSE: &str = "form";

/// One showing of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What stands in the hidden field.
    pub seal: String,
    name: String,
    nonce: String,
}

impl Form {
    /// A form for `link`; `nonce` is fresh.
    pub fn new(keys: &Keys, link: &Link, nonce: String) -> Self {
        Self {
            seal: keys.seal_text(PURPOSE, &bound(link, &nonce)),
            name: cookie_name(link),
            nonce,
        }
    }

    /// The cookie that goes with it. `__Host-` makes browsers refuse it without `Secure`, with a domain
    /// or for another path.
    pub fn cookie(&self) -> String {
        let Self { name, nonce, .. } = self;
        format!("{name}={nonce}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={OPEN_FOR}")
    }

    /// The cookie that ends it.
    pub fn cookie_over(link: &Link) -> String {
        let name = cookie_name(link);
        format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

fn cookie_name(link: &Link) -> String {
    let number = &link.jti[..link.jti.len().min(NUMBER)];
    format!("__Host-decide-{number}")
}

fn bound(link: &Link, nonce: &str) -> String {
    format!("{}\0{nonce}", link.jti)
}

/// An answer was not sent from a form of ours in the browser that was shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign;

/// The comment of an answer, if it was sent from a form of ours in the browser that was shown it.
pub(super) fn comment(
    keys: &Keys,
    link: &Link,
    request: &Request,
) -> Result<Option<String>, Foreign> {
    // Browsers say where a request comes from; an older one that doesn't still has no cookie elsewhere.
    let site = request.header("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") || !request.is_form() {
        return Err(Foreign);
    }
    let nonce = request
        .cookie(&cookie_name(link))
        .filter(|nonce| !nonce.is_empty())
        .ok_or(Foreign)?;
    let field = |name: &str| {
        let fields = form_urlencoded::parse(&request.body);
        let mut values = fields
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value.into_owned());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    };
    let seal = field(SEAL).ok_or(Foreign)?;
    if !keys.text_sealed(&seal, PURPOSE, &bound(link, nonce)) {
        return Err(Foreign);
    }
    Ok(field(COMMENT).filter(|text| !text.trim().is_empty()))
}
