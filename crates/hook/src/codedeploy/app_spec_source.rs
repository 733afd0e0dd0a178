//! Reads the AppSpec of a deployment: from the deployment itself, from the stored revision, or from S3.

use aws_sdk_codedeploy::types::{RevisionLocation, RevisionLocationType};
use common::aws::Aws;
use common::location::{self, Object, ObjectError};

use super::deployment::Deployment;
use crate::app_spec::{AppSpec, MAX_APP_SPEC_BYTES};
use crate::lookup::LookupError;

/// The AppSpec: from the deployment where it carries it, else from the stored revision, inline or
/// in S3.
pub(crate) async fn read(aws: &Aws, deployment: &Deployment) -> Result<AppSpec, LookupError> {
    let revision = deployment.revision.as_ref().ok_or_else(|| {
        LookupError::Missing(format!("the deployment {} has no revision", deployment.id))
    })?;
    if let Some(text) = inline(revision) {
        return Ok(AppSpec::parse(text)?);
    }
    if revision.revision_type() == Some(&RevisionLocationType::S3) {
        return Ok(AppSpec::parse(&from_s3(aws, revision).await?)?);
    }
    let application = &deployment.application;
    let answer = aws
        .codedeploy()
        .get_application_revision()
        .application_name(application)
        .revision(revision.clone())
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            format!("GetApplicationRevision for {application}"),
            "codedeploy:GetApplicationRevision",
            "the revision is gone: was the application deleted or renamed?",
        ))?;
    match answer.revision().and_then(inline) {
        Some(text) => Ok(AppSpec::parse(text)?),
        None => Err(LookupError::Missing(format!(
            "GetApplicationRevision for {application} returned no AppSpec content"
        ))),
    }
}

/// The AppSpec's text, where the revision carries it.
fn inline(revision: &RevisionLocation) -> Option<&str> {
    #[allow(
        deprecated,
        reason = "CodeDeploy still returns revisions of type String"
    )]
    let string = revision.string().and_then(|raw| raw.content());
    revision
        .app_spec_content()
        .and_then(|raw| raw.content())
        .or(string)
        .filter(|text| !text.trim().is_empty())
}

async fn from_s3(aws: &Aws, revision: &RevisionLocation) -> Result<String, LookupError> {
    let place = revision.s3_location();
    let (Some(bucket), Some(key)) = (
        place.and_then(|place| place.bucket()),
        place.and_then(|place| place.key()),
    ) else {
        return Err(LookupError::Missing(
            "the revision names no bucket and key".to_owned(),
        ));
    };
    let object = Object {
        bucket,
        key,
        version: place.and_then(|place| place.version()),
        // The AppSpec of this deployment, and not what has been uploaded since.
        e_tag: place
            .and_then(|place| place.e_tag())
            .filter(|e_tag| !e_tag.is_empty()),
    };
    let call = format!("GetObject s3://{bucket}/{key} (the AppSpec)");
    let absent = "the AppSpec is gone: was it deleted since the deployment began?";
    let bytes = object
        .read(aws, MAX_APP_SPEC_BYTES)
        .await
        .map_err(|error| {
            let mut detail = error.sentence(aws, absent);
            if error == ObjectError::Replaced {
                detail.push_str(" since the deployment was created; create the deployment again, and turn on versioning for the bucket, so that every deployment keeps its AppSpec");
            }
            LookupError::Missing(format!("{call} failed: {detail}"))
        })?;
    location::text(bytes).map_err(|problem| LookupError::Missing(format!("{call}: {problem}")))
}
