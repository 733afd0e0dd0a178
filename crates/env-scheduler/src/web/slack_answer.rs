//! The second half of what somebody said in Slack: carried out in a run of its own, and answered where
//! only that person sees it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use channels::{answer_slack, fill, leads_to_slack};
use contacts::Approver;
use environments::condition::Condition;
use environments::config::{Config, Glob};
use environments::decide::PlanContext;
use environments::gather::{GatheredFacts, gather};
use environments::outlook::Outlook;
use environments::plan::{Plan, PlanRow, plan};
use environments::read::Reader;
use environments::resource::Resource;
use environments::schedule_overrides::{OverrideRequest, Place};
use function_url::slack_request::message;
use jiff::{SignedDuration, Timestamp};
use ledger::Via;
use schedule::State;
use text::clean::short;

use super::change_request::{
    ChangeRefusal, ChangeRequest, Requester, carry_out, outlook, record, wakes,
};
use super::slack_command::{SlackCommand, SlackRequest};
use crate::event::{Action, Event};
use crate::people::messenger::Messenger;
use crate::people::offer::{Offer, Offers, Target};
use crate::people::permissions::{Permission, may, may_read};
use crate::people::texts::{Texts, Zone};
use crate::{Invocation, configuration};

/// A request that waited longer doesn't count: the person has gone on, or asked again.
const MAX_REQUEST_AGE: SignedDuration = SignedDuration::from_mins(15);
/// For the reply to the person, with all tries.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// Clusters in one answer; the rest is a number.
const MAX_CLUSTERS: usize = 30;
/// A sleep that is further away is none that somebody puts off.
const MAX_SNOOZE_LEAD: SignedDuration = SignedDuration::from_hours(24);

/// Carries out what somebody asked for, and replies.
pub async fn carry_out_request(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    words: &SlackRequest,
) {
    let text = Box::pin(answer(messenger, invocation, words)).await;
    let Some(url) = &words.response_url else {
        tracing::warn!("Slack gave no address for an answer");
        return;
    };
    let api = messenger.settings.slack_api_url.as_str();
    if !leads_to_slack(url, api) {
        tracing::error!("the address for an answer does not lead to Slack; nothing was sent there");
        return;
    }
    if let Err(error) = answer_slack(
        &messenger.function.http,
        (url, api),
        &message(&text),
        ANSWER_TIMEOUT,
    )
    .await
    {
        tracing::warn!("Slack did not take the answer: {error}");
    }
}

async fn answer(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    words: &SlackRequest,
) -> String {
    let english = Texts::of(contacts::Language::English);
    let failed = |texts: &Texts, why: &str| fill(texts.reply_failed, &[("why", why)]);
    let Some(own) = invocation.place() else {
        return failed(english, "the function does not know its own account");
    };
    let config = configuration::current(messenger.function, messenger.settings, &own.account);
    let config = match Box::pin(config).await {
        Ok(config) => config,
        Err(why) => {
            tracing::error!("{why}");
            return failed(english, "the configuration can't be used; the log says why");
        }
    };
    let texts = Texts::of(config.people.language);
    let desk = CommandContext {
        messenger,
        invocation,
        config: &config,
        zone: Zone::of(config.zone.as_deref()),
        texts,
        who: Requester {
            id: Approver::Slack {
                team: words.team.clone(),
                user: words.user.clone(),
            },
            name: words.name.clone(),
            via: Via::Slack,
            from: None,
        },
        own,
    };
    let at = Timestamp::from_second(words.at).unwrap_or(Timestamp::MIN);
    if messenger.now().duration_since(at) > MAX_REQUEST_AGE {
        record(messenger, &desk.who, "refused: it came too late".to_owned()).await;
        return texts.reply_too_old.to_owned();
    }
    // The others say for themselves what they need.
    let looks = matches!(
        words.command,
        SlackCommand::Status(_) | SlackCommand::Button(..)
    );
    if looks && !may_read(&config.people, &desk.who.id) {
        record(messenger, &desk.who, "refused: a look".to_owned()).await;
        return desk.refused();
    }
    match &words.command {
        SlackCommand::Status(name) => desk.status(name.as_deref()).await,
        SlackCommand::Up(name, hours) => {
            desk.ask(Permission::Wake, (name, *hours), &words.id).await
        }
        SlackCommand::Snooze(name, hours) => {
            desk.ask(Permission::Snooze, (name, *hours), &words.id)
                .await
        }
        SlackCommand::Button(offer, choice) => match Offers(messenger.table()).read(offer).await {
            Ok(Some(offer)) => desk.press(&offer, *choice, &words.id).await,
            Ok(None) => texts.reply_over.to_owned(),
            Err(error) => failed(texts, &error.to_string()),
        },
    }
}

