//! Expectations: what a check demands of what its probe saw, and what came of it.
//!
//! Evaluation is synchronous and may be slow (a path or a pattern over a large body), so it is
//! called off the runtime's threads. It must never decide anything: it says what was expected and
//! what was got, and the verdict is made elsewhere.

mod body_condition;
mod capture;
mod comparison;
mod css;
#[cfg(test)]
mod css_tests;
pub(crate) mod finding;
mod json;
mod json_condition;
mod json_contradiction;
mod json_demand;
mod json_path_template;
mod json_schema;
#[cfg(test)]
mod json_schema_suite;
#[cfg(test)]
mod json_schema_tests;
#[cfg(test)]
mod json_tests;
mod latency;
mod page;
mod pattern;
mod redirects;
mod schema;
mod schema_unique;
mod templates;
mod test_results;
mod text_condition;
mod that;
#[cfg(test)]
mod that_tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HeaderName;

pub(crate) use self::body_condition::{BodyCondition, sha256};
pub(crate) use self::capture::{Capture, CaptureSource, Captured};
pub(crate) use self::comparison::{Comparison, Operator};
pub(crate) use self::css::CssExpectation;
pub(crate) use self::finding::{Actual, Finding};
pub(crate) use self::json_condition::{JsonCondition, JsonType};
pub(crate) use self::json_contradiction::contradiction;
pub(crate) use self::json_path_template::PathTemplate;
pub(crate) use self::latency::LatencyLimit;
pub use self::latency::Phase;
use self::page::MAX_TREE_MEMORY;
pub(crate) use self::pattern::{MAX_FILLED_MEMORY, MAX_PATTERN_MEMORY, Pattern, compile};
pub(crate) use self::redirects::RedirectCondition;
pub(crate) use self::schema::{JsonSchema, Schema, SchemaPattern, demands_something};
pub(crate) use self::test_results::TestResults;
pub(crate) use self::text_condition::{TextCondition, evaluate as evaluate_text};
pub(crate) use self::that::{Source, ThatExpectation};
use crate::evidence::{Evidence, Facet};
use crate::redact;
use crate::template::Values;
use crate::words;

/// One entry under `expect:`.
#[derive(Clone, Debug)]
pub(crate) enum Expectation {
    Status(Vec<StatusRange>),
    Header {
        name: HeaderName,
        tests: Vec<TextCondition>,
    },
    Body {
        /// On its text.
        text: Vec<TextCondition>,
        /// On its bytes.
        bytes: Vec<BodyCondition>,
    },
    Json {
        path: PathTemplate,
        tests: Vec<JsonCondition>,
    },
    /// The body fits a JSON Schema.
    JsonSchema(JsonSchema),
    /// An expression is true.
    That(ThatExpectation),
    Css(CssExpectation),
    Redirects(Vec<RedirectCondition>),
    Latency(Vec<LatencyLimit>),
    /// No test of a team's own failed. No key of `expect`: a probe that reads results brings it.
    TestResults(TestResults),
}

/// Status codes from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusRange {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// How many of several values are spelled out.
const MAX_SPELLED_OUT: usize = 5;

/// The first values in words, as long as [`words::MAX_RAW_BYTES`] has room for whole ones, and how many more there are.
pub(crate) fn several(values: impl Iterator<Item = String>, total: usize, between: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut room = words::MAX_RAW_BYTES;
    for word in values.take(MAX_SPELLED_OUT) {
        if !words.is_empty() && word.len() > room {
            break;
        }
        room = room.saturating_sub(word.len());
        words.push(word);
    }
    if total > words.len() {
        words.push(format!("{} more", total - words.len()));
    }
    words.join(between)
}

/// Every demand of a check, measured against one answer, in the suite's order. Whoever sets `stop` has no use for
/// the findings any more.
pub(crate) fn evaluate(
    expectations: &[Expectation],
    evidence: &Evidence,
    values: &Values,
    stop: &Arc<AtomicBool>,
) -> Vec<Finding> {
    let mut parsed = ParsedBody::new(evidence, stop);
    let mut findings = Vec::new();
    for expectation in expectations {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        expectation.evaluate(evidence, &mut parsed, values, &mut findings);
    }
    findings
}

/// The same for a step of a journey, which also takes values from the answer. `cookie` looks into its jar.
pub(crate) fn judge_step(
    expectations: &[Expectation],
    captures: &[Capture],
    evidence: &Evidence,
    values: &Values,
    stop: &Arc<AtomicBool>,
    cookie: impl Fn(&str) -> Option<String>,
) -> (Vec<Finding>, Vec<Result<Captured, Finding>>) {
    let mut parsed = ParsedBody::new(evidence, stop);
    let mut findings = Vec::new();
    for expectation in expectations {
        expectation.evaluate(evidence, &mut parsed, values, &mut findings);
    }
    let taken = captures
        .iter()
        .map(|capture| capture.take(evidence, &mut parsed, values, &cookie));
    (findings, taken.collect())
}

