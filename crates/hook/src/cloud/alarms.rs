//! The state of alarms.

use common::aws::Aws;
use common::failure::Hints;
use common::json_api::{self, CLOUDWATCH};
use gate::cloud::{Alarm, AlarmState, CloudError};
use serde_json::{Value, json};

/// Pages of an answer: more than there can be for a hundred names.
const MAX_PAGES: usize = 5;

/// The state of each alarm of `names` that exists.
pub(super) async fn states(aws: &Aws, names: &[String]) -> Result<Vec<Alarm>, CloudError> {
    let mut alarms = Vec::new();
    let mut token = Value::Null;
    for _ in 0..MAX_PAGES {
        let mut input = json!({
            "AlarmNames": names,
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": 100,
        });
        if !token.is_null() {
            input["NextToken"] = token;
        }
        let hints = Hints {
            permission: "cloudwatch:DescribeAlarms",
            absent: "check the names",
        };
        let answer = json_api::call(aws, CLOUDWATCH, "DescribeAlarms", input)
            .await
            .map_err(super::failed(aws, "DescribeAlarms", hints))?;
        for kind in ["MetricAlarms", "CompositeAlarms"] {
            let listed = answer.get(kind).and_then(Value::as_array);
            for alarm in listed.into_iter().flatten() {
                alarms.push(read(alarm)?);
            }
        }
        token = answer.get("NextToken").cloned().unwrap_or_default();
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
