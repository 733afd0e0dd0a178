//! The plan: for each resource what is and what should be, why, in which order and about when. Plain data, made by a pure
//! function; nothing is changed here.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use schedule::State;
use serde::{Serialize, Serializer};

use crate::backup_tag::{ASLEEP_TAG, BackupTag};
use crate::condition::Condition;
use crate::config::Config;
use crate::decide::{
    PlanContext, SETTLE_TIME, Step, decide, effective_record, overstated_tag, tag_doubt,
};
use crate::missed_actions::Note;
use crate::rate_limiter::Forecast;
use crate::resource::{Capacity, Resource, Status};
use crate::schedule_overrides::OverrideRequest;
use crate::schedule_state::ScheduleState;
use crate::select::{SelectedResource, Selection, Selector, has_bounds_of_sleep, left_of_sleep};
use crate::sleep_record::{Phase, SleepRecord};

/// The source that is given for waking a service that no longer has a schedule.
const RECORD_SOURCE: &str = "the record of its sleep";

/// What is added about a service whose tags can't be understood.
const UNTIL_CORRECTED: &str = "it is left as it is until that is corrected";

/// What a plan is made of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What is.
    pub resources: Vec<Resource>,
    /// What is remembered, by ARN.
    pub records: HashMap<String, SleepRecord>,
    /// What people asked for.
    pub requests: &'a [OverrideRequest],
}

/// All services at one instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The instant.
    pub at: Timestamp,
    /// In the order of work; resources to which nothing is done come last.
    pub rows: Vec<PlanRow>,
    /// How many of each.
    pub totals: Totals,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says something of its own"
)]
pub struct PlanRow {
    /// As it is.
    #[serde(rename = "service")]
    pub resource: Resource,
    /// What is remembered of it.
    pub phase: Option<Phase>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What its schedule wants; none if it isn't selected.
    #[serde(serialize_with = "state")]
    pub desired_state: Option<State>,
    /// Selected, and asked for something that can't be read, which may be to keep it up: it is not stopped.
    #[serde(skip)]
    pub is_override_unclear: bool,
    /// What is to be done.
    #[serde(flatten)]
    pub step: Step,
    /// Why.
    pub why: String,
    /// The rule that decides.
    pub want_rule: Option<String>,
    /// Where the schedule stands.
    pub source: Option<String>,
    /// What else somebody should know: a schedule that is legal and probably not what was meant, a tag that nobody reads.
    pub remarks: Vec<String>,
    /// When the schedule's state changes next.
    pub next_edge: Option<Timestamp>,
    /// The name of its tier.
    pub tier: String,
    /// The tier's place in the order of waking.
    pub tier_number: usize,
    /// Its place in the order of work, from 1; none where nothing is done.
    pub order: Option<usize>,
    /// About when, by the rate of calls; waiting for lower tiers is not included.
    pub about_when: Option<Timestamp>,
    /// Why it is not in the state that was asked for some minutes ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// What is restored, where that is not what it had.
    #[serde(skip)]
    pub gives: Option<Capacity>,
    /// What people should know when the step is done.
    #[serde(skip)]
    pub notes: Vec<Note>,
    /// Whether its record says, too, that not all of it came up after it was woken.
    #[serde(skip)]
    pub noted_short: bool,
    /// Since when it is to be awake, where it sleeps by us: what depends on it waits.
    #[serde(skip)]
    pub awaited_since: Option<Timestamp>,
    /// Whether it is ours no more, or must not be touched, and sleeps by us.
    #[serde(skip)]
    pub left_asleep: bool,
    /// Whether somebody should look at it.
    pub attention: bool,
    /// Whether it follows no schedule, asleep or awake, until somebody corrects something.
    pub stuck: bool,
}

/// How many services there are of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the steps explain themselves")]
pub struct Totals {
    #[serde(rename = "services")]
    pub resources: usize,
    pub selected: usize,
    pub asleep: usize,
    pub sleep: usize,
    pub wake: usize,
    pub defer: usize,
    pub conflict: usize,
    pub leave: usize,
    pub busy: usize,
    pub skip: usize,
    pub attention: usize,
}

