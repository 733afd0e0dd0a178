//! `{{ name }}` and `{{ target.key }}` in the strings of a suite.
//!
//! A template is parsed when the suite is loaded, so that a dead reference is found before a
//! deployment stands at the gate. Values are inserted once and never parsed again: what a target
//! or a secret contains can't become a template.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use strict_yaml::words::is_name;

/// The values that templates may use during one run.
#[derive(Clone, Default)]
pub(crate) struct Values {
    /// Variables and resolved secrets, with their types.
    pub(crate) names: BTreeMap<String, Value>,
    /// Facts of the target.
    pub(crate) target: BTreeMap<String, String>,
}

// Written out, so that no log can hold the secrets.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values")
            .field("names", &self.names.keys())
            .finish_non_exhaustive()
    }
}

/// A string with places to be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Reference(Reference),
}

/// What stands between `{{` and `}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A variable or a secret.
    Name(String),
    /// A fact of the target.
    Target(String),
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("\"{{{{\" is never closed by \"}}}}\"")]
    Unclosed,
    #[error("{0:?} between \"{{{{\" and \"}}}}\" is not a name")]
    NotAName(String),
}

/// A reference without a value during this run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    #[error("the secret or variable {0:?} has no value in this run")]
    Name(String),
    #[error("target.{0} is not known for this deployment")]
    Target(String),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            push_literal(&mut pieces, &rest[..open]);
            let inside = &rest[open + 2..];
            let close = inside.find("}}").ok_or(TemplateError::Unclosed)?;
            pieces.push(Piece::Reference(reference(inside[..close].trim())?));
            rest = &inside[close + 2..];
        }
        push_literal(&mut pieces, rest);
        Ok(Self { pieces })
    }

    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Literal(_) => None,
        })
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.references().next().is_none()
    }

    /// The text with every reference filled.
    pub(crate) fn render(&self, values: &Values) -> Result<String, Missing> {
        self.render_with(|reference| values.text(reference))
    }

    /// The text with every reference filled by `fill`.
    pub(crate) fn render_with(
        &self,
        fill: impl Fn(&Reference) -> Result<String, Missing>,
    ) -> Result<String, Missing> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Reference(reference) => text.push_str(&fill(reference)?),
            }
        }
        Ok(text)
    }

    /// Like [`Template::render`], but a string that is one reference and nothing else keeps the
    /// type of its variable: with `vars: { book: 7 }`, `"{{ book }}"` is the number 7.
    pub(crate) fn render_value(&self, values: &Values) -> Result<Value, Missing> {
        match self.pieces.as_slice() {
            [Piece::Reference(reference)] => values.value(reference),
            _ => self.render(values).map(Value::String),
        }
    }
}

impl Values {
    pub(crate) fn text(&self, reference: &Reference) -> Result<String, Missing> {
        self.value(reference).map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    fn value(&self, reference: &Reference) -> Result<Value, Missing> {
        match reference {
            Reference::Name(name) => self
                .names
                .get(name)
                .cloned()
                .ok_or_else(|| Missing::Name(name.clone())),
            Reference::Target(key) => self
                .target
                .get(key)
                .map(|fact| Value::String(fact.clone()))
                .ok_or_else(|| Missing::Target(key.clone())),
        }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.to_owned()));
    }
}

fn reference(inside: &str) -> Result<Reference, TemplateError> {
    match inside.split_once('.') {
        Some(("target", key)) if is_name(key) => Ok(Reference::Target(key.to_owned())),
        None if is_name(inside) => Ok(Reference::Name(inside.to_owned())),
        _ => Err(TemplateError::NotAName(inside.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        Values {
            names: BTreeMap::from([
                ("book".to_owned(), json!(7)),
                ("reader".to_owned(), json!("{{ book }}")),
            ]),
            target: BTreeMap::from([("version".to_owned(), "1.2.0".to_owned())]),
        }
    }

    #[test]
    fn references_are_filled_once() {
        let template = Template::parse("a {{ target.version }}/{{book}}/{{ reader }}").unwrap();
        assert_eq!(template.render(&values()).unwrap(), "a 1.2.0/7/{{ book }}");
    }

    #[test]
    fn a_lone_reference_keeps_its_type() {
        assert_eq!(
            Template::parse("{{ book }}")
                .unwrap()
                .render_value(&values())
                .unwrap(),
            json!(7)
        );
        assert_eq!(
            Template::parse("n{{ book }}")
                .unwrap()
                .render_value(&values())
                .unwrap(),
            json!("n7")
        );
    }

    #[test]
    fn what_is_no_template_is_told() {
        let told = |text| Template::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(told("x {{ y"), @r#""{{" is never closed by "}}""#);
        insta::assert_snapshot!(told("{{ a b }}"), @r#""a b" between "{{" and "}}" is not a name"#);
        insta::assert_snapshot!(told("{{ vars.x }}"), @r#""vars.x" between "{{" and "}}" is not a name"#);
        insta::assert_snapshot!(
            Template::parse("{{ target.image }}").unwrap().render(&values()).unwrap_err(),
            @"target.image is not known for this deployment"
        );
    }
}
