//! The step of one resource: a pure function of what is, what is on record and what its schedule wants. Before a step is
//! applied, the resource is read and decided on again, so that no step is done on old facts.
//!
//! It must never overwrite what was saved while a resource is down, start what we did not stop, or change what somebody
//! else has changed.

use jiff::{SignedDuration, Timestamp};
use schedule::State;
use serde::Serialize;

use crate::backup_tag::{ASLEEP_TAG, BackupTag};
use crate::condition::Condition;
use crate::missed_actions::{MissedAction, Note, missed, would_be};
use crate::resource::{Capacity, Resource, Scaling, Status};
use crate::schedule_state::ScheduleState;
use crate::sleep_record::{Phase, SavedState, SleepRecord, vouched_for};
pub use crate::step::Step;

/// For this long after a change, a surprising answer of AWS may just be an old one.
pub const SETTLE_TIME: SignedDuration = SignedDuration::from_secs(60);
/// A deployment older than this is not going to end soon: it no longer puts off any sleep.
const STALE_DEPLOYMENT_AGE: SignedDuration = SignedDuration::from_hours(20);

/// Application Auto Scaling does what is due a while later. What was due so shortly before a sleep may not have been done
/// when that was saved, and doing it twice is doing it once.
const ACTION_DELAY: SignedDuration = SignedDuration::from_mins(2);

/// What a decision knows besides the service.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    /// The instant.
    pub now: Timestamp,
    /// This run's id: a lease of its own does not block it.
    pub run: &'a str,
    /// How long a deployment in progress defers a sleep.
    pub defer_deadline: SignedDuration,
}

/// A step and its reason, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What is to be done.
    pub step: Step,
    /// Why.
    pub why: String,
    /// A state that lasts and should not, where the decision finds one.
    pub condition: Option<Condition>,
    /// What is restored, where that is not what it had.
    pub gives: Option<Capacity>,
    /// What people should know when the step is done.
    pub notes: Vec<Note>,
}

fn decision(step: Step, why: impl Into<String>) -> Decision {
    Decision {
        step,
        why: why.into(),
        condition: None,
        gives: None,
        notes: Vec::new(),
    }
}

/// The record to go by: the one that was read, if it is about this service; otherwise what its backup tag says, if that
/// can be about this service and is not restored already.
pub fn effective_record(
    resource: &Resource,
    record: Option<&SleepRecord>,
    now: Timestamp,
) -> Option<SleepRecord> {
    let backup = || {
        let backup = BackupTag::parse(resource.tags.get(ASLEEP_TAG)?)?;
        backup
            .doubt(resource.created_at, now)
            .is_none()
            .then_some(backup)
    };
    if let Some(record) = record {
        if !record.is_about(resource) {
            return None;
        }
        // A tag is never newer than its record, unless the table was put back to an older state.
        if let Some(backup) = backup().filter(|backup| record.is_older_than(backup)) {
            return Some(SleepRecord::recovered(resource, Some(record), &backup));
        }
        return Some(record.clone());
    }
    let recovered = SleepRecord::recovered(resource, None, &backup()?);
    (recovered.original(resource.level()) != resource.level()).then_some(recovered)
}

/// Why the backup tag of a service is not trusted, where nothing else is known of its sleep: it was copied from another
/// service, or written by somebody else.
pub(crate) fn tag_doubt(
    resource: &Resource,
    record: Option<&SleepRecord>,
    now: Timestamp,
) -> Option<&'static str> {
    let backup = BackupTag::parse(resource.tags.get(ASLEEP_TAG)?)?;
    let counts = record.is_none_or(|record| record.is_older_than(&backup));
    let doubt = backup.doubt(resource.created_at, now)?;
    counts.then_some(doubt)
}

