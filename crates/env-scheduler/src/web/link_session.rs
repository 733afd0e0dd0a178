//! `/e/LINK`: a page that says what will happen, and a form that does it. GET and HEAD change nothing,
//! whoever sends them: mail scanners follow links. Who can't prove anything learns nothing.

use std::sync::Arc;

use environments::config::Config;
use environments::schedule_overrides::Place;
use function_url::{Form, Request, Response};
use jiff::{SignedDuration, Timestamp};
use ledger::Via;
use signing::Keys;
use signing::link::{self, LinkError};

use super::change_request::{ChangeRefusal, ChangeRequest, Requester, carry_out, outlook, wakes};
use super::page::{self, Notice, View};
use crate::people::link_claims::{Link, LinkAction, audience};
use crate::people::messenger::Messenger;
use crate::people::offer::{Offer, Offers, WAKE_HOURS};
use crate::people::permissions::{Permission, may};
use crate::people::texts::{Texts, Zone};
use crate::{Invocation, configuration};

/// A form holds two short fields.
const MAX_BODY_BYTES: usize = 8 * 1024;

/// Answers a request for a link.
pub async fn serve(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    request: &Request,
    sealed: &str,
) -> Response {
    let reading = matches!(request.method.as_str(), "GET" | "HEAD");
    if !reading && request.method != "POST" {
        return Response::only("GET, HEAD, POST");
    }
    let (link, keys) = match opened(messenger, sealed).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let Some((config, offer)) = Box::pin(read(messenger, invocation, &link)).await else {
        return Response::unavailable();
    };
    let Some(LinkOffer {
        offer,
        place,
        wakes,
    }) = offer
    else {
        return Response::not_found();
    };
    let link_session = LinkSession {
        messenger,
        invocation,
        config: &config,
        keys,
        link: &link,
        sealed,
        offer: &offer,
        place,
        wakes,
    };
    if reading {
        link_session.show(200, None)
    } else {
        Box::pin(link_session.take(request)).await
    }
}

/// The link, and the keys that it counts with.
async fn opened(messenger: &Messenger<'_>, sealed: &str) -> Result<(Link, Arc<Keys>), Response> {
    let function = messenger.function;
    let (audience, now) = (audience(&messenger.settings.state_table), messenger.now());
    let open = |keys: &Arc<Keys>| link::open(keys, &audience, sealed, now);
    match function.keyring.check(&function.aws, now, open).await {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(error)) => {
            tracing::warn!("a link was refused: {error}");
            Err(if error == LinkError::Expired {
                Response::expired()
            } else {
                Response::not_found()
            })
        }
        Err(error) => {
            tracing::error!("no link can be opened: {error}");
            Err(Response::unavailable())
        }
    }
}

/// What a link leads to.
struct LinkOffer {
    offer: Offer,
    /// Where its services are.
    place: Place,
    /// Whether keeping them awake means to wake some now.
    wakes: bool,
}

/// The configuration and the offer; none where they can't be read.
async fn read(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    link: &Link,
) -> Option<(Arc<Config>, Option<LinkOffer>)> {
    let own = invocation.place()?;
    let config = configuration::current(messenger.function, messenger.settings, &own.account);
    let offers = Offers(messenger.table());
    let (config, offer) = tokio::join!(Box::pin(config), offers.read(&link.claims.offer));
    let config = config.inspect_err(|why| tracing::error!("{why}")).ok()?;
    let offer = offer.inspect_err(|error| tracing::error!("{error}")).ok()?;
    let Some(offer) = offer else {
        return Some((config, None));
    };
    let place = offer.target.place(&own);
    let wakes = Box::pin(wakes(messenger, &offer, &place)).await;
    let wakes = wakes.inspect_err(|error| tracing::error!("{error}")).ok()?;
    let offered = LinkOffer {
        offer,
        place,
        wakes,
    };
    Some((config, Some(offered)))
}

/// Somebody with a link that counts.
struct LinkSession<'a> {
    messenger: &'a Messenger<'a>,
    invocation: &'a Invocation,
    config: &'a Config,
    keys: Arc<Keys>,
    link: &'a Link,
    sealed: &'a str,
    offer: &'a Offer,
    place: Place,
    wakes: bool,
}

