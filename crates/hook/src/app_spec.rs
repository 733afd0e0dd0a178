//! The AppSpec of a revision: what is deployed, and which function is hooked to which event.
//!
//! Read tolerantly, as CodeDeploy has accepted it before it calls a hook. YAML and JSON (a subset of
//! YAML) are read alike.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html>

use common::arn::function_name;
use common::location;
use strict_yaml::{Document, Key, Node, Position, Value};

/// An AppSpec is a page; more is a mistake, and is not read.
pub(crate) const MAX_APP_SPEC_BYTES: usize = 256 * 1024;

const FILE: Document = Document {
    noun: "AppSpec",
    begin: "write one",
    split: "make it smaller",
};

/// What a hook needs of an AppSpec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSpec {
    /// The first resource; CodeDeploy deploys one.
    pub resource: Resource,
    /// In the order of the file.
    pub hooks: Vec<Hook>,
    /// What can't be read as it was meant, with its place. A gate does without it.
    pub problems: Vec<(Position, String)>,
}

/// A function that is called at a lifecycle event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The lifecycle event, as it was written.
    pub event: String,
    /// The function: its name or its ARN.
    pub function: String,
    /// Where the event stands in the file.
    pub at: Position,
}

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// `AWS::ECS::Service`.
    EcsService {
        /// The ARN of the new task definition.
        task_definition: String,
        /// The container behind the load balancer.
        container: Option<String>,
        /// Its port, as the AppSpec names it.
        port: Option<u16>,
    },
    /// `AWS::Lambda::Function`.
    LambdaFunction {
        /// The function's name.
        name: String,
        /// The alias whose traffic is shifted.
        alias: String,
        /// The version that serves now.
        current_version: String,
        /// The version that is deployed.
        target_version: String,
    },
}

/// Why an AppSpec can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the AppSpec of the revision can't be used: {}{why}", place(*at))]
pub struct AppSpecError {
    /// Where that is known.
    pub at: Option<Position>,
    /// The reason, with the remedy where there is one.
    pub why: String,
}

fn place(at: Option<Position>) -> String {
    at.map_or_else(String::new, |at| {
        format!("line {}, column {}: ", at.line, at.column)
    })
}

impl AppSpecError {
    fn of_file(why: impl Into<String>) -> Self {
        Self {
            at: None,
            why: why.into(),
        }
    }
}

impl AppSpec {
    /// Reads the text of an AppSpec file.
    ///
    /// # Errors
    /// If it is none, with the place where that is known.
    pub fn parse(text: &str) -> Result<Self, AppSpecError> {
        if text.len() > MAX_APP_SPEC_BYTES {
            return Err(AppSpecError::of_file(location::too_large(
                MAX_APP_SPEC_BYTES,
            )));
        }
        let root = strict_yaml::read(text, FILE).map_err(|problem| AppSpecError {
            at: Some(Position::new(problem.line, problem.column)),
            why: format!("{}; {}", problem.message, problem.remedy),
        })?;
        if field(&root, "Resources").is_none() && field(&root, "os").is_some() {
            return Err(AppSpecError::of_file(
                "this AppSpec is for EC2 and on-premises instances (it has `os`); expected one for ECS or Lambda",
            ));
        }
        let resources = field(&root, "Resources")
            .and_then(items)
            .ok_or_else(|| AppSpecError::of_file("it has no list named Resources"))?;
        let (_, resource) = resources
            .iter()
            .find_map(|entry| entries(entry)?.first())
            .ok_or_else(|| AppSpecError::of_file("its Resources are empty"))?;
        let mut problems = Vec::new();
        Ok(Self {
            resource: read_resource(resource, &mut problems)?,
            hooks: read_hooks(&root, &mut problems),
            problems,
        })
    }

    /// The lifecycle events to which the function is hooked. `function` is its name.
    pub(crate) fn events_of<'a>(&'a self, function: &'a str) -> impl Iterator<Item = &'a str> {
        self.hooks
            .iter()
            .filter(move |hook| function_name(&hook.function) == function)
            .map(|hook| hook.event.as_str())
    }
}

