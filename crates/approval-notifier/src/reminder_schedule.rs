//! When people are reminded of a case, and when others are told: one-time schedules of `EventBridge`
//! Scheduler that invoke this function again.
//!
//! The times are a pure function of the case and its route, and a schedule's name of the case and a
//! number, so that making them twice makes them once. A schedule decides nothing: what it wakes asks
//! first whether the case still waits.

use approvals::config::Route;
use approvals::{Case, CaseId};
use aws_sdk_codepipeline::error::ProvideErrorMetadata;
use common::aws::{Aws, Identity};
use common::failure::{Failure, Hints};
use common::rest_api::{self, SCHEDULER, path_segment};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::settings::Schedules;

/// The number of the escalation. Reminders count from 1 and stand at different whole percents, so that
/// there are 99 at most: a changed list of them never turns one into the other.
pub const ESCALATION_NUMBER: u32 = 100;
/// A time closer than this is past: `EventBridge` Scheduler refuses or skips it, as it is precise to a
/// minute. <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>
const MIN_LEAD_TIME: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);
/// A reminder that could not be handed over is worth this many seconds of trying.
const MAX_EVENT_AGE_SECONDS: i32 = 15 * 60;
/// And this many tries.
const MAX_TRIES: i32 = 5;

/// One wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WakeUp {
    /// [`ESCALATION_NUMBER`], or the number of the reminder.
    pub number: u32,
    /// When.
    pub at: Timestamp,
}

/// Who is woken, and in whose name.
#[derive(Debug, Clone, Copy)]
pub struct Scheduler<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// Where schedules are made.
    pub schedules: &'a Schedules,
    /// The ARN of this function.
    pub function_arn: &'a str,
}

/// A schedule could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the schedule {name} in the group {group} could not be made: {detail}")]
pub struct ScheduleError {
    name: String,
    group: String,
    detail: String,
}

/// The wake-ups of a case that still lie ahead. None without an end: there is no part of an unknown time.
pub fn ticks(case: &Case, route: &Route, now: Timestamp) -> Vec<WakeUp> {
    let Some(end) = case.expires else {
        return Vec::new();
    };
    let reminders = (1..).zip(route.reminders.iter().copied());
    let escalation = route
        .escalate
        .iter()
        .map(|escalate| (ESCALATION_NUMBER, escalate.at));
    reminders
        .chain(escalation)
        .map(|(number, part)| WakeUp {
            number,
            at: part.between(case.asked_at, end),
        })
        .filter(|tick| tick.at > now + MIN_LEAD_TIME)
        .collect()
}

/// Makes the schedule of `tick`; one that is there already is left alone.
pub async fn set(
    scheduler: Scheduler<'_>,
    case: &CaseId,
    tick: WakeUp,
) -> Result<(), ScheduleError> {
    let name = name(case, tick.number);
    let input = json!({
        "ActionAfterCompletion": "DELETE",
        // The same for each try of the call, so that a second one does not conflict with the first.
        "ClientToken": signing::new_id(),
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "GroupName": scheduler.schedules.group,
        "ScheduleExpression": expression(tick.at),
        "ScheduleExpressionTimezone": "UTC",
        "Target": target(scheduler, case, tick.number),
    });
    let path = format!("/schedules/{}", path_segment(&name));
    let route = ("POST", path.as_str());
    let made = rest_api::call(scheduler.aws, SCHEDULER, "CreateSchedule", route, input).await;
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ConflictException") => Ok(()),
        Err(error) => Err(ScheduleError {
            name,
            group: scheduler.schedules.group.clone(),
            detail: Failure::of(&error).sentence(
                Identity::Function,
                Hints {
                    permission: "scheduler:CreateSchedule in the group and iam:PassRole for the schedules' role",
                    absent: "check that the group exists",
                },
            ),
        }),
    }
}

fn target(scheduler: Scheduler<'_>, case: &CaseId, number: u32) -> Value {
    let mut target = json!({
        "Arn": scheduler.function_arn,
        "RoleArn": scheduler.schedules.role_arn,
        "Input": json!({"reminder": {"case": case, "number": number}}).to_string(),
        "RetryPolicy": {
            "MaximumEventAgeInSeconds": MAX_EVENT_AGE_SECONDS,
            "MaximumRetryAttempts": MAX_TRIES,
        },
    });
    if let Some(arn) = &scheduler.schedules.dead_letter_arn {
        target["DeadLetterConfig"] = json!({ "Arn": arn });
    }
    target
}

/// At most 64 characters of letters, digits, `-`, `_` and `.`.
fn name(case: &CaseId, number: u32) -> String {
    if number == ESCALATION_NUMBER {
        format!("approval-{case}-escalation")
    } else {
        format!("approval-{case}-{number}")
    }
}

/// `at(2026-05-04T10:30:00)`, without a zone: that is a field of its own.
fn expression(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn told(ticks: &[WakeUp]) -> String {
        let lines = ticks
            .iter()
            .map(|tick| format!("{} {}", tick.number, expression(tick.at)));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_times_are_parts_of_the_time_there_is() {
        let case = testing::case("2026-05-04T10:00:00Z", Some("2026-05-04T20:00:00Z"));
        let route = testing::route("reminders: [50%, 80%]\n    escalate: {at: 90%, tell: [mail]}");
        insta::assert_snapshot!(told(&ticks(&case, &route, case.asked_at)), @r"
        1 at(2026-05-04T15:00:00)
        2 at(2026-05-04T18:00:00)
        100 at(2026-05-04T19:00:00)
        ");
        let late = "2026-05-04T17:59:45Z".parse().unwrap();
        insta::assert_snapshot!(told(&ticks(&case, &route, late)), @"100 at(2026-05-04T19:00:00)");
    }

    #[test]
    fn without_an_end_or_with_one_that_is_past_nobody_is_woken() {
        let route = testing::route("reminders: [50%]");
        let open = testing::case("2026-05-04T10:00:00Z", None);
        assert_eq!(ticks(&open, &route, open.asked_at), []);
        let over = testing::case("2026-05-04T10:00:00Z", Some("2026-05-04T09:00:00Z"));
        assert_eq!(ticks(&over, &route, over.asked_at), []);
    }

    #[test]
    fn a_name_fits_the_scheduler() {
        let id = testing::case("2026-05-04T10:00:00Z", None).id;
        for number in [ESCALATION_NUMBER, 1, u32::MAX] {
            let name = name(&id, number);
            assert!(name.len() <= 64, "{name}");
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            assert!(name.bytes().all(legal), "{name}");
        }
        assert_ne!(name(&id, ESCALATION_NUMBER), name(&id, 1));
    }
}
