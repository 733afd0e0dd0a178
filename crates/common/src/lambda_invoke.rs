//! Invokes functions of AWS Lambda. A payload is the function's own business, and what Lambda says of an invocation
//! stands in headers: so this is no call of [`rest_api`](crate::rest_api), though it is sent like one.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;

use crate::aws::Aws;
use crate::json_api;
use crate::rest_api::{LAMBDA, path_segment, whole};
use crate::signed_call::{self, CallError, ServiceError};

/// More than the 15 minutes that a function may run: what it answers is waited for, however long it takes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const FUNCTION_TIMEOUT: Duration = Duration::from_mins(16);

/// What came of a function that was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionAnswer {
    /// What it returned, or its error.
    pub payload: Vec<u8>,
    /// It failed: `Handled` or `Unhandled`; the payload says why.
    pub error: Option<String>,
    /// The version that ran.
    pub executed_version: Option<String>,
    /// The end of its log, in Base64.
    pub log_tail: Option<String>,
}

/// Invokes a function without waiting for what comes of it.
pub async fn invoke_event(aws: &Aws, function: &str, payload: String) -> Result<(), CallError> {
    let write = request(path(function), &[("x-amz-invocation-type", "Event")]);
    let call = (aws, LAMBDA.0, "Invoke");
    signed_call::invoke(call, payload, write, read)
        .await
        .map(drop)
}

/// Invokes a version of a function and waits for its answer and the end of its log. There is no time limit but
/// Lambda's, and no second try, as the first may have changed something.
pub async fn invoke_version(
    aws: &Aws,
    function: &str,
    version: &str,
    payload: String,
) -> Result<FunctionAnswer, CallError> {
    let path = format!("{}?Qualifier={}", path(function), path_segment(version));
    let headers = &[
        ("x-amz-invocation-type", "RequestResponse"),
        ("x-amz-log-type", "Tail"),
    ];
    let service = LAMBDA
        .without_retries()
        .with_attempt_timeout(FUNCTION_TIMEOUT);
    let call = (aws, service.0, "Invoke");
    signed_call::invoke(call, payload, request(path, headers), read).await
}

fn path(function: &str) -> String {
    format!(
        "/2015-03-31/functions/{}/invocations",
        path_segment(function)
    )
}

fn request(
    path: String,
    headers: &'static [(&'static str, &'static str)],
) -> impl Fn(String) -> Result<HttpRequest, BoxError> + Send + Sync + 'static {
    move |payload: String| {
        let mut request = HttpRequest::new(SdkBody::from(payload));
        request.set_method("POST")?;
        request.set_uri(whole(&path)?)?;
        let content_type = ("content-type", "application/octet-stream");
        for (name, value) in headers.iter().copied().chain([content_type]) {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(request)
    }
}

fn read(response: &HttpResponse) -> Result<FunctionAnswer, OrchestratorError<ServiceError>> {
    if !response.status().is_success() {
        // Lambda's own errors are JSON, whatever the function speaks.
        json_api::read::<serde_json::Value>(response)?;
    }
    let header = |name: &str| response.headers().get(name).map(str::to_owned);
    Ok(FunctionAnswer {
        payload: response.body().bytes().unwrap_or_default().to_vec(),
        error: header("x-amz-function-error"),
        executed_version: header("x-amz-executed-version"),
        log_tail: header("x-amz-log-result"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure};
    use crate::replay::{Answer, client, config};
    use aws_sdk_sns::config::retry::RetryConfig;
    use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
    use aws_smithy_http_client::test_util::StaticReplayClient;

    type Headers = &'static [(&'static str, &'static str)];

    fn replay(status: u16, headers: Headers, body: &'static str) -> (Aws, StaticReplayClient) {
        let answer: Answer<'_> = (status, headers, body);
        let client = client(&[answer, answer]);
        let config = config("eu-central-1")
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(2)
                    .with_initial_backoff(Duration::ZERO),
            )
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(client.clone())
            .build();
        (Aws::from_config(config), client)
    }

    #[tokio::test]
    async fn an_event_is_handed_over_as_it_is() {
        let (aws, client) = replay(202, &[], "");
        let arn = "arn:aws:lambda:eu-central-1:111122223333:function:hook";
        let payload = r#"{"b": 1, "a":2}"#.to_owned();
        invoke_event(&aws, arn, payload).await.unwrap();
        let request = client.actual_requests().next().unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(
            request.uri(),
            "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/\
             arn%3Aaws%3Alambda%3Aeu-central-1%3A111122223333%3Afunction%3Ahook/invocations"
        );
        let header = |name: &str| request.headers().get(name);
        assert_eq!(header("x-amz-invocation-type"), Some("Event"));
        assert_eq!(header("x-amz-log-type"), None);
        assert_eq!(header("content-type"), Some("application/octet-stream"));
        let signed = header("authorization").unwrap_or_default();
        assert!(
            signed.contains("/eu-central-1/lambda/aws4_request"),
            "{signed}"
        );
        assert_eq!(request.body().bytes(), Some(&br#"{"b": 1, "a":2}"#[..]));
    }

    #[tokio::test]
    async fn a_version_answers_with_what_lambda_says_of_it() {
        let headers = &[
            ("X-Amz-Function-Error", "Unhandled"),
            ("X-Amz-Executed-Version", "8"),
            ("X-Amz-Log-Result", "U1RBUlQ="),
        ];
        let (aws, client) = replay(200, headers, "no JSON");
        let answer = invoke_version(&aws, "checkout", "8", "{}".to_owned()).await;
        let expected = FunctionAnswer {
            payload: b"no JSON".to_vec(),
            error: Some("Unhandled".to_owned()),
            executed_version: Some("8".to_owned()),
            log_tail: Some("U1RBUlQ=".to_owned()),
        };
        assert_eq!(answer.unwrap(), expected);
        let request = client.actual_requests().next().unwrap();
        assert_eq!(
            request.uri(),
            "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/checkout/invocations?Qualifier=8"
        );
        let header = |name: &str| request.headers().get(name);
        assert_eq!(header("x-amz-invocation-type"), Some("RequestResponse"));
        assert_eq!(header("x-amz-log-type"), Some("Tail"));
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_with_lambdas_code() {
        let headers = &[("x-amzn-errortype", "ResourceNotFoundException:http://x/")];
        let body = r#"{"Type":"User","Message":"Function not found"}"#;
        let (aws, _client) = replay(404, headers, body);
        let error = invoke_event(&aws, "hook", String::new()).await.unwrap_err();
        let failure = Failure::of(&error);
        assert_eq!(failure.cause, Cause::Absent);
        assert_eq!(
            failure.detail,
            "ResourceNotFoundException: Function not found"
        );
    }

    #[tokio::test]
    async fn only_an_event_is_sent_again() {
        let headers = &[("x-amzn-errortype", "ServiceException")];
        let (aws, client) = replay(500, headers, "{}");
        invoke_version(&aws, "checkout", "8", String::new())
            .await
            .unwrap_err();
        assert_eq!(client.actual_requests().count(), 1);
        let (aws, client) = replay(500, headers, "{}");
        invoke_event(&aws, "hook", String::new()).await.unwrap_err();
        assert_eq!(client.actual_requests().count(), 2);
    }
}
