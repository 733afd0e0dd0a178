//! One-time schedules of EventBridge Scheduler follow the virtual clock.
//!
//! The emulator fires schedules in real time. When the virtual clock is put forward over the time of
//! an `at()` schedule, it is delivered here, at its own virtual time, and taken out of the emulator
//! first, so that nothing comes twice. Recurring schedules are left to the emulator.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::form_urlencoded;

use crate::World;
use crate::error::AwsError;
use crate::timeline::TimelineEvent;
use crate::upstream::Upstream;

/// Real time for the emulator to name its schedules; the clock waits no longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prepares an advance of the clock: schedules within it will be delivered when their time comes.
/// Await what it gives after the advance, so that all of them were delivered when that is over.
pub(crate) async fn follow(world: &World, by: Duration) -> JoinSet<()> {
    let mut deliveries = JoinSet::new();
    let upstream = world.upstream_client();
    let end = world.clock.now().checked_add(by).unwrap_or(Timestamp::MAX);
    // Without an emulator there are no schedules.
    let Ok(Ok(due)) = tokio::time::timeout(PATIENCE, due_until(&upstream, end)).await else {
        return deliveries;
    };
    for schedule in due {
        let (world, upstream) = (world.clone(), upstream.clone());
        deliveries.spawn(async move {
            world.clock.sleep_until(schedule.at).await;
            if let Err(error) = schedule.fire(&world, &upstream).await {
                tracing::warn!(%error, name = schedule.name, "a schedule was not delivered");
            }
        });
    }
    // Lets each of them reach its sleep before the clock moves.
    tokio::time::sleep(Duration::from_millis(5)).await;
    deliveries
}

/// A one-time schedule.
struct OneTime {
    name: String,
    group: String,
    at: Timestamp,
}

async fn due_until(upstream: &Upstream, end: Timestamp) -> Result<Vec<OneTime>, AwsError> {
    let listed = upstream
        .rest("scheduler", Method::GET, "/schedules?MaxResults=100", None)
        .await?;
    let mut due = Vec::new();
    for summary in listed["Schedules"].as_array().into_iter().flatten() {
        let text = |name: &str| summary[name].as_str().unwrap_or_default().to_owned();
        let (name, group) = (text("Name"), text("GroupName"));
        let schedule = get(upstream, &name, &group).await?;
        if schedule["State"] != "ENABLED" {
            continue;
        }
        // What is past in real time is the emulator's.
        let coming = |at: &Timestamp| *at <= end && *at > Timestamp::now();
        if let Some(at) = one_time(&schedule).filter(coming) {
            due.push(OneTime { name, group, at });
        }
    }
    Ok(due)
}

async fn get(upstream: &Upstream, name: &str, group: &str) -> Result<Value, AwsError> {
    upstream
        .rest("scheduler", Method::GET, &path(name, group), None)
        .await
}

fn path(name: &str, group: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("/schedules/{}?groupName={}", encoded(name), encoded(group))
}

/// The instant of `at(yyyy-mm-ddThh:mm:ss)` in the schedule's time zone.
fn one_time(schedule: &Value) -> Option<Timestamp> {
    let expression = schedule["ScheduleExpression"].as_str()?;
    let local = expression.trim().strip_prefix("at(")?.strip_suffix(')')?;
    let local: DateTime = local.trim().parse().ok()?;
    let zone = match schedule["ScheduleExpressionTimezone"].as_str() {
        None | Some("" | "UTC") => TimeZone::UTC,
        Some(name) => TimeZone::get(name).ok()?,
    };
    Some(local.to_zoned(zone).ok()?.timestamp())
}

impl OneTime {
    /// Delivers it, if it is still there and still for that time.
    async fn fire(&self, world: &World, upstream: &Upstream) -> Result<(), AwsError> {
        let schedule = get(upstream, &self.name, &self.group).await?;
        if one_time(&schedule) != Some(self.at) || schedule["State"] != "ENABLED" {
            return Ok(());
        }
        let path = path(&self.name, &self.group);
        if schedule["ActionAfterCompletion"] == "DELETE" {
            upstream
                .rest("scheduler", Method::DELETE, &path, None)
                .await?;
        } else {
            let mut spent = schedule.clone();
            spent["State"] = json!("DISABLED");
            upstream
                .rest("scheduler", Method::PUT, &path, Some(&spent))
                .await?;
        }
        let target = &schedule["Target"];
        let arn = target["Arn"].as_str().unwrap_or_default();
        let input = target["Input"].as_str().unwrap_or("{}");
        deliver(upstream, arn, input).await?;
        world.timeline.tell(TimelineEvent {
            kind: "schedule".to_owned(),
            deployment_id: None,
            message: format!("The schedule {} was due and called {arn}.", self.name),
            detail: json!({ "name": self.name, "group": self.group, "target": arn }),
        });
        Ok(())
    }
}

async fn deliver(upstream: &Upstream, arn: &str, input: &str) -> Result<(), AwsError> {
    match arn.split(':').nth(2) {
        Some("lambda") => upstream.invoke(arn, input).await,
        Some("sns") => {
            let params = [
                ("TopicArn", arn),
                ("Message", input),
                ("Version", "2010-03-31"),
            ];
            upstream.query("sns", "Publish", &params).await.map(drop)
        }
        _ => Err(AwsError::client(
            "UnsupportedTarget",
            format!(
                "{arn} is no function or topic; schedules that follow the virtual clock call these only"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_one_time_schedule_is_of_its_zone() {
        let at = |expression: &str, zone: &str| {
            let schedule = json!({
                "ScheduleExpression": expression, "ScheduleExpressionTimezone": zone,
            });
            one_time(&schedule).map(|at| at.to_string())
        };
        assert_eq!(
            at("at(2026-11-21T10:00:00)", "UTC").as_deref(),
            Some("2026-11-21T10:00:00Z")
        );
        assert_eq!(
            at("at(2026-11-21T10:00:00)", "Europe/Berlin").as_deref(),
            Some("2026-11-21T09:00:00Z")
        );
        assert_eq!(at("rate(5 minutes)", "UTC"), None);
        assert_eq!(at("cron(0 10 * * ? *)", "UTC"), None);
    }
}
