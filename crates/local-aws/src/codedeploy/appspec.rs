//! The AppSpec of an ECS deployment, in YAML or JSON, and what is the same for other platforms.
//!
//! Strict, as AWS is: what cannot be deployed is refused here with the reason, and becomes the
//! deployment's `INVALID_REVISION`. It never looks anything up; whether the task definition exists
//! is the deployment's business.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html>

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use super::lifecycle::LifecycleEvent;
use super::platform::Platform;

/// What an ECS deployment needs of an AppSpec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppSpec {
    /// Full ARN, or `family:revision`.
    pub(super) task_definition: String,
    pub(super) container_name: String,
    pub(super) container_port: u16,
    /// Function name or ARN by event.
    pub(super) hooks: BTreeMap<LifecycleEvent, String>,
}

/// Why an AppSpec cannot be deployed: sentences for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AppSpecError {
    #[error(
        "The input AppSpec file is a not well-formed yaml. The template cannot be parsed: {0}."
    )]
    NotYaml(saphyr::ScanError),
    #[error("The AppSpec file is empty.")]
    Empty,
    #[error("The AppSpec file is not a mapping.")]
    NotMapping,
    #[error("The AppSpec file has no list named Resources.")]
    NoResources,
    #[error("The AppSpec file has {1} Resources; {0} deployment has exactly one.", platform.with_article(), count)]
    ResourceCount { platform: Platform, count: usize },
    #[error("The resource of the AppSpec file has no Type and Properties.")]
    NotResource,
    #[error("The resource has {found}; it has to be {wanted}.")]
    WrongType { found: String, wanted: &'static str },
    #[error("{0} is missing.")]
    Missing(&'static str),
    #[error(
        "TaskDefinition is still the placeholder {0}; replace it by the ARN of the task definition \
         to deploy."
    )]
    Placeholder(String),
    #[error("ContainerPort {0} is not a port; it has to be from 1 to 65535.")]
    Port(Value),
    #[error("Hooks is not a list.")]
    HooksNotList,
    #[error("An entry of Hooks is not a mapping.")]
    HookNotMapping,
    #[error(
        "{name} is no lifecycle event of {0} deployment; there are {1}.",
        platform.with_article(),
        hook_names(*platform)
    )]
    UnknownHook { name: String, platform: Platform },
    #[error("The hook {0} names no function.")]
    NoFunction(String),
    #[error("The hook {0} is there twice; it takes one function.")]
    HookTwice(String),
}

impl AppSpec {
    /// Reads an AppSpec.
    pub(super) fn parse(text: &str) -> Result<Self, AppSpecError> {
        let root = read(text)?;
        let properties = properties(&root, Platform::Ecs)?;
        let balancer = object(properties, "LoadBalancerInfo")?;
        let task_definition = string(properties, "TaskDefinition")?;
        if task_definition.contains(['<', '>']) {
            return Err(AppSpecError::Placeholder(task_definition));
        }
        Ok(Self {
            task_definition,
            container_name: string(balancer, "ContainerName")?,
            container_port: port(balancer)?,
            hooks: hooks(&root, Platform::Ecs)?,
        })
    }
}

/// An AppSpec as JSON.
pub(super) fn read(text: &str) -> Result<Value, AppSpecError> {
    // Most are written by programs, as JSON; a YAML reader would accept it too, but not all of it.
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let documents = Yaml::load_from_str(text).map_err(AppSpecError::NotYaml)?;
    documents
        .into_iter()
        .next()
        .map(to_json)
        .ok_or(AppSpecError::Empty)
}

fn to_json(node: Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Boolean(flag)) => Value::Bool(flag),
        Yaml::Value(Scalar::Integer(number)) => Value::from(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => Value::String(text.into_owned()),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(to_json).collect()),
        Yaml::Mapping(entries) => {
            let pair = |(key, value): (Yaml<'_>, Yaml<'_>)| match to_json(key) {
                Value::String(name) => (name, to_json(value)),
                other => (other.to_string(), to_json(value)),
            };
            Value::Object(entries.into_iter().map(pair).collect())
        }
        _ => Value::Null,
    }
}

/// The `Properties` of the one resource, which has to be of the platform.
pub(super) fn properties(
    root: &Value,
    platform: Platform,
) -> Result<&Map<String, Value>, AppSpecError> {
    let root = root.as_object().ok_or(AppSpecError::NotMapping)?;
    let resources = root
        .get("Resources")
        .and_then(Value::as_array)
        .ok_or(AppSpecError::NoResources)?;
    let [resource] = resources.as_slice() else {
        let count = resources.len();
        return Err(AppSpecError::ResourceCount { platform, count });
    };
    let target = resource
        .as_object()
        .and_then(|entry| entry.values().next())
        .and_then(Value::as_object)
        .ok_or(AppSpecError::NotResource)?;
    let wanted = platform.resource_type();
    let found = match target.get("Type").and_then(Value::as_str) {
        Some(kind) if kind == wanted => return object(target, "Properties"),
        Some(other) => format!("the Type {other}"),
        None => "no Type".to_owned(),
    };
    Err(AppSpecError::WrongType { found, wanted })
}

fn object<'a>(
    from: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a Map<String, Value>, AppSpecError> {
    from.get(name)
        .and_then(Value::as_object)
        .ok_or(AppSpecError::Missing(name))
}

