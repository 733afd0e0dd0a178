//! AWS as this machine knows it: profiles, single sign-on, roles, the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::ProvideCredentials as _;
use aws_sdk_ecs::error::DisplayErrorContext;
use common::aws::{Aws, Identity, timeouts};

use crate::failure::Failure;

/// Nobody has said who calls.
const NO_CREDENTIALS: &str = "no AWS credentials were found; set AWS_PROFILE (after `aws configure` or `aws sso login`), or \
     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// Clients for the account and region of the caller's AWS configuration.
pub(crate) async fn aws() -> Result<Aws, Failure> {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    of(loader.timeout_config(timeouts()).load().await).await
}

/// The same, where it may turn out that none of them is used.
pub(crate) async fn aws_if_needed() -> Aws {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    Aws::from_config(loader.timeout_config(timeouts()).load().await).called_by(Identity::Person)
}

/// Clients of somebody. Who that is is asked here: a call would try its times, and then blame the network.
async fn of(config: SdkConfig) -> Result<Aws, Failure> {
    if let Some(provider) = config.credentials_provider() {
        provider.provide_credentials().await.map_err(unknown)?;
    }
    Ok(Aws::from_config(config).called_by(Identity::Person))
}

/// Why nobody is known.
fn unknown(error: impl std::error::Error) -> Failure {
    let told = DisplayErrorContext(&error).to_string();
    // The last of the chain is the metadata service of an EC2 instance, which answers nowhere else.
    let none = told.contains("CredentialsNotLoaded") || told.to_lowercase().contains("imds");
    Failure::Wrong(if none {
        NO_CREDENTIALS.to_owned()
    } else {
        format!(
            "AWS credentials could not be had: {told}; sign in again (aws sso login), or choose another AWS_PROFILE"
        )
    })
}

/// The same, in this region and at this endpoint where they are given.
pub(crate) async fn aws_at(region: Option<&str>, endpoint: Option<&str>) -> Result<Aws, Failure> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.timeout_config(timeouts()).load().await;
    if config.region().is_none() {
        return Err(Failure::Wrong(
            "no AWS region is known; give --region, or set AWS_REGION or a region in your AWS profile"
                .to_owned(),
        ));
    }
    of(config).await
}
