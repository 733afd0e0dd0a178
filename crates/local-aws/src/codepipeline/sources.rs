//! Source actions: an object of a bucket, or a commit of a repository behind a connection.

use std::collections::BTreeMap;

use serde_json::json;

use super::CodePipeline;
use super::actions::{ActionFailure, ActionSuccess, StartedAction, setting};
use super::artifacts::pack;
use super::commits::Commit;
use super::model::{ActionDetails, Revision};

impl CodePipeline {
    /// <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html>
    pub(super) async fn s3_source(
        &self,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let bucket = setting(configuration, "S3Bucket");
        let (mut key, mut version) = (setting(configuration, "S3ObjectKey"), None);
        if let Some(overridden) = &action_run.overridden {
            match overridden.kind.as_str() {
                "S3_OBJECT_KEY" => key = &overridden.value,
                _ => version = Some(overridden.value.as_str()),
            }
        }
        let store = &self.shared.store;
        let found = store.head(bucket, key, version).await.map_err(|why| {
            ActionFailure::configuration(format!(
                "The object with key '{key}' does not exist in bucket '{bucket}' ({why})"
            ))
        })?;
        let version = found.version.ok_or_else(|| {
            ActionFailure::configuration(format!(
                "The S3 bucket '{bucket}' is not versioned; enable versioning"
            ))
        })?;
        if let Some((_, at)) = action_run.outputs.first() {
            let bytes = store.get(bucket, key, Some(&version)).await;
            let bytes = bytes.map_err(ActionFailure::configuration)?;
            store
                .put(at, bytes)
                .await
                .map_err(ActionFailure::configuration)?;
        }
        let variables = [
            ("BucketName", bucket),
            ("ETag", &found.e_tag.unwrap_or_default()),
            ("ObjectKey", key),
            ("VersionId", &version),
        ];
        let url = format!(
            "https://console.aws.amazon.com/s3/buckets/{bucket}?region={}&prefix={key}",
            self.world().region
        );
        Ok(self.found(
            action_run,
            &variables,
            &version,
            format!("Amazon S3 version id: {version}"),
            url,
        ))
    }

    /// <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html>
    pub(super) async fn connection_source(
        &self,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let repository = setting(configuration, "FullRepositoryId");
        let branch = setting(configuration, "BranchName");
        let connection = setting(configuration, "ConnectionArn");
        let commit = match &action_run.overridden {
            Some(overridden) => self
                .commits()
                .by_id(repository, &overridden.value)
                .unwrap_or_else(|| bare(repository, branch, &overridden.value)),
            None => self.commits().head(repository, branch).ok_or_else(|| {
                ActionFailure::configuration(format!(
                    "[GitHub] No Branch [{branch}] found for FullRepositoryName [{repository}]"
                ))
            })?,
        };
        if let Some((_, at)) = action_run.outputs.first() {
            let bytes = pack(&commit.files).map_err(ActionFailure::configuration)?;
            let stored = self.shared.store.put(at, bytes).await;
            stored.map_err(ActionFailure::configuration)?;
        }
        let variables = [
            ("AuthorDate", commit.date.as_str()),
            ("AuthorDisplayName", &commit.author),
            ("AuthorEmail", &commit.email),
            ("AuthorId", &commit.author),
            ("BranchName", branch),
            ("CommitId", &commit.id),
            ("CommitMessage", &commit.message),
            ("ConnectionArn", connection),
            ("FullRepositoryName", repository),
        ];
        let summary = json!({
            "ProviderType": commit.provider,
            "CommitMessage": commit.message,
        });
        let url = commit.url.clone().unwrap_or_else(|| {
            format!(
                "https://{}.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={connection}&referenceType=COMMIT&FullRepositoryId={repository}&Commit={}",
                self.world().region, commit.id
            )
        });
        Ok(self.found(action_run, &variables, &commit.id, summary.to_string(), url))
    }

    fn found(
        &self,
        action_run: &StartedAction,
        variables: &[(&str, &str)],
        id: &str,
        summary: String,
        url: String,
    ) -> ActionSuccess {
        let variables = variables
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ActionSuccess {
            details: ActionDetails {
                summary: Some(summary.clone()),
                external_id: Some(id.to_owned()),
                external_url: Some(url.clone()),
                ..ActionDetails::default()
            },
            output_variables: variables.collect(),
            revision: Some(Revision {
                action: action_run.name.clone(),
                artifact: action_run.outputs.first().map(|(name, _)| name.clone()),
                id: id.to_owned(),
                summary,
                url,
                created: self.now(),
            }),
        }
    }
}

/// A commit of which only the id is known.
fn bare(repository: &str, branch: &str, id: &str) -> Commit {
    Commit {
        repository: repository.to_owned(),
        branch: branch.to_owned(),
        id: id.to_owned(),
        message: String::new(),
        author: String::new(),
        email: String::new(),
        date: String::new(),
        url: None,
        provider: "GitHub".to_owned(),
        files: BTreeMap::new(),
    }
}
