//! What is, as it was read from AWS: plain data, so that everything that decides is a pure function.

use std::collections::BTreeMap;
use std::fmt;

use common::arn::{Arn, Place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The key of the tag that protects from any change, whatever its value is but `false`. IAM denies by it, too.
pub const PROTECTED_TAG: &str = "deploy-hooks:protected";

/// What can sleep.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An ECS service: its count goes to zero.
    #[default]
    EcsService,
    /// An RDS instance that belongs to no cluster: it is stopped. Its count is 1 or 0.
    RdsInstance,
    /// An Aurora cluster: it is stopped as a whole. Its count is 1 or 0.
    RdsCluster,
    /// An EC2 Auto Scaling group: its minimum and its desired capacity go to zero.
    AutoScalingGroup,
}

/// One thing that can sleep, as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// Its ARN, which names the account and the region.
    pub arn: String,
    /// What stands before the slash in `cluster/name`: the name of its ECS cluster, or the prefix of its kind.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// How many tasks are wanted.
    pub desired: u32,
    /// How many run.
    pub running: u32,
    /// How many are being started.
    pub pending: u32,
    /// How many exist and cost without being of use: they start, drain, wait, or stand by.
    pub not_in_service: u32,
    /// Whether it lives.
    pub status: Status,
    /// One task on each instance: ECS refuses a count for it.
    pub daemon: bool,
    /// An Express service, which ECS manages itself (`resourceManagementType=ECS`).
    pub managed_by_express: bool,
    /// Why stopping it would be refused, or would not stop what runs.
    pub unstoppable: Option<String>,
    /// An Auto Scaling group whose warm pool has room for all that its maximum leaves: what the group
    /// does not run, the pool would.
    pub pool_fills_up: bool,
    /// What its desired capacity counts.
    #[serde(skip)]
    pub capacity_unit: CapacityUnit,
    /// The deployment controller: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    pub controller: String,
    /// ARN of the task definition; empty for other kinds.
    pub task_definition: String,
    /// Since when a deployment is in progress.
    pub deploying_since: Option<Timestamp>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its scalable target, if it has one.
    pub scaling: Option<Scaling>,
    /// Its scheduled actions, where some may have been due while it slept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ScheduledAction>,
    /// What a task takes, if that is known.
    pub size: Option<TaskSize>,
    /// When it was made: a service of the same name that was made later is another one.
    pub created_at: Option<Timestamp>,
}

/// What the desired capacity of a resource counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CapacityUnit {
    /// Tasks or instances.
    #[default]
    Part,
    /// Of an Auto Scaling group: weights, vCPUs or memory, of which an instance may have several.
    Weight,
}

/// Whether a service lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It can be changed.
    #[default]
    Active,
    /// It is being deleted.
    Draining,
    /// It was deleted.
    Inactive,
    /// Anything else, in AWS's words: a database that is being changed.
    Other(String),
}

/// Bounds of Application Auto Scaling, or of an Auto Scaling group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scaling {
    /// Not less than this.
    pub min: u32,
    /// Not more than this.
    pub max: u32,
    /// What is suspended.
    #[serde(default)]
    pub suspended: ScalingSuspension,
}

/// What of Application Auto Scaling is suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScalingSuspension {
    /// Scaling in by policies.
    pub dynamic_in: bool,
    /// Scaling out by policies.
    pub dynamic_out: bool,
    /// Scheduled actions.
    pub scheduled: bool,
}

/// A scheduled action of Application Auto Scaling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    /// `at(…)`, `cron(…)` or `rate(…)`.
    pub schedule: String,
    /// The zone of that; none: UTC.
    pub zone: Option<String>,
    /// It is not due before.
    pub begins: Option<Timestamp>,
    /// It is not due after.
    pub ends: Option<Timestamp>,
    /// When it was made.
    pub made: Option<Timestamp>,
    /// The minimum that it sets.
    pub min: Option<u32>,
    /// The maximum that it sets.
    pub max: Option<u32>,
}

/// What one task takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSize {
    /// 1024 are a vCPU.
    pub cpu_units: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
}

/// What of a service is taken and given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capacity {
    /// The count.
    pub desired: u32,
    /// Bounds and suspensions, where there is a scalable target.
    pub scaling: Option<Scaling>,
}

