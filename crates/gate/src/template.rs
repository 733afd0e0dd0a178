//! `{{ name }}`, `{{ target.key }}` and `{{ function() }}` in the strings of a suite.
//!
//! A template is parsed when the suite is loaded, so that a dead reference is found before a
//! deployment stands at the gate. Values are inserted once and never parsed again: what a target
//! or a secret contains can't become a template.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use strict_yaml::Number;
use strict_yaml::words::is_name;

use crate::template_function::{Function, FunctionError, Moment};
use crate::words;

/// The values that templates may use during one run.
#[derive(Clone, Default)]
pub(crate) struct Values {
    /// Variables and resolved secrets, with their types.
    pub(crate) names: Arc<BTreeMap<String, Var>>,
    /// Facts of the target.
    pub(crate) target: Arc<BTreeMap<String, String>>,
    /// Why other facts are not known.
    pub(crate) unknown: Arc<BTreeMap<String, String>>,
    /// What earlier steps of a journey captured.
    pub(crate) captures: Arc<BTreeMap<String, Var>>,
    /// The try that texts are filled for; what functions stand on.
    pub(crate) moment: Option<Moment>,
}

/// A value with its type, and as it was written: `1.10` in a text must not become `1.1`, nor `True` `true`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Var {
    Text(String),
    Bool {
        value: bool,
        written: String,
    },
    Number {
        value: Number,
        written: String,
    },
    /// A number, true or false from the JSON of an answer.
    Json {
        value: exact_json::Value,
        written: String,
    },
    /// A list, an object or null from the JSON of an answer: to an expression a value of JSON, elsewhere this text.
    Structure(String),
}

impl Var {
    /// What stands for it in a text: what was written.
    pub(crate) fn written(&self) -> &str {
        match self {
            Self::Text(text) | Self::Structure(text) => text,
            Self::Bool { written, .. }
            | Self::Number { written, .. }
            | Self::Json { written, .. } => written,
        }
    }

    /// The same number as JSON has it, where that is not what was written: `192117` for `0192117`.
    pub(crate) fn rewritten(&self) -> Option<&str> {
        match self {
            Self::Number { value, written } if value.as_str() != written => Some(value.as_str()),
            _ => None,
        }
    }
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
    /// A value that is new in each try.
    Function(Function),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Target(key) => write!(f, "target.{key}"),
            Self::Function(function) => write!(f, "{function}"),
        }
    }
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("\"{{{{\" is never closed by \"}}}}\"")]
    Unclosed,
    #[error("{0:?} between \"{{{{\" and \"}}}}\" is not a name")]
    NotAName(String),
    #[error(transparent)]
    Function(#[from] FunctionError),
}

/// What a text may take when its references are filled: a short one can name a long value many times.
pub(crate) const MAX_FILLED: usize = 1024 * 1024;

/// Why the references of a text can't be filled during this run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    #[error(
        "a text is larger than {} when its references are filled",
        words::bytes(MAX_FILLED)
    )]
    TooLong,
    #[error("the variable, secret or capture {0:?} has no value in this run")]
    Name(String),
    #[error("target.{key} is not known for this deployment{}", because(.why.as_deref()))]
    Target { key: String, why: Option<String> },
    #[error("{0} has no value outside of a try")]
    Function(String),
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
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

    /// The text with its references as they are.
    pub(crate) fn written(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(literal) => literal.clone(),
            Piece::Reference(reference) => format!("{{{{ {reference} }}}}"),
        };
        self.pieces.iter().map(piece).collect()
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.references().next().is_none()
    }

    /// How long the text is when its references are filled; what has no value counts nothing.
    pub(crate) fn filled_len(&self, values: &Values) -> usize {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(literal) => literal.len(),
            Piece::Reference(reference) => values.text(reference).map_or(0, |text| text.len()),
        };
        self.pieces.iter().map(piece).fold(0, usize::saturating_add)
    }

    /// The text with every reference filled.
    pub(crate) fn render(&self, values: &Values) -> Result<String, Missing> {
        self.render_with(|reference| values.text(reference).map(Cow::into_owned))
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
            if text.len() > MAX_FILLED {
                return Err(Missing::TooLong);
            }
        }
        Ok(text)
    }

    /// Like [`Template::render`], but a string that is one reference and nothing else keeps the
    /// type of its variable: with `vars: { book: 7 }`, `"{{ book }}"` is the number 7.
    pub(crate) fn render_value(&self, values: &Values) -> Result<Var, Missing> {
        match self.lone() {
            Some(Reference::Name(name)) => values.named(name).cloned(),
            _ => self.render(values).map(Var::Text),
        }
    }

    /// The reference that this is, if it is one and nothing else.
    pub(crate) fn lone(&self) -> Option<&Reference> {
        match self.pieces.as_slice() {
            [Piece::Reference(reference)] => Some(reference),
            _ => None,
        }
    }
}