/// What judging takes beside a received body that may be decoded to `size` bytes.
pub(crate) fn memory_to_judge(expect: &[Expectation], size: usize) -> usize {
    let any = |expected: fn(&Expectation) -> bool| expect.iter().any(expected);
    let json = any(Expectation::reads_json);
    let body = any(|one| match one {
        Expectation::Body { .. } | Expectation::TestResults(_) => true,
        Expectation::That(that) => that.reads(&Source::Body),
        _ => false,
    });
    let made = expect.iter().map(|one| match one {
        Expectation::That(that) => that.memory(),
        _ => 0,
    });
    let made = made.max().unwrap_or_default();
    let page = any(|one| matches!(one, Expectation::Css(_)));
    let tree = if page { MAX_TREE_MEMORY } else { 0 };
    match (json, body || page) {
        (false, false) => made,
        (false, true) => {
            size * TEXT_BYTES_PER_BYTE + tree + made + DECODER_WINDOW_BYTES.min(size * 16)
        }
        (true, _) => {
            size * (TEXT_BYTES_PER_BYTE + JSON_BYTES_PER_BYTE)
                + tree
                + made
                + DECODER_WINDOW_BYTES.min(size * 16)
        }
    }
}

/// The window that a decoder may need.
const DECODER_WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// A decoded body for each byte of it: itself, and as text of another charset.
const TEXT_BYTES_PER_BYTE: usize = 4;

/// And parsed as JSON.
const JSON_BYTES_PER_BYTE: usize = 10;

/// A body in the forms that demands ask for, each read once.
struct ParsedBody<'a> {
    json: json::JsonBody<'a>,
    page: css::Page<'a>,
    /// Set when nobody waits for the findings any more.
    stop: &'a Arc<AtomicBool>,
}

impl<'a> ParsedBody<'a> {
    fn new(evidence: &'a Evidence, stop: &'a Arc<AtomicBool>) -> Self {
        Self {
            json: json::JsonBody::new(evidence, stop),
            page: css::Page::new(evidence, stop),
            stop,
        }
    }
}

impl Expectation {
    /// Whether this demand can only be judged with the whole answer at hand.
    pub(crate) fn needs_whole_body(&self) -> bool {
        match self {
            Self::That(that) => that.needs_whole_body(),
            Self::Latency(limits) => limits.iter().any(|limit| limit.phase == Phase::Total),
            _ => self.is_of_body(),
        }
    }

    /// Whether this is a demand on the body and nothing else.
    fn is_of_body(&self) -> bool {
        match self {
            Self::Body { .. }
            | Self::Json { .. }
            | Self::JsonSchema(_)
            | Self::Css(_)
            | Self::TestResults(_) => true,
            Self::Status(_)
            | Self::Header { .. }
            | Self::Redirects(_)
            | Self::Latency(_)
            | Self::That(_) => false,
        }
    }

    /// Whether the request must have a connection made, which is judged.
    pub(crate) fn needs_new_connection(&self) -> bool {
        match self {
            Self::Latency(limits) => limits.iter().any(|limit| limit.phase.is_of_connecting()),
            _ => false,
        }
    }

    /// What an answer must have so that this can be judged.
    pub(crate) fn needs(&self) -> &[Facet] {
        match self {
            Self::Status(_) => &[Facet::Status],
            Self::Header { .. } => &[Facet::Headers],
            Self::Body { .. }
            | Self::Json { .. }
            | Self::JsonSchema(_)
            | Self::Css(_)
            | Self::TestResults(_) => &[Facet::Body],
            Self::That(that) => that.needs(),
            Self::Redirects(_) => &[Facet::Redirects],
            Self::Latency(limits) if limits.iter().all(|one| one.phase == Phase::Total) => {
                &[Facet::Latency]
            }
            Self::Latency(_) => &[Facet::Latency, Facet::Phases],
        }
    }

    /// Whether the body is parsed for it.
    pub(crate) fn parses_body(&self) -> bool {
        self.reads_json() || matches!(self, Self::Css(_))
    }

    /// Whether the body is parsed as JSON for it.
    fn reads_json(&self) -> bool {
        match self {
            Self::Json { .. } | Self::JsonSchema(_) => true,
            Self::TestResults(results) => results.is_json(),
            Self::That(that) => that.reads(&Source::Json),
            _ => false,
        }
    }

