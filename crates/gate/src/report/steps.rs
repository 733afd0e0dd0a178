//! Steps of a journey, as the page shows them: numbered, with what they captured.

use super::line::{Lines, class};
use super::{StepReport, UnreachedStepReport};
use crate::words;

/// One step of a try.
pub(super) struct StepView<'a> {
    pub(super) report: &'a StepReport,
    /// `Step 3: pay`, `Always, step 1`
    pub(super) title: String,
    pub(super) timing: String,
    pub(super) measurement: &'static str,
    pub(super) class: &'static str,
    pub(super) expectations: Lines<'a>,
    /// `order = 17, csrf = ***`
    pub(super) captured: String,
}

/// `Not reached: step 4: pay, step 5`; none where every step was.
pub(super) fn not_reached(steps: &[UnreachedStepReport]) -> Option<String> {
    let named = steps.iter().map(|step| match &step.name {
        Some(name) => format!("step {}: {name}", step.number),
        None => format!("step {}", step.number),
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| format!("Not reached: {}", named.join(", ")))
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
            expectations: Lines::of(&report.expectations),
            captured: captured.join(", "),
        }
    }
}
