//! What a task definition runs: the image of the container under test, its version, and what it came from.
//!
//! Best effort: whoever misses a fact reads here why it is not known.

use aws_sdk_ecs::types::{ContainerDefinition, Tag, TaskDefinition, TaskDefinitionField};
use common::failure::Hints;

use super::{LookupContext, ecr};
use crate::provenance;
use crate::version::{self, Image};

/// What a task definition runs.
pub(crate) struct Release {
    pub(crate) image: Result<String, String>,
    /// Where the image is named by it.
    pub(crate) image_digest: Result<String, String>,
    pub(crate) version: Result<String, String>,
    pub(crate) commit: Result<String, String>,
    pub(crate) pipeline_execution_id: Result<String, String>,
}

impl Release {
    pub(crate) fn unknown(why: &str) -> Self {
        Self {
            image: Err(why.to_owned()),
            image_digest: Err(why.to_owned()),
            version: Err(why.to_owned()),
            commit: Err(why.to_owned()),
            pipeline_execution_id: Err(why.to_owned()),
        }
    }
}

/// The image and the version of the container under test. The registry is asked only where the task
/// definition does not name the version.
pub(crate) async fn release(
    context: LookupContext<'_>,
    definition: &str,
    container: Option<&str>,
) -> Release {
    let described = match task_definition_of(context, definition).await {
        Ok(described) => described,
        Err(why) => return Release::unknown(&why),
    };
    let container = match version::container(&described.definition, container) {
        Ok(container) => container,
        Err(why) => return Release::unknown(&why),
    };
    let image = container
        .image()
        .map(str::to_owned)
        .ok_or_else(|| "the container has no image".to_owned());
    let image_digest = image.clone().and_then(|image| {
        let digest = Image::parse(&image).digest.map(str::to_owned);
        digest.ok_or_else(|| {
            format!("the task definition names the image {image} without a digest; name it by its digest")
        })
    });
    let version = match version::of(&described.tags, container) {
        Some(version) => Ok(version),
        None => from_registry(context, container).await,
    };
    Release {
        image,
        image_digest,
        version,
        commit: provenance::commit(&described.tags, container),
        pipeline_execution_id: provenance::pipeline_execution(&described.tags, container),
    }
}

async fn from_registry(
    context: LookupContext<'_>,
    container: &ContainerDefinition,
) -> Result<String, String> {
    let image = Image::parse(container.image().unwrap_or_default());
    let found = ecr::tags(context, &image).await;
    match found.map(|tags| tags.and_then(|tags| version::beside_digest(&tags))) {
        Some(Ok(version)) => Ok(version),
        Some(Err(why)) => Err(version::unknown(container, Some(&why))),
        None => Err(version::unknown(container, None)),
    }
}

/// A task definition with its tags, which AWS returns beside it.
struct DescribedTaskDefinition {
    definition: TaskDefinition,
    tags: Vec<Tag>,
}

async fn task_definition_of(
    context: LookupContext<'_>,
    arn: &str,
) -> Result<DescribedTaskDefinition, String> {
    let call = context
        .aws
        .ecs()
        .describe_task_definition()
        .task_definition(arn)
        .include(TaskDefinitionField::Tags)
        .send();
    let what = format!("DescribeTaskDefinition {arn}");
    let hints = Hints {
        permission: "ecs:DescribeTaskDefinition",
        absent: "the task definition is gone; register it again",
    };
    let answer = context.best_effort(&what, hints, call).await?;
    Ok(DescribedTaskDefinition {
        definition: answer
            .task_definition
            .ok_or_else(|| format!("{what} returned nothing"))?,
        tags: answer.tags.unwrap_or_default(),
    })
}
