//! Services that speak JSON by method and path, of which one or two calls are needed: see [`crate::json_api`], which does
//! everything but the shapes.

use std::fmt::Write as _;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use crate::aws::Aws;
use crate::json_api::read_object;
use crate::service::AwsService;
use crate::signed_call::{CallError, invoke};

/// Such a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestService(pub(crate) AwsService);

impl RestService {
    /// The same service, each call made once: for who has retries of their own, or must not repeat a call.
    #[must_use]
    pub const fn without_retries(self) -> Self {
        Self(self.0.without_retries())
    }

    /// The same service, each try of a call cut after so long; a call with all its tries after twice that.
    #[must_use]
    pub const fn with_attempt_timeout(self, timeout: Duration) -> Self {
        Self(AwsService {
            attempt_timeout: Some(timeout),
            ..self.0
        })
    }
}

/// Amazon Bedrock `AgentCore`: browsers.
pub const BEDROCK_AGENTCORE: RestService = RestService(AwsService {
    // A session has a machine of its own, which begins with it.
    attempt_timeout: Some(Duration::from_secs(10)),
    ..AwsService::named("Bedrock AgentCore", "bedrock-agentcore", "")
});

/// Amazon Bedrock: models that answer.
pub const BEDROCK_RUNTIME: RestService = RestService(AwsService {
    signing_name: "bedrock",
    // A turn with a long page takes a model some seconds.
    attempt_timeout: Some(Duration::from_mins(1)),
    ..AwsService::named("Bedrock Runtime", "bedrock-runtime", "")
});

/// AWS Lambda. An invocation is [`crate::lambda_invoke`]'s.
pub const LAMBDA: RestService = RestService(AwsService::named("Lambda", "lambda", ""));

/// Amazon EventBridge Scheduler.
pub const SCHEDULER: RestService = RestService(AwsService::named("Scheduler", "scheduler", ""));

/// Amazon Simple Email Service, version 2 of its API.
pub const SES: RestService = RestService(AwsService {
    signing_name: "ses",
    ..AwsService::named("SESv2", "email", "")
});

/// Method and path of an operation: `PUT`, `/browsers/aws.browser.v1/sessions/start`. A query may follow the path.
pub type Route<'a> = (&'a str, &'a str);

/// Calls `operation` of `service`, which is at `route`, with `input`: null where it takes no body.
pub async fn call(
    aws: &Aws,
    service: RestService,
    operation: &'static str,
    route: Route<'_>,
    input: Value,
) -> Result<Value, CallError> {
    let (method, path) = (route.0.to_owned(), route.1.to_owned());
    let write = move |input: Value| {
        let has_body = !input.is_null();
        let body = if has_body {
            SdkBody::from(input.to_string())
        } else {
            SdkBody::empty()
        };
        let mut request = HttpRequest::new(body);
        request.set_method(&method)?;
        request.set_uri(whole(&path)?)?;
        let headers = request.headers_mut();
        if has_body {
            headers.try_insert("content-type", "application/json")?;
        }
        headers.try_insert("accept", "application/json")?;
        Ok(request)
    };
    invoke((aws, service.0, operation), input, write, read_object).await
}

