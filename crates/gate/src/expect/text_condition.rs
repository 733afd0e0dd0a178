//! Demands on text: a header's value or a body.

use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

use super::{Finding, Got, several};
use crate::template::{Template, Values};
use crate::words;

/// What a compiled pattern may take.
pub(crate) const MAX_PATTERN_MEMORY: usize = 1024 * 1024;
/// What a pattern may take that is compiled when its references are filled.
pub(crate) const MAX_FILLED_MEMORY: usize = 128 * 1024;
/// Bytes of such a pattern.
const MAX_FILLED_TEXT: usize = 16 * 1024;
/// What a pattern may take when it runs, beside the text that it is matched with.
const MAX_RUNNING_MEMORY: usize = 64 * 1024;

/// One demand on a text.
#[derive(Clone, Debug)]
pub(crate) enum TextCondition {
    Equals(Template),
    Contains(Template),
    NotContains(Template),
    Matches(Pattern),
    Exists(bool),
}

/// A regular expression, whose references are inserted literally (with their special characters
/// escaped) and not as part of the expression.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    template: Template,
    /// The source and what it compiles to: from when the suite was loaded, if nothing has to be filled in;
    /// otherwise from when it was last filled, which is the same in every try of a run.
    compiled: Arc<Mutex<Option<(String, Regex)>>>,
}

impl TextCondition {
    pub(crate) fn is_pattern(&self) -> bool {
        matches!(self, Self::Matches(_))
    }

    /// Every text in it.
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Self::Equals(text) | Self::Contains(text) | Self::NotContains(text) => see(text),
            Self::Matches(pattern) => see(pattern.template()),
            Self::Exists(_) => {}
        }
    }
}

impl Pattern {
    /// `trial` is what `template` compiles to with stand-ins.
    pub(crate) fn new(template: Template, trial: Regex) -> Self {
        let compiled = template
            .is_literal()
            .then(|| (trial.as_str().to_owned(), trial));
        Self {
            template,
            compiled: Arc::new(Mutex::new(compiled)),
        }
    }

    /// The text that stands for the pattern until its references are known.
    pub(crate) fn placeholder(template: &Template) -> String {
        template
            .render_with(|_| Ok("x".to_owned()))
            .unwrap_or_default()
    }

    /// The text, as it was written.
    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    /// The expression, if there is nothing to be filled in.
    pub(crate) fn literal(&self) -> Option<Regex> {
        let compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, regex) = compiled.as_ref().filter(|_| self.template.is_literal())?;
        Some(regex.clone())
    }

    /// The expression as people wrote it, and compiled, both filled for this run.
    pub(crate) fn fill(&self, values: &Values) -> Result<(String, Regex), String> {
        let told = self
            .template
            .render(values)
            .map_err(|missing| missing.to_string())?;
        if let Some(regex) = self.literal() {
            return Ok((told, regex));
        }
        let escaped = |reference: &_| values.text(reference).map(regex::escape);
        let source = self
            .template
            .render_with(escaped)
            .map_err(|missing| missing.to_string())?;
        if source.len() > MAX_FILLED_TEXT {
            let bound = words::bytes(MAX_FILLED_TEXT);
            return Err(format!(
                "the pattern is longer than {bound} when it is filled"
            ));
        }
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        match &*compiled {
            Some((of, regex)) if *of == source => Ok((told, regex.clone())),
            _ => {
                let regex = compile(&source, MAX_FILLED_MEMORY).map_err(|error| match error {
                    regex::Error::CompiledTooBig(_) => format!(
                        "the pattern takes more than {} when it is filled",
                        words::bytes(MAX_FILLED_MEMORY)
                    ),
                    other => other.to_string(),
                })?;
                *compiled = Some((source, regex.clone()));
                Ok((told, regex))
            }
        }
    }
}

