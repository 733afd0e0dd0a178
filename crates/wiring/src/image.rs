//! The image of the container under test.

use crate::facts::{EcsRelease, Registry};
use crate::finding::{Outcome, RuleResult, known, mismatch, not_judged};
use crate::service::of_balancer;

fn image(release: &EcsRelease) -> Result<&str, Outcome> {
    match of_balancer(release) {
        Ok(container) => Ok(&container.image),
        Err(Outcome::Mismatch(_)) => Err(not_judged("the container is not known")),
        Err(other) => Err(other),
    }
}

/// The image is named by something that does not move.
pub(crate) fn tag(release: &EcsRelease) -> RuleResult {
    let image = image(release)?;
    if image.contains('@') {
        return Ok(());
    }
    // A colon before the last slash belongs to the registry's port.
    let name = image.rsplit('/').next().unwrap_or(image);
    let what = match name.split_once(':') {
        None => "has no tag, which means latest",
        Some((_, "latest")) => "has the tag latest",
        Some(_) => return Ok(()),
    };
    Err(mismatch(
        format!("the image {image}"),
        format!("{what}: what runs can change without a deployment, and a rollback runs the same"),
        "deploy a tag that is given once, or a digest",
    ))
}

/// The registry has it.
pub(crate) fn exists(release: &EcsRelease) -> RuleResult {
    let image = image(release)?;
    match known(&release.image)? {
        Registry::Present => Ok(()),
        Registry::NotAsked => Err(not_judged("images are looked up in Amazon ECR only")),
        Registry::Absent => Err(mismatch(
            format!("the image {image}"),
            "is not in its repository: no task of it can start",
            "push it, and check the repository's lifecycle policy",
        )),
    }
}
