//! What somebody asks for, whichever way it came: checked, written down, begun, and recorded.
//!
//! The request is what counts, and it is written first; the run that is begun for it only makes it
//! happen sooner than the next tick. The audit is only ever added to.

use std::time::Duration;

use common::state::StateError;
use contacts::Approver;
use environments::config::Config;
use environments::decide::PlanContext;
use environments::gather::gather_named;
use environments::outlook::Outlook;
use environments::read::Reader;
use environments::schedule_overrides::{OverrideRequest, Place, RequestKind};
use jiff::Timestamp;
use ledger::{Actor, AuditKind, AuditRecord, Via};
use signing::OpaqueId;
use text::clean::short;

use crate::cross_account::CrossAccountError;
use crate::event::Event;
use crate::people::messenger::Messenger;
use crate::people::offer::{Offer, derived_id};
use crate::people::permissions::{Permission, may};
use crate::{Invocation, continuation, cross_account};

/// For reading how the services are: somebody waits for the answer.
const OUTLOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// The immutable id.
    pub id: Approver,
    /// The name people know; decides nothing.
    pub name: String,
    /// How it came.
    pub via: Via,
    /// The address that it came from, if that is known.
    pub from: Option<String>,
}

impl Requester {
    fn actor(&self) -> Actor {
        Actor::new(&self.id, &short(&self.name, 60), self.via)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRequest {
    /// Names it: the same twice is one.
    pub id: String,
    /// Whether what sleeps already is to wake.
    pub right: Permission,
    /// `cluster/service` or patterns over those, with blanks between them.
    pub services: String,
    /// The account and region that they are in.
    pub place: Place,
    /// Until when.
    pub until: Timestamp,
    /// What makes it happen at once; none: nothing is to be done before the next tick.
    pub events: Vec<Event>,
}

/// Why nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// Who asks may not.
    MayNot,
    /// It could not be written down; what went wrong.
    Failed(String),
}

/// Whether keeping an offer's services awake means to wake some now: after the sleep, and where somebody
/// has stopped one before it. That takes more than the right to put a sleep off.
pub async fn wakes(
    messenger: &Messenger<'_>,
    offer: &Offer,
    place: &Place,
) -> Result<bool, StateError> {
    let now = messenger.now();
    if now >= offer.edge {
        return Ok(true);
    }
    let records = messenger.function.record_store(messenger.settings);
    // Each tick reports what can't be read.
    let (requests, _) = records.requests().await?;
    Ok(offer.is_stopped(place, &requests, now))
}

/// Carries it out, and gives back the request that counts: where the same was asked before, the earlier one
/// does. Leaves an audit record of whatever came of it.
pub async fn carry_out(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    config: &Config,
    (who, asked): (&Requester, &ChangeRequest),
) -> Result<OverrideRequest, ChangeRefusal> {
    if !may(&config.people, asked.right, &who.id) {
        record(
            messenger,
            who,
            format!("refused: {}", audit_sentence(asked)),
        )
        .await;
        return Err(ChangeRefusal::MayNot);
    }
    let request = OverrideRequest {
        id: asked.id.clone(),
        ask: RequestKind::Snooze,
        services: asked.services.clone(),
        until: asked.until,
        by: who.actor().to_string(),
        at: messenger.now(),
        place: Some(asked.place.clone()),
    };
    let records = messenger.function.record_store(messenger.settings);
    let counts = match records.request(&request).await {
        Ok(counts) => counts,
        Err(error) => {
            let why = error.to_string();
            tracing::error!("{why}");
            record(
                messenger,
                who,
                format!("failed: {}: {why}", audit_sentence(asked)),
            )
            .await;
            return Err(ChangeRefusal::Failed(why));
        }
    };
    for event in &asked.events {
        // The next tick does it, too.
        if let Err(why) =
            continuation::invoke_self(messenger.function, messenger.settings, invocation, event)
                .await
        {
            tracing::error!("{why}");
        }
    }
    record(messenger, who, audit_sentence(asked)).await;
    Ok(counts)
}

/// What the next run makes of a request for an offer's services; none where that can't be read in time.
pub async fn outlook(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    config: &Config,
    (offer, counts): (&Offer, &OverrideRequest),
) -> Option<Outlook> {
    let reading = Box::pin(read_outlook(messenger, invocation, config, (offer, counts)));
    let read = tokio::time::timeout(OUTLOOK_TIMEOUT, reading).await;
    let Ok(read) = read else {
        tracing::warn!("the services could not be read in time");
        return None;
    };
    let read = read.inspect_err(|error| tracing::error!("{error}"));
    read.ok().flatten()
}

async fn read_outlook(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    config: &Config,
    (offer, counts): (&Offer, &OverrideRequest),
) -> Result<Option<Outlook>, CrossAccountError> {
    let (function, settings) = (messenger.function, messenger.settings);
    let own = cross_account::own_place(invocation)?;
    let event = offer.target.tick(String::new());
    let place = cross_account::allowed(&event, &own, config)?;
    let there = (&event, &own, &place);
    let other = cross_account::clients(function, settings, invocation, there).await?;
    let learned = function.cache.of(&place, &config.rate);
    let reader = Reader {
        aws: other.as_ref().unwrap_or(&function.aws),
        limiter: &learned.limiters.reads,
        sizes: &learned.sizes,
    };
    let store = function.record_store(settings);
    let gathered = gather_named(reader, store, config, &offer.services).await;
    for problem in &gathered.problems {
        tracing::warn!("{problem}");
    }
    let ctx = PlanContext {
        now: messenger.now(),
        run: &invocation.request_id,
        defer_deadline: config.defer_deadline,
    };
    let is_whole = gathered
        .problems
        .iter()
        .all(|one| !one.kind.hides_resources());
    Ok(is_whole.then(|| Outlook::with(counts, &gathered, config, &ctx)))
}

fn audit_sentence(asked: &ChangeRequest) -> String {
    let word = asked.right.word();
    let services: Vec<&str> = asked.services.split_whitespace().collect();
    let more = services.len().saturating_sub(20);
    let named = services[..services.len() - more].join(" ");
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "{word} {named}{more} until {} (request {})",
        asked.until, asked.id
    )
}

