//! What a task definition says of how it came about: the commit and the execution of the pipeline. Pure.
//!
//! Both stand in logs, reports, messages and events, so only what looks like one is taken: whatever else stands in such
//! a tag or variable is nobody's business.

use aws_sdk_ecs::types::{ContainerDefinition, Tag};
use common::provenance::{COMMIT_TAG, EXECUTION_TAG, is_commit, is_execution};

/// Environment variables of the container, in this order.
const COMMIT_VARIABLES: [&str; 4] = [
    "COMMIT",
    "GIT_COMMIT",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "DD_GIT_COMMIT_SHA",
];
const EXECUTION_VARIABLES: [&str; 1] = ["PIPELINE_EXECUTION_ID"];
/// <https://github.com/opencontainers/image-spec/blob/main/annotations.md>
const COMMIT_LABEL: &str = "org.opencontainers.image.revision";

/// The commit that was built.
pub(crate) fn commit(tags: &[Tag], container: &ContainerDefinition) -> Result<String, String> {
    let label = || {
        container
            .docker_labels()?
            .get(COMMIT_LABEL)
            .map(String::as_str)
    };
    let said = written(tags, COMMIT_TAG, container, &COMMIT_VARIABLES).chain(label());
    let found = said.map(str::trim).find(|commit| is_commit(commit));
    found.map(str::to_owned).ok_or_else(|| {
        format!(
            "nothing names the commit; set the tag {COMMIT_TAG} of the task definition, or in the container the variable \
             COMMIT or the label {COMMIT_LABEL}, to the commit's hash"
        )
    })
}

/// The execution of `CodePipeline`.
pub(crate) fn pipeline_execution(
    tags: &[Tag],
    container: &ContainerDefinition,
) -> Result<String, String> {
    let mut said = written(tags, EXECUTION_TAG, container, &EXECUTION_VARIABLES);
    said.find(|id| is_execution(id.trim()))
        .map(|id| id.trim().to_owned())
        .ok_or_else(|| {
            format!(
                "nothing names it; set the tag {EXECUTION_TAG} of the task definition, or the variable \
                 PIPELINE_EXECUTION_ID in the container, to #{{codepipeline.PipelineExecutionId}}"
            )
        })
}

fn written<'a>(
    tags: &'a [Tag],
    tag: &'a str,
    container: &'a ContainerDefinition,
    variables: &'a [&'a str],
) -> impl Iterator<Item = &'a str> {
    let tag = tags.iter().find(move |it| it.key() == Some(tag));
    let pairs = container.environment();
    let value = |name: &&str| pairs.iter().find(|pair| pair.name() == Some(name))?.value();
    let variables = variables.iter().filter_map(value);
    tag.and_then(Tag::value).into_iter().chain(variables)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::KeyValuePair;

    use super::*;

    const COMMIT: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
    const EXECUTION: &str = "3137f7cb-7cf7-4d53-8a8d-1f3a5c1d2b1e";

    fn tag(key: &str, value: &str) -> Tag {
        Tag::builder().key(key).value(value).build()
    }

    fn container(variables: &[(&str, &str)]) -> ContainerDefinition {
        let pairs = variables
            .iter()
            .map(|(name, value)| KeyValuePair::builder().name(*name).value(*value).build());
        ContainerDefinition::builder()
            .set_environment(Some(pairs.collect()))
            .build()
    }

    #[test]
    fn the_tag_comes_before_variables_and_these_before_the_label() {
        let labelled = |variables: &[(&str, &str)]| {
            let mut container = container(variables);
            container.docker_labels = Some([(COMMIT_LABEL.into(), "ccccccc".into())].into());
            container
        };
        let variables = [("GIT_COMMIT", "bbbbbbb")];
        let tagged = [tag(COMMIT_TAG, "aaaaaaa")];
        assert_eq!(commit(&tagged, &labelled(&variables)).unwrap(), "aaaaaaa");
        assert_eq!(commit(&[], &labelled(&variables)).unwrap(), "bbbbbbb");
        assert_eq!(commit(&[], &labelled(&[])).unwrap(), "ccccccc");
        let codebuild = [("CODEBUILD_RESOLVED_SOURCE_VERSION", COMMIT)];
        assert_eq!(commit(&[], &container(&codebuild)).unwrap(), COMMIT);
    }

    #[test]
    fn what_is_no_commit_and_no_execution_is_not_taken() {
        for other in ["", "main", "0a1b2c", "token=0123456789", "0a1b2c3 x"] {
            let tags = [tag(COMMIT_TAG, other), tag(EXECUTION_TAG, other)];
            assert!(commit(&tags, &container(&[])).is_err(), "{other}");
            assert!(
                pipeline_execution(&tags, &container(&[])).is_err(),
                "{other}"
            );
        }
        // A variable that holds something else does not hide the next one.
        let variables = [("COMMIT", "latest"), ("GIT_COMMIT", COMMIT)];
        assert_eq!(commit(&[], &container(&variables)).unwrap(), COMMIT);
        let tags = [tag(EXECUTION_TAG, EXECUTION)];
        assert_eq!(
            pipeline_execution(&tags, &container(&[])).unwrap(),
            EXECUTION
        );
    }
}
