//! What did not run, and about what that would have cost: vCPU- and GB-hours times the prices of the configuration. It is
//! reported as an estimate: Spot, Savings Plans and shared instances have other prices.

use std::collections::HashMap;
use std::hash::BuildHasher;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::condition::Condition;
use crate::config::Prices;
use crate::plan::Plan;
use crate::sleep_record::{Phase, SleepRecord};

/// What was saved.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Savings {
    /// Hours of one vCPU.
    pub vcpu_hours: f64,
    /// Hours of one GB of memory.
    pub gb_hours: f64,
    /// By the prices of the configuration.
    pub money: f64,
    /// Its currency.
    pub currency: String,
    /// Services that slept.
    #[serde(rename = "services")]
    pub resources: usize,
    /// Services that slept and of which it isn't known what they take; not in the sums.
    pub unknown: usize,
}

/// Which sleeps are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedSleeps {
    /// Those that end with this plan: each sleep is counted once, so these can be summed up as metrics.
    Ending,
    /// Those that last, until now.
    Lasting,
}

/// What the sleeps of a plan have saved.
pub fn savings<S: BuildHasher>(
    plan: &Plan,
    records: &HashMap<String, SleepRecord, S>,
    prices: &Prices,
    which: CountedSleeps,
) -> Savings {
    let mut savings = Savings {
        currency: prices.currency.clone(),
        ..Savings::default()
    };
    for row in &plan.rows {
        let Some(record) = records.get(&row.resource.arn) else {
            continue;
        };
        let ends = row.step.is_up();
        // What was stopped and runs on saves nothing.
        let costs = row.condition.as_ref().is_some_and(Condition::costs);
        let began = match record.phase {
            Phase::Down => Some(record.since),
            // An earlier run has begun to wake it, and this one ends that.
            Phase::GoingUp if ends => record.slept_since,
            _ => None,
        };
        if let Some(began) = began
            && !costs
            && ends == (which == CountedSleeps::Ending)
        {
            savings.add(record, (began, plan.at), prices);
        }
    }
    savings
}

impl Savings {
    fn add(&mut self, record: &SleepRecord, (began, now): (Timestamp, Timestamp), prices: &Prices) {
        self.resources += 1;
        let began = record.ran_on.map_or(began, |ran| ran.max(began));
        let slept = now.duration_since(began).max(SignedDuration::ZERO);
        let saved = record.was.as_ref();
        let Some((tasks, size)) = saved.and_then(|was| Some((was.level.desired, was.size?))) else {
            self.unknown += 1;
            return;
        };
        let task_hours = f64::from(tasks) * slept.as_secs_f64() / 3_600.0;
        let vcpu_hours = task_hours * f64::from(size.cpu_units) / 1_024.0;
        let gb_hours = task_hours * f64::from(size.memory_mib) / 1_024.0;
        self.vcpu_hours += vcpu_hours;
        self.gb_hours += gb_hours;
        self.money += vcpu_hours * prices.vcpu_hour + gb_hours * prices.gb_hour;
    }
}

/// `about 12.34 USD (100.0 vCPU-hours, 200.0 GB-hours) of 7 services`
impl std::fmt::Display for Savings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "about {:.2} {} ({:.1} vCPU-hours, {:.1} GB-hours) of {}",
            self.money,
            self.currency,
            self.vcpu_hours,
            self.gb_hours,
            strict_yaml::words::count(self.resources, "service"),
        )?;
        match self.unknown {
            0 => Ok(()),
            some => write!(f, "; {some} of unknown size not counted"),
        }
    }
}
