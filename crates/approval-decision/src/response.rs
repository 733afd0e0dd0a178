//! What the function URL answers. Each answer has the headers that keep a browser from storing,
//! embedding, sniffing or leaking it: there is no way to make one without them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::page;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// A page, or nothing.
    pub body: String,
    /// A cookie to set.
    pub cookie: Option<String>,
    /// The methods that would be right, with status 405.
    pub allow: Option<&'static str>,
}

impl Response {
    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::page(status, String::new())
    }

    /// A page.
    pub fn page(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            cookie: None,
            allow: None,
        }
    }

    /// The same with a cookie.
    #[must_use]
    pub fn with_cookie(self, cookie: String) -> Self {
        Self {
            cookie: Some(cookie),
            ..self
        }
    }

    /// Only these methods.
    pub fn only(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::empty(405)
        }
    }

    /// There is nothing at this path.
    pub fn no_such_page() -> Self {
        Self::page(404, page::neutral())
    }

    /// A link that doesn't count, whatever the reason is.
    pub fn no_such_link() -> Self {
        Self::no_such_page()
    }

    /// A link whose time is over. Says the same as any other that doesn't count.
    pub fn link_is_over() -> Self {
        Self::page(410, page::neutral())
    }

    /// The settings are wrong; what is wrong stands in the log.
    pub fn not_set_up() -> Self {
        Self::page(503, page::unavailable())
    }

    /// What `method` gets of it: HEAD gets no body and no cookie.
    #[must_use]
    pub fn for_method(self, method: &str) -> Self {
        if method != "HEAD" {
            return self;
        }
        Self {
            body: String::new(),
            cookie: None,
            ..self
        }
    }

    /// The form that the function URL expects.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload>
    pub fn into_value(self) -> Value {
        let mut headers = json!({
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "content-security-policy": policy(),
            "x-content-type-options": "nosniff",
            "x-robots-tag": "noindex, nofollow",
            "x-frame-options": "DENY",
            "strict-transport-security": "max-age=63072000",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "interest-cohort=(), camera=(), microphone=(), geolocation=()",
        });
        if let Some(allow) = self.allow {
            headers["allow"] = json!(allow);
        }
        let mut value = json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": false,
        });
        if let Some(cookie) = self.cookie {
            value["cookies"] = json!([cookie]);
        }
        value
    }
}

/// No script, no image, nothing from elsewhere; the one style sheet is named by its hash.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(page::CSS.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}
