//! Where a suite comes from: the function's own package (or a layer), or S3.
//!
//! There is no fallback from one place to another: a suite that isn't where the setting says is an
//! error, as a gate must never pass by having tested something else.

use std::path::{Path, PathBuf};

use common::aws::Aws;
use common::location::{self, FileError, Object};
use gate::Suite;

/// A suite is a page of YAML; more is a mistake.
const MAX_SUITE_BYTES: usize = 1024 * 1024;

/// The `SUITE` setting. `{application}` and `{deployment_group}` in it are filled in per deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuiteLocation {
    /// `file:PATH`, relative to the function's package; a layer's files are under `/opt`.
    File(String),
    /// `s3://BUCKET/KEY`; a key that ends in `/` gets `{application}/{deployment_group}.yaml`.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The key, with its placeholders.
        key: String,
    },
}

/// Why a suite could not be loaded; always fails the gate.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// It is not where the setting says, or can't be read.
    #[error("the suite {place} could not be read: {detail}")]
    Unreadable {
        /// Where it was looked for.
        place: String,
        /// What went wrong and what to do.
        detail: String,
    },
    /// It was read, and is wrong.
    #[error("{0}")]
    Invalid(#[from] gate::SuiteProblems),
}

impl SuiteLocation {
    /// Reads the setting; `package_root` is where relative files lie.
    pub fn parse(text: &str, package_root: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected s3://BUCKET/KEY or file:PATH; in both, {application} and {deployment_group} are filled in";
        if let Some(path) = text.strip_prefix("file:") {
            if path.is_empty() {
                return Err(EXPECTED);
            }
            let path = PathBuf::from(package_root).join(path);
            return Ok(Self::File(path.to_string_lossy().into_owned()));
        }
        let (bucket, key) = text
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(EXPECTED)?;
        if bucket.is_empty() {
            return Err(EXPECTED);
        }
        let key = if key.is_empty() || key.ends_with('/') {
            format!("{key}{{application}}/{{deployment_group}}.yaml")
        } else {
            key.to_owned()
        };
        Ok(Self::S3 {
            bucket: bucket.to_owned(),
            key,
        })
    }

    /// The place for one deployment.
    #[must_use]
    pub fn filled(&self, application: &str, deployment_group: &str) -> Self {
        let fill = |text: &str| {
            text.replace("{application}", application)
                .replace("{deployment_group}", deployment_group)
        };
        match self {
            Self::File(path) => Self::File(fill(path)),
            Self::S3 { bucket, key } => Self::S3 {
                bucket: bucket.clone(),
                key: fill(key),
            },
        }
    }

    /// Reads and checks the suite at this (filled) place.
    pub async fn load(&self, aws: &Aws) -> Result<Suite, SuiteError> {
        let bytes = match self {
            Self::File(path) => {
                location::file(Path::new(path), MAX_SUITE_BYTES).map_err(|error| match error {
                    FileError::Io(error) => self.unreadable(format!(
                        "{error}; put the file into the function's package or a layer, or point SUITE elsewhere"
                    )),
                    FileError::TooLarge(limit) => self.unreadable(location::too_large(limit)),
                })?
            }
            Self::S3 { bucket, key } => {
                let absent = "upload the suite to this key, or change SUITE";
                let object = Object::new(bucket, key).read(aws, MAX_SUITE_BYTES).await;
                object.map_err(|error| self.unreadable(error.sentence(aws, absent)))?
            }
        };
        let text = location::text(bytes).map_err(|problem| self.unreadable(problem))?;
        Ok(Suite::parse(&self.to_string(), &text)?)
    }

    fn unreadable(&self, detail: String) -> SuiteError {
        SuiteError::Unreadable {
            place: self.to_string(),
            detail,
        }
    }
}

impl std::fmt::Display for SuiteLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{path}"),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_a_folder_gets_the_usual_name() {
        let place = SuiteLocation::parse("s3://b/suites/", "/var/task").unwrap();
        assert_eq!(
            place.filled("shop", "live").to_string(),
            "s3://b/suites/shop/live.yaml"
        );
        let place = SuiteLocation::parse("s3://b/{application}.yaml", "/var/task").unwrap();
        assert_eq!(place.filled("shop", "live").to_string(), "s3://b/shop.yaml");
    }

    #[test]
    fn a_file_is_relative_to_the_package_unless_absolute() {
        let place = |text| SuiteLocation::parse(text, "/var/task").unwrap().to_string();
        assert_eq!(place("file:suites/shop.yaml"), "/var/task/suites/shop.yaml");
        assert_eq!(place("file:/opt/shop.yaml"), "/opt/shop.yaml");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "suite.yaml",
            "s3://",
            "s3://b",
            "s3:///k",
            "https://b/k",
            "file:",
        ] {
            assert!(
                SuiteLocation::parse(text, ".").is_err(),
                "{text:?} was accepted"
            );
        }
    }
}
