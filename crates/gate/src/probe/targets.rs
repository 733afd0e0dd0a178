//! The `targets` probe: the release's targets are all in its target group, and healthy.
//!
//! A group that is half full answers well and falls over under the load of all customers. Targets of an earlier release
//! that still drain in the same group say nothing.

use futures::FutureExt;

use super::{Execution, ProbeContext, ProbeKind, Profile, Subject, Trace};
use crate::cloud::{TargetGroup, TargetHealth};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding};
use crate::words::{self, MAX_RAW_BYTES};

/// How many targets are named in a finding.
const MAX_NAMED: usize = 5;

/// All targets of the release are healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Targets {
    /// The least number, however many are desired.
    pub(crate) at_least: u32,
}

impl ProbeKind for Targets {
    fn profile(&self) -> Profile {
        Profile::asks_others("targets")
    }

    /// The load balancer asks each new task itself.
    fn subject(&self, _: &ProbeContext) -> Subject {
        Subject::Release
    }

    fn asks(&self) -> Vec<String> {
        let least = match self.at_least {
            0 => String::new(),
            least => format!(", at least {least}"),
        };
        vec![format!("all of the release{least}")]
    }

    fn conditions(&self) -> usize {
        1
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            trace.request = Some("the targets of the release".to_owned());
            let group = context.cloud("the health of targets")?.targets().await?;
            trace.request = Some(format!("the targets of {}", group.name));
            Ok(Observation {
                answer: None,
                findings: vec![judge(&group, self.at_least)],
                of_release: true,
            })
        }
        .boxed()
    }
}

fn judge(group: &TargetGroup, at_least: u32) -> Finding {
    let required = group.desired.max(at_least);
    let demand = format!("{required} healthy targets in {}", group.name);
    if required == 0 {
        let got = "the release is to have no tasks, so nothing was measured";
        return Finding::no_data(demand, Actual::Words(got.to_owned()));
    }
    let is = |state: &'static str| move |target: &&TargetHealth| target.state == state;
    let healthy = group.targets.iter().filter(is("healthy")).count();
    // What drains or is unused is of no release that gets traffic.
    let gone = |target: &&TargetHealth| matches!(target.state.as_str(), "draining" | "unused");
    let others: Vec<&TargetHealth> = group
        .targets
        .iter()
        .filter(|target| target.state != "healthy" && !gone(target))
        .collect();
    let enough = u32::try_from(healthy).is_ok_and(|healthy| healthy >= required);
    let mut got = vec![format!("{healthy} healthy")];
    for target in others.iter().take(MAX_NAMED) {
        let TargetHealth { id, state, reason } = target;
        let why = words::head(reason, MAX_RAW_BYTES / MAX_NAMED);
        let colon = if why.is_empty() { "" } else { ": " };
        got.push(format!("{id} is {state}{colon}{why}"));
    }
    if others.len() > MAX_NAMED {
        got.push(format!("{} more", others.len() - MAX_NAMED));
    }
    let unhealthy = others.iter().any(|target| target.state == "unhealthy");
    Finding::new(demand, Actual::Value(got.join("; ")), enough && !unhealthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Measurement;

    fn judged(desired: u32, at_least: u32, states: &[&str]) -> (Measurement, String) {
        let target = |(index, state): (usize, &&str)| TargetHealth {
            id: format!("10.0.0.{index}:8080"),
            state: (*state).to_owned(),
            reason: if *state == "unhealthy" {
                "Target.Timeout: no answer".to_owned()
            } else {
                String::new()
            },
        };
        let group = TargetGroup {
            name: "green".to_owned(),
            desired,
            targets: states.iter().enumerate().map(target).collect(),
        };
        let finding = judge(&group, at_least);
        let (Actual::Words(got) | Actual::Value(got)) = finding.got;
        (finding.measurement, format!("{}: {got}", finding.demand))
    }

    #[test]
    fn all_targets_of_the_release_are_healthy() {
        let two = judged(2, 0, &["healthy", "healthy", "draining", "unused"]);
        assert_eq!(
            two,
            (
                Measurement::Passed,
                "2 healthy targets in green: 2 healthy".to_owned()
            )
        );
        assert_eq!(judged(2, 0, &["healthy", "initial"]).0, Measurement::Failed);
        assert_eq!(judged(2, 0, &["healthy"]).0, Measurement::Failed);
        assert_eq!(judged(2, 3, &["healthy", "healthy"]).0, Measurement::Failed);
        assert_eq!(judged(2, 0, &[]).0, Measurement::Failed);
    }

    #[test]
    fn one_unhealthy_target_fails_beside_enough_healthy_ones() {
        let (measurement, sentence) = judged(2, 0, &["healthy", "healthy", "unhealthy"]);
        assert_eq!(measurement, Measurement::Failed);
        insta::assert_snapshot!(sentence, @"2 healthy targets in green: 2 healthy; 10.0.0.2:8080 is unhealthy: Target.Timeout: no answer");
    }

    #[test]
    fn nothing_wanted_is_nothing_measured() {
        assert_eq!(judged(0, 0, &["healthy"]).0, Measurement::NoData);
        assert_eq!(judged(0, 1, &["healthy"]).0, Measurement::Passed);
    }

    #[test]
    fn many_targets_are_counted_and_few_are_named() {
        let (_, sentence) = judged(9, 0, &["initial"; 9]);
        assert!(sentence.ends_with("; 4 more"), "{sentence}");
    }
}
