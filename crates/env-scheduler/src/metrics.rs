//! What a run did, as metrics: see [`common::metrics`].
//!
//! Account, region and run are in the line for queries, and only of what sleeps a dimension: each further one would
//! multiply what the metrics cost. A dry run writes none. What an invocation that fails as a whole did is Lambda's own
//! metric `Errors`.

use common::arn::Place;
use common::metrics::{EnvironmentsRun, MetricRecord};
use environments::savings::Savings;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::event::Action;

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
    /// Left for the next run: the time was over, or what they wait for still sleeps.
    #[serde(rename = "continue")]
    pub left: usize,
    /// Clusters, records and the like that could not be read.
    pub unread: usize,
    /// Following no schedule until somebody corrects something.
    pub stuck: usize,
    /// Stopped and still running, or woken and not up, some minutes after.
    pub unmet: usize,
}

/// What the lines are made of.
#[derive(Debug, Clone, Copy)]
pub struct RunMetrics<'a> {
    /// Where it worked.
    pub place: &'a Place,
    /// For what.
    pub action: Action,
    /// What it did.
    pub counts: Counts,
    /// What slept when it was over; none if it looked at some services only.
    pub asleep: Option<usize>,
    /// What the sleeps that it ended have saved.
    pub saved: &'a Savings,
}

/// The lines. `at` is the real time: CloudWatch takes nothing of the future.
pub fn lines(measured: &RunMetrics<'_>, at: Timestamp) -> Vec<Value> {
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
    let run = MetricRecord::Environments(EnvironmentsRun {
        stopped,
        woken,
        // An alarm on failures must see what could not be read or understood, too, and what runs against all wishes.
        failed: failed + unread + stuck + unmet,
        conflicts,
        deferred,
        continued: left,
        saved_vcpu_hours: saved.vcpu_hours,
        saved_gb_hours: saved.gb_hours,
        saved_money: saved.money,
    });
    let mut lines = run.lines(
        at,
        &[
            ("Account", &measured.place.account),
            ("Region", &measured.place.region),
            ("Action", measured.action.word()),
            ("Currency", &saved.currency),
        ],
    );
    if let Some(asleep) = measured.asleep {
        let place = measured.place;
        lines.extend(MetricRecord::Asleep { place, asleep }.lines(at, &[]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_two_lines_and_what_looked_at_some_services_says_nothing_of_all() {
        let place = Place {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
        };
        let saved = Savings {
            vcpu_hours: 16.5,
            gb_hours: 33.0,
            money: 0.8125,
            currency: "USD".into(),
            resources: 3,
            unknown: 0,
        };
        let measured = RunMetrics {
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
            asleep: Some(2),
            saved: &saved,
        };
        let at = "2026-11-24T09:00:07Z".parse().unwrap();
        let some = RunMetrics {
            asleep: None,
            ..measured
        };
        assert_eq!(lines(&some, at).len(), 1);
        let lines = lines(&measured, at);
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"Account":"111122223333","Region":"eu-central-1","Action":"up","Currency":"USD","_aws":{"Timestamp":1795510807000,"CloudWatchMetrics":[{"Namespace":"DeployHooks/Environments","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"Stopped","Unit":"Count"},{"Name":"Woken","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"Conflicts","Unit":"Count"},{"Name":"Deferred","Unit":"Count"},{"Name":"Continued","Unit":"Count"},{"Name":"SavedVcpuHours","Unit":"None"},{"Name":"SavedGbHours","Unit":"None"},{"Name":"SavedMoney","Unit":"None"}]}]},"Stopped":0,"Woken":3,"Failed":4,"Conflicts":0,"Deferred":0,"Continued":0,"SavedVcpuHours":16.5,"SavedGbHours":33,"SavedMoney":0.8125}
        {"_aws":{"Timestamp":1795510807000,"CloudWatchMetrics":[{"Namespace":"DeployHooks/Environments","Dimensions":[["FunctionName","Account","Region"]],"Metrics":[{"Name":"Asleep","Unit":"Count"}]}]},"Account":"111122223333","Region":"eu-central-1","Asleep":2}
        "#);
    }
}
