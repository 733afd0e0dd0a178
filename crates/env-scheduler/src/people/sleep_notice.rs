//! Some minutes before a sleep: what sleeps when, and how to put it off. Sent once for each sleep and schedule, never late,
//! and not for what somebody has put off already.

use std::collections::BTreeMap;

use channels::{Announcement, AnnouncementList, Choice, Recipient, Severity, fill};
use contacts::Approver;
use environments::select::{SelectedResource, Selection, Selector};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use schedule::{Overrides, State, next_edge};
use signing::link::seal;
use signing::{Keys, OpaqueId};

use super::NotifyError;
use super::link_claims::{self, LinkAction, LinkClaims};
use super::messenger::{Broadcast, Messenger, TOPIC_CHANNEL};
use super::offer::{Offer, Offers, Target, derived_id};
use super::permissions::{Permission, may};
use super::texts::{Texts, Zone};
use crate::identity;
use crate::run::RunContext;

/// The hours for which a sleep can be put off.
const SNOOZE_HOURS: [i64; 2] = [1, 2];
/// Buttons of this name are ours; their value is the offer's id, a point, and the choice's number.
pub const SNOOZE_BUTTON: &str = "environment_snooze";

/// Services that sleep together.
#[derive(Debug, Clone, PartialEq)]
pub struct SleepGroup {
    /// When.
    pub edge: Timestamp,
    /// By which schedule, as it was written.
    pub schedule: String,
    /// When they wake by themselves.
    pub wakes: Option<Timestamp>,
    /// `cluster/name`, and how many tasks run where that is known.
    pub services: BTreeMap<String, Option<u32>>,
}

impl SleepGroup {
    /// What an offer is about, and the rest.
    fn parted(self, offer: &Offer) -> (Self, Self) {
        // They are in order.
        let is_its = |place: &String| offer.services.binary_search(place).is_ok();
        let (mut its, mut rest) = (self.clone(), self);
        its.services.retain(|place, _| is_its(place));
        rest.services.retain(|place, _| !is_its(place));
        (its, rest)
    }
}

/// Groups that are told of at once.
const MAX_GROUPS_AT_ONCE: usize = 8;

/// Sends notices of the sleeps that are near: some groups at once, so that a channel that hangs keeps no group from
/// those that don't.
pub async fn send(run: &RunContext<'_>, messenger: &Messenger<'_>) -> Vec<NotifyError> {
    let recipients = messenger.recipients(&run.config.people.tell.notice);
    if recipients.is_empty() {
        return Vec::new();
    }
    let recipients = recipients.as_slice();
    let sending = groups(run)
        .into_iter()
        .map(|group| Box::pin(async move { send_group(run, messenger, recipients, &group).await }));
    let unsent = stream::iter(sending).buffered(MAX_GROUPS_AT_ONCE);
    unsent.concat().await
}

/// What is about to sleep by the schedule alone, by instant and schedule.
pub fn groups(run: &RunContext<'_>) -> Vec<SleepGroup> {
    let config = run.config;
    let requests = &run.gathered.requests;
    let mut selector = Selector::new(config, requests, run.now);
    let mut groups: BTreeMap<(Timestamp, String), SleepGroup> = BTreeMap::new();
    for row in run.plan.about_to_sleep(config.notice) {
        let (Some(edge), Selection::Selected(selected)) =
            (row.next_edge, selector.choose(&row.resource))
        else {
            continue;
        };
        // Who may have been asked to be kept up is not put to sleep.
        if edge <= run.now || selected.is_unclear || is_put_off(&selected, run.now, edge) {
            continue;
        }
        let schedule = selected.schedule.to_string();
        let group = groups
            .entry((edge, schedule.clone()))
            .or_insert_with(|| SleepGroup {
                edge,
                wakes: wakes(&selected, run, edge),
                schedule,
                services: BTreeMap::new(),
            });
        let tasks = (!row.resource.task_definition.is_empty()).then_some(row.resource.desired);
        group.services.insert(row.resource.place(), tasks);
    }
    groups.into_values().collect()
}

/// Whether somebody has chosen this instant: they know.
fn is_put_off(selected: &SelectedResource, now: Timestamp, edge: Timestamp) -> bool {
    let until = selected.overrides.snoozed_until;
    until.is_some_and(|until| now < until && until >= edge)
}

fn wakes(selected: &SelectedResource, run: &RunContext<'_>, edge: Timestamp) -> Option<Timestamp> {
    let calendar = &run.config.calendar;
    let next = next_edge(&selected.schedule, calendar, &Overrides::default(), edge)?;
    (next.to == State::On).then_some(next.at)
}

