//! One run: read what is, plan, apply, report. It is the same whatever the event's action is called, so that a lost, late
//! or doubled event makes no difference for the services.
//!
//! There is no lock over a run. Each service has a lease of its own (see `environments::apply`), so two runs at once are
//! harmless, and somebody who wakes an environment at night need not wait for a tick that waits for a database. Two runs
//! together stay within AWS's limits because both slow down when AWS throttles them.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use environments::apply::{ApplyContext, ApplyResult, End, Outcome, apply};
use environments::condition::Condition;
use environments::config::Glob;
use environments::decide::{PlanContext, Step};
use environments::gather::{GatheredFacts, gather};
use environments::plan::{Plan, PlanRow, plan};
use environments::problem::{Problem, ProblemKind};
use environments::read::Reader;
use environments::run_report::{RunReport, remarks, summary};
use environments::savings::{CountedSleeps, Savings, savings};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::timeout_at;

use crate::cache::PlaceCache;
use crate::continuation::{Continuation, continue_run};
use crate::event::{Event, EventError, EventProblem};
use crate::metrics::{Counts, RunMetrics, lines};
use crate::people::{self, NOTIFY_TIMEOUT, NotifyError};
use crate::run::{FailedRun, RunContext, RunOutcome};
use crate::settings::Settings;
use crate::{Function, HandleError, Invocation, configuration, cross_account};

/// How long before the end of Lambda's time the run stops beginning new services: those in progress have a third of it, and
/// people are notified last.
pub const SHUTDOWN_RESERVE: Duration = Duration::from_mins(1);
/// A clock that is further ahead of the real one is a mistake in the event, even in a local AWS or a dry run.
const MAX_CLOCK_LEAD: SignedDuration = SignedDuration::from_hours(24 * 366);
/// Clocks differ by as much as this. An event that is further ahead would stop or wake at the wrong time.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);
/// Sentences in an answer; the rest is a number. The log has all.
const MAX_PROBLEMS: usize = 50;
/// Characters of each.
const MAX_PROBLEM_CHARS: usize = 1_000;
/// Characters of the summary in an answer: a state machine takes 256 KB in all.
const MAX_SUMMARY_CHARS: usize = 20_000;

/// Reconciles, and answers what was done. An error is reported to people, and means that nothing was touched.
pub async fn reconcile(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    event: &Event,
) -> Result<Value, HandleError> {
    let done = Box::pin(run(function, settings, invocation, event)).await;
    if let Err(error) = &done
        && !matches!(error, HandleError::Event(_))
    {
        let failed = FailedRun { event, error };
        notify(people::run_failed(function, settings, invocation, &failed)).await;
    }
    done
}

async fn run(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    event: &Event,
) -> Result<Value, HandleError> {
    let clock = clock(function, settings, event)?;
    let own = cross_account::own_place(invocation)?;
    let config = configuration::current(function, settings, &own.account).await?;
    let place = cross_account::allowed(event, &own, &config)?;
    let there = (event, &own, &place);
    let other = cross_account::clients(function, settings, invocation, there).await?;
    let aws = other.as_ref().unwrap_or(&function.aws);
    let learned = function.cache.of(&place, &config.rate);
    let reader = Reader {
        aws,
        limiter: &learned.limiters.reads,
        sizes: &learned.sizes,
    };
    let gathering = Box::pin(gather(reader, function.record_store(settings), &config));
    let until = invocation.deadline - reserve(invocation);
    let Ok(mut gathered) = timeout_at(until, gathering).await else {
        return Err(HandleError::NothingRead(vec![too_slow()]));
    };
    // A cluster is listed twice.
    gathered.problems.dedup();
    if gathered.resources.is_empty() && !gathered.problems.is_empty() {
        for problem in &gathered.problems {
            tracing::warn!("{problem}");
        }
        return Err(HandleError::NothingRead(gathered.problems));
    }
    narrow(&mut gathered, event);
    let now = clock();
    // An event that Lambda delivers twice, perhaps at once, has one request id; leases go by a name that no other run has.
    let id = format!("{}-{}", invocation.request_id, (function.new_id)());
    let ctx = PlanContext {
        now,
        run: &id,
        defer_deadline: config.defer_deadline,
    };
    let plan = plan(gathered.facts(), &config, &ctx);
    let run = RunContext {
        function,
        settings,
        invocation,
        id: &id,
        config: &config,
        event,
        place: &place,
        aws,
        clock: &clock,
        now,
        dry_run: settings.dry_run || event.dry_run,
        gathered: &gathered,
        plan: &plan,
    };
    Ok(Box::pin(run.carry_out(&learned)).await)
}