/// A path of which no piece is empty: without a name it would be another operation's.
pub(crate) fn whole(path: &str) -> Result<&str, BoxError> {
    let pieces = path.split('?').next().unwrap_or(path);
    if pieces.contains("//") || pieces.ends_with('/') {
        return Err(format!("a name is empty in {path}").into());
    }
    Ok(path)
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
    use crate::replay::{client, config};
    use aws_smithy_http_client::test_util::StaticReplayClient;
    use serde_json::json;

    fn replay(status: u16, body: &str, error: Option<&str>) -> (Aws, StaticReplayClient) {
        replay_at(config("eu-central-1"), status, body, error)
    }

    fn replay_at(
        config: aws_types::sdk_config::Builder,
        status: u16,
        body: &str,
        error: Option<&str>,
    ) -> (Aws, StaticReplayClient) {
        let code = error.map(|code| ("x-amzn-errortype", code));
        let client = client(&[(status, code.as_slice(), body)]);
        let config = config.http_client(client.clone());
        (Aws::from_config(config.build()), client)
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

    #[tokio::test]
    async fn a_call_without_input_has_no_body_and_keeps_its_query() {
        let (aws, client) = replay(200, r#"{"State":"ENABLED"}"#, None);
        let route = ("GET", "/schedules/tick?groupName=a%20b");
        let answer = call(&aws, SCHEDULER, "GetSchedule", route, Value::Null).await;
        assert_eq!(answer.unwrap(), json!({"State": "ENABLED"}));
        let request = client.actual_requests().next().unwrap();
        assert_eq!(
            request.uri(),
            "https://scheduler.eu-central-1.amazonaws.com/schedules/tick?groupName=a%20b"
        );
        assert_eq!(request.body().bytes(), Some(&b""[..]));
        assert_eq!(request.headers().get("content-type"), None);
    }

    /// As the endpoint rules of the SDK's own crates have it, and what it signs.
    const ENDPOINTS: &str = "
        lambda    us-east-1       fips -    lambda lambda-fips.us-east-1.amazonaws.com
        lambda    us-gov-west-1   fips -    lambda lambda-fips.us-gov-west-1.amazonaws.com
        lambda    us-gov-east-1   fips dual lambda lambda-fips.us-gov-east-1.api.aws
        lambda    eu-central-1    -    dual lambda lambda.eu-central-1.api.aws
        lambda    us-isob-east-1  fips -    lambda lambda-fips.us-isob-east-1.sc2s.sgov.gov
        ses       us-gov-west-1   -    -    ses email.us-gov-west-1.amazonaws.com
        ses       us-gov-west-1   fips -    ses email-fips.us-gov-west-1.amazonaws.com
        ses       us-gov-east-1   fips dual ses email-fips.us-gov-east-1.api.aws
        ses       cn-north-1      -    dual ses email.cn-north-1.api.amazonwebservices.com.cn
        scheduler us-gov-east-1   fips -    scheduler scheduler-fips.us-gov-east-1.amazonaws.com
        scheduler us-gov-east-1   fips dual scheduler scheduler-fips.us-gov-east-1.api.aws
        scheduler us-iso-east-1   fips -    scheduler scheduler-fips.us-iso-east-1.c2s.ic.gov
    ";

    #[tokio::test]
    async fn endpoints_with_fips_and_dual_stack_are_those_of_the_sdk() {
        for row in ENDPOINTS.trim().lines() {
            let [service, region, fips, dual_stack, signing_name, host] =
                row.split_whitespace().collect::<Vec<_>>()[..]
            else {
                panic!("{row}");
            };
            let service = match service {
                "lambda" => LAMBDA,
                "ses" => SES,
                "scheduler" => SCHEDULER,
                other => panic!("{other}"),
            };
            let config = config(region)
                .use_fips(fips == "fips")
                .use_dual_stack(dual_stack == "dual");
            let (aws, client) = replay_at(config, 200, "{}", None);
            let answer = call(&aws, service, "Get", ("GET", "/x"), Value::Null).await;
            assert_eq!(answer.unwrap(), json!({}));
            let request = client.actual_requests().next().unwrap();
            assert_eq!(request.uri(), format!("https://{host}/x"));
            let signed = request.headers().get("authorization").unwrap_or_default();
            let scope = format!("/{region}/{signing_name}/aws4_request");
            assert!(signed.contains(&scope), "{signed}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_empty_is_no_call_of_another_operation() {
        for path in ["/schedules/", "/functions//configuration", "/a/?b=c"] {
            let (aws, client) = replay(200, "{}", None);
            let answer = call(&aws, SCHEDULER, "GetSchedule", ("GET", path), Value::Null).await;
            let failure = Failure::of(&answer.unwrap_err());
            assert!(
                failure.detail.contains("a name is empty"),
                "{}",
                failure.detail
            );
            assert_eq!(client.actual_requests().count(), 0);
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
