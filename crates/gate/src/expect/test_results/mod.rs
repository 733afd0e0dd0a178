//! What a team's own tests report: how many ran and failed.
//!
//! A result without a test that ran is no data, and one that can't be read is errored: neither is ever a pass.

mod junit;

use exact_json::{Budget, View};

use super::json::NotJson;
use super::{Actual, Finding, ParsedBody, PathTemplate};
use crate::evidence::Evidence;
use crate::template::{Template, Values};
use crate::words;

/// Failed tests that are named.
const MAX_FAILURES: usize = 10;

/// The form of a result, and where its counts are.
#[derive(Clone, Debug)]
pub(crate) enum TestResults {
    Junit,
    /// Each path selects numbers, which are added up, or arrays, whose elements count.
    Json {
        /// Those that ran.
        tests: PathTemplate,
        failed: Option<PathTemplate>,
        skipped: Option<PathTemplate>,
    },
}

/// How many tests there are, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// All of them.
    tests: u64,
    failed: u64,
    skipped: u64,
    /// The first ones.
    failures: Vec<FailedTest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FailedTest {
    name: String,
    message: String,
}

const DEMAND: &str = "every test to pass";

impl TestResults {
    /// Whether a failed test makes it fail, whatever else is expected.
    pub(crate) fn counts_failures(&self) -> bool {
        match self {
            Self::Junit => true,
            Self::Json { failed, .. } => failed.is_some(),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        matches!(self, Self::Json { .. })
    }

    pub(super) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        if let Self::Json {
            tests,
            failed,
            skipped,
        } = self
        {
            let paths = [Some(tests), failed.as_ref(), skipped.as_ref()];
            paths
                .into_iter()
                .flatten()
                .for_each(|path| see(path.template()));
        }
    }

    pub(super) fn evaluate(
        &self,
        evidence: &Evidence,
        parsed: &mut ParsedBody<'_>,
        values: &Values,
        findings: &mut Vec<Finding>,
    ) {
        let tally = match self {
            Self::Junit => match evidence.body.text() {
                Ok(text) => junit::read(&text),
                Err(why) => Err(why.to_string()),
            },
            Self::Json {
                tests,
                failed,
                skipped,
            } => {
                let counts = [Some(tests), failed.as_ref(), skipped.as_ref()];
                counted(counts, parsed, values)
            }
        };
        match tally {
            Ok(tally) => findings.extend(tally.findings()),
            Err(why) => findings.push(Finding::errored(
                DEMAND,
                format!("the result can't be read: {why}"),
            )),
        }
    }
}

/// By the paths to the tests, to the failed and to the skipped ones.
fn counted(
    paths: [Option<&PathTemplate>; 3],
    parsed: &mut ParsedBody<'_>,
    values: &Values,
) -> Result<Tally, String> {
    let mut budget = Budget::default().until(std::sync::Arc::clone(parsed.stop));
    let document = match parsed.json.get() {
        Ok(document) => document,
        Err(NotJson::NotJson(error)) => return Err(format!("it is not JSON: {error}")),
        Err(NotJson::Unknown(why)) => return Err(why.clone()),
    };
    let mut counts = [0; 3];
    for (count, path) in counts.iter_mut().zip(paths) {
        let Some(path) = path else { continue };
        let (source, path) = path.fill(values)?;
        let selection = path.select(document, &mut budget);
        let selection = selection.map_err(|why| format!("{source}: {why}"))?;
        if selection.is_empty() {
            return Err(format!("{source} selects nothing"));
        }
        for node in selection.nodes() {
            let number = match node.view() {
                View::Number(text) => text.parse().ok(),
                View::Array(elements) => u64::try_from(elements.total()).ok(),
                _ => None,
            };
            let Some(number) = number else {
                return Err(format!(
                    "{source} selects what is neither a number of tests nor a list"
                ));
            };
            *count = u64::saturating_add(*count, number);
        }
    }
    let [ran, failed, skipped] = counts;
    Ok(Tally {
        tests: ran.saturating_add(skipped),
        failed,
        skipped,
        failures: Vec::new(),
    })
}

impl Tally {
    fn findings(self) -> Vec<Finding> {
        let Self {
            tests,
            failed,
            skipped,
            ..
        } = self;
        let number =
            |count: u64| words::count(usize::try_from(count).unwrap_or(usize::MAX), "test");
        let beside = match skipped {
            0 => String::new(),
            some => format!(", {some} skipped"),
        };
        if failed > 0 {
            let got = Actual::Words(format!("{failed} failed of {}{beside}", number(tests)));
            let first = Finding::new(DEMAND, got, false);
            let named = self.failures.into_iter().map(FailedTest::finding);
            return std::iter::once(first).chain(named).collect();
        }
        let ran = tests.saturating_sub(skipped);
        if ran == 0 {
            let got = match tests {
                0 => "no test in the result".to_owned(),
                all => format!("{} in the result, all skipped", number(all)),
            };
            return vec![Finding::no_data("a test that ran", Actual::Words(got))];
        }
        let got = Actual::Words(format!("{} ran, none failed{beside}", number(ran)));
        vec![Finding::new(DEMAND, got, true)]
    }
}

impl FailedTest {
    fn finding(self) -> Finding {
        let got = match self.message.as_str() {
            "" => Actual::Words("a failure without a message".to_owned()),
            message => Actual::Value(words::quote(message)),
        };
        Finding::new(
            format!("test {} to pass", words::quote(&self.name)),
            got,
            false,
        )
    }
}