/// One person's wish, and what is needed for it.
struct CommandContext<'a> {
    messenger: &'a Messenger<'a>,
    invocation: &'a Invocation,
    config: &'a Arc<Config>,
    zone: Zone,
    texts: &'static Texts,
    who: Requester,
    own: Place,
}

impl CommandContext<'_> {
    fn now(&self) -> Timestamp {
        self.messenger.now()
    }

    fn refused(&self) -> String {
        let name = short(&self.who.name, 60);
        let who = if name.is_empty() {
            self.who.id.to_string()
        } else {
            name
        };
        fill(self.texts.reply_may_not, &[("who", &who)])
    }

    async fn carry_out(&self, asked: &ChangeRequest) -> Result<OverrideRequest, String> {
        let wish = (&self.who, asked);
        let carried = carry_out(self.messenger, self.invocation, self.config, wish);
        Box::pin(carried).await.map_err(|refused| match refused {
            ChangeRefusal::MayNot => self.refused(),
            ChangeRefusal::Failed(why) => fill(self.texts.reply_failed, &[("why", &why)]),
        })
    }

    /// What comes of a request for services of this name: `text` where some of them are awake.
    fn done(
        &self,
        (text, name): (&str, &str),
        counts: &OverrideRequest,
        outlook: Option<&Outlook>,
    ) -> String {
        let texts = self.texts;
        let is_dry_run = self.messenger.settings.dry_run;
        let text = match outlook {
            _ if is_dry_run => texts.reply_recorded,
            None => texts.reply_unread,
            Some(outlook) if outlook.awake == 0 => texts.reply_none_awake,
            Some(_) => text,
        };
        let services = texts
            .services
            .of(outlook.map_or(0, |outlook| outlook.awake));
        let moment = texts.moment(counts.until, &self.zone);
        let values = [
            ("services", services.as_str()),
            ("name", name),
            ("moment", &moment),
        ];
        let mut reply = fill(text, &values);
        if is_dry_run {
            reply = format!("{reply} {}", texts.reply_dry_run);
        }
        let outlook = outlook.filter(|_| !is_dry_run);
        let down = outlook.map(|outlook| texts.stays_down(outlook, &self.zone));
        let lines = std::iter::once(reply).chain(down.into_iter().flatten());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A button of a notice.
    async fn press(&self, offer: &Offer, choice: u8, id: &str) -> String {
        let now = self.now();
        let Some(until) = offer.snooze_ends(choice).filter(|until| now < *until) else {
            return self.texts.reply_over.to_owned();
        };
        let place = offer.target.place(&self.own);
        let wakes = match Box::pin(wakes(self.messenger, offer, &place)).await {
            Ok(wakes) => wakes,
            Err(error) => return fill(self.texts.reply_failed, &[("why", &error.to_string())]),
        };
        let cause = format!("asked for by {}", self.who.id);
        let right = if wakes {
            Permission::Wake
        } else {
            Permission::Snooze
        };
        let asked = ChangeRequest {
            // A press that Slack reports twice is one request; a further press is another one.
            id: format!("{}-{}-{choice}-{id}", offer.id, right.word()),
            right,
            services: offer.pattern(),
            place,
            until,
            events: wakes
                .then(|| offer.target.tick(cause))
                .into_iter()
                .collect(),
        };
        let counts = match self.carry_out(&asked).await {
            Ok(counts) => counts,
            Err(reply) => return reply,
        };
        let about = (offer, &counts);
        let outlook = outlook(self.messenger, self.invocation, self.config, about).await;
        let name = self.zone.time(offer.edge);
        let text = (self.texts.reply_snoozed, name.as_str());
        self.done(text, &counts, outlook.as_ref())
    }

    /// What a command asks for.
    async fn ask(&self, right: Permission, (name, hours): (&str, i64), id: &str) -> String {
        if !may(&self.config.people, right, &self.who.id) {
            record(
                self.messenger,
                &self.who,
                format!("refused: {right:?} {name}"),
            )
            .await;
            return self.refused();
        }
        let gathered = Box::pin(self.read()).await;
        let plan = self.plan(&gathered);
        let rows: Vec<&PlanRow> = plan
            .rows
            .iter()
            .filter(|row| row.is_selected() && fits(name, &row.resource))
            .collect();
        if rows.is_empty() {
            let none = fill(self.texts.reply_none, &[("name", name)]);
            return match gathered.problems.first() {
                Some(problem) => format!("{none} {problem}"),
                None => none,
            };
        }
        let sleeps = rows.iter().any(|row| row.wants_sleep());
        // Who may only put a sleep off does not wake what sleeps.
        let right = if sleeps { Permission::Wake } else { right };
        let begins = match right {
            Permission::Wake => self.now(),
            Permission::Snooze => self.next_sleep(&rows),
        };
        let until = begins.saturating_add(SignedDuration::from_hours(hours));
        let until = until.unwrap_or(Timestamp::MAX);
        let cause = format!("asked for by {}", self.who.id);
        let asked = ChangeRequest {
            id: id.to_owned(),
            right,
            services: patterns(name).join(" "),
            place: Target::default().place(&self.own),
            until,
            events: if sleeps {
                ticks(name, &cause)
            } else {
                Vec::new()
            },
        };
        let text = match right {
            Permission::Wake => self.texts.reply_up,
            Permission::Snooze => self.texts.reply_snoozed,
        };
        match self.carry_out(&asked).await {
            Ok(counts) => {
                let outlook = Outlook::with(&counts, &gathered, self.config, &self.plan_context());
                self.done((text, name), &counts, Some(&outlook))
            }
            Err(reply) => reply,
        }
    }

    fn plan_context(&self) -> PlanContext<'_> {
        PlanContext {
            now: self.now(),
            run: &self.invocation.request_id,
            defer_deadline: self.config.defer_deadline,
        }
    }

    /// The first sleep that comes near.
    fn next_sleep(&self, rows: &[&PlanRow]) -> Timestamp {
        let now = self.now();
        let near = |edge: &Timestamp| edge.duration_since(now) <= MAX_SNOOZE_LEAD;
        let edges = rows.iter().filter_map(|row| row.next_edge);
        edges.filter(near).min().unwrap_or(now)
    }

    /// How things are in the function's own account and region.
    async fn read(&self) -> GatheredFacts {
        let function = self.messenger.function;
        let learned = function.cache.of(&self.own, &self.config.rate);
        let reader = Reader {
            aws: &function.aws,
            limiter: &learned.limiters.reads,
            sizes: &learned.sizes,
        };
        let records = function.record_store(self.messenger.settings);
        Box::pin(gather(reader, records, self.config)).await
    }

    fn plan(&self, gathered: &GatheredFacts) -> Plan {
        plan(gathered.facts(), self.config, &self.plan_context())
    }

    async fn status(&self, name: Option<&str>) -> String {
        let gathered = Box::pin(self.read()).await;
        let (plan, problems) = (self.plan(&gathered), &gathered.problems);
        let ours =
            |row: &&PlanRow| row.is_selected() && name.is_none_or(|name| fits(name, &row.resource));
        let rows: Vec<&PlanRow> = plan.rows.iter().filter(ours).collect();
        if rows.is_empty() && problems.is_empty() {
            return fill(self.texts.reply_none, &[("name", name.unwrap_or("*"))]);
        }
        let mut text = status(&rows, self.texts, &self.zone);
        for problem in problems.iter().take(3) {
            let _ = write!(text, "\n{}", short(&problem.to_string(), 300));
        }
        text
    }
}

