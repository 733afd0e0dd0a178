//! Steps of a journey, as the page shows them: numbered, with what they captured.

use super::StepReport;
use super::html::{LineView, class};
use crate::words;

/// One step of a try.
pub(super) struct StepView<'a> {
    pub(super) report: &'a StepReport,
    /// `Step 3: pay`, `Always, step 1`
    pub(super) title: String,
    pub(super) timing: String,
    pub(super) measurement: &'static str,
    pub(super) class: &'static str,
    pub(super) expectations: Vec<LineView<'a>>,
    /// `order = 17, csrf = ***`
    pub(super) captured: String,
}

impl<'a> StepView<'a> {
    pub(super) fn of(report: &'a StepReport) -> Self {
        let number = report.number;
        let place = if report.always {
            format!("Always, step {number}")
        } else {
            format!("Step {number}")
        };
        let captured = report.captured.iter();
        let captured: Vec<String> = captured
            .map(|one| format!("{} = {}", one.name, one.value))
            .collect();
        Self {
            report,
            title: match &report.name {
                Some(name) => format!("{place}: {name}"),
                None => place,
            },
            timing: format!("took {}", words::millis(report.duration_ms)),
            measurement: report.measurement.as_str(),
            class: class(report.measurement),
            expectations: LineView::all(&report.expectations),
            captured: captured.join(", "),
        }
    }
}
