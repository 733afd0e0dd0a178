//! What a decision about a paused deployment is bound to: the hook and the revision behind it.

use approvals::ecs;
use approvals::pipeline::PipelineError;
use approvals::{PausedDeployment, ShownDigest};
use aws_sdk_ecs::types::{ServiceDeployment, ServiceRevision};
use common::aws::Aws;
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The version of the digest's form.
const FORMAT: u32 = 1;
/// What [`ShownDigest::unknown`] calls what could not be looked up.
const UNKNOWN_REVISIONS: &str = "service revisions";

/// What is bound to where nothing could be shown.
pub(super) fn nothing() -> ShownDigest {
    ShownDigest {
        unknown: vec![UNKNOWN_REVISIONS.to_owned()],
        ..ShownDigest::default()
    }
}

/// What a decision would be bound to now.
pub(crate) async fn shown_now(
    aws: &Aws,
    paused: &PausedDeployment,
) -> Result<ShownDigest, PipelineError> {
    let deployment = ecs::read(aws, &paused.deployment_arn).await?;
    let arn = target_arn(&deployment)?.to_owned();
    let revisions = describe(aws, vec![arn.clone()]).await?;
    Ok(of(paused, Some(&find(revisions, &arn)?)))
}

/// Pure: what was shown of the revision that would be deployed.
pub(super) fn of(paused: &PausedDeployment, revision: Option<&ServiceRevision>) -> ShownDigest {
    let Some(revision) = revision else {
        return nothing();
    };
    let images: Vec<_> = revision
        .container_images()
        .iter()
        .map(|image| json!([image.container_name(), image.image(), image.image_digest()]))
        .collect();
    let whole = json!({
        "format": FORMAT,
        "deployment": paused.deployment_arn,
        "hook": paused.hook_id,
        "revision": revision.service_revision_arn(),
        "task_definition": revision.task_definition(),
        "images": images,
    });
    ShownDigest {
        digest: HEXLOWER.encode(&Sha256::digest(whole.to_string().as_bytes())),
        change_sets: Vec::new(),
        unknown: Vec::new(),
    }
}

pub(super) async fn describe(
    aws: &Aws,
    arns: Vec<String>,
) -> Result<Vec<ServiceRevision>, PipelineError> {
    let what = format!("the service revisions {}", arns.join(", "));
    let described = common::ecs::service_revisions(aws, arns).await;
    described.map_err(|error| PipelineError::call(what, "ecs:DescribeServiceRevisions", &error))
}

pub(super) fn find(
    revisions: Vec<ServiceRevision>,
    arn: &str,
) -> Result<ServiceRevision, PipelineError> {
    let mut revisions = revisions.into_iter();
    revisions
        .find(|revision| revision.service_revision_arn() == Some(arn))
        .ok_or_else(|| PipelineError::Absent {
            what: format!("the service revision {arn}"),
        })
}

pub(super) fn target_arn(deployment: &ServiceDeployment) -> Result<&str, PipelineError> {
    let target = deployment.target_service_revision();
    target
        .and_then(|target| target.arn())
        .ok_or_else(|| PipelineError::Absent {
            what: "the target revision of the deployment".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::ContainerImage;

    use super::*;

    fn paused(hook: &str) -> PausedDeployment {
        PausedDeployment {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            cluster: "shop".into(),
            service: "web".into(),
            deployment_arn: "arn:deployment".into(),
            hook_id: hook.into(),
            lifecycle_stage: "POST_SCALE_UP".into(),
            timeout_action: None,
        }
    }

    fn revision(arn: &str, task: &str, digest: &str) -> ServiceRevision {
        let image = ContainerImage::builder()
            .container_name("web")
            .image("shop:1.1.0")
            .image_digest(digest);
        ServiceRevision::builder()
            .service_revision_arn(arn)
            .task_definition(task)
            .container_images(image.build())
            .build()
    }

    #[test]
    fn another_hook_revision_or_image_is_another_digest() {
        let base = of(
            &paused("one"),
            Some(&revision("arn:2", "web:2", "sha256:a")),
        );
        assert_eq!(base.digest.len(), 64);
        assert!(base.unknown.is_empty());
        for other in [
            of(
                &paused("two"),
                Some(&revision("arn:2", "web:2", "sha256:a")),
            ),
            of(
                &paused("one"),
                Some(&revision("arn:3", "web:2", "sha256:a")),
            ),
            of(
                &paused("one"),
                Some(&revision("arn:2", "web:3", "sha256:a")),
            ),
            of(
                &paused("one"),
                Some(&revision("arn:2", "web:2", "sha256:b")),
            ),
            of(&paused("one"), None),
        ] {
            assert_ne!(other.digest, base.digest);
        }
        assert_eq!(of(&paused("one"), None).unknown, [UNKNOWN_REVISIONS]);
    }
}
