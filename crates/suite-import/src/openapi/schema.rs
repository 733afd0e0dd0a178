//! A schema of a description as a schema that a suite judges.
//!
//! Whatever it demands more than the description would be a false alarm; what it can't demand is said.

use std::collections::{BTreeMap, BTreeSet};

use strict_yaml::{Node, Value};

use super::reference::target;
use crate::tree::{self, get, is_true, items, word};

/// Keywords that say nothing of a body, or that no validator needs to judge.
const NOTES: [&str; 10] = [
    "example",
    "examples",
    "externalDocs",
    "xml",
    "description",
    "title",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// Keywords that a suite doesn't judge; they are said to be lost.
const NOT_JUDGED: [&str; 6] = [
    "format",
    "discriminator",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentEncoding",
    "contentMediaType",
];
/// How many schemas one leads to.
const MAX_DEFINITIONS: usize = 100;

/// A schema, and what of it is not judged.
pub(super) struct ConvertedSchema {
    pub(super) schema: Result<Node, String>,
    pub(super) lost: Vec<String>,
}

/// The schema with all that it refers to.
pub(super) fn converted(root: &Node, schema: &Node, is_3_0: bool) -> ConvertedSchema {
    let mut converter = Converter {
        is_3_0,
        lost: BTreeSet::new(),
        names: BTreeMap::new(),
        wanted: Vec::new(),
    };
    let schema = converter.whole(root, schema);
    let lost = converter.lost.into_iter();
    ConvertedSchema {
        schema,
        lost: lost
            .map(|keyword| format!("`{keyword}` of its schema is not judged"))
            .collect(),
    }
}

struct Converter {
    is_3_0: bool,
    lost: BTreeSet<String>,
    /// References, and what each is called below `$defs`.
    names: BTreeMap<String, String>,
    wanted: Vec<String>,
}

impl Converter {
    fn whole(&mut self, root: &Node, schema: &Node) -> Result<Node, String> {
        let mut made = self.schema(schema)?;
        let mut definitions = Vec::new();
        while let Some(reference) = self.wanted.pop() {
            if definitions.len() == MAX_DEFINITIONS {
                return Err(format!("it refers to more than {MAX_DEFINITIONS} others"));
            }
            let found = target(root, &reference)
                .ok_or_else(|| format!("{reference} is not in this file"))?;
            let name = self.names[&reference].clone();
            definitions.push((name, self.schema(found)?));
        }
        if !definitions.is_empty() {
            let Value::Map(entries) = &mut made.value else {
                return Ok(made);
            };
            let Value::Map(added) = tree::map([("$defs", tree::map(definitions))]).value else {
                return Ok(made);
            };
            entries.extend(added);
        }
        Ok(made)
    }

    fn schema(&mut self, node: &Node) -> Result<Node, String> {
        let Value::Map(entries) = &node.value else {
            return Ok(node.clone());
        };
        if let Some(reference) = word(node, "$ref") {
            let reference = self.reference(reference)?;
            // Before 3.1 whatever stands beside it counts for nothing.
            if self.is_3_0 || entries.len() == 1 {
                return Ok(tree::map([("$ref", tree::text(reference))]));
            }
        }
        let mut made: Vec<(String, Node)> = Vec::new();
        for (key, value) in entries {
            let word = key.text.as_str();
            if NOTES.contains(&word) || word.starts_with("x-") || word == "nullable" {
                continue;
            }
            if NOT_JUDGED.contains(&word) {
                self.lost.insert(word.to_owned());
                continue;
            }
            let converted = match word {
                "$ref" => tree::text(self.reference(tree::written(value).unwrap_or_default())?),
                "properties" | "patternProperties" | "dependentSchemas" | "$defs"
                | "definitions" => self.each(value)?,
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                    let parts = items(Some(value)).iter().map(|part| self.schema(part));
                    tree::list(parts.collect::<Result<_, _>>()?)
                }
                "items"
                | "additionalProperties"
                | "not"
                | "contains"
                | "propertyNames"
                | "if"
                | "then"
                | "else" => self.schema(value)?,
                "required" => match required(value, node) {
                    Some(required) => required,
                    None => continue,
                },
                "type" if self.is_3_0 && is_true(node, "nullable") => {
                    tree::list(vec![value.clone(), tree::text("null")])
                }
                "exclusiveMinimum" | "exclusiveMaximum"
                    if matches!(value.value, Value::Bool(..)) =>
                {
                    continue;
                }
                "minimum" if is_true(node, "exclusiveMinimum") => {
                    made.push(("exclusiveMinimum".to_owned(), value.clone()));
                    continue;
                }
                "maximum" if is_true(node, "exclusiveMaximum") => {
                    made.push(("exclusiveMaximum".to_owned(), value.clone()));
                    continue;
                }
                _ => value.clone(),
            };
            made.push((key.text.clone(), converted));
        }
        Ok(tree::map(made))
    }

    fn each(&mut self, node: &Node) -> Result<Node, String> {
        let each = tree::entries(Some(node)).iter().map(|(name, schema)| {
            let schema = self.schema(schema)?;
            Ok((name.text.clone(), schema))
        });
        Ok(tree::map(each.collect::<Result<Vec<_>, String>>()?))
    }

    /// The reference as the schema of a suite has it.
    fn reference(&mut self, reference: &str) -> Result<String, String> {
        if !reference.starts_with("#/") {
            return Err(format!(
                "{} is not in this file",
                text::clean::short(reference, 100)
            ));
        }
        if !self.names.contains_key(reference) {
            let last = reference.rsplit('/').next().unwrap_or_default();
            let base: String = last
                .chars()
                .map(|one| {
                    if one.is_ascii_alphanumeric() {
                        one
                    } else {
                        '_'
                    }
                })
                .collect();
            let mut name = base.clone();
            let mut number = 2;
            while self.names.values().any(|taken| *taken == name) {
                name = format!("{base}_{number}");
                number += 1;
            }
            self.names.insert(reference.to_owned(), name);
            self.wanted.push(reference.to_owned());
        }
        Ok(format!("#/$defs/{}", self.names[reference]))
    }
}

/// What an answer must have: not what is only ever sent.
fn required(value: &Node, node: &Node) -> Option<Node> {
    let properties = get(node, "properties");
    let kept: Vec<Node> = items(Some(value))
        .iter()
        .filter(|name| {
            let name = tree::written(name).unwrap_or_default();
            let property = properties.and_then(|properties| get(properties, name));
            !property.is_some_and(|property| is_true(property, "writeOnly"))
        })
        .cloned()
        .collect();
    (!kept.is_empty()).then(|| tree::list(kept))
}
