//! Values that a step of a journey takes from its answer, for later steps.

use http::header::HeaderName;

use exact_json::{Budget, Value, View};

use super::{
    Actual, CssExpectation, Evidence, Expectation, Finding, ParsedBody, PathTemplate, Pattern,
    TextCondition,
};
use crate::redact;
use crate::template::{Values, Var};
use crate::words;

/// How long a captured value may be, in bytes.
pub(crate) const MAX_CAPTURED: usize = 8 * 1024;

/// `capture:` of a step, one entry.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    /// What later steps call it by.
    pub(crate) name: String,
    pub(crate) source: CaptureSource,
    /// The value is masked wherever it shows up.
    pub(crate) secret: bool,
}

/// Where a value is taken from.
#[derive(Clone, Debug)]
pub(crate) enum CaptureSource {
    Json(PathTemplate),
    Header(HeaderName),
    /// What the jar of the journey holds after the step.
    Cookie(String),
    /// The first group of the first match, or all of it where there is no group.
    Regex(Pattern),
    Css(CssExpectation),
}

/// A value that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    pub(crate) name: String,
    pub(crate) value: Var,
    pub(crate) secret: bool,
}

impl Capture {
    fn reads_body(&self) -> bool {
        !matches!(
            self.source,
            CaptureSource::Header(_) | CaptureSource::Cookie(_)
        )
    }

    /// An expectation that takes as much memory and time, and sees the same texts.
    pub(crate) fn needs(&self) -> Option<Expectation> {
        match &self.source {
            CaptureSource::Header(_) | CaptureSource::Cookie(_) => None,
            CaptureSource::Json(path) => Some(Expectation::Json {
                path: path.clone(),
                tests: Vec::new(),
            }),
            CaptureSource::Regex(pattern) => Some(Expectation::Body {
                text: vec![TextCondition::Matches(pattern.clone())],
                bytes: Vec::new(),
            }),
            CaptureSource::Css(css) => Some(Expectation::Css(css.clone())),
        }
    }

    /// The value, or what to say where there is none. `cookie` looks into the jar.
    pub(super) fn take(
        &self,
        evidence: &Evidence,
        parsed: &mut ParsedBody<'_>,
        values: &Values,
        cookie: impl Fn(&str) -> Option<String>,
    ) -> Result<Captured, Finding> {
        if let Some(limit) = evidence.body_cut_at.filter(|_| self.reads_body()) {
            let bound = words::bytes(limit);
            let why = format!("the body is larger than max_body ({bound}); raise max_body");
            return Err(Finding::errored(self.words(), why));
        }
        let taken = match &self.source {
            CaptureSource::Json(path) => return self.take_json(path, parsed, values),
            CaptureSource::Header(name) => evidence.header_values(name).into_iter().next(),
            CaptureSource::Cookie(name) => cookie(name),
            CaptureSource::Regex(pattern) => from_text(pattern, evidence, values)
                .map_err(|why| Finding::errored(self.words(), why))?,
            CaptureSource::Css(css) => parsed.page.first(css, self.words())?,
        };
        let taken = taken.ok_or_else(|| self.unmet("nothing there"))?;
        self.captured(Var::Text(taken))
    }

    fn take_json(
        &self,
        path: &PathTemplate,
        parsed: &mut ParsedBody<'_>,
        values: &Values,
    ) -> Result<Captured, Finding> {
        let errored = |why: String| Finding::errored(self.words(), why);
        let (_, path) = path.fill(values).map_err(errored)?;
        let document = match parsed.json.get() {
            Ok(document) => document,
            Err(unread) => return Err(unread.finding(self.words())),
        };
        let selection = path
            .select(document, &mut Budget::default())
            .map_err(|why| errored(why.to_string()))?;
        let mut nodes = selection.nodes();
        let (Some(node), None) = (nodes.next(), nodes.next()) else {
            return Err(self.unmet(match selection.len() {
                0 => "nothing there".to_owned(),
                several => format!("{several} values, and a capture takes one"),
            }));
        };
        let value = match node.view() {
            View::String(text) => {
                let text = text.decode().map_err(|why| errored(why.to_string()))?;
                Var::Text(text.into_owned())
            }
            View::Bool(value) => Var::Json {
                value: value.into(),
                written: value.to_string(),
            },
            View::Number(written) => match written.parse() {
                Ok(number) => Var::Json {
                    value: Value::Number(number),
                    written: written.to_owned(),
                },
                Err(_) => Var::Text(written.to_owned()),
            },
            _ => Var::Structure(node.compact(MAX_CAPTURED + 1)),
        };
        self.captured(value)
    }

    fn captured(&self, value: Var) -> Result<Captured, Finding> {
        if value.written().len() > MAX_CAPTURED {
            let bound = words::bytes(MAX_CAPTURED);
            let got = format!("a value of more than {bound}, which is too long to be kept");
            return Err(self.unmet(got));
        }
        Ok(Captured {
            name: self.name.clone(),
            value,
            secret: self.secret || self.has_secret_name(),
        })
    }

    /// Whether what it is called, or taken from, says that it is secret.
    fn has_secret_name(&self) -> bool {
        let source = match &self.source {
            CaptureSource::Header(name) => return redact::is_secret_header(name.as_str()),
            CaptureSource::Cookie(_) => return true,
            CaptureSource::Json(path) => path.template().written(),
            CaptureSource::Css(css) => css.written.clone(),
            CaptureSource::Regex(_) => String::new(),
        };
        redact::is_secret_path(&self.name) || redact::is_secret_path(&source)
    }

    fn unmet(&self, got: impl Into<String>) -> Finding {
        Finding::new(self.words(), Actual::Words(got.into()), false)
    }

    /// `a value to capture as order from $.id`
    fn words(&self) -> String {
        let source = match &self.source {
            CaptureSource::Json(path) => path.template().written(),
            CaptureSource::Header(name) => format!("header {name}"),
            CaptureSource::Cookie(name) => format!("cookie {name}"),
            CaptureSource::Regex(pattern) => format!("/{}/", pattern.template().written()),
            CaptureSource::Css(css) => match &css.attribute {
                Some(attribute) => format!("{attribute} of {}", css.written),
                None => css.written.clone(),
            },
        };
        format!("a value to capture as {} from {source}", self.name)
    }
}

fn from_text(
    pattern: &Pattern,
    evidence: &Evidence,
    values: &Values,
) -> Result<Option<String>, String> {
    let (_, regex) = pattern.fill(values)?;
    let text = evidence.body.text().map_err(|why| why.to_string())?;
    Ok(regex.captures(&text).and_then(|found| {
        // A group that takes no part in the match has no value.
        let group = usize::from(regex.captures_len() > 1);
        Some(found.get(group)?.as_str().to_owned())
    }))
}
