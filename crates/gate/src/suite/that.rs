//! `that:` of an expectation: an expression in CEL, and the names that it may use.

use ::http::header::HeaderName;
use exact_cel::{Expression, Names, Reference, Type};
use regex::Regex;
use strict_yaml::{Node, Value, scalar};

use super::context::Context;
use crate::TARGET_KEYS;
use crate::expect::{Expectation, Source, ThatExpectation};
use crate::template::{Template, Var};
use crate::words;

/// Bytes of all expressions of a suite.
const MAX_EXPRESSIONS: usize = 64 * 1024;

const KNOWN_NAMES: &str =
    "there are status, headers, body, json, latency_ms, vars, secrets, captures and target";

pub(super) fn expectation(node: &Node, context: &Context) -> Option<Expectation> {
    let problems = &context.problems;
    if let Value::List(_) = &node.value {
        let message = "`that` takes one expression as text";
        problems.add(node.at, message, "write one entry for each");
        return None;
    }
    let written = scalar::text(node, "that", problems)?;
    let used = &context.expressions;
    if used.get() > MAX_EXPRESSIONS {
        // The bound is a problem already.
        return None;
    }
    used.set(used.get() + written.len());
    if used.get() > MAX_EXPRESSIONS {
        let bound = words::bytes(MAX_EXPRESSIONS);
        let message =
            format!("the expressions of the suite, up to this one, are longer than {bound}");
        problems.add(node.at, message, "use fewer, or other conditions");
        return None;
    }
    let expression = match Expression::parse(written, &Known(context)) {
        Ok(expression) => expression,
        Err(fault) => {
            let remedy = if written.contains("{{") {
                "an expression names values without braces: vars.name, secrets.name, captures.name or target.version"
                    .to_owned()
            } else {
                fault.remedy
            };
            let (message, character) = (fault.message, fault.character);
            let message = format!("that: {message} (character {character})");
            problems.add(node.at, message, remedy);
            return None;
        }
    };
    let sources: Vec<Option<Source>> = expression
        .references()
        .iter()
        .map(|reference| source(node, reference, context))
        .collect();
    let sources = sources.into_iter().collect::<Option<Vec<Source>>>()?;
    let of_answer = expression.references().iter().any(|reference| {
        !matches!(
            reference.record.as_deref(),
            Some("vars" | "secrets" | "target")
        )
    });
    if !of_answer {
        let message =
            "that: the expression is not about the answer, so every answer meets it, or none does";
        let remedy = "name status, headers, body, json or latency_ms in it";
        problems.add(node.at, message, remedy);
        return None;
    }
    let that = ThatExpectation::new(written, expression, sources);
    Some(Expectation::That(that))
}

fn source(node: &Node, reference: &Reference, context: &Context) -> Option<Source> {
    let name = &reference.name;
    Some(match reference.record.as_deref() {
        Some("headers") => Source::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
        Some("target") => Source::Name(filled(node, &format!("target.{name}"), context)?),
        Some(_) => Source::Name(filled(node, name, context)?),
        None => match name.as_str() {
            "status" => Source::Status,
            "body" => Source::Body,
            "json" => Source::Json,
            _ => Source::Latency,
        },
    })
}

fn filled(node: &Node, name: &str, context: &Context) -> Option<Template> {
    context.template(node, &format!("{{{{ {name} }}}}"))
}

/// What an expression may name at this place of a suite.
struct Known<'c>(&'c Context);

