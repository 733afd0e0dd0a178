//! Services of which a few calls are needed, by their JSON protocol and without their SDK crate.
//!
//! A crate of the SDK is hundreds of kilobytes of every package and minutes of every build, and that of CloudWatch speaks a
//! protocol (CBOR) that brings crates of its own. Everything but the shapes is the SDK's here, too: [`crate::signed_call`].

use std::fmt;

use aws_sdk_sns::error::{ErrorMetadata, SdkError};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::aws::Aws;
use crate::service::{AwsService, FipsInGovCloud};
pub use crate::signed_call::{CallError, ServiceError};
use crate::signed_call::{invoke, unreadable};

/// Application Auto Scaling.
pub const APPLICATION_AUTO_SCALING: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    ..AwsService::named(
        "Application Auto Scaling",
        "application-autoscaling",
        "AnyScaleFrontendService",
    )
};

/// Amazon CloudWatch.
pub const CLOUDWATCH: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::All,
    content_type: "application/x-amz-json-1.0",
    ..AwsService::named("CloudWatch", "monitoring", "GraniteServiceVersion20100801")
};

/// Amazon `DynamoDB`.
pub const DYNAMODB: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    content_type: "application/x-amz-json-1.0",
    ..AwsService::named("DynamoDB", "dynamodb", "DynamoDB_20120810")
};

/// Amazon Elastic Container Registry.
pub const ECR: AwsService = AwsService {
    host_prefix: "api.",
    ..AwsService::named("ECR", "ecr", "AmazonEC2ContainerRegistry_V20150921")
};

/// Amazon EventBridge.
pub const EVENTS: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::All,
    ..AwsService::named("EventBridge", "events", "AWSEvents")
};

/// Amazon CloudWatch Logs.
pub const LOGS: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    ..AwsService::named("CloudWatch Logs", "logs", "Logs_20140328")
};

/// AWS Secrets Manager.
pub const SECRETS_MANAGER: AwsService = AwsService {
    dual_stack_by_default: true,
    ..AwsService::named("Secrets Manager", "secretsmanager", "secretsmanager")
};

/// AWS Systems Manager, of which only the Parameter Store is used.
pub const SSM: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    ..AwsService::named("SSM", "ssm", "AmazonSSM")
};

/// Amazon Simple Queue Service.
pub const SQS: AwsService = AwsService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    content_type: "application/x-amz-json-1.0",
    ..AwsService::named("SQS", "sqs", "AmazonSQS")
};

/// What one call of a list answers.
pub trait Page: DeserializeOwned + fmt::Debug + Send + Sync + 'static {
    /// What is listed.
    type Item;
    /// The parameter that takes what leads to the next page.
    const NEXT: &'static str;

    /// What it lists, and what leads to the next page.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

/// All that `operation` lists with `input`.
pub async fn list<P: Page>(
    aws: &Aws,
    service: AwsService,
    operation: &'static str,
    mut input: Value,
) -> Result<Vec<P::Item>, CallError> {
    let mut listed = Vec::new();
    loop {
        let write = move |input| write(service, operation, &input);
        let page = invoke((aws, service, operation), input.clone(), write, read::<P>);
        let (items, next) = page.await?.into_parts();
        listed.extend(items);
        match next.filter(|next| !next.is_empty()) {
            Some(next) if input[P::NEXT] == next => return Err(endless()),
            Some(next) => input[P::NEXT] = next.into(),
            None => return Ok(listed),
        }
    }
}

/// A page that leads to itself.
pub(crate) fn endless() -> CallError {
    SdkError::construction_failure("the list leads to the same page again and again")
}

/// Calls `operation` of `service` with `input`.
pub async fn call(
    aws: &Aws,
    service: AwsService,
    operation: &'static str,
    input: Value,
) -> Result<Value, CallError> {
    let write = move |input| write(service, operation, &input);
    invoke((aws, service, operation), input, write, read_object).await
}

fn write(
    service: AwsService,
    operation: &'static str,
    input: &Value,
) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(input.to_string()));
    let headers = request.headers_mut();
    headers.try_insert("content-type", service.content_type)?;
    let target = format!("{}.{operation}", service.target);
    headers.try_insert("x-amz-target", target)?;
    posted(request)
}

/// A request as services take it that know operations by a header or a form.
pub(crate) fn posted(mut request: HttpRequest) -> Result<HttpRequest, BoxError> {
    request.set_method("POST")?;
    request.set_uri("/")?;
    Ok(request)
}

