//! Demands on a JSON body, found by a JSONPath (RFC 9535).
//!
//! A path may select several values: every one must meet the demand, and no value at all never
//! does, so that a mistyped path can't pass by selecting nothing.
//!
//! A parsed body takes up to eight times its text: whoever judges one waits for his turn first.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use exact_json::{Budget, JsonError};

use super::json_condition::JsonCondition;
use super::json_path_template::PathTemplate;
use super::{Actual, Evidence, Finding};
use crate::redact;
use crate::template::Values;

/// A body, parsed as JSON when the first demand asks for it and not again.
pub(crate) struct JsonBody<'a> {
    evidence: &'a Evidence,
    /// Set when nobody waits for the findings any more.
    stop: &'a Arc<AtomicBool>,
    parsed: Option<Result<exact_json::Document<'a>, NotJson>>,
}

/// Why a body is not there as JSON.
pub(super) enum NotJson {
    /// It isn't JSON, which is the target's doing.
    NotJson(JsonError),
    /// Nothing is known about it.
    Unknown(String),
}

impl NotJson {
    pub(super) fn finding(&self, demand: String) -> Finding {
        match self {
            Self::Unknown(why) => Finding::errored(demand, why.clone()),
            Self::NotJson(error) => {
                let got = Actual::Words(format!("a body that is not JSON: {error}"));
                Finding::new(demand, got, false)
            }
        }
    }
}

impl<'a> JsonBody<'a> {
    pub(crate) fn new(evidence: &'a Evidence, stop: &'a Arc<AtomicBool>) -> Self {
        Self {
            evidence,
            stop,
            parsed: None,
        }
    }

    /// The body as JSON.
    pub(super) fn get(&mut self) -> Result<&exact_json::Document<'a>, &NotJson> {
        let evidence = self.evidence;
        self.parsed.get_or_insert_with(|| parse(evidence)).as_ref()
    }

    pub(crate) fn evaluate(
        &mut self,
        path: &PathTemplate,
        tests: &[JsonCondition],
        values: &Values,
        findings: &mut Vec<Finding>,
    ) {
        let (source, path) = match path.fill(values) {
            Ok(filled) => filled,
            Err(why) => return findings.push(Finding::errored("json path", why)),
        };
        let mut budget = Budget::default().until(Arc::clone(self.stop));
        let document = match self.get() {
            Ok(document) => document,
            Err(unread @ NotJson::Unknown(_)) => return findings.push(unread.finding(source)),
            Err(unread @ NotJson::NotJson(_)) => {
                return findings.push(unread.finding(format!("{source} in a JSON body")));
            }
        };
        let selection = match path.select(document, &mut budget) {
            Ok(selection) => selection,
            Err(why) => return findings.push(Finding::errored(source, why.to_string())),
        };
        let sensitive = redact::is_secret_path(&source);
        findings.extend(tests.iter().map(|test| Finding {
            sensitive,
            ..test.evaluate(&source, &selection, values, &mut budget)
        }));
    }
}

fn parse(evidence: &Evidence) -> Result<exact_json::Document<'_>, NotJson> {
    let text = evidence.body.json_text();
    let text = text.map_err(|why| NotJson::Unknown(why.to_string()))?;
    match exact_json::Document::parse(text) {
        Ok(document) => Ok(document),
        Err(error) if error.is_limit() => {
            let why = format!("the JSON body is not judged: {error}");
            Err(NotJson::Unknown(why))
        }
        Err(error) => Err(NotJson::NotJson(error)),
    }
}
