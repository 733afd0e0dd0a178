//! Which version a task definition deploys: from what can know it, in a fixed order.
//!
//! A digest names an image and not a version, and `latest` says nothing about what runs. A gate that
//! took either for the version would stop good releases, so here "nothing names it" is an answer, with
//! what to write so that something does. Pure; [`crate::lookup`] asks the registry.

use aws_sdk_ecs::types::{ContainerDefinition, Tag, TaskDefinition};
use wiring::facts::NamedVersion;

/// Set for this tool alone, so it comes first.
pub(crate) const VERSION_TAG: &str = "deploy-hooks:version";
/// Environment variables of the container, in this order; then `service.version` in [`OTEL_VARIABLE`].
pub(crate) const VERSION_VARIABLES: [&str; 4] =
    ["VERSION", "APP_VERSION", "SERVICE_VERSION", "DD_VERSION"];
/// <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>
pub(crate) const OTEL_VARIABLE: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// Docker labels of the container definition, in this order.
pub(crate) const VERSION_LABELS: [&str; 2] = [
    "org.opencontainers.image.version",
    "com.datadoghq.tags.version",
];
/// Words in a tag that moves from release to release.
const MOVING_TAGS: [&str; 16] = [
    "current",
    "develop",
    "development",
    "edge",
    "head",
    "latest",
    "live",
    "main",
    "master",
    "nightly",
    "prod",
    "production",
    "stable",
    "staging",
    "test",
    "trunk",
];
/// Git's short form has 7 characters.
const MIN_COMMIT_CHARS: usize = 7;
/// A longer one is no version.
const MAX_VERSION_BYTES: usize = 256;

/// The image of a container, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image<'a> {
    /// Registry and repository.
    pub name: &'a str,
    /// What stands after the colon.
    pub tag: Option<&'a str>,
    /// `sha256:…`
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes `registry/repository:tag@digest` apart.
    pub(crate) fn parse(image: &'a str) -> Self {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        match rest[last..].split_once(':') {
            Some((_, tag)) => Self {
                name: &rest[..rest.len() - tag.len() - 1],
                tag: Some(tag),
                digest,
            },
            None => Self {
                name: rest,
                tag: None,
                digest,
            },
        }
    }
}

/// The container whose release is under test: the named one, or the only one. The error says why there is none.
pub(crate) fn container<'a>(
    definition: &'a TaskDefinition,
    name: Option<&str>,
) -> Result<&'a ContainerDefinition, String> {
    let containers = definition.container_definitions();
    let named = |it: &&ContainerDefinition| it.name() == name;
    match (name, containers) {
        (Some(name), _) => containers.iter().find(named).ok_or_else(|| {
            format!("the task definition has no container {name}, which the AppSpec names")
        }),
        (None, [only]) => Ok(only),
        (None, _) => Err(format!(
            "the task definition has {} containers; name one as ContainerName in the AppSpec",
            containers.len()
        )),
    }
}

/// The version by what the task definition says, without asking anybody else.
pub(crate) fn of(tags: &[Tag], container: &ContainerDefinition) -> Option<String> {
    let first = named(tags, container).into_iter().next();
    first.map(|named| named.version)
}

/// All that names a version, the most direct first.
pub(crate) fn named(tags: &[Tag], container: &ContainerDefinition) -> Vec<NamedVersion> {
    let tag = tags.iter().find(|tag| tag.key() == Some(VERSION_TAG));
    let variable = |name: &str| {
        let pairs = container.environment();
        let pair = pairs.iter().find(|pair| pair.name() == Some(name))?;
        pair.value()
    };
    let label = |name: &str| container.docker_labels()?.get(name).map(String::as_str);
    let of_tag = tag.and_then(|tag| tag.value());
    let of_tag = of_tag.map(|value| (format!("the tag {VERSION_TAG}"), value));
    let of_variables = VERSION_VARIABLES
        .iter()
        .filter_map(|name| Some((format!("the variable {name}"), variable(name)?)));
    let of_otel = variable(OTEL_VARIABLE).and_then(service_version);
    let of_otel = of_otel.map(|value| {
        (
            format!("service.version in the variable {OTEL_VARIABLE}"),
            value,
        )
    });
    let of_labels = VERSION_LABELS
        .iter()
        .filter_map(|name| Some((format!("the label {name}"), label(name)?)));
    let said = of_tag
        .into_iter()
        .chain(of_variables)
        .chain(of_otel)
        .chain(of_labels)
        .filter_map(|(place, value)| {
            let version = usable(value)?;
            Some(NamedVersion { place, version })
        });
    let image = container.image().map(Image::parse);
    let of_image = image.and_then(|image| image.tag.filter(|tag| names_a_version(tag)));
    let of_image = of_image.map(|tag| NamedVersion {
        place: "the image's tag".to_owned(),
        version: tag.to_owned(),
    });
    said.chain(of_image).collect()
}

