//! Where the configuration is kept, and reading it from there. There is no fallback from one place to
//! another: approvers who are read from the wrong place are the wrong approvers.

use std::fmt;
use std::path::Path;

use aws_sdk_s3::error::ProvideErrorMetadata;
use common::aws::{Aws, explain};
use strict_yaml::Problems;

use super::Config;

/// A configuration is a page or two of YAML; more is a mistake.
const SIZE_LIMIT: i64 = 1024 * 1024;

/// The `APPROVALS_CONFIG` setting.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    File(String),
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
            let path = Path::new(package_root).join(path);
            return Ok(Self::File(path.to_string_lossy().into_owned()));
        }
        if let Some(name) = text.strip_prefix("ssm:") {
            return named(name)
                .then(|| Self::Ssm(name.to_owned()))
                .ok_or(EXPECTED);
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
            Self::File(path) => write!(f, "{path}"),
        }
    }
}

/// Reads and checks the configuration at this place.
pub async fn load(aws: &Aws, location: &ConfigLocation) -> Result<Config, ConfigError> {
    let text = match location {
        ConfigLocation::S3 { bucket, key } => object(aws, location, bucket, key).await?,
        ConfigLocation::Ssm(name) => parameter(aws, location, name).await?,
        ConfigLocation::File(path) => file(location, path)?,
    };
    Ok(Config::parse(&location.to_string(), &text)?)
}

async fn object(
    aws: &Aws,
    location: &ConfigLocation,
    bucket: &str,
    key: &str,
) -> Result<String, ConfigError> {
    let answer = aws.s3().get_object().bucket(bucket).key(key).send().await;
    let object = answer.map_err(|error| {
        let remedy = match error.code() {
            Some("NoSuchKey") => "; upload the configuration to this key, or change APPROVALS_CONFIG",
            Some("AccessDenied") => {
                "; the function's role needs s3:GetObject on it (and s3:ListBucket, so that a missing key is told as such)"
            }
            _ => "",
        };
        location.unreadable(format!("{}{remedy}", explain(&error)))
    })?;
    if object.content_length().unwrap_or_default() > SIZE_LIMIT {
        return Err(location.unreadable("it is larger than 1 MiB"));
    }
    let body = object.body.collect().await;
    let bytes = body
        .map_err(|error| location.unreadable(error.to_string()))?
        .into_bytes();
    utf8(location, bytes.to_vec())
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
                "; make the parameter, or change APPROVALS_CONFIG".to_owned()
            }
            _ => format!("; the function's role needs ssm:GetParameter on {name}"),
        };
        location.unreadable(format!("{}{remedy}", explain(&error)))
    })?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    value.ok_or_else(|| location.unreadable("the parameter has no value"))
}

fn file(location: &ConfigLocation, path: &str) -> Result<String, ConfigError> {
    const REMEDY: &str =
        "put the file into the function's package or a layer, or point APPROVALS_CONFIG elsewhere";
    let told = |error: std::io::Error| location.unreadable(format!("{error}; {REMEDY}"));
    let size = std::fs::metadata(path).map_err(told)?.len();
    if i64::try_from(size).is_ok_and(|size| size <= SIZE_LIMIT) {
        utf8(location, std::fs::read(path).map_err(told)?)
    } else {
        Err(location.unreadable("it is larger than 1 MiB"))
    }
}

fn utf8(location: &ConfigLocation, bytes: Vec<u8>) -> Result<String, ConfigError> {
    String::from_utf8(bytes)
        .map_err(|error| location.unreadable(format!("it is not UTF-8 ({})", error.utf8_error())))
}
