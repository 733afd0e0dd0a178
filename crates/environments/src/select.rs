//! Which resources may be changed, by which schedule, and why the others may not.
//!
//! A resource is selected if it has opted in, is in an allowed account, and nothing forbids it. A pattern that denies always
//! wins. Each exclusion has its reason, because a service that unexpectedly stays awake raises as many questions as one that
//! unexpectedly sleeps.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use schedule::{Context, Overrides, Schedule, State, Syntax};
use std::collections::BTreeMap;

use crate::backup_tag::{ASLEEP_TAG, BackupTag};
use crate::config::{Config, looks_like_production};
use crate::mistyped_tags::mistyped;
use crate::request_index::RequestIndex;
use crate::resource::{Capacity, PROTECTED_TAG, Resource, Status};
use crate::schedule_overrides::{OverrideRequest, UnclearSource};
use crate::schedule_state::ScheduleState;

/// What a tag may say to mean the default schedule.
const DEFAULT_WORDS: [&str; 4] = ["", "default", "true", "yes"];

/// What is added about a service that has a backup tag or a record of a sleep, where it may not be touched any more: what is
/// left of that sleep. `was` is what it had before, where that is known.
pub(crate) fn left_of_sleep(resource: &Resource, was: Option<Capacity>) -> String {
    if resource.desired == 0 {
        return "; it sleeps and is left asleep: select it again, or set its count by hand and remove the tag \
                deploy-hooks:asleep"
            .to_owned();
    }
    match was.filter(|was| has_bounds_of_sleep(resource, *was)) {
        Some(was) => format!(
            "; it runs at {}, with the bounds of its sleep, and had {was}: select it again, or restore its bounds by \
             hand and remove the tag deploy-hooks:asleep",
            resource.level()
        ),
        None => {
            "; it runs, although its tag deploy-hooks:asleep says that it sleeps: remove the tag"
                .to_owned()
        }
    }
}

/// [`left_of_sleep`] of a service that has a backup tag.
fn tagged_as_asleep(resource: &Resource) -> Option<String> {
    let value = resource.tags.get(ASLEEP_TAG)?;
    let was = BackupTag::parse(value).map(|backup| backup.level);
    Some(left_of_sleep(resource, was))
}

/// Whether a resource is selected.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// It is ours.
    Selected(SelectedResource),
    /// It has not opted in, or not any more; nothing else speaks against it.
    Unselected {
        /// Why.
        why: String,
        /// Whether somebody should look at it: its tag says that it sleeps.
        attention: bool,
        /// Whether its backup tag says that it sleeps: where that is so, it is left asleep.
        left_asleep: bool,
    },
    /// Its schedule says off, and perhaps somebody asked for the opposite: it is left as it is until what
    /// can't be understood is corrected.
    UnclearOverride {
        /// What is unclear, and what would be right.
        why: String,
        /// Whether that is a tag of its own, and not what may be about any service.
        own: bool,
    },
    /// It has opted in, and nobody knows when it should run: its schedule can't be read.
    UnreadableSchedule {
        /// What can't be read, and what would be right.
        why: String,
    },
    /// It is ours, and can't be stopped; what of it sleeps already is restored all the same.
    Unstoppable {
        /// Why.
        why: String,
        /// Its schedule.
        selected: SelectedResource,
    },
    /// It must not be touched.
    Skipped {
        /// Why.
        why: String,
        /// Whether somebody should look at it: it has opted in, or sleeps.
        attention: bool,
        /// Whether its backup tag says that it sleeps: where that is so, it is left asleep.
        left_asleep: bool,
    },
}

/// Whether it still has the bounds that were set for the sleep of what had `was`.
pub(crate) fn has_bounds_of_sleep(resource: &Resource, was: Capacity) -> bool {
    resource.scaling == resource.asleep(was).scaling && resource.scaling != was.scaling
}

