//! How much the texts of a check take when their references are filled. A short suite can name a long secret
//! many times, so this is summed up before anything is measured: all values are known then.

use super::Check;
use crate::expect::{Expectation, JsonTest, Shape, TextTest};
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
        Body::Json(shape) => of_shape(shape, see),
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
                    TextTest::Equals(text)
                    | TextTest::Contains(text)
                    | TextTest::NotContains(text) => see(text),
                    TextTest::Matches(pattern) => see(pattern.template()),
                    TextTest::Exists(_) => {}
                }
            }
        }
        Expectation::Json { path, tests } => {
            see(path.template());
            for test in tests {
                match test {
                    JsonTest::Equals(shape)
                    | JsonTest::NotEquals(shape)
                    | JsonTest::Contains(shape)
                    | JsonTest::GreaterThan(shape)
                    | JsonTest::LessThan(shape) => of_shape(shape, see),
                    JsonTest::Matches(pattern) => see(pattern.template()),
                    JsonTest::Exists(_) | JsonTest::Length(_) | JsonTest::Type(_) => {}
                }
            }
        }
    }
}

fn of_shape(shape: &Shape, see: &mut dyn FnMut(&Template)) {
    match shape {
        Shape::Fixed(_) => {}
        Shape::Text(text) => see(text),
        Shape::List(items) => items.iter().for_each(|item| of_shape(item, see)),
        Shape::Map(entries) => entries.iter().for_each(|(_, value)| of_shape(value, see)),
    }
}
