//! What a gate's decision is measured by: see [`common::metrics`]. Pure but for [`emit`], which nothing can make fail.

use std::panic::AssertUnwindSafe;

use common::metrics::{MetricRecord, Reason};
use gate::{CheckReport, Conclusion, Measurement, Report};

use crate::publish::GateResult;

/// Writes the metrics of a decision into the log. `cut` is why the work did not come to its own end.
pub(crate) fn emit(result: &GateResult, cut: Option<Reason>) {
    let writing = || {
        for measured in measured(result, cut) {
            measured.emit();
        }
    };
    if std::panic::catch_unwind(AssertUnwindSafe(writing)).is_err() {
        tracing::error!("the metrics of this decision could not be written");
    }
}

fn measured(result: &GateResult, cut: Option<Reason>) -> Vec<MetricRecord<'static>> {
    let (verdict, report) = (&result.outcome.verdict, &result.outcome.report);
    let stage = result.stage.as_str();
    vec![
        MetricRecord::Verdict {
            stage,
            verdict: verdict.conclusion.as_str(),
            reason: reason(result, cut),
        },
        MetricRecord::GateRun {
            stage,
            stopped: !verdict.passed,
            duration_ms: report.duration_ms,
            rounds: rounds(report),
            latencies_ms: report.checks.iter().flat_map(latencies_ms).collect(),
        },
        MetricRecord::Answer {
            caller: result.caller.as_str(),
            answer: result.answer_as_heard(),
        },
    ]
}

/// Where the verdict comes from: who decided, else why there was nothing to decide on, else what was measured.
fn reason(result: &GateResult, cut: Option<Reason>) -> Reason {
    let (verdict, report) = (&result.outcome.verdict, &result.outcome.report);
    if result.question.is_some() {
        return Reason::People;
    }
    if result.overridden_by.is_some() {
        return Reason::Override;
    }
    if let Some(cut) = cut {
        return cut;
    }
    match (report.checks.is_empty(), verdict.conclusion) {
        (true, Conclusion::Passed) => Reason::Waived,
        (true, _) => Reason::NotBegun,
        (false, Conclusion::Passed) => Reason::ChecksPassed,
        (false, conclusion) => worst(&report.checks, conclusion),
    }
}

/// What kept the release from passing: what failed comes first, as in the reasons.
fn worst(checks: &[CheckReport], conclusion: Conclusion) -> Reason {
    let any = |measurement| {
        let mut blocking = checks.iter().filter(|check| check.blocks);
        blocking.any(|check| check.measurement == measurement)
    };
    match () {
        () if conclusion == Conclusion::Failed && any(Measurement::Failed) => Reason::CheckFailed,
        () if any(Measurement::Errored) => Reason::CheckErrored,
        () if any(Measurement::NoData) => Reason::NoData,
        () => Reason::NotEnough,
    }
}

fn rounds(report: &Report) -> u32 {
    match &report.bake {
        Some(bake) => bake.rounds,
        None => u32::from(!report.checks.is_empty()),
    }
}

/// How long the answers took: of each round that was kept, the last try's, and of a journey each step's.
fn latencies_ms(check: &CheckReport) -> impl Iterator<Item = u64> + '_ {
    let tries = check.rounds.iter().filter_map(|round| round.tries.last());
    tries.flat_map(|last| {
        let steps = last.steps.iter().filter_map(|step| step.latency_ms);
        last.latency_ms.into_iter().chain(steps)
    })
}

#[cfg(test)]
mod tests {
    use common::metrics::{DimensionValues, OTHER_WORD};
    use gate::{Outcome, Stage};

    use super::*;
    use crate::answer::{Answer, Delivery};
    use crate::ask::pending_question::PeopleAnswer;
    use crate::caller::Caller;
    use crate::publish::sample;

    fn refused() -> GateResult {
        sample(Answer::Failed, Delivery::Accepted)
    }

    fn words(measured: &[MetricRecord<'_>]) -> Vec<String> {
        let at = "2026-11-24T09:00:07Z".parse().unwrap();
        let lines = measured.iter().flat_map(|one| {
            let names = one
                .group()
                .dimensions
                .iter()
                .map(|dimension| dimension.name);
            let line = one.lines(at, &[]).remove(0);
            names.map(move |name| line[name].as_str().unwrap().to_owned())
        });
        lines.collect()
    }

    #[test]
    fn a_gate_that_could_not_begin_says_so_and_a_waiver_is_no_pass_of_checks() {
        let result = refused();
        assert_eq!(
            words(&measured(&result, None)),
            [
                "pre-traffic",
                "failed",
                "not-begun",
                "pre-traffic",
                "CodeDeploy",
                "Failed"
            ]
        );
        assert_eq!(reason(&result, Some(Reason::TimeOver)), Reason::TimeOver);
        let waived = GateResult {
            outcome: Outcome::waived(Stage::PreTraffic, result.facts.clone(), "a rollback".into()),
            ..result
        };
        assert_eq!(reason(&waived, None), Reason::Waived);
    }

    #[test]
    fn people_and_overrides_come_before_what_was_measured() {
        let mut result = refused();
        result.overridden_by = Some("arn:aws:iam::1:user/x".into());
        assert_eq!(reason(&result, None), Reason::Override);
        let id = signing::OpaqueId::of(&["a case"]);
        result.question = Some((id, PeopleAnswer::Approved));
        assert_eq!(reason(&result, None), Reason::People);
    }

    #[test]
    fn every_word_of_a_gate_is_one_that_its_dimension_lists() {
        let deliveries = [
            Delivery::Accepted,
            Delivery::Confirmed,
            Delivery::Undelivered("x".into()),
            Delivery::Unconfirmed("x".into()),
            Delivery::AlreadyCompleted(Ok(Answer::Succeeded)),
            Delivery::AlreadyCompleted(Err("x".into())),
        ];
        for delivery in deliveries {
            for answer in [Answer::Succeeded, Answer::Failed] {
                for caller in [Caller::CodeDeploy, Caller::Ecs, Caller::CodePipeline] {
                    for stage in Stage::ALL {
                        let mut result = sample(answer, delivery.clone());
                        (result.caller, result.stage) = (caller, stage);
                        let words = words(&measured(&result, None));
                        assert!(!words.iter().any(|word| word == OTHER_WORD), "{words:?}");
                    }
                }
            }
        }
        let verdicts = measured(&refused(), None)[0].group().dimensions;
        let listed = |name: &str| match verdicts.iter().find(|it| it.name == name).unwrap().words {
            DimensionValues::Of(words) => words,
            DimensionValues::Account | DimensionValues::Region => unreachable!("no place"),
        };
        for conclusion in [
            Conclusion::Passed,
            Conclusion::Failed,
            Conclusion::Inconclusive,
        ] {
            assert!(listed("Verdict").contains(&conclusion.as_str()));
        }
        for reason in Reason::ALL {
            assert!(listed("Reason").contains(&reason.as_str()));
        }
    }
}
