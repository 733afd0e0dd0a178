//! Exceptions from the schedule that people asked for: by tags on the service, and by requests in the state table from a
//! link, a command or the CLI. All of them end by themselves.

pub use common::arn::Place;
use jiff::{SignedDuration, Timestamp};
use schedule::Overrides;
use serde::{Deserialize, Serialize};

use crate::config::Glob;
use crate::resource::Resource;

/// On until the instant that it says, as RFC 3339: `2026-11-21T23:30:00Z`.
pub const KEEP_UP_TAG: &str = "deploy-hooks:keep-up-until";
/// Off until the instant that it says.
pub const FORCE_DOWN_TAG: &str = "deploy-hooks:force-down-until";

/// The longest time that anybody can ask for; what is to last longer belongs into a schedule.
pub const MAX_REQUEST_LENGTH: SignedDuration = SignedDuration::from_hours(24 * 31);

/// An override that is kept in the state table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideRequest {
    /// Two requests of the same id are one.
    pub id: String,
    /// What is asked for.
    pub ask: RequestKind,
    /// A service as `cluster/name` ([`word_of`]), or a pattern over those; several with blanks between them.
    pub services: String,
    /// Until when; not included.
    pub until: Timestamp,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Where; none is everywhere, as in requests of earlier versions. Accounts that share a state table
    /// have services of the same names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestKind {
    /// Put the sleep off, or wake now.
    Snooze,
    /// Stop it, whatever the schedule says.
    ForceDown,
    /// Nobody knows what: its item in the state table can't be read. It is never written.
    #[serde(skip)]
    Unreadable,
}

/// An override that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclearOverride {
    /// What it is.
    pub what: UnclearSource,
    /// What can be understood all the same: the other tag, and what people asked for.
    pub rest: Overrides,
}

/// What can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnclearSource {
    /// A tag of the service.
    #[error("the tag {key} says {value:?}, which is no instant; write it as 2026-11-21T23:30:00Z")]
    Tag {
        /// Its key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// Something in the state table, which may be about any service.
    #[error("something that people asked for can't be read in the state table")]
    Request,
}

/// The overrides of one service. Where several say the same, the one that lasts longest counts. Where
/// requests contradict each other, the later one replaces the earlier ones: whoever wakes a service that was stopped by
/// hand means it.
///
/// What can't be understood does not hide the rest: what else was asked for is in the error.
///
/// For many services there is [`RequestIndex`](crate::request_index::RequestIndex).
pub fn overrides(
    resource: &Resource,
    requests: &[OverrideRequest],
) -> Result<Overrides, UnclearOverride> {
    let ours: Vec<&OverrideRequest> = requests.iter().filter(|one| one.is_for(resource)).collect();
    of(resource, &ours, is_unreadable(requests))
}

/// Whether there is something that can't be read among requests.
pub(crate) fn is_unreadable(requests: &[OverrideRequest]) -> bool {
    requests
        .iter()
        .any(|one| one.ask == RequestKind::Unreadable)
}

/// The overrides by the tags of a service and the requests that are about it.
pub(crate) fn of(
    resource: &Resource,
    ours: &[&OverrideRequest],
    unreadable: bool,
) -> Result<Overrides, UnclearOverride> {
    let keep_up = instant(resource, KEEP_UP_TAG);
    let force_down = instant(resource, FORCE_DOWN_TAG);
    let mut all = Overrides {
        keep_up_until: keep_up.ok().flatten(),
        force_down_until: force_down.ok().flatten(),
        snoozed_until: None,
    };
    let replaced = |request: &OverrideRequest| {
        ours.iter()
            .any(|other| other.ask != request.ask && other.at > request.at)
    };
    for request in ours.iter().filter(|request| !replaced(request)) {
        let until = Some(request.until);
        match request.ask {
            RequestKind::Snooze => all.snoozed_until = all.snoozed_until.max(until),
            RequestKind::ForceDown => all.force_down_until = all.force_down_until.max(until),
            RequestKind::Unreadable => {}
        }
    }
    let tag = |key, read: Result<_, &str>| {
        let value = read.err()?.to_owned();
        Some(UnclearSource::Tag { key, value })
    };
    let unclear = tag(KEEP_UP_TAG, keep_up)
        .or_else(|| tag(FORCE_DOWN_TAG, force_down))
        .or_else(|| unreadable.then_some(UnclearSource::Request));
    match unclear {
        Some(what) => Err(UnclearOverride { what, rest: all }),
        None => Ok(all),
    }
}

/// The instant of a tag; or what it says in place of one.
fn instant<'s>(resource: &'s Resource, key: &str) -> Result<Option<Timestamp>, &'s str> {
    let Some(value) = resource.tags.get(key) else {
        return Ok(None);
    };
    value.trim().parse().map(Some).map_err(|_| value.as_str())
}

