//! The job that `CodePipeline` sends. It carries credentials: it is never logged or repeated.

use std::fmt;

use serde::Deserialize;

/// What Lambda hands over.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "CodePipeline.job")]
    job: Option<RawJob>,
}

/// The event is not a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no job of CodePipeline; expected {{\"CodePipeline.job\":{{\"id\":\"…\",\"data\":{{…}}}}}}: let an \
     action of the category Invoke and the provider Lambda call this function"
)]
pub(crate) struct NotAJob;

#[derive(Debug, Deserialize)]
struct RawJob {
    id: String,
    data: Option<Data>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    action_configuration: Option<ActionConfiguration>,
    input_artifacts: Option<Vec<RawArtifact>>,
    artifact_credentials: Option<Credentials>,
    continuation_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ActionConfiguration {
    configuration: Option<Configuration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Configuration {
    user_parameters: Option<String>,
}

// A job that can't be read is a job that waits for 20 minutes: what is not needed may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawArtifact {
    name: Option<String>,
    location: Option<Location>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Location {
    s3_location: Option<S3Location>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct S3Location {
    bucket_name: Option<String>,
    object_key: Option<String>,
}

/// What reads the artifacts: they lie in the pipeline's bucket, under the pipeline's key.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<String>,
    pub(crate) session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// A UUID; another one for each continuation.
    pub(crate) id: String,
    pub(crate) user_parameters: String,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) continuation_token: Option<String>,
}

/// An input artifact: a zip archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Event {
    /// The job.
    pub(crate) fn job(self) -> Result<Job, NotAJob> {
        let RawJob { id, data } = self.job.ok_or(NotAJob)?;
        let data = data.unwrap_or_default();
        let artifact = |raw: RawArtifact| {
            let place = raw.location?.s3_location?;
            Some(Artifact {
                name: raw.name?,
                bucket: place.bucket_name?,
                key: place.object_key?,
            })
        };
        let configuration = data.action_configuration.unwrap_or_default().configuration;
        Ok(Job {
            id,
            user_parameters: configuration
                .unwrap_or_default()
                .user_parameters
                .unwrap_or_default(),
            artifacts: data
                .input_artifacts
                .into_iter()
                .flatten()
                .filter_map(artifact)
                .collect(),
            credentials: data.artifact_credentials,
            continuation_token: data.continuation_token.filter(|token| !token.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_is_read_and_its_credentials_are_not_shown() {
        let sample = include_str!("../../../events/codepipeline-deploy-action.json");
        let job = serde_json::from_str::<Event>(sample)
            .unwrap()
            .job()
            .unwrap();
        let names: Vec<&str> = job.artifacts.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["build", "image"]);
        assert!(crate::parameters::Parameters::read(&job.user_parameters).is_ok());
        assert!(job.credentials.is_some() && job.continuation_token.is_none());
        assert!(!format!("{job:?}").contains("EXAMPLEKEY"));
    }

    #[test]
    fn a_job_that_lacks_what_it_may_lack_is_a_job() {
        for data in [
            "null",
            r#"{"actionConfiguration":null,"inputArtifacts":null,"artifactCredentials":null}"#,
            r#"{"inputArtifacts":[{"name":"a","location":null},{}],"artifactCredentials":{"accessKeyId":null}}"#,
        ] {
            let event = format!(r#"{{"CodePipeline.job":{{"id":"1","data":{data}}}}}"#);
            let job = serde_json::from_str::<Event>(&event)
                .unwrap()
                .job()
                .unwrap();
            assert_eq!((job.id.as_str(), job.artifacts.len()), ("1", 0), "{data}");
        }
    }
}