/// What came of the conditions of one expectation on a text that is there once, several times (a header) or
/// not at all.
///
/// One value must meet all conditions together. Where `not_contains` is the only one, every value must meet
/// it. A text that is not there meets nothing but `exists: false`, so that a mistyped name can't pass.
pub(crate) fn evaluate(
    subject: &str,
    tests: &[TextCondition],
    present: &[&str],
    values: &Values,
) -> Vec<Finding> {
    let conditions: Vec<Condition> = tests.iter().map(|test| test.fill(values)).collect();
    let together = tests.iter().any(TextCondition::selects);
    let judged = match nearest(present, &conditions) {
        Some(index) if together => &present[index..=index],
        _ => present,
    };
    // Said where a reader would otherwise find each condition met by some value.
    let one_of_several = together && tests.len() > 1 && present.len() > 1;
    let of_text = if one_of_several {
        format!(
            "{subject} (one value of {} for all conditions)",
            present.len()
        )
    } else {
        subject.to_owned()
    };
    let got = || told(if one_of_several { judged } else { present });
    conditions
        .into_iter()
        .map(|condition| match condition {
            Condition::Unfilled(why) => Finding::errored(subject, why),
            Condition::Exists(true) => {
                let demand = format!("{subject} to be there");
                Finding::new(demand, told(present), !present.is_empty())
            }
            Condition::Exists(false) => {
                Finding::new(format!("no {subject}"), told(present), present.is_empty())
            }
            Condition::OfText {
                relation,
                wanted,
                holds,
            } => {
                let met = !judged.is_empty() && judged.iter().all(|value| holds(value));
                Finding::new(format!("{of_text} {relation}"), got(), met).wanting(wanted)
            }
        })
        .collect()
}

/// The value that meets the most conditions, the first of equals.
fn nearest(present: &[&str], conditions: &[Condition]) -> Option<usize> {
    let met = |value: &str| {
        let holds = |condition: &&Condition| match condition {
            Condition::OfText { holds, .. } => holds(value),
            Condition::Exists(_) | Condition::Unfilled(_) => true,
        };
        conditions.iter().filter(holds).count()
    };
    match present {
        [] => None,
        [_] => Some(0),
        several => (0..several.len())
            .rev()
            .max_by_key(|index| met(several[*index])),
    }
}

/// A condition with its references filled.
enum Condition {
    Exists(bool),
    OfText {
        relation: &'static str,
        /// As people read it.
        wanted: String,
        holds: Box<dyn Fn(&str) -> bool>,
    },
    /// Why it can't be judged.
    Unfilled(String),
}

impl TextCondition {
    /// Whether this asks for one value rather than something of all of them.
    fn selects(&self) -> bool {
        matches!(self, Self::Equals(_) | Self::Contains(_) | Self::Matches(_))
    }

    fn fill(&self, values: &Values) -> Condition {
        let filled = |template: &Template| template.render(values).map_err(|why| why.to_string());
        let condition = match self {
            Self::Exists(wanted) => return Condition::Exists(*wanted),
            Self::Matches(pattern) => pattern.fill(values).map(|(source, regex)| {
                let wanted = format!("/{source}/");
                Condition::of_text("matching", wanted, move |text| regex.is_match(text))
            }),
            Self::Equals(template) => filled(template).map(|wanted| {
                let shown = words::quote(&wanted);
                Condition::of_text("equal to", shown, move |text| text == wanted)
            }),
            Self::Contains(template) => filled(template).map(|wanted| {
                let shown = words::quote(&wanted);
                Condition::of_text("containing", shown, move |text| text.contains(&wanted))
            }),
            Self::NotContains(template) => filled(template).map(|wanted| {
                let shown = words::quote(&wanted);
                Condition::of_text("without", shown, move |text| !text.contains(&wanted))
            }),
        };
        condition.unwrap_or_else(Condition::Unfilled)
    }
}

impl Condition {
    fn of_text(
        relation: &'static str,
        wanted: String,
        holds: impl Fn(&str) -> bool + 'static,
    ) -> Self {
        Self::OfText {
            relation,
            wanted,
            holds: Box::new(holds),
        }
    }
}

fn told(present: &[&str]) -> Got {
    match present {
        [] => Got::Words("none".to_owned()),
        [""] => Got::Words("an empty one".to_owned()),
        texts => {
            let quoted = texts.iter().map(|value| words::quote(value));
            Got::Value(several(quoted, texts.len(), " and "))
        }
    }
}

pub(crate) fn compile(source: &str, memory: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .size_limit(memory)
        .dfa_size_limit(MAX_RUNNING_MEMORY)
        .build()
}
