//! AWS as this machine knows it: profiles, single sign-on, roles, the environment.

use aws_config::BehaviorVersion;
use common::aws::{Aws, timeouts};

/// Clients for the account and region of the caller's AWS configuration.
pub(crate) async fn aws() -> Aws {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    Aws::from_config(loader.timeout_config(timeouts()).load().await)
}
