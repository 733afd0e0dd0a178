//! `json_schema:` of an expectation: the part of JSON Schema that is judged. Every other keyword is a problem of the
//! suite: one that is passed over would look as if it were checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use strict_yaml::{Key, Node, Position, Value, entries, items, scalar};

use super::context::Context;
use crate::expect::{Expectation, JsonSchema, Schema, demands_something};
use crate::words;

/// Schemas, with all that stand in them, of one suite.
const MAX_SCHEMAS: usize = 2_000;

/// What says something to people, and nothing of a body.
const ANNOTATIONS: [&str; 8] = [
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// What a validator may pass over, as the drafts say.
const IDLE_KEYWORDS: [&str; 4] = [
    "format",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// What the drafts have and is not judged here.
const OTHER_KEYWORDS: [&str; 11] = [
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalItems",
    "dependencies",
];

/// What is judged.
const KEYWORDS: [&str; 42] = [
    "$schema",
    "$ref",
    "$defs",
    "definitions",
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
    "dependentSchemas",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "prefixItems",
    "items",
    "contains",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "title",
    "description",
    "$comment",
];

/// The drafts whose words mean the same here, and what each does not have yet.
const DRAFTS: [(&str, &[&str]); 3] = [
    ("https://json-schema.org/draft/2020-12/schema", &[]),
    (
        "https://json-schema.org/draft/2019-09/schema",
        &["prefixItems"],
    ),
    (
        "http://json-schema.org/draft-07/schema#",
        &[
            "prefixItems",
            "minContains",
            "maxContains",
            "dependentRequired",
            "dependentSchemas",
            "$defs",
        ],
    ),
];

pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    let problems = &context.problems;
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("json_schema is a schema, not {}", node.value.kind());
        let remedy = "write it here as a mapping: { type: object, required: [id] }";
        problems.add(node.at, message, remedy);
        return None;
    }
    let draft = draft(node, context)?;
    let mut reader = Reader {
        context,
        draft,
        schemas: Vec::new(),
        places: BTreeMap::new(),
        references: Vec::new(),
        wrong: false,
    };
    reader.schema(node, "");
    reader.resolve();
    if reader.wrong {
        return None;
    }
    if !demands_something(&reader.schemas) {
        let remedy = "write what the body must be, such as `type: object` and `required: [id]`";
        problems.add(
            node.at,
            "the schema demands nothing, so every body fits it",
            remedy,
        );
        return None;
    }
    Some(Expectation::JsonSchema(JsonSchema {
        schemas: Arc::new(reader.schemas),
    }))
}

/// What the draft that `$schema` names does not have.
fn draft(node: &Node, context: &Context) -> Option<&'static [&'static str]> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let Some((_, named)) = entries.iter().find(|(key, _)| key.text == "$schema") else {
        return Some(&[]);
    };
    let written = scalar::text(named, "$schema", &context.problems)?;
    let same = |draft: &str| draft.trim_end_matches('#') == written.trim_end_matches('#');
    let found = DRAFTS.iter().find(|(draft, _)| same(draft));
    if found.is_none() {
        let known: Vec<&str> = DRAFTS.iter().map(|(draft, _)| *draft).collect();
        let message = format!("{written:?} is no draft that is judged here");
        context.problems.add(
            named.at,
            message,
            format!("write one of {}", words::list(known)),
        );
    }
    found.map(|(_, missing)| *missing)
}

pub(super) struct Reader<'c> {
    pub(super) context: &'c Context,
    /// What the draft does not have.
    draft: &'static [&'static str],
    pub(super) schemas: Vec<Schema>,
    /// Where each schema stands, as a JSON Pointer.
    places: BTreeMap<String, usize>,
    /// `$ref`s: where, to what, and of which schema.
    references: Vec<(Position, String, usize)>,
    wrong: bool,
}

