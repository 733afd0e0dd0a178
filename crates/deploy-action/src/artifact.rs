//! Files of the action's input artifacts, which are zip archives in the pipeline's bucket.

use std::io::{Cursor, Read as _};

use aws_sdk_s3::config::Credentials;
use common::aws::Aws;
use common::failure::{Cause, Failure};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::event::{Artifact, Job};
use crate::parameters::FilePath;

/// A task definition has 64 KB at most.
const MAX_FILE: u64 = 1024 * 1024;
/// All archives of a job together: they are held in memory.
const MAX_ARCHIVES: usize = 64 * 1024 * 1024;

/// Why a file can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArtifactError {
    /// The action or its artifacts are wrong: the same again fails again.
    #[error("{0}")]
    Wrong(String),
    /// The call may work in a while.
    #[error("{0}")]
    Unreachable(String),
}

/// The archives of a job, each read once.
pub(crate) struct Artifacts<'a> {
    s3: Aws,
    job: &'a Job,
    read: Vec<(&'a Artifact, Vec<u8>)>,
}

impl<'a> Artifacts<'a> {
    /// Of a job, read by the credentials that it carries.
    pub(crate) fn of(aws: &Aws, region: &str, job: &'a Job) -> Self {
        let credentials = job.credentials.as_ref().and_then(|given| {
            let session_token = given.session_token.clone();
            Some(Credentials::new(
                given.access_key_id.as_ref()?,
                given.secret_access_key.as_ref()?,
                session_token.filter(|token| !token.is_empty()),
                None,
                "CodePipeline",
            ))
        });
        Self {
            s3: aws.in_region(region, credentials),
            job,
            read: Vec::new(),
        }
    }

    /// The text of a file.
    pub(crate) async fn text(&mut self, file: &FilePath) -> Result<String, ArtifactError> {
        let path = &file.path;
        let wanted = |artifact: &&Artifact| match &file.artifact {
            Some(name) => artifact.name == *name,
            None => true,
        };
        let artifacts: Vec<&Artifact> = self.job.artifacts.iter().filter(wanted).collect();
        let mut found = Vec::new();
        for artifact in &artifacts {
            let bytes = self.archive(artifact).await?;
            if let Some(text) = unpack(bytes, path).map_err(|why| {
                ArtifactError::Wrong(format!("the artifact {}: {why}", artifact.name))
            })? {
                found.push((artifact.name.as_str(), text));
            }
        }
        let names = |of: &[&Artifact]| {
            let names: Vec<&str> = of.iter().map(|artifact| artifact.name.as_str()).collect();
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        let inputs: Vec<&Artifact> = self.job.artifacts.iter().collect();
        match (found.len(), &file.artifact) {
            (1, _) => Ok(found.remove(0).1),
            (0, Some(name)) if artifacts.is_empty() => Err(ArtifactError::Wrong(format!(
                "{name} is not an input artifact of the action; it has {}",
                names(&inputs)
            ))),
            (0, _) => Err(ArtifactError::Wrong(format!(
                "no file {path} in the action's input artifacts ({}); check its path, or give the action the artifact that has it",
                names(&artifacts)
            ))),
            _ => {
                let having: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
                Err(ArtifactError::Wrong(format!(
                    "{path} is in the artifacts {}; say which: \"{}::{path}\"",
                    having.join(" and "),
                    having[0]
                )))
            }
        }
    }

    async fn archive(&mut self, artifact: &'a Artifact) -> Result<&[u8], ArtifactError> {
        let known = self.read.iter().position(|(read, _)| *read == artifact);
        let place = if let Some(place) = known {
            place
        } else {
            let bytes = self.fetch(artifact).await?;
            self.read.push((artifact, bytes));
            self.read.len() - 1
        };
        Ok(&self.read[place].1)
    }

    async fn fetch(&self, artifact: &Artifact) -> Result<Vec<u8>, ArtifactError> {
        let Artifact { name, bucket, key } = artifact;
        let fetched = self
            .s3
            .s3()
            .get_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await;
        let object = fetched.map_err(|error| {
            let failure = Failure::of(&error);
            let remedy = match failure.cause {
                Cause::Denied | Cause::Credentials => {
                    "; the credentials are the pipeline's: check the policy and the key of its artifact bucket"
                }
                Cause::Absent => "; it is gone: start the pipeline again",
                _ => "",
            };
            let sentence = format!(
                "the artifact {name} can't be read: {}{remedy}",
                failure.detail
            );
            match failure.cause {
                Cause::Denied | Cause::Absent | Cause::Refused => ArtifactError::Wrong(sentence),
                _ => ArtifactError::Unreachable(sentence),
            }
        })?;
        let too_large = || {
            ArtifactError::Wrong(format!(
                "the input artifacts up to {name} are larger than {}; let the build's artifact hold only the files that are deployed, and name the artifact of each file: \"build::taskdef.json\"",
                text::words::bytes(MAX_ARCHIVES)
            ))
        };
        let held: usize = self.read.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut bytes = Vec::new();
        let mut body = object.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                ArtifactError::Unreachable(format!("the artifact {name} broke off: {error}"))
            })?;
            if held + bytes.len() + chunk.len() > MAX_ARCHIVES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// A file of an archive; none where it has none of that path.
fn unpack(archive: &[u8], path: &str) -> Result<Option<String>, String> {
    let mut archive = ZipArchive::new(Cursor::new(archive))
        .map_err(|error| format!("it is no zip archive ({error})"))?;
    let file = match archive.by_name(path.trim_start_matches("./")) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(format!("{path} can't be unpacked ({error})")),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{path} can't be unpacked ({error})"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("{path} is larger than 1 MiB"));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| format!("{path} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in files {
            archive
                .start_file(*path, SimpleFileOptions::default())
                .unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn a_file_is_found_by_its_path() {
        let archive = packed(&[("deploy/taskdef.json", b"{}"), ("b", b"\xff")]);
        assert_eq!(
            unpack(&archive, "deploy/taskdef.json"),
            Ok(Some("{}".to_owned()))
        );
        assert_eq!(
            unpack(&archive, "./deploy/taskdef.json"),
            Ok(Some("{}".to_owned()))
        );
        assert_eq!(unpack(&archive, "taskdef.json"), Ok(None));
        assert_eq!(unpack(&archive, "b"), Err("b is not UTF-8".to_owned()));
        assert!(
            unpack(b"text", "b")
                .unwrap_err()
                .starts_with("it is no zip archive")
        );
    }

    #[test]
    fn a_small_archive_of_a_large_file_is_refused() {
        let archive = packed(&[("taskdef.json", &vec![b' '; 50 * 1024 * 1024])]);
        assert!(archive.len() < 100_000);
        assert_eq!(
            unpack(&archive, "taskdef.json"),
            Err("taskdef.json is larger than 1 MiB".to_owned())
        );
    }
}