/// A service that is ours, and what its schedule wants.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedResource {
    /// When it is on.
    pub schedule: Arc<Schedule>,
    /// Where that stands: the tag, the rule.
    pub source: Arc<str>,
    /// What people asked for.
    pub overrides: Overrides,
    /// What its schedule and what people asked for come to now.
    pub scheduled: ScheduleState,
    /// When somebody last asked for it to be awake, where that holds now.
    pub asked_up_at: Option<Timestamp>,
    /// What of its tags could not be understood, and does not matter just now.
    pub remark: Option<String>,
    /// Something that was asked for can't be read; it may be to keep it up.
    pub is_unclear: bool,
    /// What else somebody should know: of the schedule, and of tags that nobody reads.
    pub notes: Vec<String>,
}

/// A schedule, or why it can't be read.
type ReadSchedule = Result<Arc<Schedule>, String>;

/// Selects. Schedules and what they want are worked out once for all services that share them.
#[derive(Debug)]
pub struct Selector<'a> {
    config: &'a Config,
    asked: RequestIndex<'a>,
    now: Timestamp,
    named: BTreeMap<String, String>,
    /// By the configured key of an imported tag (none is our own tag) and the value.
    schedules: HashMap<(Option<&'a str>, String), ReadSchedule>,
    rules: Vec<(Arc<Schedule>, Arc<str>)>,
    states: HashMap<(usize, [Option<Timestamp>; 3]), ScheduleState>,
}

impl<'a> Selector<'a> {
    /// A selector for one instant.
    pub fn new(config: &'a Config, requests: &'a [OverrideRequest], now: Timestamp) -> Self {
        let own = |named: &&crate::config::NamedSchedule| named.syntax == Syntax::Windows;
        let named = config
            .schedules
            .iter()
            .filter(|(_, named)| own(named))
            .map(|(name, named)| (name.clone(), named.schedule.to_string()))
            .collect();
        let rules = config.services.iter().enumerate().map(|(index, rule)| {
            let source = format!("rule {} of the configuration: {}", index + 1, rule.schedule);
            (Arc::new(rule.schedule.clone()), source.into())
        });
        Self {
            config,
            asked: RequestIndex::new(requests),
            now,
            named,
            schedules: HashMap::new(),
            rules: rules.collect(),
            states: HashMap::new(),
        }
    }

    /// Selects one.
    pub fn choose(&mut self, resource: &Resource) -> Selection {
        let opted = self.opted_in(resource);
        if let Some(why) = self.refusal(resource) {
            return Self::skipped(resource, why, opted.is_some());
        }
        let Some(opted) = opted else {
            let mut why = format!("not selected: no tag {} and no rule", self.config.tag);
            let mistyped = mistyped(resource, self.config);
            let tagged = tagged_as_asleep(resource);
            let left_asleep = tagged.is_some();
            let attention = left_asleep || mistyped.is_some();
            if let Some(mistyped) = mistyped {
                why = format!("{why}; {mistyped}");
            }
            why.extend(tagged);
            return Selection::Unselected {
                why,
                attention,
                left_asleep,
            };
        };
        match (self.selected(resource, opted), &resource.unstoppable) {
            (Selection::Selected(selected), Some(why)) => {
                let why = why.clone();
                Selection::Unstoppable { why, selected }
            }
            (choice, _) => choice,
        }
    }

    fn selected(&mut self, resource: &Resource, opted: OptIn<'a>) -> Selection {
        let (overrides, unclear) = match self.asked.of(resource) {
            Ok(overrides) => (overrides, None),
            Err(unclear) => (unclear.rest, Some(unclear.what)),
        };
        // Who wants it down in so many words is stronger than any keeping up.
        let forced = overrides
            .force_down_until
            .is_some_and(|until| self.now < until);
        let (schedule, source) = match self.schedule(resource, opted) {
            Ok(found) => found,
            Err(why) if forced => return Selection::UnclearOverride { why, own: true },
            Err(why) => return Selection::UnreadableSchedule { why },
        };
        let scheduled = self.state_of(&schedule, &overrides);
        // Perhaps it was asked to be kept up: so it is not stopped, and is woken all the same.
        if scheduled.state == State::Off
            && !forced
            && let Some(unclear) = unclear
        {
            let (why, own) = (unclear.to_string(), unclear != UnclearSource::Request);
            return Selection::UnclearOverride { why, own };
        }
        // What is no fault of this service is reported once, and not beside each.
        let is_unclear = unclear.is_some();
        let remark = unclear.filter(|what| *what != UnclearSource::Request);
        let mut notes = schedule.remarks().to_vec();
        notes.extend(mistyped(resource, self.config));
        Selection::Selected(SelectedResource {
            notes,
            schedule,
            source,
            overrides,
            scheduled,
            asked_up_at: self.asked.asked_up_at(resource, self.now),
            remark: remark.map(|what| what.to_string()),
            is_unclear,
        })
    }

