//! What is to be done with one service: a pure function of what is, what is remembered and what is
//! wanted. Whoever applies a step looks again and asks again, so that no step is done on old facts.
//!
//! What must never come out of it: a save over a save while a service is down, a start of something
//! that we did not stop, a change over what somebody else has changed.

use jiff::{SignedDuration, Timestamp};
use schedule::State;
use serde::Serialize;

use crate::condition::Condition;
use crate::facts::{Level, Scaling, Service, Status};
use crate::memory::{Memory, Phase, Saved, vouched_for};
use crate::mirror::{Mirror, TAG};
use crate::missed::{Missed, missed, would_be};
use crate::want::Want;

/// For so long after we have changed a service a surprising answer of AWS may just be an old one.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(60);
/// A deployment that lasts for so long is no passing thing: it puts off no sleep any more.
const STANDING: SignedDuration = SignedDuration::from_hours(20);
/// RDS starts a stopped database again after seven days; a little earlier already counts.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
const RESTARTED_BY_AWS: SignedDuration = SignedDuration::from_hours(7 * 24 - 2);

/// What a decision knows besides the service.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'a> {
    /// The instant.
    pub now: Timestamp,
    /// This run's id: what it holds itself is not held by another.
    pub run: &'a str,
    /// How long a deployment in progress defers a sleep.
    pub defer_deadline: SignedDuration,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Step {
    /// It is as it shall be.
    Nothing,
    /// It is not ours to change.
    Skip,
    /// Save what it has, then stop it.
    Sleep {
        /// What is saved.
        was: Level,
    },
    /// Stop the rest: it was saved before.
    FinishSleep {
        /// What was saved.
        was: Level,
    },
    /// Give back what it had.
    Wake {
        /// What it had.
        was: Level,
    },
    /// Give back the rest.
    FinishWake {
        /// What it had.
        was: Level,
    },
    /// It was to sleep and never did: give back what was changed for that.
    GiveBack {
        /// What it had.
        was: Level,
    },
    /// Not now: a deployment is in progress.
    Defer {
        /// No longer than until then.
        until: Timestamp,
    },
    /// Somebody else has changed it while it slept: record that, and leave it alone.
    Conflict {
        /// What is there.
        found: Level,
        /// Bounds and suspensions that are still as we set them, and can be given back without moving
        /// the count.
        give_back: Option<Scaling>,
    },
    /// Record that it is left to people until the next edge.
    Leave {
        /// What is there.
        found: Level,
    },
    /// Another run is at it.
    Busy {
        /// Until then at most.
        until: Timestamp,
    },
}

impl Step {
    /// Whether anything is to be done or written.
    pub fn acts(&self) -> bool {
        !matches!(
            self,
            Self::Nothing | Self::Skip | Self::Defer { .. } | Self::Busy { .. }
        )
    }

    /// Whether a service is stopped.
    pub fn is_down(&self) -> bool {
        matches!(self, Self::Sleep { .. } | Self::FinishSleep { .. })
    }

    /// Whether a service is started.
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Wake { .. } | Self::FinishWake { .. })
    }

    /// One word for tables: `sleep`, `wake`, …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Skip => "skip",
            Self::Sleep { .. } => "sleep",
            Self::FinishSleep { .. } => "finish sleep",
            Self::Wake { .. } => "wake",
            Self::FinishWake { .. } => "finish wake",
            Self::GiveBack { .. } => "give back",
            Self::Defer { .. } => "defer",
            Self::Conflict { .. } => "conflict",
            Self::Leave { .. } => "leave",
            Self::Busy { .. } => "busy",
        }
    }
}

/// A step and its reason, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What is to be done.
    pub step: Step,
    /// Why.
    pub why: String,
    /// What lasts and should not, where the decision knows of it.
    pub condition: Option<Condition>,
    /// What it is given back, where that is not what it had.
    pub gives: Option<Level>,
    /// What people should know when the step is done, in sentences.
    pub notes: Vec<String>,
}