/// Makes the plan of an instant.
pub fn plan(facts: Facts<'_>, config: &Config, ctx: &PlanContext<'_>) -> Plan {
    let mut selector = Selector::new(config, facts.requests, ctx.now);
    let records = &facts.records;
    let mut rows: Vec<PlanRow> = facts
        .resources
        .into_iter()
        .map(|resource| {
            let record = records.get(&resource.arn);
            row(resource, record, (config, &mut selector, ctx))
        })
        .collect();
    rows.sort_by_cached_key(position);
    schedule_calls(&mut rows, config, ctx.now);
    let totals = totals(&rows);
    Plan {
        at: ctx.now,
        rows,
        totals,
    }
}

/// The row of one service; its order and time are not known yet.
pub(crate) fn row(
    resource: Resource,
    record: Option<&SleepRecord>,
    (config, selector, ctx): (&Config, &mut Selector<'_>, &PlanContext<'_>),
) -> PlanRow {
    let (tier_number, tier) = config.tier(&resource.cluster, &resource.name);
    let mut row = PlanRow {
        phase: record.map(|record| record.phase),
        since: record.map(|record| record.since),
        desired_state: None,
        is_override_unclear: false,
        step: Step::Skip,
        why: String::new(),
        want_rule: None,
        source: None,
        remarks: Vec::new(),
        next_edge: None,
        tier: tier.to_owned(),
        tier_number,
        order: None,
        about_when: None,
        condition: None,
        gives: None,
        notes: Vec::new(),
        noted_short: record.is_some_and(|record| record.short_since.is_some()),
        awaited_since: None,
        left_asleep: false,
        attention: false,
        stuck: false,
        resource,
    };
    match selector.choose(&row.resource) {
        Selection::Unselected {
            why,
            attention,
            left_asleep,
        } => {
            if record.is_some_and(|record| owes(record, &row)) {
                let scheduled = ScheduleState::released("it is no longer selected");
                row.decided(record, (&scheduled, RECORD_SOURCE), ctx);
            } else {
                (row.why, row.attention) = (why, attention);
                row.left_asleep = left_asleep;
            }
        }
        Selection::UnclearOverride { why, own } => {
            row.why = format!("{why}; {UNTIL_CORRECTED}");
            (row.attention, row.stuck) = (true, own);
            row.is_override_unclear = true;
        }
        Selection::UnreadableSchedule { why } => {
            // A night awake costs a little money, a morning asleep everybody's work.
            let effective_record = effective_record(&row.resource, record, ctx.now);
            if effective_record.is_some_and(|record| record.set.is_some()) {
                let scheduled = ScheduleState::released("its schedule can't be read");
                row.decided(record, (&scheduled, RECORD_SOURCE), ctx);
                row.why = format!("{}; {why}", row.why);
            } else {
                row.why = format!("{why}; {UNTIL_CORRECTED}");
            }
            (row.attention, row.stuck) = (true, true);
        }
        Selection::Unstoppable { why, selected } => {
            // What sleeps is restored, whatever hinders the next sleep.
            if record.is_some_and(|record| owes(record, &row)) {
                row.selected(record, &selected, ctx);
            }
            if row.step.is_down() || row.desired_state.is_none() {
                (row.step, row.desired_state) = (Step::Skip, None);
                (row.why, row.attention) = (why, true);
            }
        }
        Selection::Skipped {
            why,
            attention,
            left_asleep,
        } => {
            (row.why, row.attention) = (why, attention);
            row.left_asleep = left_asleep;
            if let Some(record) = record.filter(|_| !left_asleep)
                && owes(record, &row)
            {
                let (resource, was) = (&row.resource, record.was.as_ref().map(|was| was.level));
                let is_left = match resource.desired {
                    0 => record.is_asleep(),
                    _ => was.is_some_and(|was| has_bounds_of_sleep(resource, was)),
                };
                if is_left {
                    row.why.push_str(&left_of_sleep(resource, was));
                    (row.attention, row.left_asleep) = (true, true);
                }
            }
        }
        Selection::Selected(selected) => {
            row.selected(record, &selected, ctx);
            row.remarks = selected.notes;
            if let Some(remark) = selected.remark {
                row.why.push_str("; ");
                row.why.push_str(&remark);
                row.attention = true;
            }
        }
    }
    row.stuck |= row.is_left_asleep();
    row.observe(record, ctx.now);
    row
}

