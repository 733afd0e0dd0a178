//! Markdown for a pull request or a chat: the verdict with its reasons first, then the checks, those that did not pass
//! on top.

use std::fmt::Write as _;

use gate::report::CheckReport;
use gate::{Measurement, Report};
use text::words;

use super::{notes, severity};

pub(super) fn write(report: &Report) -> String {
    let verdict = &report.verdict;
    let conclusion = verdict.conclusion.as_str();
    let dry_run = if verdict.dry_run { " (dry run)" } else { "" };
    let mut text = format!(
        "### {}, {}: {conclusion}{dry_run}\n\n",
        inline(&report.suite),
        report.stage
    );
    for reason in &verdict.reasons {
        let _ = writeln!(text, "- {}", inline(reason));
    }
    if !report.checks.is_empty() {
        text.push_str("\n| | check | | time |\n|---|---|---|---:|\n");
        let (passed, others): (Vec<_>, Vec<_>) = report
            .checks
            .iter()
            .partition(|check| check.measurement == Measurement::Passed);
        for check in others.into_iter().chain(passed) {
            row(&mut text, check);
        }
    }
    let address = report.address.as_deref().unwrap_or("no address");
    let _ = write!(
        text,
        "\n{} against {} at {:.0}, in {}\n",
        words::count(report.checks.len(), "check"),
        inline(address),
        report.started,
        words::duration(std::time::Duration::from_millis(report.duration_ms)),
    );
    text
}

fn row(text: &mut String, check: &CheckReport) {
    let severity = severity(check.severity).map_or_else(String::new, |s| format!(" *({s})*"));
    let took: u64 = check.rounds.iter().map(|round| round.duration_ms).sum();
    let mut detail = inline(&check.detail);
    for note in notes(check) {
        let _ = write!(detail, "<br>{}", inline(note));
    }
    let _ = writeln!(
        text,
        "| {} | {}{severity} | {detail} | {} |",
        check.measurement.as_str(),
        inline(&check.name),
        words::duration(std::time::Duration::from_millis(took)),
    );
}

/// The text as one line that is no markup, whoever wrote it.
fn inline(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => written.push(' '),
            '<' => written.push_str("&lt;"),
            '&' => written.push_str("&amp;"),
            // `@name` would notify somebody, and `#1` or an address would become a link.
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '@' | '!' | '>' => {
                written.push('\\');
                written.push(c);
            }
            _ => written.push(c),
        }
    }
    written
}
