//! Reading the configuration from where it is kept.

use common::aws::Aws;
pub use common::location::LoadError as ConfigError;
use common::location::{FileKind, Location};

use super::Config;

const FILE: FileKind = FileKind {
    noun: "configuration",
    setting: "APPROVALS_CONFIG",
};

/// Reads and checks the configuration at this place.
pub async fn load(aws: &Aws, location: &Location) -> Result<Config, ConfigError> {
    let text = location.read(aws, FILE).await?;
    Ok(Config::parse(&location.to_string(), &text)?)
}