/// A text that has to be there.
pub(super) fn string(
    from: &Map<String, Value>,
    name: &'static str,
) -> Result<String, AppSpecError> {
    match from.get(name).and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => Err(AppSpecError::Missing(name)),
    }
}

fn port(balancer: &Map<String, Value>) -> Result<u16, AppSpecError> {
    let given = balancer
        .get("ContainerPort")
        .ok_or(AppSpecError::Missing("ContainerPort"))?;
    let number = match given {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    match number.and_then(|number| u16::try_from(number).ok()) {
        Some(port) if port > 0 => Ok(port),
        _ => Err(AppSpecError::Port(given.clone())),
    }
}

/// Function name or ARN by event.
pub(super) fn hooks(
    root: &Value,
    platform: Platform,
) -> Result<BTreeMap<LifecycleEvent, String>, AppSpecError> {
    let given = match root.get("Hooks") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(given) => given.as_array().ok_or(AppSpecError::HooksNotList)?,
    };
    let mut hooks = BTreeMap::new();
    for entry in given {
        let entry = entry.as_object().ok_or(AppSpecError::HookNotMapping)?;
        for (name, function) in entry {
            let unknown = || AppSpecError::UnknownHook {
                name: name.clone(),
                platform,
            };
            let event = LifecycleEvent::hook_named(name)
                .filter(|event| platform.events().contains(event))
                .ok_or_else(unknown)?;
            let function = function
                .as_str()
                .map(str::trim)
                .filter(|function| !function.is_empty())
                .ok_or_else(|| AppSpecError::NoFunction(name.clone()))?;
            if hooks.insert(event, function.to_owned()).is_some() {
                return Err(AppSpecError::HookTwice(name.clone()));
            }
        }
    }
    Ok(hooks)
}

fn hook_names(platform: Platform) -> String {
    let hooks = platform.events().iter().filter(|event| event.is_hook());
    let names: Vec<_> = hooks.map(|event| event.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "arn:aws:ecs:us-east-1:000000000000:task-definition/shop:2"
        LoadBalancerInfo:
          ContainerName: "web"
          ContainerPort: 8080
Hooks:
  - AfterAllowTestTraffic: "CodeDeployHook_pre-traffic"
  - AfterAllowTraffic: "CodeDeployHook_post-traffic"
"#;

    #[test]
    fn a_yaml_appspec_is_read() {
        let spec = AppSpec::parse(GOOD).unwrap();
        assert_eq!(spec.container_name, "web");
        assert_eq!(spec.container_port, 8080);
        assert!(spec.task_definition.ends_with("shop:2"));
        assert_eq!(
            spec.hooks[&LifecycleEvent::AfterAllowTestTraffic],
            "CodeDeployHook_pre-traffic"
        );
        assert_eq!(spec.hooks.len(), 2);
    }

    #[test]
    fn a_json_appspec_is_read() {
        let spec = AppSpec::parse(
            r#"{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service",
            "Properties":{"TaskDefinition":"shop:1","LoadBalancerInfo":{"ContainerName":"web",
            "ContainerPort":80}}}}]}"#,
        );
        assert_eq!(spec.unwrap().container_port, 80);
    }

    #[track_caller]
    fn refused(change: &str, to: &str) -> String {
        assert!(GOOD.contains(change), "{change} is not in the good one");
        AppSpec::parse(&GOOD.replace(change, to))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_forgotten_placeholder_is_named() {
        insta::assert_snapshot!(
            refused("arn:aws:ecs:us-east-1:000000000000:task-definition/shop:2", "<TASK_DEFINITION>"),
            @"TaskDefinition is still the placeholder <TASK_DEFINITION>; replace it by the ARN of the task definition to deploy."
        );
    }

    #[test]
    fn what_cannot_be_deployed_is_refused_with_the_reason() {
        let messages = [
            refused("AWS::ECS::Service", "AWS::Lambda::Function"),
            refused("AfterAllowTraffic", "AfterEverything"),
            refused("AfterAllowTraffic", "AfterAllowTestTraffic"),
            refused("ContainerPort: 8080", "ContainerPort: 80800"),
            refused("ContainerName", "Container"),
            refused("Resources:", "resources:"),
            refused("\"CodeDeployHook_post-traffic\"", ""),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r"
        The resource has the Type AWS::Lambda::Function; it has to be AWS::ECS::Service.
        AfterEverything is no lifecycle event of an ECS deployment; there are BeforeInstall, AfterInstall, AfterAllowTestTraffic, BeforeAllowTraffic, AfterAllowTraffic.
        The hook AfterAllowTestTraffic is there twice; it takes one function.
        ContainerPort 80800 is not a port; it has to be from 1 to 65535.
        ContainerName is missing.
        The AppSpec file has no list named Resources.
        The hook AfterAllowTraffic names no function.
        ");
    }

    #[test]
    fn text_that_is_no_yaml_is_refused() {
        let messages = AppSpec::parse("Resources: [").unwrap_err().to_string();
        assert!(
            messages.starts_with("The input AppSpec file is a not well-formed yaml."),
            "{messages}"
        );
        assert_eq!(AppSpec::parse("").unwrap_err(), AppSpecError::Empty);
    }
}
