//! Values of metrics.

use common::aws::Aws;
use gate::cloud::{CloudError, MetricQuery, MetricStat, MetricValues};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::caller_release::window_start;
use super::{Cloud, cloudwatch_page};

/// The id of the expression. Those of a suite have no such letters in this place.
const EXPRESSION: &str = "deploy_hooks_value";
/// Pages of an answer.
const MAX_PAGES: usize = 10;

/// From when to when, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start: i64,
    end: i64,
}

/// The values that `query` asks for, of both versions over the same window.
pub(super) async fn values(cloud: &Cloud, query: &MetricQuery) -> Result<MetricValues, CloudError> {
    let window = window(query, Timestamp::now(), cloud.release.begun());
    if window.start >= window.end {
        return Ok(MetricValues {
            old: query.old.as_ref().map(|_| Vec::new()),
            ..MetricValues::default()
        });
    }
    let of = async |stats: &[MetricStat]| series(cloud.aws(), query, stats, window).await;
    let old = async {
        match &query.old {
            Some(stats) => of(stats).await.map(|series| Some(series.values)),
            None => Ok(None),
        }
    };
    let (new, old) = tokio::join!(of(&query.new), old);
    let new = new?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, which is neither negative nor near 2^53"
    )]
    let count = |values: Vec<f64>| values.iter().sum::<f64>().max(0.0).round() as u64;
    Ok(MetricValues {
        new: new.values,
        new_count: new.counts.map(count),
        old: old?,
    })
}

/// Whole periods, of which the last one is complete.
fn window(query: &MetricQuery, now: Timestamp, begun: Option<Timestamp>) -> Window {
    let period = i64::try_from(query.period.as_secs()).unwrap_or(1).max(1);
    let down = |second: i64| second.div_euclid(period) * period;
    let end = now.saturating_sub(query.delay).unwrap_or(now);
    let start = window_start(end, query.window, begun);
    let end = down(end.as_second());
    let length = i64::try_from(query.window.as_secs()).unwrap_or(i64::MAX);
    Window {
        // The period in which the deployment began has values of the time before it.
        start: match begun {
            Some(begun) if begun.as_second() >= start.as_second() => {
                down(start.as_second() + period - 1)
            }
            _ => end.saturating_sub(length),
        },
        end,
    }
}

struct Series {
    values: Vec<f64>,
    counts: Option<Vec<f64>>,
}

async fn series(
    aws: &Aws,
    query: &MetricQuery,
    stats: &[MetricStat],
    window: Window,
) -> Result<Series, CloudError> {
    let is_metric = stats.iter().any(|stat| stat.id == query.expression);
    let asked = if is_metric {
        query.expression.as_str()
    } else {
        EXPRESSION
    };
    let mut series = Series {
        values: Vec::new(),
        counts: query.count.as_ref().map(|_| Vec::new()),
    };
    let mut token = Value::Null;
    for _ in 0..MAX_PAGES {
        let input = json!({
            "StartTime": window.start,
            "EndTime": window.end,
            "ScanBy": "TimestampAscending",
            "MetricDataQueries": queries(query, stats, asked),
        });
        let absent = "check the metric's names";
        let answer = cloudwatch_page(aws, "GetMetricData", absent, input, &mut token).await?;
        series.values.extend(values_of(&answer, asked)?);
        if let (Some(counts), Some(id)) = (&mut series.counts, &query.count) {
            counts.extend(values_of(&answer, id)?);
        }
        if token.is_null() {
            return Ok(series);
        }
    }
    Err(CloudError(format!(
        "GetMetricData has more than {MAX_PAGES} pages; shorten window or lengthen period"
    )))
}

fn queries(query: &MetricQuery, stats: &[MetricStat], asked: &str) -> Vec<Value> {
    let mut queries: Vec<Value> = stats
        .iter()
        .map(|stat| {
            let dimensions = stat.dimensions.iter();
            let dimensions: Vec<Value> = dimensions
                .map(|(name, value)| json!({ "Name": name, "Value": value }))
                .collect();
            json!({
                "Id": stat.id,
                "MetricStat": {
                    "Metric": {
                        "Namespace": stat.namespace,
                        "MetricName": stat.metric,
                        "Dimensions": dimensions,
                    },
                    "Period": query.period.as_secs(),
                    "Stat": stat.statistic,
                },
                "ReturnData": stat.id == asked || query.count.as_ref() == Some(&stat.id),
            })
        })
        .collect();
    if asked == EXPRESSION {
        queries.push(json!({
            "Id": EXPRESSION,
            "Expression": query.expression,
            "Period": query.period.as_secs(),
            "ReturnData": true,
        }));
    }
    queries
}

/// The values of one id, or why `CloudWatch` has not computed them.
fn values_of(answer: &Value, id: &str) -> Result<Vec<f64>, CloudError> {
    let results = answer.get("MetricDataResults").and_then(Value::as_array);
    let mut values = Vec::new();
    for result in results.into_iter().flatten() {
        let text = |key: &str| result.get(key).and_then(Value::as_str);
        if text("Id") != Some(id) {
            continue;
        }
        match text("StatusCode") {
            Some("InternalError") => {
                let why = message(result).unwrap_or("a fault of CloudWatch; try again later");
                return Err(CloudError(format!("GetMetricData failed: {why}")));
            }
            Some("Forbidden") => {
                return Err(CloudError(
                    "GetMetricData is forbidden for this metric: it is of another account that shares none"
                        .to_owned(),
                ));
            }
            _ => {}
        }
        let listed = result.get("Values").and_then(Value::as_array);
        values.extend(listed.into_iter().flatten().filter_map(Value::as_f64));
    }
    Ok(values)
}

fn message(result: &Value) -> Option<&str> {
    result.get("Messages")?.get(0)?.get("Value")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn query(delay: u64) -> MetricQuery {
        MetricQuery {
            new: Vec::new(),
            old: None,
            expression: "m".to_owned(),
            count: None,
            period: Duration::from_mins(1),
            window: Duration::from_mins(5),
            delay: Duration::from_secs(delay),
        }
    }

    #[test]
    fn a_window_has_whole_periods_of_this_deployment_only() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let of = |delay, begun: Option<i64>| {
            let window = window(&query(delay), at(6_030), begun.map(at));
            (window.start, window.end)
        };
        assert_eq!(
            of(0, None),
            (5_700, 6_000),
            "the running minute is not complete"
        );
        assert_eq!(of(60, None), (5_640, 5_940));
        assert_eq!(of(0, Some(100)), (5_700, 6_000));
        assert_eq!(
            of(0, Some(5_850)),
            (5_880, 6_000),
            "not the minute in which it began"
        );
        assert_eq!(of(0, Some(5_880)), (5_880, 6_000));
        let (start, end) = of(60, Some(6_020));
        assert!(start >= end, "nothing yet");
    }
}
