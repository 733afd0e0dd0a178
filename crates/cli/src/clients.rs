//! AWS as this machine knows it: profiles, single sign-on, roles, the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::ProvideCredentials as _;
use aws_sdk_ecs::error::DisplayErrorContext;
use common::aws::{Aws, Identity, http_client, timeouts};

use crate::failure::Failure;

/// Nobody has said who calls.
const NO_CREDENTIALS: &str = "no AWS credentials were found; set AWS_PROFILE (after `aws configure` or `aws sso login`), or \
     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// Clients for the account and region of the caller's AWS configuration.
pub(crate) async fn aws() -> Result<Aws, Failure> {
    aws_at(None, None).await
}

/// Clients where none is used.
pub(crate) fn none() -> Aws {
    Aws::from_config(SdkConfig::builder().build()).called_by(Identity::Person)
}

/// The same, in this region and at this endpoint where they are given.
///
/// Who calls is asked here: a call would try its times, and then blame the network.
pub(crate) async fn aws_at(region: Option<&str>, endpoint: Option<&str>) -> Result<Aws, Failure> {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    let mut loader = loader.http_client(http_client());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.timeout_config(timeouts()).load().await;
    if let Some(provider) = config.credentials_provider() {
        let profile = common::settings::environment("AWS_PROFILE");
        let asked = provider.provide_credentials().await;
        asked.map_err(|error| unknown(error, profile.as_deref()))?;
    }
    if config.region().is_none() {
        return Err(Failure::Wrong(
            "no AWS region is known; set AWS_REGION, or a region in your AWS profile (or give --region, where there is one)"
                .to_owned(),
        ));
    }
    Ok(Aws::from_config(config).called_by(Identity::Person))
}

/// Why nobody is known.
fn unknown(error: impl std::error::Error, profile: Option<&str>) -> Failure {
    let told = DisplayErrorContext(&error).to_string();
    // The last of the chain is the metadata service of an EC2 instance, which answers nowhere else.
    let none = told.contains("CredentialsNotLoaded") || told.to_lowercase().contains("imds");
    Failure::Wrong(match (none, profile) {
        (true, None | Some("")) => NO_CREDENTIALS.to_owned(),
        (true, Some(profile)) => format!(
            "the AWS profile {profile:?} has no credentials; sign in (aws sso login), or set AWS_PROFILE to one that `aws configure \
             list-profiles` names"
        ),
        (false, _) => format!(
            "AWS credentials could not be obtained: {}; sign in again (aws sso login), or choose another AWS_PROFILE",
            innermost(&error)
        ),
    })
}

/// The last error of the chain, which says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        last = error.to_string();
        next = error.source();
    }
    last
}
