//! The keywords of a JSON Schema that hold values instead of schemas.

use std::sync::Arc;

use exact_json::{Document, Number};
use strict_yaml::{Node, Position, Value, entries, items, scalar};

use super::json_schema::Reader;
use super::schema_pattern::translated;
use crate::expect::{JsonType, SchemaPattern};

impl Reader<'_> {
    pub(super) fn pattern(&mut self, at: Position, written: &str) -> Option<SchemaPattern> {
        if !self.is_plain(at, written) {
            return None;
        }
        let translated = match translated(written) {
            Ok(translated) => translated,
            Err((why, remedy)) => {
                self.problem(at, format!("{written:?} {why}"), remedy);
                return None;
            }
        };
        match self.context.patterns.compiled(&translated) {
            Ok((regex, bytes)) => Some(SchemaPattern {
                written: written.to_owned(),
                regex,
                bytes,
            }),
            Err((message, remedy)) => {
                // As it was written, and not as this engine reads it.
                let message = message.replace(&format!("{translated:?}"), &format!("{written:?}"));
                self.problem(at, message, remedy);
                None
            }
        }
    }

    /// A keyword that says what a value must be.
    pub(super) fn assertion(&mut self, place: usize, word: &str, node: &Node) -> Option<()> {
        match word {
            "type" => {
                let nodes = match &node.value {
                    Value::List(nodes) => nodes.as_slice(),
                    _ => std::slice::from_ref(node),
                };
                for node in nodes {
                    let kind =
                        scalar::choice(node, "type", &JsonType::ALL, &self.context.problems)?;
                    self.schemas[place].types.push(kind);
                }
                if nodes.is_empty() {
                    self.problem(node.at, "`type` names no type", "write `type: object`");
                }
            }
            "enum" | "const" => {
                let value = self.fixed(node)?;
                let all = match (word, value) {
                    ("const", value) => exact_json::Value::Array(vec![value]),
                    (_, list @ exact_json::Value::Array(_)) => list,
                    _ => {
                        self.problem(
                            node.at,
                            "`enum` is a list of values",
                            "write `enum: [a, b]`",
                        );
                        return None;
                    }
                };
                let document = Document::parse(all.to_string()).ok()?;
                self.schemas[place].values.push(Arc::new(document));
            }
            "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum" | "multipleOf" => {
                let number = self.number(word, node)?;
                let limits = &mut self.schemas[place].limits;
                *match word {
                    "minimum" => &mut limits.minimum,
                    "exclusiveMinimum" => &mut limits.exclusive_minimum,
                    "maximum" => &mut limits.maximum,
                    "exclusiveMaximum" => &mut limits.exclusive_maximum,
                    _ => &mut limits.multiple_of,
                } = Some(number);
            }
            "pattern" => {
                let written = scalar::text(node, word, &self.context.problems)?;
                self.schemas[place].pattern = Some(self.pattern(node.at, written)?);
            }
            "uniqueItems" => {
                let unique = scalar::boolean(node, word, &self.context.problems)?;
                self.schemas[place].unique = unique;
            }
            "required" => {
                self.schemas[place].required = self.names(word, node)?;
            }
            "dependentRequired" => {
                for (key, node) in entries(node, word, &self.context.problems)? {
                    let names = self.names(word, node)?;
                    if !self.is_plain(key.at, &key.text) {
                        return None;
                    }
                    let required = &mut self.schemas[place].dependent_required;
                    required.push((key.text.clone(), names));
                }
            }
            _ => self.counts(place, word, node)?,
        }
        Some(())
    }

    fn counts(&mut self, place: usize, word: &str, node: &Node) -> Option<()> {
        let count = match &node.value {
            Value::Number(number, _) => number.as_str().parse::<usize>().ok(),
            _ => None,
        };
        if count.is_none() {
            let message = format!("`{word}` is a whole number from 0 on");
            self.problem(node.at, message, format!("write `{word}: 1`"));
        }
        let limits = &mut self.schemas[place].limits;
        let counts = match word.trim_start_matches("min").trim_start_matches("max") {
            "Length" => &mut limits.length,
            "Items" => &mut limits.items,
            "Properties" => &mut limits.properties,
            _ => &mut limits.contains,
        };
        if word.starts_with("min") {
            counts.least = Some(count?);
        } else {
            counts.most = Some(count?);
        }
        Some(())
    }

    fn number(&mut self, word: &str, node: &Node) -> Option<String> {
        let Value::Number(number, written) = &node.value else {
            let message = format!("`{word}` is a number, not {}", node.value.kind());
            self.problem(node.at, message, "write a number without quotes");
            return None;
        };
        if !self.context.is_json(node, number, written) {
            return None;
        }
        let number = number.as_str();
        let beyond = ["1", "-1"]
            .iter()
            .any(|one| exact_json::compare(number, one).is_none());
        let of_none = word == "multipleOf"
            && (exact_json::compare(number, "0").is_none_or(std::cmp::Ordering::is_le)
                || exact_cel::is_multiple("0", number).is_none());
        if beyond || of_none {
            let message = format!("`{word}` can't be {written}");
            let remedy = if of_none {
                "write a number above 0 of at most 38 digits"
            } else {
                "write a smaller exponent"
            };
            self.problem(node.at, message, remedy);
            return None;
        }
        Some(number.to_owned())
    }

    fn names(&mut self, word: &str, node: &Node) -> Option<Vec<String>> {
        let nodes = items(node, word, &self.context.problems)?;
        let names: Vec<Option<String>> = nodes
            .iter()
            .map(|node| {
                let name = scalar::text(node, word, &self.context.problems)?;
                self.is_plain(node.at, name).then(|| name.to_owned())
            })
            .collect();
        names.into_iter().collect()
    }

    /// Whether a text has no reference, which nothing would fill.
    pub(super) fn is_plain(&mut self, at: Position, text: &str) -> bool {
        let is_plain = !text.contains("{{");
        if !is_plain {
            let remedy = "use `json` with `equals` for a value that is known in a run only";
            self.problem(at, "a schema can't have references", remedy);
        }
        is_plain
    }

    /// JSON as it was written; nothing is filled in a schema.
    fn fixed(&mut self, node: &Node) -> Option<exact_json::Value> {
        Some(match &node.value {
            Value::Null => exact_json::Value::Null,
            Value::Bool(value, _) => (*value).into(),
            Value::Number(number, written) => {
                if !self.context.is_json(node, number, written) {
                    return None;
                }
                let number: Number = number.as_str().parse().ok()?;
                number.into()
            }
            Value::Text(text) => {
                if !self.is_plain(node.at, text) {
                    return None;
                }
                text.clone().into()
            }
            Value::List(nodes) => {
                let values: Vec<Option<exact_json::Value>> =
                    nodes.iter().map(|node| self.fixed(node)).collect();
                exact_json::Value::Array(values.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(_) => {
                let entries = entries(node, "the object", &self.context.problems)?;
                let members: Vec<Option<(String, exact_json::Value)>> = entries
                    .into_iter()
                    .map(|(key, node)| {
                        let is_plain = self.is_plain(key.at, &key.text);
                        let value = self.fixed(node)?;
                        is_plain.then(|| (key.text.clone(), value))
                    })
                    .collect();
                exact_json::Value::Object(members.into_iter().collect::<Option<_>>()?)
            }
        })
    }
}
