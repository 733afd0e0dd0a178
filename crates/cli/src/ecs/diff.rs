//! What a task definition would change: images, sizes, and which variables and secrets. Never their values: they may be
//! passwords, and a dry run stands in the log of a pipeline.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::TaskDefinition;
use serde_json::{Map, Value};

/// What is compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Summary {
    sizes: Sizes,
    containers: BTreeMap<String, Container>,
}

/// `cpu` and `memory`, as far as they are set.
type Sizes = BTreeMap<&'static str, String>;

#[derive(Debug, Clone, Default, PartialEq)]
struct Container {
    image: String,
    sizes: Sizes,
    environment: BTreeMap<String, String>,
    /// By name: where the value comes from.
    secrets: BTreeMap<String, String>,
}

impl Summary {
    /// Of what is to be registered.
    pub(crate) fn of_json(definition: &Map<String, Value>) -> Self {
        let containers = definition.get("containerDefinitions");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        Self {
            sizes: sizes(["cpu", "memory"].map(|name| (name, plain(definition.get(name))))),
            containers: containers
                .map(|container| {
                    let size = |name| plain(container.get(name));
                    let found = Container {
                        image: plain(container.get("image")),
                        sizes: sizes([
                            ("cpu", size("cpu")),
                            ("memory", size("memory")),
                            ("memoryReservation", size("memoryReservation")),
                        ]),
                        environment: pairs(container, "environment", "value"),
                        secrets: pairs(container, "secrets", "valueFrom"),
                    };
                    (plain(container.get("name")), found)
                })
                .collect(),
        }
    }

    /// Of one that is registered.
    pub(crate) fn of_registered(definition: &TaskDefinition) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        let number = |given| number(given).unwrap_or_default();
        let containers = definition.container_definitions().iter().map(|container| {
            let environment = container.environment().iter();
            let secrets = container.secrets().iter();
            let found = Container {
                image: text(container.image()),
                sizes: sizes([
                    ("cpu", container.cpu().to_string()),
                    ("memory", number(container.memory())),
                    ("memoryReservation", number(container.memory_reservation())),
                ]),
                environment: environment
                    .map(|pair| (text(pair.name()), text(pair.value())))
                    .collect(),
                secrets: secrets
                    .map(|secret| (secret.name().to_owned(), secret.value_from().to_owned()))
                    .collect(),
            };
            (text(container.name()), found)
        });
        Self {
            sizes: sizes([
                ("cpu", text(definition.cpu())),
                ("memory", text(definition.memory())),
            ]),
            containers: containers.collect(),
        }
    }
}

fn plain(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn pairs(container: &Value, list: &str, value: &str) -> BTreeMap<String, String> {
    let items = container.get(list).and_then(Value::as_array);
    let pair = |item: &Value| (plain(item.get("name")), plain(item.get(value)));
    items.into_iter().flatten().map(pair).collect()
}

/// ECS says 0 where nothing was given, and `1024` for `1 vCPU`.
fn sizes<const N: usize>(given: [(&'static str, String); N]) -> Sizes {
    let units = |text: String| {
        let number = ["vCPU", "vcpu", "GB", "gb"]
            .iter()
            .find_map(|unit| text.trim().strip_suffix(unit));
        let number: Option<f64> = number.and_then(|number| number.trim().parse().ok());
        number.map_or(text, |number| (number * 1024.0).to_string())
    };
    given
        .into_iter()
        .map(|(name, text)| (name, units(text)))
        .filter(|(_, text)| !text.is_empty() && text != "0")
        .collect()
}

/// A line for each difference.
pub(crate) fn diff(old: &Summary, new: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    size_lines("task", &old.sizes, &new.sizes, &mut lines);
    let none = Container::default();
    for name in old
        .containers
        .keys()
        .chain(new.containers.keys())
        .collect::<BTreeSet<_>>()
    {
        let (before, after) = (old.containers.get(name), new.containers.get(name));
        let Some(after) = after else {
            lines.push(format!("- container {name}"));
            continue;
        };
        if before.is_none() {
            lines.push(format!("+ container {name}"));
        }
        let before = before.unwrap_or(&none);
        let mut changed = |what: &str, from: &str, to: &str| {
            if from != to {
                lines.push(line(&format!("{name}: {what}"), from, to));
            }
        };
        changed("image", &before.image, &after.image);
        size_lines(name, &before.sizes, &after.sizes, &mut lines);
        name_lines(
            name,
            "environment",
            &before.environment,
            &after.environment,
            &mut lines,
        );
        name_lines(name, "secret", &before.secrets, &after.secrets, &mut lines);
    }
    lines
}

fn size_lines(of: &str, old: &Sizes, new: &Sizes, lines: &mut Vec<String>) {
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let text = |sizes: &Sizes| sizes.get(name).cloned().unwrap_or_default();
        let (from, to) = (text(old), text(new));
        if from != to {
            lines.push(line(&format!("{of}: {name}"), &from, &to));
        }
    }
}

fn line(what: &str, from: &str, to: &str) -> String {
    match (from, to) {
        ("", to) => format!("+ {what} {to}"),
        (from, "") => format!("- {what} {from}"),
        (from, to) => format!("~ {what} {from} → {to}"),
    }
}

fn name_lines(
    of: &str,
    what: &str,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    lines: &mut Vec<String>,
) {
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let said = match (old.get(name), new.get(name)) {
            (None, Some(_)) => format!("+ {of}: {what} {name}"),
            (Some(_), None) => format!("- {of}: {what} {name}"),
            (from, to) if from != to => format!("~ {of}: {what} {name} has another value"),
            _ => continue,
        };
        lines.push(said);
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair, Secret};
    use serde_json::json;

    use super::*;

    fn registered() -> TaskDefinition {
        let pair = |name, value| KeyValuePair::builder().name(name).value(value).build();
        let secret = Secret::builder().name("TOKEN").value_from("arn:a").build();
        let shop = ContainerDefinition::builder()
            .name("shop")
            .image("shop:1.0.0")
            .memory(64)
            .environment(pair("KEPT", "same"))
            .environment(pair("PASSWORD", "hunter2"))
            .environment(pair("OLD", "hunter2"))
            .secrets(secret.unwrap());
        TaskDefinition::builder()
            .cpu("1024")
            .memory("2048")
            .container_definitions(shop.build())
            .container_definitions(ContainerDefinition::builder().name("proxy").build())
            .build()
    }

    #[test]
    fn names_are_told_and_no_values() {
        let new = json!({
            "cpu": "1 vCPU", "memory": "4 GB",
            "containerDefinitions": [
                {"name": "shop", "image": "shop:2.0.0", "memoryReservation": 32,
                 "environment": [{"name": "KEPT", "value": "same"}, {"name": "PASSWORD", "value": "hunter3"}, {"name": "NEW", "value": "hunter3"}],
                 "secrets": [{"name": "TOKEN", "valueFrom": "arn:b"}]},
                {"name": "agent", "image": "agent:1"},
            ],
        });
        let new = Summary::of_json(new.as_object().unwrap());
        let told = diff(&Summary::of_registered(&registered()), &new).join("\n");
        assert!(!told.contains("hunter"));
        insta::assert_snapshot!(told, @"
        ~ task: memory 2048 → 4096
        + container agent
        + agent: image agent:1
        - container proxy
        ~ shop: image shop:1.0.0 → shop:2.0.0
        - shop: memory 64
        + shop: memoryReservation 32
        + shop: environment NEW
        - shop: environment OLD
        ~ shop: environment PASSWORD has another value
        ~ shop: secret TOKEN has another value
        ");
        assert!(diff(&new, &new).is_empty());
    }
}
