//! One call of a service without its SDK crate, in whatever protocol: signed, cut in time and made again as the SDK does it,
//! with the same HTTP client and the same kind of error, so that [`crate::failure`] reads it like any other.

use std::fmt;

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{DisableClockSkewCorrection, ServiceClockSkewClassifier};
use aws_sdk_sns::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::Layer;
use aws_types::SdkConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};

use crate::aws::Aws;
use crate::service::{AwsService, is_host_label, url};

/// As `CloudTrail` shows who called.
const USER_AGENT: &str = concat!("deploy-hooks/", env!("CARGO_PKG_VERSION"));

/// What a service says instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError(pub(crate) ErrorMetadata);

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ServiceError {}

impl ProvideErrorMetadata for ServiceError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// The answers that a call is made again after, whatever else they say. The SDK's own list is without 429: its crates know
/// of each error whether it passes.
const RETRIED_STATUS_CODES: &[u16] = &[429, 500, 502, 503, 504];

/// Why a call came to nothing.
pub type CallError = SdkError<ServiceError, HttpResponse>;

/// Calls a service that has no SDK crate here. `write` makes a request of the input, but for what all of them have.
pub(crate) async fn invoke<I, O>(
    (aws, service, operation): (&Aws, AwsService, &'static str),
    input: I,
    write: impl Fn(I) -> Result<HttpRequest, BoxError> + Send + Sync + 'static,
    read: impl Fn(&HttpResponse) -> Result<O, OrchestratorError<ServiceError>> + Send + Sync + 'static,
) -> Result<O, CallError>
where
    I: fmt::Debug + Send + Sync + 'static,
    O: fmt::Debug + Send + Sync + 'static,
{
    let config = aws.config();
    let no_region = || SdkError::construction_failure("no AWS region is set");
    let region = config.region().ok_or_else(no_region)?;
    if !is_host_label(region.as_ref()) {
        let error = format!("{region} is no AWS region");
        return Err(SdkError::construction_failure(error));
    }
    let no_credentials = || SdkError::construction_failure("no AWS credentials are set");
    let signing = signing(config, service, region).ok_or_else(no_credentials)?;
    let url = url(config, service, region);
    let mut builder = Operation::builder()
        .service_name(service.name)
        .operation_name(operation)
        .endpoint_url(&url)
        .retry_classifier(HttpStatusCodeClassifier::new_from_codes(
            RETRIED_STATUS_CODES,
        ))
        .retry_classifier(AwsErrorCodeClassifier::<ServiceError>::default())
        .retry_classifier(TransientErrorClassifier::<ServiceError>::new())
        .retry_classifier(ServiceClockSkewClassifier::<ServiceError>::new())
        // A wrong clock is learnt of by one call, for all that follow.
        .interceptor(aws.clock_skew())
        // By it Lambda follows a trace from function to function, and stops a loop of them.
        .interceptor(RecursionDetectionInterceptor::new())
        .runtime_plugin(signing)
        // A connection that has failed is not used for the next try.
        .with_connection_poisoning();
    if let Some(version) = config.behavior_version() {
        builder = builder.behavior_version(version);
    }
    if let Some(client) = config.http_client() {
        builder = builder.http_client(client);
    }
    if !service.retries {
        builder = builder.no_retry();
    } else if let Some(retry) = config.retry_config() {
        builder = builder.standard_retry(retry);
    }
    if let Some(timeout) = config.timeout_config() {
        builder = builder.timeout_config(match service.attempt_timeout {
            None => timeout.clone(),
            Some(attempt) => {
                let longer = timeout.to_builder().operation_attempt_timeout(attempt);
                longer.operation_timeout(attempt * 2).build()
            }
        });
    }
    if let Some(sleep) = config.sleep_impl() {
        builder = builder.sleep_impl(sleep);
    }
    if let Some(time) = config.time_source() {
        builder = builder.time_source(time);
    }
    let operation = builder
        .serializer(move |input: I| {
            let mut request = write(input)?;
            request.headers_mut().try_insert("user-agent", USER_AGENT)?;
            Ok(request)
        })
        .deserializer(read)
        .build();
    operation.invoke(input).await
}

/// Signature version 4, with the credentials of the configuration; none without credentials.
fn signing(
    config: &SdkConfig,
    service: AwsService,
    region: &Region,
) -> Option<StaticRuntimePlugin> {
    let credentials = config.credentials_provider()?;
    let cache = config.identity_cache();
    let cache = cache.unwrap_or_else(IdentityCache::no_cache);
    let mut layer = Layer::new("signing");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    if let Some(disabled) = config.disable_clock_skew_correction() {
        layer.store_put(DisableClockSkewCorrection::from(disabled));
    }
    layer.store_put(SigningName::from_static(service.signing_name));
    layer.store_put(SigningRegion::from(region.clone()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(region.clone())),
        name: Some(SigningName::from_static(service.signing_name)),
        ..SigV4OperationSigningConfig::default()
    });
    let options = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(options)))
        .with_identity_cache(Some(cache))
        .with_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    let plugin = StaticRuntimePlugin::new().with_config(layer.freeze());
    Some(plugin.with_runtime_components(components))
}