fn read_resource(
    resource: &Node,
    problems: &mut Vec<(Position, String)>,
) -> Result<Resource, AppSpecError> {
    let kind = field(resource, "Type").map(text).unwrap_or_default();
    let properties = field(resource, "Properties");
    let property = |name: &str| properties.and_then(|p| field(p, name)).map(text);
    let needed = |name: &str| {
        property(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| AppSpecError::of_file(format!("its resource has no property {name}")))
    };
    match kind.as_str() {
        "AWS::ECS::Service" => {
            let balancer = properties.and_then(|p| field(p, "LoadBalancerInfo"));
            let of_balancer = |name: &str| balancer.and_then(|b| field(b, name));
            let port = of_balancer("ContainerPort");
            let number = port.and_then(|port| text(port).parse().ok().filter(|port| *port > 0));
            if let (Some(port), None) = (port, number) {
                let written = text(port);
                problems.push((
                    port.at,
                    format!("ContainerPort is {written:?}; write a number from 1 to 65535"),
                ));
            }
            Ok(Resource::EcsService {
                task_definition: needed("TaskDefinition")?,
                container: of_balancer("ContainerName").map(text),
                port: number,
            })
        }
        "AWS::Lambda::Function" => Ok(Resource::LambdaFunction {
            name: needed("Name")?,
            alias: needed("Alias")?,
            current_version: needed("CurrentVersion")?,
            target_version: needed("TargetVersion")?,
        }),
        other => Err(AppSpecError::of_file(format!(
            "its resource is of type {other:?}; expected AWS::ECS::Service or AWS::Lambda::Function"
        ))),
    }
}

fn read_hooks(root: &Node, problems: &mut Vec<(Position, String)>) -> Vec<Hook> {
    const EXPECTED: &str = "write a list of entries such as `- AfterAllowTestTraffic: FUNCTION`";
    let Some(hooks) = field(root, "Hooks") else {
        return Vec::new();
    };
    let listed = match &hooks.value {
        Value::List(listed) => listed,
        Value::Null => return Vec::new(),
        other => {
            let problem = format!("Hooks is {}, not a list; {EXPECTED}", kind(other));
            problems.push((hooks.at, problem));
            return Vec::new();
        }
    };
    let mut read = Vec::new();
    for entry in listed {
        let Some(entries) = entries(entry) else {
            let problem = format!("an entry of Hooks is {}; {EXPECTED}", kind(&entry.value));
            problems.push((entry.at, problem));
            continue;
        };
        read.extend(entries.iter().map(|(event, function)| Hook {
            event: event.text.clone(),
            function: text(function),
            at: event.at,
        }));
    }
    read
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(..) => "true or false",
        Value::Number(..) => "a number",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

/// A field of a mapping, with its first letter in either case: the JSON form that the API takes is
/// often written `resources`, the file form `Resources`.
fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let of_name =
        |(key, value): &'a (Key, Node)| key.text.eq_ignore_ascii_case(name).then_some(value);
    entries(node)?.iter().find_map(of_name)
}

fn entries(node: &Node) -> Option<&[(Key, Node)]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

