//! What the regular expressions of a suite may cost together. One of forty characters can take as long to
//! compile as a page of others, and a suite that is lawful line by line must not keep a gate from starting.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex::Regex;
use strict_yaml::{Node, scalar};

use super::context::Context;
use crate::expect::{MAX_FILLED_MEMORY, MAX_PATTERN_MEMORY, Pattern, compile};
use crate::words;

/// What all patterns of a suite may take, compiled.
const MAX_MEMORY: usize = 8 * 1024 * 1024;
/// Characters of one pattern.
const MAX_TEXT: usize = 4 * 1024;
/// A pattern is tried with these bounds, since its exact size can't be asked for, and each that is tried counts:
/// the time to find out that a pattern is too large grows with the bound, too.
const SIZES: [usize; 4] = [16 * 1024, 64 * 1024, 256 * 1024, MAX_PATTERN_MEMORY];
/// The same for a pattern that is compiled again when its references are filled.
const SIZES_TO_FILL: [usize; 1] = [MAX_FILLED_MEMORY];

/// Compiles the patterns of one suite, equal ones once, as long as they fit together.
#[derive(Default)]
pub(super) struct Patterns(RefCell<State>);

#[derive(Default)]
struct State {
    used: usize,
    /// With the bound that each fits in.
    compiled: BTreeMap<String, (Regex, usize)>,
}

/// Why a pattern was not compiled.
enum Refusal {
    /// What is wrong with it.
    Bad(String),
    /// Longer than [`MAX_TEXT`].
    TooLong,
    /// Larger than one pattern may be.
    TooLarge { bound: usize },
    /// All patterns together are larger than [`MAX_MEMORY`]; reported once.
    TooMuch { first: bool },
}

impl Refusal {
    /// What is wrong, and what would be right; none where that was reported already.
    fn in_words(self, written: &str) -> Option<(String, &'static str)> {
        let smaller = "write it smaller: [0-9] for \\d, [a-z] for \\w, lower counts in braces";
        Some(match self {
            Self::Bad(why) => (
                format!("{written:?} is not a regular expression: {why}"),
                "see https://docs.rs/regex/latest/regex/#syntax; \
                 single quotes keep YAML from reading backslashes",
            ),
            Self::TooLong => {
                let bound = words::bytes(MAX_TEXT);
                (
                    format!("the regular expression is longer than {bound}"),
                    smaller,
                )
            }
            Self::TooLarge { bound } => {
                let bound = words::bytes(bound);
                let message = format!("the regular expression {written:?} takes more than {bound}");
                (message, smaller)
            }
            Self::TooMuch { first: true } => {
                let bound = words::bytes(MAX_MEMORY);
                let message = format!(
                    "the regular expressions of the suite, up to this one, take more than {bound}"
                );
                (
                    message,
                    "use fewer or smaller ones: [0-9] for \\d, [a-z] for \\w",
                )
            }
            Self::TooMuch { first: false } => return None,
        })
    }
}

impl Patterns {
    /// A regular expression without references, and what it takes at most when it is compiled.
    pub(super) fn compiled(&self, source: &str) -> Result<(Regex, usize), (String, String)> {
        self.compile(source, true).map_err(|refusal| {
            let words = refusal.in_words(source);
            let (message, remedy) = words.unwrap_or_else(|| {
                let bound = words::bytes(MAX_MEMORY);
                (
                    format!("the regular expressions of the suite take more than {bound}"),
                    "use fewer",
                )
            });
            (message, remedy.to_owned())
        })
    }

    /// `literal` says that nothing is to be filled in later.
    fn compile(&self, source: &str, literal: bool) -> Result<(Regex, usize), Refusal> {
        if source.len() > MAX_TEXT {
            return Err(Refusal::TooLong);
        }
        let mut state = self.0.borrow_mut();
        if let Some(compiled) = state.compiled.get(source) {
            return Ok(compiled.clone());
        }
        let sizes = if literal { &SIZES[..] } else { &SIZES_TO_FILL };
        let mut bound = 0;
        for &size in sizes {
            bound = size;
            if state.used + size > MAX_MEMORY {
                let first = state.used < MAX_MEMORY;
                state.used = MAX_MEMORY;
                return Err(Refusal::TooMuch { first });
            }
            state.used += size;
            match compile(source, size) {
                Ok(regex) => {
                    let compiled = (regex, size);
                    state.compiled.insert(source.to_owned(), compiled.clone());
                    return Ok(compiled);
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => return Err(Refusal::Bad(in_words(&error))),
            }
        }
        Err(Refusal::TooLarge { bound })
    }
}

/// A regular expression that a suite wrote under `key`.
pub(super) fn pattern(key: &str, node: &Node, context: &Context) -> Option<Pattern> {
    let written = scalar::text(node, key, &context.problems)?;
    let template = context.template(node, written)?;
    let trial = Pattern::placeholder(&template);
    let refusal = match context.patterns.compile(&trial, template.is_literal()) {
        Ok((trial, _)) => return Some(Pattern::new(template, trial)),
        Err(refusal) => refusal,
    };
    let (message, remedy) = refusal.in_words(written)?;
    context.problems.add(node.at, message, remedy);
    None
}

/// The last line of the error; those before it point into the pattern with spaces.
fn in_words(error: &regex::Error) -> String {
    let explanation = error.to_string();
    let last = explanation.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
