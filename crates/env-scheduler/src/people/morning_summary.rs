//! After a waking: what woke, what failed, what somebody has changed meanwhile, and what the sleep has
//! saved. Sent once for each edge of a schedule, by whichever run finds that all is done; by the records and not by this run
//! alone, as several runs may have had a part in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use channels::{Announcement, AnnouncementList, DispatchError, Recipient, Severity, fill};
use contacts::Language;
use environments::apply::{End, Outcome};
use environments::decide::Step;
use environments::plan::{Plan, PlanRow};
use environments::savings::{CountedSleeps, Savings, savings};
use environments::schedule_state::ScheduleState;
use environments::select::{SelectedResource, Selection, Selector};
use environments::sleep_record::{Phase, SleepRecord};
use jiff::{SignedDuration, Timestamp};
use schedule::{Overrides, State};

use super::NotifyError;
use super::messenger::{Broadcast, Messenger};
use super::offer::derived_id;
use super::texts::{Texts, Zone};
use crate::event::Action;
use crate::run::{RunContext, RunOutcome};

/// How long after an edge its summary may be sent.
const REPORT_WINDOW: SignedDuration = SignedDuration::from_hours(3);
/// How long after an edge a summary waits for services that are not awake yet.
const WAKE_TIMEOUT: SignedDuration = SignedDuration::from_mins(20);

/// What became of the services that one edge should have woken.
#[derive(Debug, Default)]
pub struct WakeResult {
    /// Those that are as they were.
    pub woken: Vec<String>,
    /// Those that failed in this run, with what to do.
    pub failed: Vec<FailedResource>,
    /// Those that somebody else has changed.
    pub conflicts: Vec<ConflictedResource>,
    /// Those that are on their way.
    pub pending: Vec<String>,
    /// What their sleep has saved.
    pub saved: Savings,
}

/// A service that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedResource {
    place: String,
    why: String,
    remedy: String,
}

/// A service that was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictedResource {
    place: String,
    why: String,
    had: Option<u32>,
}

/// Sends a summary of each edge whose work is done.
pub async fn send(
    run: &RunContext<'_>,
    done: &RunOutcome,
    messenger: &Messenger<'_>,
) -> Vec<NotifyError> {
    let recipients = messenger.recipients(&run.config.people.tell.morning);
    if recipients.is_empty() || done.continued {
        return Vec::new();
    }
    let mut unsent = Vec::new();
    for (edge, wave) in waves(run, done) {
        if wave.is_ripe(edge, run) {
            unsent.extend(Box::pin(send_wave(run, messenger, &recipients, (edge, &wave))).await);
        }
    }
    unsent.into_iter().map(NotifyError::from).collect()
}

/// What became of each edge of the last hours.
pub fn waves(run: &RunContext<'_>, done: &RunOutcome) -> BTreeMap<Timestamp, WakeResult> {
    let outcomes = done.applied.iter().flat_map(|applied| &applied.outcomes);
    let outcomes: HashMap<&str, &Outcome> = outcomes.map(|one| (one.arn.as_str(), one)).collect();
    let mut selector = Selector::new(run.config, &run.gathered.requests, run.now);
    let mut edges = WakeEdges::default();
    let mut waves: BTreeMap<Timestamp, WakeResult> = BTreeMap::new();
    for row in &run.plan.rows {
        if row.desired_state != Some(State::On) {
            continue;
        }
        let Selection::Selected(selected) = selector.choose(&row.resource) else {
            continue;
        };
        let Some(edge) = edges.woken_at(&selected, run) else {
            continue;
        };
        let arn = row.resource.arn.as_str();
        let seen = WokenRow {
            row,
            record: run.gathered.records.get(arn),
            outcome: outcomes.get(arn).copied(),
            edge,
        };
        seen.sort_into(waves.entry(edge).or_default(), run);
    }
    waves.retain(|_, wave| !wave.is_empty());
    waves
}

