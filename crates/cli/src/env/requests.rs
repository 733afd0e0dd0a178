//! What people ask for on a command line: which services, until when, and the records that this becomes.

use environments::config::Glob;
use environments::plan::{Plan, PlanRow, totals};
use environments::resource::Resource;
use environments::schedule_overrides::{
    MAX_REQUEST_LENGTH, OverrideRequest, Place, RequestKind, word_of,
};
use jiff::Timestamp;
use strict_yaml::words::{list, nearest};

use crate::failure::Failure;

/// Services by pattern.
pub(crate) struct Patterns(Vec<Glob>);

/// Who asks for what, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestTemplate<'a> {
    pub(crate) ask: RequestKind,
    pub(crate) by: &'a str,
    pub(crate) now: Timestamp,
    /// Where; none: wherever the state table is used.
    pub(crate) place: Option<&'a Place>,
}

impl Patterns {
    /// Reads them; none at all is everything.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, Failure> {
        let all = ["*".to_owned()];
        let texts = if texts.is_empty() { &all } else { texts };
        let read = texts.iter().map(|text| {
            Glob::parse(text).ok_or_else(|| {
                Failure::Wrong(format!(
                    "{text:?} can't match any service; write cluster/service or a service's name, with * for \
                     any text and ? for one character"
                ))
            })
        });
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    /// Whether one of them matches.
    pub(crate) fn match_one(&self, service: &Resource) -> bool {
        self.0
            .iter()
            .any(|glob| glob.matches(&service.cluster, &service.name))
    }

    /// The rows that they are about. A pattern that is about no selected service is a mistake.
    pub(crate) fn choose<'p>(&self, plan: &'p Plan) -> Result<Vec<&'p PlanRow>, Failure> {
        for glob in &self.0 {
            let mut rows = plan
                .rows
                .iter()
                .filter(|row| glob.matches(&row.resource.cluster, &row.resource.name));
            if rows.clone().any(PlanRow::is_selected) {
                continue;
            }
            return Err(Failure::Wrong(match rows.next() {
                Some(row) => format!(
                    "{:?} matches nothing that may be touched: {}: {}",
                    glob.to_string(),
                    row.resource.place(),
                    row.why
                ),
                None => unknown(&glob.to_string(), plan),
            }));
        }
        let ours = |row: &&PlanRow| row.is_selected() && self.match_one(&row.resource);
        Ok(plan.rows.iter().filter(ours).collect())
    }

    /// Only those rows, counted anew.
    pub(crate) fn narrow(&self, plan: &Plan) -> Plan {
        let rows: Vec<PlanRow> = plan
            .rows
            .iter()
            .filter(|row| self.match_one(&row.resource))
            .cloned()
            .collect();
        Plan {
            at: plan.at,
            totals: totals(&rows),
            rows,
        }
    }

    /// A request for each.
    pub(crate) fn requests(
        &self,
        wish: RequestTemplate<'_>,
        until: Timestamp,
    ) -> Vec<OverrideRequest> {
        self.0
            .iter()
            .map(|glob| wish.request(&glob.to_string(), until))
            .collect()
    }
}

impl RequestTemplate<'_> {
    /// A request of its own id, about one service or pattern.
    pub(crate) fn request(self, service: &str, until: Timestamp) -> OverrideRequest {
        OverrideRequest {
            id: signing::new_id(),
            ask: self.ask,
            services: word_of(service),
            until,
            by: self.by.to_owned(),
            at: self.now,
            place: self.place.cloned(),
        }
    }

    /// The requests that hold until the next edge of each service; one for each pattern where that is the
    /// same for all. `alone` is the plan without what these requests replace: `up` after `down` must not
    /// hold for as long as the `down` would have.
    pub(crate) fn until_next_edge(
        self,
        patterns: &Patterns,
        rows: &[&PlanRow],
        alone: &Plan,
    ) -> Result<Vec<OverrideRequest>, Failure> {
        let next_edge = |row: &PlanRow| alone.find(&row.resource.arn)?.next_edge;
        // A service that is on anyway needs nobody's word; one that was started by hand does.
        let needs = |row: &&&PlanRow| self.ask == RequestKind::ForceDown || row.wants_sleep();
        let called: Vec<&PlanRow> = rows.iter().filter(needs).copied().collect();
        if let Some(endless) = called.iter().find(|row| next_edge(row).is_none()) {
            return Err(Failure::Wrong(format!(
                "the schedule of {} never changes ({}); say how long, with --for or --until",
                endless.resource.place(),
                endless.source.as_deref().unwrap_or_default()
            )));
        }
        let far = |row: &&&PlanRow| {
            next_edge(row).is_some_and(|edge| edge.duration_since(self.now) > MAX_REQUEST_LENGTH)
        };
        if let Some(far) = called.iter().find(far) {
            return Err(Failure::Wrong(format!(
                "the schedule of {} does not change within 31 days ({}); say how long, with --for or --until",
                far.resource.place(),
                far.source.as_deref().unwrap_or_default()
            )));
        }
        let mut edges: Vec<Timestamp> = called.iter().filter_map(|row| next_edge(row)).collect();
        edges.sort_unstable();
        edges.dedup();
        Ok(match edges.as_slice() {
            [one] if called.len() == rows.len() => patterns.requests(self, *one),
            _ => called
                .iter()
                .filter_map(|row| Some(self.request(&row.resource.place(), next_edge(row)?)))
                .collect(),
        })
    }
}

/// The message for a service that isn't there.
pub(crate) fn unknown(name: &str, plan: &Plan) -> String {
    // A plan is in the order of what happens next, which changes with the time of day.
    let mut places: Vec<String> = plan.rows.iter().map(|row| row.resource.place()).collect();
    places.sort_unstable();
    let names = plan.rows.iter().map(|row| row.resource.name.as_str());
    let known = places.iter().map(String::as_str).chain(names);
    let remedy = match nearest(name, known) {
        Some(near) => format!("did you mean {near:?}?"),
        None if places.is_empty() => {
            "no service was found at all; check region, credentials, and clusters in the configuration"
                .to_owned()
        }
        None if places.len() > 8 => "`env plan --all` lists them".to_owned(),
        None => format!("there are {}", list(places.iter().map(String::as_str))),
    };
    format!("there is no service {name:?}; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_one_word_of_a_request() {
        let wish = RequestTemplate {
            ask: RequestKind::Snooze,
            by: "lead",
            now: Timestamp::UNIX_EPOCH,
            place: None,
        };
        let group = Resource {
            cluster: "autoscaling".into(),
            name: "My Group".into(),
            ..Resource::default()
        };
        let asked = wish.request(&group.place(), Timestamp::MAX);
        assert_eq!(asked.services, "autoscaling/My?Group");
        assert!(asked.is_for(&group));
    }
}