/// A name alone means a cluster, or a service in any.
fn patterns(name: &str) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    vec![format!("{name}/*"), name.to_owned()]
}

fn fits(name: &str, service: &Resource) -> bool {
    let globs = patterns(name);
    let mut globs = globs.iter().filter_map(|text| Glob::parse(text));
    globs.any(|glob| glob.matches(&service.cluster, &service.name))
}

fn ticks(name: &str, cause: &str) -> Vec<Event> {
    let tick = |only: String| Event {
        only: Some(only),
        cause: Some(cause.to_owned()),
        ..Event::new(Action::Tick)
    };
    patterns(name).into_iter().map(tick).collect()
}

/// Cluster by cluster: how many are awake, how many sleep, and what comes next.
fn status(rows: &[&PlanRow], texts: &Texts, zone: &Zone) -> String {
    let mut clusters: BTreeMap<&str, Vec<&PlanRow>> = BTreeMap::new();
    for row in rows {
        clusters.entry(&row.resource.cluster).or_default().push(row);
    }
    let (awake, asleep) = counts(rows);
    let values = [("awake", awake.as_str()), ("asleep", &asleep)];
    let mut text = fill(texts.status_title, &values);
    for (cluster, rows) in clusters.iter().take(MAX_CLUSTERS) {
        let (awake, asleep) = counts(rows);
        let values = [
            ("cluster", *cluster),
            ("awake", &awake),
            ("asleep", &asleep),
        ];
        let _ = write!(text, "\n{}", fill(texts.status_line, &values));
        if let Some(next) = next(rows, texts, zone) {
            let _ = write!(text, "; {next}");
        }
    }
    let more = clusters.len().saturating_sub(MAX_CLUSTERS);
    if more > 0 {
        let _ = write!(
            text,
            "\n{}",
            fill(texts.and_more, &[("n", &more.to_string())])
        );
    }
    let attention = rows.iter().filter(|row| row.attention).count();
    if attention > 0 {
        let attention = fill(texts.status_attention, &[("n", &attention.to_string())]);
        let _ = write!(text, "\n{attention}");
    }
    text
}

fn counts(rows: &[&PlanRow]) -> (String, String) {
    let asleep = rows.iter().filter(|row| row.sleeps()).count();
    // What is at zero by other hands is neither, and so is what was woken and is not up.
    let is_up = |row: &&&PlanRow| {
        row.resource.desired > 0 && !matches!(row.condition, Some(Condition::NotUp { .. }))
    };
    let awake = rows.iter().filter(is_up).count();
    (awake.to_string(), asleep.to_string())
}

/// The first edge of all.
fn next(rows: &[&PlanRow], texts: &Texts, zone: &Zone) -> Option<String> {
    let edges = rows
        .iter()
        .filter_map(|row| Some((row.next_edge?, row.desired_state?)));
    let (at, desired_state) = edges.min_by_key(|(at, _)| *at)?;
    let text = match desired_state {
        State::On => texts.status_sleeps,
        State::Off => texts.status_wakes,
    };
    Some(fill(text, &[("moment", &texts.moment(at, zone))]))
}

#[cfg(test)]
#[path = "slack_answer_tests.rs"]
mod tests;
