//! EventBridge Scheduler under the virtual clock.
//!
//! The emulator keeps the schedules; whoever puts the clock forward (`POST /_local/clock`) gets those
//! within the advance delivered here, one after the other in the order of their times. Virtual time
//! stands at an occurrence until it was delivered, but for the real time that passes meanwhile.
//!
//! - Recurring schedules, `cron(…)` and `rate(…)`, fire within an advance only, never by real time: a
//!   slow test sees no tick that it did not ask for. The emulator is kept from firing them (`suppress`).
//!   Their function is waited for, so that all of a night's work is done when the advance is over; one
//!   that fails is tried again by the emulator, later, as after an asynchronous invocation.
//! - Of a `rate(…)` schedule normally only the last tick within an advance fires, as if the others had
//!   been missed: a night of `rate(5 minutes)` has 132 of them, a week 2016. `Rates` asks for all or
//!   none. Its ticks are counted from its creation or its start date. `cron(…)` fires each time, also
//!   for times that went by in real time since the advance before: a slow test loses none.
//! - One-time schedules, `at(…)`, are delivered when an advance reaches them, asynchronously, and taken
//!   out of the emulator. With no advance they are the emulator's, in real time.
//!
//! A delivery counts when the target accepted it. It must never be made twice for one occurrence.

mod delivery;
mod expression;
pub(crate) mod rewrite;
mod suppress;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinHandle};

use self::delivery::Delivery;
use self::expression::Expression;
use self::suppress::Suppressor;
use crate::World;
use crate::error::AwsError;
use crate::timeline::TimelineEvent;
use crate::upstream::Upstream;

/// How long the emulator may take to list its schedules, in real time.
const LIST_TIMEOUT: Duration = Duration::from_mins(1);
/// How often recurring schedules that the emulator would fire are taken over, in real time. The
/// emulator itself checks every ten seconds.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// Occurrences in one advance.
const MAX_OCCURRENCES: usize = 5000;

/// Which ticks of `rate(…)` schedules an advance fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rates {
    /// All of them.
    Every,
    /// The last one within the advance; the others are missed.
    #[default]
    Last,
    /// None.
    None,
}

/// What an advance delivered, or could not.
#[derive(Debug, Serialize)]
pub(crate) struct Fired {
    name: String,
    group: String,
    /// The virtual time for which it was due.
    at: Timestamp,
    /// Why it was not delivered.
    error: Option<String>,
}

/// Why the clock was not put forward, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdvanceError {
    #[error(
        "schedules would fire more than {MAX_OCCURRENCES} times in {0:?}; put the clock forward in \
         smaller steps"
    )]
    TooManyOccurrences(Duration),
    #[error(transparent)]
    Interrupted(#[from] JoinError),
}

/// The schedules of a world. Clones share them.
#[derive(Clone)]
pub(crate) struct Schedules {
    world: World,
    upstream: Upstream,
    /// Held by the one advance that goes on.
    past: Arc<Mutex<Past>>,
}

/// How the clock got where it is.
struct Past {
    /// Up to where `cron(…)` schedules were delivered.
    reached: Timestamp,
    /// From which real time on virtual time was so much ahead.
    offsets: Vec<(Timestamp, Duration)>,
}

/// One time at which one schedule is due.
struct Occurrence {
    at: Timestamp,
    when: Expression,
    name: String,
    group: String,
}

impl Schedules {
    pub(crate) fn new(world: &World) -> Self {
        let past = Past {
            reached: world.clock.now(),
            offsets: Vec::new(),
        };
        Self {
            world: world.clone(),
            upstream: world.upstream_client(),
            past: Arc::new(Mutex::new(past)),
        }
    }

    /// Starts the task that keeps the emulator from firing what stacks made.
    pub(crate) fn suppress(&self) -> JoinHandle<()> {
        let upstream = self.upstream.clone();
        tokio::spawn(async move {
            let mut suppressor = Suppressor::default();
            loop {
                tokio::time::sleep(SWEEP_INTERVAL).await;
                if let Err(error) = suppressor.sweep(&upstream).await {
                    tracing::debug!(%error, "schedules cannot be looked at");
                }
            }
        })
    }

    /// Puts the clock forward, from deadline to deadline, and delivers what is due meanwhile. Goes on
    /// to its end, whatever becomes of who asked.
    pub(crate) async fn advance(
        &self,
        by: Duration,
        rates: Rates,
    ) -> Result<Vec<Fired>, AdvanceError> {
        let schedules = self.clone();
        let advancing = tokio::spawn(async move { schedules.advance_now(by, rates).await });
        advancing.await?
    }