impl OverrideRequest {
    /// A placeholder for one whose item can't be read. It is about no service, so that it replaces nothing, and makes it
    /// unclear what people want of every service.
    pub fn unreadable() -> Self {
        Self {
            id: String::new(),
            ask: RequestKind::Unreadable,
            services: String::new(),
            until: Timestamp::MAX,
            by: String::new(),
            at: Timestamp::MIN,
            place: None,
        }
    }

    /// Whether it counts in the service's account and region.
    pub(crate) fn is_where(&self, resource: &Resource) -> bool {
        let here = |place: &Place| {
            (&*place.account, &*place.region) == (resource.account(), resource.region())
        };
        self.place.as_ref().is_none_or(here)
    }

    /// Whether it is about this service.
    pub fn is_for(&self, resource: &Resource) -> bool {
        if !self.is_where(resource) {
            return false;
        }
        let (cluster, name) = (&*resource.cluster, &*resource.name);
        let word = word_of(&resource.place());
        let exact = |text: &str| text == word;
        let matches = |text| Glob::parse(text).is_some_and(|glob| glob.matches(cluster, name));
        // Notices name each service, so most are found without a pattern.
        let mut texts = self.services.split_whitespace();
        texts.any(|text| exact(text) || (is_pattern(text) && matches(text)))
    }
}

/// A service's `cluster/name` as one word of a request: Auto Scaling groups may have blanks in their names.
pub fn word_of(place: &str) -> String {
    place.replace(char::is_whitespace, "?")
}

