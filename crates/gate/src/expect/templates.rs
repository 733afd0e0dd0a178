//! Every text of an expectation that has references: what they take together is bounded before a run.

use super::{BodyCondition, Expectation, JsonCondition, RedirectCondition, TextCondition};
use crate::template::Template;

impl Expectation {
    /// Every text that is filled for a run.
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Expectation::Status(_) | Expectation::Latency(_) | Expectation::JsonSchema(_) => {}
            Expectation::That(that) => that.templates(see),
            Expectation::TestResults(results) => results.templates(see),
            Expectation::Header { tests, .. } => of_texts(tests, see),
            Expectation::Css(css) => of_texts(&css.tests, see),
            Expectation::Body { text, bytes } => {
                of_texts(text, see);
                for test in bytes {
                    match test {
                        BodyCondition::Sha256(text) | BodyCondition::Charset(text) => see(text),
                        BodyCondition::Size(_) => {}
                    }
                }
            }
            Expectation::Redirects(tests) => {
                for test in tests {
                    match test {
                        RedirectCondition::Through(places) => places.iter().for_each(&mut *see),
                        RedirectCondition::Url(tests) => of_texts(tests, see),
                        RedirectCondition::Count(_) => {}
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
                        | JsonCondition::NotContains(template)
                        | JsonCondition::GreaterThan(template)
                        | JsonCondition::LessThan(template)
                        | JsonCondition::AtLeast(template)
                        | JsonCondition::AtMost(template) => template.templates(see),
                        JsonCondition::Matches(pattern) | JsonCondition::NotMatches(pattern) => {
                            see(pattern.template());
                        }
                        JsonCondition::Exists(_)
                        | JsonCondition::Count(_)
                        | JsonCondition::Length(_)
                        | JsonCondition::Type(_) => {}
                    }
                }
            }
        }
    }
}

fn of_texts(tests: &[TextCondition], see: &mut dyn FnMut(&Template)) {
    for test in tests {
        test.templates(see);
    }
}
