//! The `alarms` probe: alarms of the cloud that must not be in the state ALARM.
//!
//! An alarm without enough data says nothing, so it never passes; one that does not exist is a mistake in the suite,
//! and nothing of the release's.

use futures::FutureExt;

use super::{Execution, ProbeContext, ProbeKind, Profile, Trace};
use crate::cloud::{Alarm, AlarmState};
use crate::evidence::Observation;
use crate::expect::{Actual, Finding};
use crate::template::Template;
use crate::words::{self, MAX_RAW_BYTES};

/// Alarms that must not be in ALARM.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    pub(crate) names: Vec<Template>,
}

impl ProbeKind for Alarms {
    fn profile(&self) -> Profile {
        Profile::asks_others("alarms")
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.names.iter().for_each(see);
    }

    fn asks(&self) -> Vec<String> {
        let names: Vec<String> = self.names.iter().map(Template::written).collect();
        vec![names.join(", ")]
    }

    fn conditions(&self) -> usize {
        self.names.len()
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            let names = self.names.iter().map(|name| name.render(&context.values));
            let mut names: Vec<String> = names.collect::<Result<_, _>>()?;
            names.sort_unstable();
            names.dedup();
            trace.request = Some(format!(
                "alarms {}",
                words::list(names.iter().map(String::as_str))
            ));
            let cloud = context.cloud("the state of alarms")?;
            let found = cloud.alarms(&names).await?;
            Ok(Observation::of_others(
                names.iter().map(|name| judge(name, &found)),
            ))
        }
        .boxed()
    }
}

fn judge(name: &str, found: &[Alarm]) -> Finding {
    let demand = format!("alarm {name:?} not in ALARM");
    let Some(alarm) = found.iter().find(|alarm| alarm.name == name) else {
        let why = "there is no alarm of this name here; check the name, the account and the region";
        return Finding::errored(demand, why);
    };
    let got = match (alarm.state, alarm.reason.as_str()) {
        (AlarmState::Ok, _) | (_, "") => Actual::Words(alarm.state.as_str().to_owned()),
        (state, reason) => Actual::Value(format!(
            "{}: {}",
            state.as_str(),
            words::head(reason, MAX_RAW_BYTES)
        )),
    };
    match alarm.state {
        AlarmState::Ok => Finding::new(demand, got, true),
        AlarmState::Alarm => Finding::new(demand, got, false),
        AlarmState::InsufficientData => Finding::no_data(demand, got),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Measurement;

    #[test]
    fn only_an_alarm_that_is_ok_passes() {
        let alarm = |state| Alarm {
            name: "shop-5xx".to_owned(),
            state,
            reason: "Threshold Crossed".to_owned(),
        };
        let judged = |state| judge("shop-5xx", &[alarm(state)]).measurement;
        assert_eq!(judged(AlarmState::Ok), Measurement::Passed);
        assert_eq!(judged(AlarmState::Alarm), Measurement::Failed);
        assert_eq!(judged(AlarmState::InsufficientData), Measurement::NoData);
        let missing = judge("shop-4xx", &[alarm(AlarmState::Ok)]);
        assert_eq!(missing.measurement, Measurement::Errored);
    }
}