/// Whether something of it is still as we set it.
fn owes(record: &SleepRecord, row: &PlanRow) -> bool {
    record.set.is_some() && record.is_about(&row.resource)
}

impl PlanRow {
    fn decided(
        &mut self,
        record: Option<&SleepRecord>,
        (scheduled, source): (&ScheduleState, &str),
        ctx: &PlanContext<'_>,
    ) {
        let judged = decide(&self.resource, record, scheduled, ctx);
        self.attention = matches!(judged.step, Step::Conflict { .. })
            || (self.phase == Some(Phase::Conflict) && scheduled.state == State::On);
        self.desired_state = Some(scheduled.state);
        self.step = judged.step;
        self.why = judged.why;
        self.condition = judged.condition;
        (self.gives, self.notes) = (judged.gives, judged.notes);
        if let Some(doubt) = tag_doubt(&self.resource, record, ctx.now) {
            let doubt = format!(
                "; its tag {ASLEEP_TAG} {doubt} and is not trusted: remove it, and set the count by hand"
            );
            self.why.push_str(&doubt);
            self.attention = true;
        }
        if let Some((tag, believed)) = overstated_tag(&self.resource, record, ctx.now) {
            let doubt = format!(
                "; its tag {ASLEEP_TAG} says {tag}, and it is not known to have had so many: {believed} at most"
            );
            self.why.push_str(&doubt);
            self.attention = true;
        }
        self.want_rule = Some(scheduled.rule.to_string());
        self.source = Some(source.to_owned());
        self.next_edge = scheduled.next_edge.map(|edge| edge.at);
        self.awaited_since = self.awaited(record, scheduled, ctx.now);
    }

    /// Since when it is to be awake, where it sleeps by us and is not on its way yet. What can't be known is the time since
    /// which it sleeps.
    fn awaited(
        &self,
        record: Option<&SleepRecord>,
        scheduled: &ScheduleState,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let record = effective_record(&self.resource, record, now)?;
        let waits = matches!(self.step, Step::Nothing | Step::Busy { .. }) && record.is_asleep();
        let is_due = scheduled.state == State::On && (waits || self.step.is_up());
        // Each try to wake it begins this phase anew.
        let slept_since = match record.phase {
            Phase::GoingUp => record.slept_since,
            _ => Some(record.since),
        };
        let since = scheduled.last_edge.max(slept_since);
        since.filter(|_| is_due).map(|since| since.min(now))
    }

    /// By its schedule and what people asked for.
    fn selected(
        &mut self,
        record: Option<&SleepRecord>,
        selected: &SelectedResource,
        ctx: &PlanContext<'_>,
    ) {
        self.decided(record, (&selected.scheduled, &selected.source), ctx);
        let later = |since: Timestamp| selected.asked_up_at.map_or(since, |at| at.max(since));
        self.awaited_since = self.awaited_since.map(later);
    }

    /// Whether people may ask for it to sleep or to be awake.
    pub fn is_selected(&self) -> bool {
        self.desired_state.is_some() || self.is_override_unclear
    }

    /// Whether its schedule wants it asleep, as far as that is known.
    pub fn wants_sleep(&self) -> bool {
        self.desired_state == Some(State::Off) || self.is_override_unclear
    }

    /// Why, with what should be known of its schedule.
    pub fn why_and_remarks(&self) -> String {
        let remarks = self.remarks.iter().map(String::as_str);
        let sentences: Vec<&str> = std::iter::once(self.why.as_str()).chain(remarks).collect();
        sentences.join("; ")
    }

    /// Adds what is not in the state that was asked for.
    fn observe(&mut self, record: Option<&SleepRecord>, now: Timestamp) {
        if let Some(condition) = Condition::of(&self.resource, record, now) {
            self.why = match self.step {
                Step::Nothing => condition.to_string(),
                _ => format!("{}; {condition}", self.why),
            };
            self.condition = Some(condition);
        }
        self.attention |= self.condition.is_some();
    }

    /// Whether it sleeps: it was stopped, and nothing runs that should not.
    pub fn sleeps(&self) -> bool {
        let is_stopped = self.phase == Some(Phase::Down) && self.resource.desired == 0;
        is_stopped && !self.condition.as_ref().is_some_and(Condition::costs)
    }

