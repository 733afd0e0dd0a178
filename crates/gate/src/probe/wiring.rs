//! The `wiring` probe: what AWS holds of the deployment fits together. The rules are those of the crate `wiring`.

use futures::FutureExt;
use wiring::{Options, Outcome, judge};

use super::{Execution, ProbeContext, ProbeKind, Profile, Trace};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding};

/// The wiring of the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wiring {
    pub(crate) options: Options,
}

impl ProbeKind for Wiring {
    fn profile(&self) -> Profile {
        Profile::asks_others("wiring")
    }

    fn asks(&self) -> Vec<String> {
        let left: Vec<&str> = self.options.except.iter().map(|rule| rule.name()).collect();
        let but = match &left[..] {
            [] => String::new(),
            left => format!(" but {}", left.join(", ")),
        };
        vec![format!("all rules{but}")]
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            trace.request = Some("the wiring of the deployment".to_owned());
            let cloud = context.cloud("the wiring of the deployment")?;
            let facts = cloud.wiring().await?;
            let (findings, notes) = found(judge(&facts, &self.options));
            trace.notes.extend(notes);
            Ok(Observation::of_others(findings))
        }
        .boxed()
    }
}

/// A finding for each rule, and what was not judged.
fn found(judged: Vec<wiring::Finding>) -> (Vec<Finding>, Option<String>) {
    let (mut findings, mut left) = (Vec::new(), Vec::new());
    for wiring::Finding { rule, outcome } in judged {
        findings.push(match outcome {
            Outcome::Held => Finding::new(rule.name(), Actual::Words("in order".to_owned()), true),
            Outcome::Mismatch(mismatch) => {
                Finding::new(rule.name(), Actual::Value(mismatch.to_string()), false)
            }
            Outcome::Unknown(why) => Finding::errored(rule.name(), why),
            Outcome::NotJudged(why) => {
                left.push(format!("{rule} ({why})"));
                continue;
            }
        });
    }
    let note = (!left.is_empty()).then(|| format!("not judged: {}", left.join("; ")));
    (findings, note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Measurement;
    use wiring::{Mismatch, Rule};

    #[test]
    fn every_outcome_is_a_measurement_or_a_note() {
        let finding = |rule, outcome| wiring::Finding { rule, outcome };
        let mismatch = Mismatch {
            place: "the image shop:latest".to_owned(),
            what: "has the tag latest".to_owned(),
            remedy: "deploy a digest".to_owned(),
        };
        let (findings, note) = found(vec![
            finding(Rule::Container, Outcome::Held),
            finding(Rule::ImageTag, Outcome::Mismatch(mismatch)),
            finding(Rule::AlarmsExist, Outcome::Unknown("denied".to_owned())),
            finding(
                Rule::FirstDeployment,
                Outcome::NotJudged("allowed".to_owned()),
            ),
        ]);
        let measured: Vec<Measurement> = findings.iter().map(|it| it.measurement).collect();
        assert_eq!(
            measured,
            [
                Measurement::Passed,
                Measurement::Failed,
                Measurement::Errored
            ]
        );
        assert_eq!(
            note.as_deref(),
            Some("not judged: first-deployment (allowed)")
        );
        assert_eq!(found(Vec::new()), (Vec::new(), None));
    }
}
