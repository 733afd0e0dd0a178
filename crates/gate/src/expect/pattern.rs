//! Regular expressions of a suite: bounded in text and memory, compiled once where nothing has to be filled in.

use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

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

/// A regular expression, whose references are inserted literally (with their special characters
/// escaped) and not as part of the expression.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    template: Template,
    /// The source and what it compiles to: from when the suite was loaded, if nothing has to be filled in;
    /// otherwise from when it was last filled, which is the same in every try of a run.
    compiled: Arc<Mutex<Option<(String, Regex)>>>,
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
        let as_written = self
            .template
            .render(values)
            .map_err(|missing| missing.to_string())?;
        if let Some(regex) = self.literal() {
            return Ok((as_written, regex));
        }
        let escaped = |reference: &_| values.text(reference).map(|text| regex::escape(&text));
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
            Some((of, regex)) if *of == source => Ok((as_written, regex.clone())),
            _ => {
                let regex = compile(&source, MAX_FILLED_MEMORY).map_err(|error| match error {
                    regex::Error::CompiledTooBig(_) => format!(
                        "the pattern takes more than {} when it is filled",
                        words::bytes(MAX_FILLED_MEMORY)
                    ),
                    other => other.to_string(),
                })?;
                *compiled = Some((source, regex.clone()));
                Ok((as_written, regex))
            }
        }
    }
}

pub(crate) fn compile(source: &str, memory: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .size_limit(memory)
        .dfa_size_limit(MAX_RUNNING_MEMORY)
        .build()
}