    async fn advance_now(&self, by: Duration, rates: Rates) -> Result<Vec<Fired>, AdvanceError> {
        let mut past = self.past.lock().await;
        let clock = &self.world.clock;
        let start = clock.now();
        let end = start.checked_add(by).unwrap_or(Timestamp::MAX);
        let schedules = self.enabled().await;
        let window = Window {
            start,
            end,
            rates,
            past: &past,
        };
        let due = window.due(&schedules);
        if due.len() > MAX_OCCURRENCES {
            return Err(AdvanceError::TooManyOccurrences(by));
        }
        let mut left = by;
        let mut fired = Vec::with_capacity(due.len());
        for occurrence in due {
            let until = occurrence.at.duration_since(clock.now());
            let step = Duration::try_from(until).unwrap_or_default().min(left);
            clock.advance_in_steps(step).await;
            left -= step;
            past.offsets.push((Timestamp::now(), clock.offset()));
            fired.extend(self.fire(occurrence).await);
        }
        clock.advance_in_steps(left).await;
        past.offsets.push((Timestamp::now(), clock.offset()));
        past.reached = end;
        self.end_those_over(&schedules, end).await;
        Ok(fired)
    }

    /// The schedules that may fire. Without an emulator there are none.
    async fn enabled(&self) -> Vec<Value> {
        let looked = async {
            // One that was made a moment ago is not the emulator's either.
            Suppressor::default().sweep(&self.upstream).await?;
            suppress::enabled(&self.upstream).await
        };
        match tokio::time::timeout(LIST_TIMEOUT, looked).await {
            Ok(Ok(schedules)) => return schedules,
            Ok(Err(error)) => tracing::warn!(%error, "no schedule fires: they cannot be looked at"),
            Err(_) => tracing::warn!("no schedule fires: the emulator does not answer in time"),
        }
        Vec::new()
    }

    /// Delivers an occurrence, if the schedule is still there and still for that time.
    async fn fire(&self, occurrence: Occurrence) -> Option<Fired> {
        let Occurrence {
            at,
            when,
            name,
            group,
        } = occurrence;
        let path = suppress::path(&name, &group);
        let schedule = suppress::get(&self.upstream, &path).await.ok()?;
        let is_enabled =
            schedule["State"] == "ENABLED" || schedule["State"] == suppress::SUPPRESSED;
        if !is_enabled || !Expression::read(&schedule).is_ok_and(|now| now == when) {
            return None;
        }
        let is_once = matches!(when, Expression::Once(_));
        if is_once && let Err(error) = self.take_out(&path, &schedule).await {
            tracing::warn!(%error, name, "a schedule is not taken out of the emulator");
            return None;
        }
        let delivery = Delivery {
            world: &self.world,
            upstream: &self.upstream,
            schedule: &schedule,
            scheduled: at,
            wait: !is_once,
        };
        let error = delivery.run().await.err().map(|error| error.to_string());
        let fired = Fired {
            name,
            group,
            at,
            error,
        };
        self.record(&fired, &schedule["Target"]["Arn"]);
        Some(fired)
    }

    async fn take_out(&self, path: &str, schedule: &Value) -> Result<(), AwsError> {
        let call = |method, body| self.upstream.rest("scheduler", method, path, body);
        if schedule["ActionAfterCompletion"] == "DELETE" {
            return call(Method::DELETE, None).await.map(drop);
        }
        let mut spent = schedule.clone();
        spent["State"] = json!("DISABLED");
        call(Method::PUT, Some(&spent)).await.map(drop)
    }

    /// Recurring schedules that are deleted after their end date are.
    async fn end_those_over(&self, schedules: &[Value], end: Timestamp) {
        for schedule in schedules {
            let is_over = expression::date(&schedule["EndDate"]).is_some_and(|last| last <= end);
            if !is_over || schedule["ActionAfterCompletion"] != "DELETE" {
                continue;
            }
            let (name, group) = named(schedule);
            // It may have been deleted meanwhile.
            let _ = self
                .take_out(&suppress::path(&name, &group), schedule)
                .await;
        }
    }

    fn record(&self, fired: &Fired, target: &Value) {
        let Fired {
            name, group, at, ..
        } = fired;
        let target = target.as_str().unwrap_or_default();
        let message = match &fired.error {
            None => format!("The schedule {name} was due and called {target}."),
            Some(error) => {
                format!("The schedule {name} was due, but {target} was not called: {error}")
            }
        };
        self.world.timeline.record(TimelineEvent {
            kind: "schedule".to_owned(),
            deployment_id: None,
            message,
            detail: json!({ "name": name, "group": group, "target": target, "at": at }),
        });
    }
}

fn named(schedule: &Value) -> (String, String) {
    let text = |name: &str| schedule[name].as_str().unwrap_or_default().to_owned();
    (text("Name"), text("GroupName"))
}

impl Past {
    /// What the virtual clock showed at a real time.
    fn virtual_time(&self, real: Timestamp) -> Timestamp {
        let later = self.offsets.partition_point(|(since, _)| *since <= real);
        let offset = later
            .checked_sub(1)
            .map_or(Duration::ZERO, |last| self.offsets[last].1);
        real.checked_add(offset).unwrap_or(Timestamp::MAX)
    }
}

/// The stretch of time that an advance goes over.
struct Window<'a> {
    start: Timestamp,
    end: Timestamp,
    rates: Rates,
    past: &'a Past,
}

