//! Requests by service: each notice names every service, and requests are kept for weeks, so that reading all of them for
//! each service would take too long.

use std::collections::HashMap;

use jiff::Timestamp;
use schedule::Overrides;

use crate::config::Glob;
use crate::resource::Resource;
use crate::schedule_overrides::{
    OverrideRequest, RequestKind, UnclearOverride, is_pattern, is_unreadable, of, word_of,
};

/// Requests by the services that they are about.
#[derive(Debug)]
pub struct RequestIndex<'r> {
    named: HashMap<&'r str, Vec<&'r OverrideRequest>>,
    patterns: Vec<(Glob, &'r OverrideRequest)>,
    unreadable: bool,
}

impl<'r> RequestIndex<'r> {
    /// Reads requests once, for any number of services.
    pub fn new(requests: &'r [OverrideRequest]) -> Self {
        let mut asked = Self {
            named: HashMap::new(),
            patterns: Vec::new(),
            unreadable: is_unreadable(requests),
        };
        for request in requests {
            for word in request.services.split_whitespace() {
                asked.named.entry(word).or_default().push(request);
                let pattern = Some(word).filter(|word| is_pattern(word));
                let pattern = pattern.and_then(Glob::parse).map(|glob| (glob, request));
                asked.patterns.extend(pattern);
            }
        }
        asked
    }

    /// What [`overrides`](crate::schedule_overrides::overrides) says of a service.
    pub fn of(&self, resource: &Resource) -> Result<Overrides, UnclearOverride> {
        of(resource, &self.about(resource), self.unreadable)
    }

    /// When somebody last asked for it to be awake, where that holds now.
    pub(crate) fn asked_up_at(&self, resource: &Resource, now: Timestamp) -> Option<Timestamp> {
        let holds = |one: &&OverrideRequest| {
            one.ask == RequestKind::Snooze && (one.at..one.until).contains(&now)
        };
        let about = self.about(resource).into_iter();
        about.filter(holds).map(|one| one.at).max()
    }

    fn about(&self, resource: &Resource) -> Vec<&'r OverrideRequest> {
        let (cluster, name) = (&*resource.cluster, &*resource.name);
        let named = self.named.get(word_of(&resource.place()).as_str());
        let named = named.into_iter().flatten().copied();
        let matching = self.patterns.iter();
        let matching = matching.filter(|(glob, _)| glob.matches(cluster, name));
        let all = named.chain(matching.map(|(_, request)| *request));
        all.filter(|one| one.is_where(resource)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule_overrides::{Place, RequestKind, overrides};

    #[test]
    fn it_says_what_each_request_says() {
        let resource = |cluster: &str, name: &str| Resource {
            arn: format!("arn:aws:ecs:eu-central-1:111122223333:service/{cluster}/{name}"),
            cluster: cluster.into(),
            name: name.into(),
            ..Resource::default()
        };
        let services = [
            resource("dev", "shop"),
            resource("dev", "web"),
            resource("test", "shop"),
            resource("autoscaling", "My Group (blue), old"),
            resource("autoscaling", "My Group"),
        ];
        let words = [
            "dev/shop dev/web",
            "dev/*",
            "sh?p",
            "shop",
            "autoscaling/My?Group",
            "autoscaling/My?Group?(blue),?old dev/web",
            "",
            "dev / shop",
            "dev/shop/x no(t) a,pattern",
        ];
        let other_place = Place {
            account: "444455556666".into(),
            region: "eu-central-1".into(),
        };
        let request = |(n, services): (usize, &&str), ask, place| OverrideRequest {
            id: n.to_string(),
            ask,
            services: (*services).to_owned(),
            until: format!("2026-11-2{n}T09:00:00Z").parse().unwrap(),
            by: "lead".into(),
            at: format!("2026-11-19T20:0{n}:00Z").parse().unwrap(),
            place,
        };
        let numbered = || words.iter().enumerate();
        let mut all: Vec<OverrideRequest> = numbered()
            .map(|one| request(one, RequestKind::Snooze, None))
            .collect();
        let mut sets: Vec<Vec<OverrideRequest>> = all.iter().map(|one| vec![one.clone()]).collect();
        all.push(request((1, &"dev/web"), RequestKind::ForceDown, None));
        all.push(request(
            (9, &"*"),
            RequestKind::ForceDown,
            Some(other_place),
        ));
        sets.push(all.clone());
        all.push(OverrideRequest::unreadable());
        sets.extend([all, Vec::new()]);
        let mut found = 0;
        for (requests, resource) in sets
            .iter()
            .flat_map(|set| services.iter().map(move |one| (set, one)))
        {
            let found_overrides = RequestIndex::new(requests).of(resource);
            assert_eq!(
                found_overrides,
                overrides(resource, requests),
                "{resource:?} {requests:?}"
            );
            found += usize::from(found_overrides.is_ok_and(|all| all != Overrides::default()));
        }
        assert!(found > 10, "only {found}");
    }
}
