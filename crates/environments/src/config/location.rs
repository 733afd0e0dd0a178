//! Reading the configuration from where it is kept, with the calendars that it names.

use common::aws::Aws;
use common::location::{Location, Unreadable};
use strict_yaml::Problems;

use super::{Config, Files, calendar_files};

/// What people change to point elsewhere.
const SETTING: &str = "ENVIRONMENTS_CONFIG";

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

/// Reads and checks the configuration at this place, with the calendars beside it.
pub async fn load(aws: &Aws, location: &Location) -> Result<Config, ConfigError> {
    let text = location.read(aws, SETTING).await?;
    let mut files = Files::new();
    for name in calendar_files(&text) {
        let place = location.beside(&name).ok_or_else(|| {
            location.unreadable(format!(
                "it names the calendar {name:?}, and a parameter has no files beside it; \
                 keep the configuration in S3, or write the dates into it"
            ))
        })?;
        files.insert(name, Ok(place.bytes(aws, SETTING).await?));
    }
    Ok(Config::parse(&location.to_string(), &text, &files)?)
}
