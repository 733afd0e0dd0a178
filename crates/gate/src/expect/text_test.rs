//! Demands on text: a header's value or a body.

use regex::{Regex, RegexBuilder};

use super::{Finding, Got, unfilled};
use crate::template::{Missing, Template, Values};
use crate::text;

/// A compiled pattern may take this much memory; larger ones are refused when the suite is loaded.
const PATTERN_SIZE_LIMIT: usize = 1024 * 1024;

/// One demand on a text.
#[derive(Clone, Debug)]
pub(crate) enum TextTest {
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
    /// Compiled when the suite was loaded, if nothing has to be filled in.
    compiled: Option<Regex>,
}

impl Pattern {
    /// `template` is tried out with stand-ins, so that most bad patterns are found at load.
    pub(crate) fn new(template: Template) -> Result<Self, regex::Error> {
        let trial = template
            .render_with(|_| Ok("x".to_owned()))
            .unwrap_or_default();
        let compiled = compile(&trial)?;
        let compiled = template.is_literal().then_some(compiled);
        Ok(Self { template, compiled })
    }

    /// The expression as people wrote it, and compiled, both filled for this run.
    pub(crate) fn fill(&self, values: &Values) -> Result<(String, Regex), String> {
        let told = self
            .template
            .render(values)
            .map_err(|missing| missing.to_string())?;
        if let Some(regex) = &self.compiled {
            return Ok((told, regex.clone()));
        }
        let escaped = |reference: &_| values.text(reference).map(|text| regex::escape(&text));
        let source = self
            .template
            .render_with(escaped)
            .map_err(|missing| missing.to_string())?;
        compile(&source)
            .map(|regex| (told, regex))
            .map_err(|error| error.to_string())
    }
}

impl TextTest {
    /// `present` holds every value of the text (a header may come more than once); one that meets
    /// the demand is enough, except for `not_contains`, which every one must meet.
    pub(crate) fn evaluate(
        &self,
        subject: &str,
        present: Option<&[&str]>,
        values: &Values,
    ) -> Finding {
        match self {
            Self::Exists(wanted) => exists(subject, *wanted, present),
            Self::Matches(pattern) => match pattern.fill(values) {
                Err(why) => Finding::errored(subject, why),
                Ok((source, regex)) => {
                    let met = present.is_some_and(|texts| texts.iter().any(|t| regex.is_match(t)));
                    Finding::new(format!("{subject} matching"), told(present), met)
                        .wanting(format!("/{source}/"))
                }
            },
            Self::Equals(wanted) => {
                compare(subject, "equal to", wanted, present, values, &|t, w| t == w)
            }
            Self::Contains(wanted) => {
                compare(subject, "containing", wanted, present, values, &|t, w| {
                    t.contains(w)
                })
            }
            Self::NotContains(wanted) => match wanted.render(values) {
                Err(missing) => unfilled(subject, &missing),
                Ok(wanted) => {
                    let texts = present.unwrap_or_default();
                    let met = !texts.iter().any(|t| t.contains(&wanted));
                    Finding::new(format!("{subject} without"), told(present), met)
                        .wanting(text::quote(&wanted))
                }
            },
        }
    }
}

fn compare(
    subject: &str,
    relation: &str,
    wanted: &Template,
    present: Option<&[&str]>,
    values: &Values,
    holds: &dyn Fn(&str, &str) -> bool,
) -> Finding {
    let wanted: Result<String, Missing> = wanted.render(values);
    match wanted {
        Err(missing) => unfilled(subject, &missing),
        Ok(wanted) => {
            let met = present.is_some_and(|texts| texts.iter().any(|text| holds(text, &wanted)));
            Finding::new(format!("{subject} {relation}"), told(present), met)
                .wanting(text::quote(&wanted))
        }
    }
}

fn exists(subject: &str, wanted: bool, present: Option<&[&str]>) -> Finding {
    let expected = if wanted {
        format!("{subject} to be there")
    } else {
        format!("no {subject}")
    };
    Finding::new(expected, told(present), present.is_some() == wanted)
}

fn told(present: Option<&[&str]>) -> Got {
    match present {
        None => Got::Words("none".to_owned()),
        Some([""]) => Got::Words("an empty one".to_owned()),
        Some(texts) => {
            let quoted: Vec<String> = texts.iter().map(|value| text::quote(value)).collect();
            Got::Value(quoted.join(" and "))
        }
    }
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .size_limit(PATTERN_SIZE_LIMIT)
        .build()
}
