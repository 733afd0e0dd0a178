//! Where the configuration is kept, and reading it from there, with the calendars that it names. There
//! is no fallback from one place to another: a selection that is read from the wrong place stops the
//! wrong services.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_sdk_ecs::error::ProvideErrorMetadata;
use common::aws::{Aws, explain};
use strict_yaml::Problems;

use super::{Config, Files, calendar_files};

/// A configuration is a page or two of YAML, a calendar a few pages; more is a mistake.
const SIZE_LIMIT: usize = 1024 * 1024;

/// The `ENVIRONMENTS_CONFIG` setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigLocation {
    /// `s3://BUCKET/KEY`
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
    },
    /// `ssm:NAME`, a parameter of Systems Manager's Parameter Store. Its limit is 8 KB.
    Ssm(String),
    /// `file:PATH`, relative to the function's package; a layer's files are under `/opt`.
    File(PathBuf),
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not where the setting says, or can't be read.
    #[error("the configuration {place} could not be read: {detail}")]
    Unreadable {
        /// Where it was looked for.
        place: String,
        /// What went wrong and what to do.
        detail: String,
    },
    /// It was read, and is wrong.
    #[error("{0}")]
    Invalid(#[from] Problems),
}

impl ConfigLocation {
    /// Reads the setting; `package_root` is where relative files lie.
    pub fn parse(text: &str, package_root: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected s3://BUCKET/KEY, ssm:NAME or file:PATH";
        let named = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        if let Some(path) = text.strip_prefix("file:") {
            let path = Some(path).filter(|path| !path.is_empty()).ok_or(EXPECTED)?;
            return Ok(Self::File(Path::new(package_root).join(path)));
        }
        if let Some(name) = text.strip_prefix("ssm:") {
            let right = named(name).then(|| Self::Ssm(name.to_owned()));
            return right.ok_or(EXPECTED);
        }
        let place = text
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'));
        let (bucket, key) = place.ok_or(EXPECTED)?;
        let whole = named(bucket) && !key.is_empty() && !key.ends_with('/');
        whole
            .then(|| Self::S3 {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            })
            .ok_or(EXPECTED)
    }

    /// A file beside this one; a parameter has nothing beside it.
    fn beside(&self, name: &str) -> Option<Self> {
        match self {
            Self::S3 { bucket, key } => {
                let folder = key.rfind('/').map_or("", |at| &key[..=at]);
                Some(Self::S3 {
                    bucket: bucket.clone(),
                    key: format!("{folder}{name}"),
                })
            }
            Self::File(path) => Some(Self::File(path.with_file_name(name))),
            Self::Ssm(_) => None,
        }
    }

    fn unreadable(&self, detail: impl Into<String>) -> ConfigError {
        ConfigError::Unreadable {
            place: self.to_string(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for ConfigLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Ssm(name) => write!(f, "ssm:{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Reads and checks the configuration at this place, with the calendars beside it.
pub async fn load(aws: &Aws, location: &ConfigLocation) -> Result<Config, ConfigError> {
    let text = read(aws, location).await?;
    let mut files = Files::new();
    for name in calendar_files(&text) {
        let place = location.beside(&name).ok_or_else(|| {
            location.unreadable(format!(
                "it names the calendar {name:?}, and a parameter has no files beside it; \
                 keep the configuration in S3, or write the dates into it"
            ))
        })?;
        files.insert(name, read(aws, &place).await?);
    }
    Ok(Config::parse(&location.to_string(), &text, &files)?)
}

async fn read(aws: &Aws, location: &ConfigLocation) -> Result<String, ConfigError> {
    let bytes = match location {
        ConfigLocation::S3 { bucket, key } => object(aws, location, bucket, key).await?,
        ConfigLocation::Ssm(name) => parameter(aws, location, name).await?.into_bytes(),
        ConfigLocation::File(path) => std::fs::read(path).map_err(|error| {
            location.unreadable(format!(
                "{error}; put the file into the function's package or a layer, or point \
                 ENVIRONMENTS_CONFIG elsewhere"
            ))
        })?,
    };
    if bytes.len() > SIZE_LIMIT {
        return Err(location.unreadable("it is larger than 1 MiB"));
    }
    String::from_utf8(bytes)
        .map_err(|error| location.unreadable(format!("it is not UTF-8 ({})", error.utf8_error())))
}

async fn object(
    aws: &Aws,
    location: &ConfigLocation,
    bucket: &str,
    key: &str,
) -> Result<Vec<u8>, ConfigError> {
    let answer = aws.s3().get_object().bucket(bucket).key(key).send().await;
    let object = answer.map_err(|error| {
        let remedy = match error.code() {
            Some("NoSuchKey") => "; upload the file to this key, or change ENVIRONMENTS_CONFIG",
            Some("AccessDenied") => {
                "; the function's role needs s3:GetObject on it (and s3:ListBucket, so that a missing key is told as such)"
            }
            _ => "",
        };
        location.unreadable(format!("{}{remedy}", explain(&error)))
    })?;
    let limit = i64::try_from(SIZE_LIMIT).unwrap_or(i64::MAX);
    if object.content_length().unwrap_or_default() > limit {
        return Err(location.unreadable("it is larger than 1 MiB"));
    }
    let body = object.body.collect().await;
    let bytes = body.map_err(|error| location.unreadable(error.to_string()))?;
    Ok(bytes.into_bytes().to_vec())
}

async fn parameter(
    aws: &Aws,
    location: &ConfigLocation,
    name: &str,
) -> Result<String, ConfigError> {
    let call = aws.ssm().get_parameter().name(name).with_decryption(true);
    let answer = call.send().await.map_err(|error| {
        let remedy = match error.code() {
            Some("ParameterNotFound") => {
                "; make the parameter, or change ENVIRONMENTS_CONFIG".to_owned()
            }
            _ => format!("; the function's role needs ssm:GetParameter on {name}"),
        };
        location.unreadable(format!("{}{remedy}", explain(&error)))
    })?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    value.ok_or_else(|| location.unreadable("the parameter has no value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_in_full() {
        for text in ["s3://bucket/a/b.yaml", "ssm:/shop/environments"] {
            assert_eq!(
                ConfigLocation::parse(text, "/var/task")
                    .unwrap()
                    .to_string(),
                text
            );
        }
        let file = ConfigLocation::parse("file:env.yaml", "/var/task").unwrap();
        assert_eq!(file.to_string(), "/var/task/env.yaml");
        assert_eq!(file.beside("h.ics").unwrap().to_string(), "/var/task/h.ics");
        let object = ConfigLocation::parse("s3://bucket/a/b.yaml", "").unwrap();
        assert_eq!(
            object.beside("h.ics").unwrap().to_string(),
            "s3://bucket/a/h.ics"
        );
        for wrong in [
            "",
            "env.yaml",
            "s3://bucket",
            "s3://bucket/a/",
            "ssm:",
            "file:",
        ] {
            assert!(ConfigLocation::parse(wrong, "/").is_err(), "{wrong:?}");
        }
    }
}