async fn send_group(
    run: &RunContext<'_>,
    messenger: &Messenger<'_>,
    recipients: &[Recipient],
    group: &SleepGroup,
) -> Vec<NotifyError> {
    let mut unsent = Vec::new();
    let mut left = group.clone();
    let mut next = first(run, group);
    // What no earlier look has seen gets an offer and a notice of its own: one offer follows another, each
    // written once, so that none of them is sent twice.
    while !left.services.is_empty() {
        let offer = Offers(messenger.table())
            .open(offer(run, next, &left))
            .await;
        let offer = match offer {
            Ok(offer) => offer,
            // Without an offer there is nothing to lead to; the next tick tries again.
            Err(error) => {
                unsent.push(NotifyError::Offer(error));
                break;
            }
        };
        next = derived_id(&["notice", offer.id.as_str()]);
        let (its, rest) = left.parted(&offer);
        left = rest;
        if !its.services.is_empty() {
            let sending = send_offer(run, messenger, recipients, (&its, &offer));
            unsent.extend(sending.await);
        }
    }
    unsent
}

async fn send_offer(
    run: &RunContext<'_>,
    messenger: &Messenger<'_>,
    recipients: &[Recipient],
    (group, offer): (&SleepGroup, &Offer),
) -> Vec<NotifyError> {
    let mut unsent = Vec::new();
    let signer = match signer(messenger).await {
        Ok(signer) => signer,
        Err(error) => {
            unsent.push(error);
            None
        }
    };
    let zone = Zone::of(run.config.zone.as_deref());
    let content = NoticeText {
        group,
        offer,
        zone: &zone,
        now: run.now,
        run,
    };
    let news = |to: &Recipient, texts: &'static Texts| {
        let choices = signer
            .as_ref()
            .map(|signer| signer.choices(&content, to, texts));
        news(&content, choices.unwrap_or_default(), texts)
    };
    let message = Broadcast {
        id: &offer.id,
        occasion: "notice",
        is_late: &|| (run.clock)() >= group.edge,
        news: &news,
    };
    let failed = messenger.send(recipients, &message).await;
    unsent.extend(failed.into_iter().map(NotifyError::from));
    unsent
}

/// What the names in one offer may take: an item of the state table holds 390 KiB.
const MAX_OFFER_BYTES: usize = 200 * 1024;

/// The id of a group's first offer.
fn first(run: &RunContext<'_>, group: &SleepGroup) -> OpaqueId {
    let place = run.place;
    derived_id(&[
        "notice",
        &place.account,
        &place.region,
        &group.edge.to_string(),
        &group.schedule,
    ])
}

fn offer(run: &RunContext<'_>, id: OpaqueId, group: &SleepGroup) -> Offer {
    let edge = group.edge;
    let mut room = MAX_OFFER_BYTES;
    let fits = |place: &&String| {
        room = room.saturating_sub(place.len() + 3);
        room > 0
    };
    Offer {
        id,
        target: Target::of(run.event),
        // The rest gets an offer of its own.
        services: group.services.keys().take_while(fits).cloned().collect(),
        edge,
        wakes: group.wakes,
        choices: choices(run, edge),
        made_at: run.now,
    }
}

/// Some hours more, and until tomorrow.
fn choices(run: &RunContext<'_>, edge: Timestamp) -> Vec<Timestamp> {
    let later = |hours: i64| edge.checked_add(SignedDuration::from_hours(hours)).ok();
    let mut choices: Vec<Timestamp> = SNOOZE_HOURS.into_iter().filter_map(later).collect();
    let zone = Zone::of(run.config.zone.as_deref());
    let last = choices.last().copied().unwrap_or(edge);
    choices.extend(tomorrow(run, &zone, last));
    choices
}

/// Tomorrow as people mean it in the evening; the day after where that is too near.
fn tomorrow(run: &RunContext<'_>, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
    let today = run.now.to_zoned(zone.zone().clone()).date();
    let mut day = today;
    for _ in 0..3 {
        day = day.tomorrow().ok()?;
        let at = day.to_datetime(run.config.people.tomorrow);
        let at = at.to_zoned(zone.zone().clone()).ok()?.timestamp();
        if at > after {
            return Some(at);
        }
    }
    None
}

/// Where links lead, and what they are signed with.
struct Signer<'a> {
    keys: std::sync::Arc<Keys>,
    url: &'a str,
    table: &'a str,
}

/// None: the function has no URL, so it has no links, as somebody has chosen.
async fn signer<'a>(messenger: &Messenger<'a>) -> Result<Option<Signer<'a>>, NotifyError> {
    let Some(url) = identity::url(messenger.function, messenger.settings).await? else {
        return Ok(None);
    };
    Ok(Some(Signer {
        keys: messenger.keys().await?,
        url,
        table: &messenger.settings.state_table,
    }))
}

