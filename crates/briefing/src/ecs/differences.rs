//! How two task definitions differ, as their fields are called. Pure.
//!
//! Names only where a value may be a secret: of a variable or a secret people see that it is new, gone or
//! another one, and never what it holds.

use std::collections::{BTreeMap, BTreeSet};

use approvals::{Difference, DifferenceKind};
use aws_sdk_ecs::types::{ContainerDefinition, NetworkMode, ServiceRevision};

use super::DescribedRevision;
use crate::text;

/// Differences that are kept: as many as a reader can take in.
const MAX_DIFFERENCES: usize = 60;
/// Characters of a field's name.
const MAX_NAME_CHARS: usize = 160;
/// Characters of a value.
const MAX_VALUE_CHARS: usize = 200;

/// A field of a task definition.
enum Field {
    /// Its value may be shown.
    Open(String),
    /// Only whether it is the same may be shown.
    Closed(String),
}

/// How the new revision differs from the old one; nothing where there is no old one but its images.
pub(super) fn between(old: Option<&DescribedRevision>, new: &DescribedRevision) -> Vec<Difference> {
    let (new, old) = match old {
        Some(old) => (fields(new), fields(old)),
        None => (images(&new.revision), BTreeMap::new()),
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differences = names
        .into_iter()
        .filter_map(|name| difference(name, old.get(name), new.get(name)));
    differences.take(MAX_DIFFERENCES).collect()
}

fn difference(name: &str, old: Option<&Field>, new: Option<&Field>) -> Option<Difference> {
    let same = |one: &Field, other: &Field| match (one, other) {
        (Field::Open(one), Field::Open(other)) | (Field::Closed(one), Field::Closed(other)) => {
            one == other
        }
        _ => false,
    };
    let kind = match (old, new) {
        (None, None) => return None,
        (Some(old), Some(new)) if same(old, new) => return None,
        (Some(_), Some(_)) => DifferenceKind::Changed,
        (None, Some(_)) => DifferenceKind::Added,
        (Some(_), None) => DifferenceKind::Removed,
    };
    let value = |field: Option<&Field>| match field? {
        Field::Open(value) => Some(text::line(value, MAX_VALUE_CHARS)),
        Field::Closed(_) => None,
    };
    Some(Difference {
        field: text::line(name, MAX_NAME_CHARS),
        kind,
        before: value(old),
        after: value(new),
    })
}

fn images(revision: &ServiceRevision) -> BTreeMap<String, Field> {
    let images = revision.container_images().iter();
    images
        .map(|image| {
            let name = image.container_name().unwrap_or("?");
            let digest = image.image_digest().unwrap_or_default();
            let short = digest.get(..19).unwrap_or(digest);
            let shown = image.image().unwrap_or("?");
            let shown = if digest.is_empty() || shown.contains(digest) {
                shown.to_owned()
            } else {
                format!("{shown} ({short})")
            };
            (format!("{name}.image"), Field::Open(shown))
        })
        .collect()
}

fn fields(described: &DescribedRevision) -> BTreeMap<String, Field> {
    let task = &described.task;
    let mut fields = BTreeMap::new();
    for container in task.container_definitions() {
        add_container(&mut fields, container);
    }
    // As they run: with the digests.
    fields.extend(images(&described.revision));
    let whole = [
        ("cpu", task.cpu()),
        ("memory", task.memory()),
        ("taskRoleArn", task.task_role_arn()),
        ("executionRoleArn", task.execution_role_arn()),
        ("networkMode", task.network_mode().map(NetworkMode::as_str)),
    ];
    for (name, value) in whole {
        if let Some(value) = value {
            fields.insert(name.to_owned(), Field::Open(value.to_owned()));
        }
    }
    fields
}

fn add_container(fields: &mut BTreeMap<String, Field>, container: &ContainerDefinition) {
    let name = container.name().unwrap_or("?");
    let mut add = |field: &str, value: Field| {
        fields.insert(format!("{name}.{field}"), value);
    };
    if let Some(image) = container.image() {
        add("image", Field::Open(image.to_owned()));
    }
    if container.cpu() != 0 {
        add("cpu", Field::Open(container.cpu().to_string()));
    }
    let sizes = [
        ("memory", container.memory()),
        ("memoryReservation", container.memory_reservation()),
    ];
    for (field, size) in sizes {
        if let Some(size) = size {
            add(field, Field::Open(size.to_string()));
        }
    }
    for port in container.port_mappings() {
        if let Some(number) = port.container_port() {
            let protocol = port.protocol().map_or("tcp", |protocol| protocol.as_str());
            add(
                &format!("portMappings.{number}"),
                Field::Open(protocol.to_owned()),
            );
        }
    }
    for variable in container.environment() {
        let (Some(name), value) = (variable.name(), variable.value().unwrap_or_default()) else {
            continue;
        };
        add(
            &format!("environment.{name}"),
            Field::Closed(value.to_owned()),
        );
    }
    for secret in container.secrets() {
        add(
            &format!("secrets.{}", secret.name()),
            Field::Closed(secret.value_from().to_owned()),
        );
    }
    let commands = [
        ("command", container.command()),
        ("entryPoint", container.entry_point()),
    ];
    for (field, command) in commands {
        if !command.is_empty() {
            add(field, Field::Closed(command.join("\0")));
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerImage, KeyValuePair, PortMapping, Secret, TaskDefinition};
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "hunter2-hunter2";

    fn described(
        tag: &str,
        cpu: &str,
        variables: &[(&str, &str)],
        secrets: &[(&str, &str)],
        port: i32,
    ) -> DescribedRevision {
        let pair = |(name, value): &(&str, &str)| {
            KeyValuePair::builder().name(*name).value(*value).build()
        };
        let secret = |(name, from): &(&str, &str)| {
            Secret::builder()
                .name(*name)
                .value_from(*from)
                .build()
                .unwrap()
        };
        let container = ContainerDefinition::builder()
            .name("web")
            .image(format!("shop:{tag}"))
            .set_environment(Some(variables.iter().map(pair).collect()))
            .set_secrets(Some(secrets.iter().map(secret).collect()))
            .port_mappings(PortMapping::builder().container_port(port).build())
            .build();
        let image = ContainerImage::builder()
            .container_name("web")
            .image(format!("shop:{tag}"))
            .image_digest(format!("sha256:{tag}aaaaaaaaaaaaaaaaaaaaaaaa"))
            .build();
        DescribedRevision {
            revision: ServiceRevision::builder().container_images(image).build(),
            task: TaskDefinition::builder()
                .container_definitions(container)
                .cpu(cpu)
                .memory("512")
                .build(),
        }
    }

    fn shown(old: Option<&DescribedRevision>, new: &DescribedRevision) -> String {
        let lines = between(old, new).into_iter().map(|difference| {
            let value = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            format!(
                "{:?} {} {} {}",
                difference.kind,
                difference.field,
                value(difference.before),
                value(difference.after)
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_differs_is_named_and_no_value_of_a_variable_shown() {
        let old = described(
            "1.0.0",
            "256",
            &[("MODE", "slow"), ("OLD", SECRET), ("SAME", "x")],
            &[("DB", "arn:aws:secretsmanager:one")],
            8080,
        );
        let new = described(
            "1.1.0",
            "512",
            &[("MODE", SECRET), ("NEW", SECRET), ("SAME", "x")],
            &[("DB", "arn:aws:secretsmanager:two"), ("API", "arn:three")],
            9090,
        );
        let shown = shown(Some(&old), &new);
        insta::assert_snapshot!(shown, @r"
        Changed cpu 256 512
        Changed web.environment.MODE - -
        Added web.environment.NEW - -
        Removed web.environment.OLD - -
        Changed web.image shop:1.0.0 (sha256:1.0.0aaaaaaa) shop:1.1.0 (sha256:1.1.0aaaaaaa)
        Removed web.portMappings.8080 tcp -
        Added web.portMappings.9090 - tcp
        Added web.secrets.API - -
        Changed web.secrets.DB - -
        ");
        assert!(!shown.contains(SECRET));
    }

    #[test]
    fn of_a_first_deployment_its_images_are_shown() {
        let new = described("1.0.0", "256", &[("MODE", SECRET)], &[], 8080);
        insta::assert_snapshot!(shown(None, &new), @"Added web.image - shop:1.0.0 (sha256:1.0.0aaaaaaa)");
        assert_eq!(shown(Some(&new), &new), "");
    }

    proptest! {
        #[test]
        fn no_value_of_a_variable_or_secret_is_ever_in_it(
            names in prop::collection::btree_set("[A-Z]{1,6}", 0..6),
            other in prop::collection::btree_set("[A-Z]{1,6}", 0..6),
        ) {
            let pairs = |names: &BTreeSet<String>, value: &str| -> Vec<(String, String)> {
                names.iter().map(|name| (name.clone(), format!("{value}-{name}"))).collect()
            };
            let of = |names: &BTreeSet<String>, value: &str| {
                let pairs = pairs(names, value);
                let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                described("1", "256", &pairs, &pairs, 80)
            };
            let (old, new) = (of(&names, SECRET), of(&other, "s3cr3t-value"));
            let found = between(Some(&old), &new);
            let text = format!("{found:?}");
            prop_assert!(!text.contains(SECRET) && !text.contains("s3cr3t-value"));
            // Each name of either is listed, as every value differs.
            let all: BTreeSet<&String> = names.union(&other).collect();
            prop_assert_eq!(found.len(), 2 * all.len());
        }
    }
}