impl Window<'_> {
    /// What is due, in its order.
    fn due(&self, schedules: &[Value]) -> Vec<Occurrence> {
        let mut due = Vec::new();
        for schedule in schedules {
            let (name, group) = named(schedule);
            let when = match Expression::read(schedule) {
                Ok(when) => when,
                Err(error) => {
                    tracing::warn!(%error, name, "a schedule never fires");
                    continue;
                }
            };
            let times = self.times(schedule, &when);
            due.extend(times.into_iter().map(|at| Occurrence {
                at,
                when: when.clone(),
                name: name.clone(),
                group: group.clone(),
            }));
        }
        due.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        due
    }

    fn times(&self, schedule: &Value, when: &Expression) -> Vec<Timestamp> {
        let first_day = expression::date(&schedule["StartDate"]);
        let last_day = expression::date(&schedule["EndDate"]);
        let is_of_schedule = |at: &Timestamp| {
            first_day.is_none_or(|first| *at >= first) && last_day.is_none_or(|last| *at <= last)
        };
        let seen =
            |name: &str| expression::date(&schedule[name]).map(|real| self.past.virtual_time(real));
        match when {
            Expression::Once(at) => {
                // What is past in real time is the emulator's.
                let is_due = *at <= self.end && *at > Timestamp::now();
                is_due.then_some(*at).into_iter().collect()
            }
            Expression::Cron(cron, zone) => {
                let since = seen("LastModificationDate").unwrap_or(self.past.reached);
                let since = since.max(self.past.reached).min(self.start);
                let times = cron.within(zone, since, self.end);
                times
                    .filter(is_of_schedule)
                    .take(MAX_OCCURRENCES + 1)
                    .collect()
            }
            Expression::Rate(interval) => {
                let anchor = first_day.or_else(|| seen("CreationDate"));
                let anchor = whole_second(anchor.unwrap_or(self.start));
                let window = (self.start, self.end);
                let ticks = expression::ticks(*interval, anchor, window).filter(is_of_schedule);
                match self.rates {
                    Rates::Every => ticks.take(MAX_OCCURRENCES + 1).collect(),
                    Rates::Last => ticks.last().into_iter().collect(),
                    Rates::None => Vec::new(),
                }
            }
        }
    }
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A day far ahead: what is past in real time belongs to the emulator.
    const NOON: &str = "2126-11-21T12:00:00Z";

    fn due(schedule: &Value, rates: Rates, hours: i64) -> Vec<String> {
        let past = Past {
            reached: at(NOON) - 10.minutes(),
            offsets: Vec::new(),
        };
        let window = Window {
            start: at(NOON),
            end: at(NOON) + hours.hours(),
            rates,
            past: &past,
        };
        let due = window.due(std::slice::from_ref(schedule));
        due.iter().map(|due| due.at.to_string()).collect()
    }

    #[test]
    fn a_night_has_all_ticks_the_last_or_none() {
        let tick = json!({ "Name": "tick", "ScheduleExpression": "rate(5 minutes)",
            "CreationDate": at("2126-11-21T11:58:30Z").as_second() });
        let every = due(&tick, Rates::Every, 11);
        assert_eq!(every.len(), 132);
        assert_eq!(every[0], "2126-11-21T12:03:30Z");
        assert_eq!(due(&tick, Rates::Last, 11), ["2126-11-21T22:58:30Z"]);
        assert!(due(&tick, Rates::None, 11).is_empty());
    }

    #[test]
    fn a_cron_time_between_two_advances_is_not_lost() {
        let mut down = json!({ "Name": "down", "ScheduleExpression": "cron(55 11 * * ? *)" });
        assert_eq!(due(&down, Rates::None, 1), ["2126-11-21T11:55:00Z"]);
        // Unless the schedule was not yet there.
        down["LastModificationDate"] = json!(at("2126-11-21T11:56:00Z").as_second());
        assert!(due(&down, Rates::None, 1).is_empty());
    }

    #[test]
    fn nothing_fires_before_the_start_date_or_after_the_end_date() {
        let tick = json!({ "Name": "tick", "ScheduleExpression": "rate(1 hour)",
            "StartDate": "2126-11-21T13:00:00Z", "EndDate": "2126-11-21T15:30:00Z" });
        assert_eq!(
            due(&tick, Rates::Every, 11),
            [
                "2126-11-21T13:00:00Z",
                "2126-11-21T14:00:00Z",
                "2126-11-21T15:00:00Z"
            ]
        );
    }

    #[test]
    fn what_was_made_in_real_time_has_its_virtual_time() {
        let past = Past {
            reached: at(NOON),
            offsets: vec![
                (at("2026-11-21T10:00:00Z"), Duration::from_hours(1)),
                (at("2026-11-21T10:05:00Z"), Duration::from_hours(12)),
            ],
        };
        let shown = |real: &str| past.virtual_time(at(real)).to_string();
        assert_eq!(shown("2026-11-21T09:59:00Z"), "2026-11-21T09:59:00Z");
        assert_eq!(shown("2026-11-21T10:01:00Z"), "2026-11-21T11:01:00Z");
        assert_eq!(shown("2026-11-21T10:06:00Z"), "2026-11-21T22:06:00Z");
    }
}