    /// Whether judging may take long enough to hold up a thread of the runtime.
    pub(crate) fn may_be_slow(&self) -> bool {
        match self {
            Self::That(that) => that.may_be_slow(),
            // A pattern over 256 KiB of headers holds a thread for seconds.
            Self::Header { tests, .. } => tests.iter().any(TextCondition::is_pattern),
            Self::Redirects(tests) => tests.iter().any(|test| match test {
                RedirectCondition::Url(tests) => tests.iter().any(TextCondition::is_pattern),
                RedirectCondition::Count(_) | RedirectCondition::Through(_) => false,
            }),
            _ => self.is_of_body(),
        }
    }

    /// Whether judging takes time that only grows with the length of the body: on a short one it holds up nobody.
    pub(crate) fn is_linear(&self) -> bool {
        match self {
            Self::Json { path, tests } => {
                path.is_linear() && !tests.iter().any(JsonCondition::is_pattern)
            }
            Self::Body { text, bytes: _ } => !text.iter().any(TextCondition::is_pattern),
            _ => !self.may_be_slow(),
        }
    }

    fn evaluate(
        &self,
        evidence: &Evidence,
        parsed: &mut ParsedBody<'_>,
        values: &Values,
        findings: &mut Vec<Finding>,
    ) {
        if let (true, Some(limit)) = (self.needs_whole_body(), evidence.body_cut_at) {
            findings.push(Finding::errored(
                self.subject(),
                format!(
                    "the body is larger than max_body ({}); raise max_body",
                    words::bytes(limit)
                ),
            ));
            return;
        }
        match self {
            Self::Status(ranges) => findings.push(match evidence.status {
                Some(got) => status(ranges, got),
                None => Finding::errored(self.subject(), "the answer has no status of HTTP"),
            }),
            Self::Header { name, tests } => header(name, tests, evidence, values, findings),
            Self::Body { text, bytes } => {
                if !text.is_empty() {
                    match evidence.body.text() {
                        Ok(body) => {
                            let found = text_condition::evaluate("body", text, &[&body], values);
                            findings.extend(found);
                        }
                        Err(why) => {
                            findings.push(Finding::errored(self.subject(), why.to_string()));
                        }
                    }
                }
                let found = bytes.iter().map(|one| one.evaluate(&evidence.body, values));
                findings.extend(found);
            }
            Self::Json { path, tests } => parsed.json.evaluate(path, tests, values, findings),
            Self::JsonSchema(schema) => schema.evaluate(parsed, findings),
            Self::That(that) => findings.push(that.evaluate(evidence, parsed, values)),
            Self::Css(css) => parsed.page.evaluate(css, values, findings),
            Self::Redirects(tests) => {
                for test in tests {
                    test.evaluate(evidence, values, findings);
                }
            }
            Self::TestResults(results) => results.evaluate(evidence, parsed, values, findings),
            Self::Latency(limits) => {
                findings.extend(
                    limits
                        .iter()
                        .map(|limit| latency::evaluate(*limit, evidence)),
                );
            }
        }
    }

    /// Its key in a suite.
    pub(crate) fn subject(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Header { .. } => "header",
            Self::Body { .. } => "body",
            Self::Json { .. } => "json",
            Self::JsonSchema(_) => "json_schema",
            Self::That(_) => "that",
            Self::Css(_) => "css",
            Self::Redirects(_) => "redirects",
            Self::Latency(_) => "latency",
            Self::TestResults(_) => "results",
        }
    }
}

impl StatusRange {
    /// What a check demands that says nothing: `2xx`.
    pub(crate) const SUCCESS: Self = Self {
        first: 200,
        last: 299,
    };

    fn notation(self) -> String {
        match (self.first, self.last) {
            (first, last) if first == last => first.to_string(),
            (first, last) if first % 100 == 0 && last == first + 99 => format!("{}xx", first / 100),
            (first, last) => format!("{first}-{last}"),
        }
    }
}

fn status(ranges: &[StatusRange], got: u16) -> Finding {
    let notation: Vec<String> = ranges.iter().map(|range| range.notation()).collect();
    let met = ranges
        .iter()
        .any(|range| (range.first..=range.last).contains(&got));
    Finding::new(
        format!("status {}", notation.join(" or ")),
        Actual::Words(got.to_string()),
        met,
    )
}

fn header(
    name: &HeaderName,
    tests: &[TextCondition],
    evidence: &Evidence,
    values: &Values,
    findings: &mut Vec<Finding>,
) {
    let owned = evidence.header_values(name);
    let present: Vec<&str> = owned.iter().map(String::as_str).collect();
    let subject = format!("header {name}");
    let sensitive = redact::is_secret_header(name.as_str());
    let found = text_condition::evaluate(&subject, tests, &present, values);
    findings.extend(found.into_iter().map(|finding| Finding {
        sensitive,
        ..finding
    }));
}

#[cfg(test)]
mod tests;
