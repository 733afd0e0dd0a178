//! The state of alarms.

use common::aws::Aws;
use gate::cloud::{Alarm, AlarmState, CloudError};
use serde_json::{Value, json};

use super::cloudwatch_page;

/// Pages of an answer: more than there can be for a hundred names.
const MAX_PAGES: usize = 5;

/// The state of each alarm of `names` that exists.
pub(super) async fn states(aws: &Aws, names: &[String]) -> Result<Vec<Alarm>, CloudError> {
    let mut alarms = Vec::new();
    let mut token = Value::Null;
    for _ in 0..MAX_PAGES {
        let input = json!({
            "AlarmNames": names,
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": 100,
        });
        let answer =
            cloudwatch_page(aws, "DescribeAlarms", "check the names", input, &mut token).await?;
        for kind in ["MetricAlarms", "CompositeAlarms"] {
            let listed = answer.get(kind).and_then(Value::as_array);
            for alarm in listed.into_iter().flatten() {
                alarms.push(read(alarm)?);
            }
        }
        if token.is_null() {
            break;
        }
    }
    Ok(alarms)
}

fn read(alarm: &Value) -> Result<Alarm, CloudError> {
    let text = |key: &str| alarm.get(key).and_then(Value::as_str).unwrap_or_default();
    let state = match text("StateValue") {
        "OK" => AlarmState::Ok,
        "ALARM" => AlarmState::Alarm,
        "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
        other => {
            let name = text("AlarmName");
            return Err(CloudError(format!(
                "DescribeAlarms says of {name} the state {other:?}, which is not known here"
            )));
        }
    };
    Ok(Alarm {
        name: text("AlarmName").to_owned(),
        state,
        reason: text("StateReason").to_owned(),
    })
}