impl LinkSession<'_> {
    fn form(&self) -> Form<'_> {
        Form {
            purpose: "environment form",
            cookie: "__Host-environment",
            subject: self.sealed,
        }
    }

    fn show(&self, status: u16, notice: Option<&Notice>) -> Response {
        let may = may(&self.config.people, self.right(), &self.link.claims.by);
        let asks = may && !matches!(notice, Some(Notice::Done { .. }));
        let nonce = (self.messenger.function.new_id)();
        let form = asks.then(|| self.form().show(&self.keys, &nonce));
        let zone = Zone::of(self.config.zone.as_deref());
        let view = View {
            offer: self.offer,
            link: self.link,
            sealed: self.sealed,
            seal: form.as_ref().map(|form| form.seal.as_str()),
            may,
            notice,
            texts: self.texts(),
            zone: &zone,
            now: self.messenger.now(),
        };
        let response = Response::page(status, page::show(&view));
        match form {
            Some(form) => response.with_cookie(form.cookie),
            None => response,
        }
    }

    /// The language of the channel that the link was sent to.
    fn texts(&self) -> &'static Texts {
        use contacts::{Approver, ChannelKind};
        let people = &self.config.people;
        let sent_to = people.channels.values().find(|channel| match &self.link.claims.by {
            Approver::Link(name) => channel.name == *name,
            Approver::Email(address) => {
                matches!(&channel.kind, ChannelKind::Ses { to, .. } if to.iter().any(|to| to.eq_ignore_ascii_case(address)))
            }
            Approver::Slack { .. } => false,
        });
        Texts::of(sent_to.map_or(people.language, |channel| people.language_of(channel)))
    }

    /// Who only puts a sleep off wakes nothing.
    fn right(&self) -> Permission {
        match self.link.claims.wish {
            LinkAction::Snooze(_) if !self.wakes => Permission::Snooze,
            _ => Permission::Wake,
        }
    }

    /// Takes what was sent from the page.
    async fn take(&self, request: &Request) -> Response {
        if request.oversized || request.body.len() > MAX_BODY_BYTES {
            return Response::unavailable().with_status(413);
        }
        let nonce = match self.form().sent(&self.keys, request) {
            Ok(nonce) => nonce,
            Err(refused) => {
                tracing::warn!("a form was refused: {refused}");
                return self.show(403, Some(&Notice::NotSent));
            }
        };
        let Some(asked) = self.asked(request, &nonce) else {
            return self.show(422, Some(&Notice::WrongHours));
        };
        let who = Requester {
            id: self.link.claims.by.clone(),
            name: String::new(),
            via: Via::Link,
            from: request.source_ip.clone(),
        };
        let done = carry_out(self.messenger, self.invocation, self.config, (&who, &asked));
        match Box::pin(done).await {
            Ok(counts) => {
                let about = (self.offer, &counts);
                let outlook = outlook(self.messenger, self.invocation, self.config, about).await;
                let done = Notice::Done {
                    until: counts.until,
                    wakes: !asked.events.is_empty(),
                    dry_run: self.messenger.settings.dry_run,
                    outlook,
                };
                self.show(200, Some(&done))
            }
            Err(ChangeRefusal::MayNot) => self.show(403, None),
            Err(ChangeRefusal::Failed(_)) => self.show(503, Some(&Notice::Failed)),
        }
    }

    /// What is asked for; none where the hours are none.
    fn asked(&self, request: &Request, nonce: &str) -> Option<ChangeRequest> {
        let offer = self.offer;
        let right = self.right();
        let begins = self.messenger.now().max(offer.edge);
        let (choice, until) = match self.link.claims.wish {
            LinkAction::Snooze(choice) => (i64::from(choice), offer.snooze_ends(choice)?),
            LinkAction::Wake => {
                let hours: i64 = request.field("hours")?.trim().parse().ok()?;
                (hours, later(begins, hours)?)
            }
        };
        let cause = format!(
            "asked for by the holder of the link of {}",
            self.link.claims.by
        );
        // Where nothing is woken there is nothing to do: the request says all.
        let tick = self.wakes.then(|| offer.target.tick(cause));
        Some(ChangeRequest {
            // A page that is sent twice is one request. Another page, or another choice on it, is another
            // one: what was asked for before may have been replaced.
            id: format!("{}-{}-{choice}-{nonce}", offer.id, right.word()),
            right,
            services: offer.pattern(),
            place: self.place.clone(),
            until,
            events: tick.into_iter().collect(),
        })
    }
}

fn later(begins: Timestamp, hours: i64) -> Option<Timestamp> {
    let right = WAKE_HOURS.contains(&hours);
    let later = begins.checked_add(SignedDuration::from_hours(hours.clamp(0, 24)));
    later.ok().filter(|_| right)
}
