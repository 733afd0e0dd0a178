//! The Test Anything Protocol, version 14.

use std::fmt::Write as _;

use gate::Report;

use super::{CheckMeaning, is_stopped_by_a_check, meaning, notes, outcome, severity};

pub(super) fn write(report: &Report) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.checks.len());
    for (index, check) in report.checks.iter().enumerate() {
        let ok = if meaning(check) == CheckMeaning::Passed {
            "ok"
        } else {
            "not ok"
        };
        let _ = write!(text, "{ok} {} - {}", index + 1, description(&check.name));
        if let (CheckMeaning::Reported, Some(severity)) = (meaning(check), severity(check.severity))
        {
            // A harness takes what is still to be done for no failure.
            let _ = write!(text, " # TODO {severity}");
        }
        text.push('\n');
        if meaning(check) != CheckMeaning::Passed {
            let message = serde_json::Value::from(outcome(check));
            let _ = write!(text, "  ---\n  message: {message}\n");
            let notes = notes(check);
            if !notes.is_empty() {
                let _ = writeln!(text, "  notes: {}", serde_json::json!(notes));
            }
            text.push_str("  ...\n");
        }
    }
    if !report.verdict.passed && !is_stopped_by_a_check(report) {
        let reasons = report.verdict.reasons.join("; ").replace(['\n', '\r'], " ");
        let _ = writeln!(text, "Bail out! {reasons}");
    }
    text
}

/// A name that can't be taken for a directive.
fn description(name: &str) -> String {
    name.replace('\\', "\\\\")
        .replace('#', "\\#")
        .replace(['\n', '\r'], " ")
}
