//! Services of which a few calls are needed, by their JSON protocol and without their SDK crate.
//!
//! A crate of the SDK is hundreds of kilobytes of every package and minutes of every build, and that of CloudWatch speaks a
//! protocol (CBOR) that brings crates of its own. Everything but the shapes is the SDK's here, too: the same signing, retries, time limits
//! and HTTP client, and the same kind of error, so that [`crate::failure`] reads it like any other.

use std::fmt;
use std::time::Duration;

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
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_types::SdkConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::aws::Aws;

/// A service that speaks JSON by `X-Amz-Target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonService {
    /// What AWS calls it where its endpoint is set: `CloudWatch Logs`, for `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>
    pub id: &'static str,
    /// What stands in its endpoint: `logs`.
    pub name: &'static str,
    /// What it is signed as: mostly the same.
    pub signing_name: &'static str,
    /// How long one try may take, where its answers take longer than those of others.
    pub attempt_timeout: Option<Duration>,
    /// Whether a call is made again as the configuration says, or once only.
    pub retries: bool,
    /// What stands before that in an endpoint that is not dual-stack: nothing, or `api.`.
    pub host_prefix: &'static str,
    /// Which of its ordinary endpoints in `GovCloud` are those with FIPS.
    pub fips_in_gov_cloud: FipsInGovCloud,
    /// Whether the ordinary endpoint is the dual-stack one, and there is no other.
    pub dual_stack_by_default: bool,
    /// What stands before the operation in `X-Amz-Target`.
    pub target: &'static str,
    /// `application/x-amz-json-1.1`
    pub content_type: &'static str,
}

/// Which ordinary endpoints of a service in `GovCloud` are those with FIPS: there is no `-fips` beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FipsInGovCloud {
    /// None of them.
    None,
    /// The one that is not dual-stack.
    SingleStack,
    /// Both.
    All,
}

impl FipsInGovCloud {
    fn is_of(self, dual_stack: bool) -> bool {
        self == Self::All || self == Self::SingleStack && !dual_stack
    }
}

impl JsonService {
    /// The same service, each call made once: for who has retries of their own.
    #[must_use]
    pub const fn without_retries(self) -> Self {
        Self {
            retries: false,
            ..self
        }
    }

    pub(crate) const fn named(id: &'static str, name: &'static str, target: &'static str) -> Self {
        Self {
            id,
            name,
            signing_name: name,
            attempt_timeout: None,
            retries: true,
            host_prefix: "",
            fips_in_gov_cloud: FipsInGovCloud::None,
            dual_stack_by_default: false,
            target,
            content_type: "application/x-amz-json-1.1",
        }
    }
}

/// Application Auto Scaling.
pub const APPLICATION_AUTO_SCALING: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    ..JsonService::named(
        "Application Auto Scaling",
        "application-autoscaling",
        "AnyScaleFrontendService",
    )
};

/// Amazon CloudWatch.
pub const CLOUDWATCH: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::All,
    content_type: "application/x-amz-json-1.0",
    ..JsonService::named("CloudWatch", "monitoring", "GraniteServiceVersion20100801")
};

/// Amazon `DynamoDB`.
pub const DYNAMODB: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    content_type: "application/x-amz-json-1.0",
    ..JsonService::named("DynamoDB", "dynamodb", "DynamoDB_20120810")
};

/// Amazon Elastic Container Registry.
pub const ECR: JsonService = JsonService {
    host_prefix: "api.",
    ..JsonService::named("ECR", "ecr", "AmazonEC2ContainerRegistry_V20150921")
};

/// Amazon EventBridge.
pub const EVENTS: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::All,
    ..JsonService::named("EventBridge", "events", "AWSEvents")
};

/// Amazon CloudWatch Logs.
pub const LOGS: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    ..JsonService::named("CloudWatch Logs", "logs", "Logs_20140328")
};

/// AWS Secrets Manager.
pub const SECRETS_MANAGER: JsonService = JsonService {
    dual_stack_by_default: true,
    ..JsonService::named("Secrets Manager", "secretsmanager", "secretsmanager")
};

/// AWS Systems Manager, of which only the Parameter Store is used.
pub const SSM: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    ..JsonService::named("SSM", "ssm", "AmazonSSM")
};

/// As `CloudTrail` shows who called.
const USER_AGENT: &str = concat!("deploy-hooks/", env!("CARGO_PKG_VERSION"));

/// What a service says instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError(pub(crate) ErrorMetadata);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for JsonError {}

