//! A request of a function URL.
//!
//! Lambda wraps each one, whatever its body says, so that a function's own event can't be brought in from
//! outside.
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

/// An event is neither a request nor one of the function's own. What it is instead is not said: it may hold
/// anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is neither a request of the function's URL nor an event of its own; don't invoke it by hand"
)]
pub struct NotOurs;

/// A request, with its body as the sender wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// As it came, still encoded.
    pub path: String,
    /// By lower-case names. Lambda joins a header that came twice with a comma.
    pub headers: BTreeMap<String, String>,
    /// `name=value` each.
    pub cookies: Vec<String>,
    /// The raw bytes.
    pub body: Vec<u8>,
    /// Where it came from.
    pub source_ip: Option<String>,
    /// Whether its body is longer than any that is read; then it was left out.
    pub oversized: bool,
}

/// No body that is longer is decoded: what Slack sends is the longest, with all blocks of its message.
pub const MAX_BODY: usize = 512 * 1024;

impl Request {
    /// Reads the event of a request.
    pub fn decode(payload: Value) -> Result<Self, NotOurs> {
        let event: UrlEvent = serde_json::from_value(payload).map_err(|_| NotOurs)?;
        event.try_into()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The value of a cookie that came exactly once.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut values = self
            .cookies
            .iter()
            .filter_map(|cookie| cookie.split_once('='))
            .filter(|(own, _)| own.trim() == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether the body says that it is a form.
    pub fn is_form(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// A field of a form that came exactly once.
    pub fn field(&self, name: &str) -> Option<String> {
        let fields = form_urlencoded::parse(&self.body);
        let mut values = fields
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }
}

/// Version 2.0 of the payload; what isn't needed is left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UrlEvent {
    raw_path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    #[serde(default)]
    source_ip: Option<String>,
}

/// Whether an event is a request: whatever has one of these is one, even if it has more.
pub fn is_request(payload: &Value) -> bool {
    let request = ["requestContext", "rawPath", "headers", "body"];
    request.iter().any(|key| payload.get(key).is_some())
}

impl TryFrom<UrlEvent> for Request {
    type Error = NotOurs;

    fn try_from(event: UrlEvent) -> Result<Self, NotOurs> {
        let body = event.body.unwrap_or_default();
        // Base64 takes four characters for three bytes.
        let oversized = body.len() > MAX_BODY / 3 * 4;
        let body = if oversized {
            Vec::new()
        } else if event.is_base64_encoded {
            STANDARD.decode(body).map_err(|_| NotOurs)?
        } else {
            body.into_bytes()
        };
        let headers = event.headers.into_iter();
        let headers: BTreeMap<String, String> = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        // Not every front end that speaks this format takes them out of their header.
        let in_header = headers.get("cookie").filter(|_| event.cookies.is_empty());
        let in_header = in_header.into_iter().flat_map(|text| text.split(';'));
        let in_header = in_header.map(|cookie| cookie.trim().to_owned());
        Ok(Self {
            method: event.request_context.http.method.to_ascii_uppercase(),
            path: event.raw_path,
            cookies: in_header.chain(event.cookies).collect(),
            headers,
            body,
            source_ip: event.request_context.http.source_ip,
            oversized,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(body: &str) -> Value {
        json!({"version": "2.0", "rawPath": "/slack/interactions", "rawQueryString": "",
               "headers": {"Content-Type": "text/plain"}, "cookies": ["a=1", "b=2", "a=3"],
               "requestContext": {"http": {"method": "post", "sourceIp": "192.0.2.7"}},
               "body": body, "isBase64Encoded": false})
    }

    #[test]
    fn whatever_has_a_key_of_a_request_is_one() {
        for key in ["requestContext", "rawPath", "headers", "body"] {
            assert!(
                is_request(&json!({"slack_click": {}, "seal": "x.00", key: {}})),
                "{key}"
            );
        }
        assert!(!is_request(&json!({"slack_click": {}, "seal": "x.00"})));
    }

    #[test]
    fn a_body_is_what_the_sender_wrote() {
        let mut event = request("a=1");
        event["body"] = json!("YT0x/w==");
        event["isBase64Encoded"] = json!(true);
        let Ok(request) = Request::decode(event.clone()) else {
            panic!()
        };
        assert_eq!(request.body, b"a=1\xff");
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("content-type"), Some("text/plain"));
        event["body"] = json!("not base64!");
        assert_eq!(Request::decode(event), Err(NotOurs));
    }

    #[test]
    fn a_body_beyond_all_bounds_is_not_decoded() {
        for (body, base64) in [
            ("A".repeat(MAX_BODY * 2), true),
            ("x".repeat(MAX_BODY * 2), false),
        ] {
            let mut event = request(&body);
            event["isBase64Encoded"] = json!(base64);
            let Ok(request) = Request::decode(event) else {
                panic!()
            };
            assert!(request.oversized && request.body.is_empty());
        }
    }

    #[test]
    fn a_cookie_that_came_twice_is_none() {
        let Ok(request) = Request::decode(request("")) else {
            panic!()
        };
        assert_eq!(request.cookie("b"), Some("2"));
        assert_eq!(request.cookie("a"), None);
        assert_eq!(request.cookie("c"), None);
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for other in [
            json!(null),
            json!({}),
            json!([]),
            json!({"Records": []}),
            json!({"slack_click": {}}),
        ] {
            assert_eq!(Request::decode(other), Err(NotOurs));
        }
    }
}
