//! What a plan says of those who asked for services to be awake: how many are, which stay down all the same, and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schedule::State;

use crate::config::Config;
use crate::decide::{PlanContext, Step};
use crate::explain::on_clocks;
use crate::gather::GatheredFacts;
use crate::plan::{Facts, Plan, PlanRow, plan};
use crate::resource::Status;
use crate::schedule_overrides::{FORCE_DOWN_TAG, OverrideRequest};

/// What is to be expected of the services that somebody wants awake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// How many are awake, or wake.
    pub awake: usize,
    /// `cluster/name` of those that stay down, by the reason and the remedy.
    pub down: BTreeMap<String, Vec<String>>,
}

impl Outlook {
    /// By a plan in which the request counts already.
    pub fn of(plan: &Plan) -> Self {
        let mut outlook = Self::default();
        for row in plan.rows.iter().filter(|row| row.is_selected()) {
            match stays_down(row, plan.at) {
                Some(why) => outlook
                    .down
                    .entry(why)
                    .or_default()
                    .push(row.resource.place()),
                None => outlook.awake += 1,
            }
        }
        outlook
    }

    /// By what was read, if this counts as well.
    pub fn with(
        request: &OverrideRequest,
        gathered: &GatheredFacts,
        config: &Config,
        ctx: &PlanContext<'_>,
    ) -> Self {
        let mut requests = gathered.requests.clone();
        if requests.iter().all(|one| one.id != request.id) {
            requests.push(request.clone());
        }
        let resources = gathered.resources.iter();
        let facts = Facts {
            resources: resources
                .filter(|one| request.is_for(one))
                .cloned()
                .collect(),
            records: gathered.records.clone(),
            requests: &requests,
        };
        Self::of(&plan(facts, config, ctx))
    }

    /// Each reason with its services, with times as the clocks of a zone show them.
    pub fn reasons(&self, zone: &TimeZone) -> impl Iterator<Item = (String, &[String])> {
        let down = self.down.iter();
        down.map(|(why, places)| (on_clocks(why, zone), places.as_slice()))
    }
}

/// Why a service is not awake, and what to do about that. A service that changes just now is not known to stay down.
fn stays_down(row: &PlanRow, now: Timestamp) -> Option<String> {
    let is_changing =
        matches!(row.step, Step::Busy { .. }) || matches!(row.resource.status, Status::Other(_));
    match row.desired_state {
        Some(State::Off) => {
            let tag = row.resource.tags.get(FORCE_DOWN_TAG);
            let until = tag.and_then(|value| value.trim().parse::<Timestamp>().ok());
            let rule = row.want_rule.as_deref().unwrap_or(&row.why);
            Some(match until.filter(|until| now < *until) {
                Some(_) => format!("{rule} by its tag {FORCE_DOWN_TAG}; remove the tag to wake it"),
                None => rule.to_owned(),
            })
        }
        _ if row.resource.desired == 0 && !row.step.is_up() && !is_changing => {
            Some(format!("{}; set its count by hand", row.why))
        }
        _ => None,
    }
}