    /// Its schedule, and where that stands.
    fn schedule(
        &mut self,
        resource: &Resource,
        opted: OptIn<'a>,
    ) -> Result<(Arc<Schedule>, Arc<str>), String> {
        match opted {
            OptIn::Rule(index) => Ok(self.rules[index].clone()),
            OptIn::Own => {
                let key = &self.config.tag;
                let value = &resource.tags[key];
                let schedule = self
                    .read((None, value), |this| this.of_own_tag(value.trim()))
                    .map_err(|why| format!("the tag {key} says {value:?}: {why}"))?;
                Ok((schedule, format!("tag {key}: {value}").into()))
            }
            OptIn::Imported(configured) => self.imported(resource, configured),
        }
    }

    /// By the tag of another tool, which is read as that tool reads it: names of our schedules are no names
    /// to it, and what is blank counts.
    fn imported(
        &mut self,
        resource: &Resource,
        configured: &'a str,
    ) -> Result<(Arc<Schedule>, Arc<str>), String> {
        let config = self.config;
        let found = config
            .imported(&resource.tags)
            .expect("whoever has opted in by a tag has it");
        let (key, value) = (found.key, found.value);
        if let Some(other) = found.contradicted_by {
            return Err(format!(
                "the tags {key} and {other} say different things, and which of them {} takes first is not known \
                 here; remove one",
                found.imported.syntax
            ));
        }
        let schedule = self
            .read((Some(configured), value), |this| {
                let context = Context {
                    policy: found.imported.policy.as_ref(),
                    ..this.context()
                };
                let read = Schedule::parse_as(found.imported.syntax, value, &context);
                read.map(Arc::new).map_err(|error| error.to_string())
            })
            .map_err(|why| format!("the tag {key} says {value:?}: {why}"))?;
        Ok((schedule, format!("tag {key}: {value}").into()))
    }

    fn skipped(resource: &Resource, mut why: String, opted_in: bool) -> Selection {
        let tagged = tagged_as_asleep(resource);
        let left_asleep = tagged.is_some();
        why.extend(tagged);
        Selection::Skipped {
            why,
            attention: opted_in || left_asleep,
            left_asleep,
        }
    }

    /// What forbids touching it, whatever its tags say.
    fn refusal(&self, resource: &Resource) -> Option<String> {
        let (config, place) = (self.config, resource.place());
        let protected = resource.tags.get(PROTECTED_TAG);
        // As IAM compares: any value but this one protects.
        if protected.is_some_and(|value| value != "false") {
            return Some(format!("its tag {PROTECTED_TAG} protects it"));
        }
        let (cluster, name) = (resource.cluster.as_str(), resource.name.as_str());
        if !config
            .accounts
            .iter()
            .any(|account| account == resource.account())
        {
            return Some(format!(
                "account {:?} is not allowed in the configuration",
                resource.account()
            ));
        }
        if !config.regions.is_empty()
            && !config
                .regions
                .iter()
                .any(|region| region == resource.region())
        {
            return Some(format!(
                "region {} is not allowed in the configuration",
                resource.region()
            ));
        }
        let has_cluster = resource.kind.has_cluster();
        if has_cluster
            && !config.clusters.is_empty()
            && config.clusters.find_name(cluster).is_none()
        {
            return Some(format!(
                "cluster {cluster} is not among the clusters of the configuration"
            ));
        }
        let denied = config.deny.find(cluster, name);
        if let Some(glob) = denied.or_else(|| config.deny.find_name(cluster)) {
            return Some(format!(
                "denied by {:?} in the configuration",
                glob.to_string()
            ));
        }
        if let Some(word) = self.production(resource) {
            return Some(format!(
                "{place} looks like production ({word:?}); if it isn't, name it under not_production"
            ));
        }
        impossible(resource)
    }

