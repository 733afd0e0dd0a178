//! The report: the one result model of a run, redacted once, when it is built.
//!
//! It is the only source for people and programs. Nothing may be added to it later from an unredacted
//! source.

mod build;
mod earlier;
mod html;
mod line;
mod steps;
mod tries;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Stage;
pub use crate::expect::Phase;
use crate::measurement::Measurement;
use crate::severity::Severity;
use crate::suite::SuiteFile;
pub use crate::verdict::Tally;
use crate::verdict::{End, Verdict};

pub(crate) use self::build::{
    CheckRecord, ReportInput, build, detail, is_overridden, sentence, shown_name,
};
pub(crate) use self::earlier::up_to;
pub use self::html::html;

/// The version of the JSON form; raised when a field changes its meaning or goes away.
pub const FORMAT: u32 = 1;

/// A finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of this form, [`FORMAT`].
    pub format: u32,
    /// The suite's name.
    pub suite: String,
    /// Which gate.
    pub stage: Stage,
    /// The address that relative URLs went to; none if the run could not begin.
    pub address: Option<String>,
    /// What was known of the target.
    pub target: BTreeMap<String, String>,
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What the values of `uuid()` and `random()` stood on, in hexadecimal digits; none where the suite has no such.
    /// `seed` of a suite repeats them.
    #[serde(default)]
    pub seed: Option<String>,
    /// The files that made the suite: itself first, then what lies beside it.
    #[serde(default)]
    pub files: Vec<SuiteFile>,
    /// Whether the suite lets a named person override it.
    #[serde(default)]
    pub overridable: bool,
    /// The decision.
    pub verdict: Verdict,
    /// How the run ended; none where it could not begin, or its measurements do not count.
    #[serde(default)]
    pub ended: Option<End>,
    /// The window and the limits; none where one round decides.
    pub bake: Option<BakeReport>,
    /// How many checks came to what.
    pub summary: Tally,
    /// The checks, in the order of the suite.
    pub checks: Vec<CheckReport>,
    /// What was left out of this report.
    pub notes: Vec<String>,
}

/// The post-traffic window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BakeReport {
    /// The pause before the first round, in milliseconds.
    #[serde(default)]
    pub initial_delay_ms: u64,
    /// How long, in milliseconds.
    pub window_ms: u64,
    /// The time between two rounds, in milliseconds.
    pub every_ms: u64,
    /// Failed rounds that a required check may have.
    pub failure_limit: u32,
    /// Errored rounds that a required check may have.
    pub error_limit: u32,
    /// Rounds that were begun.
    pub rounds: u32,
    /// When each of them was begun, since the beginning of the run, in milliseconds: a long round leaves some out.
    #[serde(default)]
    pub starts_ms: Vec<u64>,
    /// Whether the round at the end of the window was reached.
    pub completed: bool,
}

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckReport {
    /// The check's name.
    pub name: String,
    /// What it measures, in hexadecimal digits: two checks of which these differ did not measure the same.
    #[serde(default)]
    pub definition: Option<String>,
    /// How long its answers may take.
    #[serde(default)]
    pub latency: Vec<LatencyReport>,
    /// The words that the suite groups it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it may block.
    pub severity: Severity,
    /// Whether it kept the release from passing.
    #[serde(default)]
    pub blocks: bool,
    /// What it came to: past a limit what there was too much of, else its last round.
    pub measurement: Measurement,
    /// What the last round that did not pass came to, in words; empty if all passed.
    pub detail: String,
    /// How many rounds came to what.
    pub tally: Tally,
    /// Every round as one letter, in order: `P`assed, `F`ailed, `?` inconclusive, `E`rrored, `-` no data; `·` where
    /// only the counts are known.
    pub strip: String,
    /// How many rounds took more than one try; none where that is not known of every round.
    #[serde(default)]
    pub repeated_rounds: Option<u32>,
    /// The longest round, in milliseconds; none where that is not known of every round.
    #[serde(default)]
    pub slowest_round_ms: Option<u64>,
    /// The rounds whose tries were kept: the first, the last and those that did not pass.
    pub rounds: Vec<RoundReport>,
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// What is timed.
    pub phase: Phase,
    /// In milliseconds.
    pub limit_ms: u64,
    /// Whether just that long is short enough.
    pub inclusive: bool,
}

