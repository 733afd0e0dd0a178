//! The configuration of a run: a file that people wrote, or one that is made of the settings.
//!
//! A file that can't be read or is wrong stops the whole run; an old one is never used instead. It is cached for a short
//! while, as several runs start at once and a state machine starts one for each account.

use std::sync::Arc;

use environments::config::{Config, ConfigError, Files, load};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::Function;
use crate::settings::{Parameters, Settings, Source};

/// How long a configuration is used without being read again, and so the longest that a new pattern of `deny` takes to
/// work.
pub const CACHE_TTL: SignedDuration = SignedDuration::from_secs(60);

/// A configuration and when it was read.
#[derive(Debug)]
pub struct CachedConfig {
    config: Arc<Config>,
    at: Timestamp,
}

/// The configuration, for a function that runs in this account. The error has all problems, with
/// their places in the file.
pub async fn current(
    function: &Function,
    settings: &Settings,
    account: &str,
) -> Result<Arc<Config>, ConfigError> {
    let place = match &settings.source {
        Source::File(place) => place,
        Source::Parameters(parameters) => {
            return from_parameters(parameters, account).map(Arc::new);
        }
    };
    let now = function.now();
    if let Some(config) = cached(function, now) {
        return Ok(config);
    }
    let config = Arc::new(load(&function.aws, place).await?);
    *function.cache.configuration() = Some(CachedConfig {
        config: config.clone(),
        at: now,
    });
    Ok(config)
}

fn cached(function: &Function, now: Timestamp) -> Option<Arc<Config>> {
    let cached = function.cache.configuration();
    let read = cached.as_ref()?;
    let age = now.duration_since(read.at);
    (SignedDuration::ZERO..CACHE_TTL)
        .contains(&age)
        .then(|| read.config.clone())
}

/// One schedule, one tag, one account.
pub fn from_parameters(parameters: &Parameters, account: &str) -> Result<Config, ConfigError> {
    const NAME: &str = "hours";
    // JSON is YAML, and quotes for us.
    let text = json!({
        "version": 1,
        "accounts": [account],
        "zone": parameters.zone,
        "schedules": { NAME: parameters.windows },
        "default_schedule": NAME,
        "tag": parameters.tag,
    });
    Ok(Config::parse(
        "the settings",
        &text.to_string(),
        &Files::new(),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{DEFAULT_TAG, DEFAULT_WINDOWS, DEFAULT_ZONE};

    #[test]
    fn the_settings_make_a_whole_configuration() {
        let parameters = Parameters {
            windows: DEFAULT_WINDOWS.into(),
            zone: DEFAULT_ZONE.into(),
            tag: DEFAULT_TAG.into(),
        };
        let config = from_parameters(&parameters, "111122223333").unwrap();
        assert_eq!(config.accounts, ["111122223333"]);
        assert_eq!(config.default_schedule.as_deref(), Some("hours"));
        assert_eq!(
            (config.tag.as_str(), config.zone.as_deref()),
            (DEFAULT_TAG, Some(DEFAULT_ZONE))
        );
        assert!(config.services.is_empty(), "only what has the tag");
        assert_eq!(config.warnings, []);
    }

    #[test]
    fn nothing_in_a_setting_becomes_another_key() {
        let parameters = Parameters {
            windows: "always\", \"deny\": \"x".into(),
            zone: DEFAULT_ZONE.into(),
            tag: DEFAULT_TAG.into(),
        };
        assert!(from_parameters(&parameters, "111122223333").is_err());
    }
}