/// The run's clock: never behind the real one.
fn clock<'a>(
    function: &'a Function,
    settings: &Settings,
    event: &Event,
) -> Result<impl Fn() -> Timestamp + Sync + 'a, EventError> {
    let real = function.now();
    let ahead = event.at.map(|at| at.duration_since(real));
    let ahead = ahead.unwrap_or_default().max(SignedDuration::ZERO);
    if ahead > MAX_CLOCK_LEAD {
        return Err(EventProblem::AtYearsAhead.into());
    }
    if ahead > MAX_CLOCK_SKEW && !settings.local && !event.dry_run {
        return Err(EventProblem::AtAhead(ahead).into());
    }
    Ok(move || {
        let now = function.now();
        now.checked_add(ahead).unwrap_or(now)
    })
}

/// What the event does not ask for is not even planned: whoever wakes one service need not wait for the tiers below it.
fn narrow(gathered: &mut GatheredFacts, event: &Event) {
    if let Some(only) = event.only.as_deref().and_then(Glob::parse) {
        gathered
            .resources
            .retain(|service| only.matches(&service.cluster, &service.name));
    }
}

/// Notifies people: this can neither hold up a run nor end it.
async fn notify(notifying: impl Future<Output = Vec<NotifyError>>) -> Vec<NotifyError> {
    let notifying = AssertUnwindSafe(Box::pin(notifying)).catch_unwind();
    let unsent = match tokio::time::timeout(NOTIFY_TIMEOUT, notifying).await {
        Ok(Ok(unsent)) => unsent,
        Ok(Err(_)) => vec![NotifyError::Panicked],
        Err(_) => vec![NotifyError::Slow],
    };
    for error in &unsent {
        tracing::error!("{error}");
    }
    unsent
}

/// AWS was so slow that no time is left for anything but telling people.
fn too_slow() -> Problem {
    Problem {
        key: "reading too slow".to_owned(),
        kind: ProblemKind::Unread,
        resource: None,
        detail: "what is there could not be read within the function's time".to_owned(),
        remedy: "raise the function's timeout if this lasts; the next tick tries again".to_owned(),
        cause: None,
    }
}

/// A function with a short time limit would never begin anything otherwise.
fn reserve(invocation: &Invocation) -> Duration {
    SHUTDOWN_RESERVE.min(invocation.time_left() / 2)
}