fn judged(step: Step, why: impl Into<String>) -> Judged {
    Judged {
        step,
        why: why.into(),
        condition: None,
        gives: None,
        notes: Vec::new(),
    }
}

/// The record that counts: the one that was read, if it is about this service; otherwise what its tag
/// says, if anything of that still stands and it can be about this service.
pub fn standing(service: &Service, memory: Option<&Memory>, now: Timestamp) -> Option<Memory> {
    let mirror = || {
        let mirror = Mirror::parse(service.tags.get(TAG)?)?;
        mirror
            .doubt(service.created_at, now)
            .is_none()
            .then_some(mirror)
    };
    if let Some(memory) = memory {
        if !memory.is_about(service) {
            return None;
        }
        // A tag is never newer than its record, unless the table was put back to an older state.
        if let Some(mirror) = mirror().filter(|mirror| memory.is_older_than(mirror)) {
            return Some(Memory::recovered(service, Some(memory), &mirror));
        }
        return Some(memory.clone());
    }
    let recovered = Memory::recovered(service, None, &mirror()?);
    (recovered.original(service.level()) != service.level()).then_some(recovered)
}

/// Why the tag of a service is not believed, where it would be all that is known of its sleep: it was
/// copied from another service, or written by somebody else.
pub(crate) fn disbelief(
    service: &Service,
    memory: Option<&Memory>,
    now: Timestamp,
) -> Option<&'static str> {
    let mirror = Mirror::parse(service.tags.get(TAG)?)?;
    let counts = memory.is_none_or(|memory| memory.is_older_than(&mirror));
    let doubt = mirror.doubt(service.created_at, now)?;
    counts.then_some(doubt)
}

/// What the tag of a service says that it had, and what is believed of that, where these differ: no record speaks of
/// its sleep, and nothing vouches for so many.
pub(crate) fn exaggerates(
    service: &Service,
    memory: Option<&Memory>,
    now: Timestamp,
) -> Option<(Level, Level)> {
    let tag = Mirror::parse(service.tags.get(TAG)?)?.level;
    let counts = memory.is_none_or(|memory| memory.is_about(service));
    let believed = standing(service, memory, now)
        .filter(|_| counts)?
        .was?
        .level;
    let is_from_the_tag = memory.is_none_or(|memory| memory.set.is_none());
    (is_from_the_tag && believed == vouched_for(service, memory, tag) && believed != tag)
        .then_some((tag, believed))
}

/// Decides on one selected service.
pub fn decide(service: &Service, memory: Option<&Memory>, want: &Want, ctx: &Ctx<'_>) -> Judged {
    if let Some(holder) = memory.and_then(|memory| memory.held_by_other(ctx.run, ctx.now)) {
        let until = holder.until;
        return judged(
            Step::Busy { until },
            "another run is changing it; the next one looks again",
        );
    }
    if let Status::Other(word) = &service.status {
        return judged(
            Step::Nothing,
            format!("it is {word} just now; the next run looks again"),
        );
    }
    let standing = standing(service, memory, ctx.now);
    let case = Case {
        service,
        memory: standing.as_ref(),
        want,
        ctx,
        found: service.level(),
    };
    match want.state {
        State::Off => {
            let mut judged = case.off();
            judged.condition = judged.condition.or_else(|| case.endless());
            judged
        }
        State::On => case.on(),
    }
}

struct Case<'a> {
    service: &'a Service,
    memory: Option<&'a Memory>,
    want: &'a Want,
    ctx: &'a Ctx<'a>,
    found: Level,
}