impl Resource {
    /// What of it would be taken.
    pub fn level(&self) -> Capacity {
        Capacity {
            desired: self.desired,
            scaling: self.scaling,
        }
    }

    /// `cluster/name`: what patterns match and people read.
    pub fn place(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }

    /// The account in its ARN.
    pub fn account(&self) -> &str {
        Arn::parse(&self.arn).map_or("", |arn| arn.account)
    }

    /// The region in its ARN.
    pub fn region(&self) -> &str {
        Arn::parse(&self.arn).map_or("", |arn| arn.region)
    }

    /// The account and the region in its ARN.
    pub fn home(&self) -> Place {
        Place {
            account: self.account().to_owned(),
            region: self.region().to_owned(),
        }
    }

    /// The CloudFormation stack that made it, if one did.
    pub fn stack(&self) -> Option<&str> {
        self.tags
            .get("aws:cloudformation:stack-name")
            .map(String::as_str)
    }

    /// How many of it exist, and cost.
    pub fn present(&self) -> u32 {
        let pending = self.pending.saturating_add(self.not_in_service);
        self.running.saturating_add(pending)
    }

    /// Whether as many run as are wanted, and nothing is in progress.
    pub fn is_healthy(&self) -> bool {
        self.running >= self.desired && self.pending == 0 && self.deploying_since.is_none()
    }
}

impl ScalingSuspension {
    /// All three.
    pub const ALL: Self = Self {
        dynamic_in: true,
        dynamic_out: true,
        scheduled: true,
    };

    /// `i`, `o` and `s` for what is suspended, `-` for what isn't: `---`, `ios`.
    pub fn letters(self) -> String {
        [
            (self.dynamic_in, 'i'),
            (self.dynamic_out, 'o'),
            (self.scheduled, 's'),
        ]
        .map(|(on, letter)| if on { letter } else { '-' })
        .iter()
        .collect()
    }

    /// Reads what [`ScalingSuspension::letters`] writes, and nothing else.
    pub fn from_letters(text: &str) -> Option<Self> {
        let letters: Vec<char> = text.chars().collect();
        let [dynamic_in, dynamic_out, scheduled] = letters.as_slice() else {
            return None;
        };
        let read = |letter: char, on: char| match letter {
            '-' => Some(false),
            letter if letter == on => Some(true),
            _ => None,
        };
        Some(Self {
            dynamic_in: read(*dynamic_in, 'i')?,
            dynamic_out: read(*dynamic_out, 'o')?,
            scheduled: read(*scheduled, 's')?,
        })
    }
}

impl Scaling {
    /// Whether Application Auto Scaling would leave this count alone.
    pub fn allows(&self, desired: u32) -> bool {
        (self.min..=self.max).contains(&desired)
    }

    /// Where Application Auto Scaling pulls this count to.
    pub fn clamp(&self, desired: u32) -> u32 {
        desired.clamp(self.min, self.max.max(self.min))
    }
}

/// `3`, `3 (2-6)`, `0 (0-6, suspended)`: for people.
impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.desired)?;
        let Some(scaling) = self.scaling else {
            return Ok(());
        };
        write!(f, " ({}-{}", scaling.min, scaling.max)?;
        match scaling.suspended {
            ScalingSuspension::ALL => f.write_str(", suspended)"),
            some if some != ScalingSuspension::default() => {
                write!(f, ", suspended {})", some.letters())
            }
            _ => f.write_str(")"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_account_and_region() {
        let resource = Resource {
            arn: "arn:aws:ecs:eu-central-1:111122223333:service/dev/shop".into(),
            ..Resource::default()
        };
        assert_eq!(
            (resource.account(), resource.region()),
            ("111122223333", "eu-central-1")
        );
        assert_eq!(Resource::default().account(), "");
    }

    #[test]
    fn suspensions_have_three_letters() {
        let partly = ScalingSuspension {
            dynamic_in: true,
            dynamic_out: false,
            scheduled: true,
        };
        assert_eq!(partly.letters(), "i-s");
        assert_eq!(ScalingSuspension::from_letters("i-s"), Some(partly));
        for wrong in ["", "ii-", "-io", "----", "s--"] {
            assert_eq!(ScalingSuspension::from_letters(wrong), None, "{wrong:?}");
        }
    }
}
