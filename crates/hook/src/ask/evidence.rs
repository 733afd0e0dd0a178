//! What people are shown of a report: bounded, and what did not pass first. Pure.

use gate::{Measurement, Report};
use gate_question::{CheckEvidence, Evidence};
use strict_yaml::words::cut_bytes;

const MAX_REASONS: usize = 20;
const MAX_REASON_BYTES: usize = 1024;
const MAX_CHECKS: usize = 40;
const MAX_NAME_BYTES: usize = 256;

/// The evidence of a report, whose texts are redacted.
pub(super) fn of(report: &Report) -> Evidence {
    let reasons = &report.verdict.reasons;
    let mut checks: Vec<CheckEvidence> = Vec::new();
    let not_passed = |passed: bool| {
        report
            .checks
            .iter()
            .filter(move |check| (check.measurement == Measurement::Passed) == passed)
    };
    for check in not_passed(false).chain(not_passed(true)).take(MAX_CHECKS) {
        checks.push(CheckEvidence {
            name: name(&check.name),
            measurement: check.measurement.as_str().to_owned(),
            passed: check.tally.passed,
            rounds: check.tally.rounds(),
        });
    }
    Evidence {
        suite: name(&report.suite),
        reasons: reasons
            .iter()
            .take(MAX_REASONS)
            .map(|reason| cut_bytes(reason, MAX_REASON_BYTES))
            .collect(),
        reasons_left_out: reasons.len().saturating_sub(MAX_REASONS),
        checks_left_out: report.checks.len() - checks.len(),
        checks,
        ..Evidence::default()
    }
}

/// A name, masked and bounded.
pub(super) fn name(text: &str) -> String {
    cut_bytes(&gate::mask(text), MAX_NAME_BYTES)
}

/// A reason, masked and bounded.
pub(super) fn reason(text: &str) -> String {
    cut_bytes(&gate::mask(text), MAX_REASON_BYTES)
}