impl Case<'_> {
    fn off(&self) -> Judged {
        let Some(memory) = self.memory else {
            return self.first_sleep();
        };
        let (Some(was), Some(set)) = (saved(memory), memory.set) else {
            return self.off_without_ours(memory);
        };
        let finish = |why| judged(Step::FinishSleep { was }, why);
        match memory.phase {
            Phase::GoingDown if self.on_the_way(memory) => {
                finish("a run stopped on its way; the rest is done now")
            }
            Phase::Down if self.found == set => judged(Step::Nothing, "it sleeps"),
            Phase::Down if self.is_settling(memory) => judged(
                Step::Nothing,
                "it was changed a moment ago; the next run looks again",
            ),
            Phase::Down if self.was_restarted_by_aws(memory, was) => {
                finish("AWS has started it again after seven days")
            }
            Phase::GoingDown | Phase::Down => self.leave("somebody changed it while it slept"),
            Phase::GoingUp => self.sleep_if_running(memory),
            Phase::Conflict if self.found.desired == 0 => judged(
                Step::Nothing,
                "somebody stopped it after it was left alone, so it is not ours to start",
            ),
            Phase::Left if !self.sticks_no_more(memory) => self.still_left(memory),
            _ if self.found == set => finish("it is still as it was left"),
            Phase::Left if !self.has_had_a_day(memory) => self.sleep_again(memory, was),
            _ => self.sleep_if_running(memory),
        }
    }

    /// Nothing of it is ours: it runs, or stood at zero anyway.
    fn off_without_ours(&self, memory: &Memory) -> Judged {
        match memory.phase {
            // AWS says the same of what passes and of what does not.
            Phase::Left if memory.refused.as_ref().is_some_and(|it| !it.is_final()) => {
                self.first_sleep()
            }
            Phase::Left if !self.sticks_no_more(memory) => self.still_left(memory),
            // What is read a moment after it was given back may be what it had while it slept, and
            // whoever saves that has lost the rest.
            Phase::Up | Phase::Conflict if self.is_settling(memory) => judged(
                Step::Nothing,
                "it was given back a moment ago; the next run looks again",
            ),
            _ => self.first_sleep(),
        }
    }

    fn first_sleep(&self) -> Judged {
        let created = self.service.created_at;
        if !self.want.forced
            && self.memory.is_none()
            && let (Some(edge), Some(created)) = (self.want.last_edge, created)
            && created > edge
            && self.found.desired > 0
        {
            return self.leave("it was made after it should have slept, so somebody works with it");
        }
        self.sleep(self.found)
    }

    fn sleep_if_running(&self, memory: &Memory) -> Judged {
        self.sleep(memory.original(self.found))
    }

    /// It was started while it slept, and shall sleep again in the same night. What it had before that night
    /// is still what the morning gives back, except for bounds that somebody has changed.
    fn sleep_again(&self, memory: &Memory, was: Level) -> Judged {
        let mut kept = memory.original(self.found);
        if kept.scaling.is_none_or(|bounds| bounds.allows(was.desired)) {
            kept.desired = was.desired;
        }
        let mut judged = self.sleep(kept);
        if judged.step.is_down() && kept.desired != self.found.desired {
            judged.why = format!(
                "{}; it gets back the {} that it had, not the {} that somebody set while it slept",
                judged.why, kept.desired, self.found.desired
            );
        }
        judged
    }

    fn sleep(&self, was: Level) -> Judged {
        if self.found.desired == 0 && was.desired == 0 {
            return self.leave("it stood at zero before, so it is not ours to start");
        }
        if self.found.desired == 0
            && self
                .memory
                .is_some_and(|memory| memory.phase != Phase::GoingUp)
        {
            return self.leave("it is at zero, and somebody changed it since we stopped it");
        }
        match self.deferred_until() {
            Some(until) if self.ctx.now < until => {
                judged(Step::Defer { until }, "a deployment is in progress")
            }
            _ => judged(Step::Sleep { was }, &*self.want.rule),
        }
    }

    /// A deployment that has put the sleep off for as long as it may, or lasts since another evening.
    fn endless(&self) -> Option<Condition> {
        let since = self.service.deploying_since?;
        let is_over = self
            .deferred_until()
            .is_some_and(|until| self.ctx.now >= until);
        is_over.then_some(Condition::Deploys { since })
    }

    /// A deployment defers for a limited time, from the edge or from its own beginning.
    fn deferred_until(&self) -> Option<Timestamp> {
        let since = self.service.deploying_since?;
        let edge = self.want.last_edge.map_or(since, |edge| edge.max(since));
        // What lasts since another day is no reason to wait on this evening, too. It may not be known since when.
        let is_old = since > Timestamp::MIN && self.ctx.now.duration_since(since) >= STANDING;
        let from = if is_old { since } else { edge };
        from.checked_add(self.ctx.defer_deadline).ok()
    }

    fn on(&self) -> Judged {
        let Some(memory) = self.memory else {
            return match self.found.desired {
                0 => judged(Step::Nothing, "it stands at zero, and we did not stop it"),
                _ => judged(Step::Nothing, "it runs"),
            };
        };
        let (Some(was), Some(set)) = (saved(memory), memory.set) else {
            return judged(
                Step::Nothing,
                match self.found.desired {
                    0 => "it stands at zero, and we did not stop it",
                    _ => "it runs",
                },
            );
        };
        let (missed, unknown) = self.missed(memory, was);
        let given = memory.giving.unwrap_or_else(|| would_be(was, &missed));
        let other = (given != was).then_some(given);
        let giving = |step: Step, why: &str| {
            let mut notes = unknown.clone();
            if other.is_some() {
                let mut told: Vec<String> = missed.iter().map(ToString::to_string).collect();
                if told.is_empty() {
                    told.push("scheduled actions were due".to_owned());
                }
                let told = told.join("; ");
                notes.push(format!(
                    "while it slept {told}; it had {was}, and is given {given}"
                ));
            }
            let why = std::iter::once(why.to_owned()).chain(notes.iter().cloned());
            Judged {
                gives: other,
                notes: notes.clone(),
                ..judged(step, why.collect::<Vec<_>>().join("; "))
            }
        };
        let wake = |why: &str| giving(Step::Wake { was: given }, why);
        let finish = || {
            let step = Step::FinishWake { was: given };
            giving(step, "a run stopped on its way; the rest is done now")
        };
        match memory.phase {
            Phase::GoingUp if self.on_the_way(memory) => finish(),
            Phase::GoingDown if self.on_the_way(memory) && self.found.desired == was.desired => {
                judged(
                    Step::GiveBack { was },
                    "it was to sleep and never did; what was changed for that is given back",
                )
            }
            Phase::GoingDown if self.on_the_way(memory) => {
                wake("a run stopped on its way to sleep; it is given back now")
            }
            Phase::Down if self.found != set && self.is_settling(memory) => judged(
                Step::Nothing,
                "it was changed a moment ago; the next run looks again",
            ),
            // A conflict that stands at zero since was stopped by somebody in the meantime.
            Phase::Conflict if self.found == was => finish(),
            Phase::Conflict => self.conflict_again(memory),
            _ if self.found == set => wake(&self.want.rule),
            // Somebody has started it with the very count that it had.
            _ if self.ours_but_for_the_count(set, was) && self.found.desired == was.desired => {
                wake("somebody started it as it was; its bounds are given back")
            }
            _ => match self.but_for_bounds(memory) {
                Some(was) => judged(
                    Step::Wake { was },
                    "somebody changed its bounds while it slept, and they are left so; the rest is given back",
                ),
                // Whoever asked for it has not ended the night: the morning tells what was found.
                None if self.want.asked && memory.phase == Phase::Left => self.still_left(memory),
                None if self.want.asked => self.leave("somebody changed it while it slept"),
                None => self.conflict(memory),
            },
        }
    }

    /// What of its schedule was due while it slept, and was suspended by us alone.
    fn missed(&self, memory: &Memory, was: Level) -> (Vec<Missed>, Vec<String>) {
        let ours = was.scaling.is_some_and(|was| !was.suspended.scheduled);
        match memory
            .was
            .as_ref()
            .filter(|_| ours && self.found.scaling.is_some())
        {
            Some(saved) => missed(&self.service.actions, saved.at, self.ctx.now),
            None => (Vec::new(), Vec::new()),
        }
    }

    /// What to give back where the count is still as we set it, and only the bounds are somebody else's:
    /// unless the count that it had is outside of these now.
    fn but_for_bounds(&self, memory: &Memory) -> Option<Level> {
        let (was, set) = (saved(memory)?, memory.set?);
        let original = memory.original(self.found);
        let ours = self.found.desired == set.desired && self.found.desired < was.desired;
        let fits = |bounds: Scaling| bounds.allows(was.desired);
        (ours && original.scaling.is_none_or(fits)).then_some(original)
    }

    fn conflict(&self, memory: &Memory) -> Judged {
        let give_back = self.harmless(memory);
        let found = self.found;
        let set = memory.set.map(|set| format!("set to {set}, "));
        let set = set.unwrap_or_default();
        let later = memory.original(found).scaling;
        let later = later.filter(|later| give_back.is_none() && Some(*later) != found.scaling);
        let later = later.map(|Scaling { min, max, .. }| {
            format!("; its bounds {min}-{max} are given back when its count lies within them")
        });
        let later = later.unwrap_or_default();
        let why =
            format!("somebody changed it while it slept: {set}found at {found}; left alone{later}");
        judged(Step::Conflict { found, give_back }, why)
    }

    /// It is recorded already; bounds may be given back that could not be before.
    fn conflict_again(&self, memory: &Memory) -> Judged {
        if self.harmless(memory).is_some() {
            return self.conflict(memory);
        }
        judged(
            Step::Nothing,
            "somebody changed it while it slept; that is recorded, and it is left alone",
        )
    }

    /// Bounds to give back that don't move the count.
    fn harmless(&self, memory: &Memory) -> Option<Scaling> {
        let original = memory.original(self.found).scaling?;
        let differs = Some(original) != self.found.scaling;
        (differs && original.allows(self.found.desired)).then_some(original)
    }

    fn leave(&self, why: &str) -> Judged {
        judged(Step::Leave { found: self.found }, why)
    }

    /// Left until the next edge. A record from the future would hide that one, too: it is dated anew.
    fn still_left(&self, memory: &Memory) -> Judged {
        if memory.is_from_the_future(self.ctx.now) {
            return self
                .leave("it was left to people by a clock that was wrong; it is left from now on");
        }
        let Some(refused) = &memory.refused else {
            return judged(Step::Nothing, "left to people until the next edge");
        };
        let detail = refused.detail.clone();
        let condition = Condition::Refused { detail };
        let why = format!("{condition}; it is tried again after the next edge");
        Judged {
            condition: Some(condition),
            ..judged(Step::Nothing, why)
        }
    }

    /// Whether all that is found can come from our own calls.
    fn on_the_way(&self, memory: &Memory) -> bool {
        let (Some(was), Some(set)) = (saved(memory), memory.set) else {
            return false;
        };
        let given = memory.giving.and_then(|given| given.scaling);
        let bounds = self.found.scaling == was.scaling
            || self.found.scaling == set.scaling
            || (given.is_some() && self.found.scaling == given);
        bounds && memory.between().contains(&self.found.desired)
    }

    fn ours_but_for_the_count(&self, set: Level, was: Level) -> bool {
        self.found.scaling == set.scaling || self.found.scaling == was.scaling
    }

    fn is_settling(&self, memory: &Memory) -> bool {
        // Clocks may be apart a little; a record from far in the future says nothing about this moment.
        self.ctx.now.duration_since(memory.since).abs() < SETTLE
    }

    fn was_restarted_by_aws(&self, memory: &Memory, was: Level) -> bool {
        self.service.kind.is_database()
            && self.found == was
            && self.ctx.now.duration_since(memory.since) >= RESTARTED_BY_AWS
    }

    /// Whether the schedule itself has had it on since it was left to people.
    fn has_had_a_day(&self, memory: &Memory) -> bool {
        self.want.own_edge.is_some_and(|edge| edge > memory.since)
    }

    /// What was left to people is theirs until an edge, or until somebody forces it down.
    fn sticks_no_more(&self, memory: &Memory) -> bool {
        self.want.has_changed_since(memory.since)
            || (self.want.forced && *memory.rule != *self.want.rule)
    }
}

fn saved(memory: &Memory) -> Option<Level> {
    memory.was.as_ref().map(|was: &Saved| was.level)
}