    /// A service's name alone says nothing of the clusters in which there may be one of that name.
    fn production(&self, resource: &Resource) -> Option<String> {
        let (known, cluster) = (&self.config.not_production, resource.cluster.as_str());
        let name = looks_like_production(&resource.name)
            .filter(|_| known.find(cluster, &resource.name).is_none());
        name.or_else(|| {
            looks_like_production(cluster).filter(|_| {
                known.find_place(cluster, &resource.name).is_none()
                    && known.find_name(cluster).is_none()
            })
        })
    }

    /// Our tag comes first, then those of other tools, then the rules of the configuration.
    fn opted_in(&self, resource: &Resource) -> Option<OptIn<'a>> {
        let config = self.config;
        if resource.tags.contains_key(&config.tag) {
            return Some(OptIn::Own);
        }
        if let Some(found) = config.imported(&resource.tags) {
            return Some(OptIn::Imported(found.configured));
        }
        let rule = config.services.iter().position(|rule| {
            rule.matching
                .find(&resource.cluster, &resource.name)
                .is_some()
        });
        rule.map(OptIn::Rule)
    }

    fn read(
        &mut self,
        (tag, value): (Option<&'a str>, &str),
        anew: impl FnOnce(&Self) -> Result<Arc<Schedule>, String>,
    ) -> Result<Arc<Schedule>, String> {
        let key = (tag, value.to_owned());
        if let Some(known) = self.schedules.get(&key) {
            return known.clone();
        }
        let read = anew(self);
        self.schedules.insert(key, read.clone());
        read
    }

    fn context(&self) -> Context<'_> {
        Context {
            default_zone: self.config.zone.as_deref(),
            named: Some(&self.named),
            policy: None,
        }
    }

    /// What our own tag says: a schedule's name, a word for the default one, or windows.
    fn of_own_tag(&self, value: &str) -> Result<Arc<Schedule>, String> {
        let config = self.config;
        let means_default = DEFAULT_WORDS.contains(&value.to_ascii_lowercase().as_str());
        let name = if means_default {
            config.default_schedule.as_deref().ok_or_else(|| {
                "there is no default_schedule in the configuration; name a schedule or write a window"
                    .to_owned()
            })?
        } else {
            value
        };
        if let Some(named) = config.schedules.get(name) {
            return Ok(Arc::new(named.schedule.clone()));
        }
        let read = Schedule::parse_as(Syntax::Windows, name, &self.context());
        read.map(Arc::new).map_err(|error| error.to_string())
    }

    fn state_of(&mut self, schedule: &Arc<Schedule>, overrides: &Overrides) -> ScheduleState {
        // The schedule lives as long as this selector, so its address is its name.
        let key = (
            Arc::as_ptr(schedule) as usize,
            [
                overrides.force_down_until,
                overrides.keep_up_until,
                overrides.snoozed_until,
            ],
        );
        let (calendar, now) = (&self.config.calendar, self.now);
        self.states
            .entry(key)
            .or_insert_with(|| ScheduleState::of(schedule, calendar, overrides, now))
            .clone()
    }
}

/// How a service has opted in.
#[derive(Clone, Copy)]
enum OptIn<'a> {
    /// By our own tag.
    Own,
    /// By a tag of another tool, which the configuration names by this key.
    Imported(&'a str),
    /// By a rule of the configuration.
    Rule(usize),
}

/// What AWS refuses, or manages itself.
fn impossible(resource: &Resource) -> Option<String> {
    let why = match &resource.status {
        Status::Draining => "it is being deleted (DRAINING)",
        Status::Inactive => "it was deleted (INACTIVE)",
        _ if resource.daemon => "a DAEMON service has no count: one task runs on each instance",
        _ if resource.managed_by_express => "an Express service is managed by ECS itself",
        _ => return None,
    };
    Some(why.to_owned())
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
