//! What is known while a file is converted: the problems so far, and the names. Here texts with placeholders become texts
//! with references.

use hurl_core::ast::{ExprKind, Function, Placeholder, Template, TemplateElement};
use strict_yaml::{Findings, Position};

use crate::names::{Kind, Known, Names};
use crate::tree::start;

/// What to do about a construct that no suite has.
pub(crate) const SUITE_REMEDY: &str =
    "leave it out here, and write the check in a suite if it matters";

pub(crate) struct Context {
    pub(crate) problems: Findings,
    pub(crate) names: Names,
}

impl Context {
    pub(crate) fn new(problems: Findings, names: Names) -> Self {
        for (message, remedy) in &names.wrong {
            problems.add(Position::NOWHERE, message, remedy);
        }
        Self { problems, names }
    }

    /// Refuses a construct.
    pub(crate) fn refuse<T>(
        &self,
        at: Position,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        self.problems.add(at, message, remedy);
        None
    }

    /// A text of the suite, with references for placeholders.
    pub(crate) fn text(&self, template: &Template) -> Option<String> {
        self.pieces(template, str::to_owned)
    }

    /// The same as a regular expression that is found where the text is: what is literal, escaped. References are
    /// escaped when they are filled.
    pub(crate) fn escaped(&self, template: &Template) -> Option<String> {
        self.pieces(template, regex::escape)
    }

    /// The same for JSON, where a reference that stands alone would keep the type of its value: in Hurl it is text.
    pub(crate) fn json_text(&self, template: &Template) -> Option<String> {
        let text = self.text(template)?;
        let [TemplateElement::Placeholder(placeholder)] = template.elements.as_slice() else {
            return Some(text);
        };
        match self.variable(placeholder) {
            Some(known) if known.kind != Kind::Text => Some(text + &self.names.nothing()),
            _ => Some(text),
        }
    }

    /// A text without placeholders.
    pub(crate) fn literal(&self, template: &Template, what: &str) -> Option<String> {
        let mut text = String::new();
        for element in &template.elements {
            match element {
                TemplateElement::String { value, .. } => text.push_str(value),
                TemplateElement::Placeholder(_) => {
                    let message = format!("{what} can't have placeholders");
                    return self.refuse(start(template.source_info), message, "write it out");
                }
            }
        }
        Some(text)
    }

    fn pieces(&self, template: &Template, literal: impl Fn(&str) -> String) -> Option<String> {
        let mut text = String::new();
        let mut known = true;
        for element in &template.elements {
            match element {
                TemplateElement::String { value, .. } => text.push_str(&literal(value)),
                TemplateElement::Placeholder(placeholder) => {
                    if text.ends_with('{') {
                        return self.braces(start(template.source_info));
                    }
                    let reference = self.reference(placeholder);
                    known &= reference.is_some();
                    text.extend(reference);
                }
            }
        }
        self.has_no_braces(&template.elements, start(template.source_info))?;
        known.then_some(text)
    }

    /// What stands for a placeholder: a reference, or a call.
    pub(crate) fn reference(&self, placeholder: &Placeholder) -> Option<String> {
        match &placeholder.expr.kind {
            ExprKind::Variable(_) => {
                let known = self.known(placeholder)?;
                Some(format!("{{{{ {} }}}}", known.name))
            }
            ExprKind::Function(Function::NewUuid) => {
                Some(format!("{{{{ uuid('{}') }}}}", self.names.next_call()))
            }
            ExprKind::Function(Function::NewDate) => {
                Some("{{ now('%Y-%m-%dT%H:%M:%S%.6fZ') }}".to_owned())
            }
        }
    }

    /// The variable of a placeholder, if it is one that is known.
    pub(crate) fn variable(&self, placeholder: &Placeholder) -> Option<&Known> {
        match &placeholder.expr.kind {
            ExprKind::Variable(variable) => self.names.get(&variable.name),
            ExprKind::Function(_) => None,
        }
    }

    /// The variable of a placeholder; a problem, if it has no value.
    pub(crate) fn known(&self, placeholder: &Placeholder) -> Option<&Known> {
        let ExprKind::Variable(variable) = &placeholder.expr.kind else {
            return None;
        };
        let (name, at) = (&variable.name, start(variable.source_info));
        if self.names.is_pending(name) {
            let message = format!("{{{{{name}}}}} is captured from the answer that is judged here");
            let remedy = "compare it in a later entry, or write the value out";
            return self.refuse(at, message, remedy);
        }
        let known = self.names.get(name);
        if known.is_none() {
            let message = format!("{{{{{name}}}}} has no value here");
            let is_base = self.names.bases.borrow().contains(name);
            let remedy = if self.names.in_suite && is_base {
                format!(
                    "at the beginning of a URL it stands for the release; to have it here, write it under `vars` of the suite: {name}: URL"
                )
            } else if self.names.in_suite {
                "write it under `vars` or `secrets` of the suite, or capture it before".to_owned()
            } else if is_base {
                format!(
                    "at the beginning of a URL it stands for --url; to have it here, give --var {name}=URL"
                )
            } else {
                let (var, secret) = (
                    format!("--var {name}=VALUE"),
                    format!("--secret {name}=WHERE"),
                );
                let (first, second) = if sounds_secret(name) {
                    (secret, var)
                } else {
                    (var, secret)
                };
                format!("give {first} or {second}, or capture it before")
            };
            return self.refuse(at, message, remedy);
        }
        if let Some(known) = known {
            self.names.used(&known.name, |_| {});
        }
        known
    }

    fn has_no_braces(&self, elements: &[TemplateElement], at: Position) -> Option<()> {
        let braces = elements.iter().any(
            |element| matches!(element, TemplateElement::String { value, .. } if value.contains("{{")),
        );
        if braces {
            return self.braces(at);
        }
        Some(())
    }

    /// In a suite `{{` begins a reference.
    pub(crate) fn braces<T>(&self, at: Position) -> Option<T> {
        let message = "{{ as it is can't stand in a text of a suite";
        self.refuse(
            at,
            message,
            "send it from a suite, by a variable that holds the braces",
        )
    }

    /// A text that is sent or compared as it is.
    pub(crate) fn fixed(&self, at: Position, text: &str) -> Option<String> {
        if text.contains("{{") {
            return self.braces(at);
        }
        Some(text.to_owned())
    }
}

/// Whether a name says that its value is no one's business.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "token", "secret", "key"]
        .iter()
        .any(|word| name.contains(word))
}
