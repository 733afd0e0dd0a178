//! What a function URL answers. Each answer has the headers that keep a browser from storing,
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
    /// A page, JSON, or nothing.
    pub body: String,
    /// What the body is.
    content_type: &'static str,
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
            content_type: "text/html; charset=utf-8",
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

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Only these methods.
    pub fn only(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::empty(405)
        }
    }

    /// JSON, with status 200.
    pub fn json(value: &Value) -> Self {
        Self {
            content_type: "application/json; charset=utf-8",
            ..Self::page(200, value.to_string())
        }
    }

    /// There is nothing at this path, or its link doesn't count, whatever the reason is.
    pub fn not_found() -> Self {
        Self::page(404, page::not_found())
    }

    /// The time of a link is over.
    pub fn expired() -> Self {
        Self::page(410, page::expired())
    }

    /// Nothing can be said; why stands in the log.
    pub fn unavailable() -> Self {
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
            "content-type": self.content_type,
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
