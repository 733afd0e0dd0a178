//! Calls that local-aws itself makes to the emulator behind it: a topic published to, a rule looked
//! up, a function invoked.
//!
//! They go straight to the emulator, not through the front door: no fault is injected into them, and
//! the log of calls shows only what clients called.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

use crate::error::AwsError;

/// How long a call may take, in real time; the emulator is on the same machine.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a function may take that is waited for, in real time: Lambda's own limit, and a little more.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15 * 60 + 30);

/// The emulator, as a client sees it. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    address: Url,
    account: String,
    region: String,
}

/// How a function ended that was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invoked {
    /// It answered.
    Answered,
    /// It failed, crashed or took too long.
    Failed,
}

/// What came of a function that was waited for, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FunctionAnswer {
    /// What it returned.
    Returned(String),
    /// Its error.
    Failed(String),
}

/// One HTTP call.
struct UpstreamCall<'a> {
    service: &'a str,
    method: Method,
    path: &'a str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Upstream {
    pub(crate) fn new(address: &Url, account: &str, region: &str) -> Self {
        Self {
            address: address.clone(),
            account: account.to_owned(),
            region: region.to_owned(),
        }
    }

    /// A call of the query protocol (SNS, SQS, CloudFormation); gives the XML of the answer.
    pub(crate) async fn query(
        &self,
        service: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<String, AwsError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .extend_pairs(params)
            .finish();
        self.send(UpstreamCall {
            service,
            method: Method::POST,
            path: "/",
            headers: vec![(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            )],
            body,
        })
        .await
    }

    /// A call of the JSON protocol (EventBridge, SQS).
    pub(crate) async fn json(
        &self,
        service: &str,
        target: &str,
        input: &Value,
    ) -> Result<Value, AwsError> {
        let answer = self
            .send(UpstreamCall {
                service,
                method: Method::POST,
                path: "/",
                headers: vec![
                    ("content-type", "application/x-amz-json-1.1".to_owned()),
                    ("x-amz-target", target.to_owned()),
                ],
                body: input.to_string(),
            })
            .await?;
        Ok(serde_json::from_str(&answer).unwrap_or(Value::Null))
    }

    /// A call of the REST JSON protocol (Scheduler).
    pub(crate) async fn rest(
        &self,
        service: &str,
        method: Method,
        path: &str,
        input: Option<&Value>,
    ) -> Result<Value, AwsError> {
        let answer = self
            .send(UpstreamCall {
                service,
                method,
                path,
                headers: vec![("content-type", "application/json".to_owned())],
                body: input.map(Value::to_string).unwrap_or_default(),
            })
            .await?;
        Ok(serde_json::from_str(&answer).unwrap_or(Value::Null))
    }

    /// Invokes a function asynchronously, as every service of AWS does.
    pub(crate) async fn invoke(&self, function: &str, payload: &str) -> Result<(), AwsError> {
        let path = invocations(function);
        let sent = self.send(invocation("Event", &path, payload)).await;
        sent.map(drop)
    }

    /// Invokes a function and waits until it is done.
    pub(crate) async fn invoke_and_wait(
        &self,
        function: &str,
        payload: &str,
    ) -> Result<Invoked, AwsError> {
        Ok(match self.call_function(function, payload).await? {
            FunctionAnswer::Returned(_) => Invoked::Answered,
            FunctionAnswer::Failed(_) => Invoked::Failed,
        })
    }

    /// Invokes a function and gives what it returned.
    pub(crate) async fn call_function(
        &self,
        function: &str,
        payload: &str,
    ) -> Result<FunctionAnswer, AwsError> {
        let path = invocations(function);
        let sent = invocation("RequestResponse", &path, payload);
        let (headers, text) = self.send_within(FUNCTION_TIMEOUT, sent).await?;
        Ok(match headers.get("x-amz-function-error") {
            None => FunctionAnswer::Returned(text),
            Some(_) => FunctionAnswer::Failed(text),
        })
    }

    async fn send(&self, sent: UpstreamCall<'_>) -> Result<String, AwsError> {
        let answered = self.send_within(CALL_TIMEOUT, sent).await;
        answered.map(|(_, text)| text)
    }

    async fn send_within(
        &self,
        timeout: Duration,
        sent: UpstreamCall<'_>,
    ) -> Result<(HeaderMap, String), AwsError> {
        match tokio::time::timeout(timeout, self.exchange(sent)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unreachable("it does not answer in time")),
        }
    }

    async fn exchange(&self, sent: UpstreamCall<'_>) -> Result<(HeaderMap, String), AwsError> {
        let gone = |error: &dyn std::fmt::Display| self.unreachable(error);
        let host = self.address.host_str().unwrap_or_default();
        let port = self.address.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
            .await
            .map_err(|error| gone(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| gone(&error))?;
        tokio::spawn(connection);
        let request = self.request(sent, &format!("{host}:{port}"));
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| gone(&error))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| gone(&error))?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        if parts.status.is_success() {
            return Ok((parts.headers, text));
        }
        let header = parts.headers.get("x-amzn-errortype");
        let code = header.and_then(|value| value.to_str().ok());
        Err(refused(parts.status.as_u16(), code, &text))
    }

    fn request(&self, sent: UpstreamCall<'_>, host: &str) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(sent.body)));
        *request.method_mut() = sent.method;
        *request.uri_mut() = sent.path.parse().unwrap_or_default();
        // The emulator checks no signature, and reads account, region and service out of it.
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{}/aws4_request, SignedHeaders=host, Signature=0",
            self.account, self.region, sent.service
        );
        let more = [("authorization", scope), ("host", host.to_owned())];
        for (name, value) in sent.headers.into_iter().chain(more) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                request
                    .headers_mut()
                    .insert(header::HeaderName::from_static(name), value);
            }
        }
        request
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> AwsError {
        AwsError {
            status: 503,
            code: "ServiceUnavailable".to_owned(),
            message: format!("the emulator at {}: {why}", self.address),
        }
    }
}