/// Of an answer that says that the call was done: it is not made again, as after one that broke off.
pub(crate) fn unreadable(why: impl Into<BoxError>) -> OrchestratorError<ServiceError> {
    OrchestratorError::other(why)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::failure::{Cause, Failure};
    use crate::json_api::{ECR, LOGS, call};
    use crate::replay::{Answer, client, config, replay};
    use serde_json::{Value, json};

    /// How many tries are made where the first answer is this one and the next one is good, and what came of them.
    async fn tries(first: Answer<'_>) -> (usize, Result<Value, Failure>) {
        let client = client(&[first, (200, &[], "{}")]);
        let retries = aws_sdk_sns::config::retry::RetryConfig::standard()
            .with_initial_backoff(Duration::from_millis(1));
        let sleep = aws_smithy_async::rt::sleep::TokioSleep::new();
        let config = config("eu-central-1")
            .http_client(client.clone())
            .retry_config(retries)
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(sleep));
        let aws = Aws::from_config(config.build());
        let answer = call(&aws, LOGS, "PutLogEvents", json!({})).await;
        let tries = client.actual_requests().count();
        (tries, answer.map_err(|error| Failure::of(&error)))
    }

    #[tokio::test]
    async fn a_call_is_made_again_where_that_may_help_and_only_there() {
        // It was done: a mail would be sent twice.
        let (made, answer) = tries((200, &[], "<html/>")).await;
        let failure = answer.unwrap_err();
        assert_eq!((made, failure.cause), (1, Cause::NoAnswer));
        let detail = "the answer, with HTTP status 200, broke off or could not be read (";
        assert!(failure.detail.starts_with(detail), "{}", failure.detail);
        let not_ready = r#"{"__type":"ModelNotReadyException"}"#;
        let (made, answer) = tries((429, &[], not_ready)).await;
        assert_eq!((made, answer), (2, Ok(json!({}))));
        let invalid = r#"{"__type":"ValidationException"}"#;
        let (made, answer) = tries((400, &[], invalid)).await;
        assert_eq!((made, answer.is_err()), (1, true));
        // By AWS's clock it is another day: the next try is signed for that one.
        let late = r#"{"__type":"SignatureDoesNotMatch"}"#;
        let in_2015 = [("date", "Mon, 05 Jan 2015 12:00:00 GMT")];
        let (made, answer) = tries((403, &in_2015, late)).await;
        assert_eq!((made, answer), (2, Ok(json!({}))));
    }

    #[tokio::test]
    async fn a_clock_that_goes_wrong_is_learnt_of_once() {
        let in_2015: &[_] = &[("date", "Mon, 05 Jan 2015 12:00:00 GMT")];
        let client = client(&[(200, in_2015, "{}"), (200, in_2015, "{}")]);
        let config = config("eu-central-1").http_client(client.clone());
        let aws = Aws::from_config(config.build());
        for _ in 0..2 {
            call(&aws, LOGS, "PutLogEvents", json!({})).await.unwrap();
        }
        let requests: Vec<_> = client.actual_requests().collect();
        let signed_for_2015 = |at: usize| {
            let date = requests[at].headers().get("x-amz-date").unwrap_or_default();
            date.starts_with("20150105T")
        };
        assert!(!signed_for_2015(0) && signed_for_2015(1));
    }

    #[tokio::test]
    async fn what_is_no_region_leads_to_no_host() {
        let (aws, client) = replay(&[(200, "{}")]);
        for region in ["io#", "a.b", "a/b", "", "a b", "ü"] {
            let aws = aws.in_region(region, None);
            let answer = call(&aws, ECR, "DescribeImages", json!({})).await;
            let failure = Failure::of(&answer.unwrap_err());
            assert!(
                failure.detail.contains("is no AWS region"),
                "{}",
                failure.detail
            );
        }
        assert_eq!(client.actual_requests().count(), 0);
    }
}