impl Names for Known<'_> {
    fn variable(&self, name: &str) -> Option<Type> {
        match name {
            "status" => Some(Type::Whole),
            "body" => Some(Type::Text),
            "json" => Some(Type::Any),
            "latency_ms" => Some(Type::Number),
            _ => None,
        }
    }

    fn is_record(&self, name: &str) -> bool {
        matches!(name, "headers" | "vars" | "secrets" | "captures" | "target")
    }

    fn member(&self, record: &str, name: &str) -> Result<Type, (String, String)> {
        let context = self.0;
        match record {
            "headers" => header(name),
            "target" if TARGET_KEYS.contains(&name) => Ok(Type::Text),
            "target" => Err(self.unknown("target has no", name, TARGET_KEYS.iter().copied())),
            "captures" if context.is_captured(name) => Ok(Type::Any),
            "captures" => {
                let captured = context.captured_names();
                let captured = captured.iter().map(String::as_str);
                Err(self.unknown("no earlier step captures", name, captured))
            }
            _ => {
                let is_var = context.vars.get(name).map(|var| match var {
                    Var::Text(_) => Type::Text,
                    Var::Bool { .. } => Type::Bool,
                    Var::Number { .. } => Type::Number,
                    Var::Json { .. } | Var::Structure(_) => Type::Any,
                });
                let is_secret = is_var.is_none() && context.declared().contains(name);
                match (record, is_var, is_secret) {
                    ("vars", Some(of), _) => Ok(of),
                    ("secrets", _, true) => Ok(Type::Text),
                    (_, Some(_), _) => Err(other_record(name, "a variable", "vars")),
                    (_, _, true) => Err(other_record(name, "a secret", "secrets")),
                    _ if context.is_captured(name) => {
                        Err(other_record(name, "a capture", "captures"))
                    }
                    ("secrets", ..) if !self.has_secrets() => {
                        let remedy = "declare it under `secrets` at the top of the suite";
                        Err(("the suite has no secrets".to_owned(), remedy.to_owned()))
                    }
                    _ => {
                        let vars = context.vars.keys().map(String::as_str);
                        let secrets = context.declared().iter().map(String::as_str);
                        let secrets = secrets.filter(|name| !context.vars.contains_key(*name));
                        let what = format!("{record} has no");
                        if record == "vars" {
                            Err(self.unknown(&what, name, vars))
                        } else {
                            Err(self.unknown(&what, name, secrets))
                        }
                    }
                }
            }
        }
    }

    fn known(&self) -> String {
        KNOWN_NAMES.to_owned()
    }

    fn pattern(&self, source: &str) -> Result<(Regex, usize), (String, String)> {
        self.0.patterns.compiled(source)
    }

    /// Nothing is filled in an expression, and whoever writes a reference means its value.
    fn text(&self, text: &str) -> Result<(), (String, String)> {
        let is_reference = Template::parse(text).is_ok_and(|template| !template.is_literal());
        if !is_reference {
            return Ok(());
        }
        let remedy = "name the value without quotes and braces: vars.name, secrets.name, captures.name or target.version";
        Err((
            format!("{text:?} has a reference, and an expression fills none"),
            remedy.to_owned(),
        ))
    }
}

impl Known<'_> {
    fn has_secrets(&self) -> bool {
        let mut declared = self.0.declared().iter();
        declared.any(|name| !self.0.vars.contains_key(name))
    }

    fn unknown<'n>(
        &self,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> (String, String) {
        let remedy = if let Some(near) = self.0.problems.nearest(name, known.clone()) {
            format!("did you mean {near:?}?")
        } else {
            let known: Vec<&str> = known.collect();
            if known.is_empty() {
                KNOWN_NAMES.to_owned()
            } else {
                format!("known here: {}", words::list(known))
            }
        };
        (format!("{what} {name:?}"), remedy)
    }
}

fn other_record(name: &str, what: &str, record: &str) -> (String, String) {
    let path = Reference {
        record: Some(record.to_owned()),
        name: name.to_owned(),
    };
    (
        format!("{name:?} is {what}"),
        format!("write {}", path.path()),
    )
}

fn header(name: &str) -> Result<Type, (String, String)> {
    let message = format!("{name:?} can't be the name of a header");
    match HeaderName::from_bytes(name.as_bytes()) {
        Err(_) => Err((message, "use letters, digits and -".to_owned())),
        Ok(header) if header.as_str() != name => Err((
            format!("headers are named in lower case, and not {name:?}"),
            format!("write headers['{header}']"),
        )),
        Ok(_) => Ok(Type::Text),
    }
}