fn items(node: &Node) -> Option<&[Node]> {
    match &node.value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

/// A scalar as it was written: a version is often a bare number.
fn text(node: &Node) -> String {
    match &node.value {
        Value::Text(text) | Value::Number(_, text) | Value::Bool(_, text) => text.clone(),
        Value::Null | Value::List(_) | Value::Map(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECS: &str = r#"
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:12"
        LoadBalancerInfo:
          ContainerName: "shop"
          ContainerPort: 8080
Hooks:
  - AfterAllowTestTraffic: "CodeDeployHook_pre-traffic"
  - AfterAllowTraffic: "arn:aws:lambda:us-east-1:111122223333:function:CodeDeployHook_post-traffic:live"
"#;

    #[test]
    fn an_ecs_file_is_read() {
        let spec = AppSpec::parse(ECS).unwrap();
        assert_eq!(
            spec.resource,
            Resource::EcsService {
                task_definition: "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:12"
                    .into(),
                container: Some("shop".into()),
                port: Some(8080),
            }
        );
        let events: Vec<_> = spec.events_of("CodeDeployHook_post-traffic").collect();
        assert_eq!(events, ["AfterAllowTraffic"]);
        assert_eq!(
            spec.events_of("CodeDeployHook_pre").count(),
            0,
            "a prefix is another function"
        );
    }

    #[test]
    fn the_json_form_of_the_api_is_read() {
        let spec = AppSpec::parse(
            r#"{"version":0.0,"resources":[{"fn":{"type":"AWS::Lambda::Function","properties":
            {"name":"checkout","alias":"live","currentVersion":"7","targetVersion":8}}}],
            "hooks":[{"beforeAllowTraffic":"h"}]}"#,
        )
        .unwrap();
        assert_eq!(
            spec.resource,
            Resource::LambdaFunction {
                name: "checkout".into(),
                alias: "live".into(),
                current_version: "7".into(),
                target_version: "8".into(),
            }
        );
        let hook = &spec.hooks[0];
        assert_eq!(
            (hook.event.as_str(), hook.function.as_str(), hook.at.line),
            ("beforeAllowTraffic", "h", 3)
        );
    }

    #[test]
    fn a_file_that_would_take_memory_is_refused_with_the_bound() {
        let say = |text: &str| AppSpec::parse(text).unwrap_err().to_string();
        let large = format!("{ECS}#{}", "x".repeat(MAX_APP_SPEC_BYTES));
        insta::assert_snapshot!(say(&large), @"the AppSpec of the revision can't be used: it is larger than 256 KiB");
        let levels: Vec<String> = (1..9)
            .map(|level| {
                let before = level - 1;
                let aliases = vec![format!("*a{before}"); 10].join(", ");
                format!("l{level}: &a{level} [{aliases}]\n")
            })
            .collect();
        let levels = levels.concat();
        let laughs = format!("l0: &a0 [x, x]\n{levels}{ECS}");
        assert!(say(&laughs).contains("more than"), "{}", say(&laughs));
        let deep = format!("{ECS}Extra: {}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(say(&deep).contains("nested deeper"), "{}", say(&deep));
    }

    #[test]
    fn hooks_that_are_no_list_are_a_problem_and_no_hooks() {
        let read = |hooks: &str| {
            let head = ECS.split("Hooks:").next().unwrap_or_default();
            let spec = AppSpec::parse(&format!("{head}{hooks}")).unwrap();
            assert!(spec.hooks.is_empty());
            spec.problems
                .iter()
                .map(|(at, problem)| format!("{}:{}: {problem}", at.line, at.column))
                .collect::<Vec<_>>()
                .join("\n")
        };
        insta::assert_snapshot!(read("Hooks: {AfterAllowTestTraffic: X}"), @"11:8: Hooks is a mapping, not a list; write a list of entries such as `- AfterAllowTestTraffic: FUNCTION`");
        insta::assert_snapshot!(read("Hooks: X"), @"11:8: Hooks is a text, not a list; write a list of entries such as `- AfterAllowTestTraffic: FUNCTION`");
        insta::assert_snapshot!(read("Hooks: [X]"), @"11:9: an entry of Hooks is a text; write a list of entries such as `- AfterAllowTestTraffic: FUNCTION`");
        for none in ["", "Hooks:", "Hooks: []"] {
            assert_eq!(read(none), "");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let say = |text: &str| AppSpec::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(say(""), @"the AppSpec of the revision can't be used: line 1, column 1: the file is empty; write one");
        insta::assert_snapshot!(say("version: 0.0"), @"the AppSpec of the revision can't be used: it has no list named Resources");
        insta::assert_snapshot!(say("Resources: [{A: {Type: AWS::EC2::Instance}}]"), @r#"the AppSpec of the revision can't be used: its resource is of type "AWS::EC2::Instance"; expected AWS::ECS::Service or AWS::Lambda::Function"#);
        insta::assert_snapshot!(say("version: 0.0\nos: linux"), @"the AppSpec of the revision can't be used: this AppSpec is for EC2 and on-premises instances (it has `os`); expected one for ECS or Lambda");
        insta::assert_snapshot!(say("Resources: [{A: {Type: AWS::ECS::Service}}]"), @"the AppSpec of the revision can't be used: its resource has no property TaskDefinition");
        assert!(say("Resources: [").starts_with("the AppSpec of the revision can't be used: "));
    }
}
