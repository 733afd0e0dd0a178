//! One line of a page: an expectation, and what came of it.

use super::ExpectationReport;
use crate::measurement::Measurement;

pub(super) struct LineView<'a> {
    pub(super) report: &'a ExpectationReport,
    pub(super) measurement: &'static str,
    pub(super) class: &'static str,
}

impl<'a> LineView<'a> {
    pub(super) fn all(lines: &'a [ExpectationReport]) -> Vec<Self> {
        let view = |report: &'a ExpectationReport| Self {
            report,
            measurement: report.measurement.as_str(),
            class: class(report.measurement),
        };
        lines.iter().map(view).collect()
    }
}

pub(super) fn class(measurement: Measurement) -> &'static str {
    match measurement {
        Measurement::Passed => "passed",
        Measurement::Failed => "failed",
        Measurement::Inconclusive => "inconclusive",
        Measurement::Errored => "errored",
        Measurement::NoData => "no-data",
    }
}
