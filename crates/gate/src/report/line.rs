//! One line of a page: an expectation, and what came of it.

use super::ExpectationReport;
use crate::measurement::Measurement;

/// More lines that were met than this are folded away, so that what was not met is seen at once.
const MAX_MET: usize = 4;

/// What was expected, and what was got.
pub(super) struct Lines<'a> {
    pub(super) shown: Vec<LineView<'a>>,
    pub(super) folded: Vec<LineView<'a>>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(lines: &'a [ExpectationReport]) -> Self {
        let is_met = |line: &&ExpectationReport| line.measurement == Measurement::Passed;
        if lines.iter().filter(is_met).count() <= MAX_MET {
            return Self {
                shown: lines.iter().map(LineView::of).collect(),
                folded: Vec::new(),
            };
        }
        let (met, unmet): (Vec<_>, Vec<_>) = lines.iter().partition(is_met);
        Self {
            shown: unmet.into_iter().map(LineView::of).collect(),
            folded: met.into_iter().map(LineView::of).collect(),
        }
    }
}

pub(super) struct LineView<'a> {
    pub(super) report: &'a ExpectationReport,
    pub(super) measurement: &'static str,
    pub(super) class: &'static str,
}

impl<'a> LineView<'a> {
    fn of(report: &'a ExpectationReport) -> Self {
        Self {
            report,
            measurement: report.measurement.as_str(),
            class: class(report.measurement),
        }
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
