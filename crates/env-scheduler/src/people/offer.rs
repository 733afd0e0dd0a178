//! What a notice offers: which services sleep when, and until when that can be put off. It is stored once, when the first
//! notice is made, and all links and buttons refer to it. Services that are found only later get an offer of their own.

use common::state::{CreateOutcome, Key, StateError, Table};
use environments::request_index::RequestIndex;
use environments::resource::Resource;
use environments::schedule_overrides::{OverrideRequest, Place, word_of};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use crate::event::{Action, Event};

/// How long an offer is kept after its sleep: longer than any link to it is valid.
const OFFER_LIFETIME: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A link to wake is valid no longer than this after the sleep, whenever the next morning is.
const MAX_WAKE_LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(72);
/// The hours that can be woken for.
pub const WAKE_HOURS: std::ops::RangeInclusive<i64> = 1..=12;

/// What a notice offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its opaque name.
    pub id: OpaqueId,
    /// Where its services are.
    pub target: Target,
    /// `cluster/name` each, in order.
    pub services: Vec<String>,
    /// When they sleep.
    pub edge: Timestamp,
    /// When they wake by themselves.
    pub wakes: Option<Timestamp>,
    /// Until when the sleep can be put off, one choice each.
    pub choices: Vec<Timestamp>,
    /// When the notice was made.
    pub made_at: Timestamp,
}

/// Where an event leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The account, if not the function's own.
    pub account: Option<String>,
    /// The region, if not the function's own.
    pub region: Option<String>,
    /// The role to take there.
    pub role_arn: Option<String>,
}

impl Target {
    /// Of an event.
    pub fn of(event: &Event) -> Self {
        Self {
            account: event.account.clone(),
            region: event.region.clone(),
            role_arn: event.role_arn.clone(),
        }
    }

    /// The account and region, if the function's own are these.
    pub fn place(&self, own: &Place) -> Place {
        let or =
            |message: &Option<String>, own: &str| message.clone().unwrap_or_else(|| own.to_owned());
        Place {
            account: or(&self.account, &own.account),
            region: or(&self.region, &own.region),
        }
    }

    /// An event that reconciles there.
    pub fn tick(&self, cause: String) -> Event {
        Event {
            account: self.account.clone(),
            region: self.region.clone(),
            role_arn: self.role_arn.clone(),
            cause: Some(cause),
            ..Event::new(Action::Tick)
        }
    }
}

impl Offer {
    /// Until when a link to put the sleep off is valid: as long as that would mean anything.
    pub fn snooze_ends(&self, choice: u8) -> Option<Timestamp> {
        self.choices.get(usize::from(choice)).copied()
    }

    /// Until when a link to wake is valid.
    pub fn wake_ends(&self) -> Timestamp {
        let night = self
            .edge
            .checked_add(MAX_WAKE_LINK_LIFETIME)
            .unwrap_or(Timestamp::MAX);
        self.wakes.map_or(night, |wakes| wakes.min(night))
    }

    /// The services as the pattern of a request.
    pub fn pattern(&self) -> String {
        let words: Vec<String> = self.services.iter().map(|it| word_of(it)).collect();
        words.join(" ")
    }

    /// Whether somebody has asked for one of the services to be down now.
    pub fn is_stopped(&self, place: &Place, requests: &[OverrideRequest], now: Timestamp) -> bool {
        let Place { account, region } = place;
        let service = |name: &String| {
            let (cluster, own) = name.split_once('/')?;
            Some(Resource {
                arn: format!("arn:aws:ecs:{region}:{account}:service/{name}"),
                cluster: cluster.to_owned(),
                name: own.to_owned(),
                ..Resource::default()
            })
        };
        let index = RequestIndex::new(requests);
        let mut services = self.services.iter().filter_map(service);
        services.any(|service| {
            // Beside what is unclear a wish still counts.
            let of = index.of(&service).unwrap_or_else(|unclear| unclear.rest);
            of.force_down_until.is_some_and(|until| now < until)
        })
    }
}

/// Offers in the state table.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a>(pub Table<'a>);

impl Offers<'_> {
    /// Stores an offer, once: returns the one that counts, which may be an earlier one.
    pub async fn open(&self, offer: Offer) -> Result<Offer, StateError> {
        let expires = offer
            .edge
            .checked_add(OFFER_LIFETIME)
            .unwrap_or(Timestamp::MAX);
        match self.0.create(&key(&offer.id), &offer, expires).await? {
            CreateOutcome::New => Ok(offer),
            CreateOutcome::Exists(item) => Ok(item.value),
        }
    }

    /// An offer by its id.
    pub async fn read(&self, id: &OpaqueId) -> Result<Option<Offer>, StateError> {
        let item = self.0.get(&key(id)).await?;
        Ok(item.map(|item| item.value))
    }
}

fn key(id: &OpaqueId) -> Key {
    Key::new(format!("environment-offer#{id}"), "offer")
}

/// The id that the same parts always have.
pub fn derived_id(parts: &[&str]) -> OpaqueId {
    OpaqueId::of(&[&["deploy-hooks environments"], parts].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer {
            id: derived_id(&["x"]),
            target: Target::default(),
            services: vec!["dev/api".into(), "dev/web".into()],
            edge: "2026-11-20T21:00:00Z".parse().unwrap(),
            wakes: Some("2026-11-23T08:00:00Z".parse().unwrap()),
            choices: vec!["2026-11-20T22:00:00Z".parse().unwrap()],
            made_at: "2026-11-20T20:45:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_name_is_that_of_its_parts() {
        assert_eq!(derived_id(&["a", "bc"]), derived_id(&["a", "bc"]));
        assert_ne!(derived_id(&["a", "bc"]), derived_id(&["ab", "c"]));
        assert_ne!(derived_id(&["a"]), derived_id(&["a", ""]));
    }

    #[test]
    fn no_link_outlives_what_it_offers() {
        let offer = offer();
        assert_eq!(offer.snooze_ends(0), Some(offer.choices[0]));
        assert_eq!(offer.snooze_ends(1), None);
        assert_eq!(offer.wake_ends(), offer.wakes.unwrap());
        let holidays = Offer {
            wakes: None,
            ..offer.clone()
        };
        let three_days = offer.edge + SignedDuration::from_hours(72);
        assert_eq!(holidays.wake_ends(), three_days);
        assert_eq!(offer.pattern(), "dev/api dev/web");
        let group = Offer {
            services: vec!["autoscaling/My Group".into(), "dev/web".into()],
            ..offer
        };
        assert_eq!(group.pattern(), "autoscaling/My?Group dev/web");
    }

    #[test]
    fn a_tick_goes_where_the_services_are() {
        let event = Event {
            account: Some("444455556666".into()),
            region: Some("eu-west-1".into()),
            role_arn: Some("arn:aws:iam::444455556666:role/worker".into()),
            only: Some("dev/*".into()),
            ..Event::new(Action::Down)
        };
        let own = Place {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
        };
        let there = Target::of(&event).place(&own);
        assert_eq!(
            (&*there.account, &*there.region),
            ("444455556666", "eu-west-1")
        );
        let here = Target::default().place(&own);
        assert_eq!((here.account, here.region), (own.account, own.region));
        let tick = Target::of(&event).tick("asked".into());
        assert_eq!(tick.role_arn, event.role_arn);
        assert_eq!((tick.account, tick.region), (event.account, event.region));
        assert_eq!((tick.action, tick.only), (Action::Tick, None));
    }
}