impl RunContext<'_> {
    async fn carry_out(&self, learned: &PlaceCache) -> Value {
        let mut unsent = notify(people::before(self)).await;
        let mut applied = None;
        if !self.dry_run {
            applied = Some(Box::pin(self.apply(learned)).await);
        }
        let rest = self.rest(applied.as_ref()).await;
        let saved = self.saved(applied.as_ref());
        let counts = self.counts(applied.as_ref());
        let mut problems = self.problems(applied.as_ref());
        problems.extend(rest.problem.clone());
        let done = RunOutcome {
            summary: self.summary(applied.as_ref(), &saved),
            applied,
            counts,
            saved,
            continued: rest.continued,
            problems,
        };
        self.log(&done);
        unsent.extend(notify(people::after(self, &done)).await);
        self.answer(&done, &rest, &unsent)
    }

    async fn apply(&self, learned: &PlaceCache) -> ApplyResult {
        let reserve = reserve(self.invocation);
        let context = ApplyContext {
            aws: self.aws,
            store: self.function.record_store(self.settings),
            config: self.config,
            limiters: &learned.limiters,
            sizes: &learned.sizes,
            requests: &self.gathered.requests,
            clock: self.clock,
            run: self.id,
            deadline: self.invocation.deadline - reserve,
            cut: self.invocation.deadline - reserve * 2 / 3,
        };
        apply(&context, self.plan).await
    }

    async fn rest(&self, applied: Option<&ApplyResult>) -> Continuation {
        if !applied.is_some_and(ApplyResult::is_to_be_continued) {
            return Continuation::default();
        }
        let now = (self.clock)();
        continue_run(
            self.function,
            self.settings,
            self.invocation,
            (self.event, now),
        )
        .await
    }

    /// What was saved by the sleeps that this run itself has ended: another run may have ended others of the plan.
    fn saved(&self, applied: Option<&ApplyResult>) -> Savings {
        let woken: HashSet<&str> = applied
            .into_iter()
            .flat_map(|applied| &applied.outcomes)
            .filter(|one| one.end == End::Done && one.step.is_up())
            .map(|one| one.arn.as_str())
            .collect();
        let rows = self.plan.rows.iter();
        let ended = Plan {
            at: self.plan.at,
            rows: rows
                .filter(|row| woken.contains(row.resource.arn.as_str()))
                .cloned()
                .collect(),
            totals: self.plan.totals,
        };
        let prices = &self.config.prices;
        savings(
            &ended,
            &self.gathered.records,
            prices,
            CountedSleeps::Ending,
        )
    }

    fn counts(&self, applied: Option<&ApplyResult>) -> Counts {
        let outcomes = applied.map(|applied| applied.outcomes.as_slice());
        let outcomes = outcomes.unwrap_or_default();
        let count =
            |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
        let done = |outcome: &Outcome| outcome.end == End::Done;
        Counts {
            stopped: count(&|one| done(one) && one.step.is_down()),
            woken: count(&|one| done(one) && one.step.is_up()),
            failed: count(&|one| matches!(one.end, End::Failed { .. })),
            conflicts: count(&|one| done(one) && matches!(one.step, Step::Conflict { .. })),
            deferred: self.plan.totals.defer,
            left: count(&|one| one.end == End::Continue),
            unread: self.gathered.problems.len(),
            stuck: self.plan.rows.iter().filter(|row| row.stuck).count(),
            unmet: self.unmet().count(),
        }
    }

    /// How many sleep by now: those that slept and were left so, and those that this run has stopped.
    fn asleep(&self, applied: Option<&ApplyResult>) -> usize {
        let outcomes = applied.into_iter().flat_map(|applied| &applied.outcomes);
        let done = outcomes.filter(|outcome| outcome.end == End::Done);
        let changed: HashMap<&str, bool> = done
            .map(|outcome| (outcome.arn.as_str(), outcome.step.is_down()))
            .collect();
        let rows = self.plan.rows.iter();
        rows.filter(|row| {
            let changed = changed.get(row.resource.arn.as_str()).copied();
            changed.unwrap_or_else(|| row.sleeps())
        })
        .count()
    }

    /// What somebody should know besides what was done.
    fn problems(&self, applied: Option<&ApplyResult>) -> Vec<String> {
        let warned = self.config.warnings.iter();
        let warned = warned.map(|warning| format!("configuration:{warning}"));
        let unread = self.gathered.problems.iter().map(Problem::to_string);
        let skipped = self
            .plan
            .rows
            .iter()
            .filter(|row| row.attention && row.step == Step::Skip)
            .map(|row| format!("{} is skipped: {}", row.resource.place(), row.why));
        let remarked = remarks(self.plan);
        let unmet = self.unmet().map(|(row, condition)| {
            let (place, remedy) = (row.resource.place(), condition.remedy());
            format!("{place}: {condition}; {remedy}")
        });
        let noted = applied.into_iter().flat_map(|applied| &applied.warnings);
        warned
            .chain(unread)
            .chain(skipped)
            .chain(remarked)
            .chain(unmet)
            .chain(noted.map(ToString::to_string))
            .collect()
    }

    /// What is not as it was asked for.
    fn unmet(&self) -> impl Iterator<Item = (&PlanRow, &Condition)> {
        let rows = self.plan.rows.iter();
        rows.filter_map(|row| Some((row, row.condition.as_ref()?)))
    }

    fn summary(&self, applied: Option<&ApplyResult>, saved: &Savings) -> String {
        summary(&RunReport {
            plan: self.plan,
            applied,
            problems: &self.gathered.problems,
            savings: Some(saved),
        })
    }

    fn log(&self, done: &RunOutcome) {
        let outcomes = done.applied.iter().flat_map(|applied| &applied.outcomes);
        outcomes.for_each(log_one);
        if self.dry_run {
            for row in self.plan.work() {
                let (place, step) = (row.resource.place(), row.step.word());
                tracing::info!(place, step, why = row.why, "would be done");
            }
        } else {
            let measured = RunMetrics {
                place: self.place,
                action: self.event.action,
                counts: done.counts,
                asleep: self
                    .event
                    .only
                    .is_none()
                    .then(|| self.asleep(done.applied.as_ref())),
                saved: &done.saved,
            };
            for line in lines(&measured, self.function.now()) {
                (self.function.emit)(&line);
            }
        }
        for problem in &done.problems {
            tracing::warn!("{problem}");
        }
        tracing::info!(
            action = self.event.action.word(),
            account = self.place.account,
            region = self.place.region,
            at = %self.now,
            dry_run = self.dry_run,
            cause = self.event.cause,
            continuation = self.event.continuation,
            continued = done.continued,
            stopped = done.counts.stopped,
            woken = done.counts.woken,
            failed = done.counts.failed,
            "reconciled"
        );
    }

    fn answer(&self, done: &RunOutcome, rest: &Continuation, unsent: &[NotifyError]) -> Value {
        let mut problems = done.problems.clone();
        problems.extend(unsent.iter().map(ToString::to_string));
        let mut answer = json!({
            "action": self.event.action,
            "at": self.now,
            "dry_run": self.dry_run,
            "account": self.place.account,
            "region": self.place.region,
            "totals": self.plan.totals,
            "done": done.counts,
            "summary": cut(&done.summary, MAX_SUMMARY_CHARS),
            "problems": some_of(&problems),
            "continued": done.continued,
        });
        if let Some(next) = &rest.next {
            answer["next"] = next.to_value();
        }
        answer
    }
}

