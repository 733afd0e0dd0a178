//! What proves that a form was sent from the page that this browser was shown: a random number in a cookie
//! that other sites' requests don't carry, and a seal over it and the form's subject in a hidden field.

use signing::{Keys, SealError};

use crate::Request;

/// The name of the hidden field.
const SEAL_FIELD: &str = "seal";
/// How long a page that was opened can be sent, in seconds.
const MAX_AGE: u32 = 3600;

/// A form, wherever and however often it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// Keeps seals of one kind of form from counting for another.
    pub purpose: &'a str,
    /// The cookie's name. `__Host-` at its beginning makes browsers refuse it without `Secure`, with a
    /// domain or for another path.
    pub cookie: &'a str,
    /// What the form is about: it counts for nothing else.
    pub subject: &'a str,
}

/// One showing of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownForm {
    /// What stands in the hidden field `seal`.
    pub seal: String,
    /// The cookie that goes with it.
    pub cookie: String,
}

/// A request was not sent from a form of ours in the browser that was shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFromForm {
    /// It is no form, comes from another site, or lacks the cookie or the seal.
    #[error("it was not sent from a page of this function")]
    Foreign,
    /// Its seal doesn't count.
    #[error("its form is not ours: {0}")]
    Seal(#[from] SealError),
}

impl Form<'_> {
    /// Shows the form; `nonce` is fresh.
    pub fn show(&self, keys: &Keys, nonce: &str) -> ShownForm {
        ShownForm {
            seal: keys.seal_text(self.purpose, &self.sealed(nonce)),
            cookie: self.with_cookie(nonce, MAX_AGE),
        }
    }

    /// The cookie that ends what was shown.
    pub fn ended(&self) -> String {
        self.with_cookie("", 0)
    }

    fn with_cookie(&self, nonce: &str, max_age: u32) -> String {
        let name = self.cookie;
        format!("{name}={nonce}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={max_age}")
    }

    fn sealed(&self, nonce: &str) -> String {
        format!("{}\0{nonce}", self.subject)
    }

    /// The nonce of the showing that a request was sent from.
    pub fn sent(&self, keys: &Keys, request: &Request) -> Result<String, NotFromForm> {
        // Browsers say where a request comes from; an older one that doesn't still has no cookie elsewhere.
        let site = request.header("sec-fetch-site");
        if site.is_some_and(|site| site != "same-origin") || !request.is_form() {
            return Err(NotFromForm::Foreign);
        }
        let nonce = request
            .cookie(self.cookie)
            .filter(|nonce| !nonce.is_empty())
            .ok_or(NotFromForm::Foreign)?;
        let seal = request.field(SEAL_FIELD).ok_or(NotFromForm::Foreign)?;
        keys.check_text(&seal, self.purpose, &self.sealed(nonce))?;
        Ok(nonce.to_owned())
    }
}
