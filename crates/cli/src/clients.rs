//! AWS as this machine knows it: profiles, single sign-on, roles, the environment.

use aws_config::{BehaviorVersion, Region};
use common::aws::{Aws, Identity, timeouts};

use crate::failure::Failure;

/// Clients for the account and region of the caller's AWS configuration.
pub(crate) async fn aws() -> Aws {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    Aws::from_config(loader.timeout_config(timeouts()).load().await).called_by(Identity::Person)
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
    Ok(Aws::from_config(config).called_by(Identity::Person))
}