fn log_one(outcome: &Outcome) {
    // `service` is the name of all functions in the log.
    let (place, step) = (&outcome.place, outcome.step.word());
    let why = &outcome.why;
    let end = match &outcome.end {
        End::Done => "done",
        End::Nothing => "nothing left to do",
        End::Busy => "another run holds it",
        End::Continue => "left for the next run",
        End::Refused {
            what,
            detail,
            again,
        } => {
            tracing::warn!(place, step, why, what, detail, again, "refused");
            return;
        }
        End::Failed {
            what,
            detail,
            remedy,
            ..
        } => {
            tracing::error!(place, step, why, what, detail, remedy, "failed");
            return;
        }
    };
    tracing::info!(place, step, why, end, "{step}: {end}");
}

/// As many as an answer or an error has room for.
pub(crate) fn some_of(problems: &[impl ToString]) -> Vec<String> {
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    let shown = problems.iter().take(MAX_PROBLEMS);
    let shown = shown.map(|problem| cut(&problem.to_string(), MAX_PROBLEM_CHARS));
    let mut shown: Vec<String> = shown.collect();
    if more > 0 {
        shown.push(format!("and {more} more; the log has all"));
    }
    shown
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}… (the rest is in the log)", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn telling_people_can_neither_end_nor_hold_up_a_run() {
        let sentences = |unsent: Vec<NotifyError>| -> Vec<String> {
            unsent.iter().map(ToString::to_string).collect()
        };
        let panics = async {
            let none: Vec<NotifyError> = Vec::new();
            vec![none.into_iter().next().unwrap()]
        };
        assert_eq!(
            sentences(notify(panics).await),
            ["people could not be notified: the function panicked"]
        );
        let began = Instant::now();
        assert_eq!(
            sentences(notify(std::future::pending()).await),
            ["people could not all be notified within 20 seconds"]
        );
        assert!(began.elapsed() < NOTIFY_TIMEOUT + Duration::from_secs(1));
    }

    #[test]
    fn an_answer_has_room_for_some() {
        let long = "ä".repeat(MAX_PROBLEM_CHARS + 5);
        let notify = some_of(&vec![long; MAX_PROBLEMS + 7]);
        assert_eq!(notify.len(), MAX_PROBLEMS + 1);
        assert!(notify[0].ends_with("ä… (the rest is in the log)"));
        assert_eq!(notify[MAX_PROBLEMS], "and 7 more; the log has all");
        assert_eq!(some_of(&["short".to_owned()]), ["short"]);
    }
}
