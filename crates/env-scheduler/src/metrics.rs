//! What a run did, as metrics: one line of CloudWatch's embedded metric format on standard output.
//!
//! Namespace `DeployHooks/Environments`, one dimension, `FunctionName`: each further one would multiply
//! what the metrics cost. Account, region and run are in the line all the same, for queries.
//! A dry run writes none. What an invocation that fails as a whole did is Lambda's own metric `Errors`.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use common::arn::Place;
use environments::savings::Savings;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::event::Action;

/// Their namespace in CloudWatch.
pub const NAMESPACE: &str = "DeployHooks/Environments";

/// How many services ended in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Put to sleep.
    pub stopped: usize,
    /// Woken.
    pub woken: usize,
    /// Not done, because of an error; the next run tries again.
    pub failed: usize,
    /// Recorded as changed by somebody else.
    pub conflicts: usize,
    /// Put off because of a deployment in progress.
    pub deferred: usize,
    /// Left for the next run, because the time was over.
    #[serde(rename = "continue")]
    pub left: usize,
    /// Clusters, records and the like that could not be read.
    pub unread: usize,
    /// Following no schedule until somebody corrects something.
    pub stuck: usize,
    /// Stopped and still running, or woken and not up, some minutes after.
    pub unmet: usize,
}

/// What a line is made of.
#[derive(Debug, Clone, Copy)]
pub struct RunMetrics<'a> {
    /// The function's name, by which alarms choose.
    pub function_name: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// Where it worked.
    pub place: &'a Place,
    /// For what.
    pub action: Action,
    /// What it did.
    pub counts: Counts,
    /// What the sleeps that it ended have saved.
    pub saved: &'a Savings,
}

/// The line. `at` is the real time: CloudWatch takes nothing of the future.
pub fn line(measured: &RunMetrics<'_>, at: Timestamp) -> String {
    let Counts {
        stopped,
        woken,
        failed,
        conflicts,
        deferred,
        left,
        unread,
        stuck,
        unmet,
    } = measured.counts;
    let saved = measured.saved;
    let metrics = [
        ("Stopped", "Count", json!(stopped)),
        ("Woken", "Count", json!(woken)),
        // An alarm on failures must see what could not be read or understood, too, and what runs against all wishes.
        ("Failed", "Count", json!(failed + unread + stuck + unmet)),
        ("Conflicts", "Count", json!(conflicts)),
        ("Deferred", "Count", json!(deferred)),
        ("Continued", "Count", json!(left)),
        ("SavedVcpuHours", "None", json!(saved.vcpu_hours)),
        ("SavedGbHours", "None", json!(saved.gb_hours)),
        ("SavedMoney", "None", json!(saved.money)),
    ];
    let declared: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": declared,
            }],
        }),
    );
    for (name, value) in [
        ("FunctionName", measured.function_name),
        ("Account", &measured.place.account),
        ("Region", &measured.place.region),
        ("Action", measured.action.word()),
        ("Currency", &saved.currency),
        ("function_request_id", measured.run),
    ] {
        line.insert(name.to_owned(), json!(value));
    }
    let values = metrics.map(|(name, _, value)| (name.to_owned(), value));
    line.extend(values);
    Value::Object(line).to_string()
}

/// In one write, so that no other line comes in between.
pub(crate) fn to_stdout(line: &str) {
    let mut out = std::io::stdout().lock();
    // Metrics that can't be written can't be reported anywhere either.
    let _ = out
        .write_all(format!("{line}\n").as_bytes())
        .and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let place = Place {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
        };
        let saved = Savings {
            vcpu_hours: 16.5,
            gb_hours: 33.0,
            money: 0.8125,
            currency: "USD".into(),
            services: 3,
            unknown: 0,
        };
        let measured = RunMetrics {
            function_name: "env-scheduler",
            run: "req-1",
            place: &place,
            action: Action::Up,
            counts: Counts {
                woken: 3,
                failed: 1,
                unread: 1,
                stuck: 1,
                unmet: 1,
                ..Counts::default()
            },
            saved: &saved,
        };
        let line = line(&measured, "2026-11-24T09:00:07Z".parse().unwrap());
        let read: Value = serde_json::from_str(&line).unwrap();
        let declared = &read["_aws"]["CloudWatchMetrics"][0];
        for metric in declared["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(read[name].is_number(), "{name} has no value");
        }
        let dimension = declared["Dimensions"][0][0].as_str().unwrap();
        assert!(read[dimension].is_string());
        insta::assert_snapshot!(line, @r#"{"_aws":{"Timestamp":1795510807000,"CloudWatchMetrics":[{"Namespace":"DeployHooks/Environments","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"Stopped","Unit":"Count"},{"Name":"Woken","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"Conflicts","Unit":"Count"},{"Name":"Deferred","Unit":"Count"},{"Name":"Continued","Unit":"Count"},{"Name":"SavedVcpuHours","Unit":"None"},{"Name":"SavedGbHours","Unit":"None"},{"Name":"SavedMoney","Unit":"None"}]}]},"FunctionName":"env-scheduler","Account":"111122223333","Region":"eu-central-1","Action":"up","Currency":"USD","function_request_id":"req-1","Stopped":0,"Woken":3,"Failed":4,"Conflicts":0,"Deferred":0,"Continued":0,"SavedVcpuHours":16.5,"SavedGbHours":33.0,"SavedMoney":0.8125}"#);
    }
}
