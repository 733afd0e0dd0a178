//! What a stack costs a month whether or not anything is deployed. Pure.
//!
//! Only what is charged by the month is counted: secrets, alarms and a dashboard. Everything else is charged by use, and at
//! rest that is nothing: functions, tables on demand, queues, topics, rules, schedules, objects and log lines.

use std::collections::BTreeMap;

/// US dollars a month in us-east-1, by what is charged. Other regions differ by some tenths.
/// <https://aws.amazon.com/secrets-manager/pricing/>, <https://aws.amazon.com/cloudwatch/pricing/>
const PRICES: [(&str, f64, &str); 3] = [
    ("AWS::SecretsManager::Secret", 0.40, "secrets"),
    ("AWS::CloudWatch::Alarm", 0.10, "metrics of alarms"),
    (
        "AWS::CloudWatch::Dashboard",
        3.00,
        "dashboards (three are free)",
    ),
];
/// Alarms of functions look at three metrics, all others at one.
const FUNCTION_RESOURCES: &[&str] = &[
    "PreTrafficAlarm",
    "PostTrafficAlarm",
    "DeployActionAlarm",
    "ApprovalNotifierAlarm",
    "ApprovalDecisionAlarm",
    "EnvSchedulerAlarm",
];

/// The estimate.
#[derive(Debug, PartialEq)]
pub(super) struct Estimate {
    /// US dollars a month.
    pub(super) monthly: f64,
    /// What that is made of.
    pub(super) parts: Vec<String>,
}

/// Of resources by logical id and type.
pub(super) fn estimate<'a>(resources: impl Iterator<Item = (&'a str, &'a str)>) -> Estimate {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for (logical_id, kind) in resources {
        let units = if FUNCTION_RESOURCES.contains(&logical_id) {
            3
        } else {
            1
        };
        *counts.entry(kind).or_default() += units;
    }
    let counted = PRICES.iter().filter_map(|(kind, price, what)| {
        let count = *counts.get(kind)?;
        let sum = f64::from(count) * price;
        Some((sum, format!("{count} {what}: {sum:.2} USD")))
    });
    let (sums, parts): (Vec<f64>, Vec<String>) = counted.unzip();
    Estimate {
        // The sum of nothing would be -0.
        monthly: sums.iter().fold(0.0, |sum, part| sum + part),
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_charged_by_the_month_is_counted_and_nothing_else() {
        let gates = [
            ("PreTraffic", "AWS::Lambda::Function"),
            ("ReportBucket", "AWS::S3::Bucket"),
        ];
        assert_eq!(
            format!("{:.2}", estimate(gates.into_iter()).monthly),
            "0.00"
        );
        let more = [
            ("KeysSecret", "AWS::SecretsManager::Secret"),
            ("PreTrafficAlarm", "AWS::CloudWatch::Alarm"),
            ("UndeliveredAlarm", "AWS::CloudWatch::Alarm"),
            ("Dashboard", "AWS::CloudWatch::Dashboard"),
        ];
        let estimate = estimate(more.into_iter());
        assert!((estimate.monthly - 3.80).abs() < 1e-9, "{estimate:?}");
        assert_eq!(estimate.parts[1], "4 metrics of alarms: 0.40 USD");
    }

    #[test]
    fn the_alarms_of_three_metrics_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        let mut found = Vec::new();
        let mut name = "";
        let mut kind = "";
        for line in template.lines() {
            if line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':') {
                name = line.trim().trim_end_matches(':');
            }
            if let Some(of) = line.strip_prefix("    Type: ") {
                kind = of;
            }
            if line == "      Metrics:" && kind == "AWS::CloudWatch::Alarm" {
                found.push(name);
            }
        }
        assert_eq!(found, FUNCTION_RESOURCES);
    }
}