/// Whether it may match what it does not say letter by letter.
pub(crate) fn is_pattern(text: &str) -> bool {
    !text.contains('/') || text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(tags: &[(&str, &str)]) -> Resource {
        Resource {
            cluster: "dev".into(),
            name: "shop".into(),
            tags: tags
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
            ..Resource::default()
        }
    }

    fn request(ask: RequestKind, services: &str, until: &str) -> OverrideRequest {
        OverrideRequest {
            id: "1".into(),
            ask,
            services: services.into(),
            until: until.parse().unwrap(),
            by: "lead".into(),
            at: "2026-11-21T20:00:00Z".parse().unwrap(),
            place: None,
        }
    }

    #[test]
    fn a_request_is_for_its_own_account_and_region() {
        let shop = |account: &str, region: &str| Resource {
            arn: format!("arn:aws:ecs:{region}:{account}:service/dev/shop"),
            ..resource(&[])
        };
        let ours = shop("111122223333", "eu-central-1");
        let asked = OverrideRequest {
            place: Some(ours.home()),
            ..request(RequestKind::ForceDown, "dev/*", "2026-11-22T09:00:00Z")
        };
        assert!(asked.is_for(&ours));
        assert!(!asked.is_for(&shop("444455556666", "eu-central-1")));
        assert!(!asked.is_for(&shop("111122223333", "us-east-1")));
        assert!(!asked.is_for(&resource(&[])), "nor where that is unknown");
        // As an earlier version has written it.
        let mut value = serde_json::to_value(&asked).unwrap();
        assert_eq!(
            serde_json::from_value::<OverrideRequest>(value.clone()).unwrap(),
            asked
        );
        value.as_object_mut().unwrap().remove("place");
        let old: OverrideRequest = serde_json::from_value(value).unwrap();
        assert!(old.is_for(&ours) && old.is_for(&shop("444455556666", "us-east-1")));
    }

    #[test]
    fn an_unclear_tag_takes_no_request_away() {
        let tagged = resource(&[
            (KEEP_UP_TAG, "tomorrow"),
            (FORCE_DOWN_TAG, "2026-11-22T01:00:00Z"),
        ]);
        let asked = [request(
            RequestKind::Snooze,
            "dev/shop",
            "2026-11-22T09:00:00Z",
        )];
        let unclear = overrides(&tagged, &asked).unwrap_err();
        assert!(
            matches!(unclear.what, UnclearSource::Tag { key, .. } if key == KEEP_UP_TAG),
            "{unclear:?}"
        );
        assert_eq!(unclear.rest.keep_up_until, None);
        assert_eq!(
            unclear.rest.snoozed_until,
            "2026-11-22T09:00:00Z".parse().ok()
        );
        assert_eq!(
            unclear.rest.force_down_until,
            "2026-11-22T01:00:00Z".parse().ok()
        );
    }

    #[test]
    fn an_unreadable_request_makes_all_unclear_and_takes_no_other_away() {
        let until = "2026-11-22T09:00:00Z";
        for ask in [RequestKind::Snooze, RequestKind::ForceDown] {
            let asked = [
                request(ask, "dev/shop", until),
                OverrideRequest::unreadable(),
            ];
            let unclear = overrides(&resource(&[]), &asked).unwrap_err();
            assert_eq!(unclear.what, UnclearSource::Request);
            let rest = unclear.rest;
            assert_eq!(
                rest.snoozed_until.or(rest.force_down_until),
                until.parse().ok()
            );
        }
        let tagged = resource(&[(KEEP_UP_TAG, "tomorrow")]);
        let unclear = overrides(&tagged, &[OverrideRequest::unreadable()]).unwrap_err();
        assert!(
            matches!(unclear.what, UnclearSource::Tag { .. }),
            "{unclear:?}"
        );
    }

    #[test]
    fn the_request_that_lasts_longest_counts() {
        let requests = [
            request(RequestKind::Snooze, "dev/shop", "2026-11-21T23:00:00Z"),
            request(RequestKind::Snooze, "dev/*", "2026-11-22T01:00:00Z"),
            request(RequestKind::Snooze, "test/*", "2026-11-22T09:00:00Z"),
            request(
                RequestKind::Snooze,
                "no(t) a,pattern",
                "2026-11-22T09:00:00Z",
            ),
            request(RequestKind::ForceDown, "shop", "2026-11-21T22:00:00Z"),
        ];
        let all = overrides(
            &resource(&[(KEEP_UP_TAG, "2026-11-21T23:30:00+01:00")]),
            &requests,
        )
        .unwrap();
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(all.snoozed_until, at("2026-11-22T01:00:00Z"));
        assert_eq!(all.force_down_until, at("2026-11-21T22:00:00Z"));
        assert_eq!(all.keep_up_until, at("2026-11-21T22:30:00Z"));
    }

    #[test]
    fn the_last_word_counts() {
        let later = |mut one: OverrideRequest, at: &str| {
            one.at = at.parse().unwrap();
            one
        };
        let until = "2026-11-22T09:00:00Z";
        let mut requests = vec![
            later(
                request(RequestKind::ForceDown, "dev/*", until),
                "2026-11-21T20:00:00Z",
            ),
            later(
                request(RequestKind::Snooze, "dev/shop", until),
                "2026-11-21T20:05:00Z",
            ),
        ];
        let shop = overrides(&resource(&[]), &requests).unwrap();
        assert_eq!(shop.force_down_until, None);
        assert_eq!(shop.snoozed_until, until.parse().ok());
        let other = Resource {
            name: "web".into(),
            ..resource(&[])
        };
        let web = overrides(&other, &requests).unwrap();
        assert_eq!(
            web.force_down_until,
            until.parse().ok(),
            "nobody woke that one"
        );
        requests.push(later(
            request(RequestKind::ForceDown, "shop", until),
            "2026-11-21T20:10:00Z",
        ));
        let repeated = overrides(&resource(&[]), &requests).unwrap();
        assert_eq!(
            (repeated.force_down_until, repeated.snoozed_until),
            (until.parse().ok(), None)
        );
    }

    #[test]
    fn one_request_may_name_several_services() {
        let asked = request(
            RequestKind::Snooze,
            "dev/web dev/sh?p other",
            "2026-11-21T23:00:00Z",
        );
        assert!(asked.is_for(&resource(&[])));
        for others in ["dev/web dev/shopping", "", "dev / shop", "dev/shop/x"] {
            let asked = request(RequestKind::Snooze, others, "2026-11-21T23:00:00Z");
            assert_eq!(
                asked.is_for(&resource(&[])),
                others == "dev / shop",
                "{others}"
            );
        }
    }

    #[test]
    fn a_name_with_blanks_is_one_word() {
        let group = |name: &str| Resource {
            cluster: "autoscaling".into(),
            name: name.into(),
            ..Resource::default()
        };
        for name in ["My Group", "My  Group (blue), old"] {
            let words = word_of(&group(name).place());
            let asked = request(RequestKind::Snooze, &words, "2026-11-21T23:00:00Z");
            assert!(asked.is_for(&group(name)), "{words}");
            for other in ["My", "Group", "(blue),"] {
                assert!(!asked.is_for(&group(other)), "{words}: {other}");
            }
        }
    }

    #[test]
    fn an_unclear_tag_is_no_override() {
        let error = overrides(&resource(&[(KEEP_UP_TAG, "tomorrow")]), &[]).unwrap_err();
        insta::assert_snapshot!(error.what, @r#"the tag deploy-hooks:keep-up-until says "tomorrow", which is no instant; write it as 2026-11-21T23:30:00Z"#);
    }
}