/// What the backup tag of a service says that it had, and how much of that is trusted, where these differ: there is no
/// record of its sleep, and it is not known to have had so many.
pub(crate) fn overstated_tag(
    resource: &Resource,
    record: Option<&SleepRecord>,
    now: Timestamp,
) -> Option<(Capacity, Capacity)> {
    let tag = BackupTag::parse(resource.tags.get(ASLEEP_TAG)?)?.level;
    let counts = record.is_none_or(|record| record.is_about(resource));
    let believed = effective_record(resource, record, now)
        .filter(|_| counts)?
        .was?
        .level;
    let is_from_the_tag = record.is_none_or(|record| record.set.is_none());
    (is_from_the_tag && believed == vouched_for(resource, record, tag) && believed != tag)
        .then_some((tag, believed))
}

/// Decides on one selected service.
pub fn decide(
    resource: &Resource,
    record: Option<&SleepRecord>,
    scheduled: &ScheduleState,
    ctx: &PlanContext<'_>,
) -> Decision {
    if let Some(holder) = record.and_then(|record| record.held_by_other(ctx.run, ctx.now)) {
        let until = holder.until;
        return decision(
            Step::Busy { until },
            "another run is changing it; the next one looks again",
        );
    }
    if let Status::Other(word) = &resource.status {
        return decision(
            Step::Nothing,
            format!("it is {word} just now; the next run looks again"),
        );
    }
    let effective_record = effective_record(resource, record, ctx.now);
    let case = Situation {
        resource,
        record: effective_record.as_ref(),
        scheduled,
        ctx,
        found: resource.level(),
    };
    match scheduled.state {
        State::Off => {
            let mut decision = case.off();
            decision.condition = decision.condition.or_else(|| case.endless());
            decision
        }
        State::On => case.on(),
    }
}

struct Situation<'a> {
    resource: &'a Resource,
    record: Option<&'a SleepRecord>,
    scheduled: &'a ScheduleState,
    ctx: &'a PlanContext<'a>,
    found: Capacity,
}

