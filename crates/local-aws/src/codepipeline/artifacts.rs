//! Artifacts: zip archives in the pipeline's bucket, in the emulator's S3.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read as _, Write as _};

use aws_sdk_s3::primitives::ByteStream;
use url::Url;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::declaration::Declaration;
use super::model::Artifact;
use crate::emulator;
use crate::ids;

/// S3, as the actions use it.
#[derive(Clone)]
pub(super) struct Store(aws_sdk_s3::Client);

/// An object as it is now.
pub(super) struct Found {
    pub(super) version: Option<String>,
    pub(super) e_tag: Option<String>,
}

/// Why an artifact cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArtifactError {
    /// What S3 answered.
    #[error("{0}")]
    S3(String),
    #[error("The artifact bucket {bucket} cannot be written to: {reason}")]
    Write { bucket: String, reason: String },
    #[error("The artifact is not a zip archive ({0})")]
    NotZip(#[source] ZipError),
    #[error("Did not find the file {0} in the input artifacts")]
    MissingFile(String),
    #[error("The file {path} cannot be read: {source}")]
    Read { path: String, source: io::Error },
    #[error(transparent)]
    Pack(#[from] ZipError),
    #[error(transparent)]
    PackFile(#[from] io::Error),
}

/// Where an output artifact of that name goes, as AWS names it.
pub(super) fn place_for(declaration: &Declaration, name: &str) -> Artifact {
    let cut = |text: &str, at: usize| text.chars().take(at).collect::<String>();
    Artifact {
        bucket: declaration.bucket().unwrap_or_default().to_owned(),
        key: format!(
            "{}/{}/{}",
            cut(&declaration.name, 20),
            cut(name, 10),
            ids::hex(7)
        ),
    }
}

impl Store {
    /// S3 at `endpoint`.
    pub(super) fn new(endpoint: &Url, region: &str) -> Self {
        Self(emulator::s3(endpoint, region))
    }

    /// Looks at an object.
    pub(super) async fn head(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Found, ArtifactError> {
        let head = self.0.head_object().bucket(bucket).key(key);
        let found = head
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| ArtifactError::S3(emulator::reason(&error)))?;
        let version = found.version_id().filter(|version| *version != "null");
        Ok(Found {
            version: version.map(str::to_owned),
            e_tag: found.e_tag().map(|tag| tag.trim_matches('"').to_owned()),
        })
    }

    /// The bytes of an object.
    pub(super) async fn get(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Vec<u8>, ArtifactError> {
        let get = self.0.get_object().bucket(bucket).key(key);
        let object = get
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| ArtifactError::S3(emulator::reason(&error)))?;
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| ArtifactError::S3(error.to_string()))?;
        Ok(bytes.to_vec())
    }

    /// Writes an artifact.
    pub(super) async fn put(&self, at: &Artifact, bytes: Vec<u8>) -> Result<(), ArtifactError> {
        let put = self.0.put_object().bucket(&at.bucket).key(&at.key);
        let sent = put.body(ByteStream::from(bytes)).send().await;
        sent.map(drop).map_err(|error| ArtifactError::Write {
            bucket: at.bucket.clone(),
            reason: emulator::reason(&error),
        })
    }

    /// A file of an artifact.
    pub(super) async fn file(&self, at: &Artifact, path: &str) -> Result<String, ArtifactError> {
        let bytes = self.get(&at.bucket, &at.key, None).await?;
        unpack(bytes, path)
    }
}

/// The text of one file of an archive.
fn unpack(bytes: Vec<u8>, path: &str) -> Result<String, ArtifactError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(ArtifactError::NotZip)?;
    let mut file = archive
        .by_name(path)
        .map_err(|_| ArtifactError::MissingFile(path.to_owned()))?;
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|source| ArtifactError::Read {
            path: path.to_owned(),
            source,
        })?;
    Ok(text)
}

/// An archive of text files.
pub(super) fn pack(files: &BTreeMap<String, String>) -> Result<Vec<u8>, ArtifactError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        archive.start_file(path.as_str(), SimpleFileOptions::default())?;
        archive.write_all(text.as_bytes())?;
    }
    let written = archive.finish()?;
    Ok(written.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_again_by_its_path() {
        let files = [
            ("appspec.yaml", "version: 0.0"),
            ("deploy/taskdef.json", "{}"),
        ];
        let files = files.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let bytes = pack(&files).unwrap();
        assert_eq!(unpack(bytes.clone(), "deploy/taskdef.json").unwrap(), "{}");
        let missing = unpack(bytes, "taskdef.json").unwrap_err().to_string();
        assert_eq!(
            missing,
            "Did not find the file taskdef.json in the input artifacts"
        );
        let other = unpack(b"text".to_vec(), "x").unwrap_err().to_string();
        assert!(
            other.starts_with("The artifact is not a zip archive"),
            "{other}"
        );
    }
}