/// When a schedule wanted its services awake; worked out once for each.
#[derive(Default)]
struct WakeEdges(HashMap<usize, Option<Timestamp>>);

impl WakeEdges {
    fn woken_at(&mut self, selected: &SelectedResource, run: &RunContext<'_>) -> Option<Timestamp> {
        // The selector keeps the schedule, so its address is its name.
        let key = Arc::as_ptr(&selected.schedule) as usize;
        *self.0.entry(key).or_insert_with(|| {
            // Whoever was woken by somebody is no part of the morning.
            let (calendar, none) = (&run.config.calendar, Overrides::default());
            let scheduled = ScheduleState::of(&selected.schedule, calendar, &none, run.now);
            let edge = scheduled
                .last_edge
                .filter(|_| scheduled.state == State::On)?;
            (run.now.duration_since(edge) < REPORT_WINDOW).then_some(edge)
        })
    }
}

/// A service and what is known of its waking.
struct WokenRow<'a> {
    row: &'a PlanRow,
    record: Option<&'a SleepRecord>,
    outcome: Option<&'a Outcome>,
    edge: Timestamp,
}

impl WokenRow<'_> {
    fn sort_into(&self, wave: &mut WakeResult, run: &RunContext<'_>) {
        let place = self.row.resource.place();
        let up = self.outcome.is_some_and(|outcome| outcome.step.is_up());
        match self.outcome.map(|outcome| (&outcome.end, &outcome.step)) {
            // What somebody had started in the night did not wake in the morning.
            Some((End::Done, _)) if up && self.slept() => {
                wave.saved(self, (run.clock)(), run);
                self.arrived(wave);
            }
            Some((End::Done, Step::Conflict { .. })) => wave.conflicts.push(self.conflict()),
            Some((
                End::Failed {
                    what,
                    detail,
                    remedy,
                    ..
                },
                _,
            )) if up => wave.failed.push(FailedResource {
                place,
                why: format!("{what}: {detail}"),
                remedy: remedy.clone(),
            }),
            Some((End::Continue | End::Busy, _)) if up => wave.pending.push(place),
            _ => self.remembered(wave, run),
        }
    }

    /// Whether it slept until it was woken; also where somebody had started it in the night and stopped it again.
    fn slept(&self) -> bool {
        let found = self.row.resource.level();
        self.record.is_some_and(|record| match record.phase {
            Phase::Down => true,
            Phase::Left => record.stands_as_set(found),
            _ => record.slept_since.is_some(),
        })
    }

    /// What an earlier run did.
    fn remembered(&self, wave: &mut WakeResult, run: &RunContext<'_>) {
        let place = self.row.resource.place();
        let busy = matches!(self.row.step, Step::Busy { .. });
        let Some(record) = self.record else {
            return;
        };
        match record.phase {
            Phase::Up if record.since >= self.edge && record.slept_since.is_some() => {
                wave.saved(self, record.since, run);
                self.arrived(wave);
            }
            Phase::Conflict if record.since >= self.edge => wave.conflicts.push(self.conflict()),
            Phase::GoingUp | Phase::Down if busy || self.row.step.is_up() => {
                wave.pending.push(place);
            }
            _ => {}
        }
    }

    /// What it had was restored; it counts as awake when that runs.
    fn arrived(&self, wave: &mut WakeResult) {
        let resource = &self.row.resource;
        let had = self.record.and_then(|record| record.was.as_ref());
        let given = self.record.and_then(|record| record.giving);
        let had = given.or(had.map(|was| was.level));
        let had = had.map_or(0, |level| level.desired);
        let desired = match &self.row.step {
            Step::Wake { was } | Step::FinishWake { was } => was.desired,
            // Somebody may want less since.
            _ => had.min(resource.desired),
        };
        let place = resource.place();
        // It is not as it was in the evening, and why is in the record.
        let other = self.record.filter(|record| record.giving.is_some());
        let restored = other.map(|record| format!("{place}: {}", record.why));
        match &self.row.condition {
            _ if resource.running >= desired => wave.woken.push(restored.unwrap_or(place)),
            Some(condition) => wave.pending.push(format!("{place}: {condition}")),
            None => wave.pending.push(place),
        }
    }

    fn conflict(&self) -> ConflictedResource {
        // What was found then says more than that it is recorded.
        let record = self.record.filter(|record| record.phase == Phase::Conflict);
        let why = self.outcome.map(|outcome| &outcome.why);
        let why = why.or(record.map(|record| &record.why));
        let was = self.record.and_then(|record| record.was.as_ref());
        ConflictedResource {
            place: self.row.resource.place(),
            why: why.unwrap_or(&self.row.why).clone(),
            had: was.map(|was| was.level.desired),
        }
    }
}

