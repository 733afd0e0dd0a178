//! The team's configuration: schedules, selection, guard rails, tiers and prices, checked and typed.
//!
//! Everything that can be known to be wrong without AWS is found here, when the file is read, with its
//! place in it. What must never happen: a production service that is selected by a typo, a key that is
//! ignored, a schedule that means something else than what was written.

mod decode;
mod glob;
mod imported;
mod keys;
mod load;
mod people;
mod production;
mod regions;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use schedule::{Calendar, Schedule, Syntax};
use serde::Serialize;
use strict_yaml::{Document, Problem, Problems};

pub use self::glob::{Glob, Globs};
pub use self::imported::ImportedSyntax;
pub use self::load::{ConfigError, load};
pub use self::people::{Notifications, People, Permissions, SlackApp};
pub use self::production::looks_like_production;

/// How problems speak of the file.
const FILE: Document = Document {
    noun: "configuration",
    begin: "write a configuration: version, accounts, schedules",
    split: "keep the file to what people need to read; a configuration is a page or two",
};

/// A loaded configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The accounts that may be touched at all; never empty.
    pub accounts: Vec<String>,
    /// The regions that may be touched; empty: wherever the function runs.
    pub regions: Vec<String>,
    /// The clusters that are looked at; empty: all.
    pub clusters: Globs,
    /// The zone of windows that name none.
    pub zone: Option<String>,
    /// The named schedules.
    pub schedules: BTreeMap<String, NamedSchedule>,
    /// For services whose tag says `default` or is empty.
    pub default_schedule: Option<String>,
    /// The holidays.
    pub calendar: Calendar,
    /// The key of the opt-in tag.
    pub tag: String,
    /// Keys of other tools' tags, and their grammars.
    pub import_tags: BTreeMap<String, ImportedSyntax>,
    /// What is selected without a tag; the first that matches counts.
    pub services: Vec<Rule>,
    /// What is never touched.
    pub deny: Globs,
    /// Exact names that look like production and aren't.
    pub not_production: Globs,
    /// In the order in which they wake.
    pub tiers: Vec<Tier>,
    /// How long the next tier waits for this one to be healthy.
    pub healthy_within: SignedDuration,
    /// How long a deployment in progress defers a sleep.
    pub defer_deadline: SignedDuration,
    /// How long before a sleep the notice is sent.
    pub notice: SignedDuration,
    /// For the savings.
    pub prices: Prices,
    /// How fast AWS may be asked.
    pub rate: Rate,
    /// Which other kinds are looked at.
    pub also: OtherKinds,
    /// Who gets messages, and who may ask for something.
    pub people: People,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Problem>,
}

/// A named schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSchedule {
    /// Its grammar.
    pub syntax: Syntax,
    /// As it was read.
    pub schedule: Schedule,
}

/// Services that need no tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Which.
    pub matching: Globs,
    /// The schedule.
    pub schedule: Schedule,
}

/// Services that wake together, after those of the tiers before.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// For people.
    pub name: String,
    /// Which.
    pub matching: Globs,
}

/// What a running task costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prices {
    /// For people.
    pub currency: String,
    /// A vCPU for an hour.
    pub vcpu_hour: f64,
    /// A GB of memory for an hour.
    pub gb_hour: f64,
}

/// A token bucket of AWS, and how much of it is ours.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Changes of services at once.
    pub burst: u32,
    /// Changes of services a second after that.
    pub per_second: f64,
    /// The part of both that a run begins with. It takes more while nobody else seems to want it.
    pub share: f64,
}

/// Patterns over the names of other kinds; a kind without a pattern is not even looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtherKinds {
    /// RDS instances that belong to no cluster.
    pub rds_instances: Globs,
    /// Aurora clusters.
    pub rds_clusters: Globs,
    /// EC2 Auto Scaling groups.
    pub auto_scaling_groups: Globs,
}

/// Fargate on Linux and x86 in us-east-1, in November 2025. <https://aws.amazon.com/fargate/pricing/>
impl Default for Prices {
    fn default() -> Self {
        Self {
            currency: "USD".to_owned(),
            vcpu_hour: 0.040_48,
            gb_hour: 0.004_445,
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            burst: 50,
            per_second: 5.0,
            share: 0.8,
        }
    }
}

/// The calendar files that a configuration names, by their names there: their bytes, or why they can't be read.
pub type Files = BTreeMap<String, Result<Vec<u8>, String>>;

impl Config {
    /// Reads a configuration. `source` is the name that stands before each problem; `files` are the
    /// calendars that it names ([`calendar_files`]).
    pub fn parse(source: &str, text: &str, files: &Files) -> Result<Self, Problems> {
        decode::config(source, text, files)
    }

    /// The tier of a service, in the order of waking, and its name. What no tier names wakes last.
    pub fn tier(&self, cluster: &str, name: &str) -> (usize, &str) {
        let tiers = &self.tiers;
        match tiers
            .iter()
            .position(|tier| tier.matching.find(cluster, name).is_some())
        {
            Some(index) => (index, &tiers[index].name),
            None => (tiers.len(), "rest"),
        }
    }
}

/// The names of the calendar files that a configuration needs; none where it can't be read.
pub fn calendar_files(text: &str) -> Vec<String> {
    decode::calendar_files(text)
}
