//! `JUnit` XML, which every CI system reads. A check that does not block never turns a build red: it is skipped, with
//! what came of it.

use std::time::Duration;

use gate::Report;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{CheckMeaning, is_stopped_by_a_check, meaning, notes, outcome, severity};

pub(super) fn write(report: &Report) -> String {
    let mut suite = TestSuite::new(format!("{}, {}", report.suite, report.stage));
    suite.set_time(Duration::from_millis(report.duration_ms));
    let started = report.started.to_string();
    suite.extra.insert("timestamp".into(), started.into());
    for check in &report.checks {
        let mut status = match meaning(check) {
            CheckMeaning::Passed => TestCaseStatus::success(),
            CheckMeaning::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            CheckMeaning::Errored => TestCaseStatus::non_success(NonSuccessKind::Error),
            CheckMeaning::Reported => TestCaseStatus::skipped(),
        };
        if meaning(check) != CheckMeaning::Passed {
            let outcome = outcome(check);
            let severity = severity(check.severity);
            status.set_message(severity.map_or(outcome.clone(), |s| format!("{s}: {outcome}")));
            let notes = notes(check);
            if !notes.is_empty() {
                status.set_description(notes.join("\n"));
            }
        }
        let mut case = TestCase::new(check.name.clone(), status);
        case.set_classname(report.suite.clone());
        let took: u64 = check.rounds.iter().map(|round| round.duration_ms).sum();
        case.set_time(Duration::from_millis(took));
        suite.add_test_case(case);
    }
    if !report.verdict.passed && !is_stopped_by_a_check(report) {
        // Otherwise a gate that was stopped for another reason would be green here.
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(report.verdict.reasons.join("; "));
        suite.add_test_case(TestCase::new("the verdict", status));
    }
    let mut all = quick_junit::Report::new(report.suite.clone());
    all.add_test_suite(suite);
    all.to_string()
        .expect("a report without custom elements can be written")
}