/// `1.2.0` of `service.name=shop,service.version=1.2.0`.
fn service_version(attributes: &str) -> Option<&str> {
    attributes
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| key.trim() == "service.version")
        .map(|(_, value)| value)
}

/// A value that is meant as a version and is none of the moving names.
fn usable(value: &str) -> Option<String> {
    let value = value.trim();
    let plain =
        !value.is_empty() && value.len() <= MAX_VERSION_BYTES && !value.contains(char::is_control);
    (plain && !moves(value)).then(|| value.to_owned())
}

/// Whether a tag names one release: `1.2.0`, `v2`, `6063e25`, `build-117`; not `latest` or `main`.
pub(crate) fn names_a_version(tag: &str) -> bool {
    let commit = |part: &str| {
        part.len() >= MIN_COMMIT_CHARS && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let numbered = tag.contains(|c: char| c.is_ascii_digit()) || parts(tag).any(commit);
    numbered && !moves(tag)
}

fn moves(text: &str) -> bool {
    // `1.2.0-staging` is a pre-release; `latest-1` is none.
    let mut parts = parts(text);
    let first = parts.next().unwrap_or_default();
    let begins_as_number = first
        .trim_start_matches(['v', 'V'])
        .starts_with(|c: char| c.is_ascii_digit());
    let word = |part: &str| {
        MOVING_TAGS
            .iter()
            .any(|word| word.eq_ignore_ascii_case(part))
    };
    if begins_as_number {
        return parts.any(|part| part.eq_ignore_ascii_case("latest"));
    }
    word(first) || parts.any(word)
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(['-', '.', '_', '+'])
}

/// The tag beside a digest that is its version: the highest by Semantic Versioning, else the only one
/// that names a release. The error says what is there instead.
pub(crate) fn beside_digest(tags: &[String]) -> Result<String, String> {
    let semantic = tags.iter().filter_map(|tag| {
        let text = tag.strip_prefix('v').unwrap_or(tag);
        Some((semver::Version::parse(text).ok()?, tag))
    });
    if let Some((_, tag)) = semantic.max() {
        return Ok(tag.clone());
    }
    let named: Vec<&String> = tags.iter().filter(|tag| names_a_version(tag)).collect();
    match named.as_slice() {
        [only] => Ok((*only).clone()),
        [] if tags.is_empty() => Err("the registry has no tag beside this digest".to_owned()),
        [] => Err(format!(
            "the registry's tags beside this digest ({}) name no version",
            tags.join(", ")
        )),
        several => {
            let several: Vec<&str> = several.iter().map(|tag| tag.as_str()).collect();
            Err(format!(
                "the registry has several tags beside this digest ({}), and none is of Semantic Versioning",
                several.join(", ")
            ))
        }
    }
}

/// Why the version of `container` is not known, and what to write so that it is. `registry` is what the
/// registry said, if it was asked.
pub(crate) fn unknown(container: &ContainerDefinition, registry: Option<&str>) -> String {
    let image = container.image().unwrap_or("without a name");
    let parsed = Image::parse(image);
    let why = match (parsed.tag, parsed.digest) {
        (Some(tag), _) => format!("the tag {tag:?} names no version"),
        (None, Some(_)) => "a digest names no version".to_owned(),
        (None, None) => "it has no tag".to_owned(),
    };
    let registry = registry.map_or_else(String::new, |said| format!("; {said}"));
    format!(
        "nothing names the version of the image {image}: {why}{registry}; set the environment variable {} or the docker label {} of the container {}, or the tag {VERSION_TAG} of the task definition",
        VERSION_VARIABLES[0],
        VERSION_LABELS[0],
        container.name().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::KeyValuePair;

    fn container(image: &str) -> ContainerDefinition {
        ContainerDefinition::builder()
            .name("shop")
            .image(image)
            .build()
    }

    fn variable(name: &str, value: &str) -> KeyValuePair {
        KeyValuePair::builder().name(name).value(value).build()
    }

    #[test]
    fn images_are_taken_apart() {
        for (image, name, tag, digest) in [
            ("shop:1.2.0", "shop", Some("1.2.0"), None),
            (
                "r.test:5000/team/shop:1",
                "r.test:5000/team/shop",
                Some("1"),
                None,
            ),
            ("r.test:5000/team/shop", "r.test:5000/team/shop", None, None),
            ("shop:1@sha256:0", "shop", Some("1"), Some("sha256:0")),
            ("shop@sha256:0", "shop", None, Some("sha256:0")),
        ] {
            assert_eq!(Image::parse(image), Image { name, tag, digest }, "{image}");
        }
    }

    #[test]
    fn a_version_is_taken_from_a_tag_that_is_one() {
        for (image, version) in [
            ("shop:1.2.0", Some("1.2.0")),
            ("registry.example.com:5000/team/shop:v2", Some("v2")),
            ("shop:6063e25", Some("6063e25")),
            ("shop:abcdefa", Some("abcdefa")),
            ("shop:build-117", Some("build-117")),
            ("shop:1.2.0-staging", Some("1.2.0-staging")),
            ("shop:1.2.0@sha256:0123456789abcdef", Some("1.2.0")),
            ("shop@sha256:0123456789abcdef", None),
            ("registry.example.com:5000/team/shop", None),
            ("shop:latest", None),
            ("shop:LATEST", None),
            ("shop:latest-arm64", None),
            ("shop:20-latest", None),
            ("shop:main", None),
            ("shop:prod-eu1", None),
        ] {
            assert_eq!(of(&[], &container(image)).as_deref(), version, "{image}");
        }
    }

    #[test]
    fn what_is_said_more_directly_comes_first() {
        let tags = [Tag::builder().key(VERSION_TAG).value("1").build()];
        let mut rich = ContainerDefinition::builder()
            .image("shop:6")
            .docker_labels(VERSION_LABELS[0], "5")
            .environment(variable(
                OTEL_VARIABLE,
                "service.name=shop, service.version=4",
            ))
            .environment(variable("APP_VERSION", "3"))
            .environment(variable("VERSION", "2"))
            .build();
        let places = named(&tags, &rich).into_iter();
        let places: Vec<String> = places
            .map(|it| format!("{} {}", it.place, it.version))
            .collect();
        insta::assert_snapshot!(places.join("\n"), @r"
        the tag deploy-hooks:version 1
        the variable VERSION 2
        the variable APP_VERSION 3
        service.version in the variable OTEL_RESOURCE_ATTRIBUTES 4
        the label org.opencontainers.image.version 5
        the image's tag 6
        ");
        assert_eq!(of(&tags, &rich).as_deref(), Some("1"));
        assert_eq!(of(&[], &rich).as_deref(), Some("2"));
        rich.environment.as_mut().unwrap().pop();
        assert_eq!(of(&[], &rich).as_deref(), Some("3"));
        rich.environment.as_mut().unwrap().pop();
        assert_eq!(of(&[], &rich).as_deref(), Some("4"));
        rich.environment = None;
        assert_eq!(of(&[], &rich).as_deref(), Some("5"));
        rich.docker_labels = None;
        assert_eq!(of(&[], &rich).as_deref(), Some("6"));
    }

    #[test]
    fn a_moving_or_empty_value_is_passed_over() {
        for value in ["", "  ", "latest", "main", "1\n2"] {
            let container = ContainerDefinition::builder()
                .image("shop:1.2.0")
                .environment(variable("VERSION", value))
                .build();
            assert_eq!(of(&[], &container).as_deref(), Some("1.2.0"), "{value:?}");
        }
    }

    #[test]
    fn beside_a_digest_the_highest_semantic_version_counts() {
        let pick = |tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            beside_digest(&tags)
        };
        assert_eq!(
            pick(&["latest", "1.2.0-rc.1", "1.2.0", "6063e25"]).as_deref(),
            Ok("1.2.0")
        );
        assert_eq!(pick(&["v1.10.0", "v1.9.0", "1"]).as_deref(), Ok("v1.10.0"));
        assert_eq!(pick(&["latest", "6063e25"]).as_deref(), Ok("6063e25"));
        assert!(
            pick(&["build-117", "6063e25"])
                .unwrap_err()
                .contains("several tags")
        );
        assert!(pick(&["latest"]).unwrap_err().contains("(latest)"));
        assert!(pick(&[]).unwrap_err().contains("no tag"));
    }

    #[test]
    fn what_is_not_known_says_what_to_write() {
        insta::assert_snapshot!(unknown(&container("shop@sha256:0123"), Some("the registry has no tag beside this digest")), @"nothing names the version of the image shop@sha256:0123: a digest names no version; the registry has no tag beside this digest; set the environment variable VERSION or the docker label org.opencontainers.image.version of the container shop, or the tag deploy-hooks:version of the task definition");
        assert!(
            unknown(&container("shop:latest"), None)
                .contains("the tag \"latest\" names no version")
        );
    }
}