/// What is no object is no answer, and not one without fields.
pub(crate) fn read_object(
    response: &HttpResponse,
) -> Result<Value, OrchestratorError<ServiceError>> {
    read::<Map<String, Value>>(response).map(Value::Object)
}

pub(crate) fn read<T: DeserializeOwned>(
    response: &HttpResponse,
) -> Result<T, OrchestratorError<ServiceError>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        let parsed = serde_json::from_slice(body);
        return parsed.map_err(unreadable);
    }
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let header = response.headers().get("x-amzn-errortype");
    let text = |key: &str| parsed.get(key).and_then(Value::as_str);
    let code = text("__type").or_else(|| text("code")).or(header);
    let mut error = ErrorMetadata::builder();
    // Some put a namespace before it, or a URL behind.
    if let Some(code) = code {
        let code = code.rsplit('#').next().unwrap_or(code);
        error = error.code(code.split(':').next().unwrap_or(code));
    }
    if let Some(message) = text("message").or_else(|| text("Message")) {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(ServiceError(error.build())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure};
    use crate::replay::replay;
    use serde_json::json;

    #[tokio::test]
    async fn a_call_is_signed_for_its_service_and_names_its_operation() {
        let (aws, client) = replay(&[(200, r#"{"events":[]}"#)]);
        let answer = call(&aws, LOGS, "FilterLogEvents", json!({"limit": 1})).await;
        assert_eq!(answer.unwrap(), json!({"events": []}));
        let request = client.actual_requests().next().unwrap();
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        assert_eq!(header("x-amz-target"), "Logs_20140328.FilterLogEvents");
        assert_eq!(header("content-type"), "application/x-amz-json-1.1");
        let signed = header("authorization");
        assert!(
            signed.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
            "{signed}"
        );
        assert!(
            signed.contains("/eu-central-1/logs/aws4_request"),
            "{signed}"
        );
        assert_eq!(request.uri(), "https://logs.eu-central-1.amazonaws.com/");
        assert_eq!(request.body().bytes(), Some(&br#"{"limit":1}"#[..]));
    }

    #[derive(Debug, serde::Deserialize)]
    struct Numbers {
        numbers: Vec<u32>,
        next: Option<String>,
    }

    impl Page for Numbers {
        type Item = u32;
        const NEXT: &'static str = "from";

        fn into_parts(self) -> (Vec<u32>, Option<String>) {
            (self.numbers, self.next)
        }
    }

    #[tokio::test]
    async fn a_list_has_all_pages_and_comes_to_an_end() {
        let first = (200, r#"{"numbers":[1,2],"next":"b"}"#);
        let (aws, client) = replay(&[first, (200, r#"{"numbers":[3]}"#)]);
        let listed = list::<Numbers>(&aws, LOGS, "ListNumbers", json!({"a": 1})).await;
        assert_eq!(listed.unwrap(), [1, 2, 3]);
        let last = client.actual_requests().last().unwrap();
        assert_eq!(last.body().bytes(), Some(&br#"{"a":1,"from":"b"}"#[..]));
        let (aws, _client) = replay(&[first, first, first]);
        let listed = list::<Numbers>(&aws, LOGS, "ListNumbers", json!({})).await;
        let failure = Failure::of(&listed.unwrap_err());
        assert!(failure.detail.contains("same page"), "{}", failure.detail);
    }

    #[tokio::test]
    async fn an_error_is_read_like_one_of_the_sdk() {
        for (status, body, cause) in [
            (
                400,
                r#"{"__type":"com.amazon.coral#AccessDeniedException","Message":"no"}"#,
                Cause::Denied,
            ),
            (
                400,
                r#"{"__type":"ThrottlingException","message":"slow"}"#,
                Cause::Throttled,
            ),
            (
                400,
                r#"{"__type":"ResourceNotFoundException","message":"none"}"#,
                Cause::Absent,
            ),
            (503, "", Cause::Service),
            (200, "{", Cause::NoAnswer),
            (200, "[]", Cause::NoAnswer),
            (200, "null", Cause::NoAnswer),
        ] {
            let (aws, _client) = replay(&[(status, body)]);
            let error = call(&aws, LOGS, "FilterLogEvents", json!({}))
                .await
                .unwrap_err();
            assert_eq!(Failure::of(&error).cause, cause, "{status} {body}");
        }
    }
}