impl WakeResult {
    fn is_empty(&self) -> bool {
        let lists = [self.failed.len(), self.conflicts.len(), self.pending.len()];
        self.woken.is_empty() && lists == [0, 0, 0]
    }

    /// Whether there is nothing more to wait for.
    fn is_ripe(&self, edge: Timestamp, run: &RunContext<'_>) -> bool {
        let settled = self.pending.is_empty() && self.failed.is_empty();
        let late = run.now.duration_since(edge) >= WAKE_TIMEOUT;
        settled || late || run.event.action == Action::Morning
    }

    /// Adds what the sleep that ended then has saved, by the rule of the metrics: whoever was started by
    /// hand in the night no longer slept, and is not counted.
    fn saved(&mut self, seen: &WokenRow<'_>, ended: Timestamp, run: &RunContext<'_>) {
        let Some(record) = seen.record else {
            return;
        };
        let mut record = record.clone();
        if let Some(began) = record.slept_since {
            // An earlier run has woken it, or began to.
            (record.phase, record.since) = (Phase::Down, began);
        }
        let row = seen.row;
        let which = if row.step.is_up() {
            CountedSleeps::Ending
        } else {
            CountedSleeps::Lasting
        };
        let plan = Plan {
            at: ended,
            rows: vec![row.clone()],
            totals: run.plan.totals,
        };
        let records = HashMap::from([(row.resource.arn.clone(), record)]);
        let one = savings(&plan, &records, &run.config.prices, which);
        let all = &mut self.saved;
        all.vcpu_hours += one.vcpu_hours;
        all.gb_hours += one.gb_hours;
        all.money += one.money;
        all.currency = one.currency;
        all.resources += one.resources;
        all.unknown += one.unknown;
    }
}

async fn send_wave(
    run: &RunContext<'_>,
    messenger: &Messenger<'_>,
    recipients: &[Recipient],
    (edge, wave): (Timestamp, &WakeResult),
) -> Vec<DispatchError> {
    let place = run.place;
    let parts = ["morning", &place.account, &place.region, &edge.to_string()];
    let id = derived_id(&parts);
    let message = Broadcast {
        id: &id,
        occasion: "morning",
        is_late: &|| false,
        news: &|_, texts| news(run, (edge, wave), texts),
    };
    messenger.send(recipients, &message).await
}

fn title((edge, wave): (Timestamp, &WakeResult), zone: &Zone, texts: &Texts) -> String {
    let wrong = wave.failed.len() + wave.conflicts.len() + wave.pending.len();
    if wrong > 0 {
        return fill(
            texts.morning_bad,
            &[("services", &texts.services.of(wrong))],
        );
    }
    let services = texts.services.of(wave.woken.len());
    let time = zone.time(edge);
    fill(
        texts.morning_good,
        &[("services", &services), ("time", &time)],
    )
}

