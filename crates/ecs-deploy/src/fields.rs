//! Whether `RegisterTaskDefinition` can take a task definition, by ECS's own service model.
//!
//! ECS ignores what it doesn't know, so a misspelt `enviroment` would go live without its variables.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

const FIELDS_MODEL: &str = include_str!("task-definition.fields");
const ROOT_STRUCTURE: &str = "TaskDefinition";

/// Which fields a structure has.
type Structure = HashMap<&'static str, Field>;

struct Field {
    is_required: bool,
    /// `string`, `[Volume]`, `{string}`.
    kind: &'static str,
}

static STRUCTURES: LazyLock<HashMap<&'static str, Structure>> = LazyLock::new(|| {
    let lines = FIELDS_MODEL.lines().filter(|line| !line.starts_with('#'));
    let structure = |line: &'static str| {
        let (name, fields) = line.split_once(' ')?;
        let fields = fields.split(' ').filter_map(|field| {
            let (name, kind) = field.split_once(':')?;
            let is_required = name.ends_with('!');
            Some((name.trim_end_matches('!'), Field { is_required, kind }))
        });
        Some((name, fields.collect()))
    };
    lines.filter_map(structure).collect()
});

/// What is wrong with a task definition. Unknown fields are no problem where `allow_unknown`.
pub(crate) fn problems(definition: &Map<String, Value>, allow_unknown: bool) -> Vec<String> {
    let mut check = Check {
        allow_unknown,
        problems: Vec::new(),
    };
    check.structure(ROOT_STRUCTURE, definition, "");
    if definition
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty)
    {
        check
            .problems
            .push("containerDefinitions has no container".to_owned());
    }
    check.problems
}

struct Check {
    allow_unknown: bool,
    problems: Vec<String>,
}

impl Check {
    fn structure(&mut self, name: &str, given: &Map<String, Value>, at: &str) {
        let Some(fields) = STRUCTURES.get(name) else {
            return;
        };
        let place = |key: &str| match at {
            "" => key.to_owned(),
            _ => format!("{at}.{key}"),
        };
        for (key, value) in given {
            match fields.get(key.as_str()) {
                Some(field) => self.value(field.kind, value, &place(key)),
                None if self.allow_unknown => {}
                None => {
                    let meant = text::words::nearest(key, fields.keys().copied())
                        .map(|known| format!("; did you mean {known}?"));
                    self.problems.push(format!(
                        "{}: no such field in a task definition{}",
                        place(key),
                        meant.unwrap_or_default()
                    ));
                }
            }
        }
        let mut absent: Vec<&str> = fields
            .iter()
            .filter(|(key, field)| field.is_required && !given.contains_key(**key))
            .map(|(key, _)| *key)
            .collect();
        absent.sort_unstable();
        let missing = absent
            .into_iter()
            .map(|key| format!("{} is missing", place(key)));
        self.problems.extend(missing);
    }

    fn value(&mut self, kind: &str, value: &Value, at: &str) {
        let inner = |open, close| kind.strip_prefix(open)?.strip_suffix(close);
        let right = match (kind, value) {
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => true,
            ("integer", Value::Number(number)) => number.is_i64(),
            ("string" | "boolean" | "integer", _) => false,
            (_, Value::Array(items)) => inner('[', ']').is_some_and(|kind: &str| {
                for (index, item) in items.iter().enumerate() {
                    self.value(kind, item, &format!("{at}[{index}]"));
                }
                true
            }),
            (_, Value::Object(entries)) => match inner('{', '}') {
                Some(kind) => {
                    for (key, entry) in entries {
                        self.value(kind, entry, &format!("{at}.{key}"));
                    }
                    true
                }
                None if kind.starts_with('[') => false,
                None => {
                    self.structure(kind, entries, at);
                    true
                }
            },
            _ => false,
        };
        if !right {
            self.problems.push(format!(
                "{at}: expected {}, got {}",
                expected_type(kind),
                is(value)
            ));
        }
    }
}

fn expected_type(kind: &str) -> &'static str {
    match kind {
        "string" => "a string",
        "boolean" => "true or false",
        "integer" => "an integer",
        _ if kind.starts_with('[') => "a list",
        _ => "an object",
    }
}

/// Never the value itself: it may be a password in the wrong place.
fn is(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(definition: &Value, allow_unknown: bool) -> String {
        problems(definition.as_object().unwrap(), allow_unknown).join("\n")
    }

    #[test]
    fn every_structure_that_the_model_names_is_in_it() {
        for field in STRUCTURES.values().flat_map(HashMap::values) {
            let kind = field.kind.trim_matches(['[', ']', '{', '}']);
            let is_simple = matches!(kind, "string" | "boolean" | "integer");
            assert!(is_simple || STRUCTURES.contains_key(kind), "{kind}");
        }
        assert!(STRUCTURES.contains_key(ROOT_STRUCTURE));
    }

    #[test]
    fn all_problems_are_found_at_once_and_no_value_is_quoted() {
        let wrong = json!({
            "cpu": 256,
            "volumes": {},
            "containerDefinitions": [
                {"name": "shop", "image": "shop:1", "enviroment": [], "essential": "hunter2",
                 "environment": [{"name": "A", "value": 1}], "memory": 1.5},
                {"name": "sidecar", "logConfiguration": {"options": {"a": true}}},
                "third",
            ],
        });
        insta::assert_snapshot!(told(&wrong, false), @"
        cpu: expected a string, got a number
        volumes: expected a list, got an object
        containerDefinitions[0].enviroment: no such field in a task definition; did you mean environment?
        containerDefinitions[0].essential: expected true or false, got a string
        containerDefinitions[0].environment[0].value: expected a string, got a number
        containerDefinitions[0].memory: expected an integer, got a number
        containerDefinitions[1].logConfiguration.options.a: expected a string, got true or false
        containerDefinitions[1].logConfiguration.logDriver is missing
        containerDefinitions[1].image is missing
        containerDefinitions[2]: expected an object, got a string
        family is missing
        ");
        assert!(!told(&wrong, true).contains("enviroment"));
    }

    #[test]
    fn a_whole_task_definition_is_fine() {
        let right = json!({
            "family": "shop",
            "cpu": "256",
            "runtimePlatform": {"cpuArchitecture": "ARM64"},
            "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
            "containerDefinitions": [{
                "name": "shop", "image": "shop:1", "memory": 64, "essential": true, "command": ["a"],
                "dockerLabels": {"team": "shop"},
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "shop"}},
            }],
        });
        assert_eq!(told(&right, false), "");
        assert_eq!(
            told(&json!({"family": "a", "containerDefinitions": []}), false),
            "containerDefinitions has no container"
        );
    }
}