impl Reader<'_> {
    pub(super) fn problem(
        &mut self,
        at: Position,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.wrong = true;
        self.context.problems.add(at, message, remedy);
    }

    /// Reads a schema; its place is known at once, also where it has problems.
    fn schema(&mut self, node: &Node, pointer: &str) -> usize {
        let place = self.schemas.len();
        self.schemas.push(Schema::default());
        let used = &self.context.schemas;
        used.set(used.get() + 1);
        if used.get() > MAX_SCHEMAS {
            if used.get() == MAX_SCHEMAS + 1 {
                let message =
                    format!("the suite has more than {MAX_SCHEMAS} schemas, up to this one");
                self.problem(node.at, message, "write smaller schemas");
            }
            self.wrong = true;
            return place;
        }
        self.places.insert(pointer.to_owned(), place);
        match &node.value {
            Value::Bool(true, _) => {}
            Value::Bool(false, _) => self.schemas[place].never = true,
            Value::Map(_) => {
                let Some(entries) = entries(node, "a schema", &self.context.problems) else {
                    self.wrong = true;
                    return place;
                };
                self.keywords(place, pointer, &entries);
            }
            other => {
                let message = format!("a schema is a mapping, true or false, not {}", other.kind());
                self.problem(node.at, message, "write { type: string }, for example");
            }
        }
        place
    }

    fn keywords(&mut self, place: usize, pointer: &str, entries: &[(&Key, &Node)]) {
        let has = |name: &str| entries.iter().any(|(key, _)| key.text == name);
        let beside_if = !has("if") && (has("then") || has("else"));
        let only_if = has("if") && !has("then") && !has("else");
        let counts = !has("contains") && (has("minContains") || has("maxContains"));
        for (key, node) in entries {
            let word = key.text.as_str();
            if self.is_judged(key) && !self.keyword(place, pointer, word, node) {
                self.wrong = true;
            }
        }
        let Some((first, _)) = entries.first() else {
            return;
        };
        if beside_if {
            let message = "`then` and `else` check nothing without `if`";
            self.problem(first.at, message, "add `if`, or remove them");
        }
        if only_if {
            let message = "`if` checks nothing without `then` or `else`";
            self.problem(first.at, message, "add one, or remove it");
        }
        if counts {
            let message = "`minContains` and `maxContains` check nothing without `contains`";
            self.problem(first.at, message, "add `contains`, or remove them");
        }
        let is_beside = |word: &str| {
            !ANNOTATIONS.contains(&word) && !matches!(word, "$ref" | "$schema" | "definitions")
        };
        let beside = entries.iter().any(|(key, _)| is_beside(&key.text));
        if self.draft.contains(&"$defs") && has("$ref") && beside {
            let message = "draft 7 passes over what stands beside `$ref`";
            self.problem(first.at, message, "put it and the `$ref` under `allOf`");
        }
    }

    /// Whether a keyword is one of those that are judged; if it would be passed over, that is a problem.
    fn is_judged(&mut self, key: &Key) -> bool {
        let word = key.text.as_str();
        if ANNOTATIONS.contains(&word) || word.starts_with("x-") {
            return false;
        }
        let (message, remedy) = if IDLE_KEYWORDS.contains(&word) {
            (
                format!("`{word}` checks nothing: the drafts make it a note"),
                "write a `pattern`, or remove it".to_owned(),
            )
        } else if OTHER_KEYWORDS.contains(&word) {
            (
                format!("`{word}` is not judged here"),
                "docs/suite.md lists what is; write it with those words, or remove it".to_owned(),
            )
        } else if self.draft.contains(&word) {
            (
                format!("the draft that `$schema` names has no `{word}`"),
                "remove `$schema`: without it, 2020-12 holds".to_owned(),
            )
        } else if KEYWORDS.contains(&word) {
            return true;
        } else {
            let near = self.context.problems.nearest(word, KEYWORDS);
            let remedy = near.map_or_else(
                || {
                    "docs/suite.md lists what is judged; names of fields go under `properties`"
                        .to_owned()
                },
                |near| format!("did you mean {near:?}?"),
            );
            (format!("unknown keyword {word:?}"), remedy)
        };
        self.problem(key.at, message, remedy);
        false
    }

    /// Reads one keyword; whether it is right.
    fn keyword(&mut self, place: usize, pointer: &str, word: &str, node: &Node) -> bool {
        let below = format!("{pointer}/{word}");
        match word {
            "$schema" => {
                if !pointer.is_empty() {
                    self.problem(node.at, "`$schema` stands at the top", "remove it here");
                }
                true
            }
            "$ref" => self.reference(place, node),
            "$defs" | "definitions" => self.named(node, &below).is_some(),
            "properties" => self.set(place, node, &below, |schema, named| {
                schema.properties = named
                    .into_iter()
                    .map(|(key, place)| (key.text, place))
                    .collect();
            }),
            "dependentSchemas" => self.set(place, node, &below, |schema, named| {
                schema.dependent = named
                    .into_iter()
                    .map(|(key, place)| (key.text, place))
                    .collect();
            }),
            "patternProperties" => {
                let Some(named) = self.named(node, &below) else {
                    return false;
                };
                for (key, property) in named {
                    let Some(pattern) = self.pattern(key.at, &key.text) else {
                        return false;
                    };
                    self.schemas[place]
                        .pattern_properties
                        .push((pattern, property));
                }
                true
            }
            "prefixItems" | "allOf" | "anyOf" | "oneOf" => {
                let Some(list) = self.list(word, node, &below) else {
                    return false;
                };
                let schema = &mut self.schemas[place];
                *match word {
                    "prefixItems" => &mut schema.prefix,
                    "allOf" => &mut schema.all_of,
                    "anyOf" => &mut schema.any_of,
                    _ => &mut schema.one_of,
                } = list;
                true
            }
            "additionalProperties"
            | "propertyNames"
            | "items"
            | "contains"
            | "not"
            | "if"
            | "then"
            | "else" => {
                if let ("items", Value::List(_)) = (word, &node.value) {
                    let remedy = if self.draft.contains(&"prefixItems") {
                        "write one schema; without `$schema` there is a keyword for items that differ by their place"
                    } else {
                        "write `prefixItems` for items that differ by their place"
                    };
                    self.problem(node.at, "`items` is one schema for all items", remedy);
                    return false;
                }
                let inner = Some(self.schema(node, &below));
                let schema = &mut self.schemas[place];
                *match word {
                    "additionalProperties" => &mut schema.additional,
                    "propertyNames" => &mut schema.names,
                    "items" => &mut schema.items,
                    "contains" => &mut schema.contains,
                    "not" => &mut schema.not,
                    "if" => &mut schema.condition,
                    "then" => &mut schema.then,
                    _ => &mut schema.otherwise,
                } = inner;
                true
            }
            _ => self.assertion(place, word, node).is_some(),
        }
    }

    fn set(
        &mut self,
        place: usize,
        node: &Node,
        below: &str,
        set: impl FnOnce(&mut Schema, Vec<(Key, usize)>),
    ) -> bool {
        match self.named(node, below) {
            Some(named) => {
                set(&mut self.schemas[place], named);
                true
            }
            None => false,
        }
    }

    /// Schemas by name.
    fn named(&mut self, node: &Node, below: &str) -> Option<Vec<(Key, usize)>> {
        let entries = entries(node, "the schemas", &self.context.problems)?;
        for (key, _) in &entries {
            self.is_plain(key.at, &key.text);
        }
        let named = entries.into_iter().map(|(key, node)| {
            let escaped = key.text.replace('~', "~0").replace('/', "~1");
            (
                key.clone(),
                self.schema(node, &format!("{below}/{escaped}")),
            )
        });
        Some(named.collect())
    }

    fn list(&mut self, word: &str, node: &Node, below: &str) -> Option<Vec<usize>> {
        let nodes = items(node, word, &self.context.problems)?;
        if nodes.is_empty() {
            let message = format!("`{word}` has no schema");
            self.problem(node.at, message, "write one, or remove it");
            return None;
        }
        let schemas = nodes.iter().enumerate();
        Some(
            schemas
                .map(|(index, node)| self.schema(node, &format!("{below}/{index}")))
                .collect(),
        )
    }

    fn reference(&mut self, place: usize, node: &Node) -> bool {
        let Some(written) = scalar::text(node, "$ref", &self.context.problems) else {
            return false;
        };
        let Some(pointer) = written.strip_prefix('#') else {
            let message = format!("{written:?} is another file, and none is fetched");
            let remedy = "copy it under `$defs`, and write '#/$defs/name'";
            self.problem(node.at, message, remedy);
            return false;
        };
        self.references.push((node.at, pointer.to_owned(), place));
        true
    }

    /// Finds what each `$ref` refers to, and refuses circles in which nothing of a body is used up.
    fn resolve(&mut self) {
        for (at, pointer, place) in std::mem::take(&mut self.references) {
            let Some(found) = self.places.get(&pointer) else {
                let near = self.places.keys().map(String::as_str);
                let near = self.context.problems.nearest(&pointer, near);
                let remedy = near.map_or_else(
                    || "write '#/$defs/name', with `name` under `$defs` at the top".to_owned(),
                    |near| format!("did you mean \"#{near}\"?"),
                );
                self.problem(at, format!("\"#{pointer}\" is no schema in here"), remedy);
                continue;
            };
            self.schemas[place].reference = Some(*found);
            if self.is_circle(place) {
                self.schemas[place].reference = None;
                let message =
                    format!("\"#{pointer}\" leads back to itself without going into the body");
                self.problem(at, message, "refer to it from `properties` or `items`");
            }
        }
    }

    /// Whether a schema is applied to the very value that it is applied to.
    fn is_circle(&self, start: usize) -> bool {
        let mut seen = vec![false; self.schemas.len()];
        let mut open: Vec<usize> = self.schemas[start].in_place().collect();
        while let Some(place) = open.pop() {
            if place == start {
                return true;
            }
            if !std::mem::replace(&mut seen[place], true) {
                open.extend(self.schemas[place].in_place());
            }
        }
        false
    }
}
