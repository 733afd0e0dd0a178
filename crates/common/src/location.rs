//! Where a team keeps a file that a function reads, and reading it from there. There is no fallback from
//! one place to another: whoever is read from the wrong place may let the wrong people in, or stop the
//! wrong services.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::aws::{Aws, explain};

/// A configuration is a page or two, a calendar a few pages; more is a mistake.
const SIZE_LIMIT: usize = 1024 * 1024;
const TOO_LARGE: &str = "it is larger than 1 MiB";

/// A place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
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

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the configuration {place} could not be read: {detail}")]
pub struct Unreadable {
    /// Where it was looked for.
    pub place: String,
    /// What went wrong and what to do.
    pub detail: String,
}

impl Location {
    /// Reads a setting; `package_root` is where relative files lie.
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
    pub fn beside(&self, name: &str) -> Option<Self> {
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

    /// What is told of this place.
    pub fn unreadable(&self, detail: impl Into<String>) -> Unreadable {
        Unreadable {
            place: self.to_string(),
            detail: detail.into(),
        }
    }

    /// The text that lies here. `setting` is what people change to point elsewhere.
    pub async fn read(&self, aws: &Aws, setting: &str) -> Result<String, Unreadable> {
        let bytes = match self {
            Self::S3 { bucket, key } => self.object(aws, (bucket, key), setting).await?,
            Self::Ssm(name) => self.parameter(aws, name, setting).await?.into_bytes(),
            Self::File(path) => self.file(path, setting)?,
        };
        if bytes.len() > SIZE_LIMIT {
            return Err(self.unreadable(TOO_LARGE));
        }
        String::from_utf8(bytes)
            .map_err(|error| self.unreadable(format!("it is not UTF-8 ({})", error.utf8_error())))
    }

    async fn object(
        &self,
        aws: &Aws,
        (bucket, key): (&str, &str),
        setting: &str,
    ) -> Result<Vec<u8>, Unreadable> {
        let answer = aws.s3().get_object().bucket(bucket).key(key).send().await;
        let object = answer.map_err(|error| {
            let remedy = match error.code() {
                Some("NoSuchKey") => format!("; upload the file to this key, or change {setting}"),
                Some("AccessDenied") => {
                    "; the function's role needs s3:GetObject on it (and s3:ListBucket, so that a missing key is told as such)".to_owned()
                }
                _ => String::new(),
            };
            self.unreadable(format!("{}{remedy}", explain(&error)))
        })?;
        let length = object.content_length().unwrap_or_default();
        if usize::try_from(length).is_ok_and(|length| length > SIZE_LIMIT) {
            return Err(self.unreadable(TOO_LARGE));
        }
        let body = object.body.collect().await;
        let bytes = body.map_err(|error| self.unreadable(error.to_string()))?;
        Ok(bytes.into_bytes().to_vec())
    }

    async fn parameter(&self, aws: &Aws, name: &str, setting: &str) -> Result<String, Unreadable> {
        let call = aws.ssm().get_parameter().name(name).with_decryption(true);
        let answer = call.send().await.map_err(|error| {
            let remedy = match error.code() {
                Some("ParameterNotFound") => format!("; make the parameter, or change {setting}"),
                _ => format!("; the function's role needs ssm:GetParameter on {name}"),
            };
            self.unreadable(format!("{}{remedy}", explain(&error)))
        })?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        value.ok_or_else(|| self.unreadable("the parameter has no value"))
    }

    fn file(&self, path: &Path, setting: &str) -> Result<Vec<u8>, Unreadable> {
        let told = |error: std::io::Error| {
            self.unreadable(format!(
                "{error}; put the file into the function's package or a layer, or point {setting} elsewhere"
            ))
        };
        let length = std::fs::metadata(path).map_err(told)?.len();
        if usize::try_from(length).is_ok_and(|length| length > SIZE_LIMIT) {
            return Err(self.unreadable(TOO_LARGE));
        }
        std::fs::read(path).map_err(told)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Ssm(name) => write!(f, "ssm:{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_in_full() {
        for text in ["s3://bucket/a/b.yaml", "ssm:/shop/environments"] {
            let place = Location::parse(text, "/var/task").unwrap();
            assert_eq!(place.to_string(), text);
        }
        let file = Location::parse("file:env.yaml", "/var/task").unwrap();
        assert_eq!(file.to_string(), "/var/task/env.yaml");
        for wrong in [
            "",
            "env.yaml",
            "s3://bucket",
            "s3://bucket/a/",
            "ssm:",
            "file:",
        ] {
            assert!(Location::parse(wrong, "/").is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn files_lie_beside_files_and_objects() {
        let beside = |text| {
            let place = Location::parse(text, "/var/task").unwrap();
            place.beside("h.ics").map(|place| place.to_string())
        };
        assert_eq!(beside("file:env.yaml").as_deref(), Some("/var/task/h.ics"));
        assert_eq!(
            beside("s3://bucket/a/b.yaml").as_deref(),
            Some("s3://bucket/a/h.ics")
        );
        assert_eq!(beside("ssm:/shop/environments"), None);
    }
}