impl Signer<'_> {
    /// What this recipient may ask for.
    fn choices(&self, content: &NoticeText<'_>, to: &Recipient, texts: &Texts) -> Vec<Choice> {
        let (people, by) = (&content.run.config.people, &to.approver);
        // Who reads the topic of the settings is not known.
        if to.key == TOPIC_CHANNEL {
            return Vec::new();
        }
        let offer = content.offer;
        let secret = content.run.settings.slack_secret.is_some();
        // A press that can't be verified would be refused.
        let buttons = people
            .slack_app
            .as_ref()
            .is_some_and(|app| app.buttons && (secret || app.signing_secret.is_some()));
        let linked = may(people, Permission::Snooze, by);
        let mut choices = Vec::new();
        for (number, until) in (0_u8..).zip(&offer.choices) {
            let url = || self.link(offer, LinkAction::Snooze(number), by, *until);
            let value = format!("{}.{number}", offer.id);
            let choice = Choice {
                label: label(content, *until, texts),
                url: linked.then(url),
                // Slack says who presses it.
                button: buttons.then(|| (format!("{SNOOZE_BUTTON}_{number}"), value)),
            };
            if choice.url.is_some() || choice.button.is_some() {
                choices.push(choice);
            }
        }
        if may(people, Permission::Wake, by) {
            choices.push(Choice {
                label: texts.wake_later.to_owned(),
                url: Some(self.link(offer, LinkAction::Wake, by, offer.wake_ends())),
                button: None,
            });
        }
        choices
    }

    fn link(&self, offer: &Offer, wish: LinkAction, by: &Approver, expires: Timestamp) -> String {
        let claims = LinkClaims {
            offer: offer.id.clone(),
            wish,
            by: by.clone(),
        };
        let link = link_claims::link(self.table, claims, expires);
        format!("{}/e/{}", self.url, seal(&self.keys, &link))
    }
}

fn label(content: &NoticeText<'_>, until: Timestamp, texts: &Texts) -> String {
    let more = until.duration_since(content.offer.edge).as_hours();
    if SNOOZE_HOURS.contains(&more) {
        let hours = texts.hours.of(usize::try_from(more).unwrap_or_default());
        let time = content.zone.time(until);
        return fill(texts.until, &[("hours", &hours), ("time", &time)]);
    }
    let moment = texts.moment(until, content.zone);
    fill(texts.until_tomorrow, &[("moment", &moment)])
}

/// What a notice is made from.
#[derive(Clone, Copy)]
struct NoticeText<'a> {
    group: &'a SleepGroup,
    offer: &'a Offer,
    zone: &'a Zone,
    now: Timestamp,
    run: &'a RunContext<'a>,
}

fn title(content: &NoticeText<'_>, texts: &Texts) -> String {
    let services = texts.services.of(content.group.services.len());
    let time = content.zone.time(content.group.edge);
    fill(
        texts.notice_title,
        &[("services", &services), ("time", &time)],
    )
}

fn news(content: &NoticeText<'_>, choices: Vec<Choice>, texts: &Texts) -> Announcement {
    let NoticeText { group, zone, .. } = content;
    let when = [
        ("day", texts.day(group.edge, zone)),
        ("time", zone.time(group.edge)),
        ("zone", zone.name.clone()),
        ("span", texts.span(group.edge.duration_since(content.now))),
    ];
    let when: Vec<(&str, &str)> = when.iter().map(|(key, value)| (*key, &**value)).collect();
    let mut lead = vec![fill(texts.notice_when, &when)];
    lead.push(fill(
        texts.notice_schedule,
        &[("schedule", &group.schedule)],
    ));
    if let Some(wakes) = group.wakes {
        let moment = texts.moment(wakes, zone);
        lead.push(fill(texts.notice_wakes, &[("moment", &moment)]));
    }
    if !choices.is_empty() {
        lead.push(texts.notice_links.to_owned());
    }
    let line = |(place, tasks): (&String, &Option<u32>)| match tasks {
        Some(tasks) => {
            let tasks = usize::try_from(*tasks).unwrap_or(usize::MAX);
            format!("{place}: {}", texts.tasks.of(tasks))
        }
        None => place.clone(),
    };
    let list = AnnouncementList {
        heading: texts.notice_list.to_owned(),
        lines: group.services.iter().map(line).collect(),
        first: true,
    };
    let english = Texts::of(contacts::Language::English);
    Announcement {
        name: "notice",
        title: title(content, texts),
        ascii_title: title(content, english),
        severity: Severity::Warning,
        lead,
        lists: vec![list],
        choices,
        footer: fill(texts.footer, &[("zone", &zone.name)]),
    }
}
