//! Where a team keeps a file that a function reads, and reading it from there. There is no fallback from
//! one place to another: a file from the wrong place may let the wrong people in, stop the wrong services, or
//! test something else.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;
use strict_yaml::{Problems, words};

use crate::aws::Aws;
use crate::failure::{Failure, Hints};
use crate::stored_values;

/// A configuration is a page or two, a calendar a few pages; more is a mistake.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

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

/// How errors speak of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// What it is: `suite`, `configuration`.
    pub noun: &'static str,
    /// The setting that says where it is.
    pub setting: &'static str,
}

/// Why there is nothing to work with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not where the setting says, or can't be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It was read, and is wrong.
    #[error("{0}")]
    Invalid(#[from] Problems),
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the {noun} {place} could not be read: {detail}")]
pub struct Unreadable {
    /// What it is.
    pub noun: &'static str,
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

    /// The error for a file at this place.
    pub fn unreadable(&self, kind: FileKind, detail: impl Into<String>) -> Unreadable {
        Unreadable {
            noun: kind.noun,
            place: self.to_string(),
            detail: detail.into(),
        }
    }

    /// The text that is kept here.
    pub async fn read(&self, aws: &Aws, kind: FileKind) -> Result<String, Unreadable> {
        let bytes = self.bytes(aws, kind).await?;
        text(bytes).map_err(|problem| self.unreadable(kind, problem))
    }

    /// The same as bytes, for what says itself how it is encoded.
    pub async fn bytes(&self, aws: &Aws, kind: FileKind) -> Result<Vec<u8>, Unreadable> {
        self.bytes_within(aws, kind, MAX_FILE_BYTES).await
    }

    /// The same where a file may be larger or must be smaller: `limit` bytes at most.
    pub async fn bytes_within(
        &self,
        aws: &Aws,
        kind: FileKind,
        limit: usize,
    ) -> Result<Vec<u8>, Unreadable> {
        let FileKind { noun, setting } = kind;
        let bytes = match self {
            Self::S3 { bucket, key } => {
                let object = Object::new(bucket, key);
                object.read(aws, limit).await.map_err(|error| {
                    let absent = format!("upload the {noun} to this key, or change {setting}");
                    self.unreadable(kind, error.sentence(aws, &absent))
                })?
            }
            Self::Ssm(name) => self.parameter(aws, name, kind).await?.into_bytes(),
            Self::File(path) => file(path, limit).map_err(|error| {
                let detail = match error {
                    FileError::Io(error) => format!(
                        "{error}; put the file into the function's package or a layer, or point {setting} elsewhere"
                    ),
                    FileError::TooLarge(limit) => too_large(limit),
                };
                self.unreadable(kind, detail)
            })?,
        };
        Ok(bytes)
    }

    async fn parameter(&self, aws: &Aws, name: &str, kind: FileKind) -> Result<String, Unreadable> {
        let value = stored_values::parameter(aws, name).await.map_err(|error| {
            let hints = Hints {
                permission: &format!("ssm:GetParameter on {name}"),
                absent: &format!("make the parameter, or change {}", kind.setting),
            };
            self.unreadable(kind, Failure::of(&error).sentence(aws.identity(), hints))
        })?;
        value.ok_or_else(|| self.unreadable(kind, "the parameter has no value"))
    }
}

/// An object in S3 that is read whole, within a limit.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// One version of it; without it the newest.
    pub version: Option<&'a str>,
    /// What its content must be, with or without quotation marks; without it whatever is there.
    pub e_tag: Option<&'a str>,
}

/// Why an object could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectError {
    /// The call failed.
    Call(Failure),
    /// Another object is there than the one of the eTag.
    Replaced,
    /// It has more bytes than this.
    TooLarge(usize),
    /// It broke off while it was read, with this error.
    Broken(String),
}

impl ObjectError {
    /// What went wrong and what to do; `absent` is what to do where there is no such object.
    pub fn sentence(&self, aws: &Aws, absent: &str) -> String {
        match self {
            Self::Call(failure) => failure.sentence(
                aws.identity(),
                Hints {
                    permission: "s3:GetObject on it (and s3:ListBucket, so that a missing key is reported as such)",
                    absent,
                },
            ),
            Self::Replaced => "the object was replaced".to_owned(),
            Self::TooLarge(limit) => too_large(*limit),
            Self::Broken(error) => format!("it broke off while it was read ({error})"),
        }
    }
}

impl<'a> Object<'a> {
    /// The newest version of `key`.
    pub fn new(bucket: &'a str, key: &'a str) -> Self {
        Self {
            bucket,
            key,
            version: None,
            e_tag: None,
        }
    }

    /// Its bytes, `limit` at most. What is larger by its own length is not read at all.
    pub async fn read(&self, aws: &Aws, limit: usize) -> Result<Vec<u8>, ObjectError> {
        let e_tag = self.e_tag.map(|e_tag| e_tag.trim_matches('"'));
        let call = aws.s3().get_object().bucket(self.bucket).key(self.key);
        let answer = call
            .set_version_id(self.version.map(str::to_owned))
            .set_if_match(e_tag.map(|e_tag| format!("\"{e_tag}\"")))
            .send()
            .await
            .map_err(|error| match error.raw_response() {
                Some(answer) if answer.status().as_u16() == 412 => ObjectError::Replaced,
                _ => ObjectError::Call(Failure::of(&error)),
            })?;
        let length = answer.content_length().unwrap_or_default();
        if usize::try_from(length).is_ok_and(|length| length > limit) {
            return Err(ObjectError::TooLarge(limit));
        }
        bounded(answer.body, limit).await
    }
}

/// A body, read piece by piece: a length that was stated is not believed.
async fn bounded(mut body: ByteStream, limit: usize) -> Result<Vec<u8>, ObjectError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| ObjectError::Broken(error.to_string()))?;
        if bytes.len() + piece.len() > limit {
            return Err(ObjectError::TooLarge(limit));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Why a file could not be read.
#[derive(Debug)]
pub enum FileError {
    /// The system's error.
    Io(io::Error),
    /// It has more bytes than this.
    TooLarge(usize),
}

/// The bytes of a file, `limit` at most; a device without an end is cut off there, too.
pub fn file(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let file = std::fs::File::open(path).map_err(FileError::Io)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(FileError::Io)?;
    if bytes.len() > limit {
        return Err(FileError::TooLarge(limit));
    }
    Ok(bytes)
}

/// The problem with what has more than `limit` bytes.
pub fn too_large(limit: usize) -> String {
    format!("it is larger than {}", words::bytes(limit))
}

/// The bytes as text, or the problem.
pub fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 ({})", error.utf8_error()))
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
