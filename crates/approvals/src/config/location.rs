//! Reading the configuration from where it is kept.

use common::aws::Aws;
use common::location::{Location, Unreadable};
use strict_yaml::Problems;

use super::Config;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not where the setting says, or can't be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It was read, and is wrong.
    #[error("{0}")]
    Invalid(#[from] Problems),
}

/// Reads and checks the configuration at this place.
pub async fn load(aws: &Aws, location: &Location) -> Result<Config, ConfigError> {
    let text = location.read(aws, "APPROVALS_CONFIG").await?;
    Ok(Config::parse(&location.to_string(), &text)?)
}