fn invocations(function: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(function.as_bytes()).collect();
    format!("/2015-03-31/functions/{name}/invocations")
}

fn invocation<'a>(kind: &str, path: &'a str, payload: &str) -> UpstreamCall<'a> {
    UpstreamCall {
        service: "lambda",
        method: Method::POST,
        path,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-amz-invocation-type", kind.to_owned()),
        ],
        body: payload.to_owned(),
    }
}

/// An error of any of the protocols.
fn refused(status: u16, header: Option<&str>, text: &str) -> AwsError {
    let json: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let of_json = |names: [&str; 2]| names.iter().find_map(|name| json[*name].as_str());
    let code = header
        .or_else(|| of_json(["__type", "code"]))
        .or_else(|| element(text, "Code"))
        .unwrap_or("Unknown");
    let message = of_json(["message", "Message"])
        .or_else(|| element(text, "Message"))
        .unwrap_or(text);
    // Some put a namespace before it, or a URL behind.
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.split(':').next().unwrap_or(code);
    AwsError {
        status,
        code: code.to_owned(),
        message: unescaped(message),
    }
}

/// The text of an element as it was before it was written into XML.
pub(crate) fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    named.iter().fold(text.to_owned(), |text, (name, sign)| {
        text.replace(name, sign)
    })
}

/// The text of the first element of that name, still escaped. Enough for the flat answers that are
/// read here.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

/// The texts of all elements of that name.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let end = format!("</{name}>");
    xml.split(&format!("<{name}>"))
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(&end)?.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_by_one_piece_of_the_path() {
        assert_eq!(
            invocations("arn:aws:lambda:us-east-1:000000000000:function:hook"),
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahook/invocations"
        );
    }

    #[test]
    fn errors_are_read_in_each_protocol() {
        let xml = "<ErrorResponse><Error><Code>NotFound</Code><Message>no topic</Message></Error></ErrorResponse>";
        let error = refused(404, None, xml);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("NotFound", "no topic")
        );
        let json = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}"#;
        let error = refused(400, None, json);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("QueueDoesNotExist", "none")
        );
        let header = "ConflictException:http://internal.amazon.com/coral/";
        let error = refused(400, Some(header), r#"{"Message":"twice"}"#);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("ConflictException", "twice")
        );
    }

    #[test]
    fn elements_are_found_in_their_order() {
        assert_eq!(
            unescaped("a &lt;b&gt; didn&#x27;t &amp;lt;"),
            "a <b> didn't &lt;"
        );
        assert_eq!(elements("<a><b>1</b><b>2</b></a>", "b"), ["1", "2"]);
        assert_eq!(element("<a><b>1</b></a>", "c"), None);
    }
}