    /// Whether we put it to sleep, and nobody will wake it.
    fn is_left_asleep(&self) -> bool {
        let goes = matches!(self.resource.status, Status::Draining | Status::Inactive);
        self.resource.desired == 0 && !goes && self.left_asleep
    }

    /// Whether it still has its backup tag and was woken since: removing the tag has failed.
    pub(crate) fn has_forgotten_tag(&self, now: Timestamp) -> bool {
        let (Some(Phase::Up), Some(since)) = (self.phase, self.since) else {
            return false;
        };
        let is_older = |value: &String| BackupTag::parse(value).is_none_or(|it| it.at <= since);
        self.step == Step::Nothing
            && self.desired_state.is_some()
            && now.duration_since(since) >= SETTLE_TIME
            && self.resource.tags.get(ASLEEP_TAG).is_some_and(is_older)
    }
}

/// What wakes comes first, tier by tier; then what sleeps, in reverse; then what is only recorded.
fn position(row: &PlanRow) -> (u8, usize, Reverse<usize>, String) {
    let (group, up, down) = match &row.step {
        step if step.is_up() => (0, row.tier_number, 0),
        step if step.is_down() => (1, 0, row.tier_number),
        step if step.acts() => (2, 0, 0),
        Step::Skip => (4, 0, 0),
        _ => (3, 0, 0),
    };
    (group, up, Reverse(down), row.resource.place())
}

fn schedule_calls(rows: &mut [PlanRow], config: &Config, now: Timestamp) {
    let mut forecast = Forecast::new(&config.rate);
    for (number, row) in (1..).zip(rows.iter_mut().filter(|row| row.step.acts())) {
        row.order = Some(number);
        let calls = row.step.is_up() || row.step.is_down();
        let after = if calls {
            forecast.next()
        } else {
            forecast.so_far()
        };
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        row.about_when = now.checked_add(after).ok();
    }
}

/// Counts rows: of a whole plan, or of a part of it.
pub fn totals(rows: &[PlanRow]) -> Totals {
    let mut totals = Totals {
        resources: rows.len(),
        ..Totals::default()
    };
    for row in rows {
        let one = match &row.step {
            Step::Sleep { .. } | Step::FinishSleep { .. } => Some(&mut totals.sleep),
            Step::Wake { .. } | Step::FinishWake { .. } => Some(&mut totals.wake),
            Step::Defer { .. } => Some(&mut totals.defer),
            Step::Conflict { .. } => Some(&mut totals.conflict),
            Step::Leave { .. } => Some(&mut totals.leave),
            Step::Busy { .. } => Some(&mut totals.busy),
            Step::Skip => Some(&mut totals.skip),
            Step::GiveBack { .. } | Step::Nothing => None,
        };
        if let Some(one) = one {
            *one += 1;
        }
        totals.selected += usize::from(row.desired_state.is_some());
        totals.asleep += usize::from(row.sleeps());
        totals.attention += usize::from(row.attention);
    }
    totals
}

impl Plan {
    /// What is to be done, in order.
    pub fn work(&self) -> impl Iterator<Item = &PlanRow> {
        self.rows.iter().filter(|row| row.step.acts())
    }

    /// The services that run now and will sleep within this time, soonest first: people are notified of these.
    pub fn about_to_sleep(&self, within: SignedDuration) -> Vec<&PlanRow> {
        let soon = |row: &&PlanRow| {
            row.desired_state == Some(State::On)
                && row.resource.desired > 0
                && row
                    .next_edge
                    .is_some_and(|edge| edge.duration_since(self.at) <= within)
        };
        let mut rows: Vec<&PlanRow> = self.rows.iter().filter(soon).collect();
        rows.sort_by_key(|row| row.next_edge);
        rows
    }

    /// The row of a service, by its ARN, its `cluster/name`, or its name if only one has it.
    pub fn find(&self, resource: &str) -> Option<&PlanRow> {
        let whole =
            |row: &&PlanRow| row.resource.arn == resource || row.resource.place() == resource;
        self.rows.iter().find(whole).or_else(|| {
            let mut named = self.rows.iter().filter(|row| row.resource.name == resource);
            named.next().filter(|_| named.next().is_none())
        })
    }
}

#[allow(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's form"
)]
fn state<S: Serializer>(state: &Option<State>, serializer: S) -> Result<S::Ok, S::Error> {
    state.map(|state| state.to_string()).serialize(serializer)
}
