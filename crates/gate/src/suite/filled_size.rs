//! How much the texts of a check take when their references are filled. A short suite can name a long secret
//! many times, so this is summed up before anything is measured: all values are known then.

use super::Check;
use crate::expect::{Expectation, JsonCondition, TextCondition};
use crate::json_template::JsonTemplate;
use crate::probe::Probe;
use crate::probe::http::{Body, Request};
use crate::template::{Template, Values};

/// What the filled texts of all checks of a run may take together.
pub(crate) const MAX_FILLED_TOGETHER: usize = 16 * 1024 * 1024;

/// Bytes of every text of the checks, filled; references without a value count nothing.
pub(crate) fn bytes(checks: &[Check], values: &Values) -> usize {
    let mut bytes = 0_usize;
    let mut add = |template: &Template| {
        bytes = bytes.saturating_add(template.filled_len(values));
    };
    for check in checks {
        match &check.probe {
            Probe::Http(request) => of_request(request, &mut add),
            #[cfg(test)]
            Probe::Misbehave(_) => {}
        }
        for expectation in &check.expect {
            of_expectation(expectation, &mut add);
        }
    }
    bytes
}

fn of_request(request: &Request, see: &mut dyn FnMut(&Template)) {
    see(&request.url);
    request.allow_origins.iter().for_each(&mut *see);
    request.headers.iter().for_each(|(_, value)| see(value));
    request.query.iter().for_each(|(_, value)| see(value));
    match &request.body {
        Body::None => {}
        Body::Json(template) => of_json(template, see),
        Body::Text(text) => see(text),
        Body::Form(fields) => fields.iter().for_each(|(_, value)| see(value)),
    }
}

fn of_expectation(expectation: &Expectation, see: &mut dyn FnMut(&Template)) {
    match expectation {
        Expectation::Status(_) | Expectation::Latency { .. } => {}
        Expectation::Header { tests, .. } | Expectation::Body(tests) => {
            for test in tests {
                match test {
                    TextCondition::Equals(text)
                    | TextCondition::Contains(text)
                    | TextCondition::NotContains(text) => see(text),
                    TextCondition::Matches(pattern) => see(pattern.template()),
                    TextCondition::Exists(_) => {}
                }
            }
        }
        Expectation::Json { path, tests } => {
            see(path.template());
            for test in tests {
                match test {
                    JsonCondition::Equals(template)
                    | JsonCondition::NotEquals(template)
                    | JsonCondition::Contains(template)
                    | JsonCondition::GreaterThan(template)
                    | JsonCondition::LessThan(template) => of_json(template, see),
                    JsonCondition::Matches(pattern) => see(pattern.template()),
                    JsonCondition::Exists(_)
                    | JsonCondition::Length(_)
                    | JsonCondition::Type(_) => {}
                }
            }
        }
    }
}

fn of_json(template: &JsonTemplate, see: &mut dyn FnMut(&Template)) {
    match template {
        JsonTemplate::Fixed(_) => {}
        JsonTemplate::Text(text) => see(text),
        JsonTemplate::List(items) => items.iter().for_each(|item| of_json(item, see)),
        JsonTemplate::Map(entries) => entries.iter().for_each(|(_, value)| of_json(value, see)),
    }
}