fn news(run: &RunContext<'_>, morning: (Timestamp, &WakeResult), texts: &Texts) -> Announcement {
    let (edge, wave) = morning;
    let zone = Zone::of(run.config.zone.as_deref());
    let all = wave.woken.len() + wave.failed.len() + wave.conflicts.len() + wave.pending.len();
    let lead_values = [
        ("moment", texts.moment(edge, &zone)),
        ("zone", zone.name.clone()),
        ("services", texts.services.of(all)),
        ("woken", wave.woken.len().to_string()),
    ];
    let lead_values: Vec<(&str, &str)> = lead_values
        .iter()
        .map(|(key, value)| (*key, &**value))
        .collect();
    let mut lead = vec![fill(texts.morning_lead, &lead_values)];
    lead.extend(saved(&wave.saved, texts));
    lead.push(whereabouts(run, texts));
    Announcement {
        name: "morning",
        title: title(morning, &zone, texts),
        ascii_title: title(morning, &zone, Texts::of(Language::English)),
        severity: severity(wave),
        lead,
        lists: lists(run, wave, &zone, texts),
        choices: Vec::new(),
        footer: fill(texts.footer, &[("zone", &zone.name)]),
    }
}

/// Account and region.
pub fn whereabouts(run: &RunContext<'_>, texts: &Texts) -> String {
    let place = run.place;
    let values = [
        ("account", place.account.as_str()),
        ("region", place.region.as_str()),
    ];
    fill(texts.where_, &values)
}

fn severity(wave: &WakeResult) -> Severity {
    if !wave.failed.is_empty() {
        Severity::Bad
    } else if wave.conflicts.is_empty() && wave.pending.is_empty() {
        Severity::Good
    } else {
        Severity::Warning
    }
}

fn saved(saved: &Savings, texts: &Texts) -> Vec<String> {
    let mut sentences = Vec::new();
    if saved.resources > saved.unknown {
        let values = [
            ("money", format!("{:.2}", saved.money)),
            ("currency", saved.currency.clone()),
            ("vcpu", format!("{:.1}", saved.vcpu_hours)),
            ("gb", format!("{:.1}", saved.gb_hours)),
        ];
        let values: Vec<(&str, &str)> =
            values.iter().map(|(key, value)| (*key, &**value)).collect();
        sentences.push(fill(texts.morning_saved, &values));
    }
    if saved.unknown > 0 {
        let services = texts.services.of(saved.unknown);
        sentences.push(fill(texts.morning_unsized, &[("services", &services)]));
    }
    sentences
}

fn lists(
    run: &RunContext<'_>,
    wave: &WakeResult,
    zone: &Zone,
    texts: &Texts,
) -> Vec<AnnouncementList> {
    let remedy = |remedy: &str| fill(texts.remedy, &[("remedy", remedy)]);
    let failed =
        |one: &FailedResource| format!("{}: {}. {}", one.place, one.why, remedy(&one.remedy));
    let conflict = |one: &ConflictedResource| {
        let advice = one
            .had
            .map(|had| fill(texts.by_hand, &[("n", &had.to_string())]));
        let advice = advice
            .map(|advice| format!(" {advice}"))
            .unwrap_or_default();
        format!("{}: {}.{advice}", one.place, one.why)
    };
    let list = |heading: &str, lines: Vec<String>, first| AnnouncementList {
        heading: heading.to_owned(),
        lines,
        first,
    };
    vec![
        list(texts.failed, wave.failed.iter().map(failed).collect(), true),
        list(
            texts.conflicts,
            wave.conflicts.iter().map(conflict).collect(),
            true,
        ),
        list(texts.pending, wave.pending.clone(), true),
        list(texts.deferred, deferred(run, zone, texts), false),
        list(texts.woken, wave.woken.clone(), false),
    ]
}

fn deferred(run: &RunContext<'_>, zone: &Zone, texts: &Texts) -> Vec<String> {
    let line = |row: &PlanRow| match &row.step {
        Step::Defer { until } => {
            let moment = texts.moment(*until, zone);
            let until = fill(texts.deferred_until, &[("moment", &moment)]);
            Some(format!("{}: {until}", row.resource.place()))
        }
        _ => None,
    };
    run.plan.rows.iter().filter_map(line).collect()
}