/// The audit of all environments of a stack in one month (UTC).
pub fn audit_id(at: Timestamp) -> OpaqueId {
    derived_id(&["audit", &at.strftime("%Y-%m").to_string()])
}

/// Adds to the audit.
pub async fn record(messenger: &Messenger<'_>, who: &Requester, result: String) {
    let now = messenger.now();
    let record: AuditRecord<()> = AuditRecord {
        by: vec![who.actor()],
        via: Some(who.via),
        from: who.from.clone(),
        ..AuditRecord::new(AuditKind::Click, audit_id(now), now, result)
    };
    if let Err(error) = messenger.ledger().audit(&record).await {
        tracing::error!("the audit is incomplete: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_says_what_was_asked_for_in_one_sentence() {
        let services: Vec<String> = (0..30).map(|n| format!("dev/s{n:02}")).collect();
        let asked = ChangeRequest {
            id: "x-1".into(),
            right: Permission::Wake,
            services: services.join(" "),
            place: Place {
                account: "111122223333".into(),
                region: "eu-central-1".into(),
            },
            until: "2026-11-20T22:00:00Z".parse().unwrap(),
            events: Vec::new(),
        };
        let sentence = audit_sentence(&asked);
        assert!(sentence.starts_with("wake dev/s00 dev/s01 "), "{sentence}");
        assert!(
            sentence.ends_with(" dev/s19 and 10 more until 2026-11-20T22:00:00Z (request x-1)"),
            "{sentence}"
        );
    }

    #[test]
    fn a_trail_is_a_month() {
        let of = |text: &str| audit_id(text.parse().unwrap());
        assert_eq!(of("2026-11-01T00:00:00Z"), of("2026-11-30T23:59:59Z"));
        assert_ne!(of("2026-11-30T23:59:59Z"), of("2026-12-01T00:00:00Z"));
    }
}