impl Values {
    /// What stands for a reference in a text.
    pub(crate) fn text(&self, reference: &Reference) -> Result<Cow<'_, str>, Missing> {
        match reference {
            Reference::Name(name) => self.named(name).map(|var| var.written().into()),
            Reference::Function(function) => {
                let moment = self.moment.as_ref();
                let moment = moment.ok_or_else(|| Missing::Function(function.to_string()))?;
                Ok(function.value(moment).into())
            }
            Reference::Target(key) => self
                .target
                .get(key)
                .map(|fact| fact.as_str().into())
                .ok_or_else(|| Missing::Target {
                    key: key.clone(),
                    why: self.unknown.get(key).cloned(),
                }),
        }
    }

    fn named(&self, name: &str) -> Result<&Var, Missing> {
        self.names
            .get(name)
            .or_else(|| self.captures.get(name))
            .ok_or_else(|| Missing::Name(name.to_owned()))
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.to_owned()));
    }
}

fn reference(inside: &str) -> Result<Reference, TemplateError> {
    if let Some(function) = Function::parse(inside) {
        return Ok(Reference::Function(function?));
    }
    match inside.split_once('.') {
        Some(("target", key)) if is_name(key) => Ok(Reference::Target(key.to_owned())),
        None if is_name(inside) => Ok(Reference::Name(inside.to_owned())),
        _ => Err(TemplateError::NotAName(inside.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(written: &str) -> Var {
        let read = strict_yaml::read(written, crate::suite::FILE).unwrap();
        let strict_yaml::Value::Number(value, written) = read.value else {
            panic!("{written} is not a number");
        };
        Var::Number { value, written }
    }

    fn fact(key: &str, value: &str) -> Arc<BTreeMap<String, String>> {
        Arc::new(BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    fn values() -> Values {
        Values {
            names: Arc::new(BTreeMap::from([
                ("book".to_owned(), number("7")),
                ("build".to_owned(), number("0192117")),
                ("reader".to_owned(), Var::Text("{{ book }}".to_owned())),
            ])),
            target: fact("version", "1.2.0"),
            unknown: fact("old_version", "it is the first"),
            captures: Arc::default(),
            moment: None,
        }
    }

    #[test]
    fn references_are_filled_once() {
        let template = Template::parse("a {{ target.version }}/{{book}}/{{ reader }}").unwrap();
        assert_eq!(template.render(&values()).unwrap(), "a 1.2.0/7/{{ book }}");
    }

    #[test]
    fn a_lone_reference_keeps_its_type() {
        let value = |text| {
            Template::parse(text)
                .unwrap()
                .render_value(&values())
                .unwrap()
        };
        assert_eq!(value("{{ book }}"), number("7"));
        assert_eq!(value("n{{ book }}"), Var::Text("n7".to_owned()));
        assert_eq!(value("{{ target.version }}"), Var::Text("1.2.0".to_owned()));
    }

    #[test]
    fn a_number_in_a_text_is_what_was_written() {
        let template = Template::parse("build {{ build }}").unwrap();
        assert_eq!(template.render(&values()).unwrap(), "build 0192117");
        assert_eq!(number("0192117").rewritten(), Some("192117"));
        assert_eq!(number("1.10").rewritten(), None);
    }

    #[test]
    fn a_filled_text_is_bounded() {
        let mut values = values();
        let long = Var::Text("x".repeat(100_000));
        Arc::make_mut(&mut values.names).insert("long".to_owned(), long);
        let filled = |times: usize| {
            let template = Template::parse(&"{{ long }}".repeat(times)).unwrap();
            template.render(&values).map(|text| text.len())
        };
        assert_eq!(filled(10), Ok(1_000_000));
        assert_eq!(filled(11), Err(Missing::TooLong));
        assert_eq!(filled(50_000), Err(Missing::TooLong));
        insta::assert_snapshot!(Missing::TooLong, @"a text is larger than 1 MiB when its references are filled");
    }

    #[test]
    fn what_is_no_template_is_told() {
        let problem_of = |text| Template::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(problem_of("x {{ y"), @r#""{{" is never closed by "}}""#);
        insta::assert_snapshot!(problem_of("{{ a b }}"), @r#""a b" between "{{" and "}}" is not a name"#);
        insta::assert_snapshot!(problem_of("{{ vars.x }}"), @r#""vars.x" between "{{" and "}}" is not a name"#);
        insta::assert_snapshot!(problem_of("{{ guid() }}"), @"there is no function guid()");
        insta::assert_snapshot!(
            Template::parse("{{ uuid() }}").unwrap().render(&values()).unwrap_err(),
            @"uuid() has no value outside of a try"
        );
        insta::assert_snapshot!(
            Template::parse("{{ target.image }}").unwrap().render(&values()).unwrap_err(),
            @"target.image is not known for this deployment"
        );
        insta::assert_snapshot!(
            Template::parse("{{ target.old_version }}").unwrap().render(&values()).unwrap_err(),
            @"target.old_version is not known for this deployment: it is the first"
        );
    }
}
