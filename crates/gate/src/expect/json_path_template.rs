//! The path of a `json` expectation: parsed when the suite is loaded, as far as that is possible.

use std::sync::Arc;

use exact_json::PathError;

use crate::template::{Reference, Template, Values};

/// A JSONPath with references.
#[derive(Clone, Debug)]
pub(crate) struct PathTemplate {
    template: Template,
    /// Where all that it refers to is known before the run.
    compiled: Option<Arc<exact_json::Path>>,
}

/// What stands for a value that is known only in a run: a name, or an index.
const PLACEHOLDER_VALUES: [&str; 2] = ["x", "1"];

/// The fault of a path, and the path that has it.
#[derive(Debug)]
pub(crate) struct BadPath {
    pub(crate) filled: String,
    pub(crate) error: PathError,
}

impl PathTemplate {
    /// The text, as it was written.
    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    /// `known` has the values that don't depend on the run. Where some are missing, a path is refused
    /// only for a fault that stands before the first of them: what follows may make sense of the rest.
    pub(crate) fn new(
        template: Template,
        known: impl Fn(&Reference) -> Option<String>,
    ) -> Result<Self, BadPath> {
        let mut first_fault = None;
        for placeholder in PLACEHOLDER_VALUES {
            let (filled, unknown) = fill(&template, &known, placeholder);
            let error = match exact_json::Path::parse(&filled) {
                Ok(path) => {
                    let compiled = unknown.is_none().then(|| Arc::new(path));
                    return Ok(Self { template, compiled });
                }
                Err(error) => error,
            };
            if unknown.is_none_or(|place| error.read < place) {
                return Err(BadPath { filled, error });
            }
            first_fault.get_or_insert(error);
        }
        Ok(Self {
            template,
            compiled: None,
        })
    }

    /// Whether it is known, and following it takes time that only grows with the length of the body.
    pub(crate) fn is_linear(&self) -> bool {
        self.compiled.as_ref().is_some_and(|path| path.is_linear())
    }

    /// How many regular expressions it has, as far as it is known.
    pub(crate) fn patterns(&self) -> usize {
        self.compiled.as_ref().map_or(0, |path| path.patterns())
    }

    /// The path of this run, as text and parsed.
    pub(crate) fn fill(&self, values: &Values) -> Result<(String, Arc<exact_json::Path>), String> {
        let source = self
            .template
            .render(values)
            .map_err(|missing| missing.to_string())?;
        if let Some(path) = &self.compiled {
            return Ok((source, Arc::clone(path)));
        }
        match exact_json::Path::parse(&source) {
            Ok(path) => Ok((source, Arc::new(path))),
            Err(error) => Err(format!("{source:?} is not a JSONPath: {error}")),
        }
    }
}

/// The template filled, and where the first value stands that is not known.
fn fill(
    template: &Template,
    known: &impl Fn(&Reference) -> Option<String>,
    placeholder: &str,
) -> (String, Option<usize>) {
    // No template has this character: YAML has no way to write it but as an escape, and no path may hold it.
    const PLACEHOLDER_MARK: &str = "\u{0}";
    let marked =
        |reference: &Reference| Ok(known(reference).unwrap_or_else(|| PLACEHOLDER_MARK.to_owned()));
    let text = template.render_with(marked).unwrap_or_default();
    let place = text.find(PLACEHOLDER_MARK);
    (text.replace(PLACEHOLDER_MARK, placeholder), place)
}
