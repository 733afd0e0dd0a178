//! The parameters of an operation, with values that the description gives.

use strict_yaml::{Node, Value};

use super::reference::resolved;
use crate::tree::{entries, get, is_true, items, word, written};

/// Values for the parameters that are needed.
#[derive(Debug, Default)]
pub(super) struct FilledParameters {
    in_path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
}

impl FilledParameters {
    /// Of an operation and of the path that it is under; an error names what has no value.
    pub(super) fn of(root: &Node, item: &Node, operation: &Node) -> Result<Self, String> {
        let mut filled = Self::default();
        let own = items(get(operation, "parameters"));
        let shared = items(get(item, "parameters"));
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for parameter in own.iter().chain(shared) {
            let parameter = resolved(root, parameter)
                .ok_or("a $ref of its parameters leads nowhere in this file")?;
            let (Some(name), Some(place)) = (word(parameter, "name"), word(parameter, "in")) else {
                return Err("a parameter of it has no name".to_owned());
            };
            if seen.contains(&(name, place)) {
                continue;
            }
            seen.push((name, place));
            if !is_true(parameter, "required") && place != "path" {
                continue;
            }
            let value = value(root, parameter)
                .ok_or_else(|| format!("its parameter {name} is required, and has no example"))?;
            let pair = (name.to_owned(), value);
            match place {
                "path" => filled.in_path.push(pair),
                "query" => filled.query.push(pair),
                "header" => filled.headers.push(pair),
                "cookie" => filled.cookies.push(pair),
                other => return Err(format!("its parameter {name} stands in {other}")),
            }
        }
        Ok(filled)
    }

    /// The path with its parameters filled in.
    pub(super) fn path(&self, template: &str) -> Result<String, String> {
        let mut path = template.to_owned();
        for (name, value) in &self.in_path {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            path = path.replace(&format!("{{{name}}}"), &value.replace('+', "%20"));
        }
        if path.contains('{') {
            return Err("a parameter of its path is not described".to_owned());
        }
        Ok(path)
    }
}

/// A value that the description gives: an example, a default, or the only one that there is.
fn value(root: &Node, parameter: &Node) -> Option<String> {
    let schema = get(parameter, "schema").and_then(|schema| resolved(root, schema));
    let of_examples = |node: &Node| {
        let first = entries(get(node, "examples")).first();
        let named = first.and_then(|(_, example)| resolved(root, example));
        let named = named
            .and_then(|example| get(example, "value"))
            .and_then(scalar);
        named.or_else(|| items(get(node, "examples")).first().and_then(scalar))
    };
    let of = |node: &Node| {
        get(node, "example")
            .and_then(scalar)
            .or_else(|| of_examples(node))
    };
    of(parameter).or_else(|| {
        let schema = schema?;
        let only = match items(get(schema, "enum")) {
            [only] => scalar(only),
            _ => None,
        };
        of(schema)
            .or_else(|| get(schema, "default").and_then(scalar))
            .or_else(|| get(schema, "const").and_then(scalar))
            .or(only)
    })
}

fn scalar(node: &Node) -> Option<String> {
    match node.value {
        Value::Text(ref text) if text.is_empty() => None,
        _ => written(node).map(str::to_owned),
    }
}
