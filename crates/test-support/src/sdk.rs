//! Clients of the real SDK for an AWS of the test.

use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_types::sdk_config::{Builder, SdkConfig};
use common::aws::Aws;

/// Clients whose calls `transport` answers, signed with this access key and each tried so often.
pub fn in_memory(
    transport: impl HttpClient + 'static,
    region: &'static str,
    access_key: &str,
    tries: u32,
) -> Aws {
    let config = config(region, access_key, tries).http_client(transport);
    Aws::from_config(config.build())
}

/// The same, with the time limits of the real ones: a call may hang.
pub fn in_memory_with_timeouts(
    transport: impl HttpClient + 'static,
    region: &'static str,
    access_key: &str,
    tries: u32,
) -> Aws {
    let config = config(region, access_key, tries).http_client(transport);
    Aws::from_config(config.timeout_config(common::aws::timeouts()).build())
}

/// An answer with this header makes the caller panic.
pub const PANIC_HEADER: &str = "x-test-panic";

/// Clients of a server at `url`, with the time limits of the real ones.
pub fn loopback(url: &str, region: &'static str, tries: u32) -> Aws {
    loopback_as(url, region, tries, "test")
}

/// The same, whose calls are signed with this access key.
pub fn loopback_as(url: &str, region: &'static str, tries: u32, access_key: &str) -> Aws {
    let config = config(region, access_key, tries)
        .endpoint_url(url)
        .http_client(Panicking(
            aws_smithy_http_client::Builder::new().build_http(),
        ))
        .time_source(SystemTimeSource::new())
        .timeout_config(common::aws::timeouts());
    Aws::from_config(config.build())
}

fn config(region: &'static str, access_key: &str, tries: u32) -> Builder {
    let credentials = Credentials::new(access_key, "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_max_attempts(tries))
        .sleep_impl(TokioSleep::new())
}

/// A client that panics where an answer says so: a defect in the middle of a call.
#[derive(Debug)]
struct Panicking<T>(T);

impl HttpClient for Panicking<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Panicking(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Panicking<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            let panics = answer.headers().get(PANIC_HEADER).is_some();
            assert!(!panics, "{INJECTED_PANIC}");
            Ok(answer)
        })
    }
}

/// What a panic says that a test has asked for.
pub const INJECTED_PANIC: &str = "a panic of the test";
