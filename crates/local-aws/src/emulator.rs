//! A client of the AWS SDK for the emulator behind this local AWS, and why its calls failed.

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use url::Url;

/// A client of S3 at `endpoint`.
pub(crate) fn s3(endpoint: &Url, region: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint.as_str())
        .force_path_style(true)
        .credentials_provider(credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Why a call failed: code and message of the service, as far as it gave them.
pub(crate) fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    SdkError<E, R>: ProvideErrorMetadata + std::error::Error,
    E: std::fmt::Debug,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    }
}

/// The emulator checks no signature.
fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "local-aws")
}