impl ProvideErrorMetadata for JsonError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// The answers that a call is made again after, whatever else they say. The SDK's own list is without 429: its crates know
/// of each error whether it passes.
const RETRIED_STATUS_CODES: &[u16] = &[429, 500, 502, 503, 504];

/// Why a call came to nothing.
pub type CallError = SdkError<JsonError, HttpResponse>;

/// Amazon Simple Queue Service.
pub const SQS: JsonService = JsonService {
    fips_in_gov_cloud: FipsInGovCloud::SingleStack,
    content_type: "application/x-amz-json-1.0",
    ..JsonService::named("SQS", "sqs", "AmazonSQS")
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
    service: JsonService,
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
    service: JsonService,
    operation: &'static str,
    input: Value,
) -> Result<Value, CallError> {
    let write = move |input| write(service, operation, &input);
    invoke((aws, service, operation), input, write, read_object).await
}

fn write(
    service: JsonService,
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

/// Calls a service that has no SDK crate here. `write` makes a request of the input, but for what all of them have.
pub(crate) async fn invoke<I, O>(
    (aws, service, operation): (&Aws, JsonService, &'static str),
    input: I,
    write: impl Fn(I) -> Result<HttpRequest, BoxError> + Send + Sync + 'static,
    read: impl Fn(&HttpResponse) -> Result<O, OrchestratorError<JsonError>> + Send + Sync + 'static,
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
        .retry_classifier(AwsErrorCodeClassifier::<JsonError>::default())
        .retry_classifier(TransientErrorClassifier::<JsonError>::new())
        .retry_classifier(ServiceClockSkewClassifier::<JsonError>::new())
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

/// Whether it can stand in a host's name. One that can't may lead to another host.
fn is_host_label(region: &str) -> bool {
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&region.len()) && region.bytes().all(in_label)
}

/// The address that is configured for the service, or else for all of them; an address set by the program comes first.
fn configured_url(config: &SdkConfig, service: JsonService) -> Option<String> {
    let of_all = config.endpoint_url().map(ToOwned::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return of_all;
    }
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url");
    let key = key.build().ok();
    let of_service = config.service_config().zip(key);
    let of_service = of_service.and_then(|(set, key)| set.load_config(key));
    of_service.or(of_all)
}

/// Where the service answers: at the configured address, else at its own of the region.
fn url(config: &SdkConfig, service: JsonService, region: &Region) -> String {
    if let Some(url) = configured_url(config, service) {
        return url;
    }
    let JsonService { name, .. } = service;
    let dual_stack = config.use_dual_stack() == Some(true) && !service.dual_stack_by_default;
    let in_gov_cloud = region.as_ref().starts_with("us-gov-");
    let fips = match config.use_fips() {
        // <https://docs.aws.amazon.com/general/latest/gr/ssm.html>, and likewise of the others.
        Some(true) if in_gov_cloud && service.fips_in_gov_cloud.is_of(dual_stack) => "",
        Some(true) => "-fips",
        _ => "",
    };
    let prefix = if dual_stack { "" } else { service.host_prefix };
    let suffix = dns_suffix(region.as_ref(), dual_stack);
    format!("https://{prefix}{name}{fips}.{region}.{suffix}")
}

/// What the hosts of a region's partition end in.
pub fn dns_suffix(region: &str, dual_stack: bool) -> &'static str {
    match (region, dual_stack) {
        (region, true) if region.starts_with("cn-") => "api.amazonwebservices.com.cn",
        (region, true) if region.starts_with("us-iso-") => "api.aws.ic.gov",
        (region, true) if region.starts_with("us-isob-") => "api.aws.scloud",
        (region, true) if region.starts_with("us-isof-") => "api.aws.hci.ic.gov",
        (region, true) if region.starts_with("eu-isoe-") => "api.cloud-aws.adc-e.uk",
        (region, true) if region.starts_with("eusc-") => "api.amazonwebservices.eu",
        (region, false) if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        (region, false) if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        (region, false) if region.starts_with("cn-") => "amazonaws.com.cn",
        (region, _) if region.starts_with("us-iso-") => "c2s.ic.gov",
        (region, _) if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        (region, _) if region.starts_with("eusc-") => "amazonaws.eu",
        (_, true) => "api.aws",
        (_, false) => "amazonaws.com",
    }
}

/// Signature version 4, with the credentials of the configuration; none without credentials.
fn signing(
    config: &SdkConfig,
    service: JsonService,
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

/// What is no object is no answer, and not one without fields.
pub(crate) fn read_object(response: &HttpResponse) -> Result<Value, OrchestratorError<JsonError>> {
    read::<Map<String, Value>>(response).map(Value::Object)
}

pub(crate) fn read<T: DeserializeOwned>(
    response: &HttpResponse,
) -> Result<T, OrchestratorError<JsonError>> {
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
    Err(OrchestratorError::operation(JsonError(error.build())))
}

/// Of an answer that says that the call was done: it is not made again, as after one that broke off.
pub(crate) fn unreadable(why: impl Into<BoxError>) -> OrchestratorError<JsonError> {
    OrchestratorError::other(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure};
    use aws_sdk_sns::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use serde_json::json;

    fn config(region: &'static str) -> aws_types::sdk_config::Builder {
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
    }

    fn replay(answers: &[(u16, &str)]) -> (Aws, StaticReplayClient) {
        let events = answers.iter().map(|(status, body)| {
            let request = http::Request::builder()
                .uri("https://logs.eu-central-1.amazonaws.com/")
                .body(SdkBody::empty());
            let response = http::Response::builder()
                .status(*status)
                .body(SdkBody::from((*body).to_owned()));
            ReplayEvent::new(request.unwrap(), response.unwrap())
        });
        let client = StaticReplayClient::new(events.collect());
        let config = config("eu-central-1").http_client(client.clone());
        (Aws::from_config(config.build()), client)
    }

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

    /// How many tries these answers meet, the last one again and again.
    async fn tries(answers: &[(u16, &str)], date: Option<&str>) -> (usize, Result<Value, Failure>) {
        let events = answers.iter().map(|(status, body)| {
            let request = http::Request::builder().body(SdkBody::empty()).unwrap();
            let mut response = http::Response::builder().status(*status);
            if let Some(date) = date {
                response = response.header("date", date);
            }
            let response = response.body(SdkBody::from((*body).to_owned()));
            ReplayEvent::new(request, response.unwrap())
        });
        let client = StaticReplayClient::new(events.collect());
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
        let (made, answer) = tries(&[(200, "<html/>"), (200, "{}")], None).await;
        let failure = answer.unwrap_err();
        assert_eq!((made, failure.cause), (1, Cause::NoAnswer));
        let detail = "the answer, with HTTP status 200, broke off or could not be read (";
        assert!(failure.detail.starts_with(detail), "{}", failure.detail);
        let not_ready = r#"{"__type":"ModelNotReadyException"}"#;
        let (made, answer) = tries(&[(429, not_ready), (200, "{}")], None).await;
        assert_eq!((made, answer), (2, Ok(json!({}))));
        let invalid = r#"{"__type":"ValidationException"}"#;
        let (made, answer) = tries(&[(400, invalid), (200, "{}")], None).await;
        assert_eq!((made, answer.is_err()), (1, true));
        // By AWS's clock it is another day: the next try is signed for that one.
        let late = r#"{"__type":"SignatureDoesNotMatch"}"#;
        let aws_time = Some("Mon, 05 Jan 2015 12:00:00 GMT");
        let (made, answer) = tries(&[(403, late), (200, "{}")], aws_time).await;
        assert_eq!((made, answer), (2, Ok(json!({}))));
    }

    #[tokio::test]
    async fn a_clock_that_goes_wrong_is_learnt_of_once() {
        let answer = |status, body: &str| {
            let request = http::Request::builder().body(SdkBody::empty()).unwrap();
            let response = http::Response::builder()
                .status(status)
                .header("date", "Mon, 05 Jan 2015 12:00:00 GMT")
                .body(SdkBody::from(body.to_owned()));
            ReplayEvent::new(request, response.unwrap())
        };
        let client = StaticReplayClient::new(vec![answer(200, "{}"), answer(200, "{}")]);
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

    /// As a person sets it for one service.
    #[derive(Debug)]
    struct SetFor(&'static str);

    impl aws_types::service_config::LoadServiceConfig for SetFor {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            assert_eq!(
                (key.env(), key.profile()),
                ("AWS_ENDPOINT_URL", "endpoint_url")
            );
            (key.service_id() == self.0).then(|| "http://127.0.0.1:2".to_owned())
        }
    }

    #[test]
    fn an_address_set_for_one_service_is_that_services() {
        let mut config = config("us-east-1");
        config.insert_origin(
            "endpoint_url",
            aws_types::origin::Origin::shared_environment_variable(),
        );
        let config = config
            .endpoint_url("http://127.0.0.1:1")
            .service_config(SetFor("CloudWatch Logs"))
            .build();
        let of = |service| url(&config, service, config.region().unwrap());
        assert_eq!(of(LOGS), "http://127.0.0.1:2");
        assert_eq!(of(CLOUDWATCH), "http://127.0.0.1:1");
        // What the program itself sets comes first.
        let mut by_program = config.to_builder();
        by_program.insert_origin("endpoint_url", aws_types::origin::Origin::shared_config());
        let by_program = by_program.build();
        let of = url(&by_program, LOGS, by_program.region().unwrap());
        assert_eq!(of, "http://127.0.0.1:1");
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

    #[test]
    fn an_endpoint_is_that_of_its_partition() {
        let of = |region: &'static str| {
            let config = config(region).build();
            url(&config, CLOUDWATCH, config.region().unwrap())
        };
        assert_eq!(
            of("eu-west-1"),
            "https://monitoring.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            of("us-gov-west-1"),
            "https://monitoring.us-gov-west-1.amazonaws.com"
        );
        assert_eq!(
            of("cn-north-1"),
            "https://monitoring.cn-north-1.amazonaws.com.cn"
        );
        let fips = config("us-east-1").use_fips(true).build();
        assert_eq!(
            url(&fips, CLOUDWATCH, fips.region().unwrap()),
            "https://monitoring-fips.us-east-1.amazonaws.com"
        );
        let local = config("us-east-1")
            .endpoint_url("http://127.0.0.1:1")
            .build();
        assert_eq!(
            url(&local, LOGS, local.region().unwrap()),
            "http://127.0.0.1:1"
        );
    }

    /// As the endpoint rules of the SDK's own crates have it.
    const ENDPOINTS: &str = "
        ssm             us-east-1        fips -    ssm-fips.us-east-1.amazonaws.com
        ssm             us-gov-west-1    fips -    ssm.us-gov-west-1.amazonaws.com
        ssm             us-gov-east-1    fips dual ssm-fips.us-gov-east-1.api.aws
        ssm             cn-north-1       -    dual ssm.cn-north-1.api.amazonwebservices.com.cn
        ssm             us-isof-south-1  -    dual ssm.us-isof-south-1.api.aws.hci.ic.gov
        ssm             eu-isoe-west-1   -    dual ssm.eu-isoe-west-1.api.cloud-aws.adc-e.uk
        secrets_manager us-gov-west-1    fips -    secretsmanager-fips.us-gov-west-1.amazonaws.com
        secrets_manager us-isob-east-1   -    -    secretsmanager.us-isob-east-1.sc2s.sgov.gov
        secrets_manager us-east-1        -    dual secretsmanager.us-east-1.amazonaws.com
        secrets_manager us-gov-west-1    fips dual secretsmanager-fips.us-gov-west-1.amazonaws.com
        events          us-gov-west-1    fips dual events.us-gov-west-1.api.aws
        ecr             us-isof-south-1  -    -    api.ecr.us-isof-south-1.csp.hci.ic.gov
        ecr             eu-isoe-west-1   -    -    api.ecr.eu-isoe-west-1.cloud.adc-e.uk
        ecr             us-east-1        -    -    api.ecr.us-east-1.amazonaws.com
        ecr             us-gov-west-1    fips -    api.ecr-fips.us-gov-west-1.amazonaws.com
        ecr             us-east-1        fips dual ecr-fips.us-east-1.api.aws
        ecr             eusc-de-east-1   -    -    api.ecr.eusc-de-east-1.amazonaws.eu
    ";

    #[test]
    fn endpoints_with_fips_and_dual_stack_are_those_of_the_sdk() {
        for row in ENDPOINTS.trim().lines() {
            let [service, region, fips, dual_stack, host] =
                row.split_whitespace().collect::<Vec<_>>()[..]
            else {
                panic!("{row}");
            };
            let service = match service {
                "ssm" => SSM,
                "secrets_manager" => SECRETS_MANAGER,
                "events" => EVENTS,
                "ecr" => ECR,
                other => panic!("{other}"),
            };
            let config = config(region)
                .use_fips(fips == "fips")
                .use_dual_stack(dual_stack == "dual")
                .build();
            let of = url(&config, service, config.region().unwrap());
            assert_eq!(of, format!("https://{host}"));
        }
    }
}
