//! The report in the formats of others. All are made from the redacted model, [`gate::Report`], and show nothing else.

mod junit;
mod markdown;
mod tap;

use std::path::PathBuf;

use gate::{Measurement, Report, Severity};

use crate::failure::Failure;

/// A report that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct ReportFile {
    format: Format,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Html,
    Json,
    Junit,
    Markdown,
    Tap,
}

const FORMATS: [(&str, Format); 5] = [
    ("html", Format::Html),
    ("json", Format::Json),
    ("junit", Format::Junit),
    ("markdown", Format::Markdown),
    ("tap", Format::Tap),
];

/// `junit=results.xml`
pub(crate) fn parse(text: &str) -> Result<ReportFile, String> {
    let (name, path) = text
        .split_once('=')
        .ok_or("expected a format and a file: junit=results.xml")?;
    let format = FORMATS.iter().find(|(known, _)| *known == name);
    let (_, format) = format.ok_or_else(|| {
        let known = text::words::list(FORMATS.iter().map(|(known, _)| *known));
        format!("there is no format {name:?}; there are {known}")
    })?;
    if path.is_empty() {
        return Err(format!("name a file: {name}=results"));
    }
    Ok(ReportFile {
        format: *format,
        path: path.into(),
    })
}

impl ReportFile {
    /// Writes the report. What was in the file before is lost.
    pub(crate) fn write(&self, report: &Report) -> Result<(), Failure> {
        let text = match self.format {
            Format::Html => gate::report::html(report),
            Format::Json => gate::report::json(report),
            Format::Junit => junit::write(report),
            Format::Markdown => markdown::write(report),
            Format::Tap => tap::write(report),
        };
        std::fs::write(&self.path, text).map_err(|error| {
            Failure::Wrong(format!(
                "the report {} could not be written: {error}",
                self.path.display()
            ))
        })
    }
}

/// What a check means for the verdict, which is what other tools go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckMeaning {
    Passed,
    Failed,
    /// It could not be measured, or not well enough.
    Errored,
    /// It did not pass, and does not block.
    Reported,
}

fn meaning(check: &gate::report::CheckReport) -> CheckMeaning {
    match (check.measurement, check.severity) {
        (Measurement::Passed, _) => CheckMeaning::Passed,
        (_, Severity::Advisory | Severity::DryRun) => CheckMeaning::Reported,
        (Measurement::Failed, Severity::Required) => CheckMeaning::Failed,
        _ => CheckMeaning::Errored,
    }
}

/// Whether a check says why the gate does not pass; where none does, the verdict has to be said beside the checks.
fn is_stopped_by_a_check(report: &Report) -> bool {
    let stops = |check| matches!(meaning(check), CheckMeaning::Failed | CheckMeaning::Errored);
    report.checks.iter().any(stops)
}

/// The severity, where it is not the usual one.
fn severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Required => None,
        Severity::DryRun => Some("dry run"),
        Severity::Advisory => Some("advisory"),
        Severity::Overridden => Some("overridden"),
    }
}

/// What came of a check, in words: `failed: expected status 200, got 503`.
fn outcome(check: &gate::report::CheckReport) -> String {
    let measurement = check.measurement.as_str();
    if check.detail.is_empty() {
        measurement.to_owned()
    } else {
        format!("{measurement}: {}", check.detail)
    }
}

/// Of one check.
const MAX_NOTES: usize = 10;

/// What explains why a check did not pass, beside its reason: a cookie that was not sent, a redirect, a body that was cut. Of
/// its last try.
pub(super) fn notes(check: &gate::report::CheckReport) -> Vec<&str> {
    if check.measurement == Measurement::Passed {
        return Vec::new();
    }
    let last = check.rounds.last().and_then(|round| round.tries.last());
    let all = last.into_iter().flat_map(|last| {
        let of_steps = last.steps.iter().flat_map(|step| &step.notes);
        last.notes.iter().chain(of_steps)
    });
    let mut notes: Vec<&str> = Vec::new();
    for note in all {
        if notes.len() < MAX_NOTES && !notes.contains(&note.as_str()) {
            notes.push(note);
        }
    }
    notes
}

#[cfg(test)]
mod tests;