impl Situation<'_> {
    fn off(&self) -> Decision {
        let Some(record) = self.record else {
            return self.first_sleep();
        };
        let (Some(was), Some(set)) = (saved(record), record.set) else {
            return self.off_without_ours(record);
        };
        let finish = |why| decision(Step::FinishSleep { was }, why);
        match record.phase {
            Phase::GoingDown if self.on_the_way(record) => {
                finish("a run stopped on its way; the rest is done now")
            }
            Phase::Down if self.found == set => decision(Step::Nothing, "it sleeps"),
            Phase::Down if self.is_settling(record) => decision(
                Step::Nothing,
                "it was changed a moment ago; the next run looks again",
            ),
            Phase::Down if self.was_restarted_by_aws(record, was) => {
                finish("AWS has started it again after seven days")
            }
            Phase::GoingDown | Phase::Down => self.leave("somebody changed it while it slept"),
            Phase::GoingUp => self.sleep_if_running(record),
            Phase::Conflict if self.found.desired == 0 => decision(
                Step::Nothing,
                "somebody stopped it after it was left alone, so it stays stopped",
            ),
            Phase::Left if !self.sticks_no_more(record) => self.still_left(record),
            _ if self.found == set => finish("it is still as it was left"),
            Phase::Left if !self.has_had_a_day(record) => self.sleep_again(record, was),
            _ => self.sleep_if_running(record),
        }
    }

    /// Nothing of it is ours: it runs, or stood at zero anyway.
    fn off_without_ours(&self, record: &SleepRecord) -> Decision {
        match record.phase {
            // AWS says the same of what passes and of what does not.
            Phase::Left if record.refused.as_ref().is_some_and(|it| !it.is_final()) => {
                self.first_sleep()
            }
            Phase::Left if !self.sticks_no_more(record) => self.still_left(record),
            // What is read a moment after it was restored may be what it had while it slept, and
            // whoever saves that has lost the rest.
            Phase::Up | Phase::Conflict if self.is_settling(record) => decision(
                Step::Nothing,
                "it was restored a moment ago; the next run looks again",
            ),
            _ => self.first_sleep(),
        }
    }

    fn first_sleep(&self) -> Decision {
        let created = self.resource.created_at;
        if !self.scheduled.forced
            && self.record.is_none()
            && let (Some(edge), Some(created)) = (self.scheduled.last_edge, created)
            && created > edge
            && self.found.desired > 0
        {
            return self.leave("it was made after it should have slept, so somebody works with it");
        }
        self.sleep(self.found)
    }

    fn sleep_if_running(&self, record: &SleepRecord) -> Decision {
        self.sleep(record.original(self.found))
    }

    /// It was started while it slept, and is to sleep again in the same night. The morning still restores what it had
    /// before that night, except for bounds that somebody has changed.
    fn sleep_again(&self, record: &SleepRecord, was: Capacity) -> Decision {
        let mut kept = record.original(self.found);
        if kept.scaling.is_none_or(|bounds| bounds.allows(was.desired)) {
            kept.desired = was.desired;
        }
        let mut decision = self.sleep(kept);
        if decision.step.is_down() && kept.desired != self.found.desired {
            decision.why = format!(
                "{}; it gets back the {} that it had, not the {} that somebody set while it slept",
                decision.why, kept.desired, self.found.desired
            );
        }
        decision
    }

    fn sleep(&self, was: Capacity) -> Decision {
        if self.found.desired == 0 && was.desired == 0 {
            return self.leave("it was at zero before, so it is left at zero");
        }
        if self.found.desired == 0
            && self
                .record
                .is_some_and(|record| record.phase != Phase::GoingUp)
        {
            return self.leave("it is at zero, and somebody changed it since we stopped it");
        }
        match self.deferred_until() {
            Some(until) if self.ctx.now < until => {
                decision(Step::Defer { until }, "a deployment is in progress")
            }
            _ => decision(Step::Sleep { was }, &*self.scheduled.rule),
        }
    }

    /// A deployment that has put off the sleep for as long as it may, or has lasted since another evening.
    fn endless(&self) -> Option<Condition> {
        let since = self.resource.deploying_since?;
        let is_over = self
            .deferred_until()
            .is_some_and(|until| self.ctx.now >= until);
        is_over.then_some(Condition::Deploys { since })
    }

    /// A deployment defers for a limited time, from the edge or from its own beginning.
    fn deferred_until(&self) -> Option<Timestamp> {
        let since = self.resource.deploying_since?;
        let edge = self
            .scheduled
            .last_edge
            .map_or(since, |edge| edge.max(since));
        // What lasts since another day is no reason to wait on this evening, too. It may not be known since when.
        let is_old =
            since > Timestamp::MIN && self.ctx.now.duration_since(since) >= STALE_DEPLOYMENT_AGE;
        let from = if is_old { since } else { edge };
        let until = from.checked_add(self.ctx.defer_deadline).ok()?;
        let stale = since.checked_add(STALE_DEPLOYMENT_AGE).ok();
        let stale = stale.filter(|_| since > Timestamp::MIN);
        Some(stale.map_or(until, |stale| stale.min(until)))
    }

    fn on(&self) -> Decision {
        let Some(record) = self.record else {
            return match self.found.desired {
                0 => decision(
                    Step::Nothing,
                    "it is at zero, and deploy-hooks did not stop it",
                ),
                _ => decision(Step::Nothing, "it runs"),
            };
        };
        let (Some(was), Some(set)) = (saved(record), record.set) else {
            return decision(
                Step::Nothing,
                match self.found.desired {
                    0 => "it is at zero, and deploy-hooks did not stop it",
                    _ => "it runs",
                },
            );
        };
        let (missed, unknown) = self.missed(record, was);
        let given = record.giving.unwrap_or_else(|| would_be(was, &missed));
        let other = (given != was).then_some(given);
        let mut notes = unknown;
        if other.is_some() {
            notes.push(Note::Missed {
                actions: missed,
                was,
                given,
            });
        }
        let with_notes = |decision: Decision| {
            let why =
                std::iter::once(decision.why.clone()).chain(notes.iter().map(Note::to_string));
            Decision {
                why: why.collect::<Vec<_>>().join("; "),
                notes: notes.clone(),
                gives: other,
                ..decision
            }
        };
        // What is left of it to restore is what it would have by now.
        let due = SleepRecord {
            giving: other.or(record.giving),
            ..record.clone()
        };
        let giving = |step: Step, why: &str| with_notes(decision(step, why));
        let wake = |why: &str| giving(Step::Wake { was: given }, why);
        let finish = || {
            let step = Step::FinishWake { was: given };
            giving(step, "a run stopped on its way; the rest is done now")
        };
        match record.phase {
            Phase::GoingUp if self.on_the_way(record) => finish(),
            Phase::GoingDown if self.on_the_way(record) && self.found.desired == was.desired => {
                giving(
                    Step::GiveBack { was: given },
                    "it was to sleep and never did; what was changed for that is restored",
                )
            }
            Phase::GoingDown if self.on_the_way(record) => {
                wake("a run stopped on its way to sleep; it is restored now")
            }
            Phase::Down if self.found != set && self.is_settling(record) => decision(
                Step::Nothing,
                "it was changed a moment ago; the next run looks again",
            ),
            // A conflict that stands at zero since was stopped by somebody in the meantime.
            Phase::Conflict if self.found == was => finish(),
            Phase::Conflict => self.conflict_again(&due),
            _ if self.found == set => wake(&self.scheduled.rule),
            // Somebody has started it with the very count that it had.
            _ if self.ours_but_for_the_count(set, was) && self.found.desired == was.desired => {
                wake("somebody started it as it was; its bounds are restored")
            }
            _ => match self.but_for_bounds(&due) {
                Some(was) => giving(
                    Step::Wake { was },
                    "somebody changed its bounds while it slept, and they stay; the rest is restored",
                ),
                // Whoever asked for it has not ended the night: the morning's summary says what was found.
                None if self.scheduled.asked && record.phase == Phase::Left => {
                    self.still_left(record)
                }
                None if self.scheduled.asked => self.leave("somebody changed it while it slept"),
                None => with_notes(self.conflict(&due)),
            },
        }
    }

    /// The scheduled actions that were due while it slept and were suspended only by us.
    fn missed(&self, record: &SleepRecord, was: Capacity) -> (Vec<MissedAction>, Vec<Note>) {
        let ours = was.scaling.is_some_and(|was| !was.suspended.scheduled);
        match record
            .was
            .as_ref()
            .filter(|_| ours && self.found.scaling.is_some())
        {
            Some(saved) => {
                let from = saved.at.checked_sub(ACTION_DELAY).unwrap_or(saved.at);
                let (mut due, unknown) = missed(&self.resource.actions, from, self.ctx.now);
                // Of what had its effect already there is nothing to tell.
                let was_done = |one: &MissedAction| {
                    one.at <= saved.at && would_be(was, std::slice::from_ref(one)) == was
                };
                due.retain(|one| !was_done(one));
                (due, unknown)
            }
            None => (Vec::new(), Vec::new()),
        }
    }

    /// What to restore where the count is still as we set it and somebody changed only the bounds, unless the count that it
    /// had is outside of these now.
    fn but_for_bounds(&self, record: &SleepRecord) -> Option<Capacity> {
        let (was, set) = (saved(record)?, record.set?);
        let mut original = record.original(self.found);
        let mut desired = was.desired;
        if let (Some(given), Some(bounds)) = (record.giving, original.scaling) {
            // Scheduled actions were due, and would have pulled the count into whatever the bounds are.
            desired = bounds.clamp(given.desired);
            original.desired = desired;
        }
        let ours = self.found.desired == set.desired && self.found.desired < desired;
        let fits = |bounds: Scaling| bounds.allows(desired);
        (ours && original.scaling.is_none_or(fits)).then_some(original)
    }

    fn conflict(&self, record: &SleepRecord) -> Decision {
        let give_back = self.harmless(record);
        let found = self.found;
        let set = record.set.map(|set| format!("set to {set}, "));
        let set = set.unwrap_or_default();
        let later = record.original(found).scaling;
        let later = later.filter(|later| give_back.is_none() && Some(*later) != found.scaling);
        let later = later.map(|Scaling { min, max, .. }| {
            format!("; its bounds {min}-{max} are restored when its count lies within them")
        });
        let later = later.unwrap_or_default();
        let why =
            format!("somebody changed it while it slept: {set}found at {found}; left alone{later}");
        decision(Step::Conflict { found, give_back }, why)
    }

    /// It is recorded already; bounds may be restorable that were not before.
    fn conflict_again(&self, record: &SleepRecord) -> Decision {
        if self.harmless(record).is_some() {
            return self.conflict(record);
        }
        decision(
            Step::Nothing,
            "somebody changed it while it slept; that is recorded, and it is left alone",
        )
    }

    /// Bounds to restore that don't move the count: those that it would have by now, or else those that it had.
    fn harmless(&self, record: &SleepRecord) -> Option<Scaling> {
        let due = record.original(self.found).scaling?;
        if Some(due) == self.found.scaling {
            return None;
        }
        let had = SleepRecord {
            giving: None,
            ..record.clone()
        };
        let had = had.original(self.found).scaling?;
        let allowed = [due, had]
            .into_iter()
            .find(|b| b.allows(self.found.desired));
        allowed.filter(|bounds| Some(*bounds) != self.found.scaling)
    }

    fn leave(&self, why: &str) -> Decision {
        decision(Step::Leave { found: self.found }, why)
    }

    /// Left until the next edge. A record from the future would hide that edge, too, so it gets a new date.
    fn still_left(&self, record: &SleepRecord) -> Decision {
        if record.is_from_the_future(self.ctx.now) {
            return self
                .leave("it was left to people by a clock that was wrong; it is left from now on");
        }
        let Some(refused) = &record.refused else {
            return decision(Step::Nothing, "left to people until the next edge");
        };
        let detail = refused.detail.clone();
        let condition = Condition::Refused { detail };
        let why = format!("{condition}; it is tried again after the next edge");
        Decision {
            condition: Some(condition),
            ..decision(Step::Nothing, why)
        }
    }

    /// Whether all that is found can come from our own calls.
    fn on_the_way(&self, record: &SleepRecord) -> bool {
        let (Some(was), Some(set)) = (saved(record), record.set) else {
            return false;
        };
        let given = record.giving.and_then(|given| given.scaling);
        let bounds = self.found.scaling == was.scaling
            || self.found.scaling == set.scaling
            || (given.is_some() && self.found.scaling == given);
        bounds && record.between().contains(&self.found.desired)
    }

    fn ours_but_for_the_count(&self, set: Capacity, was: Capacity) -> bool {
        self.found.scaling == set.scaling || self.found.scaling == was.scaling
    }

    fn is_settling(&self, record: &SleepRecord) -> bool {
        // Clocks may be apart a little; a record from far in the future says nothing about this moment.
        self.ctx.now.duration_since(record.since).abs() < SETTLE_TIME
    }

    fn was_restarted_by_aws(&self, record: &SleepRecord, was: Capacity) -> bool {
        let slept = self.ctx.now.duration_since(record.since);
        let restarted_after = self.resource.kind.restarted_after();
        self.found == was && restarted_after.is_some_and(|after| slept >= after)
    }

    /// Whether the schedule itself has had it on since it was left to people.
    fn has_had_a_day(&self, record: &SleepRecord) -> bool {
        self.scheduled
            .own_edge
            .is_some_and(|edge| edge > record.since)
    }

    /// What was left to people is theirs until an edge, or until somebody forces it down.
    fn sticks_no_more(&self, record: &SleepRecord) -> bool {
        self.scheduled.has_changed_since(record.since)
            || (self.scheduled.forced && *record.rule != *self.scheduled.rule)
    }
}

fn saved(record: &SleepRecord) -> Option<Capacity> {
    record.was.as_ref().map(|was: &SavedState| was.level)
}
