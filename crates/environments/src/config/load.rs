//! Reading the configuration from where it is kept, with the calendars that it names.

use common::aws::Aws;
pub use common::location::LoadError as ConfigError;
use common::location::{FileKind, Location};

use super::{Config, Files, calendar_files};

const FILE: FileKind = FileKind {
    noun: "configuration",
    setting: "ENVIRONMENTS_CONFIG",
};

/// Reads and checks the configuration at this place, with the calendars beside it.
pub async fn load(aws: &Aws, location: &Location) -> Result<Config, ConfigError> {
    let text = location.read(aws, FILE).await?;
    let mut files = Files::new();
    for name in calendar_files(&text) {
        let place = location.beside(&name).ok_or_else(|| {
            location.unreadable(
                FILE,
                format!(
                    "it names the calendar {name:?}, and a parameter has no files beside it; \
                 keep the configuration in S3, or write the dates into it"
                ),
            )
        })?;
        files.insert(name, Ok(place.bytes(aws, FILE).await?));
    }
    Ok(Config::parse(&location.to_string(), &text, &files)?)
}