/// One round of one check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundReport {
    /// From 1.
    pub number: usize,
    /// What it came to.
    pub measurement: Measurement,
    /// Since the beginning of the run, in milliseconds.
    pub started_ms: u64,
    /// All tries together, in milliseconds.
    pub duration_ms: u64,
    /// The tries, in order.
    pub tries: Vec<TryReport>,
}

/// One try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TryReport {
    /// From 1.
    pub number: usize,
    /// What it came to.
    pub measurement: Measurement,
    /// Since the beginning of the run, in milliseconds.
    pub started_ms: u64,
    /// In milliseconds.
    pub duration_ms: u64,
    /// Method and URL, if it came that far.
    pub request: Option<String>,
    /// The answer's status code, if there was an answer.
    pub status: Option<u16>,
    /// To the last byte of the body, in milliseconds.
    pub latency_ms: Option<u64>,
    /// What was expected and what was got.
    pub expectations: Vec<ExpectationReport>,
    /// Why nothing was measured.
    #[serde(alias = "trouble")]
    pub error: Option<String>,
    /// Redirects followed, bodies cut.
    pub notes: Vec<String>,
    /// The beginning of the body, if the try did not pass.
    pub body_excerpt: Option<String>,
    /// Of a journey or a browser: its steps, in the order in which they were taken.
    #[serde(default)]
    pub steps: Vec<StepReport>,
    /// Of a journey or a browser: the steps after the one that was not met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<UnreachedStepReport>,
    /// What a browser showed, where every step was met and the try did not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageReport>,
    /// Of an agent that reached its goal: what it did, as steps of a suite, which can be done again without a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recording: Vec<String>,
}

/// A page in a browser, when something was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReport {
    /// `phone, 390 × 844, Chrome/156.0.8078.114`
    pub screen: String,
    /// Where the page is.
    pub url: String,
    /// What it calls itself.
    pub title: String,
    /// A picture of it, if there is one.
    pub screenshot: Option<ScreenshotReport>,
    /// Why there is none: what must not be seen could not be covered, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_screenshot: Option<String>,
    /// What assistive technology speaks of, indented.
    pub snapshot: Vec<String>,
    /// The last lines of its console.
    pub console: Vec<String>,
    /// The last of its requests, and who answered them.
    pub requests: Vec<String>,
}

/// A picture of a page. Password fields, what was typed from a secret and what the suite names are covered in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenshotReport {
    /// PNG, in base64.
    pub png: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// One step of a journey.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepReport {
    /// From 1, in its list.
    pub number: usize,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// It stands under `always`, so it decides nothing.
    pub always: bool,
    /// What it came to.
    pub measurement: Measurement,
    /// Since the beginning of the run, in milliseconds.
    pub started_ms: u64,
    /// In milliseconds.
    pub duration_ms: u64,
    /// Method and URL, if it came that far.
    pub request: Option<String>,
    /// The answer's status code, if there was an answer.
    pub status: Option<u16>,
    /// To the last byte of the body, in milliseconds.
    pub latency_ms: Option<u64>,
    /// What was expected and what was got.
    pub expectations: Vec<ExpectationReport>,
    /// Why nothing was measured.
    pub error: Option<String>,
    /// Redirects followed, bodies cut.
    pub notes: Vec<String>,
    /// What it captured.
    pub captured: Vec<CapturedReport>,
    /// The beginning of the body, if the step did not pass.
    pub body_excerpt: Option<String>,
    /// What a browser showed, if the step did not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageReport>,
}

/// A step that was not taken, as one before it was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreachedStepReport {
    /// From 1.
    pub number: usize,
    /// Its name, if it has one.
    pub name: Option<String>,
}

/// A value that later steps could use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedReport {
    /// What they call it by.
    pub name: String,
    /// The value; `***` if it is secret.
    pub value: String,
}

/// One demand and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExpectationReport {
    /// `status 201`
    pub expected: String,
    /// `503`
    pub got: String,
    /// Whether it was met; errored if that is unknown.
    pub measurement: Measurement,
}

/// The report as JSON.
pub fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("maps of the report have string keys")
}

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;
