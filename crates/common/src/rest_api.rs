//! Services that speak JSON by method and path, of which one or two calls are needed: see [`crate::json_api`], which does
//! everything but the shapes.

use std::fmt::Write as _;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use crate::aws::Aws;
use crate::json_api::{CallError, JsonService, invoke, read};

/// Such a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestService(JsonService);

/// Amazon Bedrock `AgentCore`: browsers.
pub const BEDROCK_AGENTCORE: RestService = RestService(JsonService {
    // A session has a machine of its own, which begins with it.
    attempt_timeout: Some(Duration::from_secs(10)),
    ..JsonService::named("bedrock-agentcore", "")
});

/// Amazon Bedrock: models that answer.
pub const BEDROCK_RUNTIME: RestService = RestService(JsonService {
    signing_name: "bedrock",
    // A turn with a long page takes a model some seconds.
    attempt_timeout: Some(Duration::from_mins(1)),
    ..JsonService::named("bedrock-runtime", "")
});

/// Method and path of an operation: `PUT`, `/browsers/aws.browser.v1/sessions/start`.
pub type Route<'a> = (&'a str, &'a str);

/// Calls `operation` of `service`, which is at `route`, with `input`.
pub async fn call(
    aws: &Aws,
    service: RestService,
    operation: &'static str,
    route: Route<'_>,
    input: Value,
) -> Result<Value, CallError> {
    let (method, path) = (route.0.to_owned(), route.1.to_owned());
    let write = move |input: Value| {
        let mut request = HttpRequest::new(SdkBody::from(input.to_string()));
        request.set_method(&method)?;
        request.set_uri(path.as_str())?;
        let headers = request.headers_mut();
        headers.try_insert("content-type", "application/json")?;
        headers.try_insert("accept", "application/json")?;
        Ok(request)
    };
    invoke((aws, service.0, operation), input, write, read).await
}

/// A piece of a path, in which no sign has a meaning: `anthropic.claude-v1%3A0`.
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // A `String` takes everything.
            write!(segment, "%{byte:02X}").ok();
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure};
    use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_types::SdkConfig;
    use serde_json::json;

    fn replay(status: u16, body: &str, error: Option<&str>) -> (Aws, StaticReplayClient) {
        let request = http::Request::builder()
            .uri("https://bedrock-runtime.eu-central-1.amazonaws.com/")
            .body(SdkBody::empty());
        let mut response = http::Response::builder().status(status);
        if let Some(code) = error {
            response = response.header("x-amzn-errortype", code);
        }
        let response = response.body(SdkBody::from(body.to_owned()));
        let event = ReplayEvent::new(request.unwrap(), response.unwrap());
        let client = StaticReplayClient::new(vec![event]);
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(client.clone())
            .build();
        (Aws::from_config(config), client)
    }

    #[tokio::test]
    async fn a_call_has_its_method_and_path_and_is_signed_by_the_services_name() {
        let (aws, client) = replay(200, r#"{"stopReason":"end_turn"}"#, None);
        let model = path_segment("eu.anthropic.claude-haiku-4-5-20251001-v1:0");
        let path = format!("/model/{model}/converse");
        let answer = call(
            &aws,
            BEDROCK_RUNTIME,
            "Converse",
            ("POST", &path),
            json!({"a": 1}),
        );
        assert_eq!(answer.await.unwrap(), json!({"stopReason": "end_turn"}));
        let request = client.actual_requests().next().unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(
            request.uri(),
            "https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
        );
        let signed = request.headers().get("authorization").unwrap_or_default();
        assert!(
            signed.contains("/eu-central-1/bedrock/aws4_request"),
            "{signed}"
        );
        assert_eq!(request.body().bytes(), Some(&br#"{"a":1}"#[..]));
    }

    #[tokio::test]
    async fn an_error_is_read_by_its_header() {
        for (status, code, cause) in [
            (
                403,
                "AccessDeniedException:http://internal.amazon.com/",
                Cause::Denied,
            ),
            (404, "ResourceNotFoundException", Cause::Absent),
        ] {
            let (aws, _client) = replay(status, r#"{"message":"no"}"#, Some(code));
            let answer = call(&aws, BEDROCK_AGENTCORE, "Get", ("GET", "/x"), json!({})).await;
            assert_eq!(Failure::of(&answer.unwrap_err()).cause, cause, "{code}");
        }
    }

    #[test]
    fn no_sign_of_a_segment_has_a_meaning() {
        let arn = "arn:aws:bedrock:eu-central-1:111122223333:inference-profile/a";
        assert_eq!(
            path_segment(arn),
            "arn%3Aaws%3Abedrock%3Aeu-central-1%3A111122223333%3Ainference-profile%2Fa"
        );
    }
}
